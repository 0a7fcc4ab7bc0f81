"""Profiles and surfaces against a harmonic and a uniform distribution."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.analysis.free_energy import (
    bin_of_angle,
    checked_angles,
    free_energy_profile,
    free_energy_surface,
)
from openmm_genmd.units import thermal_energy_kj_per_mol

KT = thermal_energy_kj_per_mol(300.0)


def test_harmonic_profile_within_its_errors() -> None:
    width = 0.5
    phi = np.random.default_rng(1).normal(scale=width, size=100_000)
    profile = free_energy_profile(phi, temperature_k=300.0, bins=63)
    near = np.abs(profile.centers_rad) < 1.0
    x = profile.centers_rad[near]
    exact = KT * x**2 / (2 * width**2)
    difference = profile.free_energy_kj_per_mol[near] - exact
    scores = (difference - difference.mean()) / profile.standard_error_kj_per_mol[near]
    assert np.mean(scores**2) < 1 + 4 * np.sqrt(2 / len(scores))
    assert np.all(np.abs(scores) < 5)


def test_error_of_a_bin_is_that_of_its_count() -> None:
    phi = np.random.default_rng(2).uniform(-np.pi, np.pi, size=80_000)
    profile = free_energy_profile(phi, temperature_k=300.0, bins=8)
    expected = KT * np.sqrt((1 - 1 / 8) / 10_000)
    assert np.mean(profile.standard_error_kj_per_mol) == pytest.approx(expected, rel=0.2)


def test_weights_undo_a_bias() -> None:
    rng = np.random.default_rng(3)
    phi = rng.uniform(-np.pi, np.pi, size=200_000)
    target = 5.0 * (1 - np.cos(phi))  # kJ/mol
    profile = free_energy_profile(phi, temperature_k=300.0, weights=np.exp(-target / KT), bins=64)
    exact = 5.0 * (1 - np.cos(profile.centers_rad))
    # The zero is that of the uniform density: kT log of the mean of exp(-F/kT).
    exact += KT * np.log(np.mean(np.exp(-exact / KT)))
    assert np.allclose(profile.free_energy_kj_per_mol, exact, atol=0.25)


def test_bins_that_were_hardly_seen_have_no_error() -> None:
    phi = np.concatenate([np.full(999, -1.0), [1.0], np.full(1000, -1.1)])
    profile = free_energy_profile(phi, temperature_k=300.0, bins=10)
    seen_once = int((1.0 + np.pi) * 10 / (2 * np.pi))
    assert np.isfinite(profile.free_energy_kj_per_mol[seen_once])
    assert np.isnan(profile.standard_error_kj_per_mol[seen_once])
    assert np.isnan(profile.free_energy_kj_per_mol[0])


def test_both_ends_of_the_period_are_one_bin() -> None:
    phi = np.array([-np.pi, np.pi] * 20)
    profile = free_energy_profile(phi, temperature_k=300.0, bins=10)
    assert profile.free_energy_kj_per_mol[0] == pytest.approx(-KT * np.log(10))
    assert np.all(np.isnan(profile.free_energy_kj_per_mol[1:]))


def test_surface_of_independent_torsions() -> None:
    rng = np.random.default_rng(4)
    phi, psi = rng.normal(scale=0.4, size=(2, 400_000))
    surface = free_energy_surface(phi - 1.0, psi + 1.0, temperature_k=300.0, bins=60)
    x = surface.centers_rad
    exact = KT / 0.32 * ((x[:, None] + 1) ** 2 + (x[None, :] - 1) ** 2)
    low = exact < 2 * KT
    assert np.allclose(surface.free_energy_kj_per_mol[low], exact[low], atol=0.6)


def test_broken_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fill 20 blocks"):
        free_energy_profile(np.zeros(5), temperature_k=300.0)
    with pytest.raises(ValueError, match=r"numpy\.deg2rad"):
        free_energy_profile(np.full(50, 100.0), temperature_k=300.0)
    with pytest.raises(ValueError, match="expected 50 finite non-negative weights"):
        free_energy_profile(np.zeros(50), temperature_k=300.0, weights=np.zeros(50))
    with pytest.raises(ValueError, match="as many psi as phi, got 4 and 5"):
        free_energy_surface(np.zeros(5), np.zeros(4), temperature_k=300.0)


def test_pi_in_single_precision_is_an_angle() -> None:
    pi = np.float32(np.pi)
    assert float(pi) > np.pi
    both = checked_angles(np.array([pi, -pi], dtype=np.float32))
    assert set(bin_of_angle(both, 10)) <= {0, 9}  # the same angle, but for rounding
    with pytest.raises(ValueError, match="expected angles of shape"):
        checked_angles([3.15])
