"""Free energy profiles and surfaces of torsions, with errors from blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.analysis.statistics import jackknife_ratio
from openmm_genmd.units import thermal_energy_kj_per_mol

MIN_VISITED_BLOCKS = 3
"""A bin that fewer blocks than this have visited has no error bar."""

_ROUNDING = 1e-6
"""Pi in single precision is larger than pi."""


@dataclass(frozen=True)
class FreeEnergyProfile:
    """-kT log of the density of each bin of one torsion over the uniform density.

    The zero does not depend on the noise of any one bin, so that profiles compare as they are.

    Attributes
    ----------
    centers_rad
        ``(bins,)`` float64, rad.
    free_energy_kj_per_mol
        ``(bins,)`` float64; NaN where nothing was seen.
    standard_error_kj_per_mol
        ``(bins,)`` float64; NaN where fewer than `MIN_VISITED_BLOCKS` blocks have been.

    Examples
    --------
    >>> phi = np.random.default_rng(1).uniform(-np.pi, np.pi, 10_000)
    >>> profile = free_energy_profile(phi, temperature_k=300.0, bins=4)
    >>> bool(np.all(abs(profile.free_energy_kj_per_mol) < 0.3))
    True
    """

    centers_rad: NDArray[np.float64]
    free_energy_kj_per_mol: NDArray[np.float64]
    standard_error_kj_per_mol: NDArray[np.float64]


@dataclass(frozen=True)
class FreeEnergySurface:
    """-kT log of the population of each bin of two torsions; the lowest bin is the zero.

    Attributes
    ----------
    centers_rad
        ``(bins,)`` float64, rad: the same for both torsions.
    free_energy_kj_per_mol
        ``(bins, bins)`` float64, first index phi; NaN where nothing was seen.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> surface = free_energy_surface(rng.uniform(-3, 3, 100), rng.uniform(-3, 3, 100),
    ...                               temperature_k=300.0, bins=5)
    >>> float(np.nanmin(surface.free_energy_kj_per_mol)) == 0.0
    True
    """

    centers_rad: NDArray[np.float64]
    free_energy_kj_per_mol: NDArray[np.float64]


def free_energy_profile(
    angle_rad: ArrayLike,
    *,
    temperature_k: float,
    weights: ArrayLike | None = None,
    bins: int = 100,
    blocks: int = 20,
) -> FreeEnergyProfile:
    """Profile of one torsion; errors are those of the jackknife over consecutive blocks.

    Parameters
    ----------
    angle_rad
        ``(n,)`` rad in [-pi, pi], in order of time (walkers one after the other).
    temperature_k
        Temperature of the ensemble, K.
    weights
        ``(n,)`` weights of the frames of a biased run; None means equal.
    bins
        Number of equal bins over the period.
    blocks
        Number of consecutive blocks; each must be longer than the correlation time.

    Raises
    ------
    ValueError
        If there are fewer frames than blocks, an angle is outside [-pi, pi], or the weights do
        not match.
    """
    angle, weight = _checked(angle_rad, weights)
    if len(angle) < blocks:
        raise ValueError(f"{len(angle)} frames do not fill {blocks} blocks; run longer")
    index = bin_of_angle(angle, bins)
    parts = np.array_split(np.arange(len(angle)), blocks)
    counts = np.array([np.bincount(index[p], weight[p], minlength=bins) for p in parts])
    return profile_of_blocks(counts, temperature_k)


def profile_of_blocks(counts: NDArray[np.float64], temperature_k: float) -> FreeEnergyProfile:
    """Profile from the weight ``(blocks, bins)`` of each bin in blocks of time.

    Parameters
    ----------
    counts
        ``(blocks, bins)`` float64.
    temperature_k
        Temperature of the ensemble, K.
    """
    bins = counts.shape[1]
    share, share_error = jackknife_ratio(counts, counts.sum(axis=1))
    visited = np.count_nonzero(counts, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = thermal_energy_kj_per_mol(temperature_k) * share_error / share
    error[visited < MIN_VISITED_BLOCKS] = np.nan
    return FreeEnergyProfile(_centers(bins), _minus_kt_log(share * bins, temperature_k), error)


def free_energy_surface(
    phi_rad: ArrayLike,
    psi_rad: ArrayLike,
    *,
    temperature_k: float,
    weights: ArrayLike | None = None,
    bins: int = 60,
) -> FreeEnergySurface:
    """Surface over two torsions.

    Parameters
    ----------
    phi_rad, psi_rad
        ``(n,)`` rad in [-pi, pi].
    temperature_k
        Temperature of the ensemble, K.
    weights
        ``(n,)`` weights of the frames of a biased run; None means equal.
    bins
        Number of equal bins over the period of each torsion.

    Raises
    ------
    ValueError
        If the two series differ in length, an angle is outside [-pi, pi], or the weights do not
        match.
    """
    phi, weight = _checked(phi_rad, weights)
    psi, _ = _checked(psi_rad, None)
    if len(phi) != len(psi):
        raise ValueError(f"expected as many psi as phi, got {len(psi)} and {len(phi)}")
    flat = bin_of_angle(phi, bins) * bins + bin_of_angle(psi, bins)
    share = np.bincount(flat, weight, minlength=bins * bins).reshape(bins, bins) / weight.sum()
    relative = share / share.max()
    return FreeEnergySurface(_centers(bins), _minus_kt_log(relative, temperature_k))


def checked_angles(angle_rad: ArrayLike) -> NDArray[np.float64]:
    """Angles ``(n,)`` in rad.

    Raises
    ------
    ValueError
        If there is none, or they are not a series of angles within [-pi, pi].
    """
    angle = np.asarray(angle_rad, dtype=np.float64)
    if angle.ndim != 1 or len(angle) == 0 or not np.all(np.abs(angle) <= np.pi + _ROUNDING):
        raise ValueError(
            f"expected angles of shape (n,) in rad within [-pi, pi], got shape {angle.shape}; "
            "convert degrees with numpy.deg2rad"
        )
    return angle


def _checked(
    angle_rad: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    angle = checked_angles(angle_rad)
    weight = np.ones(len(angle)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != angle.shape or np.any(weight < 0) or not 0 < weight.sum() < np.inf:
        raise ValueError(
            f"expected {len(angle)} finite non-negative weights, not all zero; got shape "
            f"{weight.shape}"
        )
    return angle, weight


def bin_of_angle(angle_rad: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Index of the equal bin in [-pi, pi) of each angle in rad."""
    # The modulo puts +pi into the first bin: it is the same angle as -pi.
    scaled = np.floor((angle_rad + np.pi) * (bins / (2 * np.pi)))
    return np.asarray(scaled, dtype=np.int64) % bins


def _centers(bins: int) -> NDArray[np.float64]:
    centers = (np.arange(bins) + 0.5) * (2 * np.pi / bins) - np.pi
    return np.asarray(centers, dtype=np.float64)


def _minus_kt_log(ratio: NDArray[np.float64], temperature_k: float) -> NDArray[np.float64]:
    seen = np.where(ratio > 0, ratio, np.nan)
    return np.asarray(-thermal_energy_kj_per_mol(temperature_k) * np.log(seen), dtype=np.float64)
