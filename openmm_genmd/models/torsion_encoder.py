"""What a network knows about the torsions of a peptide: `TokenEmbedding`, `EncoderLayer`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from openmm_genmd.representations.residue_types import RESIDUE_TYPES
from openmm_genmd.representations.torsion_tokens import MOST_FROM_END, TOKEN_KINDS, VARIANTS

HARMONICS = 3
"""Cosines and sines of this many multiples of an angle tell the network its value."""

_BOOST = 8.0
"""Entries of a table are seen rarely; this makes them learn as fast as other weights."""

N_KINDS, N_TYPES = len(TOKEN_KINDS), len(RESIDUE_TYPES)


class TokenEmbedding(nn.Module):
    """Vectors of torsions from their kind, residue and place in the chain.

    Parameters
    ----------
    width
        Of the vectors.

    Examples
    --------
    >>> one, ends = torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, 1, 2, dtype=torch.int64)
    >>> TokenEmbedding(8)(one, one, one, ends, torch.zeros(1, 2, dtype=torch.bool)).shape
    torch.Size([1, 1, 8])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kind = nn.Embedding(N_KINDS, width)
        self.residue_type = nn.Embedding(N_TYPES, width)
        # What is rare or absent in the training data begins, and then stays, at zero.
        self.pair = zero_embedding(N_KINDS * N_TYPES, width)
        self.variant = zero_embedding(N_TYPES * VARIANTS, width)
        self.ends = nn.ModuleList(zero_embedding(MOST_FROM_END + 1, width) for _ in range(2))
        self.free_ends = nn.Parameter(torch.zeros(2, width))

    def forward(
        self,
        kinds: Tensor,
        residue_types: Tensor,
        variants: Tensor,
        from_ends: Tensor,
        free_ends: Tensor,
    ) -> Tensor:
        """Vectors ``(B, n, width)``; see `BlockTransformer.forward` for the arguments."""
        first, last = self.ends
        vectors: Tensor = (
            self.kind(kinds)
            + self.residue_type(residue_types)
            + self.pair(kind_and_type(kinds, residue_types))
            + self.variant(residue_types * VARIANTS + variants)
            + first(from_ends[..., 0])
            + last(from_ends[..., 1])
            + (free_ends.to(self.free_ends.dtype) @ self.free_ends)[:, None]
        )
        return vectors


class PairBias(nn.Module):
    """A number for each head and each two torsions, from their kinds and distance in the chain.

    Parameters
    ----------
    heads
        How many numbers.
    reach
        See `BlockTransformerConfig`.

    Examples
    --------
    >>> phi_and_psi, residues = torch.tensor([[0, 1]]), torch.tensor([[1, 1]])
    >>> PairBias(heads=2, reach=4)(phi_and_psi, residues).shape
    torch.Size([1, 2, 2, 2])
    """

    def __init__(self, heads: int, reach: int) -> None:
        super().__init__()
        self.reach = reach
        # At first what is near counts most: torsions that matter to each other are found sooner.
        distance = (torch.arange(2 * reach + 1) - reach).abs().repeat_interleave(N_KINDS**2)
        self.table = nn.Embedding(len(distance), heads)
        with torch.no_grad():
            self.table.weight.copy_((-distance / _BOOST)[:, None].expand(-1, heads))

    def forward(self, kinds: Tensor, residues: Tensor) -> Tensor:
        """Numbers ``(B, heads, n, n)`` for kinds and residues ``(B, n)``; first of the seeing."""
        offset = residues[:, :, None] - residues[:, None, :]
        place = offset.clamp(-self.reach, self.reach) + self.reach
        index = (place * N_KINDS + kinds[:, :, None]) * N_KINDS + kinds[:, None, :]
        found: Tensor = _BOOST * self.table(index)
        return found.permute(0, 3, 1, 2)


class EncoderLayer(nn.Module):
    """Attention among torsions, and a network for each.

    Parameters
    ----------
    width, heads, hidden_features, reach, dropout
        See `BlockTransformerConfig`.

    Examples
    --------
    >>> layer = EncoderLayer(8, 2, hidden_features=16, reach=4, dropout=0.0)
    >>> kinds = residues = torch.zeros(1, 3, dtype=torch.int64)
    >>> layer(torch.ones(1, 3, 8), kinds, residues, torch.ones(1, 3, dtype=torch.bool)).shape
    torch.Size([1, 3, 8])
    """

    def __init__(
        self, width: int, heads: int, *, hidden_features: int, reach: int, dropout: float
    ) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.bias = PairBias(heads, reach)
        self.out = nn.Linear(width, width)
        self.up = nn.Linear(width, hidden_features)
        self.down = nn.Linear(hidden_features, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, kinds: Tensor, residues: Tensor, exists: Tensor) -> Tensor:
        """Vectors ``(B, n, width)``; only torsions that exist are seen."""
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.qkv(self.norm(x)).chunk(3, dim=-1)
        )
        bias = self.bias(kinds, residues).masked_fill(~exists[:, None, None, :], -math.inf)
        seen = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        x = x + self.dropout(self.out(seen.transpose(1, 2).flatten(-2)))
        added: Tensor = self.dropout(self.down(self.up(self.norm(x)).relu()))
        return x + added


def kind_and_type(kinds: Tensor, residue_types: Tensor) -> Tensor:
    """One number for the kind of a torsion and the type of its residue, of any shape."""
    return kinds * N_TYPES + residue_types


def angle_features(angles_rad: Tensor) -> Tensor:
    """Cosines and sines ``(..., 2 HARMONICS)`` of multiples of angles in rad."""
    multiples = angles_rad[..., None] * torch.arange(
        1, HARMONICS + 1, dtype=angles_rad.dtype, device=angles_rad.device
    )
    return torch.cat((multiples.cos(), multiples.sin()), dim=-1)


def zero_embedding(count: int, width: int) -> nn.Embedding:
    """Vectors that begin at zero, and stay there if the training data have no use for them."""
    embedding = nn.Embedding(count, width)
    torch.nn.init.zeros_(embedding.weight)
    return embedding
