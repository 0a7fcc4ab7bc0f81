"""Tokens: round trip, invariance, masks, and quaternions against SciPy."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.representations.residue_frames import ResidueFrames, backbone_of, frames_of
from openmm_genmd.representations.residue_tokens import (
    QUATERNION,
    TORSIONS,
    TRANSLATION,
    decode,
    encode,
    quaternions_of,
    rotations_of,
    token_mask,
)


def tokens_of(peptide):
    """From the first conformation to both."""
    return encode(peptide.frames[:1], peptide.frames, peptide.torsions)


def rotations(seed=0, n=2000):
    """Random ones, and turns by nearly and exactly 0 and 180 degrees about random axes and x."""
    rng = np.random.default_rng(seed)
    axes = rng.normal(size=(n // 4, 3))
    axes[0] = [1, 0, 0]
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angles = (0.0, 1e-9, 1e-4, np.pi - 1e-9, np.pi)
    turns = [Rotation.from_rotvec(angle * axes) for angle in angles]
    return Rotation.concatenate([Rotation.random(n, rng=rng), *turns])


def test_quaternions_are_scipys():
    turns = rotations()
    quaternions = quaternions_of(turns.as_matrix())
    expected = turns.as_quat(canonical=True, scalar_first=True)
    assert (quaternions[:, 0] >= 0).all()
    # At 180 degrees both signs are right.
    same = np.abs((quaternions * expected).sum(-1))
    np.testing.assert_allclose(same, 1, atol=1e-14)
    unambiguous = expected[:, 0] > 1e-6
    np.testing.assert_allclose(quaternions[unambiguous], expected[unambiguous], atol=1e-12)


def test_rotations_are_scipys_whatever_the_length_of_the_quaternion():
    turns = rotations()
    lengths = np.random.default_rng(1).uniform(0.1, 10, (len(turns), 1))
    quaternions = turns.as_quat(scalar_first=True) * lengths
    np.testing.assert_allclose(rotations_of(quaternions), turns.as_matrix(), atol=1e-14)


def test_round_trip_to_rounding(peptide):
    tokens = tokens_of(peptide)
    assert tokens.dtype == np.float32
    frames, torsions = decode(peptide.frames[:1], tokens)
    np.testing.assert_allclose(frames.rotations, peptide.frames.rotations, atol=5e-7)
    expected = peptide.frames.translations_angstrom
    np.testing.assert_allclose(frames.translations_angstrom, expected, atol=5e-6)
    # float32 spacing of (sin, cos) is 6e-8, of torsions near pi 2.4e-7.
    np.testing.assert_allclose(torsions, peptide.torsions, atol=5e-7)
    np.testing.assert_array_equal(np.isnan(torsions[0]), ~peptide.layout.torsion_mask)


def test_numbers_of_a_token(all_residues):
    """Each part from its definition, for one residue."""
    g, h = (frames_of(backbone_of(x, all_residues.layout)) for x in all_residues.positions)
    token = tokens_of(all_residues)[1, 10]
    offset = g.rotations[10].T @ (h.translations_angstrom[10] - g.translations_angstrom[10])
    np.testing.assert_allclose(token[TRANSLATION], offset, rtol=1e-5)
    turn = Rotation.from_matrix(g.rotations[10].T @ h.rotations[10])
    expected = turn.as_quat(canonical=True, scalar_first=True)
    np.testing.assert_allclose(token[QUATERNION], expected, atol=1e-6)
    phi, psi = all_residues.torsions[1, 10, 1:3]
    expected = [np.sin(phi), np.cos(phi), np.sin(psi), np.cos(psi)]
    np.testing.assert_allclose(token[9:13], expected, atol=1e-6)


def test_staying_in_place_is_the_unit_token(all_residues):
    token = tokens_of(all_residues)[0]
    np.testing.assert_allclose(token[:, :7], np.tile([1, 0, 0, 0, 0, 0, 0], (20, 1)), atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_tokens_do_not_change_when_everything_is_moved(peptide, seed):
    rng = np.random.default_rng(seed)
    turn, shift = Rotation.random(rng=rng).as_matrix(), rng.normal(size=3) * 20
    motion = ResidueFrames(turn[None], shift[None])
    moved = motion.compose(peptide.frames)
    tokens = encode(moved[:1], moved, peptide.torsions)
    np.testing.assert_allclose(tokens, tokens_of(peptide), atol=2e-6)
    # Through the positions as well.
    positions = peptide.positions @ turn.T + shift / 10
    moved = frames_of(backbone_of(positions, peptide.layout))
    tokens = encode(moved[:1], moved, peptide.torsions)
    np.testing.assert_allclose(tokens, tokens_of(peptide), atol=2e-6)


def test_generated_numbers_are_normalized(all_residues):
    tokens = tokens_of(all_residues).astype(np.float64)
    stretched = tokens.copy()
    stretched[..., QUATERNION] *= -3  # the same rotation
    stretched[..., TORSIONS] *= 0.2
    frames, torsions = decode(all_residues.frames[:1], stretched)
    expected, expected_torsions = decode(all_residues.frames[:1], tokens)
    np.testing.assert_allclose(frames.rotations, expected.rotations, atol=1e-12)
    np.testing.assert_allclose(torsions, expected_torsions, atol=1e-12)


def test_undefined_torsions_are_masked_zeros(peptide):
    tokens, mask = tokens_of(peptide), token_mask(peptide.layout)
    assert mask[:, :7].all()
    assert (tokens[:, ~mask] == 0).all()
    assert (tokens[1, mask] != 0).all()
    np.testing.assert_array_equal(mask[:, 7::2], peptide.layout.torsion_mask)
    np.testing.assert_array_equal(mask[:, 8::2], peptide.layout.torsion_mask)


def test_wrong_shapes_are_refused(all_residues):
    frames = all_residues.frames
    with pytest.raises(ValueError, match=r"torsions must have shape \(\.\.\., 20, 7\).*\(2, 7\)"):
        encode(frames, frames, all_residues.torsions[:, 0])
    with pytest.raises(ValueError, match=r"tokens must have shape \(\.\.\., 20, 21\).*20, 28\)"):
        decode(frames, np.zeros((2, 20, 28)))


def test_broken_tokens_are_refused(all_residues):
    tokens = tokens_of(all_residues)
    tokens[1, 3, 5] = np.inf
    with pytest.raises(ValueError, match="tokens must be finite"):
        decode(all_residues.frames[:1], tokens)
    tokens = tokens_of(all_residues)
    tokens[0, 2, QUATERNION] = 0
    with pytest.raises(ValueError, match="a quaternion is 0"):
        decode(all_residues.frames[:1], tokens)
