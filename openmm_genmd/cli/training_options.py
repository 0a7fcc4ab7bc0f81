"""Options that several trainings have, and settings made of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

DATA, MODEL, FIT, SPEED = "Data", "Model", "Fit", "Speed"
"""Panels of the help."""

Out = Annotated[Path, typer.Option(help="The checkpoint to write, *.safetensors.")]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Continue an interrupted training with the same data, seed, model and batch "
        "size; other options may change, --steps for instance.",
    ),
]
Seed = Annotated[int, typer.Option(help="Of everything random.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Validation = Annotated[
    list[Path] | None,
    typer.Option(
        help="Folder of a molecule that is not trained on, to choose the best model by; "
        "without any, frames are held out."
    ),
]
TemperatureK = Annotated[
    float | None,
    typer.Option(help="Of the trajectories, for the record; a folder knows it."),
]
UniformFraction = Annotated[
    float,
    typer.Option(
        help="Share of leaps drawn uniformly, so that no place is out of reach.",
        rich_help_panel=MODEL,
    ),
]
Steps = Annotated[int, typer.Option(help="Optimiser steps.", rich_help_panel=FIT)]
AverageDecay = Annotated[
    float, typer.Option(help="Of the moving average of the weights.", rich_help_panel=FIT)
]
ValidationInterval = Annotated[
    int, typer.Option(help="Steps between validations.", rich_help_panel=FIT)
]
StateInterval = Annotated[
    int, typer.Option(help="Steps between states to resume from.", rich_help_panel=FIT)
]
Precision = Annotated[
    str, typer.Option(help="float32, tf32 or bfloat16; on a GPU.", rich_help_panel=SPEED)
]
Workers = Annotated[int, typer.Option(help="Threads that prepare batches.", rich_help_panel=SPEED)]

_TRAINER = (
    *("steps", "batch_size", "learning_rate", "average_decay", "validation_interval"),
    *("state_interval", "seed", "device"),
)


def chosen(options: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Some of the options, by name.

    Examples
    --------
    >>> chosen({"steps": 10, "seed": 1, "out": "a"}, "steps", "seed")
    {'steps': 10, 'seed': 1}
    """
    return {name: options[name] for name in names}


def trainer_values(
    options: Mapping[str, Any], *names: str, most_warmup_steps: int
) -> dict[str, Any]:
    """Values of a `TrainerConfig`.

    Parameters
    ----------
    options
        All of them, by name.
    *names
        Those that not every training has.
    most_warmup_steps
        A tenth of the steps warms up, but no more than these.

    Examples
    --------
    >>> options = dict.fromkeys(_TRAINER) | {"steps": 500, "precision": "tf32"}
    >>> values = trainer_values(options, "precision", most_warmup_steps=100)
    >>> values["warmup_steps"], values["precision"]
    (50, 'tf32')
    """
    warmup_steps = min(most_warmup_steps, options["steps"] // 10)
    return {**chosen(options, *_TRAINER, *names), "warmup_steps": warmup_steps}


def learning_rate_of_size(options: Mapping[str, Any], by_size: Mapping[str, float]) -> float:
    """Return --learning-rate or, where it is not given, that of a model of this --size.

    Parameters
    ----------
    options
        All of them, by name.
    by_size
        The sizes that there are, and the learning rate of each.

    Raises
    ------
    ValueError
        If there is no such size.

    Examples
    --------
    >>> learning_rate_of_size({"size": "tiny", "learning_rate": None}, {"tiny": 1e-3})
    0.001
    """
    size, rate = options["size"], options["learning_rate"]
    if size not in by_size:
        raise ValueError(f"--size must be {' or '.join(by_size)}, got {size!r}")
    return by_size[size] if rate is None else float(rate)
