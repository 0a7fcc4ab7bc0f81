"""What all trainings have in common at their end: the file, how far they are, what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from openmm_genmd.cli.progress import counting_progress

if TYPE_CHECKING:
    from openmm_genmd.training.trainer_config import TrainerConfig
    from openmm_genmd.training.training_progress import TrainingProgress


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


def run_training(
    train: Callable[..., TrainingProgress],
    out: Path,
    config: TrainerConfig,
    console: Console,
    *,
    data: Iterable[str],
    remark: Callable[[float], str] = lambda best_loss: "",
) -> None:
    """Train, alone or with the processes of ``torchrun``, of which the first says what happens.

    Parameters
    ----------
    train
        Called with ``processes`` and ``report``; see `TrainingRun`.
    out
        The checkpoint; its folder is made.
    config
        The optimisation.
    console
        Where to say it.
    data
        What to say about the data, line by line.
    remark
        What to say about the best validation loss, beside its value.

    Raises
    ------
    ValueError
        If the device is not there, or the training fails.
    """
    from openmm_genmd.training.distributed import training_processes
    from openmm_genmd.training.step_profile import describe_profile

    out.parent.mkdir(parents=True, exist_ok=True)
    with training_processes(config.device) as processes:
        console.quiet = not processes.is_first
        for line in data:
            console.print(line, highlight=False)
        with counting_progress(console) as progress:
            report = training_report(progress, config.steps)
            result = train(processes=processes, report=report)
        console.print(
            f"{out}: best validation loss {result.best_loss:.5g} at step {result.best_step} of "
            f"{result.step}{remark(result.best_loss)}, {result.seconds:.0f} s with "
            f"{processes.count} process{'es' if processes.count > 1 else ''}; "
            f"time: {describe_profile(result.profile)}",
            highlight=False,
            soft_wrap=True,
        )
