"""Averages of correlated series with standard errors that do not pretend.

A Markov chain that has hardly moved has no error bar: where a series is too short or has crossed
too seldom the standard error is None, never a small number and never zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MIN_CROSSINGS = 10
"""Crossings below which a population gets no error bar."""

MIN_BLOCKS = 8
"""Blocks below which a block average gets no error bar."""


@dataclass(frozen=True)
class Average:
    """Mean of a correlated series.

    Attributes
    ----------
    value
        The (weighted) mean, in the unit of the series.
    standard_error
        In the unit of the series; None where the series is too short to tell.
    effective_samples
        Number of independent frames that would give the same error; None without an error.
    block_length
        Frames per block at the plateau; None without an error.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> mean = average(rng.normal(size=4096))
    >>> bool(abs(mean.value) < 4 * mean.standard_error)
    True
    """

    value: float
    standard_error: float | None
    effective_samples: float | None
    block_length: int | None


@dataclass(frozen=True)
class Population:
    """Share of the time spent in a basin.

    Attributes
    ----------
    value
        Between 0 and 1.
    standard_error
        Same unit; None where the run crossed fewer than `MIN_CROSSINGS` times.
    n_crossings
        Crossings into and out of the basin that the value rests on.
    effective_samples
        p(1 - p) / standard error squared; None without an error.
    note
        Why there is no error bar; empty otherwise.

    Examples
    --------
    >>> population(np.zeros(1000, dtype=bool), n_crossings=0).standard_error is None
    True
    """

    value: float
    standard_error: float | None
    n_crossings: int
    effective_samples: float | None
    note: str = ""

    def as_pair(self) -> list[float | None]:
        """``[value, standard error]`` for a JSON file, None where there is no error bar."""
        return [self.value, self.standard_error]


def statistical_inefficiency(series: ArrayLike) -> float:
    """Frames per independent frame, 1 + 2 times the integrated autocorrelation time, at least 1.

    The autocorrelation is summed over pairs of lags until a pair turns negative.

    Parameters
    ----------
    series
        ``(n,)`` numbers, at least two of them different.

    Raises
    ------
    ValueError
        If the series is empty, not one-dimensional, not finite, or constant.

    References
    ----------
    Geyer, Stat. Sci. 7, 473 (1992), section 3.3: the initial positive sequence estimator.
    """
    values = _checked(series)
    deviation = values - values.mean()
    if not np.any(deviation):
        raise ValueError(
            "a constant series has no autocorrelation; got the same value in every frame"
        )
    n = len(values)
    spectrum = np.fft.rfft(deviation, 2 * n)
    covariance = np.fft.irfft(spectrum * spectrum.conj(), 2 * n)[:n] / n
    correlation = covariance / covariance[0]
    pairs = correlation[: n - n % 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0)
    positive = pairs[: negative[0]] if len(negative) else pairs
    return max(1.0, float(2 * positive.sum() - 1))


def average(series: ArrayLike, weights: ArrayLike | None = None) -> Average:
    """Mean of a correlated series, with the larger of two standard errors.

    The first is the block average at the shortest block length b = 2**k with
    b**3 > 2 n (se_b / se_1)**4, where truncation and noise balance; the second comes from the
    `statistical_inefficiency`. A weighted mean is linearised: the error is that of
    w (x - mean) / <w>.

    Parameters
    ----------
    series
        ``(n,)`` numbers in order of time.
    weights
        ``(n,)`` non-negative numbers; None means equal weights.

    Raises
    ------
    ValueError
        If an array is empty, not one-dimensional or not finite, or the weights do not match.

    References
    ----------
    Flyvbjerg and Petersen, J. Chem. Phys. 91, 461 (1989): the blocking method.
    Lee et al., Phys. Rev. E 83, 066706 (2011): the choice of the block length.
    """
    values = _checked(series)
    mean, influence = _influence(values, weights)
    plateau = _plateau(influence)
    if plateau is None:
        return Average(mean, None, None, None)
    block_length, block_error = plateau
    naive_square = float(influence.var()) / len(influence)
    error = max(block_error, (naive_square * statistical_inefficiency(influence)) ** 0.5)
    return Average(mean, error, len(influence) * naive_square / error**2, block_length)


def error_of_mean(series: ArrayLike) -> float:
    """Standard error of the plain mean; infinite where a series is too short to tell.

    As in `average`, the larger of two, where the block average has a plateau. Before it has one,
    the `statistical_inefficiency` alone is trusted down to `MIN_BLOCKS` independent stretches; the
    variance lost to the mean of so few is given back.

    Parameters
    ----------
    series
        ``(n,)`` numbers in order of time.

    Raises
    ------
    ValueError
        If the series is empty, not one-dimensional or not finite.

    Examples
    --------
    >>> error_of_mean(np.zeros(100)), error_of_mean(np.linspace(0, 1, 100))
    (inf, inf)
    """
    values = _checked(series)
    if np.ptp(values) <= 1e-14 * np.abs(values).max():
        return float("inf")
    inefficiency = statistical_inefficiency(values)
    n = len(values)
    if n < MIN_BLOCKS * inefficiency:
        return float("inf")
    error = float(np.sqrt(values.var() * inefficiency / (n - inefficiency)))
    plateau = _plateau(values - values.mean())
    return error if plateau is None else max(error, plateau[1])


def population(
    in_basin: ArrayLike, *, n_crossings: int, weights: ArrayLike | None = None
) -> Population:
    """Share of the frames in a basin; without an error bar if the run has hardly crossed.

    Parameters
    ----------
    in_basin
        ``(n,)`` booleans in order of time.
    n_crossings
        Crossings into and out of the basin during the run.
    weights
        ``(n,)`` weights of the frames of a biased run.

    Raises
    ------
    ValueError
        As `average`, or if the number of crossings is negative.
    """
    if n_crossings < 0:
        raise ValueError(f"n_crossings must be at least 0, got {n_crossings}")
    mean = average(np.asarray(in_basin, dtype=np.float64), weights)
    if n_crossings < MIN_CROSSINGS:
        note = f"{n_crossings} crossings; an error bar needs at least {MIN_CROSSINGS}"
        return Population(mean.value, None, n_crossings, None, note)
    if mean.standard_error is None:
        note = "the run is too short for its correlation time"
        return Population(mean.value, None, n_crossings, None, note)
    effective = mean.value * (1 - mean.value) / mean.standard_error**2
    return Population(mean.value, mean.standard_error, n_crossings, effective)


def jackknife_ratio(
    numerators: ArrayLike, denominators: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ratio of sums over independent blocks and its standard error, each ``(...)`` float64.

    Parameters
    ----------
    numerators
        ``(n_blocks, ...)``: the weighted count of each block.
    denominators
        ``(n_blocks,)``: the total weight of each block, positive.

    Raises
    ------
    ValueError
        If there are fewer than two blocks, the lengths differ, or a weight is not positive.

    References
    ----------
    Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982), chapter 3.
    """
    top = np.asarray(numerators, dtype=np.float64)
    bottom = np.asarray(denominators, dtype=np.float64)
    if bottom.ndim != 1 or len(bottom) < 2 or len(top) != len(bottom):
        raise ValueError(
            f"a jackknife needs at least two blocks of each, got shapes {top.shape} and "
            f"{bottom.shape}"
        )
    if not np.all(bottom > 0):
        raise ValueError("every block must have a positive total weight; use longer blocks")
    n = len(bottom)
    shape = (n,) + (1,) * (top.ndim - 1)
    left_out = (top.sum(0) - top) / (bottom.sum() - bottom).reshape(shape)
    error = np.sqrt((n - 1) / n * np.sum((left_out - left_out.mean(0)) ** 2, axis=0))
    return top.sum(0) / bottom.sum(), error


