"""States of toy dynamics with known basins; nothing rare is lost when data are few."""

from __future__ import annotations

import numpy as np
import pytest
from deeptime.markov.msm import MarkovStateModel

from openmm_genmd.msm.sampling import frame_weights
from openmm_genmd.msm.states import StateConfig, States, find_states


def hopping(
    n: int, stay: float, seed: int, centers=(-2.0, 0.0, 2.0)
) -> tuple[np.ndarray, np.ndarray]:
    """Angles ``(n, 2)`` of a walker that hops along a chain of basins, and its true states."""
    rng = np.random.default_rng(seed)
    states = np.empty(n, dtype=int)
    state = 0
    for i in range(n):
        if rng.random() > stay:
            state = int(np.clip(state + rng.choice([-1, 1]), 0, len(centers) - 1))
        states[i] = state
    angles = np.array(centers)[states]
    return np.column_stack((angles, -angles)) + rng.normal(0, 0.15, (n, 2)), states


def agreement(labels: np.ndarray, truth: np.ndarray) -> float:
    """Fraction of frames in the majority true state of their label."""
    return sum(np.bincount(truth[labels == k]).max() for k in range(labels.max() + 1)) / len(truth)


def test_three_basins_of_one_trajectory_are_found():
    angles, truth = hopping(6000, 0.99, 0)
    states = find_states([angles], StateConfig(clusters=20))
    assert states.n_states == 3
    assert agreement(states.labels, truth) > 0.98
    assert states.notes == ()
    assert (np.diff(states.populations) <= 0).all()
    assert states.populations.sum() == pytest.approx(1)


def test_fast_mixing_is_one_state():
    angles, _ = hopping(4000, 0.2, 1)
    assert find_states([angles], StateConfig(clusters=20)).n_states == 1


def test_a_rare_basin_without_transitions_is_a_state_of_its_own():
    common, truth = hopping(4000, 0.99, 2, centers=(-2.0, 0.0))
    rare = np.random.default_rng(3).normal([2.0, 2.0], 0.15, (60, 2))
    states = find_states([common, rare], StateConfig(clusters=20))
    assert states.n_states == 3
    assert len(np.unique(states.labels[-60:])) == 1
    assert (states.labels[:-60] != states.labels[-1]).all()
    assert agreement(states.labels[:-60], truth) > 0.98
    assert "2 sets of conformations are not connected" in states.notes[0]


def test_a_few_outliers_join_the_nearest_state():
    common, _ = hopping(4000, 0.99, 4, centers=(-2.0, 0.0))
    stray = np.full((12, 2), 0.6) * [1, -1] + np.random.default_rng(5).normal(0, 0.01, (12, 2))
    states = find_states([common, stray], StateConfig(clusters=30))
    assert states.n_states == 2
    near_zero = np.abs(common[:, 0]) < 0.3
    assert (states.labels[-12:] == np.bincount(states.labels[:-12][near_zero]).argmax()).all()


def test_trajectories_shorter_than_the_lag_give_one_state_per_cluster():
    rng = np.random.default_rng(6)
    pieces = [rng.normal(c, 0.05, (30, 1)) for c in (-2.0, 0.0, 2.0)]
    states = find_states(pieces, StateConfig(clusters=3, lag_frames=40))
    assert states.n_states == 3
    assert [len(set(states.labels[i : i + 30])) for i in (0, 30, 60)] == [1, 1, 1]
    assert "only 0 pairs of frames" in states.notes[0]
    assert "one state per cluster" in states.notes[1]


def test_few_frames_make_few_states():
    angles = np.random.default_rng(8).uniform(-np.pi, np.pi, (59, 2))
    assert find_states([angles], StateConfig()).n_states <= 2


def test_a_constant_trajectory_is_one_state():
    states = find_states([np.ones((200, 2))], StateConfig())
    assert states.n_states == 1
    assert "the torsions do not change: clustered in cos and sin" in states.notes[0]


def test_failure_of_pcca_is_told(monkeypatch):
    def fail(self, n):
        raise ValueError("singular")

    monkeypatch.setattr(MarkovStateModel, "pcca", fail)
    angles, _ = hopping(6000, 0.99, 0)
    states = find_states([angles], StateConfig(clusters=20))
    assert states.n_states == 1
    assert "PCCA+ failed on a set of 20 microstates (singular): kept as one state" in states.notes


def test_it_is_reproducible():
    angles, _ = hopping(3000, 0.98, 7)
    first, second = (find_states([angles], StateConfig(clusters=20)) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="cannot find states without frames"):
        find_states([np.empty((0, 2))], StateConfig())
    with pytest.raises(ValueError, match="torsions must be finite"):
        find_states([np.array([[np.nan]])], StateConfig())


@pytest.mark.parametrize(
    ("power", "expected"), [(0.0, [0.5, 0.5]), (1.0, [0.9, 0.1]), (2.0, [0.81 / 0.82, 0.01 / 0.82])]
)
def test_weights_of_states(power, expected):
    labels = np.array([0] * 90 + [1] * 10)
    weights = frame_weights(States(labels, 2, ()), power)
    np.testing.assert_allclose(np.bincount(labels, weights), expected)


def test_states_keep_their_weights_within_a_part():
    states = States(np.array([0] * 90 + [1] * 10), 2, ())
    within = np.arange(100) % 10 < 5
    weights = frame_weights(states, 0.0, within=within)
    np.testing.assert_allclose(np.bincount(states.labels, weights), [0.5, 0.5])
    assert (weights[~within] == 0).all()
    only_first = frame_weights(states, 0.0, within=np.arange(100) < 7)
    assert only_first[:7].sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="no frame may be drawn"):
        frame_weights(states, within=np.zeros(100, dtype=bool))


def test_power_out_of_range_is_refused():
    with pytest.raises(ValueError, match="population_power must be between 0 and 2, got -1"):
        frame_weights(States(np.array([0]), 1, ()), -1.0)
