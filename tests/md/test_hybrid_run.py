"""`HybridRun`: files without a gap or a repetition, however a run is stopped."""

import csv
import os
import signal
import subprocess
import sys
import time
from importlib.resources import files

import mdtraj
import numpy as np
import openmm
import pytest

from openmm_genmd.md.hybrid_run import HybridRun
from openmm_genmd.md.run_settings import RunSettings
from openmm_genmd.md.system_input import load_system_input
from openmm_genmd.models.checkpoint import load_checkpoint, save_checkpoint
from openmm_genmd.proposers.load import find_checkpoint

PDB = str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")


def settings(**changes):
    return RunSettings(
        **{
            "pdb": PDB,
            "system": "amber99sbildn.xml,amber99_obc.xml",
            "proposer": "alanine-dipeptide",
            "platform": "Reference",
            "jump_interval": 10,
            "tries_per_jump": 2,
            "frame_interval": 20,
            "checkpoint_interval": 100,
            "minimize": False,
        }
        | changes
    )


def run_to(folder, steps, *, resume=False, **changes):
    run = HybridRun(folder, None if resume else settings(**changes), resume=resume)
    run.run(steps)
    run.close()


def contents(folder):
    """Everything in the files but wall times."""
    with open(folder / "jumps.csv") as file:
        grade = file.readline()
        jumps = [row[:6] for row in csv.reader(file)]
    trajectory = mdtraj.load(folder / "trajectory.dcd", top=folder / "topology.pdb")
    return grade, jumps, (folder / "energies.csv").read_text(), trajectory.xyz


def assert_same(first, second):
    assert first[:3] == second[:3]
    np.testing.assert_array_equal(first[3], second[3])


def assert_complete(folder, steps):
    """Every frame and every attempt exactly once."""
    _, jumps, energies, xyz = contents(folder)
    assert len(xyz) == steps // 20
    assert [int(line.split(",")[0]) for line in energies.splitlines()[1:]] == list(
        range(20, steps + 1, 20)
    )
    assert [int(row[0]) for row in jumps[1:]] == [s for s in range(10, steps + 1, 10) for _ in "ab"]


def test_a_run_in_two_parts_equals_a_run_in_one(tmp_path):
    run_to(tmp_path / "one", 400)
    run_to(tmp_path / "two", 230)
    run_to(tmp_path / "two", 400, resume=True)
    assert_complete(tmp_path / "one", 400)
    assert_same(contents(tmp_path / "one"), contents(tmp_path / "two"))
    assert contents(tmp_path / "one")[0] == "# grade: exact\n"


def test_forces_with_random_numbers_are_seeded(tmp_path):
    system = load_system_input(PDB, "amber99sbildn.xml,amber99_obc.xml").system
    system.addForce(openmm.AndersenThermostat(300, 50))
    path = tmp_path / "system.xml"
    path.write_text(openmm.XmlSerializer.serialize(system))
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        run_to(tmp_path / name, 100, system=str(path), seed=seed)
    one, same, other = (contents(tmp_path / name) for name in ("one", "same", "other"))
    assert_same(one, same)
    assert np.abs(one[3] - other[3]).max() > 1e-3


def test_what_a_crash_left_behind_is_cut_off(tmp_path):
    run_to(tmp_path / "one", 400)
    run = HybridRun(tmp_path / "two", settings())
    run.run(200)
    run.simulation.step(75)  # beyond the checkpoint, as if killed
    run.close()
    with open(tmp_path / "two" / "jumps.csv", "a") as file:
        file.write("half a ro")
    run_to(tmp_path / "two", 400, resume=True)
    assert_same(contents(tmp_path / "one"), contents(tmp_path / "two"))


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    run_to(tmp_path / "run", 100)
    before = contents(tmp_path / "run")
    run_to(tmp_path / "run", 100, resume=True)
    assert_same(before, contents(tmp_path / "run"))


