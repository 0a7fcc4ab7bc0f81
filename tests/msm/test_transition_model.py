"""Transition matrices, populations and timescales against chains with exact answers."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from openmm_genmd.msm import transition_model
from openmm_genmd.msm.diagnosis import SamplingError
from openmm_genmd.msm.resampling import BlockBootstrap, count_transitions, row_normalize
from openmm_genmd.msm.timescales import default_lags, scan_timescales, stationary_distribution
from openmm_genmd.msm.transition_model import (
    TransitionModel,
    estimate_transition_model,
    implied_timescales,
    reversible_matrix,
)

from .chains import metropolis_matrix, simulate_chains

POPULATIONS = np.array([0.1, 0.2, 0.3, 0.4])


def symmetric_eigenvalues(matrix, populations):
    """Of a reversible matrix, by the symmetric one that is similar to it."""
    root = np.sqrt(populations)
    return np.sort(np.linalg.eigvalsh(matrix * root[:, None] / root[None]))[::-1]


def reversible_by_iteration(counts, steps=20_000):
    """The fixed-point iteration for the reversible maximum-likelihood estimate."""
    x = counts + counts.T
    for _ in range(steps):
        q = counts.sum(1) / x.sum(1)
        x = (counts + counts.T) / (q[:, None] + q[None])
    return x / x.sum(1, keepdims=True)


def test_timescales_of_a_known_matrix_are_exact():
    a, b = 0.02, 0.05
    two = np.array([[1 - a, a], [b, 1 - b]])
    assert implied_timescales(two, 1) == pytest.approx(-1 / np.log(1 - a - b))
    matrix = metropolis_matrix(POPULATIONS)
    exact = -1 / np.log(symmetric_eigenvalues(matrix, POPULATIONS)[1:])
    np.testing.assert_allclose(implied_timescales(matrix, 1), exact)
    power = np.linalg.matrix_power(matrix, 7)
    np.testing.assert_allclose(implied_timescales(power, 7), exact, rtol=1e-6)


def test_exact_counts_give_back_the_matrix():
    matrix = metropolis_matrix(POPULATIONS)
    reversible, stationary = reversible_matrix(1e6 * POPULATIONS[:, None] * matrix)
    np.testing.assert_allclose(reversible, matrix, atol=1e-9)
    np.testing.assert_allclose(stationary, POPULATIONS, atol=1e-9)
    np.testing.assert_allclose(stationary_distribution(matrix), POPULATIONS, atol=1e-12)


def test_reversible_estimate_agrees_with_the_fixed_point_iteration():
    counts = np.array([[50.0, 8, 1], [3, 70, 10], [2, 4, 30]])
    reversible, stationary = reversible_matrix(counts)
    np.testing.assert_allclose(reversible, reversible_by_iteration(counts), atol=1e-6)
    flux = stationary[:, None] * reversible
    np.testing.assert_allclose(flux, flux.T, atol=1e-7)


def test_a_simulated_chain_gives_matrix_populations_and_timescales_within_errors():
    matrix = metropolis_matrix(POPULATIONS)
    labels = list(simulate_chains(matrix, 40, 1500, seed=1))
    model = estimate_transition_model(labels, 4, 1, notes=["a note"])
    visits = np.bincount(np.concatenate(labels), minlength=4)[:, None]
    error = np.sqrt(matrix * (1 - matrix) / visits)
    assert (np.abs(model.transition_matrix - matrix) <= 3.5 * error + 1e-12).all()
    assert (np.abs(model.reversible_transition_matrix - matrix) <= 3.5 * error + 1e-12).all()
    np.testing.assert_allclose(model.transition_matrix.sum(1), 1)
    np.testing.assert_allclose(model.populations, visits[:, 0] / visits.sum())
    scan = scan_timescales(labels, 4, [1, 2, 4, 8], n_processes=2, n_resamples=40)
    exact = -1 / np.log(symmetric_eigenvalues(matrix, POPULATIONS)[1:3])
    np.testing.assert_allclose(scan.timescales_frames[0], model.timescales_frames[:2])
    z = (scan.timescales_frames - exact) / scan.standard_error_frames
    assert np.abs(z).max() < 3.5
    # Of an AR(1)-like process: relative errors of some per cent, not of tens of per cent.
    assert (scan.standard_error_frames[:, 0] < 0.1 * exact[0]).all()
    resampled = BlockBootstrap(labels, 4, min_block_frames=20).counts(1)
    populations = np.array([stationary_distribution(row_normalize(c)) for c in resampled])
    assert (np.abs(model.stationary - POPULATIONS) < 3.5 * populations.std(axis=0)).all()


def test_replicas_are_not_joined_and_excluded_frames_are_left_out():
    labels = [np.array([0, 0, 1]), np.array([1, -1, 1, 1, 0])]
    np.testing.assert_array_equal(count_transitions(labels, 2, 1), [[1, 1], [1, 1]])
    np.testing.assert_array_equal(count_transitions(labels, 2, 2), [[0, 1], [1, 1]])
    assert count_transitions(labels, 2, 9).sum() == 0


def test_bootstrap_errors_are_those_of_independent_repetitions():
    matrix = np.array([[0.95, 0.05], [0.10, 0.90]])
    chains = simulate_chains(matrix, 60, 2000, seed=2)
    spread = np.std([row_normalize(count_transitions([c], 2, 5)) for c in chains], axis=0)
    errors = [
        row_normalize(BlockBootstrap([c], 2, min_block_frames=60, n_resamples=40).counts(5)).std(0)
        for c in chains[:20]
    ]
    np.testing.assert_allclose(np.mean(errors, axis=0), spread, rtol=0.25)


def test_all_blocks_once_are_all_counts():
    labels = list(simulate_chains(metropolis_matrix(POPULATIONS), 3, 500, seed=3))
    bootstrap = BlockBootstrap(labels, 4, min_block_frames=7)
    bootstrap._weights = np.ones((1, bootstrap.n_blocks), dtype=np.int64)
    for lag in (1, 11, 60):
        np.testing.assert_array_equal(bootstrap.counts(lag)[0], count_transitions(labels, 4, lag))


def test_resamples_without_a_way_back_are_left_out():
    # One visit: in some blocks the state is entered, in others it is left.
    labels = [np.repeat([0, 1, 0], [1000, 60, 940])]
    bootstrap = BlockBootstrap(labels, 2, min_block_frames=20, n_resamples=200)
    every, kept = bootstrap.counts(2), bootstrap.connected_counts(2)
    there_and_back = (every[:, 0, 1] > 0) & (every[:, 1, 0] > 0)
    np.testing.assert_array_equal(kept, every[there_and_back])
    # Each of two blocks is among n draws of n with probability 1 - exp(-1).
    assert abs(len(kept) / 200 - (1 - np.exp(-1)) ** 2) < 0.12
    errors = np.std([stationary_distribution(row_normalize(c))[1] for c in kept])
    assert 0.005 < errors < 0.1  # of a population of 0.03


def test_too_few_connected_resamples_give_no_error():
    labels = [np.repeat([0, 1, 0], [1000, 60, 940])]
    scan = scan_timescales(labels, 2, [2], n_processes=1, n_resamples=12)
    assert np.isfinite(scan.timescales_frames).all()
    assert np.isnan(scan.standard_error_frames).all()


def test_it_is_read_as_it_was_written(tmp_path):
    labels = [np.r_[-1, simulate_chains(metropolis_matrix(POPULATIONS), 1, 300, seed=4)[0]]]
    model = estimate_transition_model(labels, 4, 3, notes=["one frame: excluded", "two"])
    model.save(tmp_path / "model.npz")
    again = TransitionModel.load(tmp_path / "model.npz")
    for name in TransitionModel.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
    assert again.notes == model.notes
    assert (type(again.n_states), again.labels.dtype) == (int, np.int64)
    np.savez(tmp_path / "other.npz", labels=model.labels)
    (tmp_path / "text.npz").write_text("no archive")
    for name in ("other.npz", "text.npz"):
        with pytest.raises(ValueError, match="expected a transition model as genmd msm writes it"):
            TransitionModel.load(tmp_path / name)


def test_separate_sets_are_not_a_model():
    labels = [np.array([0, 1, 0, 1, 1]), np.array([2, 2, 2])]
    with pytest.raises(SamplingError, match=r"expected 3 states that are connected .*got 2 separ"):
        estimate_transition_model(labels, 3, 1)
    scan = scan_timescales(labels, 3, [1], n_processes=3)
    assert np.isnan(scan.timescales_frames[0, 1:]).all()  # two states are left: one process
    assert np.isfinite(scan.timescales_frames[0, 0])


def test_an_estimate_that_does_not_converge_is_refused(monkeypatch):
    class Failing:
        def __init__(self, reversible):
            pass

        def fit_from_counts(self, counts):
            warnings.warn("did not converge", UserWarning, stacklevel=1)

    monkeypatch.setattr(transition_model, "MaximumLikelihoodMSM", Failing)
    with pytest.raises(SamplingError, match=r"of 2 states, got no estimate .did not converge"):
        reversible_matrix(np.ones((2, 2)))
    scan = scan_timescales([np.array([0, 1, 0])], 2, [1], n_processes=1)
    assert np.isnan(scan.timescales_frames).all()


def test_lags_around_the_chosen_one():
    assert default_lags(100, [10_000]) == [6, 12, 25, 50, 100, 200, 400, 800, 1600]
    assert default_lags(1, [50]) == [1, 2, 4, 8, 16]
    assert default_lags(10, [12]) == [1, 2, 5, 10]
