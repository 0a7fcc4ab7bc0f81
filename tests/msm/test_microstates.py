"""k-means cells."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.msm import microstates
from openmm_genmd.msm.diagnosis import SamplingError
from openmm_genmd.msm.microstates import Microstates, cluster

CENTERS = np.array([[-3.0, 0.0], [0.0, 2.0], [3.0, -1.0]])


def cloud(n, seed):
    rng = np.random.default_rng(seed)
    return CENTERS[rng.integers(3, size=n)] + rng.normal(0, 0.1, (n, 2))


def test_separate_clouds_are_found_and_assigned_to_the_nearest():
    parts = [cloud(200, 0), cloud(100, 1)]
    cells = cluster(parts, 3)
    order = np.argsort(cells.centers[:, 0])
    np.testing.assert_allclose(cells.centers[order], CENTERS, atol=0.05)
    points = np.random.default_rng(2).uniform(-4, 4, (50, 2))
    nearest = np.linalg.norm(points[:, None] - cells.centers[None], axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(cells.assign(points), nearest)
    assert cells.assign(np.empty((0, 2))).shape == (0,)
    np.testing.assert_array_equal(cluster(parts, 3).centers, cells.centers)


def test_few_frames_make_few_cells():
    assert cluster([cloud(79, 3)], 100).n_microstates == 3
    assert cluster([np.repeat(CENTERS, 50, axis=0)], 100).n_microstates == 3
    for points in (cloud(39, 4), np.ones((500, 2))):
        with pytest.raises(SamplingError, match="frames for at least two microstates of 20, got"):
            cluster([points], 100)


def test_many_frames_are_thinned_evenly(monkeypatch):
    monkeypatch.setattr(microstates, "_MAX_FITTED", 150)
    cells = cluster([cloud(3000, 5)], 3)
    np.testing.assert_allclose(cells.centers[np.argsort(cells.centers[:, 0])], CENTERS, atol=0.07)
    assert isinstance(cells, Microstates)


def test_an_unfinished_partition_will_do(monkeypatch):
    class Impatient(microstates.KMeans):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs | {"max_iter": 1})

    monkeypatch.setattr(microstates, "KMeans", Impatient)
    assert cluster([np.random.default_rng(6).normal(size=(2000, 2))], 50).n_microstates == 50
