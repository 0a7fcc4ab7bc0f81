"""Training data: basins covered, temperature kept, interrupted simulations completed exactly."""

from __future__ import annotations

import copy
import json
from importlib.resources import files

import mdtraj
import numpy as np
import openmm
import pytest
from pydantic import ValidationError

from openmm_genmd.md.manifest import read_manifest
from openmm_genmd.md.simulate import Progress, simulate_data
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.starts import relax, rotated_conformations, spread_out
from openmm_genmd.md.system_input import SystemInput, load_system_input
from openmm_genmd.representations.torsions import TorsionRepresentation

PDB = str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")


@pytest.fixture(scope="module")
def given():
    return load_system_input(PDB, "amber99sbildn.xml,amber99_obc.xml")


def plan(**changes) -> SimulationPlan:
    values = {
        "hot_time_ps": 1.0,
        "torsion_starts": 12,
        "runs": 4,
        "equilibration_ps": 0.2,
        "run_time_ps": 1.0,
        "frame_interval_ps": 0.1,
    }
    return SimulationPlan(**values | changes)


def positions(path, out) -> np.ndarray:
    return mdtraj.load(str(path), top=str(out / "topology.pdb")).xyz


def test_runs_start_in_different_basins(tmp_path, given):
    seen: list[Progress] = []
    paths = simulate_data(given, plan(runs=6, torsion_starts=30), tmp_path, report=seen.append)
    frames = [positions(path, tmp_path) for path in paths]
    assert [x.shape for x in frames] == [(10, 22, 3)] * 6
    torsions = TorsionRepresentation.from_topology(given.topology).encode(np.array(frames))
    first = torsions[:, 0]
    assert (first[:, 0] > 0.3).any()  # the rare basin, 4 kT up
    assert (first[:, 0] < -0.5).any()
    chord = np.abs(np.exp(1j * first[:, None]) - np.exp(1j * first[None])).max(axis=-1)
    assert (chord + 9 * np.eye(6)).min(axis=1).mean() > 0.3
    assert np.abs(np.diff(frames[0], axis=0)).max() > 1e-3  # it moves
    assert seen[-1].done_ps == pytest.approx(seen[-1].total_ps) == pytest.approx(1 + 6 * 1.2)
    assert seen[-1].ns_per_day > 0
    assert json.loads((tmp_path / "manifest.json").read_text())["plan"]["runs"] == 6
    assert not list(tmp_path.glob("*.partial"))


def test_interrupted_simulation_is_completed_as_if_nothing_had_happened(tmp_path, given):
    whole = simulate_data(given, plan(), tmp_path / "a")

    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.stage.startswith("run-002"):
            raise KilledError

    with pytest.raises(KilledError):
        simulate_data(given, plan(), tmp_path / "b", report=kill)
    assert (tmp_path / "b/run-002.partial").exists()
    early = (tmp_path / "b/run-001.dcd").stat().st_mtime_ns
    resumed = simulate_data(given, plan(), tmp_path / "b", resume=True)
    assert (tmp_path / "b/run-001.dcd").stat().st_mtime_ns == early
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(
            positions(one, tmp_path / "a"), positions(other, tmp_path / "b")
        )


def test_two_processes_do_not_work_in_one_folder(tmp_path, given):
    tiny = plan(runs=1, torsion_starts=0, hot_temperatures_k=())

    def disturb(progress: Progress) -> None:
        simulate_data(given, tiny, tmp_path, resume=True)

    with pytest.raises(RuntimeError, match="another process is running in "):
        simulate_data(given, tiny, tmp_path, report=disturb)
    # The lock of a process that ended, in whatever way, is gone.
    assert len(simulate_data(given, tiny, tmp_path, resume=True)) == 1


def test_forces_with_random_numbers_are_seeded(tmp_path, given):
    system = copy.deepcopy(given.system)
    system.addForce(openmm.AndersenThermostat(300, 50))
    before = openmm.XmlSerializer.serialize(system)
    warm = SystemInput(given.topology, given.positions_nm, system)
    frames = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        tiny = plan(runs=1, torsion_starts=0, hot_temperatures_k=(), seed=seed)
        path = simulate_data(warm, tiny, tmp_path / name)[0]
        frames[name] = positions(path, tmp_path / name)
    np.testing.assert_array_equal(frames["a"], frames["b"])
    assert np.abs(frames["a"] - frames["c"]).max() > 1e-3
    assert openmm.XmlSerializer.serialize(system) == before  # the caller's own


