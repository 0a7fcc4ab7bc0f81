"""Statistics of the pairs: states uniform, next states from T, frames uniform inside."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from openmm_genmd.msm.pairs import PairSampler

MATRIX = np.array([[0.7, 0.3, 0.0], [0.1, 0.6, 0.3], [0.0, 0.5, 0.5]])


@pytest.fixture(scope="module")
def labels():
    # Rare states, out of order, and excluded frames.
    return np.random.default_rng(0).permutation(np.repeat([0, 1, 2, -1], [900, 95, 5, 50]))


@pytest.fixture(scope="module")
def pairs(labels):
    return PairSampler(labels, MATRIX).draw(60_000, np.random.default_rng(1))


def test_states_are_drawn_uniformly_and_next_states_from_the_matrix(labels, pairs):
    first, second = (labels[index] for index in pairs)
    observed = np.zeros((3, 3))
    np.add.at(observed, (first, second), 1)
    assert chisquare(observed.sum(axis=1)).pvalue > 1e-3
    for row, probabilities in zip(observed, MATRIX, strict=True):
        possible = probabilities > 0
        assert row[~possible].sum() == 0
        assert chisquare(row[possible], row.sum() * probabilities[possible]).pvalue > 1e-3


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("state", [0, 1, 2])
def test_frames_are_uniform_inside_a_state(labels, pairs, end, state):
    frames = np.flatnonzero(labels == state)
    drawn = pairs[end][labels[pairs[end]] == state]
    counts = np.bincount(drawn, minlength=len(labels))[frames]
    assert chisquare(counts).pvalue > 1e-3


def test_frames_of_a_pair_are_independent_given_their_states(labels, pairs):
    inside = (labels[pairs[0]] == 1) & (labels[pairs[1]] == 1)
    halves = [np.searchsorted(np.flatnonzero(labels == 1), p[inside]) >= 47 for p in pairs]
    table = np.array([np.sum((halves[0] == a) & (halves[1] == b)) for a in (0, 1) for b in (0, 1)])
    share = np.array([47 / 95, 48 / 95])
    assert chisquare(table, table.sum() * np.outer(share, share).ravel()).pvalue > 1e-3


def test_excluded_frames_never_come(labels, pairs):
    assert (labels[pairs[0]] >= 0).all()
    assert (labels[pairs[1]] >= 0).all()


def test_rounding_does_not_lead_to_an_impossible_state():
    class AlmostOne:
        def integers(self, high, size=None):
            return np.zeros(size if size is not None else np.shape(high), dtype=np.int64)

        def random(self, n):
            return np.full(n, 1.0)

    matrix = np.array([[0.4, 0.6, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
    x, x1 = PairSampler(np.array([0, 1, 2]), matrix).draw(3, AlmostOne())
    assert x.tolist() == [0, 0, 0]
    assert x1.tolist() == [1, 1, 1]


def test_it_is_reproducible(labels):
    sampler = PairSampler(labels, MATRIX)
    assert sampler.n_states == 3
    one, other = (sampler.draw(50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("labels", "matrix", "message"),
    [
        ([0, 1], [[0.5, 0.6], [0.5, 0.5]], r"rows sum to 1, got shape \(2, 2\) and row sums \[1.1"),
        ([0, 1], [[1.5, -0.5], [0.5, 0.5]], "square transition matrix of probabilities"),
        ([0, 1], [[0.5, 0.5]], r"got shape \(1, 2\)"),
        ([0, 2], [[0.5, 0.5], [0.5, 0.5]], "labels from -1 to 1 for 2 states, got 0 to 2"),
        ([0, -2], [[0.5, 0.5], [0.5, 0.5]], "labels from -1 to 1 for 2 states, got -2 to 0"),
        ([0, 0], [[0.5, 0.5], [0.5, 0.5]], r"frames in every one of 2 states, got none in \[1\]"),
    ],
)
def test_inconsistent_input_is_refused(labels, matrix, message):
    with pytest.raises(ValueError, match=message):
        PairSampler(np.array(labels), np.array(matrix))
