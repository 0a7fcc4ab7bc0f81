"""Free energies of windows from replica exchange, with errors that count all correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.analysis.mixture_weights import MixtureWeights
from openmm_genmd.analysis.statistics import MIN_BLOCKS, error_of_mean, statistical_inefficiency
from openmm_genmd.analysis.work_free_energy import bennett_difference

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

MIN_ITERATIONS = 4
"""Iterations left after equilibration below which there is no estimate."""

_MOST_ENERGIES = 2_000_000
_ROUNDING_KT = 1e-9
_STARTS = 20
# Picking the best start of a stationary series would pick the one that looks least correlated, and
# errors would come out too small: a start has to leave twice the samples to be worth it.
_WORTH = 0.5


@dataclass(frozen=True, eq=False)
class WindowFreeEnergies:
    """Free energies of K windows, kT.

    Attributes
    ----------
    free_energies_kt
        ``(K,)`` float64, relative to the first window, by MBAR.
    errors_kt
        ``(K, K)`` float64, standard errors of differences; infinite where a difference is not
        determined: nothing links the windows, or the run is too short for its correlation time.
    overlap
        ``(K, K)`` float64: probability that a sample of the row's window could be of the column's.
    inefficiency
        ``(K,)`` float64, iterations per independent sample of a window.
    discarded
        Iterations dropped at the beginning.
    bar_kt, bar_errors_kt
        ``(K - 1,)`` float64, differences of neighbors by Bennett's acceptance ratio, from the
        samples of these two windows alone: a check on MBAR.

    Examples
    --------
    Two springs, one four times as stiff: half the logarithm of 4.

    >>> x = np.random.default_rng(1).normal(size=(2000, 2)) * [1.0, 0.5]
    >>> energies = 0.5 * x[:, :, None] ** 2 * [1.0, 4.0]
    >>> result = window_free_energies(energies, np.tile([0, 1], (2000, 1)))
    >>> value, error = result.difference(0, 1)
    >>> bool(abs(value - np.log(2)) < 3 * error)
    True
    """

    free_energies_kt: Array
    errors_kt: Array
    overlap: Array
    inefficiency: Array
    discarded: int
    bar_kt: Array
    bar_errors_kt: Array

    def difference(self, i: int, j: int) -> tuple[float, float]:
        """Free energy of window j minus that of window i, and its standard error, kT."""
        value = self.free_energies_kt[j] - self.free_energies_kt[i]
        return float(value), float(self.errors_kt[i, j])

    @property
    def smallest_overlap(self) -> float:
        """Of neighbors: the smaller of the two entries of the overlap matrix, smallest of all."""
        above, below = np.diag(self.overlap, 1), np.diag(self.overlap, -1)
        return float(np.minimum(above, below).min())


def window_free_energies(
    reduced_energies: ArrayLike, windows: ArrayLike, *, discard: int | None = None
) -> WindowFreeEnergies:
    """Free energies of windows between which replicas were exchanged.

    Long runs are thinned evenly to some two million energies, since what follows grows with their
    number and neighboring iterations hardly differ. MBAR's own error takes samples for independent;
    the errors here do not. To first order an estimate is a mean over iterations of the sum over
    replicas of an influence, the mean influence of each window taken off. The error is the
    larger of two:

    - that of the mean of this series in time (`error_of_mean`), which sees correlation in windows,
      and between windows that a replica carries something slow through;
    - with `MIN_BLOCKS` replicas or more, the spread of the sums of the replicas, which sees what
      never changes in the run but differs between replicas.

    Neither can see what is the same in all replicas: start from both ends, and `judge`.

    Parameters
    ----------
    reduced_energies
        ``(iterations, replicas, K)``, kT: of each replica's frame in each window. Terms that are
        the same in all windows may be left out.
    windows
        ``(iterations, replicas)`` int: in which window the replica was when it made the frame.
    discard
        Iterations dropped at the beginning. None: as `equilibrated_from` says of
        the sums over replicas of their own energies and of the steps to their neighbors.

    Raises
    ------
    ValueError
        If shapes do not match, an energy is not finite, there are fewer than two windows, a window
        has no samples, or fewer than `MIN_ITERATIONS` are left.

    References
    ----------
    Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008): MBAR. Li et al., J. Chem. Phys. 158,
    214107 (2023): its error from correlated samples. Chodera, J. Chem. Theory Comput. 12, 1799
    (2016): where equilibrium begins.
    """
    energies, places = _checked(reduced_energies, windows)
    discarded = _discarded(energies, places, discard)
    energies, places = energies[discarded:], places[discarded:]
    _require_samples(places, energies.shape[2])
    inefficiency = _inefficiencies(energies, places)
    stride = -(-energies.size // _MOST_ENERGIES)
    energies, places = energies[::stride], places[::stride]
    weights = _weights_of_all(energies, places)
    pairs = [_weights_of_pair(energies, places, k) for k in range(energies.shape[2] - 1)]
    return WindowFreeEnergies(
        weights.free_energies_kt - weights.free_energies_kt[0],
        _errors(weights, places, np.ones(places.shape, dtype=bool)),
        weights.overlap,
        inefficiency,
        discarded,
        np.array([pair.free_energies_kt[1] for pair, _ in pairs]),
        np.array([_errors(pair, places, used)[0, 1] for pair, used in pairs]),
    )


def equilibrated_from(series: ArrayLike) -> int:
    """Number of frames to drop from the beginning of a series, at most half.

    Of even starts the earliest that leaves at least half as many independent frames as any.

    Parameters
    ----------
    series
        ``(n,)`` numbers in order of time.

    References
    ----------
    Chodera, J. Chem. Theory Comput. 12, 1799 (2016).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> bool(90 <= equilibrated_from(rng.normal(size=1000) + 20 * (np.arange(1000) < 100)) < 250)
    True
    """
    values = np.asarray(series, dtype=np.float64)
    starts = np.unique(np.linspace(0, len(values) // 2, _STARTS + 1).astype(int))
    left = np.array([len(values[s:]) / _inefficiency(values[s:]) for s in starts])
    return int(starts[np.argmax(left >= _WORTH * left.max())])


def _checked(reduced_energies: ArrayLike, windows: ArrayLike) -> tuple[Array, Integers]:
    energies = np.asarray(reduced_energies, dtype=np.float64)
    places = np.asarray(windows)
    if energies.ndim != 3 or places.shape != energies.shape[:2] or places.dtype.kind not in "iu":
        raise ValueError(
            "expected energies (iterations, replicas, windows) and integer windows (iterations, "
            f"replicas), got {energies.shape} and {places.dtype} {places.shape}"
        )
    if energies.shape[2] < 2:
        raise ValueError(f"a difference needs at least two windows, got {energies.shape[2]}")
    if not np.all(np.isfinite(energies)):
        t, r, k = np.argwhere(~np.isfinite(energies))[0]
        raise ValueError(
            f"the energy at iteration {t} of replica {r} in window {k} is {energies[t, r, k]}; "
            "a replica has exploded: use a shorter time step or softer springs"
        )
    if places.size and not 0 <= places.min() <= places.max() < energies.shape[2]:
        raise ValueError(
            f"windows must be from 0 to {energies.shape[2] - 1}, got {places.min()} to "
            f"{places.max()}"
        )
    return energies, places.astype(np.int64)


def _discarded(energies: Array, places: Integers, discard: int | None) -> int:
    n = len(energies)
    wanted = 0 if discard is None else discard
    if not 0 <= wanted <= n - MIN_ITERATIONS:
        raise ValueError(
            f"{n} iterations of which {wanted} are discarded leave too few, at least "
            f"{MIN_ITERATIONS} are needed; run longer"
        )
    if discard is not None:
        return discard
    series = _own(energies, places), _to_neighbors(energies, places)
    return max(equilibrated_from(one.sum(axis=1)) for one in series)


def _require_samples(places: Integers, n_windows: int) -> None:
    empty = np.flatnonzero(np.bincount(places.ravel(), minlength=n_windows) < MIN_ITERATIONS)
    if len(empty):
        raise ValueError(
            f"fewer than {MIN_ITERATIONS} samples in windows {empty.tolist()}; sample every window"
        )


def _own(energies: Array, places: Integers) -> Array:
    """Energy ``(iterations, replicas)`` of each frame in its own window."""
    return np.take_along_axis(energies, places[:, :, None], axis=2)[:, :, 0]


def _to_neighbors(energies: Array, places: Integers) -> Array:
    """Half of the next window's energy minus the previous one's, ``(iterations, replicas)``.

    Its sum over the windows is the trapezoidal estimate of the difference between the ends.
    """
    above = np.minimum(places + 1, energies.shape[2] - 1)
    below = np.maximum(places - 1, 0)
    return np.asarray(0.5 * (_own(energies, above) - _own(energies, below)))


def _inefficiencies(energies: Array, places: Integers) -> Array:
    """Of each window the slowest of its series, and at least that of what replicas carry."""
    steps = _to_neighbors(energies, places)
    carried = _inefficiency(_standardized(steps, places).T.ravel())
    slowest = np.full(energies.shape[2], carried)
    for k in range(energies.shape[2]):
        near = range(max(0, k - 1), min(k + 2, energies.shape[2]))
        mine = energies[places == k]
        series = [mine[:, k], *(mine[:, j] - mine[:, k] for j in near if j != k)]
        slowest[k] = max(slowest[k], *map(_inefficiency, series))
    return np.asarray(np.minimum(slowest, len(energies)))


def _standardized(values: Array, places: Integers) -> Array:
    """Values less their window's mean, over their window's standard deviation."""
    result = np.zeros_like(values)
    for k in np.unique(places):
        mine = values[places == k]
        result[places == k] = (mine - mine.mean()) / (mine.std() or 1.0)
    return result


def _inefficiency(series: Array) -> float:
    return statistical_inefficiency(series) if np.ptp(series) > 0 else 1.0


def _weights_of_all(energies: Array, places: Integers) -> MixtureWeights:
    flat, place = energies.reshape(-1, energies.shape[2]), places.ravel()
    counts = np.bincount(place, minlength=flat.shape[1])
    steps = [_bennett(flat, place, k) for k in range(flat.shape[1] - 1)]
    guess = np.cumsum([0.0, *steps])
    return MixtureWeights.solved(flat[np.argsort(place, kind="stable")], counts, guess).at(flat)


def _weights_of_pair(
    energies: Array, places: Integers, k: int
) -> tuple[MixtureWeights, NDArray[np.bool_]]:
    """Weights in windows k and k + 1 of their samples, and which these are."""
    used = (places == k) | (places == k + 1)
    flat, place = energies[used], places[used]
    counts = np.bincount(place - k, minlength=2)
    free_energies = np.array([0.0, _bennett(flat, place, k)])
    return MixtureWeights.of(flat[:, k : k + 2], counts, free_energies), used


def _bennett(flat: Array, place: Integers, k: int) -> float:
    here, there = flat[place == k], flat[place == k + 1]
    return bennett_difference(here[:, k + 1] - here[:, k], there[:, k] - there[:, k + 1])


def _errors(weights: MixtureWeights, places: Integers, used: NDArray[np.bool_]) -> Array:
    """Standard errors ``(K, K)`` of differences, from the samples that were used."""
    influence = np.zeros((*places.shape, weights.overlap.shape[0]))
    _, ensemble = np.unique(places[used], return_inverse=True)
    influence[used] = weights.influence(ensemble)
    n_windows = influence.shape[2]
    errors = np.zeros((n_windows, n_windows))
    for i, j in zip(*np.triu_indices(n_windows, 1), strict=True):
        errors[i, j] = errors[j, i] = _error_of_sum(influence[:, :, j] - influence[:, :, i])
    errors[~weights.linked()] = np.inf
    return errors


def _error_of_sum(terms: Array) -> float:
    """Larger of two errors of the sum of terms ``(iterations, replicas)``."""
    if np.abs(terms).sum() < _ROUNDING_KT:
        return 0.0
    in_time = len(terms) * error_of_mean(terms.sum(axis=1))
    of_replicas = terms.sum(axis=0)
    if len(of_replicas) < MIN_BLOCKS:
        return in_time
    return max(in_time, float(np.sqrt(len(of_replicas)) * of_replicas.std(ddof=1)))
