"""Basins without kinetics: combinations of the wells of single torsions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from openmm_genmd.msm.states import States

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_BINS = 72


class WellConfig(BaseModel):
    """How `find_wells` divides conformations.

    Attributes
    ----------
    smoothing_rad
        Standard deviation of the normal distribution with which histograms are smoothed.
    depth
        Two maxima are two wells if the density between them falls below this share of the lower.
    min_fraction
        Combinations with fewer than this fraction of the frames join the nearest larger one.

    Examples
    --------
    >>> WellConfig().depth
    0.5
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    smoothing_rad: float = Field(default=0.17, gt=0)
    depth: float = Field(default=0.5, gt=0, le=1)
    min_fraction: float = Field(default=0.005, ge=0, lt=0.5)


def find_wells(torsions_rad: Array, weights: Array, config: WellConfig | None = None) -> States:
    """State of each of some frames that are in no order of time, as conformations from leaps are.

    The circle of each torsion is cut where its density has a minimum; a state is a combination of
    pieces. For frames of MD `find_states` knows better, since it sees which barriers are high.

    Parameters
    ----------
    torsions_rad
        ``(n_frames, n_torsions)`` float64.
    weights
        ``(n_frames,)``, of the frames in the densities.
    config
        Resolution.

    Raises
    ------
    ValueError
        If there are no frames, or torsions are not finite.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> left, right = rng.normal(-1.5, 0.2, (300, 1)), rng.normal(1.5, 0.2, (100, 1))
    >>> find_wells(np.concatenate([left, right]), np.ones(400)).populations.tolist()
    [0.75, 0.25]
    """
    config = WellConfig() if config is None else config
    if len(torsions_rad) == 0:
        raise ValueError("cannot find wells without frames; got none")
    if not np.isfinite(torsions_rad).all():
        raise ValueError("torsions must be finite; check the candidates for broken frames")
    places = np.floor((torsions_rad + np.pi) / (2 * np.pi) * _BINS).astype(np.int64) % _BINS
    pieces = np.stack([_pieces(column, weights, config)[column] for column in places.T], axis=1)
    _, words = np.unique(pieces, axis=0, return_inverse=True)
    labels = _joined(words.reshape(-1), torsions_rad, config.min_fraction)
    names, counts = np.unique(labels, return_counts=True)
    rank = np.empty(names.max() + 1, dtype=np.int64)
    rank[names[np.argsort(-counts, kind="stable")]] = np.arange(len(names))
    return States(rank[labels], len(names), ("states are combinations of the torsions' wells",))


def _pieces(places: Integers, weights: Array, config: WellConfig) -> Integers:
    """Number ``(_BINS,)`` of the well to which each bin of one torsion's circle belongs."""
    counts = np.bincount(places, weights, minlength=_BINS).astype(np.float64)
    density = _smooth(counts, config.smoothing_rad)
    peaks = _peaks(density)
    while len(peaks) > 1:
        cuts = [_lowest(density, one, other) for one, other in _neighbours(peaks)]
        # The wall between each well and the next, relative to the lower of their maxima.
        lower = [min(density[one], density[other]) for one, other in _neighbours(peaks)]
        walls = density[cuts] / lower
        weakest = int(np.argmax(walls))
        if walls[weakest] < config.depth:
            return np.searchsorted(np.sort(cuts), np.arange(_BINS), side="right") % len(cuts)
        following = (weakest + 1) % len(peaks)
        del peaks[min(weakest, following, key=lambda n: density[peaks[n]])]
    return np.zeros(_BINS, dtype=np.int64)


def _peaks(density: Array) -> list[int]:
    higher = (density > np.roll(density, 1)) & (density >= np.roll(density, -1))
    return [int(place) for place in np.flatnonzero(higher)]


def _smooth(counts: Array, sigma_rad: float) -> Array:
    frequency = np.fft.rfftfreq(_BINS, 1 / _BINS)
    damped = np.fft.rfft(counts) * np.exp(-0.5 * (sigma_rad * frequency) ** 2)
    density = np.fft.irfft(damped, _BINS)
    # Where there is nothing, rounding must not make wells.
    return np.asarray(np.maximum(density, 0) + 1e-9 * density.max())


def _neighbours(peaks: list[int]) -> list[tuple[int, int]]:
    return list(zip(peaks, peaks[1:] + peaks[:1], strict=True))


def _lowest(density: Array, one: int, other: int) -> int:
    """Bin with the lowest density on the way up from a peak to the next one."""
    way = np.arange(one, other if other > one else other + _BINS) % _BINS
    return int(way[np.argmin(density[way])])


def _joined(words: Integers, torsions_rad: Array, min_fraction: float) -> Integers:
    """Give the frames of rare words to the nearest frequent one, by its mean cos and sin."""
    counts = np.bincount(words)
    frequent = np.flatnonzero(counts >= min(min_fraction * len(words), counts.max()))
    features = np.concatenate((np.cos(torsions_rad), np.sin(torsions_rad)), axis=1)
    centers = np.stack([features[words == word].mean(axis=0) for word in frequent])
    joined = words.copy()
    rare = ~np.isin(words, frequent)
    # |f - c|^2 = |f|^2 - 2 f.c + |c|^2, of which the first term is the same for all centers.
    distances = np.sum(centers**2, axis=1) - 2 * features[rare] @ centers.T
    joined[rare] = frequent[np.argmin(distances, axis=1)]
    return joined
