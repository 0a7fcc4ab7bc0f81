"""Several processes that train one model together, started by ``torchrun``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

# Its functions have the process group of the moment of this import as a default argument. Imported
# later, by torch's compiler, it would keep the group and its threads alive to the very end of the
# process, where a thread that has yet to drop a tensor aborts it.
import torch.distributed.nn
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class Processes:
    """Place of this process among those that train together.

    Attributes
    ----------
    rank
        Number of this one, from 0.
    count
        How many there are.
    device
        Of this one.

    Examples
    --------
    >>> [Processes(rank, 3, torch.device("cpu")).rows(8) for rank in range(3)]
    [range(0, 2), range(2, 5), range(5, 8)]
    """

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def rows(self, batch_size: int) -> range:
        """Rows of each batch that this process works on.

        Raises
        ------
        ValueError
            If there are fewer rows than processes.
        """
        if batch_size < self.count:
            raise ValueError(
                f"a batch of {batch_size} cannot be divided among {self.count} processes; use a "
                "larger --batch-size"
            )
        edges = [rank * batch_size // self.count for rank in (self.rank, self.rank + 1)]
        return range(*edges)

    def sum(self, values: torch.Tensor) -> torch.Tensor:
        """Sum of a tensor over all processes, the same in each."""
        total = values.detach().clone()
        if self.count > 1:
            distributed.all_reduce(total)
        return total

    def wrap(self, module: nn.Module) -> nn.Module:
        """Return the module, with its gradients averaged over the processes."""
        if self.count == 1:
            return module
        devices = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(module, device_ids=devices)


@contextmanager
def training_processes(device: str) -> Iterator[Processes]:
    """Place of this process among those of ``torchrun``; it is alone without it.

    Parameters
    ----------
    device
        ``cpu``, or ``cuda``: each process takes the GPU of its local rank.

    Raises
    ------
    ValueError
        If the device is not there.

    Examples
    --------
    >>> with training_processes("cpu") as processes:
    ...     processes.rank, processes.count
    (0, 1)
    """
    count, local_rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    chosen = device_named(device, local_rank if count > 1 else None)
    if count == 1:
        yield Processes(0, 1, chosen)
        return
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo")
    try:
        yield Processes(distributed.get_rank(), count, chosen)
    finally:
        distributed.destroy_process_group()


def device_named(name: str, local_rank: int | None = None) -> torch.device:
    """Return the device of a name, or the GPU of a local rank if the name is that of GPUs.

    Parameters
    ----------
    name
        ``cpu``, ``cuda``, or ``cuda:1``.
    local_rank
        Of this process on its machine; None if it is alone.

    Raises
    ------
    ValueError
        If there is no such device.

    Examples
    --------
    >>> device_named("cpu")
    device(type='cpu')
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"--device must be cpu or cuda, got {name!r}") from None
    if device.type != "cuda":
        return device
    found = torch.cuda.device_count()
    wanted = local_rank if local_rank is not None else (device.index or 0)
    if wanted >= found:
        raise ValueError(
            f"--device {name} needs GPU number {wanted}, but {found} are there; use cpu, or fewer "
            "processes"
        )
    return torch.device("cuda", wanted)
