"""A choice that depends on nothing but fixed weights: `WeightedChoice`."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np


class WeightedChoice:
    """Draws one of several numbers with fixed probabilities.

    Parameters
    ----------
    weights
        Relative; they need not add up to 1.
    n
        How many there must be.
    what
        What is chosen, in the plural, for error messages.

    Attributes
    ----------
    probabilities
        The weights, normalized.

    Raises
    ------
    ValueError
        If there are not ``n``, or if they are negative, not finite or all zero.

    Examples
    --------
    >>> choice = WeightedChoice([1, 3], 2, "blocks")
    >>> choice.probabilities, choice.draw(np.random.default_rng(1))
    ((0.25, 0.75), 1)
    """

    def __init__(self, weights: Sequence[float], n: int, what: str) -> None:
        values = [float(weight) for weight in weights]
        if len(values) != n:
            raise ValueError(f"expected one weight for each of {n} {what}, got {len(values)}")
        if not all(math.isfinite(value) and value >= 0 for value in values) or not any(values):
            raise ValueError(
                f"the weights of {what} must be finite, not negative and not all zero, got {values}"
            )
        largest = max(values)
        total = sum(value / largest for value in values)
        self.probabilities = tuple(value / largest / total for value in values)
        self._edges = list(accumulate(self.probabilities))
        # Rounding must not leave a gap below 1, where the last one that can be chosen ends.
        last = max(n for n, value in enumerate(values) if value > 0)
        self._edges[last:] = [math.inf] * (n - last)

    def draw(self, rng: np.random.Generator) -> int:
        """Return a number from 0 to ``n`` - 1."""
        return bisect_right(self._edges, rng.random())
