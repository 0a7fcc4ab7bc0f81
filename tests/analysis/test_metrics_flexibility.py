"""Fluctuations against closed forms, mdtraj and scipy."""

from __future__ import annotations

from itertools import combinations, permutations

import mdtraj
import numpy as np
import pytest
from scipy.linalg import sqrtm

from openmm_genmd.analysis.metrics_flexibility import (
    first_component_cosine,
    mean_pairwise_rmsd,
    pca_w2,
    pearson,
    principal_components,
    rmsf,
    root_mean_w2,
    series_rmse,
    thin,
)


@pytest.fixture
def frames():
    return np.random.default_rng(1).normal(size=(40, 5, 3)) * [1.0, 2.0, 0.5]


def test_pairwise_rmsd_by_hand(frames):
    few = frames[:7]
    pairs = [np.sqrt(np.mean(np.sum((a - b) ** 2, axis=1))) for a, b in combinations(few, 2)]
    assert mean_pairwise_rmsd(few) == pytest.approx(np.mean(pairs))


def test_rmsf_by_hand(frames):
    squares = [[np.sum((f[a] - frames[:, a].mean(0)) ** 2) for a in range(5)] for f in frames]
    assert rmsf(frames) == pytest.approx(np.sqrt(np.mean(squares, axis=0)))
    many = np.random.default_rng(11).normal(size=(20_000, 2, 3)) * [3.0, 4.0, 12.0]
    assert rmsf(many) == pytest.approx(13.0, rel=0.02)


def test_rmsf_of_turned_frames_is_that_of_mdtraj():
    # mdtraj superposes before; frames that do not turn are left as they are.
    rigid = np.random.default_rng(12).normal(size=(60, 3))
    frames = rigid + 1e-3 * np.random.default_rng(13).normal(size=(200, 60, 3))
    trajectory = mdtraj.Trajectory(frames.astype(np.float32), None)
    theirs = mdtraj.rmsf(trajectory, trajectory, 0)
    assert np.sum(rmsf(frames) ** 2) == pytest.approx(np.sum(theirs**2), rel=0.05)


def test_pearson():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 9))
    assert pearson(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert np.isnan(pearson(a, np.ones(9)))
    assert np.isnan(pearson(a[:2], b[:2]))


def test_w2_of_one_dimension_is_that_of_means_and_widths():
    # Along one axis the distance of normal distributions is (mu1 - mu2)**2 + (s1 - s2)**2.
    x = np.random.default_rng(3).normal(size=(200, 2, 1)) * [1.0, 0.0, 0.0]
    x -= x.mean(axis=0)
    x[..., 0] /= x[..., 0].std(axis=0)
    distance = root_mean_w2(x, 3.0 * x + [0.0, 5.0, 0.0])
    assert distance.translation_angstrom == pytest.approx(5.0)
    assert distance.spread_angstrom == pytest.approx(2.0)
    assert distance.total_angstrom == pytest.approx(29.0**0.5)


def test_w2_of_any_covariance_is_that_of_matrix_roots(frames):
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    other = frames[:25] @ turn * 1.3 + 0.4
    squares = []
    for a, b in zip(frames.swapaxes(0, 1), other.swapaxes(0, 1), strict=True):
        s1, s2 = np.cov(a.T, bias=True), np.cov(b.T, bias=True)
        trace = np.trace(s1 + s2 - 2 * np.real(sqrtm(s1 @ s2)))
        squares.append(np.sum((a.mean(0) - b.mean(0)) ** 2) + trace)
    assert root_mean_w2(frames, other).total_angstrom == pytest.approx(np.mean(squares) ** 0.5)
    assert root_mean_w2(frames, frames).total_angstrom == pytest.approx(0.0, abs=1e-6)


def test_pca_w2_is_the_best_assignment():
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(2, 6, 4, 3)) * np.linspace(0.2, 3.0, 4)[:, None]
    mean, axes = principal_components(first)
    a, b = ((f.reshape(6, -1) - mean) @ axes.T for f in (first, second))
    best = min(
        np.mean(np.sum((a - b[list(order)]) ** 2, axis=1)) for order in permutations(range(6))
    )
    assert pca_w2(first, second) == pytest.approx((best / 4) ** 0.5)


def test_pca_w2_of_a_shift_is_its_length():
    rng = np.random.default_rng(6)
    direction = rng.normal(size=(4, 3))
    direction /= np.linalg.norm(direction)
    frames = rng.normal(size=(80, 1, 1)) * 5 * direction + 0.01 * rng.normal(size=(80, 4, 3))
    shifted = frames + 3.0 * direction
    # 3 Angstrom in 12 dimensions, over the root of four atoms.
    assert pca_w2(frames, shifted) == pytest.approx(1.5, abs=0.01)
    assert pca_w2(frames, shifted, components_of="both") == pytest.approx(1.5, abs=0.01)
    assert first_component_cosine(frames, shifted) == pytest.approx(1.0, abs=1e-4)


def test_components_of_many_frames_are_those_of_all_singular_vectors():
    frames = np.random.default_rng(7).normal(size=(150, 40, 3))
    frames[:, 0] *= 6.0
    mean, axes = principal_components(frames)
    flat = frames.reshape(150, -1)
    exact = np.linalg.svd(flat - flat.mean(0), full_matrices=False)[2][:2]
    assert mean == pytest.approx(flat.mean(0))
    assert np.abs(axes @ exact.T) == pytest.approx(np.eye(2), abs=1e-6)


def test_perpendicular_motions_have_no_cosine():
    x = np.random.default_rng(8).normal(size=(50, 1, 1))
    noise = 1e-3 * np.random.default_rng(9).normal(size=(50, 3, 3))
    along, across = x * [1.0, 0.0, 0.0] + noise, x * [0.0, 1.0, 0.0] + noise
    assert first_component_cosine(along, across) < 0.01


def test_unequal_numbers_are_thinned_evenly():
    assert thin(np.arange(11.0), 3).tolist() == [0.0, 5.0, 10.0]
    assert thin(np.arange(3.0), 5).tolist() == [0.0, 1.0, 2.0]
    frames = np.random.default_rng(10).normal(size=(21, 3, 3))
    assert pca_w2(frames, frames[::2]) == pytest.approx(0.0, abs=1e-9)


def test_series_rmse_is_over_the_common_length():
    assert series_rmse([0.0, 1.0, 2.0, 9.0], [0.0, 4.0, 6.0]) == pytest.approx((25 / 3) ** 0.5)
    with pytest.raises(ValueError, match="expected two series, got 0 and 1 frames"):
        series_rmse([], [1.0])


def test_errors(frames):
    with pytest.raises(ValueError, match="expected at least two frames of shape"):
        rmsf(frames[:1])
    broken = frames.copy()
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="3 coordinates are not finite"):
        rmsf(broken)
    with pytest.raises(ValueError, match="expected the same atoms in both, got 5 and 4"):
        root_mean_w2(frames, frames[:, :4])
    with pytest.raises(ValueError, match="components_of must be 'reference' or 'both'"):
        pca_w2(frames, frames, components_of="generated")
    with pytest.raises(ValueError, match="expected two series of one length"):
        pearson([1.0], [1.0, 2.0])
