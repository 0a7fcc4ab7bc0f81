"""Weights of a `TorusFlow` as arrays: `SplineLayer`, `spline_layers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from openmm_genmd.models.torus_flow import TorusFlow

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class SplineLayer:
    """One autoregressive layer.

    Attributes
    ----------
    dense
        Weights (mask applied) and biases of its network, in order.
    constant
        Whether a constant stands in for torsions to depend on.
    order
        Numbers of the torsions; the knots of each depend on those before it.
    """

    dense: tuple[tuple[_Array, _Array], ...]
    constant: bool
    order: tuple[int, ...]


def spline_layers(model: TorusFlow) -> tuple[SplineLayer, ...]:
    """Copies of the present weights, in the order in which the density is evaluated."""
    return tuple(
        SplineLayer(
            tuple((_array(m.weight * m.mask), _array(m.bias)) for m in layer.hyper if _is_dense(m)),
            layer.constant,
            layer.order,
        )
        for layer in model.spline_layers()
    )


def _is_dense(module: object) -> bool:
    return hasattr(module, "mask")


def _array(tensor: object) -> _Array:
    return np.array(tensor.detach().cpu().numpy())  # type: ignore[attr-defined]
