"""How the reference of alanine dipeptide is combined from sets of walkers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
from reference import load_reference
from reference_reweighting import SampleSet, agreement_by_start, combined, estimate

SHARE, BLOCKS, FRAMES = 0.2, 10, 200


def independent_frames(seed: int, walkers: int, offsets: np.ndarray) -> SampleSet:
    """Unbiased frames of which a share, different for each walker, lies in alpha-left."""
    rng = np.random.default_rng(seed)
    shares = (SHARE + offsets)[:, None, None]
    phi = np.where(rng.random((walkers, BLOCKS, FRAMES)) < shares, 1.0, -1.0)
    frames = np.stack([phi, 0 * phi, 0 * phi])
    return SampleSet(frames, np.arange(walkers) < walkers // 2, seed)


def test_the_error_of_walkers_that_differ_is_their_scatter() -> None:
    alike = estimate(independent_frames(1, 8, np.zeros(8)))
    exact = np.sqrt(SHARE * (1 - SHARE) / (8 * BLOCKS * FRAMES))
    assert alike.jackknife_error == pytest.approx(exact, rel=0.25)
    assert alike.standard_error < 2 * exact
    drifts = np.tile([0.05, -0.05], 4)
    differing = estimate(independent_frames(2, 8, drifts))
    assert differing.standard_error == differing.scatter_error
    assert differing.scatter_error == pytest.approx(np.sqrt(8 / 7) * 0.05 / np.sqrt(8), rel=0.2)


def test_sets_count_with_their_share_of_the_frames() -> None:
    sets = [independent_frames(3, 8, np.zeros(8)), independent_frames(4, 4, np.zeros(4))]
    one, two = (estimate(samples) for samples in sets)
    value, error = combined([one, two], [samples.size for samples in sets])
    assert value == pytest.approx((2 * one.value + two.value) / 3)
    assert error == pytest.approx(np.hypot(2 * one.standard_error, two.standard_error) / 3)
    assert abs(value - SHARE) < 4 * error


def test_a_memory_of_the_start_shows() -> None:
    same = independent_frames(5, 8, np.zeros(8))
    found = agreement_by_start([same], [estimate(same)])
    assert found["all"]["p_value"] > 1e-3
    assert abs(found["alpha_left_minus_minimised_in_standard_errors"]) < 4
    remembers = independent_frames(6, 8, np.where(np.arange(8) < 4, 0.05, -0.05))
    found = agreement_by_start([remembers], [estimate(remembers)])
    assert found["all"]["p_value"] < 1e-6
    assert found["alpha_left"]["p_value"] > 1e-3
    assert found["alpha_left_minus_minimised_in_standard_errors"] > 5


def test_the_stored_reference_is_near_one_fortieth() -> None:
    value, error = load_reference().population
    assert 0.015 < value < 0.03
    assert 0.0005 < error < 0.002
