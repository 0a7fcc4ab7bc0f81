"""An orientation that turns with the receptor: `receptor_frames`, `align_on_receptor`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.representations.superposition import superpose

Array = NDArray[np.float64]

_SEED = 20_252


def receptor_frames(positions: NDArray[Any], is_receptor: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Rotations ``(n, 3, 3)``, rows are the axes, and centres ``(n, 3)`` of conformations.

    The axes are orthonormalised sums of the receptor's atoms about their centre, with fixed random
    weights by number. So they turn with the receptor, are the same for the same receptor, and are
    well defined for symmetric ones too, whose principal axes are not.

    Parameters
    ----------
    positions
        ``(n, m, 3)``, any unit.
    is_receptor
        ``(m,)``: three atoms at least that are not in line.

    Raises
    ------
    ValueError
        If the receptor's atoms are in line.

    Examples
    --------
    >>> corner = np.array([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]])
    >>> quarter_turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    >>> all_of_it = np.ones(4, dtype=bool)
    >>> before, _ = receptor_frames(corner, all_of_it)
    >>> after, _ = receptor_frames(corner @ quarter_turn.T, all_of_it)
    >>> bool(np.allclose(after, before @ quarter_turn.T))
    True
    """
    receptor = np.asarray(positions, dtype=np.float64)[:, is_receptor]
    centres = receptor.mean(axis=1)
    weights = np.random.default_rng(_SEED).standard_normal((receptor.shape[1], 2))
    first, other = np.moveaxis(np.einsum("nmx,mk->nkx", receptor - centres[:, None], weights), 1, 0)
    third = np.cross(first, other)
    sizes = [np.linalg.norm(v, axis=-1, keepdims=True) for v in (first, other, third)]
    if not (sizes[2] > 1e-4 * sizes[0] * sizes[1]).all():
        raise ValueError(
            "the receptor's atoms are in line or in one place, so that it has no orientation; "
            "check the positions"
        )
    first, third = first / sizes[0], third / sizes[2]
    return np.stack([first, np.cross(third, first), third], axis=1), centres


def align_on_receptor(
    positions: NDArray[Any], reference: NDArray[Any], is_receptor: NDArray[np.bool_]
) -> Array:
    """Conformations ``(n, f, m, 3)``, float64, each superposed on its reference's receptor.

    Parameters
    ----------
    positions
        ``(n, f, m, 3)``, any unit.
    reference
        ``(n, m, 3)``.
    is_receptor
        ``(m,)``: by which atoms.
    """
    n, f, m = positions.shape[:3]
    targets = np.repeat(np.asarray(reference, dtype=np.float64)[:, None], f, axis=1)
    mask = np.broadcast_to(is_receptor, (n * f, m))
    moved = superpose(
        np.asarray(positions, dtype=np.float64).reshape(n * f, m, 3),
        targets.reshape(n * f, m, 3),
        mask,
    )
    return moved.reshape(n, f, m, 3)
