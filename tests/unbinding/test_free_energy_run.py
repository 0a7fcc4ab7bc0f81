"""Free energies of unbinding against an exact one, and runs that must not be believed."""

import json
import multiprocessing
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from openmm_genmd.unbinding import free_energy_run, window_sampling
from openmm_genmd.unbinding.free_energy_estimate import DirectionEstimate
from openmm_genmd.unbinding.free_energy_report import free_energy_section
from openmm_genmd.unbinding.free_energy_result import FreeEnergyResult
from openmm_genmd.unbinding.free_energy_run import FreeEnergyPlan, run_free_energy
from openmm_genmd.unbinding.path_windows import PathWindows
from openmm_genmd.unbinding.window_samples import WindowSamples
from openmm_genmd.units import KJ_PER_KCAL

from .gated_complex import (
    KT,
    QUICK,
    exact_kcal_per_mol,
    gated_complex,
    pushed_frames,
    with_stretched_end,
)
from .small_complex import small_complex


def plan_of(bound, frames, settings=QUICK, seed=1):
    return FreeEnergyPlan(bound, frames, 3, settings, seed, "Reference")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of the complex whose free energy is known, and its folder."""
    bound = small_complex()
    folder = tmp_path_factory.mktemp("free-energy")
    return run_free_energy(plan_of(bound, pushed_frames(bound)), folder), folder


def test_both_directions_give_the_exact_free_energy(finished):
    result, _ = finished
    exact = exact_kcal_per_mol(QUICK)
    for estimate in result.estimates.values():
        value, error = estimate.unbinding_kcal_per_mol
        assert 0 < error < 1.0
        assert abs(value - exact) < 3.5 * error
    value, error = result.mean_kcal_per_mol
    assert error < 0.5
    assert abs(value - exact) < 3.5 * error
    assert result.verdict.converged
    assert result.grade == "exact"


def test_each_part_of_the_way_to_the_standard_state_counts(finished):
    # Without its release, or with the wrong spring in it, the exact value is missed by far.
    result, _ = finished
    value, error = result.mean_kcal_per_mol
    volume = result.estimates["in"].volume_kcal_per_mol
    assert abs(value - volume - exact_kcal_per_mol(QUICK)) > 10 * error
    half = 1.5 * KT / KJ_PER_KCAL * np.log(2.0)
    assert half > error


def test_the_ligand_takes_all_its_orientations(finished):
    result, _ = finished
    assert result.renamed > 20


def test_summary_says_what_was_found(finished):
    result, _ = finished
    found = result.summary()["dG_kcal_per_mol"]
    assert found["converged"] is True
    assert found["grade"] == "exact"
    assert found["verdict"] == "converged"
    assert found["out"] == list(result.estimates["out"].unbinding_kcal_per_mol)
    assert found["mean"] == list(result.mean_kcal_per_mol)
    assert found["path"] == 3
    assert found["windows"] == len(result.plan.path.windows)
    assert found["force_evaluations"] > 2 * QUICK.steps_per_window * found["windows"]
    json.dumps(found)


def test_the_report_shows_both_directions(finished):
    text = free_energy_section(finished[0])
    assert "Grade: exact; converged." in text
    assert "in-started" in text
    assert text.count("<img") == 4


def test_one_direction_alone_is_not_converged(finished):
    result, folder = finished
    trial = sorted(folder.glob("trial-*"))[-1]
    samples = WindowSamples.load(trial / "out")[0]
    alone = FreeEnergyResult.of(result.plan, {"out": samples}, 3)
    assert not alone.verdict.converged
    assert "one direction alone cannot show hysteresis" in str(alone.verdict)


def test_a_run_whose_halves_disagree_is_not_converged(finished, monkeypatch):
    result, folder = finished
    trial = sorted(folder.glob("trial-*"))[-1]
    samples = {d: WindowSamples.load(trial / d)[0] for d in ("in", "out")}
    halves = property(lambda self: ((0.0, 0.1), (9.0, 0.1)))
    monkeypatch.setattr(DirectionEstimate, "halves_kcal_per_mol", halves)
    verdict = FreeEnergyResult.of(result.plan, samples, 3).verdict
    assert not verdict.converged
    assert "the in-started run drifts: its halves, 0.0(0.1) and 9.0(0.1)" in str(verdict)


def test_pairs_and_times_lead_to_the_same_standard_state(finished):
    result, _ = finished
    for estimate in result.estimates.values():
        value, error = estimate.unbinding_kcal_per_mol
        assert abs(estimate.by_pairs_kcal_per_mol[0] - value) < 3 * error
        for series in (estimate.forward_kcal_per_mol, estimate.reverse_kcal_per_mol):
            assert series[-1] == pytest.approx([value, error], rel=1e-3)


def test_a_hidden_slow_coordinate_is_found_out(tmp_path):
    bound = gated_complex()
    frames = with_stretched_end(pushed_frames(bound))
    result = run_free_energy(plan_of(bound, frames), tmp_path)
    assert str(result.verdict).startswith("hysteresis, not converged: ")
    assert result.verdict.suspect is not None
    assert result.verdict.suspect.startswith("shape of the ligand")
    assert result.grade == "exploratory"
    found = result.summary()["dG_kcal_per_mol"]
    assert found["mean"] is None
    assert found["converged"] is False
    assert "Do not quote a value" in free_energy_section(result)


def test_a_killed_run_goes_on_where_it_was(tmp_path, monkeypatch):
    bound = small_complex()
    plan = plan_of(bound, pushed_frames(bound), replace_settings(most_trials=0))
    monkeypatch.setattr(window_sampling, "_SAVE_SECONDS", 0.0)
    done = []

    def dies(iterations):
        done.append(iterations)
        if len(done) == 30:
            raise KeyboardInterrupt

    windows = free_energy_run._first_windows(plan)
    with pytest.raises(KeyboardInterrupt):
        window_sampling.sample_windows(windows, "in", tmp_path, 100, report=dies)
    stored, replicas = WindowSamples.load(tmp_path)
    assert stored.iterations == 30
    assert (replicas.windows != np.arange(replicas.n)).any()
    whole, _ = window_sampling.sample_windows(windows, "in", tmp_path, 40)
    assert whole.iterations == 40
    np.testing.assert_array_equal(whole.windows[30], replicas.windows)
    np.testing.assert_array_equal(whole.first(30).poses.places_nm, stored.poses.places_nm)
    assert whole.steps == stored.steps + 10 * len(windows.path.windows) * QUICK.steps_per_exchange
    fresh = whole.poses.places_nm[30 * stored.windows.shape[1] :]
    assert not np.isin(fresh[:, 0], stored.poses.places_nm[:, 0]).any()


def replace_settings(**changes):
    return QUICK.model_copy(update=changes)


def test_more_iterations_go_on_from_a_finished_run(finished, tmp_path):
    result, folder = finished
    plan = plan_of(result.plan.bound, pushed_frames(small_complex()))
    longer = replace(plan, settings=replace_settings(iterations=110))
    again = run_free_energy(longer, folder)
    assert again.plan.path.windows[5].place_nm == pytest.approx(
        result.plan.path.windows[5].place_nm
    )
    assert again.estimates["in"].steps > result.estimates["in"].steps
    more = 10 * len(result.plan.path.windows) * QUICK.steps_per_exchange
    assert again.estimates["in"].steps - result.estimates["in"].steps == more


def test_what_was_decided_on_a_trial_stays_decided(finished, monkeypatch):
    # Another version of the program may see weak points elsewhere.
    result, folder = finished
    plan = plan_of(result.plan.bound, pushed_frames(small_complex()))
    monkeypatch.setattr(free_energy_run, "weak_points", lambda *_: ([1], {}))
    before = sorted(folder.glob("trial-*"))
    again = run_free_energy(plan, folder)
    assert sorted(folder.glob("trial-*")) == before
    assert len(again.plan.path.windows) == len(result.plan.path.windows)


@pytest.mark.parametrize("most_windows", [60, None])
def test_windows_are_added_after_all_iterations_too(tmp_path, monkeypatch, most_windows):
    # What 20 iterations are too few to see, the verdict on the whole run would not let pass.
    bound, asked = small_complex(), []

    def weak_points(windows, parts, least_overlap):
        asked.append((parts[0].iterations, least_overlap))
        return ([3], {}) if parts[0].iterations == 80 else ([], {})

    monkeypatch.setattr(free_energy_run, "weak_points", weak_points)
    settings = replace_settings(iterations=80, steps_per_exchange=5, steps_per_seed=10)
    plan = plan_of(bound, pushed_frames(bound), settings)
    before = len(free_energy_run._first_windows(plan).path.windows)
    plan = replace(
        plan, settings=settings.model_copy(update={"most_windows": most_windows or before})
    )
    result = run_free_energy(plan, tmp_path)
    assert asked[:2] == [(20, 0.06), (80, 0.03)]
    assert len(asked) == 2  # the second time was the last
    if most_windows is None:  # no place for another one: what was found is kept
        assert len(result.plan.path.windows) == before
        return
    assert len(result.plan.path.windows) == before + 1
    for direction in ("in", "out"):
        kept = [WindowSamples.load(tmp_path / f"trial-{n}" / direction)[0] for n in (0, 1)]
        assert [part.iterations for part in kept] == [80, 80]
        assert result.estimates[direction].steps == kept[0].steps + kept[1].steps
    again = run_free_energy(plan, tmp_path)
    assert len(asked) == 2
    assert again.estimates["out"].steps == result.estimates["out"].steps


def test_stored_windows_are_checked(finished):
    path = finished[0].plan.path
    text = path.to_json()
    again = PathWindows.of_json(text)
    assert again.to_json() == text
    assert again.first_on_path == path.first_on_path
    with pytest.raises(ValueError, match="expected stored windows, got 'nothing'"):
        PathWindows.of_json("nothing")


def test_another_plan_is_refused(finished):
    _, folder = finished
    bound = small_complex()
    other = plan_of(bound, pushed_frames(bound), seed=2)
    with pytest.raises(ValueError, match=r"holds windows of another plan \(seed differ\)"):
        run_free_energy(other, folder)


@pytest.mark.parametrize("content", [b"not an archive", b"PK\x03\x04 cut off", b""])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "samples.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"samples\.npz is not a file of samples"):
        WindowSamples.load(tmp_path)


def test_an_unstable_step_comes_with_a_remedy(tmp_path):
    bound = small_complex()
    plan = plan_of(bound, pushed_frames(bound), replace_settings(time_step_fs=40.0))
    with pytest.raises(RuntimeError, match=r"the MD became unstable: .*use a smaller time step"):
        run_free_energy(plan, tmp_path)


def test_an_estimate_needs_samples(finished):
    result, folder = finished
    trial = sorted(folder.glob("trial-*"))[-1]
    few = WindowSamples.load(trial / "in")[0].first(12)
    with pytest.raises(ValueError, match="run longer"):
        DirectionEstimate.of(result.plan, few)


@pytest.mark.parametrize(("alive", "ends"), [(True, False), (False, True), (None, False)])
def test_a_worker_whose_parent_died_ends(tmp_path, monkeypatch, alive, ends):
    # Otherwise two processes would work in one folder once the run is resumed.
    parent = None if alive is None else SimpleNamespace(is_alive=lambda: alive)
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: parent)
    bound = small_complex()
    plan = plan_of(bound, pushed_frames(bound), replace_settings(settle_steps=0, steps_per_seed=1))
    job = (free_energy_run._first_windows(plan), tmp_path, 2, {}, "in")
    with pytest.raises(SystemExit) if ends else nullcontext():
        free_energy_run._job(*job)
    assert (tmp_path / "in" / "samples.npz").exists() is not ends
