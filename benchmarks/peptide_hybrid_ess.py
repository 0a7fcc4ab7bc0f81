"""Effective samples of a chain, with mean and variance from elsewhere, and crossings.

A chain that is stuck agrees with itself. With its own mean and variance it would seem to sample
well; with those of a reference its deviation never decays, and what it is worth shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """What a chain shall sample: mean and variance of an observable, and its two sides.

    Attributes
    ----------
    mean, mean_error
        Of the reference, with its standard error.
    variance
        Of the reference.
    low, middle, high
        What parts the two sides, and where their cores end: a chain has crossed when it was below
        ``low`` and then above ``high``, or the other way round.
    crossings_per_sample
        How often a chain has to cross for each independent sample, see `target_of`; 0: no matter.
    """

    mean: float
    mean_error: float
    variance: float
    low: float
    middle: float
    high: float
    crossings_per_sample: float = 0.0


def target_of(sample: ArrayLike, mean: float, mean_error: float) -> Target:
    """Target from a sample ``(n,)`` of the reference, in any order, and its mean with error.

    Frames that are independent cross 2 q (1 - q) c times each, if a share c of them is in the
    cores, and a share q of these in the upper one; chains with a memory cross up to twice as often
    for each effective sample of the side on which they are. That side makes up a share s of the
    variance, so that a chain of n crossings has at most n / (2 q (1 - q) c s) effective samples.

    Raises
    ------
    ValueError
        If all values are the same.
    """
    f = np.asarray(sample, dtype=np.float64)
    low, middle, high = dividing_value(f)
    above, below = float(np.mean(f >= high)), float(np.mean(f <= low))
    sides = np.where(f > middle, f[f > middle].mean(), f[f <= middle].mean())
    per_sample = 2 * above * below / (above + below) * float(sides.var() / f.var())
    return Target(mean, mean_error, float(f.var()), low, middle, high, per_sample)


def effective_samples(
    chains: Sequence[ArrayLike],
    target: Target,
    weights: Sequence[ArrayLike | None] | None = None,
) -> tuple[Array, NDArray[np.int64]]:
    """Independent frames of the reference that each chain is worth, and its crossings.

    The (weighted) mean of n frames has the error of the plain mean of z = w (f - mean) / <w>, with
    the mean of the reference. Its squared error is variance x g / n, where

        g = C(0) + 2 sum over t > 0 of C(t),
        C(t) = (1/n) sum_i z_i z_(i+t) / variance - (1 - t/n) mean_error^2 / variance,

    averaged over the chains of one method: a single one cannot know what it has not seen. The
    second term is what the reference's own error adds on average. The sum ends where a pair of
    lags turns negative. Summed over all lags C would give n (mean of z)^2 / variance, so that
    n / g = variance / (error of the mean)^2: what ends the sum only removes noise. Chains whose
    deviation does not decay have n / g of about variance / deviation^2, whatever n.

    Effective samples are n / g, at most n, and at most 1 for a chain that has never crossed, or
    as many as crossings allow, see `target_of`, for one that has. Where the sum ends too early, as
    it does for biased runs that have hardly begun, n / g would promise errors that the means
    contradict: n / g is at most what makes the mean squares of the actual deviations as large as
    those of good chains are once in twenty times.

    Parameters
    ----------
    chains
        ``(n,)`` of each chain of a method, in order of time.
    target
        The reference.
    weights
        ``(n,)`` of each chain of a biased run; None: all alike.

    Raises
    ------
    ValueError
        If there are fewer than two frames, something is not finite, weights are negative or all
        zero, or the variance is not positive.

    References
    ----------
    Geyer, Stat. Sci. 7, 473 (1992), section 3.3: the initial positive sequence.
    """
    weights = weights or [None] * len(chains)
    deviations = [_deviations(f, w, target) for f, w in zip(chains, weights, strict=True)]
    shortest = min(len(z) for z in deviations)
    correlation = np.mean([_correlation(z, target)[:shortest] for z in deviations], axis=0)
    excess = [len(z) * (float(z.mean()) ** 2 - target.mean_error**2) for z in deviations]
    k = len(chains)
    unlikely = float(np.mean(excess)) / target.variance / (float(chi2.ppf(0.95, k)) / k)
    inefficiency = max(_initial_positive_sum(correlation), unlikely, 1.0)
    crossings = [count_core_crossings(f, target.low, target.high) for f in chains]
    worth = [
        min(len(z) / inefficiency, _allowed(n, target))
        for z, n in zip(deviations, crossings, strict=True)
    ]
    return np.array(worth), np.array(crossings)


def _deviations(values: ArrayLike, weights: ArrayLike | None, target: Target) -> Array:
    """The series ``(n,)`` whose plain mean has the error of the weighted one."""
    f, w = _checked(values, weights, target.variance)
    return np.asarray(w / w.mean() * (f - target.mean))


def _correlation(z: Array, target: Target) -> Array:
    n = len(z)
    spectrum = np.fft.rfft(z, 2 * n)
    products = np.fft.irfft(spectrum * spectrum.conj(), 2 * n)[:n] / n
    fading = 1 - np.arange(n) / n
    return np.asarray((products - fading * target.mean_error**2) / target.variance)


def count_core_crossings(values: ArrayLike, low: float, high: float) -> int:
    """Crossings from core to core, both directions; what lies between belongs to the last core.

    Raises
    ------
    ValueError
        If ``low`` is not below ``high``.

    Examples
    --------
    >>> count_core_crossings([-1, 0.1, -1, 1, 0.4, 1, -2], -0.5, 0.5)
    2
    """
    if not low < high:
        raise ValueError(f"the core below must end before the one above begins, got {low}, {high}")
    f = np.asarray(values, dtype=np.float64)
    cores = np.where(f <= low, -1, np.where(f >= high, 1, 0))
    visited = cores[cores != 0]
    return int(np.count_nonzero(np.diff(visited)))


def dividing_value(values: ArrayLike) -> tuple[float, float, float]:
    """Where the lower core ends, the value that divides a sample best, where the upper begins.

    It separates the two parts whose means are farthest apart for their shares: the greatest
    p (1 - p) (difference of means)^2. Cores end midway between it and the mean of their side.

    Parameters
    ----------
    values
        ``(n,)``, at least two of them different.

    Raises
    ------
    ValueError
        If all values are the same.

    References
    ----------
    Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979), eq. 14.
    """
    f = np.sort(np.asarray(values, dtype=np.float64))
    if len(f) < 2 or f[0] == f[-1]:
        raise ValueError("a constant observable cannot be divided in two; choose another one")
    n = len(f)
    below = np.arange(1, n)
    sums = np.cumsum(f)[:-1]
    gap = (f.sum() - sums) / (n - below) - sums / below
    best = int(np.argmax(below * (n - below) * gap**2)) + 1
    middle = float(f[best - 1] + f[best]) / 2
    low, high = float(f[:best].mean()), float(f[best:].mean())
    return (low + middle) / 2, middle, (high + middle) / 2


def _allowed(crossings: int, target: Target) -> float:
    if crossings == 0:
        return 1.0
    per_sample = target.crossings_per_sample
    return max(1.0, crossings / per_sample) if per_sample > 0 else np.inf


def _initial_positive_sum(correlation: Array) -> float:
    pairs = correlation[: len(correlation) // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0)
    positive = pairs[: negative[0]] if len(negative) else pairs
    return float(2 * positive.sum() - correlation[0])


def _checked(values: ArrayLike, weights: ArrayLike | None, variance: float) -> tuple[Array, Array]:
    f = np.asarray(values, dtype=np.float64)
    w = np.ones(len(f)) if weights is None else np.asarray(weights, dtype=np.float64)
    if f.ndim != 1 or len(f) < 2 or w.shape != f.shape:
        raise ValueError(
            f"expected at least two frames and as many weights, got shapes {f.shape} and {w.shape}"
        )
    if not (np.all(np.isfinite(f)) and np.all(np.isfinite(w))):
        raise ValueError("values and weights must be finite; look at the run that gave them")
    if np.any(w < 0) or not w.sum() > 0 or not variance > 0:
        raise ValueError(
            f"weights must not be negative, nor all zero, and the variance positive; got weights "
            f"from {w.min():g} and a variance of {variance:g}"
        )
    return f, w
