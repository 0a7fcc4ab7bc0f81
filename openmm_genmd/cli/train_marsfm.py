"""``genmd train marsfm``: a model of transitions between states, for any peptide."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from openmm_genmd.cli import training_options
from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.training_options import (
    FIT,
    MODEL,
    SPEED,
    learning_rate_of_size,
    trainer_values,
)
from openmm_genmd.cli.training_output import require_checkpoint_name, run_training

if TYPE_CHECKING:
    from openmm_genmd.training.mars_fm_training import MarsFMTrainingConfig

_LEARNING_RATES = {"tiny": 1e-3, "paper": 1e-4}


def marsfm(
    data: Annotated[
        list[Path], typer.Option(help="Folder that genmd msm made; once for each molecule.")
    ],
    out: training_options.Out,
    validation: training_options.Validation = None,
    resume: training_options.Resume = False,
    seed: training_options.Seed = 0,
    device: training_options.Device = "cpu",
    size: Annotated[
        str,
        typer.Option(
            help="tiny: 0.56 million parameters, for peptides and a CPU. paper: 34 million, for "
            "proteins and a GPU.",
            rich_help_panel=MODEL,
        ),
    ] = "tiny",
    leaps: Annotated[
        bool,
        typer.Option(
            "--leaps",
            help="Learn torsions alone, for leaps within `genmd run`; otherwise frames and "
            "torsions, for `genmd sample`.",
            rich_help_panel=MODEL,
        ),
    ] = False,
    path: Annotated[
        str,
        typer.Option(
            help="From noise to data: linear or trigonometric; not for --leaps.",
            rich_help_panel=MODEL,
        ),
    ] = "linear",
    steps: training_options.Steps = 20_000,
    batch_size: Annotated[
        int, typer.Option(help="Pairs per step, of all processes.", rich_help_panel=FIT)
    ] = 128,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="After the warm-up; falls to 0. By default 1e-3 (tiny) or 1e-4 (paper).",
            rich_help_panel=FIT,
        ),
    ] = None,
    clip_norm: Annotated[float, typer.Option(help="Longest gradient.", rich_help_panel=FIT)] = 1.0,
    average_decay: training_options.AverageDecay = 0.999,
    validation_fraction: Annotated[
        float,
        typer.Option(help="Frames held out without --validation.", rich_help_panel=FIT),
    ] = 0.1,
    validation_interval: training_options.ValidationInterval = 500,
    state_interval: training_options.StateInterval = 500,
    precision: training_options.Precision = "float32",
    compile_model: Annotated[
        bool,
        typer.Option(
            "--compile", help="Translate the model first (torch.compile).", rich_help_panel=SPEED
        ),
    ] = False,
    workers: training_options.Workers = 1,
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
    from openmm_genmd.training.mars_fm_training import train_mars_fm
    from openmm_genmd.training.pair_folders import open_pair_folder

    out = require_checkpoint_name(options["out"])
    config = _config(options)
    folders = [open_pair_folder(folder) for folder in options["data"]]
    others = [open_pair_folder(folder) for folder in options["validation"] or []]
    sequences = ", ".join(folder.data.layout.sequence for folder in folders)
    run_training(
        partial(
            train_mars_fm,
            folders,
            config,
            out,
            validation_folders=others,
            resume=options["resume"],
        ),
        out,
        config.training,
        console,
        data=[f"molecules: {sequences}"],
    )


def _config(options: dict[str, Any]) -> MarsFMTrainingConfig:
    from openmm_genmd.training.mars_fm_training import MarsFMTrainingConfig

    given = options | {
        "learning_rate": learning_rate_of_size(options, _LEARNING_RATES),
        "compile": options["compile_model"],
    }
    names = ("clip_norm", "precision", "workers", "compile")
    values = {
        "model": _model(options),
        "training": trainer_values(given, *names, most_warmup_steps=200),
        "validation_fraction": options["validation_fraction"],
    }
    return MarsFMTrainingConfig.model_validate(values)


def _model(options: dict[str, Any]) -> dict[str, Any]:
    from openmm_genmd.models.mars_fm import MarsFMConfig
    from openmm_genmd.models.mars_fm_torsions import MarsFMTorsionsConfig

    size, path = options["size"], options["path"]
    if options["leaps"]:
        if path != "linear":
            raise ValueError(f"--leaps has no --path, got {path!r}; leave one of them out")
        torsions = MarsFMTorsionsConfig.tiny if size == "tiny" else MarsFMTorsionsConfig.paper
        return torsions().model_dump()
    tokens = MarsFMConfig.tiny if size == "tiny" else MarsFMConfig.paper
    return tokens().model_dump() | {"path": path}
