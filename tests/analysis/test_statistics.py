"""Standard errors against chains whose error is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from openmm_genmd.analysis.statistics import (
    average,
    error_of_mean,
    jackknife_ratio,
    population,
    statistical_inefficiency,
)


def ar1(rng: np.random.Generator, n: int, memory: float) -> NDArray[np.float64]:
    """Stationary AR(1) chain of unit variance: inefficiency (1 + a) / (1 - a)."""
    noise = rng.normal(size=n) * np.sqrt(1 - memory**2)
    noise[0] = rng.normal()
    return np.asarray(lfilter([1.0], [1.0, -memory], noise))


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, 0.98])
def test_inefficiency_of_an_ar1_chain(memory: float) -> None:
    exact = (1 + memory) / (1 - memory)
    rng = np.random.default_rng(5)
    estimates = [statistical_inefficiency(ar1(rng, 50_000, memory)) for _ in range(20)]
    assert np.mean(estimates) == pytest.approx(exact, rel=0.08)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, 0.98])
def test_standard_error_of_an_ar1_chain(memory: float) -> None:
    n, rng = 32_768, np.random.default_rng(6)
    exact = np.sqrt((1 + memory) / (1 - memory) / n)
    means = [average(ar1(rng, n, memory)) for _ in range(30)]
    assert np.mean([m.standard_error for m in means]) == pytest.approx(exact, rel=0.2)
    scores = np.array([m.value / m.standard_error for m in means if m.standard_error])
    # Mean of 30 squared scores: 1 +- sqrt(2 / 30), less if the larger of two errors was taken.
    assert 0.3 < np.mean(scores**2) < 1 + 4 * np.sqrt(2 / 30)


@pytest.mark.parametrize(("n", "memory"), [(4096, 0.9), (240, 0.8)])
def test_error_of_a_mean_also_of_short_series(n: int, memory: float) -> None:
    rng, scores = np.random.default_rng(9), []
    for _ in range(60):
        series = ar1(rng, n, memory)
        scores.append(series.mean() / error_of_mean(series))
    assert np.mean(np.isinf(scores)) == 0
    assert 0.3 < np.mean(np.square(scores)) < 1 + 4 * np.sqrt(2 / 60)


def test_effective_samples_of_independent_frames() -> None:
    mean = average(np.random.default_rng(1).normal(size=8192))
    assert mean.effective_samples == pytest.approx(8192, rel=0.2)


def test_agrees_with_pymbar() -> None:
    from pymbar.timeseries import statistical_inefficiency as pymbar_inefficiency

    series = ar1(np.random.default_rng(4), 5_000, 0.9)
    assert statistical_inefficiency(series) == pytest.approx(pymbar_inefficiency(series), rel=0.25)


def test_weighted_mean_of_a_biased_chain() -> None:
    # Frames from N(0, 1), weights that turn it into N(0.5, 1).
    n, rng, scores = 16_384, np.random.default_rng(2), []
    for _ in range(25):
        x = ar1(rng, n, 0.8)
        mean = average(x, np.exp(0.5 * x - 0.125))
        assert mean.standard_error is not None
        scores.append((mean.value - 0.5) / mean.standard_error)
    assert abs(np.mean(scores)) < 4 / np.sqrt(25)
    assert 0.3 < np.mean(np.square(scores)) < 1 + 4 * np.sqrt(2 / 25)


def test_a_chain_too_short_for_its_memory_has_no_error() -> None:
    ramp = np.linspace(0, 1, 200)
    assert average(ramp).standard_error is None


@pytest.mark.parametrize("series", [np.zeros(1000), np.full(1000, 0.1), np.ones(1)])
def test_a_chain_that_never_moved_has_no_error(series: NDArray[np.float64]) -> None:
    mean = average(series)
    assert mean.value == pytest.approx(series[0])
    assert mean.standard_error is None
    assert mean.effective_samples is None


def test_population_without_crossings_has_no_error_bar() -> None:
    never = population(np.zeros(10_000, dtype=bool), n_crossings=0)
    assert never.as_pair() == [0.0, None]
    assert "0 crossings" in never.note


def test_population_with_few_crossings_has_no_error_bar() -> None:
    few = np.zeros(10_000, dtype=bool)
    few[4000:4100] = True
    assert population(few, n_crossings=2).as_pair() == [0.01, None]


def test_population_too_short_for_its_memory() -> None:
    step = np.arange(200) >= 100
    assert population(step, n_crossings=12).note == "the run is too short for its correlation time"


def test_population_of_a_two_state_chain() -> None:
    rng, n, up, down = np.random.default_rng(8), 65_536, 0.002, 0.02
    exact = up / (up + down)
    scores = []
    for _ in range(20):
        state = two_state(rng, n, up, down)
        share = population(state, n_crossings=int(np.count_nonzero(np.diff(state))))
        assert share.standard_error is not None
        assert share.effective_samples is not None
        scores.append((share.value - exact) / share.standard_error)
    assert abs(np.mean(scores)) < 4 / np.sqrt(20)
    assert 0.3 < np.mean(np.square(scores)) < 1 + 4 * np.sqrt(2 / 20)
    inefficiency = (2 - up - down) / (up + down)
    assert n / share.effective_samples == pytest.approx(inefficiency, rel=0.5)


def two_state(rng: np.random.Generator, n: int, up: float, down: float) -> NDArray[np.bool_]:
    """Markov chain on False and True with the given probabilities of change."""
    lengths = np.empty(n, dtype=np.int64)
    start = int(rng.uniform() < up / (up + down))
    lengths[0::2] = rng.geometric(down if start else up, size=len(lengths[0::2]))
    lengths[1::2] = rng.geometric(up if start else down, size=len(lengths[1::2]))
    runs = np.searchsorted(np.cumsum(lengths), n) + 1
    values = (np.arange(runs) + start) % 2 == 1
    return np.repeat(values, lengths[:runs])[:n]


def test_jackknife_of_independent_ratios() -> None:
    rng = np.random.default_rng(9)
    scores = []
    for _ in range(200):
        weight = rng.uniform(0.5, 1.5, size=40)
        ratio, error = jackknife_ratio(weight * (0.3 + 0.1 * rng.normal(size=40)), weight)
        scores.append(float((ratio - 0.3) / error))
    assert np.mean(np.square(scores)) == pytest.approx(1, abs=5 * np.sqrt(2 / 200))


def test_jackknife_handles_many_numerators() -> None:
    ratio, error = jackknife_ratio(np.ones((4, 3)), np.full(4, 2.0))
    assert ratio == pytest.approx([0.5] * 3)
    assert error == pytest.approx([0.0] * 3)


def test_broken_series_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        average([])
    with pytest.raises(ValueError, match="not finite"):
        average([1.0, np.nan])
    with pytest.raises(ValueError, match="constant series"):
        statistical_inefficiency(np.ones(10))
    with pytest.raises(ValueError, match="weights must be 3 non-negative numbers"):
        average([1.0, 2.0, 3.0], [1.0, -1.0, 1.0])
    with pytest.raises(ValueError, match="n_crossings must be at least 0, got -1"):
        population([True], n_crossings=-1)
    with pytest.raises(ValueError, match="at least two blocks"):
        jackknife_ratio([1.0], [1.0])
    with pytest.raises(ValueError, match="positive total weight"):
        jackknife_ratio([1.0, 1.0], [1.0, 0.0])
