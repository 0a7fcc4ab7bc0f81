"""Positions as torch tensors, for proposers that ask for them: shared memory, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def from_memory(capsule: Any) -> Any:
    """Tensor ``(n, 3)`` float64, nm, in the memory of a DLPack capsule, on its device, not copied.

    Parameters
    ----------
    capsule
        A PyCapsule called ``dltensor``, or any object with ``__dlpack__``.
    """
    import torch

    return torch.from_dlpack(capsule)  # type: ignore[no-untyped-call, attr-defined, unused-ignore]


def beside(array: NDArray[np.float64], tensor: Any) -> Any:
    """Tensor with the numbers of an array on the device of another tensor."""
    import torch

    return torch.from_numpy(array).to(tensor.device)


def to_numpy(answer: Any) -> Any:
    """NumPy array of a tensor, after all work on its device is done; anything else as it is."""
    if not hasattr(answer, "detach"):
        return answer
    if answer.is_cuda:
        import torch

        # The memory that was shown is used again: nothing may still be reading it.
        torch.cuda.synchronize(answer.device)
    return answer.detach().cpu().numpy()
