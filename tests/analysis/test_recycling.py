"""Averages over recycled candidates."""

import numpy as np
import pytest

from openmm_genmd.analysis.free_energy import free_energy_profile
from openmm_genmd.analysis.recycling import (
    bin_shares,
    recycled_average,
    recycled_profile,
)

RNG = np.random.default_rng


def metropolis(n, seed):
    """Rare state 1 of probability .1: values before each attempt, and recycled ones."""
    rng, state = RNG(seed), 0
    before, recycled = [], []
    for _ in range(n):
        other = 1 - state
        p = 1.0 if other == 0 else 1 / 9
        before.append(state)
        recycled.append(p * other + (1 - p) * state)
        state = other if rng.random() < p else state
    return np.array(before, dtype=float), np.array(recycled)


def test_recycling_agrees_with_the_exact_population_and_narrows_the_error():
    before, recycled = metropolis(20000, 1)
    result = recycled_average(recycled, before)
    for each in (result.recycled, result.chain):
        assert abs(each.value - 0.1) < 4 * each.standard_error
    assert result.variance_ratio > 1.2
    # Many runs scatter as the error bar says.
    scatter = np.std([metropolis(2000, seed)[1].mean() for seed in range(40)], ddof=1)
    assert recycled_average(metropolis(2000, 0)[1]).recycled.standard_error == pytest.approx(
        scatter, rel=0.4
    )


def test_a_weight_that_is_wrong_is_seen():
    """The twin: every proposal counted with the weight one half, whatever its probability."""
    before, _ = metropolis(20000, 1)
    result = recycled_average(0.5 * before + 0.5 * (1 - before), before)
    assert abs(result.recycled.value - 0.1) > 0.3
    assert result.variance_ratio is None


def test_without_the_chain_there_is_nothing_to_compare():
    result = recycled_average(RNG(2).normal(size=500))
    assert result.chain is None
    assert result.variance_ratio is None


def test_profiles_of_shares_of_one_candidate_are_those_of_the_angles():
    angles = RNG(3).vonmises(0.5, 2.0, size=4000)
    shares = bin_shares(angles, bins=12)
    recycled = recycled_profile(shares, temperature_k=300.0)
    plain = free_energy_profile(angles, temperature_k=300.0, bins=12, blocks=20)
    np.testing.assert_allclose(recycled.centers_rad, plain.centers_rad)
    np.testing.assert_allclose(recycled.free_energy_kj_per_mol, plain.free_energy_kj_per_mol)
    np.testing.assert_allclose(recycled.standard_error_kj_per_mol, plain.standard_error_kj_per_mol)


def test_two_ends_of_the_circle_are_neighbours():
    np.testing.assert_array_equal(bin_shares([np.pi, -np.pi], bins=3), [[1, 0, 0]] * 2)


def test_only_angles_in_rad_are_in_bins():
    np.testing.assert_array_equal(bin_shares([np.nan, 3.0], bins=2), [[np.nan] * 2, [0, 1]])
    for wrong in ([90.0, -45.0], [[0.1, 0.2]]):
        with pytest.raises(ValueError, match=r"angles of shape \(n,\) in rad within"):
            bin_shares(wrong)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recycled_average([1.0, 2.0], [1.0]), r"the chain has \(1,\) values but there are"),
        (lambda: recycled_profile([1.0], temperature_k=300.0), r"shape \(n_attempts, bins\) that"),
        (lambda: recycled_profile([[0.5, 0.2]], temperature_k=300.0), "that sum to one, got"),
        (lambda: recycled_profile([[1.0, 0.0]], temperature_k=300.0), "1 attempts do not fill 20"),
    ],
)
def test_wrong_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
