"""What all trainings have in common at their end: the file, and how far they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.progress import Progress


def require_checkpoint_name(out: Path) -> Path:
    """Return the path if a checkpoint can have it.

    Raises
    ------
    ValueError
        If its name has another ending.

    Examples
    --------
    >>> require_checkpoint_name(Path("model.safetensors")).name
    'model.safetensors'
    """
    if out.suffix != ".safetensors":
        raise ValueError(f"--out must end in .safetensors, got {out}")
    return out


def training_report(progress: Progress, steps: int) -> Callable[[int, float, float], None]:
    """Return a function of step, loss and best validation loss that moves a bar of its own.

    Parameters
    ----------
    progress
        Where the bar is shown.
    steps
        Of the whole training.
    """
    task = progress.add_task("training", total=steps)

    def report(step: int, loss: float, best: float) -> None:
        described = f"training, loss {loss:.4g}, best validation {best:.4g}"
        progress.update(task, completed=step, description=described)

    return report
