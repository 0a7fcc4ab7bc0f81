"""What a sampler's precision costs: error times wall time over independent runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MIN_RUNS_WITH_VISITS = 5
"""With fewer runs that saw the basin, the scatter of the runs says nothing about their error."""

Interval = tuple[float, float, float]
"""A value with the ends of its 95 % bootstrap interval."""


@dataclass(frozen=True)
class Merit:
    """Precision of one method from independent runs of equal wall time.

    Attributes
    ----------
    n_runs
        Number of runs.
    mean, standard_error
        Of the estimates of the runs; no error if hardly any run saw the basin.
    mean_squared_error_minutes
        Mean squared deviation from the reference times the minutes of a run; lower is better.
        The reference's own variance is subtracted from the mean squared deviation.
    variance_minutes
        Variance between the runs times the minutes of a run; None if hardly any run saw the basin,
        because the runs then agree on a wrong answer.
    ess_per_minute
        p (1 - p) / (variance times minutes), p the reference; None as above.

    Examples
    --------
    >>> merit([0.1, 0.3, 0.2, 0.2, 0.1, 0.3], minutes=0.5, reference=(0.2, 0.0),
    ...       rng=np.random.default_rng(1)).n_runs
    6
    """

    n_runs: int
    mean: float
    standard_error: float | None
    mean_squared_error_minutes: Interval
    variance_minutes: Interval | None
    ess_per_minute: Interval | None


def merit(
    estimates: ArrayLike,
    *,
    minutes: float,
    reference: tuple[float, float],
    rng: np.random.Generator,
    resamples: int = 5000,
) -> Merit:
    """Compute the merit of one method; intervals from resampling whole runs.

    Parameters
    ----------
    estimates
        ``(n_runs,)`` populations, one for each independent run.
    minutes
        Wall time of one run.
    reference
        Population and its standard error from an independent method.
    rng
        For the bootstrap.
    resamples
        Number of bootstrap samples.

    Raises
    ------
    ValueError
        If there are fewer than two runs, an estimate is not finite, or the time or the reference is
        not positive.

    References
    ----------
    Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982), chapter 10: percentile
    intervals.
    """
    values = np.asarray(estimates, dtype=np.float64)
    p, p_error = reference
    if values.ndim != 1 or len(values) < 2 or not np.all(np.isfinite(values)):
        raise ValueError(f"expected at least two finite estimates, got {values}")
    if not minutes > 0 or not 0 < p < 1:
        raise ValueError(f"expected a positive time and 0 < p < 1, got {minutes} min and {p}")
    drawn = values[rng.integers(len(values), size=(resamples, len(values)))]
    squared = _squared_error(values, p) - p_error**2
    squares = _squared_error(drawn, p) - p_error**2
    squared_minutes = _interval(squared * minutes, squares * minutes)
    mean = float(values.mean())
    if np.count_nonzero(values) < MIN_RUNS_WITH_VISITS:
        return Merit(len(values), mean, None, squared_minutes, None, None)
    variance, variances = values.var(ddof=1) * minutes, drawn.var(axis=1, ddof=1) * minutes
    possible = variances[variances > 0]
    return Merit(
        n_runs=len(values),
        mean=mean,
        standard_error=float(values.std(ddof=1)) / len(values) ** 0.5,
        mean_squared_error_minutes=squared_minutes,
        variance_minutes=_interval(variance, variances),
        ess_per_minute=_interval(p * (1 - p) / variance, p * (1 - p) / possible),
    )


def advantage(
    estimates: ArrayLike, others: ArrayLike, *, rng: np.random.Generator, resamples: int = 5000
) -> Interval:
    """Variance of the others over variance of the estimates, runs of equal wall time.

    Above one, the estimates are the more efficient. Both sets of runs are resampled.

    Raises
    ------
    ValueError
        If either has fewer than two runs or no scatter at all.
    """
    ours = np.asarray(estimates, dtype=np.float64)
    theirs = np.asarray(others, dtype=np.float64)
    for values in (ours, theirs):
        if len(values) < 2 or not values.std() > 0:
            raise ValueError(
                f"expected at least two runs that differ, got {values}; run longer or more often"
            )
    our_draws = ours[rng.integers(len(ours), size=(resamples, len(ours)))].var(axis=1, ddof=1)
    draws = theirs[rng.integers(len(theirs), size=(resamples, len(theirs)))].var(axis=1, ddof=1)
    ratios = draws[our_draws > 0] / our_draws[our_draws > 0]
    return _interval(float(theirs.var(ddof=1) / ours.var(ddof=1)), ratios)


def minutes_to_relative_error(
    variance_minutes: float, *, reference: float, relative_error: float, setup_minutes: float
) -> float:
    """Wall time until the population is known to a relative standard error, set-up included.

    Raises
    ------
    ValueError
        If the reference or the relative error is not positive.
    """
    if not reference > 0 or not relative_error > 0:
        raise ValueError(
            f"expected a positive reference and relative error, got {reference} and "
            f"{relative_error}"
        )
    return setup_minutes + variance_minutes / (reference * relative_error) ** 2


def _squared_error(values: NDArray[np.float64], reference: float) -> NDArray[np.float64]:
    return np.asarray(np.mean((values - reference) ** 2, axis=-1), dtype=np.float64)


def _interval(value: float | NDArray[np.float64], draws: NDArray[np.float64]) -> Interval:
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(value), float(low), float(high)
