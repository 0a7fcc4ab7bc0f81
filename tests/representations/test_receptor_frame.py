"""The receptor's own orientation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.representations.receptor_frame import align_on_receptor, receptor_frames

RECEPTOR = np.array([True] * 9 + [False] * 3)


def test_it_turns_with_the_receptor_and_not_with_the_ligand():
    rng = np.random.default_rng(0)
    positions = rng.normal(size=(1, 12, 3))
    axes, centre = receptor_frames(positions, RECEPTOR)
    np.testing.assert_allclose(axes[0] @ axes[0].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes[0]) == pytest.approx(1.0)
    turn = Rotation.random(rng=rng).as_matrix()
    moved, shifted = receptor_frames(positions @ turn.T + 3.0, RECEPTOR)
    np.testing.assert_allclose(moved[0], axes[0] @ turn.T, atol=1e-12)
    np.testing.assert_allclose(shifted[0], centre[0] @ turn.T + 3.0, atol=1e-12)
    positions[:, 9:] += 1.0
    np.testing.assert_array_equal(receptor_frames(positions, RECEPTOR)[0], axes)


def test_a_symmetric_receptor_has_one_too():
    angle = np.arange(9) * 2 * np.pi / 9
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)[None]
    axes, _ = receptor_frames(ring, np.ones(9, dtype=bool))
    shaken = ring + 0.01 * np.random.default_rng(1).normal(size=ring.shape)
    after, _ = receptor_frames(shaken, np.ones(9, dtype=bool))
    assert np.degrees(Rotation.from_matrix(after[0] @ axes[0].T).magnitude()) < 3.0


def test_atoms_in_line_have_none():
    line = np.arange(12.0)[None, :, None] * [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="the receptor's atoms are in line or in one place"):
        receptor_frames(line, RECEPTOR)


def test_alignment_is_by_the_receptor():
    rng = np.random.default_rng(2)
    reference = rng.normal(size=(2, 12, 3))
    turns = Rotation.random(4, rng=rng).as_matrix().reshape(2, 2, 3, 3)
    frames = np.repeat(reference[:, None], 2, axis=1)
    frames[:, :, 9:] += 0.5  # the ligand goes somewhere else
    expected = frames.copy()
    moved = frames @ np.swapaxes(turns, -1, -2) + 7.0
    np.testing.assert_allclose(align_on_receptor(moved, reference, RECEPTOR), expected, atol=1e-10)
