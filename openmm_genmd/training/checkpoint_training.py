"""What trainings of models with a `Trainer` have in common: settings, arguments, checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from openmm_genmd.models.checkpoint import save_checkpoint
from openmm_genmd.training.distributed import Processes
from openmm_genmd.training.optimization import LossTerms
from openmm_genmd.training.prefetch import Batch, Batches
from openmm_genmd.training.trainer import Trainer
from openmm_genmd.training.trainer_config import TrainerConfig
from openmm_genmd.training.training_progress import TrainingProgress


class CheckpointTrainingConfig(BaseModel):
    """Settings that every training has; those of a kind of model add their own.

    Attributes
    ----------
    training
        The optimisation.
    validation_fraction
        Share of the data that is held out for validation, unless other data are; with 0 the
        training loss says which weights are best.

    Examples
    --------
    >>> CheckpointTrainingConfig(training={"steps": 10}).training.steps
    10
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    training: TrainerConfig = TrainerConfig()
    validation_fraction: float = Field(default=0.1, ge=0, lt=1)


class TrainingRun(TypedDict, total=False):
    """How a training runs: keyword arguments that all trainings take.

    Attributes
    ----------
    processes
        This one among those that train together; alone by default.
    notes
        More to store in the checkpoint.
    resume
        Continue an interrupted training with the same data.
    report
        Called after each step with the number of steps, the last loss and the best validation.

    Examples
    --------
    >>> TrainingRun(notes={"who": "a test"}, resume=True)["resume"]
    True
    """

    processes: Processes | None
    notes: Mapping[str, Any] | None
    resume: bool
    report: Callable[[int, float, float], None]


def train_checkpoint(
    model: nn.Module,
    loss: Callable[[nn.Module, Batch], LossTerms],
    batches: Batches,
    config: CheckpointTrainingConfig,
    out: Path,
    *,
    validation: Batches | None,
    kind: str,
    known: Mapping[str, Any],
    identity: str,
    **run: Unpack[TrainingRun],
) -> TrainingProgress:
    """Train a model that takes any molecule, and write the checkpoint.

    Parameters
    ----------
    model, loss, batches, validation, identity
        See `Trainer`.
    config
        Settings; stored.
    out
        The checkpoint; see `Trainer` for the files beside it.
    kind
        What the numbers of the model are, for the checkpoint.
    known
        About the data; stored.
    **run
        See `TrainingRun`.

    Raises
    ------
    ValueError
        If the state belongs to another training, or the training diverges.
    """
    metadata = {
        **(run.get("notes") or {}),
        **known,
        "data_sha256": batches.sha256,
        "config": json.loads(config.model_dump_json()),
    }

    def write(path: Path, averaged: nn.Module, course: dict[str, Any]) -> str:
        return save_checkpoint(path, averaged, None, {"kind": kind}, metadata | course)

    return Trainer(
        model,
        loss,
        batches,
        config.training,
        out,
        write_checkpoint=write,
        identity=identity,
        validation=validation,
        processes=run.get("processes"),
        resume=run.get("resume", False),
    ).run(run.get("report", lambda step, loss, best: None))
