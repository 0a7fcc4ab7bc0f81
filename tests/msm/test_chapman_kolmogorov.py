"""The test passes on a Markov chain and fails on a lumped one, with honest error bars."""

from __future__ import annotations

import numpy as np

from openmm_genmd.msm.chapman_kolmogorov import chapman_kolmogorov

from .chains import metropolis_matrix, simulate_chains

POPULATIONS = np.array([0.2, 0.5, 0.3])

# Two slow halves; what is seen is right in 85 % of the frames, afresh at each of them.
SLOW = np.array([[0.99, 0.01], [0.01, 0.99]])
SEEN = np.array([[0.85, 0.15], [0.15, 0.85]])
HIDDEN = np.kron(SLOW, np.ones((2, 2))) * np.tile(SEEN.reshape(-1), (4, 1))
LABEL = np.array([0, 1, 0, 1])


def lumped_exactly(k):
    """Transition matrix of the labels after k steps: both labels are equally populated."""
    half = SEEN / SEEN.sum(axis=0)  # P(half | label), as both are symmetric
    return half.T @ np.linalg.matrix_power(SLOW, k) @ SEEN


def test_a_markov_chain_passes_and_predictions_are_powers():
    matrix = metropolis_matrix(POPULATIONS)
    labels = list(simulate_chains(matrix, 20, 1000, seed=0))
    test = chapman_kolmogorov(labels, 3, 2)
    assert test.multiples.tolist() == [2, 3, 4, 5]
    for row, k in enumerate(test.multiples):
        exact = np.linalg.matrix_power(matrix, 2 * k)
        assert (np.abs(test.predicted[row] - exact) < 4 * test.predicted_error[row]).all()
        assert (np.abs(test.estimated[row] - exact) < 4 * test.estimated_error[row]).all()
    assert test.passed
    assert test.predicted_error.max() < 0.03
    assert "Chapman-Kolmogorov test passed (largest deviation" in test.describe()


def test_a_lumped_chain_fails_with_the_exact_discrepancy():
    chains = simulate_chains(HIDDEN, 20, 2000, seed=1)
    test = chapman_kolmogorov(list(LABEL[chains]), 2, 1)
    assert not test.passed
    one = lumped_exactly(1)
    for row, k in enumerate(test.multiples):
        exact = np.linalg.matrix_power(one, k) - lumped_exactly(k)
        assert (np.abs(test.deviation[row] - exact) < 4 * test.deviation_error[row]).all()
    assert test.worst[0] == 5
    assert abs(test.deviation[-1, 0, 0]) > 0.15
    assert "test FAILED (largest deviation " in test.describe()
    assert "choose a longer lag" in test.describe()


def test_the_full_chain_of_the_lumped_one_passes():
    assert chapman_kolmogorov(list(simulate_chains(HIDDEN, 20, 2000, seed=1)), 4, 1).passed


def test_errors_of_the_deviation_are_calibrated():
    matrix = metropolis_matrix(POPULATIONS)
    chains = simulate_chains(matrix, 200, 1000, seed=2).reshape(20, 10, 1000)
    tests = [chapman_kolmogorov(list(c), 3, 2, n_resamples=40, max_multiple=3) for c in chains]
    assert all(test.passed for test in tests)
    spread = np.std([test.deviation for test in tests], axis=0)
    error = np.mean([test.deviation_error for test in tests], axis=0)
    # No smaller than the truth; the floor for unseen events adds up to 2 times.
    assert (error > 0.65 * spread).all()
    assert error.mean() < 2.0 * spread.mean()


def test_a_state_that_was_seen_once_is_not_held_against_the_model():
    labels = np.zeros(3000, dtype=np.int64)
    labels[1000:1004] = 1
    test = chapman_kolmogorov([labels], 2, 2)
    assert np.abs(test.deviation).max() > 0.05
    assert test.passed


def test_short_replicas_leave_nothing_to_test():
    test = chapman_kolmogorov([np.array([0, 1, 0, 1, 0])], 2, 2)
    assert test.passed
    assert test.predicted.shape == (0, 2, 2)
    assert "not possible: no replica is" in test.describe()
