"""Transformer layers that a condition modulates (adaLN-Zero), for any number of leading axes.

`SelfAttention` looks along the last axis but one, whatever it is: residues, or frames in time
after a transposition. `AdaptiveResidual` puts it, or any other layer, into a residual stream.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

Rotary = tuple[Tensor, Tensor]
"""Cosines and signed sines ``(n, head channels)`` of `rotary`."""


def rotary(length: int, channels: int, like: Tensor) -> Rotary:
    """Turns by which positions 0 to length - 1 differ, for `SelfAttention`.

    Parameters
    ----------
    length
        Number of positions.
    channels
        Of a head, an even number.
    like
        A tensor of the wanted device and dtype.

    References
    ----------
    Su et al., RoFormer: Enhanced Transformer with Rotary Position Embedding, arXiv 2104.09864,
    eq. 34.
    """
    half = torch.arange(channels // 2, device=like.device, dtype=like.dtype)
    frequency = 10000.0 ** (-half / (channels // 2))
    angle = torch.arange(length, device=like.device, dtype=like.dtype)[:, None] * frequency
    sine = angle.sin()
    return angle.cos().repeat(1, 2), torch.cat((-sine, sine), dim=-1)


class SelfAttention(nn.Module):
    """Multi-head attention along the last axis but one, with rotary positions.

    Parameters
    ----------
    width
        Channels.
    heads
        Number of heads; divides the width into an even number of channels.

    Examples
    --------
    >>> attention = SelfAttention(8, 2)
    >>> frames_of_residues = torch.zeros(1, 5, 3, 8)  # attends among 3 residues, in each frame
    >>> attention(frames_of_residues, torch.ones(1, 5, 3, dtype=torch.bool)).shape
    torch.Size([1, 5, 3, 8])
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, features: Tensor, mask: Tensor, positions: Rotary | None = None) -> Tensor:
        """Update of the features, ``(..., n, width)``.

        Parameters
        ----------
        features
            ``(..., n, width)``.
        mask
            Bool ``(..., n)``, leading axes broadcast: what to attend to. At least one entry of
            each row is True.
        positions
            Of the n entries, from `rotary`; None if their order means nothing.
        """
        *leading, length, width = features.shape
        heads = self.project(features).reshape(-1, length, 3, self.heads, width // self.heads)
        query_key, value = heads.split((2, 1), dim=2)
        if positions is not None:
            query_key = _turn(query_key, positions)
        query, key = query_key.to(value.dtype).permute(2, 0, 3, 1, 4)
        rows = mask.expand(*leading, length).reshape(-1, 1, 1, length)
        attended = functional.scaled_dot_product_attention(
            query, key, value[:, :, 0].transpose(1, 2), attn_mask=rows
        )
        update: Tensor = self.output(attended.transpose(1, 2).reshape(*leading, length, width))
        return update


class FeedForward(nn.Module):
    """Two dense layers with a hidden layer four times as wide.

    Parameters
    ----------
    width
        Channels.

    Examples
    --------
    >>> sum(p.numel() for p in FeedForward(8).parameters())
    552
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, 4 * width)
        self.output = nn.Linear(4 * width, width)

    def forward(self, features: Tensor) -> Tensor:
        """Update of the features, ``(..., width)``."""
        hidden = functional.gelu(self.hidden(features))
        update: Tensor = self.output(hidden)
        return update


class AdaptiveResidual(nn.Module):
    """A layer in a residual stream whose input and output a condition shifts and scales.

    ``x + gate * layer(LayerNorm(x) * (1 + scale) + shift)`` with shift, scale and gate linear in
    the condition and zero in a new model, which therefore passes its input on.

    Parameters
    ----------
    layer
        Called with the modulated features and whatever else `forward` is given.
    width
        Channels of the features and of the condition.

    References
    ----------
    Peebles and Xie, Scalable Diffusion Models with Transformers, ICCV 2023, section 3.2
    (adaLN-Zero).

    Examples
    --------
    >>> layer, x = AdaptiveResidual(FeedForward(8), 8), torch.ones(2, 3, 8)
    >>> torch.equal(layer(x, torch.ones(2, 1, 8)), x)
    True
    """

    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        self.layer = layer
        self.modulation = _zero_linear(width, 3 * width)

    def forward(self, features: Tensor, condition: Tensor, *arguments: object) -> Tensor:
        """Features ``(..., width)`` after the layer.

        Parameters
        ----------
        features
            ``(..., width)``.
        condition
            ``(..., width)``, of a shape that broadcasts to the features'.
        arguments
            Passed on to the layer.
        """
        shift, scale, gate = self.modulation(condition).chunk(3, dim=-1)
        update = self.layer(modulate(features, shift, scale), *arguments)
        return torch.addcmul(features, gate, update)


class TransformerBlock(nn.Module):
    """Attention among residues, then a feed-forward layer, both adaptive.

    Parameters
    ----------
    width, heads
        See `SelfAttention`.

    Examples
    --------
    >>> block, x = TransformerBlock(8, 2), torch.randn(2, 3, 8)
    >>> mask, condition = torch.ones(2, 3, dtype=torch.bool), torch.ones(2, 1, 8)
    >>> torch.equal(block(x, condition, mask, rotary(3, 4, x)), x)  # new: no change
    True
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = AdaptiveResidual(SelfAttention(width, heads), width)
        self.feed_forward = AdaptiveResidual(FeedForward(width), width)

    def forward(
        self, features: Tensor, condition: Tensor, mask: Tensor, positions: Rotary | None
    ) -> Tensor:
        """Features ``(..., n, width)`` after the block; see `SelfAttention` for the arguments."""
        features = self.attention(features, condition, mask, positions)
        after: Tensor = self.feed_forward(features, condition)
        return after


class AdaptiveOutput(nn.Module):
    """Linear map of modulated features; zero in a new model.

    Parameters
    ----------
    width, outputs
        Channels before and after.

    Examples
    --------
    >>> AdaptiveOutput(8, 2)(torch.ones(1, 3, 8), torch.ones(1, 1, 8)).abs().max().item()
    0.0
    """

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.modulation = _zero_linear(width, 2 * width)
        self.output = _zero_linear(width, outputs)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Outputs ``(..., outputs)`` of features ``(..., width)``."""
        shift, scale = self.modulation(condition).chunk(2, dim=-1)
        outputs: Tensor = self.output(modulate(features, shift, scale))
        return outputs


class TimeEmbedding(nn.Module):
    """Condition from a flow time: sines and cosines, two dense layers, activation.

    Parameters
    ----------
    width
        Channels of the condition.
    frequencies
        Of the sines and cosines, from 100 down to 0.01 in geometric progression.

    Examples
    --------
    >>> TimeEmbedding(8)(torch.tensor([0.0, 0.5])).shape
    torch.Size([2, 8])
    """

    def __init__(self, width: int, frequencies: int = 128) -> None:
        super().__init__()
        self.frequencies = frequencies
        self.layers = nn.Sequential(
            nn.Linear(2 * frequencies, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )

    def forward(self, time: Tensor) -> Tensor:
        """Condition ``(..., width)`` of flow times ``(...)`` in [0, 1]."""
        steps = torch.arange(self.frequencies, device=time.device, dtype=time.dtype)
        angle = time[..., None] * (100.0 * 10000.0 ** (-steps / self.frequencies))
        condition: Tensor = self.layers(torch.cat((angle.cos(), angle.sin()), dim=-1))
        return condition


def modulate(features: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Normalised features ``(..., width)``, scaled by 1 + scale and shifted."""
    normalised = functional.layer_norm(features, features.shape[-1:])
    return torch.addcmul(shift, normalised, 1.0 + scale)


def _turn(query_key: Tensor, positions: Rotary) -> Tensor:
    """Queries and keys ``(batch, n, 2, heads, channels)``, turned by their positions."""
    cosine, signed_sine = (table[:, None, None] for table in positions)
    swapped = query_key.roll(query_key.shape[-1] // 2, dims=-1)
    return torch.addcmul(query_key * cosine, swapped, signed_sine)


def _zero_linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
