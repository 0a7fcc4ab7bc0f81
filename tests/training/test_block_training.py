"""A model of torsions learns, resumes bit-exactly and begins with weights of another."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.block_density import MoleculeDensity
from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.representations.torsion_tokens import TOKEN_KINDS
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training.block_batches import BlockBatches
from openmm_genmd.training.block_sources import BlockSource
from openmm_genmd.training.block_training import BlockTrainingConfig, block_loss, train_blocks
from openmm_genmd.training.trainer_config import TrainerConfig

SMALL = BlockTransformerConfig(width=16, heads=2, layers=1, hidden_features=32, nodes=18)
UNIFORM = math.log(2 * math.pi)


def source_of(sequence, seed=0, n_frames=300) -> BlockSource:
    """Backbone around one of two places; every chi lies where psi of its residue does."""
    representation = TorsionRepresentation.from_topology(build_peptide(sequence)[0])
    rng = np.random.default_rng(seed)
    names = [torsion.name for torsion in representation.torsions]
    values = np.empty((n_frames, len(names)))
    for n, name in enumerate(names):
        if name.startswith("chi"):
            values[:, n] = values[:, names.index(f"psi{name[4:]}")]
        else:
            values[:, n] = np.where(rng.random(n_frames) < 0.5, -1.5, 1.2)
        values[:, n] += 0.15 * rng.standard_normal(n_frames)
    return BlockSource.of(sequence, representation, [values])


SOURCES = [source_of(name, seed) for seed, name in enumerate(("SA", "AS", "TA", "AT", "SS"))]


def config(**changes) -> BlockTrainingConfig:
    values = {"batch_size": 32, "warmup_steps": 5, "validation_batches": 2, "average_decay": 0.9}
    training = TrainerConfig(**values | {"learning_rate": 1e-2} | changes)
    return BlockTrainingConfig(model=SMALL, training=training, hidden_residues=0.0)


def test_it_learns_a_peptide_that_it_has_not_seen(tmp_path):
    out, unseen = tmp_path / "a.safetensors", source_of("TS", seed=9)
    result = train_blocks(
        SOURCES,
        config(steps=250),
        out,
        validation_sources=[unseen],
        notes={"temperature_k": 310.0},
    )
    # Marginals alone give .5, uniform densities 1.84.
    assert result.best_loss < 0.35
    checkpoint = load_checkpoint(out, BlockTransformer)
    metadata = checkpoint.metadata
    assert metadata["sequences"] == ["SA", "AS", "TA", "AT", "SS"]
    assert metadata["validation_sequences"] == ["TS"]
    assert (metadata["frames"], metadata["temperature_k"]) == (1500, 310.0)
    assert metadata["best_loss"] == result.best_loss
    assert BlockTrainingConfig.model_validate(metadata["config"]) == config(steps=250)
    molecule = MoleculeDensity(checkpoint.model, unseen.tokens)
    chi = [torsion == "chi1" for torsion in np.array(TOKEN_KINDS)[unseen.tokens.kinds]].index(True)
    kept = np.delete(unseen.torsions_rad.astype(float), chi, axis=1)
    drawn = [
        molecule.block([chi]).sample(1, np.random.default_rng(n), kept[n : n + 1])[0][0, 0]
        for n in range(100)
    ]
    psi = unseen.torsions_rad[:100, 1]
    assert np.mean(np.cos(drawn - psi) > 0.7) > 0.75  # it follows psi, but for the uniform part


def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(tmp_path):
    whole, parts = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    settings = {"schedule": "constant", "state_interval": 6}
    train_blocks(SOURCES, config(steps=12, **settings), whole)
    train_blocks(SOURCES, config(steps=6, **settings), parts)
    result = train_blocks(SOURCES, config(steps=12, **settings), parts, resume=True)
    assert result.step == 12
    one, other = (
        load_checkpoint(path.with_suffix(".last.safetensors"), BlockTransformer).model
        for path in (whole, parts)
    )
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_it_begins_with_weights_of_another(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    train_blocks(SOURCES, config(steps=60), first)
    began = load_checkpoint(first, BlockTransformer)
    settings = config(steps=1, learning_rate=1e-12)
    train_blocks(SOURCES, settings, second, start_from=first)
    other = load_checkpoint(second, BlockTransformer)
    assert other.metadata["start_from"] == began.sha256
    for a, b in zip(began.model.parameters(), other.model.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    wider = settings.model_copy(update={"model": SMALL.model_copy(update={"width": 32})})
    with pytest.raises(ValueError, match=r"architecture \(width: expected 32, got 16\)"):
        train_blocks(SOURCES, wider, second, start_from=first)


def test_loss_counts_torsions_of_blocks():
    batch = BlockBatches(SOURCES, batch_size=8, seed=0).draw(0, range(8))
    tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
    terms = block_loss(BlockTransformer(SMALL), tensors)
    assert int(terms.count) == (batch["ranks"] >= 0).sum()
    assert float(terms.total.detach()) == pytest.approx(UNIFORM * int(terms.count), rel=1e-5)
