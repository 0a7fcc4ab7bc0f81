"""Training of BioMD on trajectories of one or more complexes: `train_bio_md`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Unpack, cast

from pydantic import Field
from torch import nn

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_frames import Stage
from openmm_genmd.models.bio_md_losses import LossWeights, TrajectoryWindow, bio_md_loss
from openmm_genmd.models.bio_md_tokens import ComplexTokens
from openmm_genmd.training.bio_md_batches import ComplexBatches
from openmm_genmd.training.checkpoint_training import (
    CheckpointTrainingConfig,
    TrainingRun,
    train_checkpoint,
)
from openmm_genmd.training.complex_trajectories import ComplexTrajectories, measure_scales
from openmm_genmd.training.held_out import hold_out
from openmm_genmd.training.optimization import LossTerms
from openmm_genmd.training.prefetch import Batch
from openmm_genmd.training.trainer_config import TrainerConfig
from openmm_genmd.training.training_progress import TrainingProgress


class BioMDTrainingConfig(CheckpointTrainingConfig):
    """All settings of a training of BioMD; stored in the checkpoint.

    Attributes
    ----------
    model
        The network. Its scales are measured on the data.
    training, validation_fraction
        See `CheckpointTrainingConfig`; trajectories of each complex are held out.
    weights
        Of the terms of the loss.
    fine_share, common_tau_share, short_share, random_rotations
        See `ComplexBatches`.

    Examples
    --------
    >>> BioMDTrainingConfig(model=BioMDConfig.tiny()).training.batch_size
    8
    """

    model: BioMDConfig
    training: TrainerConfig = TrainerConfig(batch_size=8)
    weights: LossWeights = LossWeights()
    fine_share: float = Field(default=0.2, ge=0, le=1)
    common_tau_share: float = Field(default=0.5, ge=0, le=1)
    short_share: float = Field(default=0.3, ge=0, le=1)
    random_rotations: bool = False


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
    **run: Unpack[TrainingRun],
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
    **run
        See `TrainingRun`.

    Raises
    ------
    ValueError
        If data and settings do not fit, or the training diverges.
    """
    _require_one_interval(sources)
    seed = config.training.seed
    parts, held_out = hold_out(sources, config.validation_fraction, seed)
    model_config = config.model.model_copy(update={"scales": measure_scales(parts, config.model)})
    config = config.model_copy(update={"model": model_config})
    return train_checkpoint(
        BioMD(model_config, seed=seed),
        complex_loss(config.weights),
        _batches(parts, config, seed),
        config,
        out,
        validation=_batches(held_out, config, seed + 1) if held_out else None,
        kind="complex_trajectories",
        known={
            "complexes": [source.name for source in sources],
            "trajectories": sum(len(source.positions_nm) for source in sources),
            "frame_interval_ps": sources[0].frame_interval_ps,
        },
        identity=f"{model_config.model_dump_json()} {config.weights.model_dump_json()}",
        **run,
    )


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
    intervals = sorted({source.frame_interval_ps or 0.0 for source in sources})
    if intervals and intervals[-1] > 1.001 * intervals[0]:
        raise ValueError(
            f"trajectories have frames every {intervals[0]:g} ps and every {intervals[-1]:g} ps (0 "
            "if unknown); train on those with one interval, for a step of the model is one of the "
            "data"
        )
