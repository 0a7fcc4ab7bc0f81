"""From trajectories of a guest that leaves to a model whose guest leaves likewise."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_losses import LossWeights
from openmm_genmd.models.bio_md_sampler import BioMDSampler
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.training.bio_md_batches import ComplexBatches
from openmm_genmd.training.bio_md_training import (
    BioMDTrainingConfig,
    complex_loss,
    train_bio_md,
)
from openmm_genmd.training.complex_trajectories import ComplexTrajectories
from openmm_genmd.training.trainer_config import TrainerConfig

from ..representations.small_complexes import leaving, small_complex

MODEL = BioMDConfig(
    width=32,
    pair_width=8,
    heads=2,
    encoder_layers=1,
    trajectory_layers=2,
    coarse_factor=4,
    block_frames=2,
    history_frames=1,
)
DIRECTION = np.array([0.6, 0.0, 0.8])


def data(n=2, interval=0.5):
    positions = tuple(leaving(30, DIRECTION, seed=k) for k in range(n))
    return ComplexTrajectories("ring", small_complex(), positions, interval, np.ones(n))


def config(**changes):
    values = {"batch_size": 8, "warmup_steps": 10, "validation_batches": 2} | changes
    return BioMDTrainingConfig(model=MODEL, training=TrainerConfig(**values))


def mean_loss(model, batches):
    """Of the velocity of the ligand."""
    loss = complex_loss(LossWeights(ligand=1, bonds=0, collisions=0, centre=0))
    with torch.no_grad():
        terms = [loss(model, tensors(batch)) for batch in batches]
    return float(sum(t.total for t in terms) / sum(t.count for t in terms))


def opposite(batch):
    """The same with frames in which everything has moved the other way."""
    positions = batch["positions_angstrom"]
    base = positions[:, batch["offsets"][0].tolist().index(0)][:, None]
    return {**batch, "positions_angstrom": 2.0 * base - positions}


def tensors(batch):
    return {name: torch.as_tensor(array) for name, array in batch.items()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("biomd") / "a.safetensors"
    settings = config(steps=160, learning_rate=1e-2, average_decay=0.97)
    settings = settings.model_copy(update={"weights": LossWeights(ligand=0.9)})
    result = train_bio_md([data()], settings, out, notes={"who": "a test"})
    return out, settings, result


def test_the_checkpoint_says_what_it_is(trained):
    out, settings, result = trained
    checkpoint = load_checkpoint(out, BioMD)
    metadata = checkpoint.metadata
    assert checkpoint.representation == {"kind": "complex_trajectories"}
    assert (metadata["complexes"], metadata["trajectories"]) == (["ring"], 2)
    assert (metadata["who"], metadata["frame_interval_ps"]) == ("a test", 0.5)
    assert metadata["best_loss"] == result.best_loss
    stored = BioMDTrainingConfig.model_validate(metadata["config"])
    assert stored.training == settings.training
    assert stored.model == checkpoint.model.config
    assert stored.model.model_copy(update={"scales": MODEL.scales}) == MODEL
    # Four frames of 0.2 Angstrom along the direction, by coordinate.
    assert stored.model.scales.coarse[0][1] == pytest.approx(0.8 / np.sqrt(3), rel=0.15)


def test_the_guest_of_the_model_leaves_as_the_data_does(trained):
    model = load_checkpoint(trained[0], BioMD).model
    sampler = BioMDSampler(model, small_complex(), steps=10)
    start = data().positions_nm[0][4].astype(float)
    frames = sampler.propose(start[None, None], np.random.default_rng(0), candidates=16)[0]
    ligand = small_complex().is_ligand
    moved = 10.0 * (frames - start)[:, :, ligand].mean(axis=2)
    expected = 0.8 * np.array([[1.0], [2.0]]) * DIRECTION
    error = np.linalg.norm(moved.mean(axis=0) - expected, axis=-1)
    assert error.max() < 0.15
    # A twin that stays, or leaps as far in random directions, is far from that.
    assert np.linalg.norm(expected, axis=-1).min() > 4 * error.max()
    bonds = small_complex().ligand_bonds

    def lengths(x):
        return 10.0 * np.linalg.norm(x[..., bonds[:, 0], :] - x[..., bonds[:, 1], :], axis=-1)

    assert np.abs(lengths(frames) - lengths(start)).mean() < 0.1


def test_it_learns_more_than_the_trivial_predictor(trained):
    model = load_checkpoint(trained[0], BioMD).model
    made = ComplexBatches([data()], model.config, batch_size=8, seed=5)
    batches = [made.draw(step, range(8)) for step in range(8)]
    # It knows how far atoms go, but not where: they vibrate as much as they move.
    trivial = mean_loss(BioMD(model.config.model_copy(update={"vibration_angstrom": 1e6})), batches)
    assert mean_loss(model, batches) < 0.3 * trivial
    # A twin that learned the opposite does worse than knowing nothing.
    assert mean_loss(model, [opposite(batch) for batch in batches]) > 1.2 * trivial


def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(tmp_path):
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    steps = {"schedule": "constant", "state_interval": 3, "validation_interval": 6}
    train_bio_md([data()], config(steps=6, **steps), whole)
    train_bio_md([data()], config(steps=3, **steps), parts)
    train_bio_md([data()], config(steps=6, **steps), parts, resume=True)
    first, second = (
        load_checkpoint(p.with_suffix(".last.safetensors"), BioMD) for p in (whole, parts)
    )
    for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(a, b)
    rows = [json.loads(row) for row in parts.with_suffix(".jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 6


def test_loss_is_a_mean_over_rows():
    made = ComplexBatches([data()], MODEL, batch_size=6, seed=0)
    batch = tensors(made.draw(0, range(6)))
    loss = complex_loss(LossWeights())
    model = BioMD(MODEL)
    whole = loss(model, batch)
    halves = [loss(model, tensors(made.draw(0, rows))) for rows in (range(3), range(3, 6))]
    assert float(whole.count) == 6.0
    torch.testing.assert_close(whole.total, halves[0].total + halves[1].total)


def test_errors(tmp_path):
    out = tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match=r"every 0.5 ps and every 1 ps .*train on those with one"):
        train_bio_md([data(), data(interval=1.0)], config(), out)
    with pytest.raises(ValueError, match="expected at least one complex to learn from, got none"):
        train_bio_md([], config(), out)
