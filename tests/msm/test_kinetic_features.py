"""TICA of processes with known timescales, and features of torsions."""

from __future__ import annotations

import numpy as np
import pytest
from deeptime.decomposition import TICA

from openmm_genmd.msm import kinetic_features
from openmm_genmd.msm.diagnosis import SamplingError
from openmm_genmd.msm.kinetic_features import TorsionFeatures, fit_tica, standardize

DECAYS = np.array([0.98, 0.9, 0.0, 0.0])
MIXING = np.array(
    [[1.0, 0.5, 0.2, 0.0], [0.0, 1.0, 0.3, 0.2], [0.4, 0.0, 1.0, 0.1], [0, 0, 0.3, 1]]
)


def autoregressive(n_replicas, n, seed):
    """Independent stationary AR(1) processes ``(n_replicas, n, 4)``: timescales -1 / ln decay."""
    rng = np.random.default_rng(seed)
    x = np.empty((n, n_replicas, len(DECAYS)))
    x[0] = rng.normal(size=x.shape[1:])
    for i in range(1, n):
        x[i] = DECAYS * x[i - 1] + np.sqrt(1 - DECAYS**2) * rng.normal(size=x.shape[1:])
    return x.swapaxes(0, 1)


@pytest.fixture(scope="module")
def sources():
    return autoregressive(40, 1500, seed=0)


@pytest.fixture(scope="module")
def features(sources):
    return [part @ MIXING.T + 7.0 for part in sources]


def test_slow_coordinates_are_found_with_their_timescales(sources, features):
    found = fit_tica(features, 5)
    assert found.n_coordinates == 2
    np.testing.assert_allclose(found.timescales_frames, -1 / np.log(DECAYS[:2]), rtol=0.1)
    # Kinetic variance 0.98 ** 10 + 0.9 ** 10; the rest is noise.
    assert found.kinetic_variance > 0.99
    coordinates = np.concatenate([found.transform(part) for part in features])
    for k in range(2):
        correlation = np.corrcoef(coordinates[:, k], sources[..., k].ravel())[0, 1]
        assert abs(correlation) > 0.99
    # Kinetic map: standard deviation is the autocorrelation at the lag.
    np.testing.assert_allclose(coordinates.std(axis=0), DECAYS[:2] ** 5, rtol=0.05)


def test_as_many_coordinates_as_the_variance_asks_for(features):
    # Without 0.9 ** 10 there are 70 % of the kinetic variance.
    one = fit_tica(features, 5, variance_cutoff=0.6)
    assert one.n_coordinates == 1
    assert one.kinetic_variance == pytest.approx(0.98**10 / (0.98**10 + 0.9**10), abs=0.03)


def test_chunks_make_no_difference(features, monkeypatch):
    whole = fit_tica(features, 5)
    model = TICA(lagtime=5, dim=2).fit_fetch(features)
    np.testing.assert_allclose(whole.transform(features[0]), model.transform(features[0]))
    monkeypatch.setattr(kinetic_features, "_NUMBERS_PER_CHUNK", 1000)
    chunked = fit_tica([part.astype(np.float32) for part in features], 5)
    np.testing.assert_allclose(
        chunked.transform(features[1]), whole.transform(features[1]), atol=1e-4
    )


def test_few_pairs_and_constant_features_are_refused(features):
    with pytest.raises(
        SamplingError, match=r"4 features needs at least 40 .* 5 frames apart, got 3"
    ):
        fit_tica([features[0][:20], features[1][:21], features[2][:4]], 5)
    with pytest.raises(SamplingError, match="expected features that change, got constant ones"):
        fit_tica([np.ones((100, 2))], 1)
    with pytest.raises(SamplingError, match="expected features that change, got constant ones"):
        standardize([np.ones((100, 2))])


def test_standardized_features_have_unit_variance_and_lose_constants():
    rng = np.random.default_rng(1)
    parts = [rng.normal([2.0, 5.0, -1.0], [0.01, 0.0, 3.0], (n, 3)) for n in (300, 500)]
    found = standardize(parts)
    assert found.n_coordinates == 2
    scaled = np.concatenate([found.transform(part) for part in parts])
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(scaled.std(axis=0), 1)
    assert np.corrcoef(scaled[:, 1], np.concatenate(parts)[:, 2])[0, 1] == pytest.approx(1)
    assert found.transform(np.empty((0, 3))).shape == (0, 2)


def test_torsions_become_sines_and_cosines_of_each_replica():
    angles = np.random.default_rng(2).uniform(-np.pi, np.pi, (30, 2, 7)).astype(np.float32)
    angles[:, 0, 3:] = np.nan
    features = TorsionFeatures(angles, (10, 20))
    assert [part.shape for part in features] == [(10, 20), (20, 20)]
    defined = angles[10:].reshape(20, 14)[:, [0, 1, 2, 7, 8, 9, 10, 11, 12, 13]]
    np.testing.assert_allclose(np.arctan2(features[1][:, :10], features[1][:, 10:]), defined, 1e-5)
    np.testing.assert_array_equal(features[-1], features[1])
    np.testing.assert_array_equal(features[:1][0], features[0])
    with pytest.raises(IndexError, match="out of range"):
        features[2]


def test_wrong_lengths_and_undefined_torsions_are_refused():
    with pytest.raises(ValueError, match="lengths of replicas to add up to 5 frames, got 4"):
        TorsionFeatures(np.zeros((5, 2)), (2, 2))
    with pytest.raises(ValueError, match="no torsion is defined in the first frame"):
        TorsionFeatures(np.full((5, 2), np.nan), (5,))
