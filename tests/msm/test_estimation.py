"""The whole way from features to a model, on chains whose metastable sets are known."""

from __future__ import annotations

import numpy as np
import pytest
from deeptime.markov.msm import MarkovStateModel

from openmm_genmd.msm.diagnosis import SamplingError
from openmm_genmd.msm.estimation import MsmConfig, estimate_msm
from openmm_genmd.msm.state_map import StateMap

from .chains import block_matrix, emit, lump, metropolis_matrix, simulate_chains

MATRIX, SETS, POPULATIONS = block_matrix()
LUMPED = lump(np.linalg.matrix_power(MATRIX, 4), SETS, POPULATIONS)
CENTERS = np.random.default_rng(3).normal(size=(12, 3))
CONFIG = MsmConfig(lag_frames=4, n_microstates=30, n_states=4)


@pytest.fixture(scope="module")
def chains():
    return simulate_chains(MATRIX, 20, 3000, seed=5)


@pytest.fixture(scope="module")
def features(chains):
    return [emit(chain, CENTERS, 0.02, seed=i) for i, chain in enumerate(chains)]


@pytest.fixture(scope="module")
def estimate(features):
    return estimate_msm(features, CONFIG)


def test_populations_and_matrix_are_the_exact_ones_within_errors(chains, estimate):
    model = estimate.model
    order = [np.bincount(SETS[chains].ravel()[model.labels == k]).argmax() for k in range(4)]
    exact = np.bincount(SETS, POPULATIONS)[order]
    assert (np.diff(model.stationary) <= 0).all()
    assert (np.abs(model.stationary - exact) < 3.5 * estimate.population_error).all()
    assert 0.005 < estimate.population_error.max() < 0.05
    lumped = LUMPED[np.ix_(order, order)]
    windows = np.bincount(model.labels)[:, None] / 4
    error = np.sqrt(lumped * (1 - lumped) / windows)
    assert (np.abs(model.transition_matrix - lumped) < 3.5 * error + 1e-3).all()
    assert (np.abs(model.reversible_transition_matrix - lumped) < 3.5 * error + 1e-3).all()


def test_timescales_are_the_exact_ones_within_errors(estimate):
    scan, fine = estimate.state_scan, estimate.microstate_scan
    row = int(np.flatnonzero(scan.lags_frames == 4)[0])
    lumped = -4 / np.log(np.sort(np.linalg.eigvals(LUMPED).real)[::-1][1:])
    z = (estimate.model.timescales_frames - lumped) / scan.standard_error_frames[row]
    assert np.abs(z).max() < 3.5
    np.testing.assert_array_equal(scan.timescales_frames[row], estimate.model.timescales_frames)
    # Microstates resolve the chain: no error of lumping, only of sampling.
    exact = -1 / np.log(np.sort(np.linalg.eigvals(MATRIX).real)[::-1][1:4])
    error = scan.standard_error_frames[row]
    assert (np.abs(fine.timescales_frames[row, :3] - exact) < 3.5 * error).all()
    assert estimate.chapman_kolmogorov.passed


def test_other_frames_get_the_same_states(features, estimate, tmp_path):
    labels = np.concatenate([estimate.state_map.assign(part) for part in features])
    np.testing.assert_array_equal(labels, estimate.model.labels)
    estimate.state_map.save(tmp_path / "states.npz")
    again = StateMap.load(tmp_path / "states.npz")
    np.testing.assert_array_equal(again.assign(features[3]), labels[9000:12000])
    assert again.coordinates.kinetic_variance == estimate.state_map.coordinates.kinetic_variance
    estimate.model.save(tmp_path / "model.npz")
    with pytest.raises(
        ValueError, match=r"expected a state map as genmd msm writes it, got .*model"
    ):
        StateMap.load(tmp_path / "model.npz")


def test_it_is_reproducible(features, estimate):
    again = estimate_msm(features, CONFIG)
    np.testing.assert_array_equal(again.model.labels, estimate.model.labels)
    np.testing.assert_array_equal(
        again.chapman_kolmogorov.deviation_error, estimate.chapman_kolmogorov.deviation_error
    )


def test_few_features_are_clustered_as_they_are(chains, features, estimate):
    config = CONFIG.model_copy(update={"coordinates": "standardized", "min_fraction": 0.9})
    # Very different units: without standard deviations the first feature alone would count.
    scaled = [part * [1000.0, 1.0, 1.0] for part in features]
    labels = estimate_msm(scaled, config).model.labels
    assert np.mean(labels == estimate.model.labels) > 0.999


def test_a_small_unconnected_set_is_excluded_with_its_reason(features, estimate):
    away = np.full((400, 3), 6.0) + np.random.default_rng(0).normal(0, 0.05, (400, 3))
    found = estimate_msm([*features, away], CONFIG)
    assert (found.model.labels[-400:] == -1).all()
    assert (found.model.labels[:-400] >= 0).all()
    assert any("400 frames (0.66%) are excluded, label -1" in note for note in found.model.notes)
    assert (found.state_map.assign(away) == -1).all()
    assert found.model.populations.sum() == pytest.approx(1)


