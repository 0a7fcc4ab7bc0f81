"""Training of MarS-FM on the pairs of one or more molecules: `train_mars_fm`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack, cast

import numpy as np
import torch
from torch import nn

from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions, MarsFMTorsionsConfig
from openmm_genmd.representations.residue_tokens import TORSIONS
from openmm_genmd.representations.residue_types import TURNED_TORSIONS
from openmm_genmd.training.checkpoint_training import (
    CheckpointTrainingConfig,
    TrainingRun,
    train_checkpoint,
)
from openmm_genmd.training.held_out import hold_out
from openmm_genmd.training.optimization import LossTerms
from openmm_genmd.training.pair_batches import PairBatches
from openmm_genmd.training.pair_folders import PairFolder, temperature_of
from openmm_genmd.training.prefetch import Batch
from openmm_genmd.training.training_progress import TrainingProgress


class MarsFMTrainingConfig(CheckpointTrainingConfig):
    """All settings of a training of MarS-FM; stored in the checkpoint.

    Attributes
    ----------
    model
        The network: of tokens, or of torsions for leaps.
    training, validation_fraction
        See `CheckpointTrainingConfig`; frames are held out.

    Examples
    --------
    >>> MarsFMTrainingConfig(model=MarsFMConfig.tiny()).training.batch_size
    128
    """

    model: MarsFMConfig | MarsFMTorsionsConfig


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
    others = [folder.divide(0.0, np.random.default_rng(0))[0] for folder in validation_folders]
    parts, held_out = hold_out(folders, config.validation_fraction, seed, others)
    return PairSplit(
        PairBatches(parts, batch_size=size, seed=seed),
        PairBatches(held_out, batch_size=size, seed=seed + 1) if held_out else None,
    )


def train_mars_fm(
    folders: Sequence[PairFolder],
    config: MarsFMTrainingConfig,
    out: Path,
    *,
    validation_folders: Sequence[PairFolder] = (),
    **run: Unpack[TrainingRun],
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
    **run
        See `TrainingRun`.

    Raises
    ------
    ValueError
        If data and settings do not fit, or the training diverges.
    """
    pairs = split_pairs(folders, config, validation_folders)
    leaps = isinstance(config.model, MarsFMTorsionsConfig)
    return train_checkpoint(
        _new_model(config),
        mars_fm_torsions_loss if leaps else mars_fm_loss,
        pairs.training,
        config,
        out,
        validation=pairs.validation,
        kind="residue_torsions" if leaps else "residue_tokens",
        known={
            "temperature_k": temperature_of([*folders, *validation_folders]),
            "sequences": [folder.data.layout.sequence for folder in folders],
            "validation_sequences": [folder.data.layout.sequence for folder in validation_folders],
            "lag_ps": sorted({f.model.lag_frames * f.data.frame_interval_ps for f in folders}),
            "frames": sum(len(folder.data) for folder in folders),
        },
        identity=config.model.model_dump_json(),
        **run,
    )


def _new_model(config: MarsFMTrainingConfig) -> nn.Module:
    seed = config.training.seed
    if isinstance(config.model, MarsFMTorsionsConfig):
        return MarsFMTorsions(config.model, seed=seed)
    return MarsFM(config.model, seed=seed)