def _checked(series: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"expected a series of shape (n,) with n > 0, got shape {values.shape}")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"{np.sum(~np.isfinite(values))} values of the series are not finite")
    return values


def _influence(
    values: NDArray[np.float64], weights: ArrayLike | None
) -> tuple[float, NDArray[np.float64]]:
    """The mean, and the series whose plain mean has the (weighted) mean's error."""
    if weights is None:
        return float(values.mean()), values - values.mean()
    w = _checked(weights)
    if len(w) != len(values) or np.any(w < 0) or w.sum() <= 0:
        raise ValueError(
            f"weights must be {len(values)} non-negative numbers, not all zero; got {len(w)} with "
            f"minimum {w.min():g}"
        )
    mean = float(np.sum(w * values) / w.sum())
    return mean, w * (values - mean) / w.mean()


def _plateau(influence: NDArray[np.float64]) -> tuple[int, float] | None:
    """Block length and standard error at the plateau; None if the series never gets there."""
    n, blocks, length = len(influence), influence, 1
    naive = float(np.std(blocks, ddof=1)) / n**0.5 if n > 1 else 0.0
    # A constant series spread by rounding alone has not moved either.
    if naive <= 1e-14:
        return None
    while len(blocks) >= MIN_BLOCKS:
        error = float(np.std(blocks, ddof=1)) / len(blocks) ** 0.5
        if length**3 > 2 * n * (error / naive) ** 4:
            return length, error
        blocks = blocks[: len(blocks) // 2 * 2].reshape(-1, 2).mean(axis=1)
        length *= 2
    return None
