"""A `BlockTransformer` in plain NumPy: `KeptContext`, `encode_kept`, `draw_block`.

One run of the encoder for a leap, then as many candidates as wanted: a few dozen tiny products of
matrices, for which torch takes several times as long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.models.block_weights import Dense, LayerWeights, MoleculeWeights
from openmm_genmd.models.circular_b_spline import draw_spline, spline_density
from openmm_genmd.models.torsion_encoder import HARMONICS
from openmm_genmd.models.torus_flow import wrap

Array = NDArray[np.float64]

_EPSILON = 1e-5  # of torch's layer norm
_MULTIPLES = np.arange(1.0, HARMONICS + 1)


@dataclass(frozen=True, eq=False)
class KeptContext:
    """What the encoder says about the m torsions of a block, in the order in which they are drawn.

    Attributes
    ----------
    base
        ``(m, width)``, where the decoder begins.
    content
        ``(m, hidden)``, what is said about a torsion to those after it, besides its value.
    drawn
        ``(m, features, hidden)``, what features of its value add.
    gates
        ``(m, m, width)``: how much the first listens to the second, 0 unless that comes before.
    marginal
        ``(m, nodes)``, added to the logits.

    Examples
    --------
    Made by `encode_kept`.
    """

    base: Array
    content: Array
    drawn: Array
    gates: Array
    marginal: Array


def encode_kept(
    weights: MoleculeWeights, block: NDArray[np.intp], kept: NDArray[np.intp], kept_rad: Array
) -> KeptContext:
    """Run the encoder.

    Parameters
    ----------
    weights
        Of the molecule.
    block, kept
        Numbers of the torsions, the block's in the order in which they are drawn.
    kept_rad
        Values of those that are kept, rad.
    """
    x = weights.embedding.copy()
    x[block] += weights.unknown
    x[kept] += (_features(kept_rad)[:, None, :] @ weights.kept[kept])[:, 0]
    for layer in weights.layers[:-1]:
        x = _encode(layer, x, slice(None), weights.heads)
    x = _normalized(_encode(weights.layers[-1], x, block, weights.heads))
    m, width = x.shape
    query_key = _apply(weights.query_key, x).reshape(m, 2, weights.heads, -1)
    query, key = query_key.transpose(1, 2, 0, 3)
    scores = query @ key.transpose(0, 2, 1) + weights.listening[:, block[:, None], block]
    gates = np.tril(1.0 / (1.0 + np.exp(-scores)), -1)
    channels = width // weights.heads
    return KeptContext(
        base=_apply(weights.base, x),
        content=_apply(weights.content, x),
        drawn=weights.drawn[block],
        gates=np.repeat(gates.transpose(1, 2, 0), channels, axis=2),
        marginal=weights.marginal[block],
    )


def draw_block(
    weights: MoleculeWeights,
    context: KeptContext,
    uniform: Array,
    given: Array,
    take: NDArray[np.bool_],
) -> tuple[Array, Array]:
    """Angles ``(n, m)`` in [-pi, pi) rad and their log densities ``(n,)``, uniform part left out.

    Parameters
    ----------
    weights, context
        The network and what it says.
    uniform
        ``(n, m, 1 + REACH)`` random numbers in [0, 1).
    given
        ``(n, m)``, rad: values that are taken instead of drawn ones, and only weighed.
    take
        ``(n,)`` bool: for which candidates.
    """
    n, m, _ = uniform.shape
    angles, log_density = np.empty((n, m)), np.zeros(n)
    values = np.empty((m, n, context.base.shape[1]))
    for j in range(m):
        heard = None if j == 0 else np.einsum("iw,inw->nw", context.gates[j, :j], values[:j])
        bumps = _bumps(weights, context.base[j], heard, context.marginal[j])
        drawn = wrap(draw_spline(bumps, uniform[:, j]))
        angles[:, j] = np.where(take, given[:, j], drawn)
        log_density += np.log(spline_density(bumps, angles[:, j]))
        if j + 1 < m:
            values[j] = _value(weights, context.content[j], context.drawn[j], angles[:, j])
    return angles, log_density


def weigh_block(weights: MoleculeWeights, context: KeptContext, angles_rad: Array) -> Array:
    """Log densities ``(n,)`` of angles ``(n, m)`` in rad, uniform part left out, in one pass."""
    n, m = angles_rad.shape
    columns = angles_rad.T
    values = _value(weights, context.content[:, None], context.drawn, columns)
    heard = np.einsum("jiw,inw->jnw", context.gates, values)
    bumps = _bumps(weights, context.base[:, None], heard, context.marginal[:, None])
    densities = spline_density(bumps.reshape(n * m, -1), columns.reshape(-1))
    return np.asarray(np.log(densities).reshape(m, n).sum(axis=0))


def _encode(layer: LayerWeights, x: Array, rows: NDArray[np.intp] | slice, heads: int) -> Array:
    """Vectors of some rows after a layer."""
    n, width = x.shape
    normal = _normalized(x)
    query = _apply(layer.query, normal[rows]).reshape(-1, heads, width // heads)
    key, value = _apply(layer.key_value, normal).reshape(n, 2, heads, -1).transpose(1, 2, 0, 3)
    scores = query.transpose(1, 0, 2) @ key.transpose(0, 2, 1) + layer.bias[:, rows]
    attention = np.exp(scores - scores.max(axis=-1, keepdims=True))
    attention /= attention.sum(axis=-1, keepdims=True)
    seen = (attention @ value).transpose(1, 0, 2).reshape(-1, width)
    x = x[rows] + _apply(layer.out, seen)
    return np.asarray(_apply(layer.down, _relu(_apply(layer.up, _normalized(x)))) + x)


def _bumps(weights: MoleculeWeights, base: Array, heard: Array | None, marginal: Array) -> Array:
    """Coefficients ``(..., nodes)`` of splines, of any sum."""
    h = base[None] if heard is None else base + heard @ weights.heard
    for up, down in weights.steps:
        h = _apply(down, _relu(_apply(up, h))) + h
    logits = _apply(weights.logits, h) + marginal
    logits -= logits.max(axis=-1, keepdims=True)
    return np.asarray(np.exp(logits, out=logits))


def _value(weights: MoleculeWeights, content: Array, drawn: Array, angles_rad: Array) -> Array:
    return _apply(weights.value, _relu(_features(angles_rad) @ drawn + content))


def _features(angles_rad: Array) -> Array:
    multiples = angles_rad[..., None] * _MULTIPLES
    return np.concatenate((np.cos(multiples), np.sin(multiples)), axis=-1)


def _normalized(x: Array) -> Array:
    centred = x - x.sum(axis=1, keepdims=True) / x.shape[1]
    variance = np.einsum("ij,ij->i", centred, centred) / x.shape[1]
    centred /= np.sqrt(variance + _EPSILON)[:, None]
    return np.asarray(centred)


def _apply(dense: Dense, x: Array) -> Array:
    y = x @ dense[0]
    y += dense[1]
    return np.asarray(y)


def _relu(x: Array) -> Array:
    return np.asarray(np.maximum(x, 0.0, out=x))
