"""Optimal superposition of many conformations at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def superpose(
    moving: NDArray[Any], reference: NDArray[Any], mask: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Points ``(n, m, 3)``, float64, turned and shifted to the least RMSD from the reference.

    Parameters
    ----------
    moving, reference
        ``(n, m, 3)``, conformations in pairs; any unit.
    mask
        ``(n, m)``: which points count, at least one of each pair. All are moved.

    References
    ----------
    Kabsch, Acta Cryst. A 34, 827 (1978).

    Examples
    --------
    >>> square = np.array([[[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]])
    >>> quarter_turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    >>> back = superpose(square @ quarter_turn + 5.0, square, np.ones((1, 4), dtype=bool))
    >>> bool(np.abs(back - square).max() < 1e-12)
    True
    """
    weights = mask[..., None] / mask.sum(axis=1)[:, None, None]
    centre = (weights * moving).sum(axis=1, keepdims=True)
    target = (weights * reference).sum(axis=1, keepdims=True)
    u, _, v = np.linalg.svd(np.swapaxes(weights * (moving - centre), 1, 2) @ (reference - target))
    # No reflection: where it would fit better, the axis of least spread is turned back.
    u[:, :, 2] *= np.sign(np.linalg.det(u @ v))[:, None]
    return np.asarray((moving - centre) @ (u @ v) + target)
