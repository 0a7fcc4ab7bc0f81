"""``genmd train biomd``: a model of trajectories of a receptor and its ligand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from openmm_genmd.cli import training_options
from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.training_options import (
    DATA,
    FIT,
    MODEL,
    chosen,
    learning_rate_of_size,
    trainer_values,
)
from openmm_genmd.cli.training_output import require_checkpoint_name, run_training

if TYPE_CHECKING:
    from openmm_genmd.training.bio_md_training import BioMDTrainingConfig

_LEARNING_RATES = {"tiny": 2e-3, "paper": 1e-4}


def biomd(
    folder: Annotated[
        list[Path], typer.Argument(help="Folder that genmd unbind prepare made, or one like it.")
    ],
    out: training_options.Out,
    resume: training_options.Resume = False,
    seed: training_options.Seed = 0,
    device: training_options.Device = "cpu",
    max_work_kcal_per_mol: Annotated[
        float | None,
        typer.Option(
            help="Leave out trajectories into which more work was put.", rich_help_panel=DATA
        ),
    ] = None,
    all_trajectories: Annotated[
        bool,
        typer.Option(
            "--all-trajectories",
            help="Learn also from those that do not end in a stable exit.",
            rich_help_panel=DATA,
        ),
    ] = False,
    progress_frames: Annotated[
        int,
        typer.Option(
            help="Frames of equal progress of the ligand that a path has until its exit.",
            rich_help_panel=DATA,
        ),
    ] = 100,
    by_time: Annotated[
        bool,
        typer.Option(
            "--by-time",
            help="Take frames as they are, at equal times, for trajectories that are no exits.",
            rich_help_panel=DATA,
        ),
    ] = False,
    pocket_nm: Annotated[
        float | None,
        typer.Option(
            help="Model only residues so near the ligand in the first frame.",
            rich_help_panel=DATA,
        ),
    ] = None,
    validation_fraction: Annotated[
        float,
        typer.Option(help="Trajectories held out to choose the best by.", rich_help_panel=DATA),
    ] = 0.1,
    size: Annotated[
        str,
        typer.Option(
            help="tiny: half a million parameters, for a hundred atoms and a CPU. paper: 341 "
            "million, for a GPU.",
            rich_help_panel=MODEL,
        ),
    ] = "tiny",
    parameterisation: Annotated[
        str,
        typer.Option(
            help="rel: displacements, explores. abs: coordinates, reproduces.",
            rich_help_panel=MODEL,
        ),
    ] = "rel",
    coarse_factor: Annotated[
        int, typer.Option(help="Frames of the data per coarse frame.", rich_help_panel=MODEL)
    ] = 10,
    block_frames: Annotated[
        int, typer.Option(help="Coarse frames generated at once.", rich_help_panel=MODEL)
    ] = 5,
    history_frames: Annotated[
        int, typer.Option(help="Coarse frames looked back at, at most.", rich_help_panel=MODEL)
    ] = 2,
    random_rotations: Annotated[
        bool,
        typer.Option(
            "--random-rotations",
            help="Turn every example at random instead of into the receptor's own orientation.",
            rich_help_panel=FIT,
        ),
    ] = False,
    fine_share: Annotated[
        float,
        typer.Option(
            help="Share of steps that learn the frames between coarse ones.", rich_help_panel=FIT
        ),
    ] = 0.2,
    steps: training_options.Steps = 4000,
    batch_size: Annotated[
        int, typer.Option(help="Windows per step, of all processes.", rich_help_panel=FIT)
    ] = 8,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="After the warm-up; falls to 0. By default 2e-3 (tiny) or 1e-4 (paper).",
            rich_help_panel=FIT,
        ),
    ] = None,
    average_decay: training_options.AverageDecay = 0.998,
    validation_interval: training_options.ValidationInterval = 250,
    state_interval: training_options.StateInterval = 250,
    precision: training_options.Precision = "float32",
    workers: training_options.Workers = 1,
) -> None:
    """Learn how a ligand leaves its receptor, from trajectories of all heavy atoms.

    The model proposes the next frames for `genmd unbind run`. Its frames carry no Boltzmann weight
    and no physical time, so trajectories of any kind may be learned from: steered pulls,
    metadynamics, plain dynamics. Several folders make one model.

    Paths are smoothed and divided into frames of equal progress, for in time they are a long
    dwelling and a sudden leap. Of --progress-frames every --coarse-factor-th one makes a leap: ten
    leaps until the exit by default.

    At OUT is the model with the lowest validation loss; beside it lie `*.last.safetensors`, the
    last one, `*.jsonl`, the course of the training, and `*.state`, from which `--resume` continues
    a killed training as if nothing had happened, or a finished one with more --steps.

    Example: genmd train biomd data/cb7-b2 --out cb7-b2.safetensors

    Next: genmd unbind run --system cb7-b2 --model cb7-b2.safetensors --out run1

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or the work fails.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    with stopping_on((ValueError, OSError), "genmd train biomd", console):
        _train(options, console)


def _train(options: dict[str, Any], console: Console) -> None:
    from openmm_genmd.training.bio_md_folders import read_complexes
    from openmm_genmd.training.bio_md_training import train_bio_md

    out = require_checkpoint_name(options["out"])
    config = _config(options)
    sources = [
        source
        for folder in options["folder"]
        for source in read_complexes(
            folder,
            pocket_nm=options["pocket_nm"],
            highest_work_kcal_per_mol=options["max_work_kcal_per_mol"],
            stable_exits_only=not options["all_trajectories"],
            progress_frames=None if options["by_time"] else options["progress_frames"],
        )
    ]
    notes = {"folders": [str(folder) for folder in options["folder"]]}
    run_training(
        partial(train_bio_md, sources, config, out, notes=notes, resume=options["resume"]),
        out,
        config.training,
        console,
        data=[
            f"{source.name}: {len(source.positions_nm)} trajectories of {len(source.atoms)} "
            f"heavy atoms, {source.atoms.is_ligand.sum()} of them the ligand's"
            for source in sources
        ],
    )


def _config(options: dict[str, Any]) -> BioMDTrainingConfig:
    from openmm_genmd.training.bio_md_training import BioMDTrainingConfig

    given = options | {"learning_rate": learning_rate_of_size(options, _LEARNING_RATES)}
    values = {
        "model": _model(options)
        | chosen(options, "coarse_factor", "block_frames", "history_frames"),
        "training": trainer_values(given, "precision", "workers", most_warmup_steps=100),
        **chosen(options, "fine_share", "random_rotations", "validation_fraction"),
    }
    return BioMDTrainingConfig.model_validate(values)


def _model(options: dict[str, Any]) -> dict[str, Any]:
    from openmm_genmd.models.bio_md_config import BioMDConfig

    parameterisation = options["parameterisation"]
    if parameterisation not in ("rel", "abs"):
        raise ValueError(f"--parameterisation must be rel or abs, got {parameterisation!r}")
    made = BioMDConfig.tiny if options["size"] == "tiny" else BioMDConfig.paper
    return made(parameterisation).model_dump()
