"""Training of BioMD on trajectories of one or more complexes: `train_bio_md`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_frames import Stage
from openmm_genmd.models.bio_md_losses import LossWeights, TrajectoryWindow, bio_md_loss
from openmm_genmd.models.bio_md_tokens import ComplexTokens
from openmm_genmd.models.checkpoint import save_checkpoint
from openmm_genmd.training.bio_md_batches import ComplexBatches
from openmm_genmd.training.complex_trajectories import ComplexTrajectories, measure_scales
from openmm_genmd.training.distributed import Processes
from openmm_genmd.training.optimization import LossTerms
from openmm_genmd.training.prefetch import Batch
from openmm_genmd.training.trainer import Trainer
from openmm_genmd.training.trainer_config import TrainerConfig
from openmm_genmd.training.training_progress import TrainingProgress


class BioMDTrainingConfig(BaseModel):
    """All settings of a training of BioMD; stored in the checkpoint.

    Attributes
    ----------
    model
        The network. Its scales are measured on the data.
    training
        The optimisation.
    weights
        Of the terms of the loss.
    fine_share, common_tau_share, short_share, random_rotations
        See `ComplexBatches`.
    validation_fraction
        Share of the trajectories of each complex that are held out for validation.

    Examples
    --------
    >>> BioMDTrainingConfig(model=BioMDConfig.tiny()).training.batch_size
    8
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: BioMDConfig
    training: TrainerConfig = TrainerConfig(batch_size=8)
    weights: LossWeights = LossWeights()
    fine_share: float = Field(default=0.2, ge=0, le=1)
    common_tau_share: float = Field(default=0.5, ge=0, le=1)
    short_share: float = Field(default=0.3, ge=0, le=1)
    random_rotations: bool = False
    validation_fraction: float = Field(default=0.1, ge=0, lt=1)


def complex_loss(weights: LossWeights) -> Callable[[nn.Module, Batch], LossTerms]:
    """Return the loss of a `BioMD` on batches of `ComplexBatches`, a mean over their rows.

    Parameters
    ----------
    weights
        Of its terms.
    """

    def loss(model: nn.Module, batch: Batch) -> LossTerms:
        values = dict(batch)
        tokens = ComplexTokens(*(values.pop(n) for n in ("features", "separations", "mask")))
        stage: Stage = "fine" if bool(values.pop("is_fine")[0]) else "coarse"
        window = TrajectoryWindow(tokens=tokens, **values)
        losses = bio_md_loss(cast(BioMD, model), window, stage, weights)
        return LossTerms(losses.sum(), losses.new_tensor(float(len(losses))))

    return loss


def train_bio_md(
    sources: Sequence[ComplexTrajectories],
    config: BioMDTrainingConfig,
    out: Path,
    *,
    processes: Processes | None = None,
    notes: Mapping[str, Any] | None = None,
    resume: bool = False,
    report: Callable[[int, float, float], None] = lambda step, loss, best: None,
) -> TrainingProgress:
    """Train, and write the checkpoint.

    Parameters
    ----------
    sources
        Complexes to train on; of each some trajectories are held out for validation.
    config
        Settings.
    out
        The checkpoint; see `Trainer` for the files beside it.
    processes
        This one among those that train together.
    notes
        More to store in the checkpoint.
    resume
        Continue an interrupted training with the same data.
    report
        Called after each step with the number of steps, the last loss and the best validation.

    Raises
    ------
    ValueError
        If data and settings do not fit, or the training diverges.
    """
    _require_one_interval(sources)
    divided = [
        source.divide(config.validation_fraction, np.random.default_rng((config.training.seed, n)))
        for n, source in enumerate(sources)
    ]
    parts = [part for part, _ in divided]
    model_config = config.model.model_copy(update={"scales": measure_scales(parts, config.model)})
    config = config.model_copy(update={"model": model_config})
    training = _batches(parts, config, config.training.seed)
    held_out = [part for _, part in divided if part is not None]
    validation = _batches(held_out, config, config.training.seed + 1) if held_out else None
    metadata = {
        **(notes or {}),
        "complexes": [source.name for source in sources],
        "trajectories": sum(len(source.positions_nm) for source in sources),
        "frame_interval_ps": sources[0].frame_interval_ps,
        "data_sha256": training.sha256,
        "config": json.loads(config.model_dump_json()),
    }

    def write(path: Path, model: nn.Module, course: dict[str, Any]) -> str:
        numbers = {"kind": "complex_trajectories"}
        return save_checkpoint(path, model, None, numbers, metadata | course)

    return Trainer(
        BioMD(model_config, seed=config.training.seed),
        complex_loss(config.weights),
        training,
        config.training,
        out,
        write_checkpoint=write,
        identity=f"{model_config.model_dump_json()} {config.weights.model_dump_json()}",
        validation=validation,
        processes=processes,
        resume=resume,
    ).run(report)


def _batches(
    sources: Sequence[ComplexTrajectories], config: BioMDTrainingConfig, seed: int
) -> ComplexBatches:
    return ComplexBatches(
        sources,
        config.model,
        batch_size=config.training.batch_size,
        seed=seed,
        fine_share=config.fine_share,
        common_tau_share=config.common_tau_share,
        short_share=config.short_share,
        random_rotations=config.random_rotations,
    )


def _require_one_interval(sources: Sequence[ComplexTrajectories]) -> None:
    if not sources:
        raise ValueError("expected at least one complex to learn from, got none")
    intervals = sorted({source.frame_interval_ps or 0.0 for source in sources})
    if intervals[-1] > 1.001 * intervals[0]:
        raise ValueError(
            f"trajectories have frames every {intervals[0]:g} ps and every {intervals[-1]:g} ps (0 "
            "if unknown); train on those with one interval, for a step of the model is one of the "
            "data"
        )
