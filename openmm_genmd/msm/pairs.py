"""Pairs of frames, one transition of a Markov model apart: what MarS-FM is trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


class PairSampler:
    """Draws (x, x1): i uniform over states, x uniform in S_i, j from T_i., x1 uniform in S_j.

    Frames may come from whatever replica and time. Rare states are drawn as often as common ones.

    Parameters
    ----------
    labels
        ``(n_frames,)`` int64, the state of each frame; -1 for frames that are never drawn.
    transition_matrix
        ``(n_states, n_states)`` float64, rows sum to 1.

    Raises
    ------
    ValueError
        If the matrix is not stochastic, or a state has no frame.

    Examples
    --------
    >>> labels = np.array([0, 1, 1, -1])
    >>> sampler = PairSampler(labels, np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> x, x1 = sampler.draw(4, np.random.default_rng(0))
    >>> (labels[x] + labels[x1]).tolist()  # always from one state to the other
    [1, 1, 1, 1]
    """

    def __init__(self, labels: Integers, transition_matrix: Array) -> None:
        n = len(transition_matrix)
        _check(labels, transition_matrix, n)
        self._frames = np.argsort(labels, kind="stable")[np.count_nonzero(labels < 0) :]
        self._counts = np.bincount(labels[labels >= 0], minlength=n)
        self._starts = np.cumsum(self._counts) - self._counts
        self._cumulative = np.cumsum(transition_matrix, axis=1)
        # Rounding must not lead to a state of probability zero.
        self._last = n - 1 - np.argmax(transition_matrix[:, ::-1] > 0, axis=1)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self._counts)

    def draw(self, n: int, rng: np.random.Generator) -> tuple[Integers, Integers]:
        """Indices of frames, ``(n,)`` int64 each: x and x1.

        Parameters
        ----------
        n
            Number of pairs.
        rng
            Source of randomness.
        """
        first = rng.integers(self.n_states, size=n)
        rows = self._cumulative[first]
        above = rng.random(n)[:, None] * rows[:, -1:]
        second = np.minimum(np.count_nonzero(rows <= above, axis=1), self._last[first])
        return self._draw_in(first, rng), self._draw_in(second, rng)

    def _draw_in(self, states: Integers, rng: np.random.Generator) -> Integers:
        return np.asarray(self._frames[self._starts[states] + rng.integers(self._counts[states])])


def _check(labels: Integers, matrix: Array, n: int) -> None:
    if matrix.shape != (n, n) or (matrix < 0).any() or not np.allclose(matrix.sum(axis=1), 1.0):
        raise ValueError(
            "expected a square transition matrix of probabilities whose rows sum to 1, got shape "
            f"{matrix.shape} and row sums {np.round(matrix.sum(axis=-1), 6).tolist()}"
        )
    if labels.min(initial=0) < -1 or labels.max(initial=-1) >= n:
        raise ValueError(
            f"expected labels from -1 to {n - 1} for {n} states, got "
            f"{labels.min()} to {labels.max()}; labels and transition matrix must be of one model"
        )
    empty = np.setdiff1d(np.arange(n), labels)
    if len(empty):
        raise ValueError(
            f"expected frames in every one of {n} states, got none in {empty.tolist()}; estimate "
            "the model and its labels from the same frames"
        )
