"""Standard free energy of unbinding from a profile along a distance: `RadialFreeEnergy`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.units import STANDARD_VOLUME_NM3

Array = NDArray[np.float64]

MIN_BULK_POINTS = 5
"""Points of the profile in the bulk below which its flatness cannot be told."""


@dataclass(frozen=True)
class RadialFreeEnergy:
    """Standard free energy of unbinding, at 1 mol/L.

    Attributes
    ----------
    value_kt
        Unbound minus bound, kT: positive where the ligand binds.
    bulk_drift_kt
        Change of the profile over the bulk beyond that of a free ligand, kT; near 0 if the bulk is
        one.

    Examples
    --------
    A ligand that feels nothing: the bound volume against the standard one.

    >>> r = np.linspace(0.005, 2.0, 400)
    >>> free = standard_free_energy_of_profile(
    ...     r, -2 * np.log(r), bound_below_nm=0.5, bulk_nm=(1.0, 2.0))
    >>> bool(abs(free.value_kt - np.log(4 / 3 * np.pi * 0.5**3 / 1.6605)) < 1e-3)
    True
    """

    value_kt: float
    bulk_drift_kt: float


def standard_free_energy_of_profile(
    distance_nm: ArrayLike,
    free_energy_kt: ArrayLike,
    *,
    bound_below_nm: float,
    bulk_nm: tuple[float, float],
    most_drift_kt: float = 0.5,
) -> RadialFreeEnergy:
    """Free energy of unbinding from the density along a distance, without the profile's zero.

    The profile is that of the density of the distance itself, -log p(r), as metadynamics or a
    histogram along a distance gives it: in the bulk it falls as -2 log r. A profile that is flat
    there was already corrected for the growing sphere and is refused. In the bulk the ligand must
    be free to go around the whole sphere. The error is best taken from independent runs.

    Parameters
    ----------
    distance_nm
        ``(n,)`` nm, positive and ascending.
    free_energy_kt
        ``(n,)`` kT, up to a constant; infinite where the density is zero.
    bound_below_nm
        Distance below which the ligand counts as bound, nm.
    bulk_nm
        Distances from which to which the ligand is free, nm.
    most_drift_kt
        Largest change over the bulk beyond that of a free ligand, kT.

    Raises
    ------
    ValueError
        If the arrays do not match, distances do not ascend from above 0, a free energy is NaN or
        minus infinity, the bound region or the bulk hold too few points, the two overlap, or the
        bulk is not one.

    References
    ----------
    Gilson, Given, Bush and McCammon, Biophys. J. 72, 1047 (1997): the standard state. Doudou,
    Burton and Henchman, J. Chem. Theory Comput. 5, 909 (2009): one distance.
    """
    r, profile = _checked(distance_nm, free_energy_kt)
    bulk = _bulk(r, profile, bound_below_nm, bulk_nm)
    drift = _drift(r[bulk], profile[bulk])
    if abs(drift) > most_drift_kt:
        raise ValueError(_not_a_bulk(r[bulk], profile[bulk], drift, most_drift_kt))
    density = np.exp(profile[bulk].min() - profile)
    per_volume = _integral(r[bulk], density[bulk]) / _integral(r[bulk], 4 * np.pi * r[bulk] ** 2)
    bound = _integral_from_zero(r, density, bound_below_nm)
    return RadialFreeEnergy(float(np.log(bound / (per_volume * STANDARD_VOLUME_NM3))), drift)


def _checked(distance_nm: ArrayLike, free_energy_kt: ArrayLike) -> tuple[Array, Array]:
    r = np.asarray(distance_nm, dtype=np.float64)
    profile = np.asarray(free_energy_kt, dtype=np.float64)
    if r.ndim != 1 or r.shape != profile.shape:
        raise ValueError(
            f"expected distances (n,) and as many free energies, got {r.shape} and {profile.shape}"
        )
    if not len(r) or not r[0] > 0 or not np.all(np.diff(r) > 0):
        raise ValueError("distances must ascend, and the first must be above 0 nm")
    bad = np.isnan(profile) | (profile == -np.inf)
    if np.any(bad):
        raise ValueError(
            f"{bad.sum()} free energies are NaN or -inf; pass inf where the density is zero"
        )
    return r, profile


def _bulk(
    r: Array, profile: Array, bound_below_nm: float, bulk_nm: tuple[float, float]
) -> NDArray[np.bool_]:
    start, end = bulk_nm
    if not r[0] < bound_below_nm <= start < end:
        raise ValueError(
            f"expected a bound region that ends above {r[0]:g} nm and before the bulk begins, got "
            f"{bound_below_nm:g} nm and a bulk from {start:g} to {end:g} nm"
        )
    bulk = (r >= start) & (r <= end) & np.isfinite(profile)
    if bulk.sum() < MIN_BULK_POINTS:
        raise ValueError(
            f"the bulk from {start:g} to {end:g} nm holds {bulk.sum()} points of the profile, at "
            f"least {MIN_BULK_POINTS} are needed; run further out, or give a wider bulk"
        )
    if not np.any(np.isfinite(profile[r <= bound_below_nm])):
        raise ValueError(f"no density below {bound_below_nm:g} nm; the ligand never was bound")
    return bulk


def _drift(r: Array, profile: Array) -> float:
    """Of a line through the profile of the density per volume, between the ends of the bulk."""
    slope = np.polyfit(r, profile + 2 * np.log(r), 1)[0]
    return float(slope * (r[-1] - r[0]))


def _not_a_bulk(r: Array, profile: Array, drift: float, most: float) -> str:
    text = (
        f"from {r[0]:g} to {r[-1]:g} nm the profile is no bulk: beyond -2 log r it changes by "
        f"{drift:.2f} kT, at most {most:g} are allowed"
    )
    of_sphere = 2 * np.log(r[-1] / r[0])
    if abs(drift - of_sphere) < 0.3 * of_sphere:
        return f"{text}; it is flat, so it has been corrected for the sphere: add -2 log r"
    return f"{text}; go further out, or sample longer"


def _integral(r: Array, values: Array) -> float:
    return float(0.5 * np.sum(np.diff(r) * (values[1:] + values[:-1])))


def _integral_from_zero(r: Array, density: Array, end: float) -> float:
    """From 0, where the density of a distance is 0, to the end of the bound region."""
    inside = r < end
    x = np.concatenate([[0.0], r[inside], [end]])
    last = np.interp(end, r, density)
    return _integral(x, np.concatenate([[0.0], density[inside], [last]]))
