"""Paths of small chains, every one of which can be listed."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.stats import chi2, rankdata

from openmm_genmd.analysis.metrics_paths import (
    flux_correlation,
    flux_matrix,
    path_probabilities,
    path_scores,
    rarest_transition,
    sample_paths,
    visited_states_jsd,
)

CHAIN = np.array([[0.7, 0.3, 0.0], [0.2, 0.5, 0.3], [0.1, 0.0, 0.9]])


def all_paths(start, end, length):
    middle = product(range(3), repeat=length - 2)
    return np.array([(start, *states, end) for states in middle])


def weights_by_hand(paths):
    return np.array([np.prod([CHAIN[a, b] for a, b in pairwise(p)]) for p in paths])


def test_path_probabilities_are_conditional_on_both_ends():
    paths = all_paths(0, 2, 5)
    weights = weights_by_hand(paths)
    probability = path_probabilities(paths, CHAIN)
    assert probability.sum() == pytest.approx(1.0)
    assert probability == pytest.approx(weights / np.linalg.matrix_power(CHAIN, 4)[0, 2])


def test_a_probability_by_hand():
    # 0 -> 2 in two steps: only through 1. In three: 0012, 0112, 0122 with .063, .045, .081.
    assert path_probabilities([[0, 1, 2], [0, 0, 2]], CHAIN).tolist() == [1.0, 0.0]
    expected = np.array([0.063, 0.045, 0.081]) / 0.189
    assert path_probabilities([[0, 0, 1, 2], [0, 1, 1, 2], [0, 1, 2, 2]], CHAIN) == pytest.approx(
        expected
    )


def test_sampled_paths_have_these_probabilities():
    paths = all_paths(0, 2, 5)
    expected = 20_000 * path_probabilities(paths, CHAIN)
    drawn = sample_paths(CHAIN, 0, 2, length=5, n_paths=20_000, rng=np.random.default_rng(1))
    names, counts = np.unique(drawn, axis=0, return_counts=True)
    found = {tuple(name): count for name, count in zip(names, counts, strict=True)}
    observed = np.array([found.pop(tuple(path), 0) for path in paths])
    assert not found
    possible = expected > 0
    assert not observed[~possible].any()
    statistic = np.sum((observed - expected)[possible] ** 2 / expected[possible])
    assert statistic < chi2.ppf(0.999, possible.sum() - 1)


def test_scores():
    scores = path_scores([[0, 0, 1, 2], [0, 1, 2, 2], [0, 2, 2, 2], [0, 1, 0, 2]], CHAIN)
    assert scores.valid_rate == 0.5
    assert scores.mean_valid_probability == pytest.approx((0.063 + 0.081) / 0.189 / 2)
    assert scores.mean_probability == pytest.approx((0.063 + 0.081) / 0.189 / 4)
    assert scores.n_paths == 4
    assert np.isnan(path_scores([[0, 2]], CHAIN).mean_valid_probability)


def test_visited_states():
    assert visited_states_jsd([[0, 1], [0, 1]], [[0, 1]], 2) == pytest.approx(0.0, abs=1e-9)
    assert visited_states_jsd([[0, 0]], [[1, 1]], 2) == pytest.approx(np.log(2) ** 0.5)


def test_flux_of_a_chain():
    flux = flux_matrix(CHAIN, [0.2, 0.3, 0.5])
    assert flux[1].tolist() == pytest.approx([0.06, 0.15, 0.09])
    assert rarest_transition(flux) == (2, 0)


def test_flux_correlation_is_that_of_ranks_off_the_diagonal():
    rng = np.random.default_rng(3)
    first, second = rng.random((2, 4, 4))
    off = ~np.eye(4, dtype=bool)
    ranks = [rankdata(matrix[off]) for matrix in (first, second)]
    assert flux_correlation(first, second) == pytest.approx(np.corrcoef(*ranks)[0, 1])
    changed = first + np.diag([5.0, 0.0, 0.0, 0.0])
    assert flux_correlation(first, changed) == pytest.approx(1.0)
    assert np.isnan(flux_correlation(first, np.eye(4)))


def test_errors():
    with pytest.raises(ValueError, match="no path of 2 states leads from state 0 to state 2"):
        sample_paths(CHAIN, 0, 2, length=2, n_paths=1, rng=np.random.default_rng(1))
    with pytest.raises(ValueError, match="expected a square matrix of non-negative rows"):
        path_probabilities([[0, 1]], 2 * CHAIN)
    with pytest.raises(ValueError, match="that end in one state"):
        path_probabilities([[0, 1], [0, 2]], CHAIN)
    with pytest.raises(ValueError, match="expected 3 non-negative populations"):
        flux_matrix(CHAIN, [0.5, 0.5])
    with pytest.raises(ValueError, match="no flux between different states"):
        rarest_transition(np.eye(2))
    with pytest.raises(ValueError, match="expected two square matrices of one size"):
        flux_correlation(np.eye(2), np.eye(3))
    with pytest.raises(ValueError, match="a flux needs at least two states"):
        flux_correlation(np.eye(1), np.eye(1))
