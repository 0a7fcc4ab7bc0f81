"""``genmd train biomd``: a model of trajectories of a receptor and its ligand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.progress import counting_progress
from openmm_genmd.cli.training_output import require_checkpoint_name, training_report

if TYPE_CHECKING:
    from openmm_genmd.training.bio_md_training import BioMDTrainingConfig

_DATA, _MODEL, _FIT, _SPEED = "Data", "Model", "Fit", "Speed"

_LEARNING_RATES = {"tiny": 2e-3, "paper": 1e-4}


def biomd(
    folder: Annotated[
        list[Path], typer.Argument(help="Folder that genmd unbind prepare made, or one like it.")
    ],
    out: Annotated[Path, typer.Option(help="The checkpoint to write, *.safetensors.")],
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Continue an interrupted training with the same data, seed, model and batch "
            "size; other options may change, --steps for instance.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    max_work_kcal_per_mol: Annotated[
        float | None,
        typer.Option(
            help="Leave out trajectories into which more work was put.", rich_help_panel=_DATA
        ),
    ] = None,
    all_trajectories: Annotated[
        bool,
        typer.Option(
            "--all-trajectories",
            help="Learn also from those that do not end in a stable exit.",
            rich_help_panel=_DATA,
        ),
    ] = False,
    progress_frames: Annotated[
        int,
        typer.Option(
            help="Frames of equal progress of the ligand that a path has until its exit.",
            rich_help_panel=_DATA,
        ),
    ] = 100,
    by_time: Annotated[
        bool,
        typer.Option(
            "--by-time",
            help="Take frames as they are, at equal times, for trajectories that are no exits.",
            rich_help_panel=_DATA,
        ),
    ] = False,
    pocket_nm: Annotated[
        float | None,
        typer.Option(
            help="Model only residues so near the ligand in the first frame.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    validation_fraction: Annotated[
        float,
        typer.Option(help="Trajectories held out to choose the best by.", rich_help_panel=_DATA),
    ] = 0.1,
    size: Annotated[
        str,
        typer.Option(
            help="tiny: half a million parameters, for a hundred atoms and a CPU. paper: 341 "
            "million, for a GPU.",
            rich_help_panel=_MODEL,
        ),
    ] = "tiny",
    parameterisation: Annotated[
        str,
        typer.Option(
            help="rel: displacements, explores. abs: coordinates, reproduces.",
            rich_help_panel=_MODEL,
        ),
    ] = "rel",
    coarse_factor: Annotated[
        int, typer.Option(help="Frames of the data per coarse frame.", rich_help_panel=_MODEL)
    ] = 10,
    block_frames: Annotated[
        int, typer.Option(help="Coarse frames generated at once.", rich_help_panel=_MODEL)
    ] = 5,
    history_frames: Annotated[
        int, typer.Option(help="Coarse frames looked back at, at most.", rich_help_panel=_MODEL)
    ] = 2,
    random_rotations: Annotated[
        bool,
        typer.Option(
            "--random-rotations",
            help="Turn every example at random instead of into the receptor's own orientation.",
            rich_help_panel=_FIT,
        ),
    ] = False,
    fine_share: Annotated[
        float,
        typer.Option(
            help="Share of steps that learn the frames between coarse ones.", rich_help_panel=_FIT
        ),
    ] = 0.2,
    steps: Annotated[int, typer.Option(help="Optimiser steps.", rich_help_panel=_FIT)] = 4000,
    batch_size: Annotated[
        int, typer.Option(help="Windows per step, of all processes.", rich_help_panel=_FIT)
    ] = 8,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="After the warm-up; falls to 0. By default 2e-3 (tiny) or 1e-4 (paper).",
            rich_help_panel=_FIT,
        ),
    ] = None,
    average_decay: Annotated[
        float,
        typer.Option(help="Of the moving average of the weights.", rich_help_panel=_FIT),
    ] = 0.998,
    validation_interval: Annotated[
        int, typer.Option(help="Steps between validations.", rich_help_panel=_FIT)
    ] = 250,
    state_interval: Annotated[
        int, typer.Option(help="Steps between states to resume from.", rich_help_panel=_FIT)
    ] = 250,
    precision: Annotated[
        str,
        typer.Option(help="float32, tf32 or bfloat16; on a GPU.", rich_help_panel=_SPEED),
    ] = "float32",
    workers: Annotated[
        int, typer.Option(help="Threads that prepare batches.", rich_help_panel=_SPEED)
    ] = 1,
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
    from openmm_genmd.training.distributed import training_processes
    from openmm_genmd.training.step_profile import describe_profile

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
    out.parent.mkdir(parents=True, exist_ok=True)
    with training_processes(options["device"]) as processes:
        console.quiet = not processes.is_first
        for source in sources:
            console.print(
                f"{source.name}: {len(source.positions_nm)} trajectories of {len(source.atoms)} "
                f"heavy atoms, {source.atoms.is_ligand.sum()} of them the ligand's",
                highlight=False,
            )
        with counting_progress(console) as progress:
            result = train_bio_md(
                sources,
                config,
                out,
                processes=processes,
                notes={"folders": [str(folder) for folder in options["folder"]]},
                resume=options["resume"],
                report=training_report(progress, config.training.steps),
            )
        console.print(
            f"{out}: best validation loss {result.best_loss:.4g} at step {result.best_step} of "
            f"{result.step}, {result.seconds:.0f} s; time: {describe_profile(result.profile)}",
            highlight=False,
            soft_wrap=True,
        )


def _config(options: dict[str, Any]) -> BioMDTrainingConfig:
    from openmm_genmd.training.bio_md_training import BioMDTrainingConfig

    def take(*names: str) -> dict[str, Any]:
        return {name: options[name] for name in names}

    rate = options["learning_rate"]
    model = _model(options)
    values = {
        "model": {**model, **take("coarse_factor", "block_frames", "history_frames")},
        "training": {
            **take("steps", "batch_size", "average_decay", "validation_interval"),
            **take("state_interval", "precision", "workers", "seed", "device"),
            "learning_rate": _LEARNING_RATES[options["size"]] if rate is None else rate,
            "warmup_steps": min(100, options["steps"] // 10),
        },
        **take("fine_share", "random_rotations", "validation_fraction"),
    }
    return BioMDTrainingConfig.model_validate(values)


def _model(options: dict[str, Any]) -> dict[str, Any]:
    from openmm_genmd.models.bio_md_config import BioMDConfig

    size, parameterisation = options["size"], options["parameterisation"]
    if size not in _LEARNING_RATES:
        raise ValueError(f"--size must be {' or '.join(_LEARNING_RATES)}, got {size!r}")
    if parameterisation not in ("rel", "abs"):
        raise ValueError(f"--parameterisation must be rel or abs, got {parameterisation!r}")
    made = BioMDConfig.tiny if size == "tiny" else BioMDConfig.paper
    return made(parameterisation).model_dump()
