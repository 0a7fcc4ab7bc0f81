"""Training of MarS-FM on the pairs of one or more molecules: `train_mars_fm`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import nn

from openmm_genmd.models.checkpoint import save_checkpoint
from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions, MarsFMTorsionsConfig
from openmm_genmd.representations.residue_tokens import TORSIONS
from openmm_genmd.representations.residue_types import TURNED_TORSIONS
from openmm_genmd.training.distributed import Processes
from openmm_genmd.training.optimization import LossTerms
from openmm_genmd.training.pair_batches import PairBatches, PairSource
from openmm_genmd.training.pair_folders import PairFolder, temperature_of
from openmm_genmd.training.prefetch import Batch
from openmm_genmd.training.trainer import Trainer
from openmm_genmd.training.trainer_config import TrainerConfig
from openmm_genmd.training.training_progress import TrainingProgress


class MarsFMTrainingConfig(BaseModel):
    """All settings of a training of MarS-FM; stored in the checkpoint.

    Attributes
    ----------
    model
        The network: of tokens, or of torsions for leaps.
    training
        The optimisation.
    validation_fraction
        Share of the frames that are held out for validation, unless molecules are.

    Examples
    --------
    >>> MarsFMTrainingConfig(model=MarsFMConfig.tiny()).training.batch_size
    128
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: MarsFMConfig | MarsFMTorsionsConfig
    training: TrainerConfig = TrainerConfig()
    validation_fraction: float = Field(default=0.1, ge=0, lt=1)


@dataclass(frozen=True)
class PairSplit:
    """Batches to train on and batches to validate on.

    Attributes
    ----------
    training
        Pairs of the training molecules.
    validation
        Pairs of other molecules or of held-out frames, if there are any.

    Examples
    --------
    Made by `split_pairs`.
    """

    training: PairBatches
    validation: PairBatches | None


def mars_fm_loss(model: nn.Module, batch: Batch) -> LossTerms:
    """Squared errors of the velocity over all defined numbers of all tokens.

    Parameters
    ----------
    model
        A `MarsFM`.
    batch
        Of `PairBatches`.
    """
    count = (batch["token_mask"] & batch["residue_mask"][..., None]).sum()
    mean = cast(MarsFM, model).loss(**batch)
    return LossTerms(mean * count, count)


def mars_fm_torsions_loss(model: nn.Module, batch: Batch) -> LossTerms:
    """Squared errors of the score over all torsions that leap.

    Parameters
    ----------
    model
        A `MarsFMTorsions`.
    batch
        Of `PairBatches`.
    """
    network = cast(MarsFMTorsions, model)
    residues, types = batch["residue_mask"], batch["residue_types"]
    turned = torch.tensor(TURNED_TORSIONS, device=types.device)[types]
    mask = batch["token_mask"][..., TORSIONS.start :: 2] & turned & residues[..., None]
    pairs = batch["tokens"][..., TORSIONS]
    encoding = network.encode(batch["rotations"], batch["translations_angstrom"], types, residues)
    mean = network.loss(
        torch.atan2(pairs[..., ::2], pairs[..., 1::2]),
        encoding,
        mask,
        residues,
        noise=batch["noise"][..., TORSIONS][..., ::2],
        time=batch["time"],
    )
    return LossTerms(mean * mask.sum(), mask.sum())


def split_pairs(
    folders: Sequence[PairFolder],
    config: MarsFMTrainingConfig,
    validation_folders: Sequence[PairFolder] = (),
) -> PairSplit:
    """Batches of the training molecules, and for validation.

    Parameters
    ----------
    folders
        One for each molecule.
    config
        Settings.
    validation_folders
        Molecules that are not trained on. Without any, frames of the training molecules are held
        out.

    Raises
    ------
    ValueError
        If a molecule has too few frames to divide.
    """
    seed, size = config.training.seed, config.training.batch_size
    fraction = 0.0 if validation_folders else config.validation_fraction
    divided = [
        folder.divide(fraction, np.random.default_rng((seed, number)))
        for number, folder in enumerate(folders)
    ]
    others = (folder.divide(0.0, np.random.default_rng(0))[0] for folder in validation_folders)
    held_out: list[PairSource] = [*others, *(part for _, part in divided if part is not None)]
    return PairSplit(
        PairBatches([source for source, _ in divided], batch_size=size, seed=seed),
        PairBatches(held_out, batch_size=size, seed=seed + 1) if held_out else None,
    )


def train_mars_fm(
    folders: Sequence[PairFolder],
    config: MarsFMTrainingConfig,
    out: Path,
    *,
    processes: Processes,
    validation_folders: Sequence[PairFolder] = (),
    notes: Mapping[str, Any] | None = None,
    resume: bool = False,
    report: Callable[[int, float, float], None] = lambda step, loss, best: None,
) -> TrainingProgress:
    """Train, and write the checkpoint.

    Parameters
    ----------
    folders, validation_folders
        Molecules to train on and to validate on; see `split_pairs`.
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
    pairs = split_pairs(folders, config, validation_folders)
    metadata = {
        **(notes or {}),
        "temperature_k": temperature_of([*folders, *validation_folders]),
        "sequences": [folder.data.layout.sequence for folder in folders],
        "validation_sequences": [folder.data.layout.sequence for folder in validation_folders],
        "lag_ps": sorted({f.model.lag_frames * f.data.frame_interval_ps for f in folders}),
        "frames": sum(len(folder.data) for folder in folders),
        "data_sha256": pairs.training.sha256,
        "config": json.loads(config.model_dump_json()),
    }

    leaps = isinstance(config.model, MarsFMTorsionsConfig)
    numbers = {"kind": "residue_torsions" if leaps else "residue_tokens"}

    def write(path: Path, model: nn.Module, course: dict[str, Any]) -> str:
        return save_checkpoint(path, model, None, numbers, metadata | course)

    return Trainer(
        _new_model(config),
        mars_fm_torsions_loss if leaps else mars_fm_loss,
        pairs.training,
        config.training,
        out,
        write_checkpoint=write,
        identity=config.model.model_dump_json(),
        validation=pairs.validation,
        processes=processes,
        resume=resume,
    ).run(report)


def _new_model(config: MarsFMTrainingConfig) -> nn.Module:
    seed = config.training.seed
    if isinstance(config.model, MarsFMTorsionsConfig):
        return MarsFMTorsions(config.model, seed=seed)
    return MarsFM(config.model, seed=seed)
