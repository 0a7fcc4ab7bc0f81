"""The rational-quadratic spline of a `TorusFlow`: formulas for numbers and for arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LOG_SLOPE = -math.log(1e-3)
"""zuko's soft limit on spline parameters: slopes between 1e-3 and 1e3."""


def parameter_limits(bins: int) -> NDArray[np.float64]:
    """Inverse limits ``(3 bins - 1,)`` of widths, heights and inner slopes.

    A parameter p of the network means exp(p / (1 + |limit p|)), for widths and heights up to
    their sum.
    """
    return np.array([2.0 / _LOG_SLOPE] * (2 * bins) + [1.0 / _LOG_SLOPE] * (bins - 1))


def rational_quadratic(z: Any, s: Any, d0: Any, d1: Any) -> tuple[Any, Any]:
    """How far a bin has been climbed, from 0 to 1, and the derivative there.

    Parameters
    ----------
    z
        How much of the bin's width lies behind, from 0 to 1. Floats or arrays, like the others.
    s
        Height over width of the bin.
    d0, d1
        Derivatives at its ends.

    References
    ----------
    Durkan et al., Neural Spline Flows, NeurIPS 2019, eqs. 4 and 5.
    """
    zz = z * (1.0 - z)
    below = s + (d0 + d1 - 2.0 * s) * zz
    jacobian = s * s * (2.0 * s * zz + d0 * (1.0 - z) ** 2 + d1 * z * z) / (below * below)
    return (s * z * z + d0 * zz) / below, jacobian


def inverse_rational_quadratic(rise: Any, s: Any, d0: Any, d1: Any) -> Any:
    """Give the z of `rational_quadratic` that leads to a rise.

    References
    ----------
    Durkan et al., Neural Spline Flows, NeurIPS 2019, eqs. 6-8, divided by the bin's height.
    """
    bend = (d0 + d1 - 2.0 * s) * rise
    a, b, c = s - d0 + bend, d0 - bend, -s * rise
    return 2.0 * c / (-b - (b * b - 4.0 * a * c) ** 0.5)
