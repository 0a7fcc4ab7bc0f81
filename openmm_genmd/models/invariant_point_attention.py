"""Attention among rigid frames that no common motion of them changes."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from openmm_genmd.models.residue_transformer import Rotary, TransformerBlock

_LOGIT_TERMS = 2
"""Channels and points; with a pair representation it would be 3."""


class InvariantPointAttention(nn.Module):
    """Attention in which each residue also compares points that it carries in its frame.

    The squared distances between query and key points, and the value points seen from the query's
    frame, do not change when all frames are moved together. Since
    ``-|q - k|^2 / 2 = q.k - |k|^2 / 2 - |q|^2 / 2``, of which the last term is the same for all
    keys, it is ordinary attention with longer queries and keys and a bias per key: any fused
    kernel computes it, without a tensor of residue pairs in memory.

    Parameters
    ----------
    width
        Channels of a residue.
    heads
        Number of heads.
    channels
        Of queries, keys and values, per head.
    points
        Query, key and value points per head.

    References
    ----------
    Jumper et al., Highly accurate protein structure prediction with AlphaFold, Nature 596 (2021),
    supplementary algorithm 22, without the pair representation.

    Examples
    --------
    >>> attention = InvariantPointAttention(width=8, heads=2)
    >>> features, mask = torch.ones(1, 3, 8), torch.ones(1, 3, dtype=torch.bool)
    >>> rotations, translations = torch.eye(3).expand(1, 3, 3, 3), torch.zeros(1, 3, 3)
    >>> attention(features, rotations, translations, mask).abs().max().item()  # new: no change
    0.0
    """

    def __init__(self, width: int, heads: int, *, channels: int = 32, points: int = 8) -> None:
        super().__init__()
        self.heads, self.channels, self.points = heads, channels, points
        self.project = nn.Linear(width, heads * (3 * channels + 9 * points))
        self.output = nn.Linear(heads * (channels + 4 * points), width)
        # softplus of it weighs the points of a head; softplus(0.5413) = 1.
        self.point_weight = nn.Parameter(torch.full((heads,), 0.5413))
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(
        self, features: Tensor, rotations: Tensor, translations: Tensor, mask: Tensor
    ) -> Tensor:
        """Update of the features, ``(B, L, width)``.

        Parameters
        ----------
        features
            ``(B, L, width)``.
        rotations, translations
            Frames, ``(B, L, 3, 3)`` and ``(B, L, 3)``, in a unit in which molecules have a size
            of order one. Their dtype is that of distances, also under autocast.
        mask
            Bool ``(B, L)``: the residues to attend to.
        """
        projected = self.project(features).to(rotations.dtype)
        # Half precision would spoil differences of squared distances.
        with torch.autocast(features.device.type, enabled=False):
            seen = self._attend(projected, rotations, translations, mask)
        update: Tensor = self.output(seen)
        return update

    def _attend(
        self, projected: Tensor, rotations: Tensor, translations: Tensor, mask: Tensor
    ) -> Tensor:
        query, key, value = self._queries_keys_values(projected, rotations, translations)
        weight = self._weight(key.dtype)
        sizes = [self.channels, 3 * self.points]
        bias = self._key_bias(torch.split(key, sizes, dim=-1)[1], weight, mask)
        attended = functional.scaled_dot_product_attention(
            query * self._query_scale(weight), key, value, attn_mask=bias, scale=1.0
        )
        channels, points = torch.split(attended.transpose(1, 2), sizes, dim=-1)
        points = points.reshape(*mask.shape, self.heads, 3, self.points).transpose(2, 3).flatten(3)
        local = rotations.mT @ (points - translations[..., None])
        return torch.cat((channels.flatten(2), local.flatten(2), _lengths(local)), dim=-1)

    def _queries_keys_values(
        self, projected: Tensor, rotations: Tensor, translations: Tensor
    ) -> tuple[Tensor, ...]:
        """Three of ``(B, heads, L, channels + 3 points)``; x, y and z of the points in turn."""
        leading = projected.shape[:2]
        channels, local = torch.split(
            projected, [3 * self.heads * self.channels, 9 * self.heads * self.points], dim=-1
        )
        # Coordinates before points: one product of matrices per frame, not one per point.
        points = rotations @ local.reshape(*leading, 3, -1) + translations[..., None]
        points = points.reshape(*leading, 3, 3, self.heads, self.points)
        channels = channels.reshape(*leading, 3, self.heads, self.channels)
        both = torch.cat((channels, points.permute(0, 1, 3, 4, 2, 5).flatten(4)), dim=-1)
        return both.permute(2, 0, 3, 1, 4).unbind()

    def _weight(self, dtype: torch.dtype) -> Tensor:
        """What multiplies ``-|q - k|^2 / 2``, ``(heads, 1, 1)``."""
        scale = math.sqrt(2.0 / (9.0 * self.points)) / math.sqrt(_LOGIT_TERMS)
        return (functional.softplus(self.point_weight) * scale).to(dtype)[:, None, None]

    def _query_scale(self, weight: Tensor) -> Tensor:
        channels = weight.new_full((), 1.0 / math.sqrt(_LOGIT_TERMS * self.channels))
        return torch.cat(
            (
                channels.expand(self.heads, 1, self.channels),
                weight.expand(-1, -1, 3 * self.points),
            ),
            dim=-1,
        )

    def _key_bias(self, points: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
        """Bias of each key ``(B, heads, L, L)``, the same for all queries (stride zero)."""
        bias = -0.5 * weight[..., 0] * points.square().sum(dim=-1)
        bias = torch.where(mask[:, None], bias, -torch.inf)[:, :, None]
        return bias.expand(-1, -1, mask.shape[1], -1)


class FrameBlock(nn.Module):
    """Invariant point attention among residues, then a `TransformerBlock`.

    Parameters
    ----------
    width, heads
        Channels of a residue, and heads of both kinds of attention.

    Examples
    --------
    >>> sum(p.numel() for p in FrameBlock(64, 4).parameters())
    134948
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.points = InvariantPointAttention(width, heads)
        self.block = TransformerBlock(width, heads)

    def forward(
        self,
        features: Tensor,
        condition: Tensor,
        frames: tuple[Tensor, Tensor],
        mask: Tensor,
        positions: Rotary,
    ) -> Tensor:
        """Features ``(B, L, width)`` after the block."""
        features = features + self.points(self.norm(features), *frames, mask)
        after: Tensor = self.block(features, condition, mask, positions)
        return after


def _lengths(vectors: Tensor) -> Tensor:
    """Lengths ``(B, L, n)`` of vectors ``(B, L, 3, n)``."""
    # The small number keeps the gradient of a vector of length zero finite.
    return (vectors.square().sum(dim=2) + 1e-8).sqrt()