@pytest.mark.parametrize("delay_seconds", [0.3, 0.8, 1.4])
def test_killed_at_any_moment(tmp_path, delay_seconds):
    """SIGKILL, twice, then to the end: nothing lost, nothing doubled."""
    folder = tmp_path / "run"
    given = ["--pdb", PDB, "--system", "amber99sbildn.xml,amber99_obc.xml"]
    given += ["--proposer", "alanine-dipeptide", "--platform", "Reference", "--no-minimize"]
    given += ["--jump-interval", "10", "--tries-per-jump", "2", "--frame-interval", "20"]
    command = [sys.executable, "-m", "openmm_genmd.cli.main", "run", "--out", str(folder)]
    command += ["--steps", "20000"]
    for options in ([*given, "--checkpoint-interval", "100"], ["--resume"]):
        process = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)
        wait_for(folder / "restart.bin", process)
        time.sleep(delay_seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    run = HybridRun(folder, resume=True)
    steps = (run.step // 20 + 10) * 20
    run.run(steps)
    run.close()
    assert_complete(folder, steps)


def wait_for(path, process):
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.02)


def test_stop_on_request_leaves_a_checkpoint(tmp_path):
    run = HybridRun(tmp_path / "run", settings(checkpoint_interval=10_000))
    seen = []
    run.run(5000, seen.append, lambda: len(seen) == 2)
    run.close()
    assert seen == [1000, 2000]
    run = HybridRun(tmp_path / "run", resume=True)
    assert run.step == 2000
    run.close()


def test_folders_and_settings_are_checked(tmp_path):
    run_to(tmp_path / "run", 20)
    with pytest.raises(FileExistsError, match="is not empty; continue the run in it with --resume"):
        HybridRun(tmp_path / "run", settings())
    with pytest.raises(FileNotFoundError, match="there is no run to resume in"):
        HybridRun(tmp_path / "other", resume=True)
    with pytest.raises(ValueError, match="settings are needed to start a run"):
        HybridRun(tmp_path / "other")
    with pytest.raises(ValueError, match=r"other settings: seed was 1, is now 2. Resume with"):
        HybridRun(tmp_path / "run", settings(seed=2), resume=True)
    with pytest.raises(ValueError, match=r"platform must be one of .*Reference.*, got 'Abacus'"):
        HybridRun(tmp_path / "other", settings(platform="Abacus"))
    assert not (tmp_path / "other").exists()


def test_damaged_settings_are_refused(tmp_path):
    run_to(tmp_path / "run", 20)
    (tmp_path / "run" / "run.json").write_text("{")
    with pytest.raises(ValueError, match=r"run\.json is not what genmd run wrote, or damaged"):
        HybridRun(tmp_path / "run", resume=True)


def test_a_foreign_checkpoint_is_refused(tmp_path):
    run_to(tmp_path / "run", 20)
    text = (tmp_path / "run" / "run.json").read_text()
    (tmp_path / "run" / "run.json").write_text(text.replace('"Reference"', '"CPU"'))
    with pytest.raises(ValueError, match=r"cannot load the checkpoint in .*different Platform"):
        HybridRun(tmp_path / "run", resume=True)


def test_a_changed_system_or_model_is_refused(tmp_path):
    """Either would silently continue with other physics, or with densities of another model."""
    run_to(tmp_path / "run", 20)
    system = tmp_path / "run" / "system.xml"
    original = system.read_text()
    system.write_text(original.replace('mass="12.01078"', 'mass="13"'))
    with pytest.raises(ValueError, match=r"the System is no longer the one in .*system\.xml"):
        HybridRun(tmp_path / "run", resume=True)
    system.write_text(original)
    path = tmp_path / "retrained.safetensors"
    bundled = load_checkpoint(find_checkpoint("alanine-dipeptide"))
    for parameter in bundled.model.parameters():
        parameter.data *= 0.9
    save_checkpoint(
        path, bundled.model, bundled.fingerprint, bundled.representation, bundled.metadata
    )
    settings_file = tmp_path / "run" / "run.json"
    settings_file.write_text(settings_file.read_text().replace('"alanine-dipeptide"', f'"{path}"'))
    with pytest.raises(ValueError, match="were drawn from another model"):
        HybridRun(tmp_path / "run", resume=True)


def test_a_simulation_that_blows_up_keeps_its_last_checkpoint(tmp_path):
    run = HybridRun(tmp_path / "run", settings(frame_interval=10_000))
    run.run(100)
    run.simulation.context.setPositions(np.full((22, 3), np.nan))
    with pytest.raises(FloatingPointError, match=r"energy is nan after 200 steps.*is kept"):
        run.run(200)
    run.close()
    run = HybridRun(tmp_path / "run", resume=True)
    assert run.step == 100
    run.close()