def test_disconnected_data_are_refused_unless_the_largest_set_is_wanted(features):
    away = [part + 8.0 for part in features[:5]]
    with pytest.raises(
        SamplingError, match=r"disconnected: .* connect 2 sets .*50.0 % in replicas 10, 11"
    ):
        estimate_msm(features[:10] + away + away, CONFIG.model_copy(update={"n_microstates": 60}))
    config = CONFIG.model_copy(update={"keep_largest_set": True})
    found = estimate_msm([*features, *away], config)
    assert (found.model.labels[-15_000:] == -1).all()
    assert found.model.n_states == 4


def test_one_crossing_between_two_halves_is_not_enough():
    # Each replica changes its half once, and back never more than once.
    inside = simulate_chains(metropolis_matrix([0.4, 0.6]), 2, 2000, seed=6)
    halves = np.concatenate((np.zeros(700), np.ones(800), np.zeros(500))).astype(np.int64)
    states = [inside[0] + 2 * halves, inside[1]]
    features = [emit(s, [[0, 0], [1, 0], [0, 5], [1, 5]], 0.1, i) for i, s in enumerate(states)]
    config = MsmConfig(lag_frames=1, n_microstates=10, n_states=4, coordinates="standardized")
    with pytest.raises(SamplingError, match=r"undersampled: .* 20\.0 % of the frames .* 1 time"):
        estimate_msm(features, config)
    accepted = estimate_msm(features, config.model_copy(update={"min_crossings": 1.0}))
    assert accepted.model.n_states == 4


def test_without_a_way_back_there_is_no_model():
    # Drift without return: every microstate is a set of its own.
    drift = np.linspace(0, 100, 500)[:, None]
    config = MsmConfig(lag_frames=60, n_microstates=10, n_states=3, keep_largest_set=True)
    with pytest.raises(SamplingError, match="expected transitions there and back between microst"):
        estimate_msm([drift], config.model_copy(update={"coordinates": "standardized"}))


def test_memory_in_the_states_is_noted():
    # Seen: a noisy sign, drawn afresh in each frame, of a slow hidden one.
    slow = simulate_chains(np.array([[0.99, 0.01], [0.01, 0.99]]), 20, 1500, seed=7)
    seen = np.where(np.random.default_rng(8).random(slow.shape) < 0.85, slow, 1 - slow)
    features = [emit(part, [[-1.0], [1.0]], 0.05, i) for i, part in enumerate(seen)]
    found = estimate_msm(features, MsmConfig(lag_frames=1, n_microstates=8, n_states=2))
    assert not found.chapman_kolmogorov.passed
    assert "Chapman-Kolmogorov test FAILED" in found.model.notes[-1]


def test_fast_mixing_is_noted():
    noise = [np.random.default_rng(i).normal(size=(2000, 2)) for i in range(2)]
    config = MsmConfig(lag_frames=2, n_microstates=20, n_states=3, coordinates="standardized")
    assert any("no process is slower" in note for note in estimate_msm(noise, config).model.notes)


def test_fewer_microstates_than_states_are_states_themselves():
    labels = simulate_chains(metropolis_matrix([0.5, 0.2, 0.3]), 5, 400, seed=9)
    features = [np.eye(3)[chain] for chain in labels]
    config = MsmConfig(lag_frames=1, n_states=10, coordinates="standardized")
    model = estimate_msm(features, config).model
    assert model.n_states == 3
    assert "3 microstates instead of 100: few different frames" in model.notes
    assert "3 states instead of 10: one for each microstate" in model.notes


def test_failure_of_pcca_is_told(features, monkeypatch):
    def fail(self, n):
        raise ValueError("singular")

    monkeypatch.setattr(MarkovStateModel, "pcca", fail)
    with pytest.raises(SamplingError, match="to divide 30 microstates into 4 states, got singular"):
        estimate_msm(features, CONFIG)


def test_empty_states_of_pcca_are_left_out(features, monkeypatch):
    class Gap:
        assignments = np.array([0] * 10 + [3] * 20)

    monkeypatch.setattr(MarkovStateModel, "pcca", lambda self, n: Gap())
    config = CONFIG.model_copy(update={"min_crossings": 0.0})
    model = estimate_msm(features, config).model
    assert set(model.labels) == {0, 1}
    assert "2 states instead of 4: PCCA+ left the others empty" in model.notes


def test_broken_and_short_data_are_refused(features):
    broken = features[1].copy()
    broken[17, 2] = np.nan
    with pytest.raises(ValueError, match="got others in frame 17 of replica 1; check the traj"):
        estimate_msm([features[0], broken], CONFIG)
    with pytest.raises(SamplingError, match="replica of more than 5000 frames"):
        estimate_msm(features, MsmConfig(lag_frames=5000))
    with pytest.raises(SamplingError, match="TICA of 3 features needs at least 30 pairs"):
        estimate_msm([part[:11] for part in features], MsmConfig(lag_frames=10))
