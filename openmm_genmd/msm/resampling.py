"""Transition counts of labelled trajectories, whole and resampled block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.diagnosis import connected_sets

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

MIN_RESAMPLES = 10
"""With fewer that are connected there is no standard error."""

_MIN_BLOCKS, _MAX_BLOCKS = 20, 100


def count_transitions(labels: Sequence[Integers], n_states: int, lag_frames: int) -> Array:
    """Transition counts ``(n_states, n_states)`` in sliding windows.

    Parameters
    ----------
    labels
        State of each frame, one ``(n_frames,)`` array for each continuous replica. Pairs with a
        label of -1 are left out.
    n_states
        Number of states.
    lag_frames
        Lag, in frames.

    Examples
    --------
    >>> count_transitions([np.array([0, 0, 1, -1, 1])], 2, lag_frames=1).tolist()
    [[1.0, 1.0], [0.0, 0.0]]
    """
    counts = np.zeros((n_states, n_states))
    for part in labels:
        counts += _count(part[:-lag_frames], part[lag_frames:], n_states)
    return counts


def row_normalize(counts: Array) -> Array:
    """Transition probabilities ``T_ij = C_ij / sum_k C_ik``; a state without counts stays.

    Parameters
    ----------
    counts
        ``(..., n_states, n_states)``.

    Examples
    --------
    >>> row_normalize(np.array([[1.0, 3.0], [0.0, 0.0]])).tolist()
    [[0.25, 0.75], [0.0, 1.0]]
    """
    totals = counts.sum(axis=-1, keepdims=True)
    identity = np.broadcast_to(np.eye(counts.shape[-1]), counts.shape)
    return np.where(totals > 0, counts / np.maximum(totals, 1.0), identity)


class BlockBootstrap:
    """Resampled transition counts: pieces of trajectories are drawn with replacement.

    The same pieces are drawn for every lag, so that errors of differences come out right.

    Parameters
    ----------
    labels
        State of each frame, one ``(n_frames,)`` array for each continuous replica.
    n_states
        Number of states.
    min_block_frames
        Pieces are at least so long, the longest lag that is looked at, unless fewer than 20
        would remain.
    n_resamples
        Number of resamples.
    seed
        Of the draws.

    References
    ----------
    Künsch, Ann. Statist. 17, 1217 (1989): the bootstrap of blocks of dependent data.

    Examples
    --------
    >>> labels = np.random.default_rng(0).integers(2, size=1000)
    >>> bootstrap = BlockBootstrap([labels], 2, min_block_frames=10, n_resamples=50)
    >>> matrices = row_normalize(bootstrap.counts(lag_frames=1))
    >>> bool(0.01 < matrices[:, 0, 0].std() < 0.04)  # binomial: (0.25 / 500) ** 0.5 = 0.022
    True
    """

    def __init__(
        self,
        labels: Sequence[Integers],
        n_states: int,
        *,
        min_block_frames: int,
        n_resamples: int = 100,
        seed: int = 0,
    ) -> None:
        self._labels, self._n_states = labels, n_states
        total = sum(len(part) for part in labels)
        self._block_frames = max(
            1, min(min_block_frames, total // _MIN_BLOCKS), -(-total // _MAX_BLOCKS)
        )
        n_blocks = sum(1 for _ in self._blocks())
        self._weights = np.random.default_rng(seed).multinomial(
            n_blocks, np.full(n_blocks, 1 / n_blocks), size=n_resamples
        )

    @property
    def n_blocks(self) -> int:
        """Number of pieces; error bars of fewer than ten are rough."""
        return int(self._weights.shape[1])

    def counts(self, lag_frames: int) -> Array:
        """Resampled counts ``(n_resamples, n_states, n_states)`` at a lag.

        Parameters
        ----------
        lag_frames
            Lag, in frames.
        """
        blocks = [
            _count(
                part[start : start + self._block_frames],
                part[start + lag_frames : start + self._block_frames + lag_frames],
                self._n_states,
            )
            for part, start in self._blocks()
        ]
        return np.asarray(np.einsum("rb,bij->rij", self._weights, np.array(blocks)))

    def connected_counts(self, lag_frames: int) -> Array:
        """Those of `counts` in which all states are connected there and back.

        Others are no model: a rare state that is entered in a resample and never left would hold
        the whole population.

        Parameters
        ----------
        lag_frames
            Lag, in frames.
        """
        resampled = self.counts(lag_frames)
        return resampled[[len(connected_sets(counts)) == 1 for counts in resampled]]

    def _blocks(self) -> Iterator[tuple[Integers, int]]:
        for part in self._labels:
            for start in range(0, len(part), self._block_frames):
                yield part, start


def _count(first: Integers, second: Integers, n_states: int) -> Array:
    first = first[: len(second)]
    both = (first >= 0) & (second >= 0)
    flat = np.bincount(first[both] * n_states + second[both], minlength=n_states * n_states)
    return np.asarray(flat.reshape(n_states, n_states), dtype=np.float64)
