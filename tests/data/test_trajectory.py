"""Frames come back in order whatever the chunks, and broken files are refused in words."""

from __future__ import annotations

import os
from pathlib import Path

import mdtraj
import numpy as np
import pytest
from openmm import app

from openmm_genmd.data.structure_file import load_structure_file
from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.trajectory import iterate_frames


@pytest.fixture
def topology() -> app.Topology:
    return load_structure("alanine-dipeptide")[0]


def write(path: Path, topology: app.Topology, n: int, *, box: bool = False) -> np.ndarray:
    """Random frames ``(n, 22, 3)`` in nm, as stored (float32)."""
    xyz = np.random.default_rng(n).normal(size=(n, topology.getNumAtoms(), 3)).astype(np.float32)
    trajectory = mdtraj.Trajectory(xyz, mdtraj.Topology.from_openmm(topology))
    if box:
        trajectory.unitcell_lengths = 3.0 + 0.1 * np.arange(n)[:, None] * np.ones(3)
        trajectory.unitcell_angles = np.full((n, 3), 90.0)
    trajectory.save(str(path))
    return xyz


@pytest.mark.parametrize("suffix", [".dcd", ".xtc", ".trr"])
@pytest.mark.parametrize(("stride", "chunk"), [(1, None), (1, 4), (3, 4), (7, 2)])
def test_all_frames_of_all_files_in_order(tmp_path, topology, suffix, stride, chunk):
    files = [tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"]
    stored = [write(files[0], topology, 11), write(files[1], topology, 5)]
    parts = list(iterate_frames(files, topology, stride=stride, chunk=chunk))
    for file, expected in zip(files, stored, strict=True):
        mine = [part for part in parts if part.file == file]
        got = np.concatenate([part.positions_nm for part in mine])
        np.testing.assert_allclose(got, expected[::stride], atol=1e-3)  # xtc rounds to 0.001 nm
        for part in mine:
            np.testing.assert_allclose(part.positions_nm[0], expected[part.first], atol=1e-3)
    assert all(part.positions_nm.dtype == np.float64 for part in parts)
    if chunk:
        assert max(len(part.positions_nm) for part in parts) <= chunk


def test_reading_is_quiet_but_its_caller_is_heard(tmp_path, topology, capfd):
    write(tmp_path / "a.dcd", topology, 4)
    for part in iterate_frames([tmp_path / "a.dcd"], topology, chunk=2):
        os.write(1, b"frame %d\n" % part.first)
    assert capfd.readouterr().out == "frame 0\nframe 2\n"


def test_each_frame_has_its_box(tmp_path, topology):
    write(tmp_path / "a.dcd", topology, 6, box=True)
    parts = list(iterate_frames([tmp_path / "a.dcd"], topology, stride=2, chunk=3))
    boxes = np.concatenate([part.box_nm for part in parts])
    np.testing.assert_allclose(boxes[:, 0, 0], [3.0, 3.2, 3.4], rtol=1e-5)


def test_no_box(tmp_path, topology):
    write(tmp_path / "a.dcd", topology, 2)
    assert next(iterate_frames([tmp_path / "a.dcd"], topology)).box_nm is None


def test_missing_file(topology):
    with pytest.raises(FileNotFoundError, match=r"no trajectory at nowhere\.dcd"):
        next(iterate_frames([Path("nowhere.dcd")], topology))


@pytest.mark.parametrize("suffix", [".dcd", ".xtc"])
def test_another_molecule(tmp_path, topology, suffix):
    small = app.Topology()
    residue = small.addResidue("X", small.addChain())
    for _ in range(3):
        small.addAtom("C", app.Element.getBySymbol("C"), residue)
    write(tmp_path / f"a{suffix}", topology, 3)
    with pytest.raises(ValueError, match=r"(has 22 atoms, but the topology 3)|(of 3 atoms)"):
        list(iterate_frames([tmp_path / f"a{suffix}"], small))


def test_not_a_trajectory(tmp_path, topology):
    (tmp_path / "a.xtc").write_text("no")
    with pytest.raises(ValueError, match=r"cannot read .*a\.xtc|a\.xtc has no frames"):
        list(iterate_frames([tmp_path / "a.xtc"], topology))
    (tmp_path / "a.unknown").write_text("no")
    with pytest.raises(ValueError, match=r"cannot read .*a\.unknown with a topology of 22 atoms"):
        list(iterate_frames([tmp_path / "a.unknown"], topology))


def test_empty_trajectory(tmp_path, topology, monkeypatch):
    (tmp_path / "a.dcd").touch()
    monkeypatch.setattr(mdtraj, "iterload", lambda *args, **kwargs: iter(()))
    with pytest.raises(ValueError, match=r"a\.dcd has no frames; is it complete"):
        list(iterate_frames([tmp_path / "a.dcd"], topology))


def test_atoms_are_counted_even_if_mdtraj_does_not(tmp_path, topology, monkeypatch):
    (tmp_path / "a.dcd").touch()
    odd = mdtraj.Trajectory(np.zeros((2, 4, 3)), None)
    monkeypatch.setattr(mdtraj, "iterload", lambda *args, **kwargs: iter((odd,)))
    with pytest.raises(ValueError, match=r"a\.dcd has 4 atoms, but the topology 22"):
        list(iterate_frames([tmp_path / "a.dcd"], topology))


def test_broken_frame_is_named(tmp_path, topology):
    xyz = write(tmp_path / "a.dcd", topology, 7)
    xyz[5, 3] = np.nan
    mdtraj.Trajectory(xyz, mdtraj.Topology.from_openmm(topology)).save(str(tmp_path / "a.dcd"))
    with pytest.raises(ValueError, match=r"frame 5 of .*a\.dcd has coordinates that are not finit"):
        list(iterate_frames([tmp_path / "a.dcd"], topology, chunk=2))


@pytest.mark.parametrize(("suffix", "writer"), [(".pdb", app.PDBFile), (".cif", app.PDBxFile)])
def test_structure_file(tmp_path, suffix, writer):
    topology, positions_nm = load_structure("alanine-dipeptide")
    with (tmp_path / f"a{suffix}").open("w") as file:
        writer.writeFile(topology, positions_nm * 10, file)
    loaded, positions = load_structure_file(tmp_path / f"a{suffix}")
    np.testing.assert_allclose(positions, positions_nm, atol=6e-5)
    assert [a.name for a in loaded.atoms()] == [a.name for a in topology.atoms()]


def test_bad_structure_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="no structure file at"):
        load_structure_file(tmp_path / "none.pdb")
    (tmp_path / "a.pdb").write_text("ATOM      1  N   ALA A   1      x.xxx   1.0   1.0\n")
    with pytest.raises(ValueError, match=r"cannot read .*a\.pdb as PDB:"):
        load_structure_file(tmp_path / "a.pdb")
    (tmp_path / "b.pdb").write_text("REMARK nothing\n")
    with pytest.raises(ValueError, match=r"b\.pdb holds no atoms|cannot read .*b\.pdb"):
        load_structure_file(tmp_path / "b.pdb")
