"""Batches of points of a `TorusFlow` in plain NumPy: `BatchFlow`.

Drawing inverts an autoregressive transform torsion by torsion. Here each torsion's step evaluates
its own knots only, the first torsion's knots once for all points, and the density is had from the
last step, where torch and zuko evaluate all knots each time and everything once more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.models.circular_spline import (
    inverse_rational_quadratic,
    parameter_limits,
    rational_quadratic,
)
from openmm_genmd.models.spline_layers import SplineLayer, spline_layers

if TYPE_CHECKING:
    from openmm_genmd.models.torus_flow import TorusFlow

_Array = NDArray[np.float64]
_TURN = 2.0 * math.pi


class BatchFlow:
    """The flow of a `TorusFlow`, without its uniform part, as the model was when this was made.

    Parameters
    ----------
    layers
        In the order in which the density is evaluated.
    bins
        As in the model's configuration.

    Examples
    --------
    >>> from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
    >>> flow = BatchFlow.from_model(TorusFlow(TorusFlowConfig(n_torsions=2)))
    >>> angles, log_jacobian = flow.from_base(np.array([[0.3, -1.0]]), None)
    >>> log_jacobian.round(12).tolist()  # untrained: it turns the circle by pi, twice
    [0.0]
    """

    def __init__(self, layers: tuple[SplineLayer, ...], bins: int) -> None:
        self._layers, self._bins = layers, bins
        self._limits = parameter_limits(bins)

    @classmethod
    def from_model(cls, model: TorusFlow) -> BatchFlow:
        """Copy the model's present weights."""
        return cls(spline_layers(model), model.config.bins)

    def from_base(self, base_rad: _Array, context: _Array | None) -> tuple[_Array, _Array]:
        """Angles ``(n, d)`` in [-pi, pi] rad, and the log Jacobian ``(n,)`` of the way back.

        Parameters
        ----------
        base_rad
            ``(n, d)`` in [-pi, pi].
        context
            The current torsions, ``(n, d)`` or ``(1, d)``, rad; None if unconditional.
        """
        angles, log_jacobian = base_rad, np.zeros(len(base_rad))
        for layer in reversed(self._layers):
            images, angles = angles, np.zeros_like(angles)
            features = _features(layer, angles, context)
            d = len(layer.order)
            for place, n in enumerate(layer.order):
                # Without a context the first torsion depends on nothing.
                shared = place == 0 and context is None
                knots = self._knots(layer, n, features[:1] if shared else features)
                angles[:, n], jacobian = self._descend(knots, images[:, n])
                log_jacobian += np.log(jacobian)
                features[:, n], features[:, d + n] = np.cos(angles[:, n]), np.sin(angles[:, n])
        return angles, log_jacobian

    def to_base(self, angles_rad: _Array, context: _Array | None) -> tuple[_Array, _Array]:
        """Images ``(n, d)`` of angles ``(n, d)`` rad, and the log Jacobian ``(n,)`` there."""
        images, log_jacobian = angles_rad, np.zeros(len(angles_rad))
        with np.errstate(invalid="ignore"):  # a density of lost particles is not a number
            for layer in self._layers:
                angles, images = images, np.empty_like(images)
                features = _features(layer, angles, context)
                for n in layer.order:
                    knots = self._knots(layer, n, features)
                    images[:, n], jacobian = self._climb(knots, angles[:, n])
                    log_jacobian += np.log(jacobian)
        return images, log_jacobian

    def _knots(self, layer: SplineLayer, n: int, features: _Array) -> _Array:
        """Bin edges and slopes of torsion n, ``(3, points, bins + 1)``, edges from 0 to 1."""
        hidden = features
        for weight, bias in layer.dense[:-1]:
            hidden = hidden @ weight.T
            hidden += bias
            np.tanh(hidden, out=hidden)
        weight, bias = layer.dense[-1]
        own = slice(n * len(self._limits), (n + 1) * len(self._limits))
        raw = hidden @ weight[own].T
        raw += bias[own]
        raw /= 1.0 + np.abs(raw) * self._limits
        np.exp(raw, out=raw)
        knots = np.zeros((3, len(raw), self._bins + 1))
        sizes = raw[:, : 2 * self._bins].reshape(-1, 2, self._bins).transpose(1, 0, 2)
        np.cumsum(sizes, axis=-1, out=knots[:2, :, 1:])
        knots[:2] /= knots[:2, :, -1:]
        knots[2] = 1.0
        knots[2, :, 1:-1] = raw[:, 2 * self._bins :]
        return knots

    def _climb(self, knots: _Array, x_rad: _Array) -> tuple[_Array, _Array]:
        """Images and derivatives ``(n,)``; see `_circular_spline` of one point for the formula."""
        place = np.remainder(x_rad / _TURN, 1.0)
        (x0, x1), (y0, y1), (d0, d1) = _bin(knots, place, axis=0)
        s = (y1 - y0) / (x1 - x0)
        rise, jacobian = rational_quadratic((place - x0) / (x1 - x0), s, d0, d1)
        return math.pi * (2.0 * (y0 + (y1 - y0) * rise) - 1.0), jacobian

    def _descend(self, knots: _Array, y_rad: _Array) -> tuple[_Array, _Array]:
        """Angles ``(n,)`` that `_climb` leads to given images, and the derivatives of `_climb`."""
        level = y_rad / _TURN + 0.5
        (x0, x1), (y0, y1), (d0, d1) = _bin(knots, level, axis=1)
        s = (y1 - y0) / (x1 - x0)
        z = inverse_rational_quadratic((level - y0) / (y1 - y0), s, d0, d1)
        place = x0 + (x1 - x0) * z
        return _TURN * (place - np.round(place)), rational_quadratic(z, s, d0, d1)[1]


def _features(layer: SplineLayer, angles_rad: _Array, context: _Array | None) -> _Array:
    n, d = angles_rad.shape
    parts = [np.cos(angles_rad), np.sin(angles_rad)]
    if context is not None:
        both = np.concatenate((np.cos(context), np.sin(context)), axis=1)
        parts.append(np.broadcast_to(both, (n, both.shape[1])))
    if layer.constant:
        parts.append(np.ones((n, d)))
    return np.concatenate(parts, axis=1)


def _bin(knots: _Array, place: _Array, axis: int) -> _Array:
    """Knots ``(3, 2, n)`` at both ends of the bins in which the places are, by one of the axes."""
    edges = knots[axis, :, 1:-1]
    k = (edges < place[:, None]).sum(axis=1)
    rows = np.arange(len(place)) if len(edges) > 1 else np.zeros(len(place), dtype=np.intp)
    return np.stack((knots[:, rows, k], knots[:, rows, k + 1]), axis=1)
