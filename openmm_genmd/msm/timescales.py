"""Implied timescales over several lags, which tell from which lag on a model is Markovian."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.diagnosis import SamplingError, connected_sets
from openmm_genmd.msm.resampling import (
    MIN_RESAMPLES,
    BlockBootstrap,
    count_transitions,
    row_normalize,
)
from openmm_genmd.msm.transition_model import implied_timescales, reversible_matrix

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TimescaleScan:
    """Implied timescales of Markov models with several lags.

    Attributes
    ----------
    lags_frames
        ``(n_lags,)`` int64, frames.
    timescales_frames
        ``(n_lags, n_processes)`` float64, frames, longest first; NaN where there is no estimate.
    standard_error_frames
        ``(n_lags, n_processes)`` float64, frames, of a block bootstrap; NaN where there is none.

    Examples
    --------
    >>> labels = (np.random.default_rng(0).random(20000) < 0.05).cumsum() % 2
    >>> scan = scan_timescales([labels], 2, [1, 4], n_processes=1)  # -1 / ln 0.9 = 9.5
    >>> [bool(abs(t - 9.5) < 1.5) for t in scan.timescales_frames[:, 0]]
    [True, True]
    """

    lags_frames: Integers
    timescales_frames: Array
    standard_error_frames: Array


def default_lags(lag_frames: int, lengths: Sequence[int], *, n_lags: int = 9) -> list[int]:
    """Lags around the chosen one, by factors of about two, up to half of the longest replica.

    Parameters
    ----------
    lag_frames
        The chosen lag.
    lengths
        Frames of each replica.
    n_lags
        Number of lags at most.

    Examples
    --------
    >>> default_lags(10, [100])
    [1, 2, 5, 10, 20, 40]
    """
    below = [lag_frames // 2**k for k in range(n_lags) if lag_frames // 2**k >= 1]
    above = [lag_frames * 2**k for k in range(1, n_lags) if lag_frames * 2**k < max(lengths) / 2]
    kept = below[: max(1, n_lags - len(above[: n_lags // 2]))]
    return sorted(kept) + above[: n_lags - len(kept)]


def scan_timescales(
    labels: Sequence[Integers],
    n_states: int,
    lags_frames: Sequence[int],
    *,
    n_processes: int,
    n_resamples: int = 0,
    seed: int = 0,
) -> TimescaleScan:
    """Implied timescales of reversible models, with standard errors if resampled.

    Parameters
    ----------
    labels
        State of each frame, one ``(n_frames,)`` array for each continuous replica; -1: excluded.
    n_states
        Number of states; at each lag the largest connected set of them is used.
    lags_frames
        Lags, in frames.
    n_processes
        Slowest processes to keep.
    n_resamples
        Of the block bootstrap; 0: no errors.
    seed
        Of the block bootstrap.
    """
    slowest, errors = [], []
    bootstrap = BlockBootstrap(
        labels, n_states, min_block_frames=max(lags_frames), n_resamples=n_resamples, seed=seed
    )
    for lag in lags_frames:
        slowest.append(_slowest(count_transitions(labels, n_states, lag), lag, n_processes))
        resampled = bootstrap.connected_counts(lag) if n_resamples else None
        errors.append(_errors(resampled, lag, n_processes))
    return TimescaleScan(np.asarray(lags_frames), np.array(slowest), np.array(errors))


def stationary_distribution(transition_matrix: Array) -> Array:
    """Populations ``(n,)`` that a transition matrix leaves as they are.

    Parameters
    ----------
    transition_matrix
        ``(n, n)``, with one connected set of states.

    Examples
    --------
    >>> stationary_distribution(np.array([[0.9, 0.1], [0.3, 0.7]])).round(3).tolist()
    [0.75, 0.25]
    """
    values, vectors = np.linalg.eig(transition_matrix.T)
    left = np.abs(np.real(vectors[:, np.argmin(np.abs(values - 1.0))]))
    return np.asarray(left / left.sum())


def _slowest(counts: Array, lag: int, n_processes: int) -> Array:
    members = connected_sets(counts)[0]
    try:
        matrix, _ = reversible_matrix(counts[np.ix_(members, members)])
    except SamplingError:
        return np.full(n_processes, np.nan)
    return _padded(implied_timescales(matrix, lag), n_processes)


def _errors(resampled: Array | None, lag: int, n_processes: int) -> Array:
    """Of row-normalized matrices: some resamples have no reversible estimate."""
    if resampled is None or len(resampled) < MIN_RESAMPLES:
        return np.full(n_processes, np.nan)
    matrices = row_normalize(resampled)
    rows = [_padded(implied_timescales(matrix, lag), n_processes) for matrix in matrices]
    return np.asarray(np.std(rows, axis=0))


def _padded(timescales: Array, n: int) -> Array:
    return np.concatenate((timescales[:n], np.full(max(0, n - len(timescales)), np.nan)))
