"""What other programs get is what was found."""

import mdtraj
import numpy as np
import openmm
import pytest
from openmm import unit

from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.contacts import minimum_distances_nm
from openmm_genmd.unbinding.ligand_paths import on_receptor
from openmm_genmd.unbinding.path_export import export_openpathsampling, export_westpa

from .made_up_paths import moved_ligand, path_of, tumbled

KINDS = {"bstates": 3, "sstates": 12}


@pytest.fixture(scope="module")
def bound():
    return bundled_complex("cb7-b2")


@pytest.fixture(scope="module")
def paths(bound):
    rng = np.random.default_rng(1)
    way = np.linspace(0, 2.0, 12)[:, None] * [0.0, 0.0, 1.0]
    frames = [tumbled(moved_ligand(bound, way * (1 + 0.1 * n)), rng) for n in range(5)]
    return [
        *(path_of(n, x) for n, x in enumerate(frames[:3])),
        path_of(3, frames[3], stable_exit=False),
        path_of(4, frames[4], status="gave up", stable_exit=None),
    ]


@pytest.fixture(scope="module")
def westpa(bound, paths, tmp_path_factory):
    return export_westpa(paths, bound, tmp_path_factory.mktemp("w"), states_per_path=4, seed=2)


def states(folder, kind):
    """Label, probability and folder of each state, as WESTPA reads them."""
    lines = (folder / kind / f"{kind}.txt").read_text().splitlines()
    rows = [line.partition("#")[0].split() for line in lines]
    return [(label, float(share), folder / where) for label, share, where in filter(None, rows)]


def test_trajectories_are_the_paths_that_lead_out(bound, paths, tmp_path) -> None:
    files = export_openpathsampling(paths, bound, tmp_path)
    assert [file.name for file in files] == [f"path-{n:04d}.dcd" for n in range(3)]
    for file, path in zip(files, paths, strict=False):
        read = mdtraj.load(file, top=tmp_path / "topology.pdb")
        assert read.xyz == pytest.approx(on_receptor(path.frames_nm, bound), abs=1e-6)
    assert read.topology.n_bonds == bound.topology.getNumBonds()
    text = (tmp_path / "README.txt").read_text()
    assert 'ops_load_trajectory("path-0000.dcd", top="topology.pdb")' in text
    assert "exploratory" in text
    assert not list(tmp_path.glob("*partial*"))


def test_a_second_export_replaces_the_first(bound, paths, tmp_path) -> None:
    export_openpathsampling(paths[:1], bound, tmp_path)
    export_openpathsampling([path_of(0, paths[1].frames_nm)], bound, tmp_path)
    read = mdtraj.load(tmp_path / "path-0000.dcd", top=tmp_path / "topology.pdb")
    assert read.xyz == pytest.approx(on_receptor(paths[1].frames_nm, bound), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_what_the_lists_say(westpa, bound, kind: str) -> None:
    listed = states(westpa, kind)
    assert len(listed) == KINDS[kind]
    assert sum(share for _, share, _ in listed) == pytest.approx(1.0, abs=1e-10)
    for _, _, folder in listed:
        x = mdtraj.load(folder / "structure.pdb").xyz[0]
        gap = minimum_distances_nm(x, bound.receptor_heavy, bound.ligand_heavy)[0]
        assert float((folder / "pcoord.init").read_text()) == pytest.approx(gap, abs=1e-3)


def test_basis_states_are_bound_and_start_states_lie_between_the_ends(westpa, paths) -> None:
    gaps = {
        kind: [float((folder / "pcoord.init").read_text()) for *_, folder in states(westpa, kind)]
        for kind in KINDS
    }
    assert max(gaps["bstates"]) < 0.45
    assert min(gaps["sstates"]) < 0.45 < max(gaps["sstates"])
    assert (westpa / "tstate.file").read_text() == "out 0.65\n"
    assert "--sstate-file sstates/sstates.txt" in (westpa / "README.txt").read_text()


def test_states_start_a_simulation_at_the_complex_temperature(westpa, bound) -> None:
    system = openmm.XmlSerializer.deserialize((westpa / "system.xml").read_text())
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    masses = np.array([system.getParticleMass(k)._value for k in range(system.getNumParticles())])
    listed = states(westpa, "bstates") + states(westpa, "sstates")
    energies = []
    for *_, folder in listed:
        context.setState(openmm.XmlSerializer.deserialize((folder / "state.xml").read_text()))
        state = context.getState(positions=True, velocities=True)
        x = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        v = state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond)
        assert x == pytest.approx(mdtraj.load(folder / "structure.pdb").xyz[0], abs=1e-4)
        energies.append(0.5 * masses @ (v**2).sum(axis=1))
    freedom = 3 * len(masses) - system.getNumConstraints()
    temperature = 2 * np.mean(energies) / (freedom * 0.00831446)
    error = bound.temperature_k * np.sqrt(2 / (freedom * len(listed)))
    assert abs(temperature - bound.temperature_k) < 4 * error
    # Velocities that did not know the constraints would be this much too hot.
    assert 3 * len(masses) / freedom - 1 > 8 * error / bound.temperature_k


def test_velocities_are_drawn_anew_for_each_state_and_repeat_with_the_seed(
    westpa, bound, paths, tmp_path
) -> None:
    texts = [(folder / "state.xml").read_text() for *_, folder in states(westpa, "bstates")]
    again = export_westpa(paths, bound, tmp_path, states_per_path=4, seed=2)
    assert texts == [(folder / "state.xml").read_text() for *_, folder in states(again, "bstates")]
    velocities = {text[text.index("<Velocities>") :] for text in texts}
    assert len(velocities) == len(texts)


def test_what_makes_no_sense_is_refused(bound, paths, tmp_path) -> None:
    for export in (export_openpathsampling, export_westpa):
        with pytest.raises(ValueError, match="none of 2 paths leads out and stays out"):
            export(paths[3:], bound, tmp_path / "none")
        with pytest.raises(ValueError, match="do not fit cb7-b2, which has 156 particles"):
            export([path_of(0, np.zeros((3, 5, 3)))], bound, tmp_path / "other")
    with pytest.raises(ValueError, match="states_per_path must be at least 1, got 0"):
        export_westpa(paths, bound, tmp_path, states_per_path=0)
