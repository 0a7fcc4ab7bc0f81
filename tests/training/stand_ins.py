"""A small network on small batches, which train in milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import nn

from openmm_genmd.training.optimization import LossTerms
from openmm_genmd.training.trainer import Trainer
from openmm_genmd.training.trainer_config import TrainerConfig


class MaskedCurves:
    """y = sin(3 x), of which a random part is masked."""

    def __init__(self, seed: int = 0) -> None:
        self.sha256, self.seed = f"sin(3 x) {seed}", seed

    def draw(self, step, rows):
        rngs = [np.random.default_rng((self.seed, step, row)) for row in rows]
        x = np.array([rng.uniform(-1, 1, 4) for rng in rngs])
        # The number of terms differs from row to row, and so between processes.
        mask = np.array([np.arange(4) <= rng.integers(4) for rng in rngs])
        return {"x": x, "y": np.sin(3 * x), "mask": mask}


class Network(nn.Module):
    """One hidden layer with dropout, float64."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layers = nn.Sequential(
                nn.Linear(1, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 1)
            ).double()

    def forward(self, x):
        return self.layers(x[..., None])[..., 0]


def squares(model, batch):
    errors = torch.where(batch["mask"], model(batch["x"]) - batch["y"], 0.0)
    return LossTerms(errors.square().sum(), batch["mask"].sum())


def write(path: Path, model: nn.Module, notes) -> None:
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    safetensors.torch.save_file(tensors, path, metadata={"step": str(notes["step"])})


def short(**changes) -> TrainerConfig:
    values = {
        **{"steps": 60, "batch_size": 8, "learning_rate": 0.01, "warmup_steps": 5},
        **{"log_interval": 7, "validation_interval": 15, "state_interval": 20},
        **{"average_decay": 0.9, "validation_batches": 2},
    }
    return TrainerConfig(**values | changes)


def trainer(out: Path, config: TrainerConfig | None = None, **changes) -> Trainer:
    parts = {
        **{"model": Network(), "loss": squares, "batches": MaskedCurves()},
        **{"write_checkpoint": write, "validation": MaskedCurves(seed=1)},
    }
    parts |= changes
    first = (parts.pop(name) for name in ("model", "loss", "batches"))
    return Trainer(*first, config or short(), out, **parts)
