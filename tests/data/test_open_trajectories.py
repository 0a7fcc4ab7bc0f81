"""Files and folders that a user names become sources; what does not fit is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import mdtraj
import numpy as np
import pytest
from openmm import app, unit

from openmm_genmd.data.mdtraj_files import dcd_interval_ps
from openmm_genmd.data.open_trajectories import open_trajectories
from openmm_genmd.data.structures import load_structure

TOPOLOGY, START_NM = load_structure("alanine-dipeptide")
CONVERTED = mdtraj.Topology.from_openmm(TOPOLOGY)


def conformations(n: int) -> np.ndarray:
    """Frames ``(n, 22, 3)``, nm, that differ by a little noise, as stored (float32)."""
    noise = 0.003 * np.random.default_rng(n).normal(size=(n, 22, 3))
    return (START_NM + noise).astype(np.float32)


def write(path: Path, n: int, interval_ps: float = 0.5, *, scale: float = 1.0) -> np.ndarray:
    positions_nm = conformations(n)
    times_ps = 4.0 + interval_ps * np.arange(n)
    mdtraj.Trajectory(scale * positions_nm, CONVERTED, times_ps).save(str(path))
    return positions_nm


def write_pdb(path: Path) -> Path:
    with path.open("w") as file:
        app.PDBFile.writeFile(TOPOLOGY, START_NM * 10, file)
    return path


def write_openmm_dcd(path: Path, n: int) -> np.ndarray:
    """As DCDReporter(path, 250) does with a time step of 2 fs."""
    positions_nm = conformations(n)
    with path.open("wb") as file:
        dcd = app.DCDFile(file, TOPOLOGY, 2 * unit.femtosecond, interval=250)
        for frame in positions_nm:
            dcd.writeModel(frame * unit.nanometer)
    return positions_nm


def frames_of(source, chunk=3) -> np.ndarray:
    return np.concatenate([part.positions_nm for part in source.iterate(chunk)])


@pytest.mark.parametrize(
    ("suffix", "interval_ps", "n_frames"),
    [
        *((suffix, 1.5, 4) for suffix in (".xtc", ".trr", ".nc", ".h5")),
        (".dcd", None, 4),  # mdtraj writes no times
        (".xyz", None, None),
        (".mdcrd", None, None),
        (".pdb", None, None),
    ],
)
def test_formats_of_mdtraj(tmp_path, suffix, interval_ps, n_frames):
    positions_nm = write(tmp_path / f"run{suffix}", 11)
    pdb = write_pdb(tmp_path / "ala.pdb")
    [source] = open_trajectories([tmp_path / f"run{suffix}"], pdb, stride=3)
    assert (source.name, source.replica, source.temperature_k) == ("ala", "run", None)
    assert (source.frame_interval_ps, source.n_frames) == (interval_ps, n_frames)
    got = frames_of(source)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, positions_nm[::3], atol=1e-3)
    np.testing.assert_array_equal(got, frames_of(source, chunk=100))  # may be read again


@pytest.mark.parametrize("suffix", [".h5", ".pdb"])
def test_files_that_hold_their_topology(tmp_path, suffix):
    write(tmp_path / f"run{suffix}", 4)
    [source] = open_trajectories([tmp_path / f"run{suffix}"])
    assert source.name == "run"
    assert [a.name for a in source.topology.atoms()] == [a.name for a in TOPOLOGY.atoms()]
    np.testing.assert_allclose(frames_of(source), conformations(4), atol=1e-3)


@pytest.mark.parametrize(
    ("pdb", "name"), [("run.pdb", "run"), ("topology.pdb", "folder"), ("other.pdb", "other")]
)
def test_topology_beside_the_trajectory(tmp_path, pdb, name):
    folder = tmp_path / "folder"
    folder.mkdir()
    write_pdb(folder / pdb)
    write(folder / "run.xtc", 3)
    assert open_trajectories([folder])[0].name == name


def test_topology_is_read_once(tmp_path):
    write_pdb(tmp_path / "topology.pdb")
    for n in range(3):
        write(tmp_path / f"run-{n}.xtc", 3)
    sources = open_trajectories([str(tmp_path)])
    assert [source.replica for source in sources] == ["run-0", "run-1", "run-2"]
    assert len({id(source.topology) for source in sources}) == 1


def test_folder_of_simulate(tmp_path):
    write_pdb(tmp_path / "topology.pdb")
    plan = {"temperature_k": 310.0}
    (tmp_path / "manifest.json").write_text(json.dumps({"plan": plan}))
    for name in ("hot-600", "run-001", "run-000"):
        positions_nm = write_openmm_dcd(tmp_path / f"{name}.dcd", 5)
    np.save(tmp_path / "starts.npy", positions_nm)
    sources = open_trajectories([tmp_path], stride=2)
    assert [source.replica for source in sources] == ["run-000", "run-001"]
    assert {s.temperature_k for s in sources} == {310.0}
    assert {s.frame_interval_ps for s in sources} == {1.0}
    np.testing.assert_allclose(frames_of(sources[0]), positions_nm[::2], atol=1e-6)
    [hot] = open_trajectories([tmp_path / "hot-600.dcd"])
    assert (hot.temperature_k, hot.frame_interval_ps) == (None, 0.5)
    (tmp_path / "manifest.json").write_text(json.dumps({"plan": plan | {"leaps": True}}))
    assert {s.frame_interval_ps for s in open_trajectories([tmp_path])} == {None}


def test_manifest_of_something_else(tmp_path):
    write_pdb(tmp_path / "topology.pdb")
    write(tmp_path / "run-0.xtc", 3)
    for text in ("no", "[1]", "{}"):
        (tmp_path / "manifest.json").write_text(text)
        assert open_trajectories([tmp_path])[0].temperature_k is None


def test_times_of_dcd_files(tmp_path):
    write_openmm_dcd(tmp_path / "a.dcd", 3)
    assert dcd_interval_ps(tmp_path / "a.dcd") == pytest.approx(0.5)
    header = (tmp_path / "a.dcd").read_bytes()
    (tmp_path / "b.dcd").write_bytes(header.replace(b"OpenMM", b"LAMMPS"))
    (tmp_path / "c.dcd").write_bytes(header[:200])
    (tmp_path / "d.dcd").write_bytes(header[:16] + bytes(4) + header[20:])
    for name in "bcd":
        assert dcd_interval_ps(tmp_path / f"{name}.dcd") is None
    swapped = np.frombuffer(header[:92], "<i4").astype(">i4").tobytes()
    swapped = swapped[:4] + b"CORD" + swapped[8:]
    (tmp_path / "e.dcd").write_bytes(swapped + header[92:])  # of a big-endian machine
    assert dcd_interval_ps(tmp_path / "e.dcd") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (10.0, r"first frame of .*run\.xtc are 10\.\d times as long as expected: .* in Angstrom"),
        (0.1, r"first frame of .*run\.xtc are 0\.1\d* times as long as expected: .* are in nm"),
    ],
)
def test_wrong_units(tmp_path, scale, words):
    write_pdb(tmp_path / "run.pdb")
    write(tmp_path / "run.xtc", 3, scale=scale)
    with pytest.raises(ValueError, match=words):
        open_trajectories([tmp_path / "run.xtc"])


def residues_backwards() -> tuple[mdtraj.Topology, list[int]]:
    """Topology in which the atoms of each residue come last to first, and where they were."""
    topology, order = mdtraj.Topology(), []
    chain = topology.add_chain()
    for residue in CONVERTED.residues:
        added = topology.add_residue(residue.name, chain)
        for atom in reversed(list(residue.atoms)):
            topology.add_atom(atom.name, atom.element, added)
            order.append(atom.index)
    return topology, order


def test_atoms_in_another_order(tmp_path):
    write_pdb(tmp_path / "ala.pdb")
    other, order = residues_backwards()
    shuffled = mdtraj.Trajectory(conformations(3)[:, order], other)
    for suffix in (".xtc", ".h5"):
        shuffled.save(str(tmp_path / f"run{suffix}"))
    with pytest.raises(ValueError, match=r"\d+ of 21 bonds .* atoms are in another order than in"):
        open_trajectories([tmp_path / "run.xtc"], tmp_path / "ala.pdb")
    with pytest.raises(ValueError, match=r"atom \d+ of .*run\.h5 should be \w+ as in the topology"):
        open_trajectories([tmp_path / "run.h5"], tmp_path / "ala.pdb")
    shuffled.atom_slice(range(9)).save(str(tmp_path / "run.h5"))
    with pytest.raises(ValueError, match=r"run\.h5 has 9 atoms, but the topology 22"):
        open_trajectories([tmp_path / "run.h5"], tmp_path / "ala.pdb")


def test_paths_that_are_wrong(tmp_path):
    pdb = write_pdb(tmp_path / "ala.pdb")
    with pytest.raises(FileNotFoundError, match=r"no trajectory at .*none\.xtc"):
        open_trajectories([tmp_path / "none.xtc"], pdb)
    with pytest.raises(ValueError, match="expected at least one trajectory, got none"):
        open_trajectories([])
    with pytest.raises(ValueError, match="expected a stride of at least 1, got 0"):
        open_trajectories([pdb], stride=0)
    with pytest.raises(ValueError, match="has no trajectories; expected a folder of genmd simulat"):
        open_trajectories([tmp_path])
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "run.xtc", 3)
    with pytest.raises(
        FileNotFoundError, match=r"no topology for .*run\.xtc: expected run-traj-sta"
    ):
        open_trajectories([tmp_path / "sub" / "run.xtc"])
    with pytest.raises(FileNotFoundError, match=r"no topology at .*none\.pdb"):
        open_trajectories([tmp_path / "sub" / "run.xtc"], tmp_path / "none.pdb")


def test_files_that_are_not_trajectories(tmp_path):
    write_pdb(tmp_path / "topology.pdb")
    for suffix in (".h5", ".xtc", ".dcd", ".nc"):
        (tmp_path / f"a{suffix}").write_text("no")
    with pytest.raises(ValueError, match=r"cannot read .*a\.h5 as HDF5: .*; is it complete"):
        open_trajectories([tmp_path / "a.h5"])
    for suffix in (".xtc", ".dcd", ".nc"):
        with pytest.raises(ValueError, match=rf"cannot read .*a\{suffix}|a\{suffix} has no frames"):
            open_trajectories([tmp_path / f"a{suffix}"])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["1ABC/trajectory_coordinates"] = np.zeros((2, 3, 3))
    with pytest.raises(ValueError, match=r"layout of mdCATH or of mdtraj, got an HDF5 .* 1ABC"):
        open_trajectories([tmp_path / "a.h5"])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["coordinates"], file["topology"] = np.zeros((2, 3, 3)), [b"no"]
    with pytest.raises(ValueError, match=r"cannot read (a topology from )?.*a\.h5"):
        open_trajectories([tmp_path / "a.h5"])
    with pytest.raises(ValueError, match=r"cannot read .*a\.h5: .*; is it complete"):
        open_trajectories([tmp_path / "a.h5"], tmp_path / "topology.pdb")
