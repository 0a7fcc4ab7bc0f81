"""The Chapman-Kolmogorov test: transitions of long lags against those of one lag repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from openmm_genmd.msm.resampling import BlockBootstrap, count_transitions, row_normalize

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_LEVEL = 0.01
_TOLERANCE = 0.05


@dataclass(frozen=True)
class ChapmanKolmogorovTest:
    """Powers of the transition matrix beside transition matrices of longer lags.

    Attributes
    ----------
    lag_frames
        Lag of the model, in frames.
    multiples
        ``(n_multiples,)`` int64, longer lags in units of the lag, from 2.
    predicted
        ``(n_multiples, n_states, n_states)`` float64: ``T(lag) ** k``.
    estimated
        ``(n_multiples, n_states, n_states)`` float64: ``T(k lag)`` from the trajectories.
    predicted_error, estimated_error
        Their standard errors, float64, same shape; the block bootstrap's.
    deviation_error
        ``(n_multiples, n_states, n_states)`` float64, standard errors of the difference, which
        both share data.

    Examples
    --------
    >>> labels = np.tile([0, 1], 500)  # period 2: repeated steps and longer steps agree
    >>> chapman_kolmogorov([labels], 2, lag_frames=1).passed
    True
    """

    lag_frames: int
    multiples: Integers
    predicted: Array
    estimated: Array
    predicted_error: Array
    estimated_error: Array
    deviation_error: Array

    @property
    def deviation(self) -> Array:
        """Predicted less estimated ``(n_multiples, n_states, n_states)``."""
        return self.predicted - self.estimated

    @property
    def failed(self) -> NDArray[np.bool_]:
        """Where the deviation is both large and real ``(n_multiples, n_states, n_states)``.

        Large: more than 0.05 in probability. Real: more standard errors than any of all entries
        together would reach by chance in 1 % of the cases (Bonferroni).
        """
        size = np.abs(self.deviation)
        critical = norm.isf(0.5 * _LEVEL / max(1, size.size))
        return np.asarray((size > _TOLERANCE) & (size > critical * self.deviation_error))

    @property
    def passed(self) -> bool:
        """Whether no entry failed: Markovian at this lag as far as the data tell."""
        return not self.failed.any()

    @property
    def worst(self) -> tuple[int, int, int]:
        """Multiple, from and to state of the entry that failed by most, or deviates most."""
        size = np.abs(self.deviation)
        score = np.where(self.failed, size, 0.0) if self.failed.any() else size
        k, i, j = np.unravel_index(np.argmax(score), score.shape)
        return int(self.multiples[k]), int(i), int(j)

    def describe(self) -> str:
        """The outcome in words."""
        if not len(self.multiples):
            return "Chapman-Kolmogorov test not possible: no replica is twice as long as the lag"
        k, i, j = self.worst
        row = int(np.flatnonzero(self.multiples == k)[0])
        numbers = (
            f"largest deviation {self.deviation[row, i, j]:+.3f} ± "
            f"{self.deviation_error[row, i, j]:.3f}, state {i} to {j} after {k} lags"
        )
        if self.passed:
            return f"Chapman-Kolmogorov test passed ({numbers})"
        return (
            f"Chapman-Kolmogorov test FAILED ({numbers}): not Markovian at this lag; choose a "
            "longer lag, or more states. Pairs for training are still pairs of the trajectories"
        )


def chapman_kolmogorov(
    labels: Sequence[Integers],
    n_states: int,
    lag_frames: int,
    *,
    max_multiple: int = 5,
    n_resamples: int = 100,
    seed: int = 0,
) -> ChapmanKolmogorovTest:
    """Compare ``T(lag) ** k`` with ``T(k lag)``, with errors of both and of their difference.

    Parameters
    ----------
    labels
        State of each frame, one ``(n_frames,)`` array for each continuous replica; -1: excluded.
    n_states, lag_frames
        As those of the model.
    max_multiple
        Longest lag that is compared, in units of the lag; less if no replica is so long.
    n_resamples, seed
        Of the block bootstrap.

    References
    ----------
    Prinz et al., J. Chem. Phys. 134, 174105 (2011), sec. IV F: the test and its errors.
    """
    longest = max(len(part) for part in labels)
    multiples = np.array([k for k in range(2, max_multiple + 1) if k * lag_frames < longest // 2])
    lags = [lag_frames, *(int(k) * lag_frames for k in multiples)]
    counts = [count_transitions(labels, n_states, lag) for lag in lags]
    bootstrap = BlockBootstrap(
        labels, n_states, min_block_frames=lags[-1], n_resamples=n_resamples, seed=seed
    )
    resampled = [row_normalize(bootstrap.counts(lag)) for lag in lags]
    predicted, estimated = (
        _powers(row_normalize(counts[0]), multiples),
        row_normalize(np.array(counts[1:]).reshape(-1, n_states, n_states)),
    )
    powers = np.array([_powers(matrix, multiples) for matrix in resampled[0]])
    longer = np.array(resampled[1:]).reshape(-1, *resampled[0].shape).swapaxes(0, 1)
    floor = _counting_error(counts, lags)
    errors = [np.hypot(x.std(axis=0), floor) for x in (powers, longer, powers - longer)]
    return ChapmanKolmogorovTest(lag_frames, multiples, predicted, estimated, *errors)


def _powers(matrix: Array, exponents: Integers) -> Array:
    powers = [np.linalg.matrix_power(matrix, int(k)) for k in exponents]
    return np.array(powers).reshape(-1, *matrix.shape)


def _counting_error(counts: list[Array], lags: list[int]) -> Array:
    """What a bootstrap cannot see: an event that is in one block only, or in none.

    Laplace's rule for the number of independent windows that start in each state.
    """
    errors = []
    for matrix, lag in zip(counts[1:], lags[1:], strict=True):
        windows = matrix.sum(axis=1) / lag
        errors.append(np.broadcast_to(1.0 / (windows + 2.0), matrix.T.shape).T)
    return np.array(errors).reshape(-1, *counts[0].shape)
