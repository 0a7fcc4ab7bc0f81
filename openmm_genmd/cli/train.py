"""``genmd train``: models from trajectories."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.progress import counting_progress
from openmm_genmd.cli.train_marsfm import marsfm
from openmm_genmd.cli.training_data import find_trajectories, notes_on_data
from openmm_genmd.data.structure_file import load_structure_file
from openmm_genmd.representations.torsions import TorsionRepresentation

if TYPE_CHECKING:
    from openmm_genmd.msm.states import States
    from openmm_genmd.training.dataset import TorsionData
    from openmm_genmd.training.torsions import TorsionTrainingConfig, TrainedTorsions

train_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@train_app.callback()
def _train() -> None:
    """Fit a generative model to trajectories."""


train_app.command()(marsfm)

_TORSIONS, _STATES = "Which torsions", "Which frames count how much"
_MODEL, _FIT = "Model", "Fit"


@train_app.command()
def torsions(
    trajectory: Annotated[
        list[Path],
        typer.Option(
            help="Folder that genmd simulate made, or a file that mdtraj reads; once for each."
        ),
    ],
    topology: Annotated[Path, typer.Option(help="PDB or CIF file of all atoms in the files.")],
    out: Annotated[Path, typer.Option(help="The checkpoint to write, *.safetensors.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted training, same options.")
    ] = False,
    temperature_k: Annotated[
        float | None,
        typer.Option(help="Of the trajectories, for the record; a folder knows it."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    include_omega: Annotated[
        bool,
        typer.Option("--include-omega", help="Also turn peptide bonds.", rich_help_panel=_TORSIONS),
    ] = False,
    include_methyl: Annotated[
        bool,
        typer.Option(
            "--include-methyl", help="Also turn methyl groups.", rich_help_panel=_TORSIONS
        ),
    ] = False,
    stride: Annotated[
        int, typer.Option(min=1, help="Use every how many frames.", rich_help_panel=_STATES)
    ] = 1,
    lag_frames: Annotated[
        int,
        typer.Option(
            help="Lag of TICA and Markov model, in used frames; some ps.", rich_help_panel=_STATES
        ),
    ] = 10,
    max_states: Annotated[
        int, typer.Option(help="At most so many per connected set.", rich_help_panel=_STATES)
    ] = 6,
    population_power: Annotated[
        float,
        typer.Option(
            help="Weight of a state is its share of the frames to this power: 0, all states alike, "
            "covers rare basins; 1, as in the data; 2 at most.",
            rich_help_panel=_STATES,
        ),
    ] = 0.0,
    conditional: Annotated[
        bool,
        typer.Option(
            "--conditional",
            help="Let the density depend on the current torsions: slower leaps.",
            rich_help_panel=_MODEL,
        ),
    ] = False,
    uniform_fraction: Annotated[
        float,
        typer.Option(
            help="Share of leaps drawn uniformly, so that no place is out of reach.",
            rich_help_panel=_MODEL,
        ),
    ] = 0.1,
    transforms: Annotated[int, typer.Option(help="Spline layers.", rich_help_panel=_MODEL)] = 2,
    hidden: Annotated[
        str,
        typer.Option(help="Widths of hidden layers, separated by commas.", rich_help_panel=_MODEL),
    ] = "32,32",
    bins: Annotated[int, typer.Option(help="Pieces of each spline.", rich_help_panel=_MODEL)] = 12,
    steps: Annotated[
        int, typer.Option(help="Optimiser steps at most.", rich_help_panel=_FIT)
    ] = 3000,
    patience: Annotated[
        int,
        typer.Option(
            help="Stop after so many validations (every 100 steps) without gain.",
            rich_help_panel=_FIT,
        ),
    ] = 10,
    batch_size: Annotated[int, typer.Option(help="Frames per step.", rich_help_panel=_FIT)] = 512,
    learning_rate: Annotated[
        float, typer.Option(help="At the beginning; falls to 0.", rich_help_panel=_FIT)
    ] = 5e-3,
    jitter_rad: Annotated[
        float, typer.Option(help="Noise added to training angles.", rich_help_panel=_FIT)
    ] = 0.03,
) -> None:
    """Learn a density of torsion angles, for leaps between basins.

    Frames are divided into metastable states (TICA, k-means, PCCA+), weighted so that rare basins
    are covered, and fitted by a circular spline flow. Likelihood of held-out frames says when to
    stop. Leaps find only basins that are in the data: `genmd simulate` looks for the rare ones. A
    poor model makes `genmd run` slow, never wrong.

    Beside the checkpoint lie `*.jsonl`, the course of the fit, and until the end `*.state`, from
    which `--resume` continues a killed training as if nothing had happened. The checkpoint records
    all options, a digest of the data, and what data and training cost (seconds).

    Example: genmd train torsions --trajectory data --topology data/topology.pdb
    --out ala.safetensors

    Next: genmd run --proposer ala.safetensors --pdb ala.pdb
    --system amber99sbildn.xml,amber99_obc.xml --platform Reference --out run1

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or the work fails.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    with stopping_on((ValueError, OSError), "genmd train torsions", console):
        _train_torsions(options, console)


