"""What is written, mdtraj reads back: positions, boxes, topology."""

from __future__ import annotations

import mdtraj
import numpy as np
import pytest

from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.trajectory_writer import FORMATS, TrajectoryWriter

ROUNDING_NM = {".xtc": 0.5001e-3, ".dcd": 1e-6, ".h5": 0.0}


@pytest.fixture(scope="module")
def frames():
    topology, positions_nm = load_structure("alanine-dipeptide")
    noise = np.random.default_rng(0).normal(0, 0.3, (7, *positions_nm.shape))
    return topology, (positions_nm + noise).astype(np.float32)


def load(writer):
    if writer.path.suffix == ".h5":
        return mdtraj.load(writer.path)
    return mdtraj.load(writer.path, top=writer.topology_file)


@pytest.mark.parametrize("suffix", FORMATS)
def test_positions_come_back(tmp_path, frames, suffix, capfd):
    topology, positions_nm = frames
    with TrajectoryWriter(tmp_path / "new" / f"a{suffix}", topology) as writer:
        for part in (positions_nm[:3], positions_nm[3:3], positions_nm[3:]):
            writer.write(part.astype(np.float64))
    assert writer.n_frames == 7
    assert capfd.readouterr().out == ""
    loaded = load(writer)
    assert np.abs(loaded.xyz - positions_nm).max() <= ROUNDING_NM[suffix]
    assert loaded.unitcell_vectors is None
    assert [a.name for a in loaded.topology.atoms] == [a.name for a in topology.atoms()]
    assert [str(r) for r in loaded.topology.residues] == ["ACE1", "ALA2", "NME3"]
    assert loaded.topology.n_bonds == topology.getNumBonds()
    assert loaded.time.tolist() == list(range(7))
    present = {file.name for file in (tmp_path / "new").iterdir()}
    assert present == {f"a{suffix}", writer.topology_file.name}


@pytest.mark.parametrize("suffix", FORMATS)
def test_boxes_come_back(tmp_path, frames, suffix):
    topology, positions_nm = frames
    box_nm = np.array([[3.0, 0, 0], [0.5, 2.5, 0], [-0.4, 0.6, 2.0]]) + np.zeros((7, 3, 3))
    box_nm[1:] *= 1.1
    with TrajectoryWriter(tmp_path / f"a{suffix}", topology) as writer:
        writer.write(positions_nm, box_nm=box_nm)
    # A box is stored as edges and angles, in degrees.
    np.testing.assert_allclose(load(writer).unitcell_vectors, box_nm, atol=1e-5)


@pytest.mark.parametrize("suffix", FORMATS)
def test_nothing_appears_if_it_fails_or_is_empty(tmp_path, frames, suffix):
    topology, positions_nm = frames

    def fail():
        with TrajectoryWriter(tmp_path / f"a{suffix}", topology) as writer:
            writer.write(positions_nm)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with TrajectoryWriter(tmp_path / f"b{suffix}", topology):
        pass
    assert list(tmp_path.iterdir()) == []


def test_wrong_frames_and_names_are_refused(tmp_path, frames):
    topology, positions_nm = frames
    with pytest.raises(ValueError, match=r"must end in \.xtc, \.dcd, \.h5, got 'a\.pdb'"):
        TrajectoryWriter(tmp_path / "a.pdb", topology)
    with TrajectoryWriter(tmp_path / "a.xtc", topology) as writer:
        with pytest.raises(ValueError, match=r"shape \(n, 22, 3\) as in the topology, got \(7, 21"):
            writer.write(positions_nm[:, 1:])
        with pytest.raises(
            ValueError, match=r"frames for .*a\.xtc have positions that are not fin"
        ):
            writer.write(np.full((1, 22, 3), np.nan))
