"""Torsions are those of the frames, whole molecules, and validation takes whole blocks."""

from __future__ import annotations

import mdtraj
import numpy as np
import pytest

from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training.dataset import TorsionData, read_torsions, validation_mask


@pytest.fixture(scope="module")
def molecule():
    topology, positions_nm = load_structure("alanine-dipeptide")
    return topology, positions_nm, TorsionRepresentation.from_topology(topology)


def write(path, molecule, torsions, boxes_nm=None) -> None:
    """Frames with given torsions, broken across the boundaries of boxes if there are any."""
    topology, positions_nm, representation = molecule
    xyz = representation.decode(torsions, positions_nm)
    if boxes_nm is not None:
        xyz = xyz % boxes_nm[:, None, None]
    trajectory = mdtraj.Trajectory(xyz, mdtraj.Topology.from_openmm(topology))
    if boxes_nm is not None:
        trajectory.unitcell_lengths = boxes_nm[:, None] * np.ones(3)
        trajectory.unitcell_angles = np.full((len(xyz), 3), 90.0)
    trajectory.save(str(path))


def test_torsions_of_several_files(tmp_path, molecule):
    rng = np.random.default_rng(0)
    expected = [rng.uniform(-np.pi, np.pi, (n, 2)) for n in (7, 4)]
    files = [tmp_path / "a.dcd", tmp_path / "b.dcd"]
    for file, torsions in zip(files, expected, strict=True):
        write(file, molecule, torsions)
    seen = []
    data = read_torsions(
        files, molecule[0], molecule[2], stride=2, advance=lambda file, n: seen.append((file, n))
    )
    for got, torsions in zip(data.trajectories, expected, strict=True):
        np.testing.assert_allclose(np.exp(1j * got), np.exp(1j * torsions[::2]), atol=1e-4)
    assert seen == [(files[0], 4), (files[1], 2)]
    assert len(data.torsions) == 6


def test_molecules_broken_by_a_changing_box_are_made_whole(tmp_path, molecule):
    torsions = np.random.default_rng(1).uniform(-np.pi, np.pi, (5, 2))
    write(tmp_path / "a.dcd", molecule, torsions, boxes_nm=np.linspace(1.5, 2.0, 5))
    data = read_torsions([tmp_path / "a.dcd"], molecule[0], molecule[2])
    np.testing.assert_allclose(np.exp(1j * data.torsions), np.exp(1j * torsions), atol=1e-3)


def test_digest_tells_data_apart():
    one = TorsionData.of([np.zeros((2, 1)), np.ones((3, 1))])
    assert one.sha256 == TorsionData.of([np.zeros((2, 1)), np.ones((3, 1))]).sha256
    assert one.sha256 != TorsionData.of([np.zeros((2, 1)), np.ones((2, 1))]).sha256
    assert (
        one.sha256 != TorsionData.of([np.concatenate([np.zeros((2, 1)), np.ones((3, 1))])]).sha256
    )


def test_validation_takes_whole_blocks_of_each_trajectory():
    mask = validation_mask([1000, 500, 40], 0.25, np.random.default_rng(2))
    assert mask.shape == (1540,)
    assert 0.1 < mask.mean() < 0.4
    lengths = np.diff(np.flatnonzero(np.diff(np.concatenate([[0], mask, [0]])))[::1])[::2]
    assert lengths.min() >= 20  # no single frames


def test_validation_of_too_few_frames():
    with pytest.raises(ValueError, match="cannot divide 1 frames into training and validation"):
        validation_mask([1], 0.9, np.random.default_rng(0))