def _train_torsions(options: dict[str, Any], console: Console) -> None:
    from openmm_genmd.training.torsions import train_torsions

    began = time.perf_counter()
    out: Path = options["out"]
    if out.suffix != ".safetensors":
        raise ValueError(f"--out must end in .safetensors, got {out}")
    topology, _ = load_structure_file(options["topology"])
    representation = TorsionRepresentation.from_topology(
        topology,
        include_omega=options["include_omega"],
        include_methyl=options["include_methyl"],
    )
    config = _config(options, len(representation.torsions))
    files, manifests = find_trajectories(options["trajectory"])
    notes = notes_on_data(options["trajectory"], manifests, options["temperature_k"])
    console.print(f"torsions: {', '.join(t.name for t in representation.torsions)}")
    with counting_progress(console) as progress:
        data = _read(files, topology, representation, options["stride"], progress)
        task = progress.add_task("training", total=config.training.steps)
        out.parent.mkdir(parents=True, exist_ok=True)
        trained = train_torsions(
            data,
            representation,
            config,
            out,
            notes=notes,
            resume=options["resume"],
            spent_seconds=time.perf_counter() - began,
            on_states=lambda states: _print_states(states, console),
            on_step=lambda step, best: progress.update(
                task, completed=step, description=f"training, best validation {best:.3f}"
            ),
        )
    _print_result(out, trained, config, console)


def _read(
    files: list[Path],
    topology: Any,
    representation: TorsionRepresentation,
    stride: int,
    progress: Progress,
) -> TorsionData:
    from openmm_genmd.training.dataset import read_torsions

    task = progress.add_task("frames read", total=None)
    data = read_torsions(
        files,
        topology,
        representation,
        stride=stride,
        advance=lambda file, frames: progress.advance(task, frames),
    )
    progress.remove_task(task)
    return data


def _config(options: dict[str, Any], n_torsions: int) -> TorsionTrainingConfig:
    from openmm_genmd.training.torsions import TorsionTrainingConfig

    def take(*names: str) -> dict[str, Any]:
        return {name: options[name] for name in names}

    values = {
        "model": {
            "n_torsions": n_torsions,
            "hidden_features": options["hidden"].split(","),
            **take("conditional", "transforms", "bins", "uniform_fraction"),
        },
        "states": take("lag_frames", "max_states", "seed"),
        "population_power": options["population_power"],
        "training": take(
            "steps", "batch_size", "learning_rate", "jitter_rad", "patience", "seed", "device"
        ),
    }
    return TorsionTrainingConfig.model_validate(values)


def _print_states(states: States, console: Console) -> None:
    shares = ", ".join(f"{100 * p:.1f} %" for p in states.populations)
    console.print(f"{states.n_states} states with {shares} of the frames", highlight=False)
    for note in states.notes:
        console.print(f"note: {note}", highlight=False, soft_wrap=True)


def _print_result(
    out: Path, trained: TrainedTorsions, config: TorsionTrainingConfig, console: Console
) -> None:
    uniform = -config.model.n_torsions * math.log(2 * math.pi)
    gain = trained.fit.validation_log_likelihood - uniform
    console.print(
        f"{out}: validation log likelihood {trained.fit.validation_log_likelihood:.3f} "
        f"({gain:.3f} nats above uniform) at step {trained.fit.step} of {trained.fit.steps_run}, "
        f"sha256 {trained.sha256[:12]}",
        highlight=False,
        soft_wrap=True,
    )
