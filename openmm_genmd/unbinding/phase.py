"""A moment of a simulation of a complex: `Phase`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Phase:
    """A moment of a walker, of a pull, of any MD.

    Attributes
    ----------
    positions_nm, velocities_nm_per_ps
        ``(n_particles, 3)`` float64, nm and nm/ps.
    centres_nm
        ``(n_tokens, 3)``, where the springs' centres are, nm; None: they are slack.

    Examples
    --------
    >>> Phase(np.zeros((2, 3)), np.zeros((2, 3))).centres_nm is None
    True
    """

    positions_nm: Array
    velocities_nm_per_ps: Array
    centres_nm: Array | None = None
