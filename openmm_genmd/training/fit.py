"""Maximum-likelihood fit of a torus density: `DensityFit`."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
from openmm_genmd.training.config import TrainingConfig
from openmm_genmd.training.sampler import FitData, WeightedSampler
from openmm_genmd.training.state_file import read_state, write_state

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FitResult:
    """The best model and how good it is.

    Attributes
    ----------
    model
        Of the validation with the highest likelihood.
    validation_log_likelihood
        Mean log density of held-out frames, states weighted as in training; nats.
    step
        At which it was found.
    steps_run
        Steps until the end.
    seconds
        Wall time of all sessions of the fit.

    Examples
    --------
    >>> model = TorusFlow(TorusFlowConfig(n_torsions=2))
    >>> fit = FitResult(model, -2.176, step=800, steps_run=1800, seconds=20.0)
    >>> uniform = -model.config.n_torsions * np.log(2 * np.pi)
    >>> f"{fit.validation_log_likelihood - uniform:.1f} nats above uniform"
    '1.5 nats above uniform'
    """

    model: TorusFlow
    validation_log_likelihood: float
    step: int
    steps_run: int
    seconds: float


class DensityFit:
    """A fit that can be interrupted at any moment.

    Minimises the mean of -log q over frames drawn with their weights. The uniform floor belongs to
    q, so the flow does not spend effort where the floor suffices. Conditional models see as current
    torsions those of another frame drawn independently with the same weights.

    Parameters
    ----------
    model_config
        The architecture.
    config
        The optimisation.
    data
        Frames, weights and division.
    state_path
        Where the state is kept while the fit runs, beside its log ``*.jsonl``.
    initial
        A model of that architecture to begin with, which then is the first to be validated, so
        that the result is never worse than it; None for a new one.
    resume
        Continue from that file if it exists; otherwise begin anew.
    spent_seconds
        Wall time that preparing this session took; counted with that of the fit.

    Raises
    ------
    ValueError
        If training or validation would have no frame with a weight, or the state belongs to
        another fit.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> rng = np.random.default_rng(0)
    >>> data = FitData(rng.normal(1, 0.3, (400, 1)), np.full(400, 1 / 400), np.arange(400) % 5 == 0)
    >>> config = TrainingConfig(steps=40, validation_interval=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fit = DensityFit(
    ...         TorusFlowConfig(n_torsions=1), config, data, pathlib.Path(folder) / "fit.state"
    ...     )
    ...     result = fit.run()
    >>> bool(result.validation_log_likelihood > -np.log(2 * np.pi))  # better than uniform
    True
    """

    def __init__(
        self,
        model_config: TorusFlowConfig,
        config: TrainingConfig,
        data: FitData,
        state_path: Path,
        *,
        initial: TorusFlow | None = None,
        resume: bool = False,
        spent_seconds: float = 0.0,
    ) -> None:
        self._began = time.perf_counter() - spent_seconds
        self.config, self._path = config, state_path
        self._train = WeightedSampler(data, ~data.held_out, "training")
        self._held_out = WeightedSampler(data, data.held_out, "validation")
        self._rng = np.random.default_rng((config.seed, 1))
        self._model = TorusFlow(model_config, seed=config.seed).to(config.device)
        if initial is not None:
            self._model.load_state_dict(initial.state_dict())
        self._average = copy.deepcopy(self._model)
        self._best = copy.deepcopy(self._model)
        self._optimizer = torch.optim.AdamW(
            self._model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._step = self._best_step = self._since_best = 0
        self._best_value = -math.inf
        self._losses: list[float] = []  # since the last validation
        self._log: list[dict[str, float]] = []
        # Everything that determines the result; a state of another fit must not be continued.
        parts = [model_config.model_dump(mode="json"), config.model_dump(mode="json"), data.sha256]
        if initial is not None:
            parts.append(_digest(initial))
        self._identity = json.dumps(parts)
        if resume and state_path.exists():
            self._set_state(read_state(state_path, self._identity))
        elif initial is not None:
            self._validate()

    @property
    def step(self) -> int:
        """Steps done."""
        return self._step

    @property
    def log(self) -> list[dict[str, float]]:
        """One row per validation: step, training and validation log likelihood, learning rate."""
        return list(self._log)

    def run(self, report: Callable[[int, float], None] = lambda step, best: None) -> FitResult:
        """Run to the end.

        Parameters
        ----------
        report
            Called after each step with the number of steps and the best validation so far.
        """
        config = self.config
        while self._step < config.steps and self._since_best < config.patience:
            self._losses.append(self._train_step())
            # Both by the step alone, so that a resumed fit does the same.
            if self._step % config.validation_interval == 0 or self._step == config.steps:
                self._validate()
            if self._step % config.state_interval == 0:
                self._save()
            report(self._step, self._best_value)
        self._save()
        return FitResult(
            self._best.cpu().eval(), self._best_value, self._best_step, self._step, self._seconds()
        )

    def _train_step(self) -> float:
        config = self.config
        rate = 0.5 * config.learning_rate * (1 + math.cos(math.pi * self._step / config.steps))
        self._optimizer.param_groups[0]["lr"] = rate
        angles = self._train.draw(config.batch_size, self._rng)
        context = self._context(config.batch_size, self._rng)
        angles = angles + config.jitter_rad * self._rng.standard_normal(angles.shape)
        loss = -self._model.log_prob(self._tensor(angles), context).mean()
        self._optimizer.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), 10.0)
        self._optimizer.step()
        self._step += 1
        # Early on the average would remember the beginning: shorten its memory to the history.
        decay = min(config.average_decay, self._step / (self._step + 10))
        with torch.no_grad():
            pairs = zip(self._average.parameters(), self._model.parameters(), strict=True)
            for average, current in pairs:
                average.lerp_(current, 1.0 - decay)
        return float(loss.detach())

    def _validate(self) -> None:
        angles, weights = self._held_out.torsions, self._held_out.weights
        # The same context at each validation, or the comparison would be noisy.
        context = self._context(len(angles), np.random.default_rng((self.config.seed, 2)))
        with torch.no_grad():
            log_prob = self._average.log_prob(self._tensor(angles), context)
        value = float((self._tensor(weights) * log_prob).sum())
        self._since_best += 1
        if value > self._best_value:
            self._best_value, self._best_step, self._since_best = value, self._step, 0
            self._best.load_state_dict(self._average.state_dict())
        self._log.append(
            {
                "step": self._step,
                "training_log_likelihood": -sum(self._losses) / max(1, len(self._losses)),
                "validation_log_likelihood": value,
                "learning_rate": self._optimizer.param_groups[0]["lr"],
            }
        )
        self._losses = []

    def _save(self) -> None:
        state = {
            "identity": self._identity,
            "model": self._model.state_dict(),
            "average": self._average.state_dict(),
            "best": self._best.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "rng": json.dumps(self._rng.bit_generator.state),
            "numbers": [self._step, self._best_step, self._since_best, self._best_value],
            "losses": self._losses,
            "seconds": self._seconds(),
            "log": json.dumps(self._log),
        }
        write_state(self._path, state, self._log)

    def _set_state(self, state: dict[str, Any]) -> None:
        self._model.load_state_dict(state["model"])
        self._average.load_state_dict(state["average"])
        self._best.load_state_dict(state["best"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._rng.bit_generator.state = json.loads(state["rng"])
        self._step, self._best_step, self._since_best, self._best_value = state["numbers"]
        self._losses = state["losses"]
        self._began -= state["seconds"]
        self._log = json.loads(state["log"])

    def _seconds(self) -> float:
        return time.perf_counter() - self._began

    def _tensor(self, array: Array) -> torch.Tensor:
        return torch.as_tensor(array, device=self.config.device)

    def _context(self, n: int, rng: np.random.Generator) -> torch.Tensor | None:
        return self._tensor(self._train.draw(n, rng)) if self._model.config.conditional else None


def _digest(model: TorusFlow) -> str:
    digest = hashlib.sha256()
    for parameter in model.parameters():
        digest.update(parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()
