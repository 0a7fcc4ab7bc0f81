"""The benchmarks of unbinding free energies, with settings so small that nothing is measured."""

from __future__ import annotations

import copy
import importlib
import json
import math
from pathlib import Path

import numpy as np
import openmm
import pytest
import typer
from typer.testing import CliRunner

from openmm_genmd.unbinding.bundled_systems import bundled_complex

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Import a program of ``benchmarks/``."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture(scope="module")
def bound():
    return bundled_complex("cb7-b2")


@pytest.fixture(scope="module")
def decoupling(bound):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return importlib.import_module("decoupling").Decoupling.of(bound, 0.25)


def frames_of(bound):
    """Give the complex, and poses that a soft guest may take."""
    x, turned = bound.positions_nm, np.array(bound.positions_nm)
    guest = x[bound.ligand]
    center = guest.mean(axis=0)
    turned[bound.ligand] = center + (guest - center)[:, [1, 2, 0]] + [0.1, 0.0, 0.2]
    return [x, turned]


def test_ends_are_the_complex_and_its_parts(decoupling, bound):
    assert max(decoupling.end_errors_kj_per_mol(frames_of(bound))) < 1e-3


def test_an_end_with_the_solvent_of_the_complex_is_seen(decoupling, bound):
    """The twin: at the end of the path the host is still screened by the guest."""
    broken = copy.copy(decoupling)
    system = copy.deepcopy(decoupling.system)
    _, apart = [f for f in system.getForces() if isinstance(f, openmm.CustomCVForce)]
    assert apart.getCollectiveVariableName(0) == "host"
    for atom in bound.ligand.tolist():
        apart.getCollectiveVariable(0).setParticleParameters(atom, 0.0, 0.17, 0.72)
    object.__setattr__(broken, "system", system)
    coupled, apart = broken.end_errors_kj_per_mol(frames_of(bound))
    assert coupled < 1e-3
    assert apart > 1


