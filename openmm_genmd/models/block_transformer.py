"""Density of any torsions of a peptide given any others: `BlockTransformer`."""

from __future__ import annotations

import math
from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from openmm_genmd.models.circular_b_spline import TURN, bump_heights
from openmm_genmd.models.torsion_encoder import (
    HARMONICS,
    N_KINDS,
    N_TYPES,
    EncoderLayer,
    PairBias,
    TokenEmbedding,
    angle_features,
    kind_and_type,
    zero_embedding,
)


class BlockTransformerConfig(BaseModel):
    """Architecture of a `BlockTransformer`; stored in its checkpoint.

    Attributes
    ----------
    width
        Channels of a torsion.
    heads
        Of all attention; divides the width.
    layers
        Of the encoder of the torsions that are kept.
    hidden_features
        Width inside the networks that act on single torsions.
    decoder_layers
        Networks between what is known about a torsion and its density.
    nodes
        Of the spline on the circle.
    reach
        Residues that are further apart than this along the chain count as this far.
    dropout
        While training: share of what the encoder's layers add that is left out.
    uniform_fraction
        Weight in [0, 1] of the uniform component of a block's density. It reaches every
        conformation, so that a badly trained model costs acceptance, not correctness.

    Examples
    --------
    >>> BlockTransformerConfig().nodes
    36
    >>> BlockTransformerConfig(width=10, heads=4)
    Traceback (most recent call last):
        ...
    pydantic_core._pydantic_core.ValidationError: ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(default=64, ge=1)
    heads: int = Field(default=4, ge=1)
    layers: int = Field(default=3, ge=1)
    hidden_features: int = Field(default=128, ge=1)
    decoder_layers: int = Field(default=2, ge=1)
    nodes: int = Field(default=36, ge=4)
    reach: int = Field(default=4, ge=1)
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    uniform_fraction: float = Field(default=0.1, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads = {self.heads}, got {self.width}")
        return self


class BlockTransformer(nn.Module):
    """Conditional densities of torsions: of any block of them, given any of the others.

    An encoder sees all torsions of the molecule and the values of those that are kept. A torsion of
    the block then has a density that depends on what the encoder says of it and on the values of
    the block's torsions before it, in the order of `TorsionTokens.order`; their product is the
    density of the block. It is a spline on the circle; see `circular_b_spline`. How much a torsion
    listens to each of those before it does not depend on their values, so that one run of the
    encoder serves all candidates of a leap.

    Parameters
    ----------
    config
        The architecture.
    seed
        Of the initial weights. A new model is the uniform density whatever the seed.

    References
    ----------
    Uria et al., A Deep and Tractable Density Estimator, ICML 2014 (any order); Vaswani et al.,
    Attention Is All You Need, NeurIPS 2017.

    Examples
    --------
    >>> from openmm_genmd.models.block_density import MoleculeDensity
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.representations.torsions import TorsionRepresentation
    >>> from openmm_genmd.representations.torsion_tokens import TorsionTokens
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> tokens = TorsionTokens.of(TorsionRepresentation.from_topology(topology))
    >>> density = MoleculeDensity(BlockTransformer(BlockTransformerConfig()), tokens)
    >>> import numpy as np
    >>> psi_given_phi = density.block([1])
    >>> psi_given_phi.log_prob_numpy(np.zeros((1, 1)), np.ones((1, 1))).round(3).tolist()
    [-1.838]
    """

    def __init__(self, config: BlockTransformerConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.width, config.hidden_features
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.embedding = TokenEmbedding(width)
            self.kept = _of_values(width)
            self.drawn = _of_values(hidden)
            self.unknown = nn.Parameter(torch.zeros(width))
            self.layers = nn.ModuleList(
                EncoderLayer(
                    width,
                    config.heads,
                    hidden_features=hidden,
                    reach=config.reach,
                    dropout=config.dropout,
                )
                for _ in range(config.layers)
            )
            self.norm = nn.LayerNorm(width, elementwise_affine=False)
            self.query_key = nn.Linear(width, 2 * width)
            self.listening = PairBias(config.heads, config.reach)
            self.content = nn.Linear(width, hidden)
            self.value = nn.Linear(hidden, width)
            self.base = nn.Linear(width, width)
            self.heard = nn.Linear(width, width, bias=False)
            self.ups = nn.ModuleList(nn.Linear(width, hidden) for _ in range(config.decoder_layers))
            self.downs = nn.ModuleList(
                nn.Linear(hidden, width) for _ in range(config.decoder_layers)
            )
            self.logits = nn.Linear(width, config.nodes)
            self.marginal = zero_embedding(N_KINDS * N_TYPES, config.nodes)
        torch.nn.init.zeros_(self.logits.weight)
        torch.nn.init.zeros_(self.logits.bias)

    def forward(
        self,
        torsions_rad: Tensor,
        ranks: Tensor,
        kinds: Tensor,
        residue_types: Tensor,
        variants: Tensor,
        residues: Tensor,
        from_ends: Tensor,
        free_ends: Tensor,
        exists: Tensor,
    ) -> Tensor:
        """Log densities ``(B, n)`` of single torsions; 0 for those that are kept.

        Parameters
        ----------
        torsions_rad
            Values, ``(B, n)``, rad.
        ranks
            ``(B, n)`` int64: places of the torsions of the block in their order, -1 for those that
            are kept.
        kinds, residue_types, variants, residues
            ``(B, n)`` int64; see `TorsionTokens`.
        from_ends, free_ends
            ``(B, n, 2)`` int64 and ``(B, 2)`` bool; see `TorsionTokens`.
        exists
            ``(B, n)`` bool; False for padding.
        """
        features = _by_kind(angle_features(torsions_rad), kinds)
        in_block = (ranks >= 0) & exists
        x = self.embedding(kinds, residue_types, variants, from_ends, free_ends)
        x = x + torch.where(in_block[..., None], self.unknown, features @ self.kept)
        for layer in self.layers:
            x = layer(x, kinds, residues, exists)
        x = self.norm(x)
        logits = self._decode(x, features, ranks, in_block, kinds, residues)
        logits = logits + self.marginal(kind_and_type(kinds, residue_types))
        return torch.where(in_block, _log_spline(logits, torsions_rad), 0.0)

    def _decode(
        self,
        x: Tensor,
        features: Tensor,
        ranks: Tensor,
        in_block: Tensor,
        kinds: Tensor,
        residues: Tensor,
    ) -> Tensor:
        heads = self.config.heads
        content = (self.content(x) + features @ self.drawn).relu()
        values = self.value(content).unflatten(-1, (heads, -1))
        q, k = (part.unflatten(-1, (heads, -1)) for part in self.query_key(x).chunk(2, dim=-1))
        scores = torch.einsum("bihc,bjhc->bhij", q, k) / math.sqrt(q.shape[-1])
        gates = (scores + self.listening(kinds, residues)).sigmoid()
        earlier = (ranks[:, None, :] < ranks[:, :, None]) & in_block[:, None, :]
        gates = gates * earlier[:, None]
        heard = torch.einsum("bhij,bjhc->bihc", gates, values).flatten(-2)
        h = self.base(x) + self.heard(heard)
        for up, down in zip(self.ups, self.downs, strict=True):
            h = h + down(up(h).relu())
        logits: Tensor = self.logits(h)
        return logits


def _by_kind(features: Tensor, kinds: Tensor) -> Tensor:
    """Each kind of torsion has its own columns, ``(B, n, n_kinds * features)``."""
    chosen = nn.functional.one_hot(kinds, N_KINDS).to(features.dtype)
    return (chosen[..., None] * features[..., None, :]).flatten(-2)


def _of_values(width: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(N_KINDS * 2 * HARMONICS, width))


def _log_spline(logits: Tensor, angles_rad: Tensor) -> Tensor:
    nodes = logits.shape[-1]
    place = torch.remainder((angles_rad + math.pi) * (nodes / TURN), nodes)
    left = place.floor()
    heights = torch.stack(bump_heights(place - left), dim=-1)
    index = (left[..., None].long() + torch.arange(-1, 3, device=logits.device)) % nodes
    log_weights = logits.log_softmax(dim=-1).gather(-1, index)
    log_heights = heights.clamp(min=1e-30).log()
    return (log_weights + log_heights).logsumexp(dim=-1) + math.log(nodes / TURN)
