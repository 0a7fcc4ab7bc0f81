"""Training of any model on batches of examples: `Trainer`."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from openmm_genmd.training.distributed import Processes
from openmm_genmd.training.optimization import LossTerms, Optimization, matmul_precision
from openmm_genmd.training.prefetch import Batch, Batches, prefetched
from openmm_genmd.training.state_file import read_state
from openmm_genmd.training.step_profile import StepProfile
from openmm_genmd.training.trainer_config import TrainerConfig
from openmm_genmd.training.trainer_state import TrainingLog, write_trainer_state
from openmm_genmd.training.training_progress import DivergedError, TrainingProgress

WriteCheckpoint = Callable[[Path, nn.Module, dict[str, Any]], object]
"""Writes the averaged model, and what is known about it, at a path."""


class Trainer:
    """A training that can be interrupted at any moment and goes on bit-exactly on the CPU.

    Minimises the loss with AdamW. The averaged model is validated; the best so far is kept at
    ``out``, the last at ``*.last.safetensors``, the state at ``*.state``, the log at ``*.jsonl``.
    Without validation batches the training loss since the last comparison says which is best.

    Parameters
    ----------
    model
        Moved to the device of this process.
    loss
        Called with the model and a batch.
    batches
        Examples to train on.
    config
        The optimisation.
    out
        The checkpoint, ``*.safetensors``.
    write_checkpoint
        Writes it.
    identity
        Says which model this is; with the data, the batch size and the seed it must be the same
        for a training to resume. Everything else, such as the number of steps, may change.
    validation
        Other examples. The first few batches, always the same, are used.
    processes
        This one among those that train together.
    resume
        Continue from the state if there is one; otherwise begin anew.

    Raises
    ------
    ValueError
        If the state belongs to another training or is damaged.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> class Line:  # y = 2 x
    ...     sha256 = "a line"
    ...
    ...     def draw(self, step, rows):
    ...         x = np.random.default_rng(step).normal(size=(8, 1)).astype(np.float32)[rows]
    ...         return {"x": x, "y": 2 * x}
    >>> def squares(model, batch):
    ...     errors = (model(batch["x"]) - batch["y"]) ** 2
    ...     return LossTerms(errors.sum(), torch.tensor(float(errors.numel())))
    >>> config = TrainerConfig(steps=200, batch_size=8, learning_rate=0.1, average_decay=0.9)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = Trainer(
    ...         nn.Linear(1, 1),
    ...         squares,
    ...         Line(),
    ...         config,
    ...         Path(folder) / "line.safetensors",
    ...         write_checkpoint=lambda path, model, notes: None,
    ...     ).run()
    >>> result.step, bool(result.loss < 0.01)
    (200, True)
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module, Batch], LossTerms],
        batches: Batches,
        config: TrainerConfig,
        out: Path,
        *,
        write_checkpoint: WriteCheckpoint,
        identity: str = "",
        validation: Batches | None = None,
        processes: Processes | None = None,
        resume: bool = False,
    ) -> None:
        self._began = time.perf_counter()
        self.config, self.out = config, out
        self._processes = processes or Processes(0, 1, torch.device(config.device))
        self._rows = self._processes.rows(config.batch_size)
        self._batches, self._validation = batches, validation
        self._write_checkpoint = write_checkpoint
        self._identity = f"{identity} {batches.sha256} {config.batch_size} {config.seed}"
        self._step = self._best_step = 0
        self._best_loss = self._logged_loss = math.inf
        self._since_best: list[float] = []  # losses, where there is no validation
        self._since_row: list[tuple[float, float]] = []  # losses and gradient norms
        self._recent: list[torch.Tensor] = []  # the same, still on the device
        self._profile = StepProfile(self._processes.device)
        self._optimization = Optimization(model, loss, config, self._processes)
        state = out.with_suffix(".state")
        if resume and state.exists():
            self._set_state(read_state(state, self._identity))
        elif self._writes:
            state.unlink(missing_ok=True)  # or a later resume would go on from an older training
        self._log = TrainingLog(out.with_suffix(".jsonl"), self._step) if self._writes else None

    @property
    def step(self) -> int:
        """Steps done."""
        return self._step

    @property
    def progress(self) -> TrainingProgress:
        """How far it is."""
        loss = self._logged_loss if math.isfinite(self._logged_loss) else math.nan
        return TrainingProgress(
            self._step,
            loss,
            self._best_loss,
            self._best_step,
            time.perf_counter() - self._began,
            self._profile.seconds(),
        )

    def run(
        self, report: Callable[[int, float, float], None] = lambda step, loss, best: None
    ) -> TrainingProgress:
        """Run to the end.

        Parameters
        ----------
        report
            Called after each step with the number of steps, the last logged loss and the best
            validation loss.

        Raises
        ------
        DivergedError
            If a loss or gradient is not finite. The files are those of before.
        """
        config = self.config
        steps = range(self._step, config.steps)
        device = self._processes.device
        with (
            torch.random.fork_rng([device] if device.type == "cuda" else []),
            matmul_precision(config.precision),
            prefetched(
                self._batches,
                steps,
                self._rows,
                device,
                workers=config.workers,
                ahead=config.prefetch,
            ) as batches,
        ):
            self._profile.restart()
            for batch in batches:
                self._profile.lap("data")
                self._recent.append(self._optimization.run_step(self._step, batch, self._profile))
                self._step += 1
                self._after_step()
                report(self._step, self._logged_loss, self._best_loss)
                self._profile.lap("other")
        return self.progress

    @property
    def _writes(self) -> bool:
        return self._processes.is_first

    def _after_step(self) -> None:
        """All by the step alone, so that a resumed training does the same."""

        def due(interval: int) -> bool:
            return self._step % interval == 0 or self._step == self.config.steps

        row, validate, save = (
            due(interval)
            for interval in (
                self.config.log_interval,
                self.config.validation_interval,
                self.config.state_interval,
            )
        )
        if row or validate or save:
            self._read_recent()
        extra = {"validation_loss": self._validate()} if validate else {}
        if row or validate:
            self._write_row(extra)
        if save:
            self._save()

    def _read_recent(self) -> None:
        if not self._recent:
            return
        values = self._processes.sum(torch.stack(self._recent)) / self._processes.count
        self._recent = []
        rows = [(row[0], row[1]) for row in values.tolist()]
        for step, (loss, norm) in enumerate(rows, self._step - len(rows) + 1):
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise self._diverged(loss, norm, step)
        self._since_row += rows
        self._since_best += [loss for loss, _ in rows]

    def _diverged(self, loss: float, norm: float, step: int) -> DivergedError:
        state = self.out.with_suffix(".state")
        remedy = (
            f"{state} holds the last good state: use --resume with a lower --learning-rate"
            if state.exists()
            else "no state has been written yet: begin again with a lower --learning-rate"
        )
        return DivergedError(
            f"loss {loss:g} with a gradient norm of {norm:g} at step {step}; expected finite "
            f"numbers. {remedy}, and look for broken frames if that does not help"
        )

    def _validate(self) -> float:
        if self._validation is None:
            value = sum(self._since_best) / len(self._since_best)
        else:
            value = self._optimization.validate(self._validation, self._rows)
        self._since_best = []
        if value < self._best_loss:
            self._best_loss, self._best_step = value, self._step
            if self._writes:
                self._write_checkpoint(self.out, self._optimization.average.model, self._notes())
        self._profile.lap("validation")
        return value

    def _notes(self) -> dict[str, Any]:
        return {
            "step": self._step,
            "best_loss": self._best_loss if self._best_step else None,  # JSON has no infinity
            "best_step": self._best_step,
            "training_seconds": time.perf_counter() - self._began,
        }

    def _write_row(self, extra: dict[str, float]) -> None:
        n = len(self._since_row)
        self._logged_loss = sum(loss for loss, _ in self._since_row) / n
        row = {
            "step": self._step,
            "loss": self._logged_loss,
            "gradient_norm": sum(norm for _, norm in self._since_row) / n,
            "learning_rate": self.config.learning_rate_at(self._step - 1),
            **extra,
            "seconds": time.perf_counter() - self._began,
            "data_share": self.progress.data_share,
        }
        self._since_row = []
        if self._log is not None:
            self._log.write(row)

    def _save(self) -> None:
        if not self._writes:
            return
        last = self.out.with_suffix(".last.safetensors")
        self._write_checkpoint(last, self._optimization.average.model, self._notes())
        state = {
            "identity": self._identity,
            **self._optimization.state(),
            "numbers": [self._step, self._best_step, self._best_loss, self._logged_loss],
            "since_best": self._since_best,
            "since_row": [list(row) for row in self._since_row],
            "seconds": time.perf_counter() - self._began,
            "profile": self._profile.seconds(),
        }
        write_trainer_state(self.out.with_suffix(".state"), state)

    def _set_state(self, state: dict[str, Any]) -> None:
        self._optimization.set_state(state)
        self._step, self._best_step, self._best_loss, self._logged_loss = state["numbers"]
        self._since_best = state["since_best"]
        self._since_row = [(row[0], row[1]) for row in state["since_row"]]
        self._began -= state["seconds"]
        self._profile = StepProfile(self._processes.device, state["profile"])
