"""Flow times of the rows of a batch: `spread_times`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spread_times(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Times ``(n,)`` in [0, 1), each uniform, at equal distances, which makes losses less noisy.

    Parameters
    ----------
    n
        Rows of the batch.
    rng
        Of one number, the first time.

    References
    ----------
    Kingma et al., Variational Diffusion Models, NeurIPS 2021, appendix I.1.

    Examples
    --------
    >>> times = spread_times(4, np.random.default_rng(0))
    >>> np.diff(np.sort(times)).round(6).tolist()
    [0.25, 0.25, 0.25]
    """
    return np.asarray((rng.random() + np.arange(n) / n) % 1.0)
