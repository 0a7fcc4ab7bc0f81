"""Effective samples against a reference: exact answers, stuck chains, weights, errors."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
from peptide_hybrid_ess import (
    Target,
    count_core_crossings,
    dividing_value,
    effective_samples,
    target_of,
)

NORMAL = Target(mean=0.0, mean_error=0.0, variance=1.0, low=-0.5, middle=0.0, high=0.5)


def autoregressive(rho, shape, rng):
    """Chains of an AR(1) process with unit variance, started at equilibrium."""
    noise = np.sqrt(1 - rho**2) * rng.normal(size=shape)
    noise[..., 0] /= np.sqrt(1 - rho**2)
    return lfilter([1.0], [1.0, -rho], noise, axis=-1)


def worth(values, target, weights=None):
    """Effective samples and crossings of one chain alone."""
    samples, crossings = effective_samples([values], target, [weights])
    return float(samples[0]), int(crossings[0])


def two_states(rate, length, rng, start=0):
    """A chain that leaves its state, 0 or 1, with a probability per frame."""
    return (start + np.cumsum(rng.random(length) < rate)) % 2


def test_what_one_chain_has_not_seen_another_one_has():
    rng, n = np.random.default_rng(13), 3_000
    target = Target(0.0, 0.0, 1.0, -0.1, 0.0, 0.1)
    # Three chains in wells at -1.2, .02 and 1: alone, the one in the middle seems to be perfect.
    stuck = [0.2 * rng.normal(size=n) + centre for centre in (-1.2, 0.02, 1.0)]
    assert worth(stuck[1], target)[0] > 1_000
    assert effective_samples(stuck, target)[0].max() < 2
    # Chains that are fine are worth together what they are alone, with less noise.
    fine = autoregressive(0.95, (40, 3, 10_000), rng)
    together = [effective_samples(list(chains), target)[0].mean() for chains in fine]
    exact = 10_000 * 0.05 / 1.95
    assert np.mean(together) == pytest.approx(exact, rel=0.06)
    alone = [worth(chains[0], target)[0] for chains in fine]
    assert np.std(together) < 0.8 * np.std(alone)


@pytest.mark.parametrize("rho", [0.5, 0.9, 0.98])
def test_effective_samples_of_an_autoregressive_process(rho):
    rng, n = np.random.default_rng(1), 20_000
    found = [worth(f, NORMAL)[0] for f in autoregressive(rho, (60, n), rng)]
    exact = n * (1 - rho) / (1 + rho)
    assert np.mean(found) == pytest.approx(exact, abs=0.03 * exact + 4 * np.std(found) / 60**0.5)


def test_effective_samples_of_two_states_that_exchange():
    rng, n, rate = np.random.default_rng(2), 20_000, 0.02
    target = Target(0.5, 0.0, 0.25, 0.25, 0.5, 0.75)
    found = [worth(two_states(rate, n, rng), target)[0] for _ in range(60)]
    exact = n * rate / (1 - rate)  # rho = 1 - 2 rate
    # Noise that the end of the sum lets in costs some percent, for all methods alike.
    assert np.mean(found) == pytest.approx(exact, rel=0.08)


def test_a_stuck_chain_is_worth_what_its_deviation_says_however_long_it_is():
    rng = np.random.default_rng(3)
    for n in (1_000, 30_000):
        stuck = 0.8 + 0.2 * rng.normal(size=n)
        wide = Target(0.0, 0.0, 1.0, 0.7, 0.8, 0.9)  # noise crosses, but the mean is wrong
        assert worth(stuck, wide)[0] == pytest.approx(1 / 0.8**2, rel=0.2)
    # With the chain's own mean and variance it would look perfect.
    own = Target(0.8, 0.0, 0.04, 0.7, 0.8, 0.9)
    assert worth(stuck, own)[0] > 0.8 * n


def test_crossings_limit_what_a_chain_can_be_worth():
    rng = np.random.default_rng(12)
    sample = np.where(rng.random(100_000) < 0.1, 1.0, -0.1) + 0.1 * rng.normal(size=100_000)
    target = target_of(sample, float(sample.mean()), 0.0)
    assert target.crossings_per_sample == pytest.approx(0.18 * 0.109 / 0.119, rel=0.03)
    # Independent frames and exchanging states lose nothing,
    assert worth(sample[:4_000], target)[0] > 3_300
    exchanging = two_states(0.01, 50_000, rng)
    even = target_of(exchanging + 1e-9 * rng.normal(size=50_000), 0.5, 0.0)
    assert worth(exchanging, even)[0] == pytest.approx(505, rel=0.3)
    # one that came once from the other state and happens to have the right mean does.
    stays = 0.01 + 0.2 * rng.normal(size=5_000)
    stays[:20] = 1.2
    allowed = 1 / target.crossings_per_sample
    narrow = replace(target, low=0.7, high=1.1)
    assert worth(stays, narrow) == (pytest.approx(allowed), 1)
    unlimited = replace(narrow, crossings_per_sample=0.0)
    assert worth(stays, unlimited)[0] > 10 * allowed


def test_a_chain_that_never_crosses_has_at_most_one():
    rng = np.random.default_rng(4)
    stuck = 0.05 * rng.normal(size=5_000)  # close to the mean: the formula alone sees nothing
    found, crossings = worth(stuck, Target(0.0, 0.0, 1.0, -0.5, 0, 0.5))
    assert (crossings, found) == (0, 1.0)
    far = worth(3.0 + stuck, Target(0.0, 0.0, 1.0, -0.5, 0, 0.5))[0]
    assert far == pytest.approx(1 / 9, rel=0.05)
    assert worth(stuck, Target(0.0, 0.0, 1.0, -0.05, 0, 0.05))[0] > 1_000


@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_a_biased_run_counts_by_the_error_of_its_weighted_mean(rho):
    rng, width = np.random.default_rng(5), 1.5
    chains = width * autoregressive(rho, (600, 4_000), rng)
    weights = np.exp(-0.5 * chains**2 * (1 - width**-2))
    means = np.sum(weights * chains, axis=1) / weights.sum(axis=1)
    exact = min(1 / means.var(), 4_000)
    found = [worth(f, NORMAL, w)[0] for f, w in zip(chains, weights, strict=True)]
    # Without the weights it would be the samples of another, wider distribution.
    plain = [worth(f, NORMAL)[0] for f in chains]
    assert np.mean(found) == pytest.approx(exact, rel=0.1)
    assert abs(np.mean(plain) - exact) > 0.2 * exact


def test_a_mean_that_is_wrong_is_not_worth_more_than_it_shows():
    rng = np.random.default_rng(11)
    # Four fast frames in five are weightless, the rest says 1.0 and not 0.0: no correlation seen.
    f, weights = rng.normal(size=5_000), np.full(5_000, 1e-6)
    f[::5], weights[::5] = 1.0 + 1.5 * rng.normal(size=1_000), 1.0
    assert worth(f, NORMAL, weights)[0] < 4.5


def test_one_frame_that_has_all_the_weight_is_one_sample():
    rng = np.random.default_rng(6)
    f, weights = rng.normal(size=2_000), np.full(2_000, 1e-9)
    f[500], weights[500] = 1.0, 1.0
    assert worth(f, NORMAL, weights)[0] == pytest.approx(1.0, rel=0.01)


def test_error_of_the_reference_is_not_blamed_on_the_chain():
    rng, error, n = np.random.default_rng(7), 0.2, 150
    chains, means = autoregressive(0.98, (n, 20_000), rng), error * rng.normal(size=n)
    known = [
        worth(f, Target(m, error, 1.0, -0.5, 0, 0.5))[0] for f, m in zip(chains, means, strict=True)
    ]
    ignored = [
        worth(f, Target(m, 0.0, 1.0, -0.5, 0, 0.5))[0] for f, m in zip(chains, means, strict=True)
    ]
    assert np.mean(known) == pytest.approx(202, rel=0.12)
    assert np.mean(ignored) < 0.8 * 202


@pytest.mark.parametrize(
    ("values", "weights", "variance", "message"),
    [
        ([1.0], None, 1.0, "at least two frames"),
        ([1.0, 2.0], [1.0], 1.0, "as many weights"),
        ([1.0, np.nan], None, 1.0, "must be finite"),
        ([1.0, 2.0], [1.0, -1.0], 1.0, "must not be negative"),
        ([1.0, 2.0], [0.0, 0.0], 1.0, "nor all zero"),
        ([1.0, 2.0], None, 0.0, "variance positive"),
    ],
)
def test_what_cannot_be_counted_is_refused(values, weights, variance, message):
    with pytest.raises(ValueError, match=message):
        worth(values, Target(0.0, 0.0, variance, -1.0, 0, 1.0), weights)


def test_crossings_go_from_core_to_core():
    assert count_core_crossings([-1, 0.1, -1, 0.4, -1], -0.5, 0.5) == 0
    assert count_core_crossings([0.0, -1, 0.1, 1, 0.1, 1, -2, 2], -0.5, 0.5) == 3
    with pytest.raises(ValueError, match="the core below must end before"):
        count_core_crossings([0.0, 1.0], 0.5, 0.5)


def test_dividing_value_parts_two_states_of_unequal_weight():
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.normal(0, 0.3, 9_500), rng.normal(5, 0.3, 500)])
    low, middle, high = dividing_value(rng.permutation(values))
    assert 1.2 < middle < 3.8
    assert (low, high) == pytest.approx((middle / 2, (middle + 5) / 2), abs=0.1)
    with pytest.raises(ValueError, match="constant observable"):
        dividing_value([1.0, 1.0, 1.0])
