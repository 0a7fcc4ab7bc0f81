"""Settings of a training with batches of examples."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Precision = Literal["float32", "tf32", "bfloat16"]
"""``tf32`` rounds the factors of matrix products, ``bfloat16`` runs most of the model in it."""


class TrainerConfig(BaseModel):
    """How a `Trainer` optimises; stored in the checkpoint.

    Attributes
    ----------
    steps
        Optimiser steps.
    batch_size
        Examples per step, of all processes together.
    learning_rate, schedule, warmup_steps
        The rate rises linearly over the first steps, then falls to zero along a cosine or stays.
    weight_decay
        Of AdamW; with 0 it is Adam.
    clip_norm
        Longest gradient, as a Euclidean norm over all parameters; longer ones are scaled down.
    average_decay
        Exponential moving average of the weights, which are what is validated and saved.
    log_interval
        Steps per row of the log. Losses are looked at, and found not finite, only then, so that a
        GPU need not wait for every step.
    validation_interval, validation_batches
        Steps between validations, and their size.
    state_interval
        Steps between states from which a killed training resumes.
    precision
        Of the forward pass; weights, optimiser and average stay in the precision of the model.
    compile
        Whether `torch.compile` translates the model: a minute or so, then faster steps.
    workers
        Threads that prepare batches.
    prefetch
        Batches that are prepared ahead.
    seed
        Of the initial weights and of everything random in the model.
    device
        ``cpu`` or ``cuda``. Resuming is bit-exact on the CPU.

    Examples
    --------
    >>> config = TrainerConfig(steps=1000, warmup_steps=100, learning_rate=1e-3)
    >>> [round(1e3 * config.learning_rate_at(step), 3) for step in (0, 49, 99, 550, 999)]
    [0.01, 0.5, 1.0, 0.5, 0.0]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=20_000, ge=1)
    batch_size: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = Field(default=200, ge=0)
    weight_decay: float = Field(default=0.0, ge=0)
    clip_norm: float = Field(default=1.0, gt=0)
    average_decay: float = Field(default=0.999, ge=0, lt=1)
    log_interval: int = Field(default=50, ge=1)
    validation_interval: int = Field(default=500, ge=1)
    validation_batches: int = Field(default=8, ge=1)
    state_interval: int = Field(default=500, ge=1)
    precision: Precision = "float32"
    compile: bool = False
    workers: int = Field(default=1, ge=1)
    prefetch: int = Field(default=4, ge=1)
    seed: int = Field(default=0, ge=0)
    device: str = "cpu"

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return self.learning_rate
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return 0.5 * self.learning_rate * (1 + math.cos(math.pi * done))
