"""Frames drawn by BioMD: where they lie, which stay, what they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_frames import DisplacementScales
from openmm_genmd.models.bio_md_sampler import BioMDSampler

from ..representations.small_complexes import heavy_positions_nm, small_complex

CONFIG = BioMDConfig(
    width=16,
    pair_width=4,
    heads=2,
    encoder_layers=1,
    trajectory_layers=1,
    coarse_factor=4,
    block_frames=3,
    scales=DisplacementScales(
        coarse=((0.2, 1.0, 0.5), (0.3, 2.0, 0.6), (0.4, 3.0, 0.7)), fine=((0.1, 0.2, 0.1),)
    ),
)


@pytest.fixture(scope="module", params=["rel", "abs"])
def sampler(request, randomised):
    config = CONFIG.model_copy(update={"parameterisation": request.param})
    model = randomised(BioMD(config), scale=0.05).float()
    return BioMDSampler(model, small_complex(), steps=4)


def walkers(count=3, known=2, seed=0):
    """Histories (count, known, 10, 3), nm, each somewhere else in the laboratory."""
    rng = np.random.default_rng(seed)
    start = heavy_positions_nm() + 0.01 * rng.normal(size=(count, known, 10, 3))
    turns = Rotation.random(count * known, rng=rng).as_matrix().reshape(count, known, 3, 3)
    return start @ turns + rng.normal(size=(count, known, 1, 3))


def rng(seed=1):
    return np.random.default_rng(seed)


def test_a_walker_that_is_moved_takes_its_frames_along(sampler):
    history = walkers()
    frames = sampler.propose(history, rng(), candidates=2)
    assert frames.shape == (3, 2, 3, 10, 3)
    turn = Rotation.random(rng=rng()).as_matrix()
    moved = sampler.propose(history @ turn.T + 2.0, rng(), candidates=2)
    # float32 inside
    np.testing.assert_allclose(moved, frames @ turn.T + 2.0, atol=1e-5)
    assert np.abs(np.diff(frames, axis=1)).max() > 1e-3  # candidates differ


def test_only_the_last_known_frame_says_where_the_receptor_is(sampler):
    history = walkers()
    elsewhere = history.copy()
    turn = Rotation.random(rng=rng()).as_matrix()
    elsewhere[:, 0] = elsewhere[:, 0] @ turn.T + 1.0
    np.testing.assert_allclose(
        sampler.propose(elsewhere, rng()), sampler.propose(history, rng()), atol=1e-5
    )
    other = history.copy()
    other[:, 0, 7] += 0.1  # but what the history is counts
    change = sampler.propose(other, rng()) - sampler.propose(history, rng())
    assert np.abs(change).max() > 1e-5


def test_a_longer_history_is_cut(sampler):
    history = walkers(known=5)
    np.testing.assert_array_equal(
        sampler.propose(history, rng()), sampler.propose(history[:, -2:], rng())
    )


def test_walkers_do_not_see_each_other(sampler):
    history = walkers()
    frames = sampler.propose(history, rng())
    other = history.copy()
    other[1:] += 0.3 * rng(5).normal(size=other[1:].shape)
    np.testing.assert_allclose(sampler.propose(other, rng())[0], frames[0], atol=1e-6)
    small = BioMDSampler(sampler.model, small_complex(), steps=4, batch_size=1)
    np.testing.assert_allclose(small.propose(history, rng()), frames, atol=1e-5)


def test_euler_by_hand(sampler):
    """Ten lines with the model alone, in the receptor's frame."""
    from openmm_genmd.models.bio_md_tokens import ComplexTokens
    from openmm_genmd.representations.receptor_frame import receptor_frames

    start = walkers(1, 1)
    base = 10.0 * start[0]
    turns, centres = receptor_frames(base, ~small_complex().is_ligand)
    inside = torch.from_numpy(((base - centres[:, None]) @ turns[0].T).astype(np.float32))
    y = torch.from_numpy(rng().standard_normal((1, 1, 4, 10, 3), dtype=np.float32))[0]
    with torch.no_grad():
        encoding = sampler.model.encode(ComplexTokens.of([small_complex()]), inside)
        offsets = torch.arange(4)[None]
        numbers = sampler.model.frame_numbers(encoding, offsets, "coarse")
        y[:, :1] = numbers.encode(inside[:, None].expand(1, 4, 10, 3))[:, :1]
        for step in range(4):
            tau = torch.tensor([[1.0] + [step / 4] * 3])
            v = sampler.model(y, tau, offsets, encoding, "coarse")
            y[:, 1:] += 0.25 * v[:, 1:]
        expected = (numbers.decode(y)[0, 1:].double().numpy() @ turns[0] + centres[0]) / 10.0
    np.testing.assert_allclose(sampler.propose(start, rng())[0, 0], expected, atol=1e-5)


