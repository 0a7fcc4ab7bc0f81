"""Forward, backward and optimiser step of a training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import nn

from openmm_genmd.training.distributed import Processes
from openmm_genmd.training.prefetch import Batch, Batches
from openmm_genmd.training.step_profile import StepProfile
from openmm_genmd.training.trainer_config import Precision, TrainerConfig
from openmm_genmd.training.weight_average import WeightAverage


@dataclass(frozen=True)
class LossTerms:
    """A loss before its mean is taken, so that the mean may go over several processes.

    Attributes
    ----------
    total
        Scalar, sum of all terms of the batch.
    count
        Scalar, how many they are: those that no mask leaves out.

    Examples
    --------
    >>> terms = LossTerms(torch.tensor(6.0), torch.tensor(4.0))
    >>> float(terms.total / terms.count)
    1.5
    """

    total: torch.Tensor
    count: torch.Tensor


class _Terms(nn.Module):
    """The loss as the output of a module, which is what distributed training hooks into."""

    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Batch], LossTerms]) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        terms = self.loss(self.model, batch)
        return terms.total, terms.count


class Optimization:
    """A model, its optimiser and its average, and how they take a step.

    Parameters
    ----------
    model
        Moved to the device of this process.
    loss
        Called with the model and a batch.
    config
        The optimisation.
    processes
        This one among those that train together.

    Examples
    --------
    >>> def loss(model, batch):
    ...     return LossTerms((model(batch["x"]) ** 2).sum(), torch.tensor(4.0))
    >>> cpu = torch.device("cpu")
    >>> parts = Optimization(nn.Linear(1, 1), loss, TrainerConfig(), Processes(0, 1, cpu))
    >>> loss_and_norm = parts.run_step(0, {"x": torch.ones(4, 1)}, StepProfile(cpu))
    >>> loss_and_norm.shape
    torch.Size([2])
    """

    def __init__(
        self,
        model: nn.Module,
        loss: Callable[[nn.Module, Batch], LossTerms],
        config: TrainerConfig,
        processes: Processes,
    ) -> None:
        self._config, self._processes = config, processes
        self.model = model.to(processes.device)
        self.average = WeightAverage(self.model, config.average_decay)
        if config.compile:
            self.model.compile()  # in place: names of weights stay
        self._loss = loss
        self._terms = processes.wrap(_Terms(self.model, loss))
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )

    def run_step(self, step: int, batch: Batch, profile: StepProfile) -> torch.Tensor:
        """Loss and gradient norm ``(2,)``, on the device, of a step counted from 0."""
        # Dropout is a function of the step too: a resumed training repeats it.
        torch.manual_seed(hash((self._config.seed, step, self._processes.rank)) % 2**63)
        self._optimizer.param_groups[0]["lr"] = self._config.learning_rate_at(step)
        self._optimizer.zero_grad()
        with self._autocast():
            total, count = self._terms(batch)
        # Processes have different numbers of terms; gradients are averaged over processes.
        loss = total * (self._processes.count / self._processes.sum(count))
        profile.lap("forward")
        torch.autograd.backward(loss)
        profile.lap("backward")
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self._config.clip_norm)
        self._optimizer.step()
        self.average.update(step + 1)
        profile.lap("optimizer")
        return torch.stack([loss.detach().float(), norm.float()])

    @torch.no_grad()
    def validate(self, batches: Batches, rows: range) -> float:
        """Mean loss of the averaged model over the first few batches."""
        sums = torch.zeros(2, device=self._processes.device, dtype=torch.float64)
        for number in range(self._config.validation_batches):
            arrays = batches.draw(number, rows)
            batch = {n: torch.as_tensor(x).to(self._processes.device) for n, x in arrays.items()}
            with self._autocast():
                terms = self._loss(self.average.model, batch)
            sums += torch.stack([terms.total.double(), terms.count.double()])
        total, count = self._processes.sum(sums).tolist()
        return cast(float, total / count)

    def state(self) -> dict[str, Any]:
        """Everything that a resumed training needs, for `torch.save`."""
        return {
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.model.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])

    def _autocast(self) -> torch.autocast:
        enabled = self._config.precision == "bfloat16"
        return torch.autocast(self._processes.device.type, torch.bfloat16, enabled=enabled)


@contextmanager
def matmul_precision(precision: Precision) -> Iterator[None]:
    """While it lasts, ``tf32`` lets a GPU round the factors of float32 matrix products.

    Examples
    --------
    >>> with matmul_precision("tf32"):
    ...     torch.get_float32_matmul_precision()
    'high'
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else before)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
