"""What ``genmd train torsions`` says on its way."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from openmm_genmd.msm.states import States
    from openmm_genmd.training.torsions import TorsionTrainingConfig, TrainedTorsions


def print_states(states: States, console: Console) -> None:
    """Say how many states there are, with how many frames."""
    shares = ", ".join(f"{100 * p:.1f} %" for p in states.populations)
    console.print(f"{states.n_states} states with {shares} of the frames", highlight=False)
    for note in states.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True)


def print_result(
    out: Path, trained: TrainedTorsions, config: TorsionTrainingConfig, console: Console
) -> None:
    """Say how good the model is."""
    uniform = -config.model.n_torsions * math.log(2 * math.pi)
    gain = trained.fit.validation_log_likelihood - uniform
    console.print(
        f"{out}: validation log likelihood {trained.fit.validation_log_likelihood:.3f} "
        f"({gain:.3f} nats above uniform) at step {trained.fit.step} of {trained.fit.steps_run}, "
        f"sha256 {trained.sha256[:12]}",
        highlight=False,
        soft_wrap=True,
    )
