"""Exponential moving average of weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """A second model whose weights follow those of the first.

    After step n the average is d_n a + (1 - d_n) w, with d_n = min(decay, n / (n + 10)): early on a
    long memory would be one of the initial weights. Buffers are copied.

    Parameters
    ----------
    model
        The one to follow; its copy begins with the same weights.
    decay
        Of the weights before; the memory is 1 / (1 - decay) steps long.

    Examples
    --------
    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = WeightAverage(model, decay=0.5)
    >>> with torch.no_grad():
    ...     _ = model.weight.fill_(1.0)
    >>> average.update(step=10)
    >>> bool(torch.allclose(average.model.weight, torch.ones(1, 1)))
    False
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self._source = model
        self._decay = decay

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        decay = min(self._decay, step / (step + 10))
        pairs = zip(self.model.parameters(), self._source.parameters(), strict=True)
        for average, current in pairs:
            average.lerp_(current, 1.0 - decay)
        for own, source in zip(self.model.buffers(), self._source.buffers(), strict=True):
            own.copy_(source)
