"""Batches of pairs: what they hold, whichever process or step draws them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from openmm_genmd.msm.pairs import PairSampler
from openmm_genmd.representations.residue_frames import (
    ResidueFrames,
    backbone_of,
    frames_of,
    torsions_of,
)
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_tokens import decode
from openmm_genmd.representations.superposition import superpose
from openmm_genmd.training.pair_batches import PairBatches, PairSource

N_FRAMES = 6


def source(build, sequence, seed, transition_matrix=((0.5, 0.5), (0.5, 0.5))) -> PairSource:
    """Random conformations, far from the origin, that tumble; the first half is state 0."""
    layout = ResidueLayout.from_topology(build["peptide"](sequence))
    rng = np.random.default_rng(seed)
    positions = rng.normal(size=(N_FRAMES, layout.n_atoms, 3)) + 5.0
    labels = np.repeat([0, 1], N_FRAMES // 2)
    return PairSource(
        layout,
        backbone_of(positions, layout),
        torsions_of(positions, layout),
        PairSampler(labels, np.array(transition_matrix)),
        sha256=f"{sequence} {seed}",
    )


@pytest.fixture(scope="module")
def sources(build):
    return [source(build, ["ALA", "SER", "LYS"], 0), source(build, ["GLY", "PHE"], 1)]


class _InTurn:
    """Pairs (0, 1), (1, 2) and so on."""

    def draw(self, n, rng):
        x = np.arange(n) % N_FRAMES
        return x, (x + 1) % N_FRAMES


def test_tokens_hold_the_new_frame_superposed_on_the_current_one(sources):
    for one in sources:
        one = replace(one, pairs=_InTurn())
        batch = PairBatches([one], batch_size=5, seed=3).draw(7, range(5))
        current = ResidueFrames(batch["rotations"], batch["translations_angstrom"])
        new, torsions_rad = decode(current, batch["tokens"])
        backbone = one.backbone_angstrom.astype(float)
        local = frames_of(backbone).inverse().apply(backbone)  # atoms seen from their frames
        x, x1 = current.apply(local[:5]), new.apply(local[1:6])
        for row in range(5):
            before, after = backbone[row].reshape(-1, 3), backbone[row + 1].reshape(-1, 3)
            # Up to a rigid motion each is the frame of the file, and no motion brings them closer.
            assert pdist(x[row].reshape(-1, 3)) == pytest.approx(pdist(before), rel=1e-4)
            assert pdist(x1[row].reshape(-1, 3)) == pytest.approx(pdist(after), rel=1e-4)
            _, least = Rotation.align_vectors(before - before.mean(0), after - after.mean(0))
            assert np.linalg.norm(x1[row] - x[row]) == pytest.approx(least, rel=1e-4)
        defined = one.layout.torsion_mask
        turned = torsions_rad[:, defined] - one.torsions_rad[1:6][:, defined]
        np.testing.assert_allclose(np.cos(turned), 1.0, atol=1e-6)
        assert np.isnan(torsions_rad[:, ~defined]).all()
        types = np.broadcast_to(one.layout.types, batch["residue_types"].shape)
        np.testing.assert_array_equal(batch["residue_types"], types)


def test_states_are_drawn_by_the_transition_matrix(build):
    always = source(build, ["ALA", "ALA"], 0, ((0.0, 1.0), (1.0, 0.0)))
    batches = PairBatches([always], batch_size=200, seed=0)
    pairs = batches._draw_pairs(np.array([0]), np.random.default_rng(0))
    assert ((pairs.current < 3) != (pairs.new < 3)).all()
    assert (pairs.current < 3).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(200))


def test_rows_are_the_same_whoever_draws_them(build):
    both = [source(build, ["ALA"] * 5, 0), source(build, ["GLY", "PHE", "SER", "LYS"], 1)]
    batches = PairBatches(both, batch_size=80, seed=1)
    whole = batches.draw(3, range(80))
    again = PairBatches(both, batch_size=80, seed=1)
    assert set(whole["residue_mask"].sum(axis=1)) == {4, 5}
    for rows in (range(45), range(45, 79), range(79, 80)):  # the last alone, without padding
        part = again.draw(3, rows)
        for place, row in enumerate(rows):
            assert part["time"][place] == whole["time"][row]
            length = whole["residue_mask"][row].sum()
            for name in set(whole) - {"time"}:
                np.testing.assert_array_equal(part[name][place, :length], whole[name][row, :length])
    other = batches.draw(4, range(80))
    assert not np.array_equal(other["time"], whole["time"])
    assert not np.isin(other["noise"][:, 0], whole["noise"][:, 0]).any()


def test_what_is_not_there_is_masked_and_zero(build):
    both = [source(build, ["ALA"] * 5, 0), source(build, ["GLY", "PHE", "SER", "LYS"], 1)]
    batch = PairBatches(both, batch_size=16, seed=1).draw(0, range(16))
    missing = ~batch["residue_mask"]
    assert missing.sum() == (batch["residue_mask"].sum(axis=1) == 4).sum() > 0
    assert not batch["token_mask"][missing].any()
    assert not batch["tokens"][~batch["token_mask"]].any()
    assert not batch["noise"][missing].any()
    defined = sum(7 * len(s.layout) + 2 * s.layout.torsion_mask.sum() for s in (both[0], both[1]))
    one_each = [np.flatnonzero(batch["residue_mask"].sum(axis=1) == n)[0] for n in (5, 4)]
    assert batch["token_mask"][one_each].sum() == defined
    assert all(np.isfinite(array).all() for array in batch.values())
    sizes = {a.dtype for n, a in batch.items() if "mask" not in n and n != "residue_types"}
    assert sizes == {np.dtype(np.float32)}


def test_noise_is_normal_and_times_are_even(sources):
    batches = PairBatches(sources[:1], batch_size=64, seed=5)
    drawn = [batches.draw(step, range(64)) for step in range(40)]
    noise = np.concatenate([batch["noise"].ravel() for batch in drawn])
    assert noise.mean() == pytest.approx(0.0, abs=4 / np.sqrt(len(noise)))
    assert noise.var() == pytest.approx(1.0, abs=4 * np.sqrt(2 / len(noise)))
    assert len(np.unique(noise)) > 0.99 * len(noise)  # no two rows share a stream
    for batch in drawn[:3]:
        assert (np.bincount((64 * batch["time"]).astype(int) % 64, minlength=64) <= 2).all()
    first = np.array([batch["time"][0] for batch in drawn])
    assert abs(first.mean() - 0.5) < 4 / np.sqrt(12 * 40)


def test_molecules_of_similar_length_share_batches(sources):
    batches = PairBatches(sources, batch_size=4, seed=0)
    lengths = {batches.draw(step, range(4))["tokens"].shape[1] for step in range(20)}
    assert lengths == {2, 3}


def test_digest_knows_molecules_and_seed(sources):
    digests = {
        PairBatches(chosen, batch_size=size, seed=seed).sha256
        for chosen, size, seed in (
            (sources, 4, 0),
            (sources[:1], 4, 0),
            (sources, 5, 0),
            (sources, 4, 1),
        )
    }
    assert len(digests) == 4


def test_no_molecule_is_refused():
    with pytest.raises(ValueError, match="expected at least one molecule to draw pairs from"):
        PairBatches([], batch_size=1, seed=0)


def test_superposition_agrees_with_scipy_and_never_reflects():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(4, 7, 3))
    moving = rng.normal(size=(4, 7, 3)) + 10.0
    moving[3] = -reference[3]  # a reflection would fit exactly
    mask = np.ones((4, 7), dtype=bool)
    mask[1, 5:] = False
    moved = superpose(moving, reference, mask)
    for n in range(4):
        chosen = [points[n] - points[n][mask[n]].mean(axis=0) for points in (reference, moving)]
        rotation, _ = Rotation.align_vectors(chosen[0][mask[n]], chosen[1][mask[n]])
        expected = rotation.apply(chosen[1]) + reference[n][mask[n]].mean(axis=0)
        np.testing.assert_allclose(moved[n], expected, atol=1e-10)
