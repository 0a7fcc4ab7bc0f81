"""Layers of BioMD: attention among atoms with a bias for each pair, and among frames of an atom.

Features of trajectories are ``(..., F, N, width)``, F frames of N atoms.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from openmm_genmd.models.residue_transformer import AdaptiveResidual, FeedForward


class AttentionPairBias(nn.Module):
    """Multi-head attention among the atoms of a frame; each pair adds its bias to the scores.

    Parameters
    ----------
    width, heads
        Channels, and heads that divide them.

    References
    ----------
    Abramson et al., Nature 630, 493 (2024), supplement, algorithm 24.

    Examples
    --------
    >>> import torch
    >>> attention, atoms = AttentionPairBias(8, 2), torch.randn(2, 3, 5, 8)
    >>> attention(atoms, torch.zeros(2, 1, 2, 5, 5)).shape
    torch.Size([2, 3, 5, 8])
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, features: Tensor, bias: Tensor) -> Tensor:
        """Update of the features, ``(B, F, N, width)``.

        Parameters
        ----------
        features
            ``(B, F, N, width)``.
        bias
            ``(B, 1, heads, N, N)`` for query and key, the same for all frames: minus infinity where
            a key is not there.
        """
        batch, f, n, width = features.shape
        shape = (batch * f, n, 3, self.heads, width // self.heads)
        query, key, value = self.project(features).reshape(shape).permute(2, 0, 3, 1, 4)
        rows = bias.expand(-1, f, -1, -1, -1).reshape(batch * f, self.heads, n, n)
        attended = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=rows.to(value.dtype)
        )
        update: Tensor = self.output(attended.transpose(1, 2).reshape(features.shape))
        return update


class TemporalAttention(nn.Module):
    """Multi-head attention among the frames of each atom.

    It knows the order of the frames from what modulates its input.

    Parameters
    ----------
    width, heads
        Channels, and heads that divide them.

    Examples
    --------
    >>> import torch
    >>> attention, frames = TemporalAttention(8, 2), torch.randn(2, 3, 5, 8)
    >>> attention(frames, None).shape
    torch.Size([2, 3, 5, 8])
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, features: Tensor, allowed: Tensor | None) -> Tensor:
        """Update of the features, ``(B, F, N, width)``.

        Parameters
        ----------
        features
            ``(B, F, N, width)``.
        allowed
            Bool ``(B, F, F)``, the first F may be 1: which frame may look at which, at least at one
            each; None for all at all.
        """
        batch, f, n, width = features.shape
        shape = (batch, f, n, 3, self.heads, width // self.heads)
        heads = self.project(features).reshape(shape).permute(3, 0, 2, 4, 1, 5)
        query, key, value = heads.reshape(3, batch * n, self.heads, f, width // self.heads)
        if allowed is not None:
            pairs = allowed[:, None].expand(-1, n, f, -1)
            allowed = pairs.reshape(batch * n, 1, f, f)
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        attended = attended.reshape(batch, n, self.heads, f, width // self.heads)
        update: Tensor = self.output(attended.permute(0, 3, 1, 2, 4).reshape(features.shape))
        return update


class TrajectoryBlock(nn.Module):
    """Attention among atoms, among frames, and a feed-forward layer, all adaptive.

    Parameters
    ----------
    width, heads
        See the layers.

    Examples
    --------
    >>> import torch
    >>> block, x = TrajectoryBlock(8, 2), torch.randn(1, 3, 5, 8)
    >>> torch.equal(block(x, torch.ones(1, 3, 1, 8), torch.zeros(1, 1, 2, 5, 5), None), x)  # new
    True
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.among_atoms = AdaptiveResidual(AttentionPairBias(width, heads), width)
        self.among_frames = AdaptiveResidual(TemporalAttention(width, heads), width)
        self.feed_forward = AdaptiveResidual(FeedForward(width), width)

    def forward(
        self, features: Tensor, condition: Tensor, atom_bias: Tensor, allowed: Tensor | None
    ) -> Tensor:
        """Features ``(B, F, N, width)`` after the block.

        Parameters
        ----------
        features
            ``(B, F, N, width)``.
        condition
            ``(B, F, 1, width)``.
        atom_bias, allowed
            See `AttentionPairBias` and `TemporalAttention`.
        """
        features = self.among_atoms(features, condition, atom_bias)
        features = self.among_frames(features, condition, allowed)
        after: Tensor = self.feed_forward(features, condition)
        return after


class EncoderBlock(nn.Module):
    """Attention among the atoms of one conformation with pair biases, and a feed-forward layer.

    Parameters
    ----------
    width, pair_width, heads
        Channels of atoms and pairs, and heads.

    Examples
    --------
    >>> import torch
    >>> block = EncoderBlock(8, 4, 2)
    >>> block(torch.randn(2, 5, 8), torch.randn(2, 5, 5, 4), torch.zeros(2, 5)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int, pair_width: int, heads: int) -> None:
        super().__init__()
        self.bias = nn.Linear(pair_width, heads, bias=False)
        self.attention = AttentionPairBias(width, heads)
        self.feed_forward = FeedForward(width)

    def forward(self, single: Tensor, pair: Tensor, key_bias: Tensor) -> Tensor:
        """Features of atoms ``(B, N, width)`` after the block.

        Parameters
        ----------
        single, pair
            ``(B, N, width)`` and ``(B, N, N, pair_width)``.
        key_bias
            ``(B, N)``: minus infinity for atoms that are not there.
        """
        bias = self.bias(pair).movedim(-1, 1) + key_bias[:, None, None, :]
        single = single + self.attention(_normal(single)[:, None], bias[:, None])[:, 0]
        after: Tensor = single + self.feed_forward(_normal(single))
        return after


def _normal(features: Tensor) -> Tensor:
    return functional.layer_norm(features, features.shape[-1:])
