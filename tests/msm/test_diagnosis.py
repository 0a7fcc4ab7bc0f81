"""What is said about data that do not determine a model."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.msm.diagnosis import (
    SamplingError,
    check_lengths,
    choose_set,
    connected_sets,
)
from openmm_genmd.msm.resampling import count_transitions
from openmm_genmd.msm.weak_cuts import check_crossings, weak_cuts


def halves(crossings, lag):
    """Counts of two pairs of states with many transitions inside, and some between the pairs."""
    counts = np.array([[500.0, 90, 0, 0], [90, 400, 0, 0], [0, 0, 300, 60], [0, 0, 60, 200]])
    counts[1, 2] = counts[2, 1] = crossings * lag
    return counts


def test_short_replicas_and_few_frames():
    check_lengths([3, 200], 100, 10)
    with pytest.raises(SamplingError, match=r"more than 100 frames, the lag .*, got at most 100"):
        check_lengths([100, 50], 100, 3)
    with pytest.raises(SamplingError, match=r"more than 5 frames, .*got at most 0"):
        check_lengths([], 5, 3)
    with pytest.raises(SamplingError, match="at least 200 frames for 10 states, got 199"):
        check_lengths([100, 99], 10, 10)


def test_sets_are_those_with_a_way_back():
    counts = count_transitions([np.array([0, 1, 0, 2, 3, 2, 3]), np.array([4, 4])], 5, 1)
    assert [s.tolist() for s in connected_sets(counts)] == [[2, 3], [0, 1], [4]]


def test_separate_replicas_are_told_apart_by_name():
    labels = [np.tile([0, 1], 50), np.tile([1, 0], 10), np.tile([2, 3], 40)]
    counts = count_transitions(labels, 4, 1)
    with pytest.raises(SamplingError) as error:
        choose_set(counts, labels, min_fraction=0.95)
    text = str(error.value)
    assert "disconnected: the trajectories do not connect 2 sets of conformations" in text
    assert "at least 95% of the frames, got 60.0 % in replicas 0, 1; 40.0 % in replica 2" in text
    assert "--keep-largest-set" in text


def test_a_small_set_is_excluded_with_a_reason():
    labels = [np.tile([0, 1], 60), np.full(5, 2)]
    members, reason = choose_set(count_transitions(labels, 3, 1), labels, min_fraction=0.95)
    assert members.tolist() == [0, 1]
    assert "5 frames (4.00%) are excluded, label -1" in reason
    assert "96.0 % in replica 0; 4.0 % in replica 1" in reason
    assert choose_set(count_transitions(labels[:1], 2, 1), labels[:1], min_fraction=1)[1] == ""


def test_the_largest_set_is_by_frames_on_request():
    labels = [np.tile([0, 1], 20), np.tile([2, 3], 30)]
    members, reason = choose_set(
        count_transitions(labels, 4, 1), labels, min_fraction=0.95, keep_largest=True
    )
    assert members.tolist() == [2, 3]
    assert "40 frames (40.00%) are excluded" in reason


def test_long_lists_are_cut_short():
    labels = [np.full(10, i) for i in range(9)] + [np.zeros(5, dtype=int) for _ in range(8)]
    with pytest.raises(
        SamplingError, match=r"replicas 0, 9, 10, 11, 12, 13 and 3 more; .*; 3 more"
    ):
        choose_set(count_transitions(labels, 9, 1), labels, min_fraction=0.95)


def test_two_well_sampled_halves_joined_by_one_transition_are_found():
    (cut,) = weak_cuts(halves(1, lag=5), 5, 3.0)
    assert cut.states == (2, 3)
    assert cut.crossings == 1.0
    assert cut.share == pytest.approx(630 / 1710, abs=0.01)
    assert weak_cuts(halves(3, lag=5), 5, 3.0) == []
    with pytest.raises(SamplingError, match=r"got states 2, 3 with 36\.\d % .* left 1 time; pop"):
        check_crossings(halves(1, lag=5), 5, min_crossings=3.0, min_fraction=0.05)
    assert check_crossings(halves(1, lag=5), 5, min_crossings=0.0, min_fraction=0.05) == []


def test_a_small_rare_state_is_only_told():
    counts = np.array([[5000.0, 100, 4], [100, 3000, 0], [4, 0, 90]])
    (note,) = check_crossings(counts, 2, min_crossings=3.0, min_fraction=0.05)
    assert "few transitions: state 2 with 1.1 % of the frames entered and left 2 times" in note
    assert "fewer than 3; this population is uncertain" in note


def test_one_lasting_transition_counts_once_at_any_lag():
    labels = [np.repeat([0, 1, 0], 50)]
    for lag in (1, 7, 20):
        (cut,) = weak_cuts(count_transitions(labels, 2, lag), lag, 3.0)
        assert (cut.states, cut.crossings) == ((1,), 1.0)
