"""From trajectories to a checkpoint of a torsion model."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from openmm_genmd.models.checkpoint import save_checkpoint
from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
from openmm_genmd.msm.sampling import frame_weights
from openmm_genmd.msm.states import StateConfig, States, find_states
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training.config import TrainingConfig
from openmm_genmd.training.dataset import TorsionData, validation_mask
from openmm_genmd.training.fit import DensityFit, FitResult
from openmm_genmd.training.sampler import FitData

_MOST_CHOICES = 20


class TorsionTrainingConfig(BaseModel):
    """Everything that `train_torsions` needs besides the data; stored in the checkpoint.

    Attributes
    ----------
    model
        The architecture.
    states
        How frames are divided into states.
    population_power
        See `frame_weights`.
    training
        The optimisation.

    Examples
    --------
    >>> config = TorsionTrainingConfig(model=TorusFlowConfig(n_torsions=2), population_power=0.5)
    >>> config.model.conditional, config.states.lag_frames, config.training.steps
    (False, 10, 3000)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: TorusFlowConfig
    states: StateConfig = StateConfig()
    population_power: float = Field(default=0.0, ge=0.0, le=2.0)
    training: TrainingConfig = TrainingConfig()


@dataclass(frozen=True)
class TrainedTorsions:
    """What `train_torsions` made.

    Attributes
    ----------
    states
        The division of the frames.
    fit
        Model and likelihood.
    sha256
        Of the checkpoint.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> import tempfile
    >>> representation = TorsionRepresentation.from_topology(load_structure("alanine-dipeptide")[0])
    >>> data = TorsionData.of([np.random.default_rng(0).normal(1, 0.3, (200, 2))])
    >>> config = TorsionTrainingConfig(
    ...     model=TorusFlowConfig(n_torsions=2), training=TrainingConfig(steps=2)
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trained = train_torsions(data, representation, config, Path(folder) / "a.safetensors")
    >>> trained.states.n_states, trained.fit.steps_run, len(trained.sha256)
    (1, 2, 64)
    """

    states: States
    fit: FitResult
    sha256: str


def train_torsions(
    data: TorsionData,
    representation: TorsionRepresentation,
    config: TorsionTrainingConfig,
    out: Path,
    *,
    notes: dict[str, Any] | None = None,
    resume: bool = False,
    spent_seconds: float = 0.0,
    on_states: Callable[[States], None] = lambda states: None,
    on_step: Callable[[int, float], None] = lambda step, best: None,
) -> TrainedTorsions:
    """States, fit and checkpoint.

    Parameters
    ----------
    data
        Torsions of the trajectories.
    representation
        What they mean.
    config
        Settings.
    out
        The checkpoint. While the fit runs ``*.state`` lies beside it; ``*.jsonl`` stays.
    notes
        More to store in the checkpoint, such as the temperature, or ``data_seconds``, the wall
        time of simulating the data.
    resume
        Continue an interrupted fit with the same data and settings.
    spent_seconds
        Wall time already spent in this session, on reading the data; the checkpoint records it
        with that of dividing and fitting as ``training_seconds``, all sessions together.
    on_states, on_step
        Called after the division, and after each step with the best validation so far.

    Raises
    ------
    ValueError
        If there are too few frames, or the model has another number of torsions.
    """
    began = time.perf_counter() - spent_seconds
    states = find_states(data.trajectories, config.states)
    on_states(states)
    training = config.training
    held_out = choose_validation(
        states,
        [len(t) for t in data.trajectories],
        training.validation_fraction,
        np.random.default_rng((training.seed, 0)),
    )
    power = config.population_power
    weights = frame_weights(states, power, within=~held_out)
    if held_out.any():  # otherwise the fit says what is missing
        weights += frame_weights(states, power, within=held_out)
    return fit_checkpoint(
        FitData(data.torsions, weights, held_out),
        states,
        representation,
        config,
        out,
        notes={**(notes or {}), "data_sha256": data.sha256},
        resume=resume,
        spent_seconds=time.perf_counter() - began,
        on_step=on_step,
    )


def fit_checkpoint(
    data: FitData,
    states: States,
    representation: TorsionRepresentation,
    config: TorsionTrainingConfig,
    out: Path,
    *,
    initial: TorusFlow | None = None,
    notes: dict[str, Any] | None = None,
    resume: bool = False,
    spent_seconds: float = 0.0,
    on_step: Callable[[int, float], None] = lambda step, best: None,
) -> TrainedTorsions:
    """Fit to weighted frames, and checkpoint.

    Parameters
    ----------
    data
        Frames, weights and division.
    states
        The state of each frame, for the record.
    representation, config, out, notes, resume, spent_seconds, on_step
        See `train_torsions`.
    initial
        The model to begin with; None for a new one.

    Raises
    ------
    ValueError
        If there are too few frames, or the model has another number of torsions.
    """
    if config.model.n_torsions != len(representation.torsions):
        raise ValueError(
            f"the model has {config.model.n_torsions} torsions, the molecule "
            f"{len(representation.torsions)}; set n_torsions to the latter"
        )
    state_path = out.with_suffix(".state")
    fit = DensityFit(
        config.model,
        config.training,
        data,
        state_path,
        initial=initial,
        resume=resume,
        spent_seconds=spent_seconds,
    )
    result = fit.run(on_step)
    metadata = {
        **(notes or {}),
        "frames": len(data.held_out),
        "state_populations_in_data": states.populations.tolist(),
        "seed": config.training.seed,
        "validation_log_likelihood": result.validation_log_likelihood,
        "best_step": result.step,
        "training_seconds": result.seconds,
        "training": json.loads(config.model_dump_json()),
    }
    sha256 = save_checkpoint(
        out, result.model, representation.fingerprint, representation.to_dict(), metadata
    )
    state_path.unlink()
    return TrainedTorsions(states, result, sha256)


def choose_validation(
    states: States, lengths: Sequence[int], fraction: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Mask ``(n_frames,)`` of held-out frames: blocks of time, but of no state most of it.

    Of few frames an unlucky choice of blocks may have to release all of them; then others are
    chosen, `_MOST_CHOICES` times at most.
    """
    for _ in range(_MOST_CHOICES):
        held_out = release_rare_states(states, validation_mask(lengths, fraction, rng), fraction)
        if held_out.any():
            break
    return held_out


def release_rare_states(
    states: States, held_out: NDArray[np.bool_], fraction: float
) -> NDArray[np.bool_]:
    """Mask ``(n_frames,)`` of held-out frames without states that were held out by mistake.

    A rare basin seen in a block or two of time could be held out as a whole and never learned.
    States of which less than half the intended share is left for training are trained on entirely.

    Parameters
    ----------
    states
        The state of each frame.
    held_out
        ``(n_frames,)``, from `validation_mask`.
    fraction
        That was to be held out.
    """
    total = np.bincount(states.labels, minlength=states.n_states)
    left = np.bincount(states.labels[~held_out], minlength=states.n_states)
    return np.asarray(held_out & (left >= 0.5 * (1.0 - fraction) * total)[states.labels])
