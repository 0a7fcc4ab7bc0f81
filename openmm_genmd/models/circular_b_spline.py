"""Densities on the circle as cubic B-splines with positive coefficients; numbers and arrays.

Such a density is a mixture of bumps on evenly spaced nodes. It is normalised by construction,
smooth, and drawn from without an inverse: a node, and the sum of four uniform numbers around it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Array = NDArray[np.float64]

TURN = 2.0 * math.pi
REACH = 4
"""Bumps that overlap anywhere, and uniform numbers whose sum has the density of one."""


def bump_heights(t: Any) -> tuple[Any, Any, Any, Any]:
    """Give the four bumps that overlap between two nodes, at a place between these.

    Parameters
    ----------
    t
        Distance from the node on the left, in spacings of the nodes, from 0 to 1. A float, an
        array or a tensor.

    Returns
    -------
    Of the bumps on the node before the left one, on the left one, on the right one and on the next,
    in units of their area over the spacing. They add up to 1.

    References
    ----------
    Unser, IEEE Signal Process. Mag. 16(6), 22 (1999), eq. 8.

    Examples
    --------
    >>> [round(6 * height, 12) for height in bump_heights(0.0)]
    [1.0, 4.0, 1.0, 0.0]
    """
    tt = t * t
    ttt = tt * t
    last = ttt / 6.0
    right = (1.0 + 3.0 * (t + tt - ttt)) / 6.0
    left = (4.0 - 6.0 * tt + 3.0 * ttt) / 6.0
    return 1.0 - left - right - last, left, right, last


def spline_density(weights: _Array, angles_rad: _Array) -> _Array:
    """Density ``(n,)`` with respect to the angle, of angles ``(n,)`` in rad; 2 pi periodic.

    Parameters
    ----------
    weights
        ``(n, nodes)`` or ``(1, nodes)``, positive, of any sum: of bumps on nodes evenly spaced from
        -pi.
    angles_rad
        NaN gives NaN.

    Examples
    --------
    >>> weights = np.array([[1.0, 2.0, 1.0, 3.0, 1.0, 1.0]])
    >>> places = np.linspace(-np.pi, np.pi, 600, endpoint=False)
    >>> float((spline_density(weights, places).mean() * 2 * np.pi).round(9))
    1.0
    """
    nodes = weights.shape[1]
    place = np.remainder((angles_rad + math.pi) * (nodes / TURN), nodes)
    left = np.nan_to_num(place).astype(np.intp)
    rows = np.arange(len(place)) if len(weights) > 1 else 0
    heights = bump_heights(place - left)
    total = sum(heights[k] * weights[rows, (left + (k - 1)) % nodes] for k in range(REACH))
    return np.asarray(total * (nodes / TURN) / weights.sum(axis=1))


def draw_spline(weights: _Array, uniform: _Array) -> _Array:
    """Angles ``(n,)`` in rad, in [-pi - 2 spacings, pi + spacing), with the density of the spline.

    Parameters
    ----------
    weights
        ``(n, nodes)`` or ``(1, nodes)``; see `spline_density`.
    uniform
        ``(n, 1 + REACH)`` uniform random numbers in [0, 1).

    Examples
    --------
    >>> one_node = np.eye(36)[18:19]
    >>> angles = draw_spline(one_node, np.random.default_rng(1).random((1000, 5)))
    >>> bool((np.abs(angles) < 2 * 2 * np.pi / 36).all())
    True
    """
    nodes = weights.shape[1]
    edges = np.cumsum(weights, axis=1)
    level = uniform[:, :1] * edges[:, -1:]
    # Rounding may lift a level to the last edge.
    node = np.minimum((edges <= level).sum(axis=1), nodes - 1)
    place = node + uniform[:, 1:].sum(axis=1) - 0.5 * REACH
    return np.asarray(place * (TURN / nodes) - math.pi)
