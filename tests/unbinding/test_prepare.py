"""Folders of paths: the same whatever is killed and however many work; what is wrong is said."""

import dataclasses
import json
import multiprocessing
import os
import re
import signal
import time

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd.data.unbinding_folder import UnbindingFolder
from openmm_genmd.unbinding.exit_metadynamics import MetadynamicsSettings
from openmm_genmd.unbinding.path_maker import PathMaker, sample_starts
from openmm_genmd.unbinding.preparation_manifest import PreparationManifest, Tally
from openmm_genmd.unbinding.preparation_plan import PreparationPlan
from openmm_genmd.unbinding.prepare import prepare
from openmm_genmd.unbinding.stored_complex import load_complex, save_complex
from openmm_genmd.unbinding.straight_pull import PullSettings
from openmm_genmd.unbinding.worker_team import run_jobs

from . import small_complex as small

PLAN = PreparationPlan(
    pulls=10,
    metadynamics=1,
    seed=5,
    pull=PullSettings(steps=400, length_nm=0.9),
    hills=MetadynamicsSettings(steps_per_hill=10, most_steps=2000),
    starts=3,
    settle_ps=0.1,
    apart_ps=0.1,
    stay_ps=0.2,
    platform="Reference",
)


def small_complex(**options):
    """The ring without bonds, since no real one is so long."""
    bound = small.small_complex(**options)
    modeller = app.Modeller(bound.topology, bound.positions_nm * unit.nanometer)
    modeller.delete([bond for bond in bound.topology.bonds() if bond[0].index < 8])
    return dataclasses.replace(bound, topology=modeller.topology)


def read(folder):
    """Everything about each path but its place, by method and seed; nothing may be there twice."""
    [entry] = UnbindingFolder.open(folder).entries
    known = {}
    for path in entry.trajectories:
        assert (path.method, path.seed) not in known
        facts = (path.work_kcal_per_mol, path.stable_exit, path.frame_interval_ps)
        known[path.method, path.seed] = (facts, entry.read(path))
    return known


