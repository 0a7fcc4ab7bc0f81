"""Training of a model of torsions that serves all peptides: `train_blocks`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.models.checkpoint import load_checkpoint, save_checkpoint
from openmm_genmd.training.block_batches import BlockBatches
from openmm_genmd.training.block_sources import BlockSource
from openmm_genmd.training.distributed import Processes
from openmm_genmd.training.optimization import LossTerms
from openmm_genmd.training.prefetch import Batch
from openmm_genmd.training.trainer import Trainer
from openmm_genmd.training.trainer_config import TrainerConfig
from openmm_genmd.training.training_progress import TrainingProgress


class BlockTrainingConfig(BaseModel):
    """All settings of a training of a `BlockTransformer`; stored in the checkpoint.

    Attributes
    ----------
    model
        The network.
    training
        The optimisation.
    jitter_rad, population_power, hidden_residues
        See `BlockBatches`.
    validation_fraction
        Share of the frames that are held out for validation, unless molecules are; with 0 the
        training loss says which weights are best.

    Examples
    --------
    >>> BlockTrainingConfig().training.batch_size
    128
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: BlockTransformerConfig = BlockTransformerConfig()
    training: TrainerConfig = TrainerConfig()
    jitter_rad: float = Field(default=0.05, ge=0)
    population_power: float = Field(default=0.5, ge=0, le=2)
    hidden_residues: float = Field(default=0.15, ge=0, le=1)
    validation_fraction: float = Field(default=0.1, ge=0, lt=1)


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
    processes: Processes | None = None,
    validation_sources: Sequence[BlockSource] = (),
    start_from: Path | None = None,
    notes: Mapping[str, Any] | None = None,
    resume: bool = False,
    report: Callable[[int, float, float], None] = lambda step, loss, best: None,
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
    processes
        This one among those that train together.
    start_from
        Checkpoint whose weights are the first, of the same architecture.
    notes
        More to store in the checkpoint.
    resume
        Continue an interrupted training with the same data.
    report
        Called after each step with the number of steps, the last loss and the best validation,
        both in nats per torsion.

    Raises
    ------
    ValueError
        If data and settings do not fit, or the training diverges.
    """
    training, validation = _split(sources, config, validation_sources)
    model, origin = _model(config, start_from)
    metadata = {
        **(notes or {}),
        "sequences": [source.name for source in sources],
        "validation_sequences": [source.name for source in validation_sources],
        "frames": sum(len(source.torsions_rad) for source in sources),
        "data_sha256": training.sha256,
        "start_from": origin,
        "config": json.loads(config.model_dump_json()),
    }

    def write(path: Path, averaged: nn.Module, course: dict[str, Any]) -> str:
        return save_checkpoint(path, averaged, None, {"kind": "torsion_tokens"}, metadata | course)

    return Trainer(
        model,
        block_loss,
        training,
        config.training,
        out,
        write_checkpoint=write,
        identity=f"{config.model.model_dump_json()} {origin}",
        validation=validation,
        processes=processes,
        resume=resume,
    ).run(report)


def _split(
    sources: Sequence[BlockSource],
    config: BlockTrainingConfig,
    validation_sources: Sequence[BlockSource],
) -> tuple[BlockBatches, BlockBatches | None]:
    seed = config.training.seed
    fraction = 0.0 if validation_sources else config.validation_fraction
    divided = [
        source.divide(fraction, np.random.default_rng((seed, number)))
        for number, source in enumerate(sources)
    ]
    held_out = [*validation_sources, *(part for _, part in divided if part is not None)]

    batch_size, power = config.training.batch_size, config.population_power
    training = BlockBatches(
        [source for source, _ in divided],
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