def test_wall_time_is_summed_over_sessions(tmp_path, given, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("openmm_genmd.md.simulate.time.perf_counter", lambda: clock[0])
    tiny = plan(runs=2, torsion_starts=0, hot_temperatures_k=(), equilibration_ps=0.0)

    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        clock[0] += 1.0
        if progress.stage.startswith("run-001"):
            raise KilledError

    def tick(progress: Progress) -> None:
        clock[0] += 1.0

    with pytest.raises(KilledError):
        simulate_data(given, tiny, tmp_path, report=kill)
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert manifest.data_seconds == 12  # one minimisation, ten frames, and one more
    clock[0] += 1e6  # between the sessions
    simulate_data(given, tiny, tmp_path, resume=True, report=tick)
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert manifest.data_seconds == 22


def test_folder_in_use_and_changed_plan_are_refused(tmp_path, given):
    tiny = plan(runs=1, torsion_starts=0, hot_temperatures_k=())
    simulate_data(given, tiny, tmp_path)
    with pytest.raises(FileExistsError, match="already has a simulation; choose --resume"):
        simulate_data(given, tiny, tmp_path)
    with pytest.raises(ValueError, match=r"cannot resume in .*: plan differ from its manifest"):
        simulate_data(given, plan(runs=2), tmp_path, resume=True)
    other = load_system_input(PDB, "amber99sbildn.xml")
    with pytest.raises(ValueError, match="system_sha256 differ"):
        simulate_data(other, tiny, tmp_path, resume=True)


def test_unknown_platform_leaves_no_folder(tmp_path, given):
    with pytest.raises(ValueError, match=r"platform must be one of .*Reference.*, got 'Abacus'"):
        simulate_data(given, plan(platform="Abacus"), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_unstable_run_is_named(tmp_path, given):
    wild = plan(time_step_fs=40.0, frame_interval_ps=4.0, hot_time_ps=400.0)
    with pytest.raises(RuntimeError, match=r"hot-600K at 600 K failed: .*try a smaller time step"):
        simulate_data(given, wild, tmp_path)


def test_periodic_boxes_are_stored(tmp_path, given):
    boxed_system = copy.deepcopy(given.system)
    boxed_system.setDefaultPeriodicBoxVectors(
        openmm.Vec3(2.5, 0, 0), openmm.Vec3(0, 3, 0), openmm.Vec3(0, 0, 3.5)
    )
    force = openmm.CustomExternalForce("0*periodicdistance(x, y, z, 0, 0, 0)")
    force.addParticle(0)
    boxed_system.addForce(force)
    (tmp_path / "boxed.xml").write_text(openmm.XmlSerializer.serialize(boxed_system))
    boxed = load_system_input(PDB, str(tmp_path / "boxed.xml"))
    tiny = plan(runs=1, torsion_starts=0, hot_temperatures_k=())
    path = simulate_data(boxed, tiny, tmp_path)[0]
    lengths = mdtraj.load(str(path), top=str(tmp_path / "topology.pdb")).unitcell_lengths
    np.testing.assert_allclose(lengths[0], [2.5, 3.0, 3.5], rtol=1e-5)


def test_plan_refuses_nonsense():
    for bad in ({"runs": 0}, {"temperature_k": -1}, {"walltime": 3}):
        with pytest.raises(ValidationError):
            SimulationPlan(**bad)


def test_rotated_conformations_cover_the_torus_and_carry_the_rest(given):
    representation = TorsionRepresentation.from_topology(given.topology)
    x = rotated_conformations(given.positions_nm, representation, 400, np.random.default_rng(0))
    torsions = representation.encode(x)
    counts, _, _ = np.histogram2d(*torsions.T, bins=2, range=[[-np.pi, np.pi]] * 2)
    assert (np.abs(counts - 100) < 4 * np.sqrt(75)).all()
    for bond in given.topology.bonds():
        i, j = bond[0].index, bond[1].index
        length = np.linalg.norm(given.positions_nm[i] - given.positions_nm[j])
        np.testing.assert_allclose(np.linalg.norm(x[:, i] - x[:, j], axis=-1), length, atol=1e-9)


def test_relaxed_conformations_have_lower_energies(given):
    context = openmm.Context(
        given.system,
        openmm.VerletIntegrator(0.001),
        openmm.Platform.getPlatformByName("Reference"),
    )
    stretched = np.array([given.positions_nm * 1.05, given.positions_nm])
    told = []
    relaxed, energies = relax(context, stretched, advance=lambda: told.append(1))
    assert len(told) == 2
    assert np.abs(relaxed[0] - stretched[0]).max() > 1e-3
    assert energies.max() < -50
    context.setPositions(relaxed[0])
    energy = context.getState(getEnergy=True).getPotentialEnergy()._value
    assert energy == pytest.approx(energies[0])


def test_spread_out_covers_clusters_across_the_cut():
    rng = np.random.default_rng(0)
    centers = np.array([[np.pi, 0.0], [0.0, 0.0], [0.0, 2.0]])
    points = np.concatenate([c + rng.normal(0, 0.05, (50, 2)) for c in centers])
    chosen = spread_out(points, 3, first=7)
    assert chosen[0] == 7
    assert sorted(chosen // 50) == [0, 1, 2]
    assert len(spread_out(points[:2], 5, first=0)) == 2
