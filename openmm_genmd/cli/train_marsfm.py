"""``genmd train marsfm``: a model of transitions between states, for any peptide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.progress import counting_progress
from openmm_genmd.cli.training_output import require_checkpoint_name, training_report

if TYPE_CHECKING:
    from openmm_genmd.training.distributed import Processes
    from openmm_genmd.training.mars_fm_training import MarsFMTrainingConfig
    from openmm_genmd.training.training_progress import TrainingProgress

_MODEL, _FIT, _SPEED = "Model", "Fit", "Speed"

_LEARNING_RATES = {"tiny": 1e-3, "paper": 1e-4}


def marsfm(
    data: Annotated[
        list[Path], typer.Option(help="Folder that genmd msm made; once for each molecule.")
    ],
    out: Annotated[Path, typer.Option(help="The checkpoint to write, *.safetensors.")],
    validation: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a molecule that is not trained on, to choose the best model by; "
            "without any, frames are held out."
        ),
    ] = None,
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
    size: Annotated[
        str,
        typer.Option(
            help="tiny: 0.56 million parameters, for peptides and a CPU. paper: 34 million, for "
            "proteins and a GPU.",
            rich_help_panel=_MODEL,
        ),
    ] = "tiny",
    leaps: Annotated[
        bool,
        typer.Option(
            "--leaps",
            help="Learn torsions alone, for leaps within `genmd run`; otherwise frames and "
            "torsions, for `genmd sample`.",
            rich_help_panel=_MODEL,
        ),
    ] = False,
    path: Annotated[
        str,
        typer.Option(
            help="From noise to data: linear or trigonometric; not for --leaps.",
            rich_help_panel=_MODEL,
        ),
    ] = "linear",
    steps: Annotated[int, typer.Option(help="Optimiser steps.", rich_help_panel=_FIT)] = 20_000,
    batch_size: Annotated[
        int, typer.Option(help="Pairs per step, of all processes.", rich_help_panel=_FIT)
    ] = 128,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="After the warm-up; falls to 0. By default 1e-3 (tiny) or 1e-4 (paper).",
            rich_help_panel=_FIT,
        ),
    ] = None,
    clip_norm: Annotated[float, typer.Option(help="Longest gradient.", rich_help_panel=_FIT)] = 1.0,
    average_decay: Annotated[
        float,
        typer.Option(help="Of the moving average of the weights.", rich_help_panel=_FIT),
    ] = 0.999,
    validation_fraction: Annotated[
        float,
        typer.Option(help="Frames held out without --validation.", rich_help_panel=_FIT),
    ] = 0.1,
    validation_interval: Annotated[
        int, typer.Option(help="Steps between validations.", rich_help_panel=_FIT)
    ] = 500,
    state_interval: Annotated[
        int, typer.Option(help="Steps between states to resume from.", rich_help_panel=_FIT)
    ] = 500,
    precision: Annotated[
        str,
        typer.Option(help="float32, tf32 or bfloat16; on a GPU.", rich_help_panel=_SPEED),
    ] = "float32",
    compile_model: Annotated[
        bool,
        typer.Option(
            "--compile", help="Translate the model first (torch.compile).", rich_help_panel=_SPEED
        ),
    ] = False,
    workers: Annotated[
        int, typer.Option(help="Threads that prepare batches.", rich_help_panel=_SPEED)
    ] = 1,
) -> None:
    """Learn which conformations follow which after a lag time, for any peptide.

    Trains MarS-FM on pairs of frames: the first from any state of a Markov model, all states alike,
    the second from a state that follows it. Many molecules make one model, which then samples
    others of their kind too.

    At OUT is the model with the lowest validation loss; beside it lie `*.last.safetensors`, the
    last one, `*.jsonl`, the course of the training, and `*.state`, from which `--resume` continues
    a killed training as if nothing had happened, or a finished one with more --steps. The report in
    the end says where the time went; if much went to data, use more --workers.

    Several GPUs: torchrun --nproc-per-node 4 --no-python genmd train marsfm --device cuda ...

    Example: genmd train marsfm --data msm/AAAA --data msm/KLVF --validation msm/GIVE
    --out peptides.safetensors

    Next: genmd sample --model peptides.safetensors --pdb start.pdb --out samples.xtc; or, with
    --leaps, genmd run --proposer peptides.safetensors --pdb start.pdb --out run1

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or the work fails.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    with stopping_on((ValueError, OSError), "genmd train marsfm", console):
        _train(options, console)


def _train(options: dict[str, Any], console: Console) -> None:
    from openmm_genmd.training.distributed import training_processes
    from openmm_genmd.training.mars_fm_training import train_mars_fm
    from openmm_genmd.training.pair_folders import open_pair_folder

    out = require_checkpoint_name(options["out"])
    config = _config(options)
    folders = [open_pair_folder(folder) for folder in options["data"]]
    others = [open_pair_folder(folder) for folder in options["validation"] or []]
    out.parent.mkdir(parents=True, exist_ok=True)
    with training_processes(options["device"]) as processes:
        console.quiet = not processes.is_first
        sequences = ", ".join(folder.data.layout.sequence for folder in folders)
        console.print(f"molecules: {sequences}", highlight=False)
        with counting_progress(console) as progress:
            result = train_mars_fm(
                folders,
                config,
                out,
                processes=processes,
                validation_folders=others,
                resume=options["resume"],
                report=training_report(progress, config.training.steps),
            )
        _print_result(out, result, config, processes, console)


def _config(options: dict[str, Any]) -> MarsFMTrainingConfig:
    from openmm_genmd.training.mars_fm_training import MarsFMTrainingConfig

    rate = options["learning_rate"]
    taken = (
        *("steps", "batch_size", "clip_norm", "average_decay", "validation_interval"),
        *("state_interval", "precision", "workers", "seed", "device"),
    )
    values = {
        "model": _model(options),
        "training": {
            **{name: options[name] for name in taken},
            "learning_rate": _LEARNING_RATES[options["size"]] if rate is None else rate,
            "warmup_steps": min(200, options["steps"] // 10),
            "compile": options["compile_model"],
        },
        "validation_fraction": options["validation_fraction"],
    }
    return MarsFMTrainingConfig.model_validate(values)


def _model(options: dict[str, Any]) -> dict[str, Any]:
    from openmm_genmd.models.mars_fm import MarsFMConfig
    from openmm_genmd.models.mars_fm_torsions import MarsFMTorsionsConfig

    size, path = options["size"], options["path"]
    if size not in _LEARNING_RATES:
        raise ValueError(f"--size must be {' or '.join(_LEARNING_RATES)}, got {size!r}")
    if options["leaps"]:
        if path != "linear":
            raise ValueError(f"--leaps has no --path, got {path!r}; leave one of them out")
        torsions = MarsFMTorsionsConfig.tiny if size == "tiny" else MarsFMTorsionsConfig.paper
        return torsions().model_dump()
    tokens = MarsFMConfig.tiny if size == "tiny" else MarsFMConfig.paper
    return tokens().model_dump() | {"path": path}


def _print_result(
    out: Path,
    result: TrainingProgress,
    config: MarsFMTrainingConfig,
    processes: Processes,
    console: Console,
) -> None:
    from openmm_genmd.training.step_profile import describe_profile

    console.print(
        f"{out}: best validation loss {result.best_loss:.4g} at step {result.best_step} of "
        f"{result.step}, {result.seconds:.0f} s with {processes.count} "
        f"process{'es' if processes.count > 1 else ''}; time: {describe_profile(result.profile)}",
        highlight=False,
        soft_wrap=True,
    )
