"""Parts of a free energy of unbinding, each against what is known of it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from openmm_genmd.unbinding import free_energy_result
from openmm_genmd.unbinding.free_energy_estimate import DirectionEstimate, _parting_kt
from openmm_genmd.unbinding.free_energy_result import FreeEnergyResult
from openmm_genmd.unbinding.pose import Poses
from openmm_genmd.unbinding.window_samples import Replicas, WindowSamples
from openmm_genmd.units import thermal_energy_kj_per_mol

KT = thermal_energy_kj_per_mol(300.0)
PLAN = SimpleNamespace(bound=SimpleNamespace(temperature_k=300.0))


def test_parting_from_a_normal_interaction_is_exact():
    # <exp(u)> = exp(m + s^2 / 2) where the ligand is, and attraction costs what it gave.
    reduced = np.random.default_rng(1).normal(-3.0, 0.5, 4000)
    value, error = _parting_kt(PLAN, KT * reduced)
    assert 0.0 < error < 0.05
    assert abs(value - (3.0 - 0.5**2 / 2)) < 4 * error


def test_without_a_far_away_there_is_nothing_to_part_from():
    assert _parting_kt(PLAN, np.array([np.nan, np.nan])) == (0.0, 0.0)
    assert _parting_kt(PLAN, np.full(5, -2.0 * KT)) == (pytest.approx(2.0), 0.0)


def estimate(value=(0.0, 0.1), discarded=0, **changes):
    series = np.array([[1.0, 0.4], [2.0, 0.3], [3.0, 0.2], [4.0, 0.1]])
    made = DirectionEstimate(
        windows=SimpleNamespace(discarded=discarded),
        unbinding_kcal_per_mol=value,
        by_pairs_kcal_per_mol=value,
        correction_kcal_per_mol=(0.0, 0.0),
        volume_kcal_per_mol=0.0,
        time_ps=np.arange(1.0, 5.0),
        forward_kcal_per_mol=series,
        reverse_kcal_per_mol=series + np.array([10.0, 0.0]),
        core_seconds=1.0,
        steps=1,
    )
    return replace(made, **changes)


def test_halves_are_the_first_half_forward_and_the_last_in_reverse():
    assert estimate().halves_kcal_per_mol == ((2.0, 0.3), (12.0, 0.3))


def test_the_mean_counts_directions_by_their_inverse_variances():
    both = {"out": estimate((10.0, 1.0)), "in": estimate((13.0, 2.0))}
    value, error = FreeEnergyResult(None, 0, both, None, {}, 0, (0, 0)).mean_kcal_per_mol
    assert value == pytest.approx(10.6)
    assert error == pytest.approx(1.25**-0.5)


def samples(observable, windows):
    """Samples of one observable; the poses do not matter."""
    n = windows.size
    poses = Poses(np.zeros((n, 3)), np.repeat(np.eye(3)[None], n, axis=0))
    return WindowSamples(windows, poses, {"a": observable}, np.zeros(len(windows)))


def test_what_is_discarded_is_not_suspected(monkeypatch):
    seen = []
    monkeypatch.setattr(free_energy_result, "suspected_coordinate", lambda *a: seen.append(a))
    windows = np.tile(np.arange(3), (30, 1))
    time = np.repeat(np.arange(30)[:, None], 3, axis=1)
    parts = {"out": samples(-time, windows), "in": samples(time, windows)}
    cut = {"out": estimate(discarded=10), "in": estimate(discarded=5)}
    free_energy_result._suspect(parts, cut)
    [(observed_in, observed_out, windows_in, windows_out)] = seen
    np.testing.assert_array_equal(observed_in["a"], time[5:])
    np.testing.assert_array_equal(observed_out["a"], -time[10:])
    assert (len(windows_in), len(windows_out)) == (25, 20)


def test_tilts_are_told_by_window_whoever_was_in_it():
    windows = np.array([[2, 0, 1], [0, 1, 2]])
    found = free_energy_result._by_window(
        np.array([[0.2, 0.0, 0.1], [1.0, 1.1, 1.2]]), samples(windows, windows)
    )
    np.testing.assert_array_equal(found, [[0.0, 0.1, 0.2], [1.0, 1.1, 1.2]])


def test_new_windows_begin_with_the_replicas_of_their_origins():
    places = np.array([2, 0, 1])  # the window of each replica
    marks = np.arange(3.0)[:, None, None] * np.ones((3, 4, 3))
    replicas = Replicas(marks, 10 * marks, 100 * marks[:, :3], places)
    more = replicas.for_windows([0, 1, 1, 2])
    for values, scale in (
        *((more.positions_nm, 1.0), (more.velocities_nm_per_ps, 10.0)),
        (more.box_nm, 100.0),
    ):
        np.testing.assert_array_equal(values[:, 0, 0], scale * np.array([1.0, 2.0, 2.0, 0.0]))
    np.testing.assert_array_equal(more.windows, np.arange(4))
