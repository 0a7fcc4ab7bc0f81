"""Crossings between two basins of one torsion, and their rate where there are too few to count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from openmm_genmd.analysis.statistics import MIN_CROSSINGS

RARE_BASIN_RAD = (0.3, 2.2)
"""alpha-left: 0.3 < phi < 2.2 rad."""

COMMON, RARE, BETWEEN = 0, 1, -1
"""Labels: phi < 0; alpha-left; the no-man's-land between them."""

_ROUNDING = 1e-6
"""Pi in single precision is larger than pi."""


@dataclass(frozen=True)
class Exits:
    """Time spent in the rare basin, how often it was left, and how often entries stay.

    Attributes
    ----------
    total_time_ps
        Time until the first exit, or until a run was stopped, summed over runs from equilibrium
        inside the rare basin.
    n_exits
        Runs that ended by reaching the common basin. The others are censored, not dropped.
    n_entries, n_stays
        Entries into the rare basin that were followed, from `followed_entries`, and how many of
        them stayed; the others are quick recrossings.

    Examples
    --------
    >>> exits = Exits(total_time_ps=2000.0, n_exits=8, n_entries=8, n_stays=4)
    >>> exits.total_time_ps / exits.n_exits  # mean time until the exit, ps
    250.0
    >>> exits.stay_probability[0]
    0.5
    """

    total_time_ps: float
    n_exits: int
    n_entries: int
    n_stays: int

    @property
    def stay_probability(self) -> tuple[float, float]:
        """Mean and standard deviation of the probability that an entry stays.

        Laplace's rule of succession: uniform before any entry was seen, so never certain.
        """
        mean = (self.n_stays + 1) / (self.n_entries + 2)
        return mean, (mean * (1 - mean) / (self.n_entries + 3)) ** 0.5


@dataclass(frozen=True)
class CrossingRate:
    """Crossings per minute of wall time.

    Attributes
    ----------
    per_minute
        Crossings in either direction per minute.
    standard_error
        Per minute; Poisson for a count.
    upper_per_minute
        One-sided 95 % limit: the rate is below it with that confidence.
    source
        ``counted``, or ``exit times and population`` where fewer than `MIN_CROSSINGS` were seen;
        ``upper limit`` if not even an exit was seen: the rate is then `upper_per_minute`.

    Examples
    --------
    >>> rate = counted_rate(100, minutes=20.0)
    >>> f"{rate.per_minute} +- {rate.standard_error} per minute, {rate.source}"
    '5.0 +- 0.5 per minute, counted'
    """

    per_minute: float
    standard_error: float
    upper_per_minute: float
    source: Literal["counted", "exit times and population", "upper limit"]


def in_rare_basin(phi_rad: ArrayLike) -> NDArray[np.bool_]:
    """Whether each frame lies in alpha-left, ``(n,)`` bool."""
    phi = np.asarray(phi_rad, dtype=np.float64)
    low, high = RARE_BASIN_RAD
    return (phi > low) & (phi < high)


def basin_labels(phi_rad: ArrayLike) -> NDArray[np.int8]:
    """`COMMON`, `RARE` or `BETWEEN` for each frame, ``(n,)`` int8.

    Parameters
    ----------
    phi_rad
        ``(n,)`` rad in [-pi, pi].

    Raises
    ------
    ValueError
        If an angle lies outside [-pi, pi] (degrees?) or is not finite.
    """
    phi = np.asarray(phi_rad, dtype=np.float64)
    if not np.all(np.abs(phi) <= np.pi + _ROUNDING):
        raise ValueError(
            "phi must be in rad within [-pi, pi], got values up to "
            f"{np.max(np.abs(phi)):g}; convert degrees with numpy.deg2rad"
        )
    return np.where(in_rare_basin(phi), RARE, np.where(phi < 0, COMMON, BETWEEN)).astype(np.int8)


def last_basin(phi_rad: ArrayLike) -> NDArray[np.int8]:
    """The basin visited last, ``(n,)`` int8: `BETWEEN` only before the first visit to any.

    References
    ----------
    Buchete and Hummer, J. Phys. Chem. B 112, 6057 (2008): transition-based assignment.
    """
    labels = basin_labels(phi_rad)
    visited = np.where(labels != BETWEEN, np.arange(len(labels)), -1)
    last = np.maximum.accumulate(visited)
    return np.where(last >= 0, labels[last], BETWEEN).astype(np.int8)


def count_crossings(phi_rad: ArrayLike) -> int:
    """Number of crossings between the basins, both directions; excursions into between count none.

    Examples
    --------
    >>> count_crossings([-1.0, 0.1, -1.0, 1.0, 2.5, 1.0, -2.0])
    2
    """
    basins = last_basin(phi_rad)
    basins = basins[basins != BETWEEN]
    return int(np.count_nonzero(np.diff(basins)))


