"""Batches prepared in the background, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any, Protocol

import torch
from numpy.typing import NDArray

Batch = Mapping[str, torch.Tensor]
"""Tensors by name; the first axis of each counts examples."""


class Batches(Protocol):
    """Examples for every step, each a function of the step and its row alone.

    Nothing is drawn from a generator that goes on from step to step. So a resumed training sees the
    same examples as one that was never interrupted, several processes the same as one, and batches
    may be prepared in any order.

    Attributes
    ----------
    sha256
        Hexadecimal digest of everything that determines the batches but their size.

    Examples
    --------
    >>> import numpy as np
    >>> class Normals:
    ...     sha256 = "seed 0"
    ...
    ...     def draw(self, step, rows):
    ...         rngs = [np.random.default_rng((0, step, row)) for row in rows]
    ...         return {"x": np.array([rng.standard_normal(3) for rng in rngs])}
    >>> batches: Batches = Normals()
    >>> half = batches.draw(7, range(2, 4))["x"]
    >>> bool((half == batches.draw(7, range(4))["x"][2:]).all())
    True
    """

    sha256: str

    def draw(self, step: int, rows: range) -> Mapping[str, NDArray[Any]]:
        """Arrays by name: some rows of the batch of a step, counted from 0."""
        ...


@contextmanager
def prefetched(
    batches: Batches, steps: range, rows: range, device: torch.device, *, workers: int, ahead: int
) -> Iterator[Iterator[Batch]]:
    """Batches of some steps in order, on the device; threads prepare them ahead of time.

    Parameters
    ----------
    batches
        Where they come from.
    steps
        Which, in which order.
    rows
        Of each.
    device
        Where the tensors shall be; for a GPU they are copied while it works.
    workers, ahead
        Threads, and batches prepared ahead.

    Examples
    --------
    >>> import numpy as np
    >>> class Count:
    ...     sha256 = ""
    ...
    ...     def draw(self, step, rows):
    ...         return {"x": np.arange(rows.start, rows.stop) + 10 * step}
    >>> cpu = torch.device("cpu")
    >>> with prefetched(Count(), range(3, 5), range(2), cpu, workers=1, ahead=2) as ready:
    ...     [batch["x"].tolist() for batch in ready]
    [[30, 31], [40, 41]]
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batches")

    def prepare(step: int) -> dict[str, torch.Tensor]:
        tensors = {name: torch.as_tensor(x) for name, x in batches.draw(step, rows).items()}
        return {n: t.pin_memory() for n, t in tensors.items()} if device.type == "cuda" else tensors

    def ready() -> Generator[Batch, None, None]:
        waiting: deque[Future[dict[str, torch.Tensor]]] = deque()
        coming = iter(steps)
        for _ in steps:
            while len(waiting) < ahead and (step := next(coming, None)) is not None:
                waiting.append(pool.submit(prepare, step))
            batch = waiting.popleft().result()
            yield {name: t.to(device, non_blocking=True) for name, t in batch.items()}

    try:
        with closing(ready()) as iterator:
            yield iterator
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
