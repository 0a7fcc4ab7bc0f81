"""How fast trajectories lose their memory: correlation functions and decorrelation times.

For frames in order of time only: samples of an ensemble, and hybrid runs with leaps, have no
dynamics to compare.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_CONSTANT = 1e-9
"""A baseline closer to 1 than this belongs to a torsion that does not move."""


def torsion_correlation(trajectories_rad: Sequence[ArrayLike], max_lag: int) -> Array:
    """Normalized correlation <cos(theta(t) - theta(t + D))> for D = 0 to ``max_lag``.

    The baseline <cos>**2 + <sin>**2 of each trajectory is subtracted, and the result divided by
    1 - baseline; trajectories are averaged with the number of pairs as weights. Those in which the
    torsion does not move, or that are not longer than a lag, do not count.

    Parameters
    ----------
    trajectories_rad
        ``(n,)`` rad each, equally spaced in time.
    max_lag
        Longest lag, frames.

    Returns
    -------
    ndarray
        ``(max_lag + 1,)`` float64; NaN where no trajectory is long enough.

    Raises
    ------
    ValueError
        If ``max_lag`` is negative, or a trajectory is not finite or not one-dimensional.
    """
    unit = [np.exp(1j * _series(t)) for t in trajectories_rad]
    return _averaged(unit, [abs(z.mean()) ** 2 for z in unit], max_lag)


def series_correlation(
    trajectories: Sequence[ArrayLike], max_lag: int, *, mean: float, variance: float
) -> Array:
    """Correlation <(x(t) - mean)(x(t + D) - mean)> / variance for D = 0 to ``max_lag``.

    Parameters
    ----------
    trajectories
        ``(n,)`` each, equally spaced in time, for instance the slowest TICA coordinate.
    max_lag
        Longest lag, frames.
    mean, variance
        Of the reference, also for generated trajectories: one that explores only a basin is then
        seen to keep its memory.

    Returns
    -------
    ndarray
        ``(max_lag + 1,)`` float64; NaN where no trajectory is long enough.

    Raises
    ------
    ValueError
        If the variance is not positive, or as `torsion_correlation`.
    """
    if not variance > 0:
        raise ValueError(f"the reference must have a positive variance, got {variance}")
    shifted = [(_series(t) - mean) / variance**0.5 for t in trajectories]
    return _averaged(shifted, [0.0] * len(shifted), max_lag)


def decorrelation_time(correlation: ArrayLike, threshold: float) -> int | None:
    """First lag, in frames, at which a correlation is below a threshold; None if it never is.

    1/e is the custom for torsions, 0.5 for the slowest TICA coordinate.

    Examples
    --------
    >>> decorrelation_time([1.0, 0.6, 0.3, 0.4], 0.5)
    2
    """
    below = np.flatnonzero(np.asarray(correlation, dtype=np.float64) < threshold)
    return int(below[0]) if len(below) else None


def dynamical_content(correlation: ArrayLike, lags: ArrayLike) -> tuple[Array, Array]:
    """How much memory is lost per decade of time: -dC / dlog10(D), by differences.

    Parameters
    ----------
    correlation
        ``(n,)`` for lags 0 to n - 1, frames.
    lags
        Increasing positive lags, frames: `logarithmic_lags`.

    Returns
    -------
    tuple of ndarray
        Geometric midpoints of the lags, frames, and the content there, each one shorter than
        ``lags``.

    Raises
    ------
    ValueError
        If the lags do not increase from at least 1 to at most n - 1.
    """
    values = np.asarray(correlation, dtype=np.float64)
    at = np.asarray(lags, dtype=np.int64)
    if len(at) < 2 or at[0] < 1 or at[-1] >= len(values) or np.any(np.diff(at) <= 0):
        raise ValueError(
            f"expected at least two increasing lags from 1 to {len(values) - 1}, got {at}"
        )
    steps = np.diff(np.log10(at))
    return np.sqrt(at[:-1] * at[1:]), -np.diff(values[at]) / steps


def logarithmic_lags(max_lag: int, per_decade: int = 8) -> NDArray[np.int64]:
    """Different integer lags from 1 to ``max_lag``, equally spaced in the logarithm.

    Examples
    --------
    >>> logarithmic_lags(100, 2).tolist()
    [1, 3, 10, 32, 100]
    """
    n = max(2, 1 + round(per_decade * float(np.log10(max(1, max_lag)))))
    return np.unique(np.rint(np.geomspace(1, max(1, max_lag), n)).astype(np.int64))


def mean_log_ratio(
    reference: Sequence[float | None], generated: Sequence[float | None]
) -> tuple[float, int]:
    """Mean |log10(generated time / reference time)|, and over how many pairs.

    Pairs of which one did not decorrelate say only that a trajectory was too short, and are left
    out: NaN if none is left.

    Raises
    ------
    ValueError
        If the two are not of the same length.

    Examples
    --------
    >>> mean_log_ratio([10, 10, None], [100, 10, 5])
    (0.5, 2)
    """
    if len(reference) != len(generated):
        raise ValueError(
            f"expected as many reference as generated times, got {len(reference)} and "
            f"{len(generated)}"
        )
    pairs = [(r, g) for r, g in zip(reference, generated, strict=True) if r and g]
    if not pairs:
        return float("nan"), 0
    return float(np.mean([abs(np.log10(g / r)) for r, g in pairs])), len(pairs)


def _series(values: ArrayLike) -> Array:
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or not np.all(np.isfinite(series)):
        raise ValueError(
            f"expected a finite series of shape (n,), got shape {series.shape} with "
            f"{np.sum(~np.isfinite(series))} values that are not finite"
        )
    return series


def _averaged(
    trajectories: Sequence[NDArray[np.complex128] | Array], baselines: Sequence[float], max_lag: int
) -> Array:
    if max_lag < 0:
        raise ValueError(f"max_lag must be at least 0, got {max_lag}")
    total, pairs = np.zeros(max_lag + 1), np.zeros(max_lag + 1)
    for z, baseline in zip(trajectories, baselines, strict=True):
        if len(z) == 0 or 1.0 - baseline < _CONSTANT:
            continue
        n = np.maximum(0, len(z) - np.arange(max_lag + 1))
        total += (_lagged_sums(z, max_lag) - n * baseline) / (1.0 - baseline)
        pairs += n
    return np.asarray(np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan), dtype=np.float64)


def _lagged_sums(z: NDArray[np.complex128] | Array, max_lag: int) -> Array:
    """Sum over t of Re z(t + D) z*(t) for each lag D, zero beyond the end."""
    n = len(z)
    spectrum = np.fft.fft(z, 2 * n)
    sums = np.fft.ifft(spectrum * spectrum.conj()).real[:n]
    padded = np.zeros(max_lag + 1)
    padded[: min(n, max_lag + 1)] = sums[: max_lag + 1]
    return padded
