"""One-point evaluation of a `TorusFlow` in plain NumPy, some ten times faster than torch.

Each jump needs the density at one new point. A network call on one point through torch and zuko
costs about a millisecond, nearly all of it fixed cost per operation. Here the weights are unpacked
once, the networks run as a handful of matrix-vector products, and the rest is scalar arithmetic.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.models.circular_spline import parameter_limits, rational_quadratic
from openmm_genmd.models.spline_layers import SplineLayer, spline_layers

if TYPE_CHECKING:
    from openmm_genmd.models.torus_flow import TorusFlow

_Array = NDArray[np.float64]


class PointDensity:
    """Log density of a `TorusFlow` at single points, as the model was when this was made.

    Parameters
    ----------
    layers
        In the order in which the density is evaluated.
    n_torsions, bins
        As in the model's configuration.
    uniform_fraction
        Weight of the uniform component.

    Examples
    --------
    >>> import numpy as np
    >>> from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
    >>> point = PointDensity.from_model(TorusFlow(TorusFlowConfig(n_torsions=1)))
    >>> float(round(point(np.array([0.3]), None) / np.log(2 * np.pi), 12))
    -1.0
    """

    def __init__(
        self, layers: tuple[SplineLayer, ...], n_torsions: int, bins: int, uniform_fraction: float
    ) -> None:
        self._layers = layers
        self._shape = (n_torsions, 3 * bins - 1)
        self._bins = bins
        self._fraction = uniform_fraction
        self._log_uniform = -n_torsions * math.log(2.0 * math.pi)
        self._limits = parameter_limits(bins)

    @classmethod
    def from_model(cls, model: TorusFlow) -> PointDensity:
        """Copy the model's present weights."""
        config = model.config
        layers = spline_layers(model)
        return cls(layers, config.n_torsions, config.bins, config.uniform_fraction)

    def __call__(self, angles: _Array, context: _Array | None) -> float:
        """Log density at angles ``(d,)`` rad, given the current torsions ``(d,)`` rad or None.

        NaN for angles that are not finite.
        """
        x = angles.tolist()
        given = [] if context is None else [*np.cos(context).tolist(), *np.sin(context).tolist()]
        if not (math.isfinite(sum(x)) and math.isfinite(sum(given))):
            return math.nan
        jacobian = 1.0
        for layer in self._layers:
            features = [*map(math.cos, x), *map(math.sin, x), *given]
            x, factor = self._splines(_knots(layer, features), x)
            jacobian *= factor
        return self._log_uniform + math.log((1.0 - self._fraction) * jacobian + self._fraction)

    def _splines(self, knots: _Array, x: list[float]) -> tuple[list[float], float]:
        knots = knots.reshape(self._shape)
        limit = np.abs(knots)
        limit *= self._limits
        limit += 1.0
        knots /= limit
        positive = np.exp(knots, out=knots)
        widths = positive[:, : 2 * self._bins].reshape(-1, 2, self._bins)
        edges = np.add.accumulate(widths, axis=-1)
        slopes = positive[:, 2 * self._bins :].tolist()
        y, jacobian = [], 1.0
        for value, (right, top), inner in zip(x, edges.tolist(), slopes, strict=True):
            moved, factor = _circular_spline(value, right, top, inner)
            y.append(moved)
            jacobian *= factor
        return y, jacobian


def _knots(layer: SplineLayer, features: list[float]) -> _Array:
    hidden = np.array([*features, 1.0] if layer.constant else features)
    last = len(layer.dense) - 1
    # In-place operations and ndarray.dot: on such small arrays calls cost, not flops.
    for i, (weight, bias) in enumerate(layer.dense):
        hidden = weight.dot(hidden)
        hidden += bias
        if i < last:
            np.tanh(hidden, out=hidden)
    return hidden


def _circular_spline(
    x: float, right: list[float], top: list[float], slopes: list[float]
) -> tuple[float, float]:
    """Image in [-pi, pi] of an angle, and the derivative there.

    ``right`` and ``top`` are the cumulated, not yet normalised bin widths and heights, ``slopes``
    the derivatives at inner knots; it is 1 at the ends, which makes the circle smooth.
    """
    # Turning the circle by pi moves the fixed point from ±pi to 0, in units of one turn.
    scaled = (x / (2.0 * math.pi)) % 1.0 * right[-1]
    k = min(bisect_left(right, scaled), len(right) - 1)
    x0, y0 = (right[k - 1], top[k - 1]) if k > 0 else (0.0, 0.0)
    d0 = slopes[k - 1] if k > 0 else 1.0
    d1 = slopes[k] if k < len(slopes) else 1.0
    width, height = (right[k] - x0) / right[-1], (top[k] - y0) / top[-1]
    z = (scaled - x0) / (right[k] - x0)
    rise, jacobian = rational_quadratic(z, height / width, d0, d1)
    return math.pi * (2.0 * (y0 / top[-1] + height * rise) - 1.0), jacobian