def test_a_new_model_moves_the_ligand_as_a_whole_and_shakes_the_rest():
    scales = DisplacementScales(coarse=((0.2, 1.0, 0.1), (0.3, 2.0, 0.1), (0.4, 3.0, 0.1)))
    config = CONFIG.model_copy(update={"scales": scales, "vibration_angstrom": 0.05})
    start = heavy_positions_nm()[None, None]
    sampler = BioMDSampler(BioMD(config), small_complex(), steps=100)
    frames = 10.0 * sampler.propose(start, rng(), candidates=200)[0]
    moved = frames - 10.0 * start[0]

    def distances(x):
        return np.linalg.norm(x[..., 6:, None, :] - x[..., None, 6:, :], axis=-1)

    for offset, (_, ligand, _) in enumerate(scales.coarse):
        # A quarter of the variance of all numbers is that of each of four columns.
        centres = moved[:, offset, 6:].mean(axis=1)
        for values, expected in ((centres, ligand / 2), (moved[:, offset, :6], 0.05)):
            tolerance = 4 * expected / np.sqrt(2 * values.size) + 0.03 * expected
            assert values.std() == pytest.approx(expected, abs=tolerance)
        bends = distances(frames[:, offset]) - distances(10.0 * start[0, 0])
        assert np.abs(bends).max() < 8 * 0.05


def test_rollouts_go_on_where_they_are(sampler):
    start = walkers(2, 1)[:, 0]
    trajectory = sampler.rollout(start, rng(), frames=5, block=2)
    assert trajectory.shape == (2, 6, 10, 3)
    np.testing.assert_array_equal(trajectory[:, 0], start)
    generator = rng()
    first = sampler.propose(start[:, None], generator, frames=2)[:, 0]
    np.testing.assert_array_equal(trajectory[:, 1:3], first)
    second = sampler.propose(trajectory[:, 1:3], generator, frames=2)[:, 0]
    np.testing.assert_array_equal(trajectory[:, 3:5], second)
    last = sampler.propose(trajectory[:, 3:5], generator, frames=1)[:, 0]
    np.testing.assert_array_equal(trajectory[:, 5:], last)
    one_shot = sampler.rollout(start, rng(), frames=5, block=5)
    np.testing.assert_array_equal(
        one_shot[:, 1:], sampler.propose(start[:, None], rng(), frames=5)[:, 0]
    )


def test_filled_frames_are_between_those_given(sampler):
    coarse = walkers(2, 3)
    filled = sampler.fill(coarse, rng())
    assert filled.shape == (2, 9, 10, 3)
    np.testing.assert_allclose(filled[:, ::4], coarse, atol=1e-12)
    # Both ends are looked at.
    bent = coarse.copy()
    bent[:, 1, 6:] += 0.1
    assert np.abs(sampler.fill(bent, rng())[:, 1:4] - filled[:, 1:4]).max() > 1e-5
    assert np.isfinite(filled).all()


def test_the_same_seed_gives_the_same_frames(sampler):
    history = walkers()
    first = sampler.propose(history, rng(3))
    np.testing.assert_array_equal(first, sampler.propose(history, rng(3)))
    assert np.abs(first - sampler.propose(history, rng(4))).max() > 1e-3


def test_errors(sampler):
    start = walkers(2, 1)
    with pytest.raises(ValueError, match=r"steps and batch_size must be at least 1, got 0 and 64"):
        BioMDSampler(sampler.model, small_complex(), steps=0)
    with pytest.raises(ValueError, match=r"history_nm must have shape \(W, H, N, 3\).*10 atoms"):
        sampler.propose(start[:, 0], rng())
    with pytest.raises(ValueError, match=r"history_nm is empty"):
        sampler.propose(start[:0], rng())
    with pytest.raises(ValueError, match=r"candidates and frames must be at least 1, got 0 and 3"):
        sampler.propose(start, rng(), candidates=0)
    with pytest.raises(ValueError, match=r"frames and block must be at least 1, got 2 and 0"):
        sampler.rollout(start[:, 0], rng(), frames=2, block=0)
    with pytest.raises(ValueError, match=r"two coarse frames at least, to fill between, got 1"):
        sampler.fill(start, rng())
    broken = start.copy()
    broken[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"history_nm is not finite; pass the last good frames"):
        sampler.propose(broken, rng())
