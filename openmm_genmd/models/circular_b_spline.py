"""Densities on the circle as cubic B-splines with positive coefficients: `bump_heights`.

Such a density is a mixture of bumps on evenly spaced nodes. It is normalised by construction,
smooth, and drawn from without an inverse: a node, and the sum of four uniform numbers around it.
"""

from __future__ import annotations

import math
from typing import Any

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
