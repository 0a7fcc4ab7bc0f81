"""Standard free energy of a profile along a distance, against quadrature in space."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.analysis.radial_free_energy import standard_free_energy_of_profile
from openmm_genmd.units import STANDARD_VOLUME_NM3

R = np.linspace(0.005, 2.5, 1000)
CHOICE = {"bound_below_nm": 1.0, "bulk_nm": (1.3, 2.4)}


def gaussian_well(r):
    return -9.0 * np.exp(-0.5 * ((r - 0.3) / 0.1) ** 2)


def profile(r, well):
    return well(r) - 2 * np.log(r) + 17.0


def exact(well, bound_below_nm):
    r = (np.arange(200_000) + 0.5) * bound_below_nm / 200_000
    volume = np.sum(4 * np.pi * r**2 * np.exp(-well(r))) * bound_below_nm / 200_000
    return np.log(volume / STANDARD_VOLUME_NM3)


def test_gaussian_well():
    result = standard_free_energy_of_profile(R, profile(R, gaussian_well), **CHOICE)
    assert result.value_kt == pytest.approx(exact(gaussian_well, 1.0), abs=2e-3)
    assert abs(result.bulk_drift_kt) < 1e-6


def test_square_well():
    result = standard_free_energy_of_profile(
        R, profile(R, lambda r: np.where(r < 0.5, -6.0, 0.0)), **CHOICE
    )
    by_hand = 4 / 3 * np.pi * (0.5**3 * np.exp(6.0) + 1.0 - 0.5**3) / STANDARD_VOLUME_NM3
    assert result.value_kt == pytest.approx(np.log(by_hand), abs=0.01)


def test_histogram_of_samples():
    # Two hundred thousand places drawn in space: the profile is nothing but their histogram.
    rng, edges = np.random.default_rng(1), np.linspace(0, 2.5, 101)
    fine = (np.arange(250_000) + 0.5) * 1e-5
    share = np.cumsum(fine**2 * np.exp(-gaussian_well(fine)))
    drawn = np.interp(rng.random(200_000), share / share[-1], fine)
    counts, _ = np.histogram(drawn, edges)
    with np.errstate(divide="ignore"):
        sampled = -np.log(counts)
    result = standard_free_energy_of_profile(0.5 * (edges[1:] + edges[:-1]), sampled, **CHOICE)
    error = np.sqrt(1 / np.sum(drawn < 1.0) + 1 / np.sum(drawn > 1.3))
    assert abs(result.value_kt - exact(gaussian_well, 1.0)) < 4 * error + 0.01


def test_zero_of_the_profile_does_not_matter_and_that_of_the_bulk_hardly():
    one = standard_free_energy_of_profile(R, profile(R, gaussian_well), **CHOICE)
    other = standard_free_energy_of_profile(
        R, profile(R, gaussian_well) - 400, bound_below_nm=1.0, bulk_nm=(1.8, 2.2)
    )
    assert one.value_kt == pytest.approx(other.value_kt, abs=1e-3)


def test_a_profile_corrected_for_the_sphere_is_refused():
    # The broken twin: without the radial Jacobian the answer would be off by far more than errors.
    flat = gaussian_well(R)
    with pytest.raises(ValueError, match=r"changes by 1\.2. kT.* it is flat, so it has been corr"):
        standard_free_energy_of_profile(R, flat, **CHOICE)
    wrong = standard_free_energy_of_profile(R, flat, **CHOICE, most_drift_kt=9.0)
    assert abs(wrong.value_kt - exact(gaussian_well, 1.0)) > 1.0


@pytest.mark.parametrize(
    ("r", "values", "options", "message"),
    [
        (R, R[1:], {}, r"distances \(n,\) and as many free energies, got \(1000,\) and \(999,\)"),
        (R - 0.005, R, {}, "distances must ascend, and the first must be above 0 nm"),
        (R[::-1], R, {}, "distances must ascend"),
        (R, np.full(1000, np.nan), {}, "1000 free energies are NaN or -inf"),
        (R, -2 * np.log(R), {"bound_below_nm": 1.5}, "before the bulk begins, got 1.5 nm and a"),
        (R, -2 * np.log(R), {"bulk_nm": (2.45, 9.0)}, None),
        (R, -2 * np.log(R), {"bulk_nm": (2.495, 9.0)}, "holds 3 points of the profile, at least 5"),
        (R, np.where(R < 1, np.inf, -2 * np.log(R)), {}, "no density below 1 nm; the ligand never"),
        (R, 3 * R, {}, "the profile is no bulk.*; go further out, or sample longer"),
    ],
)
def test_refused(r, values, options, message):
    if message is None:
        standard_free_energy_of_profile(r, values, **{**CHOICE, **options})
        return
    with pytest.raises(ValueError, match=message):
        standard_free_energy_of_profile(r, values, **{**CHOICE, **options})
