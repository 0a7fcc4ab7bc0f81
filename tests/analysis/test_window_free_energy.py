"""Free energies of windows against quadrature, and their errors against their spread."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import pytest

import openmm_genmd.analysis.window_free_energy as module
from openmm_genmd.analysis.window_convergence import convergence_in_time
from openmm_genmd.analysis.window_free_energy import equilibrated_from, window_free_energies

from .exchanged_windows import exchanged, free_energies, metropolis

REPEATS = 40
# Mean of squared scores: 1 +- sqrt(2 / n) for normal scores and exact errors.
HIGHEST = 1 + 4 * np.sqrt(2 / REPEATS)
LOWEST = 0.35


def double_well(x):
    return 4.0 * (x[:, 0] ** 2 - 1) ** 2 + 1.5 * x[:, 0]


WELL_CENTERS, WELL_SPRING = np.linspace(-1.2, 1.2, 6), 12.0
WELL_EXACT = free_energies(
    double_well, WELL_CENTERS, WELL_SPRING, np.linspace(-3, 3, 4001)[:, None]
)


def double_well_run(rng, iterations=300):
    walk = metropolis(double_well, WELL_SPRING, np.array([0.15]), 2, rng)
    return exchanged(walk, WELL_CENTERS[:, None], WELL_CENTERS, WELL_SPRING, iterations, rng)


def estimate(run, **options):
    return window_free_energies(run.energies(WELL_CENTERS, WELL_SPRING), run.windows, **options)


def scores(results, exact, i, j):
    pairs = np.array([result.difference(i, j) for result in results])
    return (pairs[:, 0] - (exact[j] - exact[i])) / pairs[:, 1]


@pytest.fixture(scope="module")
def well_runs():
    rng = np.random.default_rng(21)
    return [double_well_run(rng) for _ in range(REPEATS)]


def test_harmonic_chain():
    # Independent samples of springs of different strength: all errors are those of the books.
    rng, springs = np.random.default_rng(1), np.array([1.0, 2.0, 5.0, 9.0])
    centers, exact = np.array([0.0, 0.8, 1.5, 2.0]), 0.5 * np.log([1.0, 2.0, 5.0, 9.0])
    results = []
    for _ in range(REPEATS):
        x = centers + rng.normal(size=(200, 4)) / np.sqrt(springs)
        energies = 0.5 * springs * (x[:, :, None] - centers) ** 2
        results.append(window_free_energies(energies, np.tile(np.arange(4), (200, 1))))
    for i, j in ((0, 1), (0, 3), (2, 3)):
        z = scores(results, exact, i, j)
        assert abs(z.mean()) < 4 / np.sqrt(REPEATS)
        assert LOWEST < np.mean(z**2) < HIGHEST
    bar = np.array([(r.bar_kt - np.diff(exact)) / r.bar_errors_kt for r in results])
    assert np.all(np.abs(bar.mean(axis=0)) < 4 / np.sqrt(REPEATS))
    assert np.all(np.abs(np.mean(bar**2, axis=0) - 0.5 * (HIGHEST + LOWEST)) < HIGHEST - 1)


def test_double_well_and_its_errors(well_runs):
    results = [estimate(run) for run in well_runs]
    assert np.mean([r.inefficiency.min() for r in results]) > 3
    for i, j in ((0, 1), (0, 5), (2, 4)):
        z = scores(results, WELL_EXACT, i, j)
        assert abs(z.mean()) < 4 / np.sqrt(REPEATS)
        assert LOWEST < np.mean(z**2) < HIGHEST
    bar = np.array([(r.bar_kt - np.diff(WELL_EXACT)) / r.bar_errors_kt for r in results])
    assert np.mean(bar**2) < HIGHEST


def test_samples_taken_for_independent_have_too_small_errors(well_runs):
    # The broken twin: the same frames, the order in time and along replicas shuffled away.
    rng, results = np.random.default_rng(2), []
    for run in well_runs:
        x = np.take_along_axis(run.coordinates[:, :, 0], np.argsort(run.windows, axis=1), axis=1)
        x, place = rng.permuted(x, axis=0), np.tile(np.arange(6), (len(x), 1))
        energies = 0.5 * WELL_SPRING * (x[:, :, None] - WELL_CENTERS) ** 2
        results.append(window_free_energies(energies, place, discard=0))
    assert np.mean(scores(results, WELL_EXACT, 0, 5) ** 2) > 2 * HIGHEST


def frozen_run(rng, n_windows=12, iterations=150):
    """A sign y that each replica keeps for ever: the energy is x^2 / 2 - y x, plus the windows.

    Enough replicas that both signs are there: with one sign in all no error can be right.
    """
    centers = np.linspace(-0.5, 2.0, n_windows)
    y = np.where(rng.random(n_windows) < 1 / (1 + np.exp(-centers)), 1.0, -1.0)

    def advance(x, center):
        return np.column_stack(
            [0.5 * (center + x[:, 1]) + rng.normal(size=len(x)) / 2**0.5, x[:, 1]]
        )

    start = np.column_stack([centers, y])
    return centers, exchanged(advance, start, centers, 1.0, iterations, rng)


def frozen_scores():
    rng, results = np.random.default_rng(3), []
    for _ in range(REPEATS):
        centers, run = frozen_run(rng)
        results.append(window_free_energies(run.energies(centers, 1.0), run.windows, discard=0))
    exact = 0.25 * centers**2 - np.log(np.cosh(0.5 * centers))
    return scores(results, exact, 0, len(centers) - 1)


def test_what_replicas_never_change_is_in_the_errors():
    z = frozen_scores()
    assert abs(z.mean()) < 4 / np.sqrt(REPEATS)
    assert LOWEST < np.mean(z**2) < HIGHEST


def test_without_the_spread_of_replicas_it_would_not_be(monkeypatch):
    monkeypatch.setattr(module, "MIN_BLOCKS", 1000)
    monkeypatch.setattr(module, "error_of_mean", lambda s: np.std(s) / np.sqrt(len(s)))
    assert np.mean(frozen_scores() ** 2) > HIGHEST


def test_same_as_pymbar_and_silent(well_runs, caplog, capfd):
    run = well_runs[0]
    with caplog.at_level(logging.WARNING):
        result = estimate(run, discard=0)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")
    from pymbar import MBAR, bar

    order = np.argsort(run.windows.ravel(), kind="stable")
    energies = run.energies(WELL_CENTERS, WELL_SPRING).reshape(-1, 6)[order]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mbar = MBAR(energies.T, np.full(6, 300))
    found = mbar.compute_free_energy_differences()["Delta_f"]
    np.testing.assert_allclose(result.free_energies_kt, found[0], atol=1e-5)
    np.testing.assert_allclose(result.overlap, mbar.compute_overlap()["matrix"], atol=1e-5)
    assert result.smallest_overlap == np.diag(result.overlap, 1).min()
    here, there = energies[:300], energies[300:600]
    neighbors = bar(here[:, 1] - here[:, 0], there[:, 0] - there[:, 1])
    assert result.bar_kt[0] == pytest.approx(neighbors["Delta_f"], abs=1e-6)


def test_long_runs_are_thinned(well_runs, monkeypatch):
    full = estimate(well_runs[0], discard=0)
    monkeypatch.setattr(module, "_MOST_ENERGIES", 300 * 36 // 3)
    thinned = estimate(well_runs[0], discard=0)
    apart = abs(thinned.difference(0, 5)[0] - full.difference(0, 5)[0])
    assert 0 < apart < full.difference(0, 5)[1]
    # Neighboring iterations hardly differ: a third of them has the same error.
    assert thinned.difference(0, 5)[1] == pytest.approx(full.difference(0, 5)[1], rel=0.4)


def test_a_start_out_of_equilibrium_is_dropped():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(400, 2)) + 8 * np.exp(-np.arange(400) / 20)[:, None]
    energies, windows = 0.5 * x[:, :, None] ** 2 * [1.0, 2.0], np.tile([0, 1], (400, 1))
    assert 40 <= window_free_energies(energies, windows).discarded <= 200
    assert window_free_energies(energies, windows, discard=7).discarded == 7
    assert equilibrated_from(np.full(100, 3.0)) == 0


def test_windows_that_nothing_links_have_no_error_bar():
    centers = np.array([0.0, 1.0, 60.0, 61.0])
    x = np.random.default_rng(5).normal(size=(100, 4)) + centers
    energies = 0.5 * (x[:, :, None] - centers) ** 2
    result = window_free_energies(energies, np.tile(np.arange(4), (100, 1)))
    assert np.isinf(result.errors_kt[:2, 2:]).all()
    assert np.isinf(result.bar_errors_kt[1])
    assert result.errors_kt[0, 1] < 0.5
    assert result.errors_kt[2, 3] < 0.5
    assert result.smallest_overlap < 1e-6


def test_a_run_of_few_correlation_times_has_no_error_bar():
    x = np.linspace(-1, 1, 60)[:, None] + np.zeros(2)
    energies = 0.5 * x[:, :, None] ** 2 * [1.0, 2.0]
    assert np.isinf(window_free_energies(energies, np.tile([0, 1], (60, 1))).errors_kt[0, 1])


def test_equal_windows_differ_by_exactly_nothing():
    energies = np.random.default_rng(6).normal(size=(50, 2, 1)) * np.ones(2)
    result = window_free_energies(energies, np.tile([0, 1], (50, 1)), discard=0)
    assert result.difference(0, 1) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.0, abs=1e-9))


def test_convergence_in_time(well_runs):
    run = well_runs[1]
    energies = run.energies(WELL_CENTERS, WELL_SPRING)
    parts = convergence_in_time(energies, run.windows, 0, 5, parts=4)
    assert parts.iterations.tolist() == [75, 150, 225, 300]
    half = window_free_energies(energies[150:], run.windows[150:], discard=0).difference(0, 5)
    assert parts.second_half == half
    assert tuple(parts.forward_kt[1]) == parts.first_half
    assert np.array_equal(parts.forward_kt[-1], parts.reverse_kt[-1])
    with pytest.raises(ValueError, match="parts must be even and at least 2, got 3"):
        convergence_in_time(energies, run.windows, 0, 5, parts=3)


GOOD = np.zeros((10, 2, 2)), np.tile([0, 1], (10, 1))
EXPLODED = np.where(np.arange(40).reshape(10, 2, 2) == 21, np.nan, 0.0)


@pytest.mark.parametrize(
    ("energies", "windows", "discard", "message"),
    [
        (
            np.zeros((10, 2)),
            GOOD[1],
            None,
            r"expected energies .*got \(10, 2\) and int64 \(10, 2\)",
        ),
        (GOOD[0], GOOD[1] * 1.0, None, "got .* float64"),
        (np.zeros((10, 2, 1)), GOOD[1] * 0, None, "at least two windows, got 1"),
        (EXPLODED, GOOD[1], None, "iteration 5 of replica 0 in window 1 is nan; a replica has"),
        (GOOD[0], GOOD[1] + 1, None, "windows must be from 0 to 1, got 1 to 2"),
        (GOOD[0], GOOD[1] * 0, None, r"fewer than 4 samples in windows \[1\]"),
        (GOOD[0], GOOD[1], 7, "10 iterations of which 7 are discarded leave too few, at least 4"),
        (GOOD[0][:3], GOOD[1][:3], None, "3 iterations of which 0 are discarded"),
    ],
)
def test_refused(energies, windows, discard, message):
    with pytest.raises(ValueError, match=message):
        window_free_energies(energies, windows, discard=discard)