def require_equal(one, other):
    assert one.keys() == other.keys()
    for key, (facts, frames) in one.items():
        assert facts == other[key][0]
        assert np.array_equal(frames, other[key][1])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A folder that was made in one go by one process, and its manifest."""
    folder = tmp_path_factory.mktemp("prepare") / "whole"
    return folder, prepare(small_complex(), folder, PLAN)


def test_what_is_in_the_folder(whole):
    folder, manifest = whole
    paths = read(folder)
    assert set(paths) == {*(("pull", 5 + n) for n in range(10)), ("metadynamics", 5)}
    assert (manifest.pull.paths, manifest.metadynamics.paths) == (10, 1)
    stable = [key for key, (facts, _) in paths.items() if facts[1]]
    assert manifest.pull.stable == sum(method == "pull" for method, _ in stable) > 0
    assert manifest.pull.left >= manifest.pull.stable
    assert manifest == PreparationManifest.read(folder)
    assert manifest.starts.steps == round((0.1 + 2 * 0.1) / 2e-3)
    # Pulls and 0.2 ps that verify exits.
    assert manifest.pull.steps <= 10 * 400 + manifest.pull.left * 100
    assert manifest.pull.core_seconds > 0
    assert manifest.openmm == openmm.Platform.getOpenMMVersion()
    bound = load_complex(folder)
    for facts, frames in paths.values():
        assert facts[2] == pytest.approx(0.05)
        assert np.linalg.norm(frames[0] - bound.positions_nm, axis=1).max() < 0.5
        gap = np.linalg.norm(frames[-1, 8:, None] - frames[-1, :8], axis=2).min()
        assert gap > 0.6 or not facts[1]


def test_pulls_start_from_all_starts_with_velocities_of_their_own(whole):
    folder, _ = whole
    starts = np.load(folder / "starts.npy")
    first = np.array([read(folder)["pull", 5 + n][1][0] for n in range(6)])
    assert np.abs(first - starts[[0, 1, 2, 0, 1, 2]]).max() < 1e-6
    second = np.array([read(folder)["pull", 5 + n][1][1] for n in range(6)])
    assert np.abs(second[:3] - second[3:]).max(axis=(1, 2)).min() > 1e-3


def test_starts_follow_from_the_seed():
    bound = small_complex()
    one, steps = sample_starts(bound, PLAN)
    again, _ = sample_starts(bound, PLAN)
    other, _ = sample_starts(bound, PLAN.model_copy(update={"seed": 6}))
    assert steps == 150
    assert np.array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3
    assert np.abs(one[0] - one[1]).max() > 1e-3


def test_workers_do_not_change_what_is_made(whole, tmp_path):
    prepare(small_complex(), tmp_path / "two", PLAN, workers=2)
    require_equal(read(whole[0]), read(tmp_path / "two"))


def test_a_killed_worker_is_said_and_resumed(whole, tmp_path):
    folder, killed = tmp_path / "killed", []

    def kill(done, of, manifest):
        if done == 2 and not killed:
            killed.append(multiprocessing.active_children()[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    died = r"a worker process died \(exit code -9; .*go on with --resume"
    with pytest.raises(RuntimeError, match=died):
        prepare(small_complex(), folder, PLAN, workers=2, report=kill)
    assert not multiprocessing.active_children()
    before = read(folder)
    assert 2 <= len(before) < 11
    manifest = prepare(small_complex(), folder, PLAN, resume=True)
    require_equal(read(whole[0]), read(folder))
    assert manifest.pull.paths == 10


def test_an_interrupt_is_resumed_and_more_paths_added(whole, tmp_path):
    folder = tmp_path / "stopped"

    def interrupt(done, of, manifest):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(small_complex(), folder, PLAN, report=interrupt)
    assert len(read(folder)) == 3
    fewer = PLAN.model_copy(update={"pulls": 5, "metadynamics": 0})
    assert prepare(small_complex(), folder, fewer, resume=True).pull.paths == 5
    seen = []
    prepare(small_complex(), folder, PLAN, resume=True, report=lambda *now: seen.append(now[:2]))
    require_equal(read(whole[0]), read(folder))
    assert seen == [(n, 11) for n in range(5, 12)]


def test_a_path_that_was_stored_but_not_counted_is_not_made_twice(whole, tmp_path):
    """As after a kill between the index and the manifest."""
    folder = tmp_path / "uncounted"
    two = PLAN.model_copy(update={"pulls": 2, "metadynamics": 0})
    manifest = prepare(small_complex(), folder, two)
    manifest.model_copy(update={"pull": Tally(paths=1)}).save(folder)
    prepare(small_complex(), folder, two, resume=True)
    assert len(read(folder)) == 2


def test_unstable_paths_are_counted_left_out_and_not_tried_again(tmp_path, monkeypatch):
    def torn(self, start, direction):
        self._dynamics.set(start)
        self._dynamics.advance(40)
        raise RuntimeError("the MD became unstable: bonds are torn")

    monkeypatch.setattr("openmm_genmd.unbinding.straight_pull.StraightPull.pull", torn)
    hills = MetadynamicsSettings(time_step_fs=200.0, most_steps=1000)
    plan = PLAN.model_copy(update={"pulls": 2, "hills": hills})
    manifest = prepare(small_complex(), tmp_path / "torn", plan)
    assert (manifest.pull.unstable, manifest.metadynamics.unstable) == ((5, 6), (5,))
    assert (manifest.pull.paths, manifest.pull.steps, manifest.pull.left) == (2, 80, 0)
    assert 0 < manifest.metadynamics.steps < 1000
    assert read(tmp_path / "torn") == {}
    again = prepare(small_complex(), tmp_path / "torn", plan, resume=True)
    assert again == manifest
    assert again.pull.seconds_per_stable_exit is None
    assert again.pull.steps_per_stable_exit is None


def test_the_complex_comes_back(whole):
    bound, stored = small_complex(), load_complex(whole[0])
    assert np.array_equal(stored.positions_nm, bound.positions_nm)
    for name in ("name", "temperature_k", "ligand", "receptor", "pocket"):
        assert np.array_equal(getattr(stored, name), getattr(bound, name))
    pairs = [
        {frozenset((a.index, b.index)) for a, b in complex.topology.bonds()}
        for complex in (bound, stored)
    ]
    assert pairs[0] == pairs[1] != set()
    xml = [openmm.XmlSerializer.serialize(complex.system) for complex in (bound, stored)]
    assert xml[0] == xml[1]


def test_what_does_not_fit_the_folder(whole, tmp_path):
    folder, bound = whole[0], small_complex()
    with pytest.raises(ValueError, match="is there already and not empty; choose --resume"):
        prepare(bound, folder, PLAN)
    with pytest.raises(FileNotFoundError, match=r"nothing to resume: .* has no manifest\.json"):
        prepare(bound, tmp_path / "nothing", PLAN, resume=True)
    assert not (tmp_path / "nothing").exists()
    longer = PLAN.model_copy(update={"pull": PullSettings(steps=500, length_nm=0.9)})
    with pytest.raises(ValueError, match=r"begun with other settings, now pull\.steps=500; go on"):
        prepare(bound, folder, longer, resume=True)
    with pytest.raises(ValueError, match=r"begun with another complex \(system differ\)"):
        prepare(small_complex(well_kj_per_mol=1.0), folder, PLAN, resume=True)
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        prepare(bound, tmp_path / "new", PLAN, workers=0)
    with pytest.raises(ValueError, match=r"platform must be one of .*, got 'Abacus'"):
        prepare(bound, tmp_path / "new", PLAN.model_copy(update={"platform": "Abacus"}))
    with pytest.raises(ValueError, match="pulls or metadynamics must be at least 1"):
        PreparationPlan(pulls=0)


def test_a_kill_before_anything_is_there(tmp_path):
    (tmp_path / "ring").mkdir()
    (tmp_path / "ring/.lock").touch()
    (tmp_path / "manifest.json.partial").touch()
    one = PLAN.model_copy(update={"pulls": 1, "metadynamics": 0})
    assert prepare(small_complex(), tmp_path, one).pull.paths == 1


def test_two_at_once(whole):
    def again(done, of, manifest):
        prepare(small_complex(), whole[0], PLAN, resume=True)

    with pytest.raises(RuntimeError, match="another process is running in"):
        prepare(small_complex(), whole[0], PLAN, resume=True, report=again)


def test_damaged_files(tmp_path):
    one = PLAN.model_copy(update={"pulls": 1, "metadynamics": 0})
    two = PLAN.model_copy(update={"pulls": 2, "metadynamics": 0})
    folder, bound = tmp_path / "damaged", small_complex()
    prepare(bound, folder, one)
    starts = np.load(folder / "starts.npy")
    np.save(folder / "starts.npy", starts[:1])
    expected = re.escape("should have (3, 12, 3) finite numbers, got (1, 12, 3); remove it")
    with pytest.raises(ValueError, match=expected):
        prepare(bound, folder, two, resume=True)
    (folder / "starts.npy").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"cannot read .*starts\.npy: .*; remove it"):
        prepare(bound, folder, two, resume=True)
    (folder / "starts.npy").unlink()
    prepare(bound, folder, two, resume=True)
    assert np.array_equal(np.load(folder / "starts.npy"), starts)
    (folder / "system.xml").write_text("<no system")
    with pytest.raises(ValueError, match=r"cannot read the complex in .*restore the files"):
        prepare(bound, folder, two, resume=True)
    (folder / "complex.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no complex\.json; expected a folder that"):
        load_complex(folder)
    prepare(bound, folder, two, resume=True)
    assert load_complex(folder).name == "ring"
    (folder / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match=r"cannot read .*manifest\.json: .*; restore it"):
        prepare(bound, folder, two, resume=True)


def test_files_that_do_not_fit_each_other(tmp_path):
    save_complex(small_complex(), tmp_path)
    known = json.loads((tmp_path / "complex.json").read_text())
    known["positions_nm"] = known["positions_nm"][:5]
    (tmp_path / "complex.json").write_text(json.dumps(known))
    with pytest.raises(ValueError, match=re.escape("they have (12, 12, 5) particles")):
        load_complex(tmp_path)


def test_leaving_a_team_early_ends_its_processes():
    results = run_jobs(time.sleep, [0.0, 0.0, 60.0, 60.0], 2)
    next(results)
    next(results)
    results.close()
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_jobs_come_through(workers):
    with pytest.raises(TypeError, match="unsupported operand"):
        list(run_jobs(sum, [["a"], ["b"]], workers))


def test_a_maker_needs_only_the_seed(whole):
    """The same job in another process, place and order gives the same path."""
    folder, _ = whole
    maker = PathMaker(load_complex(folder), PLAN, np.load(folder / "starts.npy"))
    made = maker.make(PLAN.jobs()[7])
    facts, frames = read(folder)["pull", 12]
    # Files hold angstroms.
    assert np.abs(made.frames_nm - frames).max() < 1e-6
    assert (made.work_kcal_per_mol, made.stable) == facts[:2]
