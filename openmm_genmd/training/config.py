"""Settings of a fit."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TrainingConfig(BaseModel):
    """How `DensityFit` fits; stored in the checkpoint.

    Attributes
    ----------
    steps
        Optimiser steps at most; the learning rate falls to zero over them (cosine).
    batch_size
        Frames per step, drawn anew with the weights of their states.
    learning_rate, weight_decay
        Of AdamW.
    jitter_rad
        Standard deviation of normal noise added to each training angle. It widens the density by
        as much, which costs little acceptance and prevents overfitting.
    average_decay
        Exponential moving average of the weights, which are what is validated and saved.
    validation_fraction
        Held out in blocks of time.
    validation_interval
        Steps between validations.
    patience
        Validations without improvement after which the fit stops.
    state_interval
        Steps between states from which a killed fit resumes.
    seed
        Of the initial weights, the division and the batches.
    device
        ``cpu`` or ``cuda``. Resuming is bit-exact on the CPU.

    Examples
    --------
    >>> config = TrainingConfig(patience=5)
    >>> config.patience * config.validation_interval  # steps without gain until the fit stops
    500
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=3000, ge=1)
    batch_size: int = Field(default=512, ge=1)
    learning_rate: float = Field(default=5e-3, gt=0)
    weight_decay: float = Field(default=1e-4, ge=0)
    jitter_rad: float = Field(default=0.03, ge=0)
    average_decay: float = Field(default=0.99, ge=0, lt=1)
    validation_fraction: float = Field(default=0.2, gt=0, lt=1)
    validation_interval: int = Field(default=100, ge=1)
    patience: int = Field(default=10, ge=1)
    state_interval: int = Field(default=200, ge=1)
    seed: int = Field(default=0, ge=0)
    device: str = "cpu"
