"""Memory of processes whose correlation is known."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.analysis.metrics_dynamics import (
    decorrelation_time,
    dynamical_content,
    logarithmic_lags,
    mean_log_ratio,
    series_correlation,
    torsion_correlation,
)


def direct(theta, lag):
    """The definition, term by term."""
    raw = np.mean(np.cos(theta[: len(theta) - lag] - theta[lag:]))
    baseline = np.mean(np.cos(theta)) ** 2 + np.mean(np.sin(theta)) ** 2
    return (raw - baseline) / (1 - baseline)


def test_torsions_follow_the_definition():
    theta = np.random.default_rng(1).normal(size=50).cumsum()
    correlation = torsion_correlation([theta], 10)
    assert correlation == pytest.approx([direct(theta, lag) for lag in range(11)], abs=1e-12)
    assert correlation[0] == pytest.approx(1.0)


def test_trajectories_weigh_as_much_as_they_have_pairs():
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=40).cumsum(), rng.normal(size=25).cumsum()
    still = np.full(30, 0.3)
    expected = [
        ((40 - d) * direct(one, d) + (25 - d) * direct(other, d)) / (65 - 2 * d) for d in range(8)
    ]
    assert torsion_correlation([one, still, other], 7) == pytest.approx(expected, abs=1e-12)
    long = torsion_correlation([one, other], 45)
    assert np.isnan(long[40:]).all()
    assert long[30] == pytest.approx(direct(one, 30), abs=1e-12)


def test_a_torsion_that_does_not_move_has_no_correlation():
    assert np.isnan(torsion_correlation([np.full(20, 1.0)], 3)).all()


def autoregressive(n, memory, rng):
    x = np.empty(n)
    x[0] = rng.normal()
    noise = rng.normal(scale=(1 - memory**2) ** 0.5, size=n)
    for t in range(1, n):
        x[t] = memory * x[t - 1] + noise[t]
    return x


def test_an_autoregressive_process_decays_as_its_memory():
    runs = [autoregressive(20_000, np.exp(-1 / 20), np.random.default_rng(s)) for s in range(4)]
    correlation = series_correlation(runs, 60, mean=0.0, variance=1.0)
    # Standard error of a correlation at these lags: about sqrt(20 / 80000) = 0.016.
    assert correlation == pytest.approx(np.exp(-np.arange(61) / 20), abs=0.06)
    assert decorrelation_time(correlation, 0.5) == pytest.approx(20 * np.log(2), abs=3)


def test_the_mean_and_variance_are_those_of_the_reference():
    # A generated run that stays in one of two basins keeps its memory.
    stuck = np.full(100, 1.0)
    correlation = series_correlation([stuck], 20, mean=0.0, variance=1.0)
    assert correlation == pytest.approx(np.ones(21))
    assert decorrelation_time(correlation, 0.5) is None


def test_dynamical_content_of_an_exponential():
    tau, lags = 100.0, logarithmic_lags(2000, 40)
    at, content = dynamical_content(np.exp(-np.arange(2001) / tau), lags)
    exact = np.log(10) * at / tau * np.exp(-at / tau)
    far = at > 20  # where the lags are dense enough for differences
    assert content[far] == pytest.approx(exact[far], abs=5e-3)
    assert at[np.argmax(content)] == pytest.approx(tau, rel=0.1)
    # All memory is lost in the end.
    assert np.sum(content * np.diff(np.log10(lags))) == pytest.approx(np.exp(-1 / tau), abs=1e-6)


def test_ratios_need_both_times():
    assert mean_log_ratio([10, 5, None], [1, 50, 3]) == (pytest.approx(1.0), 2)
    ratio, n = mean_log_ratio([None], [1])
    assert np.isnan(ratio)
    assert n == 0


def test_errors():
    with pytest.raises(ValueError, match="expected as many reference as generated times"):
        mean_log_ratio([1], [1, 2])
    with pytest.raises(ValueError, match="max_lag must be at least 0"):
        torsion_correlation([np.zeros(3)], -1)
    with pytest.raises(ValueError, match="expected a finite series of shape"):
        torsion_correlation([np.array([0.0, np.nan])], 1)
    with pytest.raises(ValueError, match="the reference must have a positive variance"):
        series_correlation([np.zeros(3)], 1, mean=0.0, variance=0.0)
    with pytest.raises(ValueError, match="expected at least two increasing lags from 1 to 4"):
        dynamical_content(np.ones(5), [1, 5])
