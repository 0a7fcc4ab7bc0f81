"""`ResidueFrames` against matrices of homogeneous coordinates."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.representations.residue_frames import ResidueFrames, backbone_of, frames_of


def random_frames(shape, seed):
    rng = np.random.default_rng(seed)
    rotations = Rotation.random(int(np.prod(shape)), rng=rng).as_matrix()
    return ResidueFrames(rotations.reshape(*shape, 3, 3), rng.normal(size=(*shape, 3)))


def homogeneous(frames):
    matrices = np.zeros((*frames.translations_angstrom.shape[:-1], 4, 4))
    matrices[..., :3, :3] = frames.rotations
    matrices[..., :3, 3] = frames.translations_angstrom
    matrices[..., 3, 3] = 1
    return matrices


def test_frames_follow_the_convention(all_residues):
    backbone = backbone_of(all_residues.positions, all_residues.layout)
    frames = frames_of(backbone)
    local = frames.inverse().apply(backbone)
    nitrogen, alpha, carbon = np.moveaxis(local, -2, 0)
    np.testing.assert_allclose(alpha, 0, atol=1e-12)
    np.testing.assert_allclose(carbon[..., 1:], 0, atol=1e-12)
    np.testing.assert_allclose(nitrogen[..., 2], 0, atol=1e-12)
    assert (nitrogen[..., 1] > 1.2).all()  # Angstrom
    lengths = np.linalg.norm(backbone[..., 2, :] - backbone[..., 1, :], axis=-1)
    np.testing.assert_allclose(carbon[..., 0], lengths)
    np.testing.assert_allclose(np.linalg.det(frames.rotations), 1)


def test_compose_and_inverse_are_those_of_matrices():
    one, other = random_frames((5, 3), 1), random_frames((5, 3), 2)
    expected = homogeneous(one) @ homogeneous(other)
    np.testing.assert_allclose(homogeneous(one.compose(other)), expected, atol=1e-14)
    expected = np.linalg.inv(homogeneous(one))
    np.testing.assert_allclose(homogeneous(one.inverse()), expected, atol=1e-14)


def test_compose_broadcasts():
    one, other = random_frames((3,), 1), random_frames((5, 3), 2)
    expected = homogeneous(one)[None] @ homogeneous(other)
    np.testing.assert_allclose(homogeneous(one.compose(other)), expected, atol=1e-14)


def test_apply_moves_points():
    frames = random_frames((5, 3), 1)
    points = np.random.default_rng(3).normal(size=(5, 3, 7, 3))
    whole = np.concatenate((points, np.ones((5, 3, 7, 1))), axis=-1)
    expected = np.einsum("frij,frpj->frpi", homogeneous(frames), whole)[..., :3]
    np.testing.assert_allclose(frames.apply(points), expected, atol=1e-14)


def test_parts_of_a_batch():
    frames = random_frames((5, 3), 1)
    np.testing.assert_array_equal(frames[1:3].rotations, frames.rotations[1:3])
    assert len(frames[1:3]) == 2


def test_shapes_must_fit():
    with pytest.raises(ValueError, match=r"got \(4, 3, 3\) and \(5, 3\)"):
        ResidueFrames(np.zeros((4, 3, 3)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"shape \(\.\.\., n_residues, 3, 3\), got \(5, 3\)"):
        frames_of(np.zeros((5, 3)))


@pytest.mark.parametrize("third", [[2.0, 0, 0], [1.0, 0, 0], [np.nan, 0, 0]])
def test_degenerate_backbones_are_refused(all_residues, third):
    backbone = backbone_of(all_residues.positions, all_residues.layout)
    backbone[1, 4] = [[0.0, 0, 0], [1.0, 0, 0], third]
    with pytest.raises(ValueError, match=r"residue number 4 of conformation 1 are in line"):
        frames_of(backbone)
