"""Training of a model of torsions that serves all peptides: `train_blocks`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

from pydantic import Field
from torch import nn

from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.training.block_batches import BlockBatches
from openmm_genmd.training.block_sources import BlockSource
from openmm_genmd.training.checkpoint_training import (
    CheckpointTrainingConfig,
    TrainingRun,
    train_checkpoint,
)
from openmm_genmd.training.held_out import hold_out
from openmm_genmd.training.optimization import LossTerms
from openmm_genmd.training.prefetch import Batch
from openmm_genmd.training.training_progress import TrainingProgress


class BlockTrainingConfig(CheckpointTrainingConfig):
    """All settings of a training of a `BlockTransformer`; stored in the checkpoint.

    Attributes
    ----------
    model
        The network.
    training, validation_fraction
        See `CheckpointTrainingConfig`; frames are held out.
    jitter_rad, population_power, hidden_residues
        See `BlockBatches`.

    Examples
    --------
    >>> BlockTrainingConfig().training.batch_size
    128
    """

    model: BlockTransformerConfig = BlockTransformerConfig()
    jitter_rad: float = Field(default=0.05, ge=0)
    population_power: float = Field(default=0.5, ge=0, le=2)
    hidden_residues: float = Field(default=0.15, ge=0, le=1)


def block_loss(model: nn.Module, batch: Batch) -> LossTerms:
    """Minus log density of all torsions of all blocks.

    Parameters
    ----------
    model
        A `BlockTransformer`.
    batch
        Of `BlockBatches`.
    """
    return LossTerms(-model(**batch).sum(), (batch["ranks"] >= 0).sum())


def train_blocks(
    sources: Sequence[BlockSource],
    config: BlockTrainingConfig,
    out: Path,
    *,
    validation_sources: Sequence[BlockSource] = (),
    start_from: Path | None = None,
    **run: Unpack[TrainingRun],
) -> TrainingProgress:
    """Train, and write the checkpoint.

    Parameters
    ----------
    sources, validation_sources
        Molecules to train on and to validate on. Without any of the latter, frames of the training
        molecules are held out.
    config
        Settings.
    out
        The checkpoint; see `Trainer` for the files beside it.
    start_from
        Checkpoint whose weights are the first, of the same architecture.
    **run
        See `TrainingRun`; losses are in nats per torsion.

    Raises
    ------
    ValueError
        If data and settings do not fit, or the training diverges.
    """
    training, validation = _split(sources, config, validation_sources)
    model, origin = _model(config, start_from)
    return train_checkpoint(
        model,
        block_loss,
        training,
        config,
        out,
        validation=validation,
        kind="torsion_tokens",
        known={
            "sequences": [source.name for source in sources],
            "validation_sequences": [source.name for source in validation_sources],
            "frames": sum(len(source.torsions_rad) for source in sources),
            "start_from": origin,
        },
        identity=f"{config.model.model_dump_json()} {origin}",
        **run,
    )


def _split(
    sources: Sequence[BlockSource],
    config: BlockTrainingConfig,
    validation_sources: Sequence[BlockSource],
) -> tuple[BlockBatches, BlockBatches | None]:
    seed = config.training.seed
    parts, held_out = hold_out(sources, config.validation_fraction, seed, validation_sources)
    batch_size, power = config.training.batch_size, config.population_power
    training = BlockBatches(
        parts,
        batch_size=batch_size,
        seed=seed,
        population_power=power,
        jitter_rad=config.jitter_rad,
        hidden_residues=config.hidden_residues,
    )
    if not held_out:
        return training, None
    validation = BlockBatches(
        held_out, batch_size=batch_size, seed=seed + 1, population_power=power
    )
    return training, validation


def _model(
    config: BlockTrainingConfig, start_from: Path | None
) -> tuple[BlockTransformer, str | None]:
    """Model with its first weights, and the sha256 of the file that they are from."""
    model = BlockTransformer(config.model, seed=config.training.seed)
    if start_from is None:
        return model, None
    checkpoint = load_checkpoint(start_from, BlockTransformer)
    expected, found = (
        shape.model_dump(exclude={"dropout", "uniform_fraction"})
        for shape in (config.model, checkpoint.model.config)
    )
    if expected != found:
        differing = [name for name in expected if expected[name] != found[name]]
        raise ValueError(
            f"{start_from} has another architecture ({differing[0]}: expected "
            f"{expected[differing[0]]}, got {found[differing[0]]}); give the same one"
        )
    model.load_state_dict(checkpoint.model.state_dict())
    return model, checkpoint.sha256
