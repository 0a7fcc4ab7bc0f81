"""Error times time against runs of known scatter."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.analysis.figure_of_merit import advantage, merit, minutes_to_relative_error


def test_merit_of_runs_with_known_scatter() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(100):
        runs = rng.normal(0.02, 0.004, size=24)
        m = merit(runs, minutes=0.5, reference=(0.02, 0.0), rng=rng, resamples=500)
        assert m.variance_minutes is not None
        inside += m.variance_minutes[1] < 0.5 * 0.004**2 < m.variance_minutes[2]
    # Percentile intervals of a variance from 24 runs are somewhat short of 95 %.
    assert 80 <= inside <= 100


def test_ess_is_that_of_independent_frames() -> None:
    rng = np.random.default_rng(2)
    runs = rng.binomial(5000, 0.02, size=400) / 5000
    m = merit(runs, minutes=0.25, reference=(0.02, 0.0), rng=rng)
    assert m.ess_per_minute is not None
    assert m.ess_per_minute[0] == pytest.approx(5000 / 0.25, rel=4 * np.sqrt(2 / 400))
    assert m.mean == pytest.approx(0.02, abs=4 * (m.standard_error or 0))


def test_bias_counts_and_the_error_of_the_reference_does_not() -> None:
    rng = np.random.default_rng(3)
    runs = np.full(20, 0.03)
    m = merit(runs, minutes=2.0, reference=(0.02, 0.006), rng=rng)
    assert m.mean_squared_error_minutes[0] == pytest.approx(2 * (0.01**2 - 0.006**2))


def test_runs_that_never_saw_the_basin_have_no_variance() -> None:
    runs = [0.0] * 18 + [0.01, 0.02]
    m = merit(runs, minutes=0.5, reference=(0.02, 0.0), rng=np.random.default_rng(4))
    assert m.standard_error is None
    assert m.variance_minutes is None
    assert m.ess_per_minute is None
    assert m.mean_squared_error_minutes[0] == pytest.approx(0.5 * (18 * 4e-4 + 1e-4) / 20)


def test_advantage_is_the_ratio_of_variances() -> None:
    rng = np.random.default_rng(5)
    value, low, high = advantage(rng.normal(size=400), rng.normal(scale=2, size=400), rng=rng)
    assert value == pytest.approx(4, rel=4 * np.sqrt(4 / 400))
    assert low < 4 < high


def test_minutes_to_a_relative_error() -> None:
    minutes = minutes_to_relative_error(4e-6, reference=0.02, relative_error=0.1, setup_minutes=3.0)
    assert minutes == pytest.approx(4.0)


def test_broken_inputs_are_refused() -> None:
    rng = np.random.default_rng(6)
    with pytest.raises(ValueError, match="at least two finite estimates"):
        merit([0.1], minutes=1.0, reference=(0.1, 0.0), rng=rng)
    with pytest.raises(ValueError, match="at least two finite estimates"):
        merit([0.1, np.nan], minutes=1.0, reference=(0.1, 0.0), rng=rng)
    with pytest.raises(ValueError, match="positive time and 0 < p < 1"):
        merit([0.1, 0.2], minutes=0.0, reference=(0.1, 0.0), rng=rng)
    with pytest.raises(ValueError, match="at least two runs that differ"):
        advantage([0.1, 0.1], [0.1, 0.2], rng=rng)
    with pytest.raises(ValueError, match="positive reference and relative error"):
        minutes_to_relative_error(1.0, reference=0.0, relative_error=0.1, setup_minutes=0.0)
