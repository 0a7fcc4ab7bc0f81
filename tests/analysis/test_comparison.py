"""Errors by the jackknife, halves of the reference, groups."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.analysis.comparison import (
    Comparison,
    FrameData,
    compare,
    finite_or_none,
    groups_of,
    jackknife_error,
)


def mean_difference(reference, generated):
    return {"difference": float(generated["x"].mean() - reference["x"].mean())}


def data(values, groups):
    return FrameData({"x": np.asarray(values, dtype=float)}, np.asarray(groups))


def test_the_error_of_a_mean_is_its_standard_error():
    rng = np.random.default_rng(1)
    generated = data(rng.normal(size=200), np.repeat(np.arange(20), 10))
    blocks = generated["x"].reshape(20, 10).mean(axis=1)
    reference = data(np.zeros(4), [0, 0, 1, 1])
    found = compare(mean_difference, reference, generated)["difference"]
    assert found.standard_error == pytest.approx(blocks.std(ddof=1) / np.sqrt(20))


def test_correlated_frames_get_the_error_of_their_blocks():
    # Ten frames of each block are copies: there are 20 independent numbers, not 200.
    rng = np.random.default_rng(2)
    blocks = rng.normal(size=20)
    generated = data(np.repeat(blocks, 10), np.repeat(np.arange(20), 10))
    found = compare(mean_difference, data(np.zeros(4), [0, 0, 1, 1]), generated)["difference"]
    assert found.standard_error == pytest.approx(blocks.std(ddof=1) / np.sqrt(20))


def test_halves_of_the_reference_are_groups():
    reference = data([1.0, 1.0, 2.0, 5.0, 5.0], [0, 0, 0, 1, 1])
    found = compare(mean_difference, reference, data([0.0, 1.0], [0, 0]))["difference"]
    assert found.between_halves == pytest.approx(5.0 - 4.0 / 3.0)
    assert found.standard_error is None
    assert data([1.0, 2.0], [0, 0]).halves() is None
    assert data([1.0, 2.0, 3.0], [0, 1, 1]).halves() is None


def test_what_does_not_vary_has_no_error_bar():
    assert jackknife_error([0.5, 0.5, 0.5]) is None
    assert jackknife_error([0.5]) is None
    assert jackknife_error([0.5, np.nan]) is None
    same = data(np.ones(30), np.repeat(np.arange(3), 10))
    assert compare(mean_difference, same, same)["difference"].standard_error is None


def test_json_has_no_nan():
    assert set(Comparison(float("nan"), None, float("inf")).as_dict().values()) == {None}
    assert finite_or_none(np.float64(2.0)) == 2.0


def test_short_replicas_are_not_groups():
    assert np.bincount(groups_of([10, 10, 10])).tolist() == [10, 10, 10]
    assert np.bincount(groups_of([100, 5, 5])).tolist() == [11] * 10
    assert groups_of([1] * 4).tolist() == [0, 1, 2, 3]


def test_arrays_must_have_the_same_frames():
    with pytest.raises(ValueError, match="expected as many frames as groups, 3 and not none"):
        FrameData({"x": np.zeros(3), "y": np.zeros(4)}, np.zeros(3, dtype=int))
    with pytest.raises(ValueError, match="expected as many frames as groups, 0 and not none"):
        FrameData({"x": np.zeros(0)}, np.zeros(0, dtype=int))