def followed_entries(phi_rad: ArrayLike, settle_frames: int) -> tuple[int, int]:
    """Entries into the rare basin that can be followed, and how many of them stay.

    Parameters
    ----------
    phi_rad
        ``(n,)`` rad, equally spaced in time.
    settle_frames
        An entry stays if the common basin is not reached within so many frames. Entries in the last
        ``settle_frames`` are left out, whatever becomes of them.

    Raises
    ------
    ValueError
        If ``settle_frames`` is less than 1.
    """
    if settle_frames < 1:
        raise ValueError(f"settle_frames must be at least 1, got {settle_frames}")
    basins = last_basin(phi_rad)
    entries = 1 + np.flatnonzero((basins[:-1] == COMMON) & (basins[1:] == RARE))
    entries = entries[entries + settle_frames < len(basins)]
    stays = [bool(np.all(basins[i : i + settle_frames + 1] == RARE)) for i in entries]
    return len(entries), sum(stays)


def counted_rate(n_crossings: int, minutes: float) -> CrossingRate:
    """Rate of crossings that were counted; its error is that of a Poisson count, at least one.

    Raises
    ------
    ValueError
        If the time is not positive or the count is negative.
    """
    if not minutes > 0 or n_crossings < 0:
        raise ValueError(
            f"expected a positive time and a count of at least 0, got {minutes} min and "
            f"{n_crossings}"
        )
    return CrossingRate(
        n_crossings / minutes,
        max(1, n_crossings) ** 0.5 / minutes,
        poisson_upper_limit(n_crossings) / minutes,
        "counted",
    )


def poisson_upper_limit(n_events: int) -> float:
    """Mean that a Poisson variable has with 95 % confidence at most, given one count.

    References
    ----------
    Garwood, Biometrika 28, 437 (1936).
    """
    return float(chi2.ppf(0.95, 2 * (n_events + 1)) / 2)


def rate_from_exits(
    exits: Exits, population: tuple[float, float], ps_per_minute: float
) -> CrossingRate:
    """Equilibrium crossing rate 2 p / (tau s), quick recrossings included.

    tau = total time / number of exits is the maximum-likelihood mean first-exit time of an
    exponential with censored visits, from equilibrium starts inside the rare basin. p is the
    population of the rare basin, s the probability that an entry stays.

    Let nu be the number of entries per time, which at equilibrium is that of exits: 2 nu crossings.
    The basin is full of those who stayed, as the others leave at once. They begin to stay nu s
    times and leave for the first time p / tau times per time; both are the same, so
    nu = p / (tau s). Without s, every burst of recrossings would count once, while
    `count_crossings` counts them all. What this assumes: staying is much longer than recrossing,
    and an entry does not remember from where it came. Without an exit the rate is the upper limit
    that their absence allows.

    Parameters
    ----------
    exits
        From trajectories started inside the rare basin, and followed after their exits.
    population
        Population of the rare basin and its standard error.
    ps_per_minute
        Simulated time per minute of wall time, ps.

    Raises
    ------
    ValueError
        If no time was spent in the basin, or the population or the speed is not positive.

    References
    ----------
    Hill, Free Energy Transduction and Biochemical Cycle Kinetics (1989), chapter 1: flux =
    population / mean first-passage time.
    """
    value, error = population
    if not exits.total_time_ps > 0:
        raise ValueError("no time was spent in the rare basin; start runs inside it")
    if not value > 0 or not ps_per_minute > 0:
        raise ValueError(
            f"expected a positive population and speed, got {value} and {ps_per_minute} ps/min"
        )
    stays, stays_error = exits.stay_probability
    per_exit = 2 * value / (exits.total_time_ps * stays) * ps_per_minute
    uncertain = ((error / value) ** 2 + (stays_error / stays) ** 2) ** 0.5
    # The limit of the count with the 95 % limit of the other factors: on the safe side.
    upper = poisson_upper_limit(exits.n_exits) * per_exit * (1 + 1.645 * uncertain)
    if exits.n_exits == 0:
        return CrossingRate(upper, upper, upper, "upper limit")
    rate = exits.n_exits * per_exit
    relative = (1 / exits.n_exits + uncertain**2) ** 0.5
    return CrossingRate(rate, rate * relative, upper, "exit times and population")


def crossing_rate(
    n_crossings: int,
    minutes: float,
    *,
    exits: Exits,
    population: tuple[float, float],
    ps_per_minute: float,
) -> CrossingRate:
    """Counted rate where at least `MIN_CROSSINGS` were seen, else `rate_from_exits`."""
    if n_crossings >= MIN_CROSSINGS:
        return counted_rate(n_crossings, minutes)
    return rate_from_exits(exits, population, ps_per_minute)
