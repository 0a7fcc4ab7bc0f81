"""Weights of a `BlockTransformer` as arrays, for one molecule: `MoleculeWeights`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from openmm_genmd.models.torsion_encoder import EncoderLayer, kind_and_type
from openmm_genmd.representations.torsion_tokens import TOKEN_KINDS

if TYPE_CHECKING:
    from openmm_genmd.models.block_transformer import BlockTransformer
    from openmm_genmd.models.torsion_encoder import PairBias
    from openmm_genmd.representations.torsion_tokens import TorsionTokens

Array = NDArray[np.float64]
Dense = tuple[Array, Array]
"""Matrix ``(inputs, outputs)`` and bias ``(outputs,)``."""


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One layer of the encoder.

    Attributes
    ----------
    query, key_value, out, up, down
        Its matrices and biases; queries are scaled.
    bias
        ``(heads, n, n)``, of attention.

    Examples
    --------
    See `MoleculeWeights`.
    """

    query: Dense
    key_value: Dense
    out: Dense
    up: Dense
    down: Dense
    bias: Array


@dataclass(frozen=True, eq=False)
class MoleculeWeights:
    """Everything about a network that does not depend on values of torsions; all float64.

    Attributes
    ----------
    heads
        Of all attention.
    embedding
        ``(n, width)``, of the torsions.
    unknown
        ``(width,)``, for torsions of the block.
    kept, drawn
        ``(n, features, width)`` and ``(n, features, hidden)``: what features of its value add for
        each torsion.
    layers
        Of the encoder.
    query_key, content, value, base, heard, steps, logits
        Of the decoder; queries are scaled. ``heard`` has no bias.
    listening
        ``(heads, n, n)``.
    marginal
        ``(n, nodes)``: added to the logits.

    Examples
    --------
    Made by `unpack`.
    """

    heads: int
    embedding: Array
    unknown: Array
    kept: Array
    drawn: Array
    layers: tuple[LayerWeights, ...]
    query_key: Dense
    content: Dense
    value: Dense
    base: Dense
    heard: Array
    steps: tuple[tuple[Dense, Dense], ...]
    logits: Dense
    listening: Array
    marginal: Array


@torch.no_grad()
def unpack(model: BlockTransformer, tokens: TorsionTokens) -> MoleculeWeights:
    """Copies of the present weights for the torsions of a molecule."""
    kinds, residues = torch.as_tensor(tokens.kinds), torch.as_tensor(tokens.residues)
    types, variants = torch.as_tensor(tokens.residue_types), torch.as_tensor(tokens.variants)
    ends, free = torch.as_tensor(tokens.from_ends), torch.as_tensor(tokens.free_ends)
    vectors = model.embedding(kinds[None], types[None], variants[None], ends[None], free[None])[0]

    width = model.config.width

    def pairs(bias: PairBias) -> Array:
        return _array(bias(kinds[None], residues[None])[0])

    def by_kind(table: torch.Tensor) -> Array:
        return _array(table.view(len(TOKEN_KINDS), -1, table.shape[1])[kinds])

    return MoleculeWeights(
        heads=model.config.heads,
        embedding=_array(vectors),
        unknown=_array(model.unknown),
        kept=by_kind(model.kept),
        drawn=by_kind(model.drawn),
        layers=tuple(
            _layer(layer, pairs(layer.bias), width)
            for layer in model.layers
            if isinstance(layer, EncoderLayer)
        ),
        query_key=_scaled(_dense(model.query_key), width, model.config.heads),
        content=_dense(model.content),
        value=_dense(model.value),
        base=_dense(model.base),
        heard=_dense(model.heard)[0],
        steps=tuple(
            (_dense(up), _dense(down)) for up, down in zip(model.ups, model.downs, strict=True)
        ),
        logits=_dense(model.logits),
        listening=pairs(model.listening),
        marginal=_array(model.marginal(kind_and_type(kinds, types))),
    )


def _layer(layer: EncoderLayer, bias: Array, width: int) -> LayerWeights:
    matrix, offset = _scaled(_dense(layer.qkv), width, layer.heads)
    return LayerWeights(
        query=(matrix[:, :width], offset[:width]),
        key_value=(matrix[:, width:], offset[width:]),
        out=_dense(layer.out),
        up=_dense(layer.up),
        down=_dense(layer.down),
        bias=bias,
    )


def _scaled(dense: Dense, width: int, heads: int) -> Dense:
    """The first outputs, which are queries, divided as dot-product attention demands."""
    scale = np.ones(len(dense[1]))
    scale[:width] = (heads / width) ** 0.5
    return np.ascontiguousarray(dense[0] * scale), dense[1] * scale


def _dense(layer: torch.nn.Module) -> Dense:
    weight, bias = layer.weight, layer.bias
    matrix = np.ascontiguousarray(_array(weight).T)
    return matrix, np.zeros(matrix.shape[1]) if bias is None else _array(bias)


def _array(tensor: object) -> Array:
    return np.array(tensor.detach().cpu().numpy(), dtype=np.float64)  # type: ignore[attr-defined]
