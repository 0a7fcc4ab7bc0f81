"""Windows in which a spring does not hold the system where it should: `spring_flags`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.analysis.statistics import statistical_inefficiency
from openmm_genmd.units import thermal_energy_kj_per_mol

Array = NDArray[np.float64]

MOST_VARIANCE = 2.0
"""Variance in a window over that of the spring alone, above which the spring is too soft."""

MIN_SAMPLES = 4
"""Samples of a window below which nothing can be said."""

_CLEAR = 2.0
"""Standard errors that a variance must be above the limit."""

_GRID = 128
_LEAST_SHARE = 0.1
_DEEP = 0.5


def spring_flags(
    coordinates_nm: Mapping[int, ArrayLike],
    springs_kj_per_mol_nm2: Mapping[int, float],
    temperature_k: float,
) -> dict[int, str]:
    """By window, a sentence on each whose spring is too soft; empty if all hold.

    A spring k alone spreads the coordinate by kT/k. With the curvature F'' of the free energy it
    is kT/(k + F''): clearly more than twice kT/k means F'' < -k/2, and a spring that hardly
    balances a barrier lets the system fall to one of its sides, which then looks like a window that
    is sampled. Two separate peaks in a window say the same.

    Parameters
    ----------
    coordinates_nm
        By window, samples ``(n,)`` of the coordinate that its spring holds, nm, in order of time.
    springs_kj_per_mol_nm2
        By window, spring constants k of the energy k/2 times the squared distance. Of a coordinate
        in another unit the springs are in kJ/mol over its square.
    temperature_k
        Of the samples, K.

    Raises
    ------
    ValueError
        If a window has no spring above 0, or fewer than `MIN_SAMPLES` finite samples.

    Examples
    --------
    >>> x = np.random.default_rng(1).normal(size=1000)
    >>> spring_flags({3: 0.05 * x, 4: 0.1 * x}, {3: 1000.0, 4: 1000.0}, 300.0)
    {4: 'spring softer than the curvature in window 4: the variance is at least 3.6 times that of \
the spring alone; stiffen it'}
    """
    flags = {}
    for window, coordinates in coordinates_nm.items():
        spring = springs_kj_per_mol_nm2.get(window, 0.0)
        if not spring > 0:
            raise ValueError(f"window {window} must have a spring above 0, got {spring}")
        samples = _samples(window, coordinates)
        ratio = float(samples.var()) * spring / thermal_energy_kj_per_mol(temperature_k)
        ratio *= 1.0 - _CLEAR * np.sqrt(2.0 / _independent(samples))
        flag = _flag(window, samples, ratio)
        if flag:
            flags[window] = flag
    return flags


def _samples(window: int, coordinates: ArrayLike) -> Array:
    samples = np.asarray(coordinates, dtype=np.float64)
    if samples.ndim != 1 or len(samples) < MIN_SAMPLES or not np.all(np.isfinite(samples)):
        raise ValueError(
            f"window {window} must have at least {MIN_SAMPLES} finite samples in an array (n,), "
            f"got shape {samples.shape}"
        )
    return samples


def _flag(window: int, samples: Array, ratio: float) -> str:
    start = f"spring softer than the curvature in window {window}: "
    if ratio > MOST_VARIANCE:
        much = f"the variance is at least {ratio:.1f} times that of the spring alone"
        return f"{start}{much}; stiffen it"
    if _has_two_peaks(samples):
        return f"{start}the samples have two separate peaks; stiffen it"
    return ""


def _independent(samples: Array) -> float:
    """Number of independent samples."""
    return max(1.0, len(samples) / (statistical_inefficiency(samples) if np.ptp(samples) else 1.0))


def _has_two_peaks(samples: Array) -> bool:
    """Whether a valley half as deep as the lower peak, or deeper, parts a tenth from the rest."""
    density = _density(samples)
    total = density.cumsum() / density.sum()
    left, right = np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1]
    parted = (total > _LEAST_SHARE) & (total < 1.0 - _LEAST_SHARE)
    return bool(np.any(parted & (density < _DEEP * np.minimum(left, right))))


def _density(samples: Array) -> Array:
    """Kernel density on a grid, by Silverman's width for as many samples as are independent."""
    spread = samples.std()
    if spread == 0:
        return np.ones(1)
    lower, upper = np.percentile(samples, [25, 75])
    quartiles = (upper - lower) / 1.34
    width = 0.9 * min(spread, quartiles or spread) * _independent(samples) ** -0.2
    grid = np.linspace(samples.min(), samples.max(), _GRID)
    kernel = np.exp(-0.5 * ((grid[:, None] - samples) / width) ** 2)
    return np.asarray(kernel.sum(axis=1))
