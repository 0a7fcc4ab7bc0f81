"""Paths at even steps of progress."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.representations.path_progress import by_progress

RECEPTOR = np.array([[0.0, 0, 0], [0.3, 0, 0], [0, 0.3, 0], [0, 0, 0.3]])
LIGAND = np.array([[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]])
IS_LIGAND = np.arange(7) > 3


def at_height(height):
    return LIGAND + np.array([0.1, 0.1, height])


def path(heights):
    """The ligand at heights over a receptor that tumbles and drifts, (T, 7, 3)."""
    rng = np.random.default_rng(0)
    frames = [np.vstack([RECEPTOR, at_height(h)]) for h in heights]
    turns = Rotation.random(len(frames), rng=rng).as_matrix()
    return np.array([f @ r.T + rng.normal(size=3) for f, r in zip(frames, turns, strict=True)])


def climb(result):
    """Heights of the ligand in the frame of the receptor of the first frame."""
    first = result.positions_nm[0].astype(float)
    turn, _ = Rotation.align_vectors(
        RECEPTOR - RECEPTOR.mean(axis=0), first[:4] - first[:4].mean(axis=0)
    )
    at = [x[4:].mean(axis=0) - x[:4].mean(axis=0) for x in result.positions_nm.astype(float)]
    return turn.apply(at)[:, 2] - turn.apply(at)[0, 2]


def test_a_dwelling_and_a_leap_become_even_steps():
    heights = [0.4] * 30 + [0.41, 0.45, 0.6, 0.85, 0.95, 1.0, 1.05]
    result = by_progress(path(heights), IS_LIGAND, frames=20, smoothing_frames=1)
    # Out from 0.95 on: 0.6 from the top of the receptor with its offsets.
    exit_height = next(
        h for h in heights if np.linalg.norm(at_height(h)[:, None] - RECEPTOR, axis=-1).min() > 0.6
    )
    steps = np.diff(climb(result))
    expected = (exit_height - 0.4) / 20
    np.testing.assert_allclose(steps, expected, atol=1e-5)
    assert result.exit_frame == 20
    assert len(result.positions_nm) == 1 + int((1.05 - 0.4) / expected + 1e-6)
    # Time alone would have given thirty frames of nothing.
    by_time = np.diff(np.interp(np.linspace(0, 36, 21), np.arange(37), heights))
    assert by_time[:15].max() < 0.1 * expected


def test_frames_as_they_were_are_those_of_the_same_progress():
    rng = np.random.default_rng(1)
    heights = np.linspace(0.4, 1.2, 60)
    noisy = path(heights) + 0.003 * rng.normal(size=(60, 7, 3))
    result = by_progress(noisy, IS_LIGAND, frames=40, smoothing_frames=9)
    assert result.unsmoothed_nm.shape == result.positions_nm.shape
    difference = result.unsmoothed_nm[5:-5] - result.positions_nm[5:-5]
    assert 0.002 < difference.std() < 0.006

    def noise(frames):
        distances = np.linalg.norm(frames[:, 4] - frames[:, 5], axis=-1)
        return distances.std()

    assert noise(result.positions_nm) < 0.6 * noise(result.unsmoothed_nm)
    # They are frames of the trajectory: distances within are exactly those of one of its frames.
    inner = np.linalg.norm(noisy[:, :, None] - noisy[:, None], axis=-1)
    for frame in result.unsmoothed_nm[::7]:
        found = np.linalg.norm(frame[:, None] - frame[None], axis=-1)
        assert np.abs(inner - found).max(axis=(1, 2)).min() < 1e-6


def test_smoothing_is_a_moving_average():
    heights = np.linspace(0.4, 0.6, 15) + 0.01 * (-1.0) ** np.arange(15)
    still = np.array([np.vstack([RECEPTOR, at_height(h)]) for h in heights])
    result = by_progress(still, IS_LIGAND, frames=10, smoothing_frames=3)
    means = [heights[max(0, n - 1) : n + 2].mean() for n in range(15)]
    marks = np.linspace(0, 1, 11) * np.abs(np.diff(means)).sum()
    expected = np.interp(marks, np.concatenate([[0], np.abs(np.diff(means)).cumsum()]), means)
    np.testing.assert_allclose(result.positions_nm[:, 4, 2], expected, atol=1e-6)


def test_errors():
    frames = path([0.4, 0.5])
    with pytest.raises(ValueError, match=r"expected frames \(T, n, 3\), two at least.*\(1, 7, 3\)"):
        by_progress(frames[:1], IS_LIGAND)
    with pytest.raises(ValueError, match="frames must be at least 1, got 0"):
        by_progress(frames, IS_LIGAND, frames=0)
    with pytest.raises(ValueError, match="smoothing_frames must be odd and positive, got 4"):
        by_progress(frames, IS_LIGAND, smoothing_frames=4)
    with pytest.raises(ValueError, match="the ligand does not move from frame to frame"):
        by_progress(np.repeat(frames[:1], 5, axis=0), IS_LIGAND)