def test_forces_left_out_are_zero(decoupling, bound):
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(decoupling.system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(bound.positions_nm)
    needed = []
    for state in decoupling.states:
        for name, value in state.items():
            context.setParameter(name, value)
        every, some = (
            context.getState(forces=True, groups=groups).getForces(asNumpy=True)._value
            for groups in (set(range(32)), decoupling.groups(state))
        )
        assert np.abs(every - some).max() < 1e-9
        needed.append(decoupling.groups(state))
    assert needed[0] == {0, 1, 3}
    assert needed[1] == {0, 1, 2, 3}
    assert needed[-1] == {0, 2}


def test_a_system_with_a_cutoff_is_refused(benchmark):
    bound = bundled_complex("cb7-b2", cutoff_nm=1.2)
    with pytest.raises(ValueError, match="expected a System without a cutoff, got that of cb7-b2"):
        benchmark("decoupling").Decoupling.of(bound, 0.25)


def test_wrong_ends_end_the_run(benchmark, decoupling, monkeypatch):
    kind = type(decoupling)
    monkeypatch.setattr(kind, "end_errors_kj_per_mol", lambda self, frames: (0.0, 0.5))
    with pytest.raises(RuntimeError, match="expected the energies of complex and of host and"):
        benchmark("host_guest_alchemical").check_ends(decoupling, 1)


def test_restraint_is_the_one_in_the_system(decoupling, bound):
    """Energy and volume of the wall: a shift moves the guest out of its site."""
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(decoupling.system, openmm.VerletIntegrator(0.001), platform)
    moved = np.array(bound.positions_nm)
    moved[bound.ligand] += [0.0, 0.0, 0.4]
    context.setPositions(moved)
    energies = []
    for on in (1.0, 0.0):
        context.setParameter("lambda_restraints", on)
        energies.append(context.getState(energy=True).getPotentialEnergy()._value)
    expected = decoupling.wall_kj_per_mol(decoupling.distance_nm(moved))
    assert expected > 1
    assert energies[0] - energies[1] == pytest.approx(expected, abs=1e-6)
    sphere = 4 / 3 * math.pi * 0.25**3
    # A soft wall adds a shell of half the width of a Gaussian, and more outside than inside.
    shell = math.sqrt(math.pi * decoupling.kt_kj_per_mol / (2 * 4000.0))
    assert decoupling.site_volume_nm3() == pytest.approx(sphere * (1 + shell / 0.25) ** 3, rel=0.02)
    assert decoupling.standard_state_kj_per_mol() == pytest.approx(-7.1, abs=0.1)


def test_estimate_of_known_free_energies(benchmark, decoupling):
    """Harmonic states: MBAR finds the ratio of their widths, and the standard state is added."""
    program = benchmark("decoupling_exchange")
    recorder = program.Recorder(decoupling)
    kt, rng = decoupling.kt_kj_per_mol, np.random.default_rng(1)
    n = len(decoupling.states)
    stiffness = np.geomspace(1.0, 16.0, n)
    for _ in range(400):
        x = rng.normal(size=n) / np.sqrt(stiffness)
        recorder.energies.append(kt * 0.5 * stiffness[None, :] * x[:, None] ** 2)
        recorder.distances.append(np.full(n, 0.1))
        recorder.states.append(list(range(n)))
    found = program.estimate(decoupling, recorder)
    expected = (kt * math.log(4.0) + decoupling.standard_state_kj_per_mol()) / 4.184
    error = found["error_kcal_per_mol"]
    assert 0 < error < 0.05
    assert found["unbinding_kcal_per_mol"] == pytest.approx(expected, abs=3 * error)
    assert found["restraint_kcal_per_mol"] == pytest.approx(0.0, abs=1e-9)
    assert min(found["overlap"]) > 0.05


@pytest.mark.parametrize("inward", [False, True])
def test_starts_go_through_the_states_one_by_one(benchmark, inward):
    """A sampler whose conformations are the states that they went through."""

    class Sampler:
        states = (0, 1, 2)

        def simulateReplica(self, index, steps):  # noqa: N802
            self.replicaConformation[index] = (*self.replicaConformation[index], index)

    sampler = Sampler()
    sampler.replicaConformation = [()] * 3
    benchmark("decoupling_exchange")._start(sampler, inward=inward)
    outward = [(0,), (0, 1), (0, 1, 2)]
    assert sampler.replicaConformation == ([(2, 2, 1, 0), (2, 2, 1), (2, 2)] if inward else outward)


def test_round_trips_are_counted(benchmark):
    there_and_back = [[0, 2], [1, 1], [2, 0], [1, 1], [0, 2]]
    assert benchmark("decoupling_exchange").round_trips(there_and_back, 2) == 2.0


def test_error_is_the_larger_of_both(benchmark):
    program = benchmark("host_guest_alchemical")

    def repeat(value, error):
        return program.Repeat(1, False, value, error, 0, 0, 0, 0, [0.1], 1.0, 0, 1, 1.0, 0.0, 60.0)

    apart = program.combined([repeat(10.0, 0.1), repeat(12.0, 0.1)])
    assert apart["unbinding_kcal_per_mol"] == 11.0
    assert apart["error_kcal_per_mol"] == pytest.approx(1.0)
    assert program.combined([repeat(10.0, 0.4)])["error_kcal_per_mol"] == pytest.approx(0.4)


def test_profile_of_a_well_gives_its_free_energy(benchmark, bound):
    """A spherical well of known depth, in the units of the program."""
    run = benchmark("unbinding_metadynamics").UnbindingMetadynamics(bound, 1)
    kt, radius, depth = 0.00831446 * 300, 0.4, 60.0
    r = np.linspace(0.0, 1.9, 1901)
    energy = -kt * np.log(4 * np.pi * np.maximum(r, 1e-4) ** 2) - depth * (r < radius)
    run.profile = lambda: (r, energy)
    volume = 4 / 3 * math.pi * (radius**3 * math.exp(depth / kt) + 0.8**3 - radius**3)
    expected = kt * math.log(volume / 1.6605) / 4.184
    assert run.unbinding_kcal_per_mol() == pytest.approx(expected, abs=0.01)
    assert run.bulk_drift_kcal_per_mol() == pytest.approx(0.0, abs=1e-6)


def test_crossings_need_to_come_far(benchmark):
    crossings = benchmark("unbinding_metadynamics").Crossings()
    for distance in (0.1, 0.9, 0.1, 1.4, 1.0, 1.5, 0.3, 0.2, 0.1):
        crossings.see(distance)
    assert crossings.ways == 2


def test_alchemical_json(benchmark, bound, monkeypatch, tmp_path):
    program, decoupling = benchmark("host_guest_alchemical"), benchmark("decoupling")
    monkeypatch.setattr(program, "bundled_complex", lambda name: bound)
    monkeypatch.setattr(benchmark("decoupling_exchange"), "STEPS_PER_ITERATION", 1)
    monkeypatch.setattr(benchmark("decoupling_exchange"), "SEED_STEPS", 2)
    monkeypatch.setattr(benchmark("decoupling_exchange"), "LOOSE_STEPS", 3)
    monkeypatch.setattr(decoupling, "ELECTROSTATICS", (1.0,))
    monkeypatch.setattr(decoupling, "STERICS", (1.0, 0.9, 0.0))
    file = tmp_path / "found.json"
    arguments = ["--json", str(file), "--minutes", "0", "--seed", "3"]
    first = CliRunner().invoke(program.app, [*arguments, "--repeats", "1"])
    assert first.exit_code == 0, first.output
    alone = json.loads(file.read_text())
    assert max(alone["end_errors_kj_per_mol"]) < 1e-3
    both = CliRunner().invoke(program.app, [*arguments, "--repeats", "2", "--resume"])
    assert both.exit_code == 0, both.output
    written = json.loads(file.read_text())
    assert [repeat["seed"] for repeat in written["repeats"]] == [3, 4]
    assert [repeat["inward"] for repeat in written["repeats"]] == [False, True]
    assert written["repeats"][0] == alone["repeats"][0]
    assert len(written["repeats"][0]["overlap"]) == 3
    assert "unbinding" in both.output


def test_repeats_of_another_complex_are_not_mixed_in(benchmark, tmp_path):
    file = tmp_path / "found.json"
    file.write_text(json.dumps({"system": "cb7-p-xylene", "site_nm": 0.25, "repeats": []}))
    stored = benchmark("host_guest_alchemical").stored
    assert stored(file, "cb7-p-xylene", 0.25) == []
    assert stored(tmp_path / "none.json", "cb7-b2", 0.25) == []
    with pytest.raises(typer.BadParameter, match=r"expected repeats of cb7-b2 at 0\.25 nm in"):
        stored(file, "cb7-b2", 0.25)


def test_metadynamics_json(benchmark, bound, monkeypatch, tmp_path):
    program, file = benchmark("unbinding_metadynamics"), tmp_path / "found.json"
    monkeypatch.setattr(program, "bundled_complex", lambda name: bound)
    monkeypatch.setattr(program, "ESTIMATES", 2)
    monkeypatch.setattr(program, "HILL_STEPS", 10)
    result = CliRunner().invoke(program.app, ["--json", str(file), "--minutes", "0"])
    assert result.exit_code == 0, result.output
    written = json.loads(file.read_text())
    assert written["nanoseconds"] == pytest.approx(8e-5)
    assert len(written["estimates_kcal_per_mol"]) == 2
    assert len(written["distance_nm"]) == len(written["energy_kj_per_mol"])
    assert math.isfinite(written["unbinding_kcal_per_mol"])
    # The guest was where it is bound, and the hills are there.
    lowest = written["distance_nm"][int(np.argmin(written["energy_kj_per_mol"]))]
    assert lowest < 0.2
