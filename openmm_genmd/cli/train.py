"""``genmd train``: models from trajectories."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from openmm_genmd.cli import training_options
from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.prior_training import PriorTraining, prior_training
from openmm_genmd.cli.progress import counting_progress
from openmm_genmd.cli.train_biomd import biomd
from openmm_genmd.cli.train_blocks import blocks
from openmm_genmd.cli.train_marsfm import marsfm
from openmm_genmd.cli.training_data import find_trajectories, notes_on_data
from openmm_genmd.cli.training_messages import print_result, print_states
from openmm_genmd.cli.training_options import FIT, MODEL, chosen
from openmm_genmd.cli.training_output import require_checkpoint_name
from openmm_genmd.data.structure_file import load_structure_file
from openmm_genmd.representations.torsions import TorsionRepresentation

if TYPE_CHECKING:
    from openmm_genmd.training.dataset import TorsionData
    from openmm_genmd.training.torsions import TorsionTrainingConfig

train_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@train_app.callback()
def _train() -> None:
    """Fit a generative model to trajectories."""


train_app.command()(marsfm)
train_app.command()(blocks)
train_app.command()(biomd)

_TORSIONS, _STATES = "Which torsions", "Which frames count how much"

_FRESH = {"population_power": 0.0, "learning_rate": 5e-3, "jitter_rad": 0.03}
# What a run tried is less than what was simulated, and overfitting spoils a good model quickly.
_CONTINUED = {"population_power": 0.5, "learning_rate": 1e-3, "jitter_rad": 0.05}


@train_app.command()
def torsions(
    out: training_options.Out,
    trajectory: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder that genmd simulate made, or a file that mdtraj reads; once for each."
        ),
    ] = None,
    topology: Annotated[
        Path | None, typer.Option(help="PDB or CIF file of all atoms in the files.")
    ] = None,
    continue_from: Annotated[
        Path | None,
        typer.Option(
            help="Run with --record-candidates: train its model further on what it tried, beside "
            "--trajectory, or, without it, beside draws of the old model."
        ),
    ] = None,
    old_share: Annotated[
        float | None,
        typer.Option(
            help="With --continue-from: weight kept by the old data [0.5; 0.2 if these are draws]."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted training, same options.")
    ] = False,
    temperature_k: training_options.TemperatureK = None,
    seed: training_options.Seed = 0,
    device: training_options.Device = "cpu",
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
        float | None,
        typer.Option(
            help="Weight of a state is its share of the frames to this power: 0, all states alike, "
            "covers rare basins; 1, as in the data; 2 at most [0; continued: 0.5].",
            rich_help_panel=_STATES,
        ),
    ] = None,
    conditional: Annotated[
        bool,
        typer.Option(
            "--conditional",
            help="Let the density depend on the current torsions: slower leaps.",
            rich_help_panel=MODEL,
        ),
    ] = False,
    uniform_fraction: training_options.UniformFraction = 0.1,
    transforms: Annotated[int, typer.Option(help="Spline layers.", rich_help_panel=MODEL)] = 2,
    hidden: Annotated[
        str,
        typer.Option(help="Widths of hidden layers, separated by commas.", rich_help_panel=MODEL),
    ] = "32,32",
    bins: Annotated[int, typer.Option(help="Pieces of each spline.", rich_help_panel=MODEL)] = 12,
    steps: Annotated[
        int, typer.Option(help="Optimiser steps at most.", rich_help_panel=FIT)
    ] = 3000,
    patience: Annotated[
        int,
        typer.Option(
            help="Stop after so many validations (every 100 steps) without gain.",
            rich_help_panel=FIT,
        ),
    ] = 10,
    batch_size: Annotated[int, typer.Option(help="Frames per step.", rich_help_panel=FIT)] = 512,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="At the beginning; falls to 0 [0.005; continued: 0.001].", rich_help_panel=FIT
        ),
    ] = None,
    jitter_rad: Annotated[
        float | None,
        typer.Option(
            help="Noise added to training angles [0.03; continued: 0.05].", rich_help_panel=FIT
        ),
    ] = None,
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

    --continue-from trains the model of a run further on what that run tried: more of the leaps are
    accepted then. The run keeps its own model, whose architecture the new one has; run again with
    the new one, which does not change while it leaps.

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
    from openmm_genmd.models.torus_flow import TorusFlow
    from openmm_genmd.training.self_training import continue_torsions
    from openmm_genmd.training.torsions import train_torsions

    began = time.perf_counter()
    out = require_checkpoint_name(options["out"])
    prior = prior_training(options, TorusFlow, "trajectory", "topology")
    topology, representation = _molecule(options, prior)
    config = _config(options, len(representation.torsions), prior)
    given, temperature_k = options["trajectory"] or [], options["temperature_k"]
    files, manifests = find_trajectories(given)
    if prior is not None:
        temperature_k = prior.temperature_k(temperature_k)
    notes = notes_on_data(given, manifests, temperature_k)
    console.print(f"torsions: {', '.join(t.name for t in representation.torsions)}")
    with counting_progress(console) as progress:
        data = None
        if files:
            data = _read(files, topology, representation, options["stride"], progress)
        task = progress.add_task("training", total=config.training.steps)
        out.parent.mkdir(parents=True, exist_ok=True)
        common: dict[str, Any] = {
            "resume": options["resume"],
            "spent_seconds": time.perf_counter() - began,
            "on_states": lambda states: print_states(states, console),
            "on_step": lambda step, best: progress.update(
                task, completed=step, description=f"training, best validation {best:.3f}"
            ),
        }
        if prior is not None:
            initial = None if prior.parent is None else prior.parent.model
            common |= {"old_share": options["old_share"], "notes": notes | prior.notes}
            trained = continue_torsions(prior.candidates, data, initial, config, out, **common)
        else:
            assert data is not None
            trained = train_torsions(data, representation, config, out, notes=notes, **common)
    print_result(out, trained, config, console)


def _molecule(
    options: dict[str, Any], prior: PriorTraining | None
) -> tuple[Any, TorsionRepresentation]:
    """Topology of the files, if there are some, and the torsions to learn."""
    if prior is not None and not options["trajectory"]:
        return None, prior.candidates.representation
    if options["topology"] is None:
        raise ValueError("--trajectory needs --topology, a PDB or CIF file of the atoms in it")
    topology, _ = load_structure_file(options["topology"])
    representation = TorsionRepresentation.from_topology(
        topology,
        include_omega=options["include_omega"],
        include_methyl=options["include_methyl"],
    )
    if prior is not None:
        prior.candidates.require_same_torsions(representation, str(options["topology"]))
    return topology, representation


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


def _config(
    options: dict[str, Any], n_torsions: int, prior: PriorTraining | None
) -> TorsionTrainingConfig:
    from openmm_genmd.training.torsions import TorsionTrainingConfig

    defaults = _FRESH if prior is None or prior.parent is None else _CONTINUED
    defaults = {name: value for name, value in defaults.items() if options[name] is None}
    options = options | defaults
    values: dict[str, Any] = {
        "model": {
            "n_torsions": n_torsions,
            "hidden_features": options["hidden"].split(","),
            **chosen(options, "conditional", "transforms", "bins", "uniform_fraction"),
        },
        "states": chosen(options, "lag_frames", "max_states", "seed"),
        "population_power": options["population_power"],
        "training": {
            **chosen(options, "steps", "batch_size", "learning_rate", "jitter_rad"),
            **chosen(options, "patience", "seed", "device"),
        },
    }
    if prior is not None and prior.parent is not None:
        values["model"] = prior.parent.config
    return TorsionTrainingConfig.model_validate(values)
