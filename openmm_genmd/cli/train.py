"""``genmd train``: models from trajectories."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)

from openmm_genmd.data.structure_file import load_structure_file
from openmm_genmd.md.manifest import Manifest, read_manifest
from openmm_genmd.representations.torsions import TorsionRepresentation

if TYPE_CHECKING:
    from openmm_genmd.msm.states import States
    from openmm_genmd.training.dataset import TorsionData
    from openmm_genmd.training.torsions import TorsionTrainingConfig, TrainedTorsions

train_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@train_app.callback()
def _train() -> None:
    """Fit a generative model to trajectories."""


@train_app.command()
def torsions(
    trajectory: Annotated[
        list[Path],
        typer.Option(
            help="Any trajectory that mdtraj reads; give the option once per file. Or the folder "
            "that genmd simulate made."
        ),
    ],
    topology: Annotated[Path, typer.Option(help="PDB or CIF file of all atoms in the files.")],
    out: Annotated[Path, typer.Option(help="The checkpoint to write, *.safetensors.")],
    conditional: Annotated[
        bool, typer.Option(help="Let the density depend on the current torsions.")
    ] = False,
    resume: Annotated[bool, typer.Option(help="Continue an interrupted training.")] = False,
    stride: Annotated[int, typer.Option(min=1, help="Use every how many frames.")] = 1,
    lag_frames: Annotated[
        int, typer.Option(help="Lag of TICA and Markov model, in used frames.")
    ] = 10,
    max_states: Annotated[int, typer.Option(help="At most so many states per connected set.")] = 6,
    population_power: Annotated[
        float,
        typer.Option(help="0: all states count the same (covers rare basins); 1: as in the data."),
    ] = 0.0,
    uniform_fraction: Annotated[
        float,
        typer.Option(help="Share of leaps to anywhere: what keeps a poor model correct."),
    ] = 0.1,
    transforms: Annotated[int, typer.Option(help="Spline layers.")] = 2,
    hidden: Annotated[str, typer.Option(help="Widths of hidden layers.")] = "32,32",
    bins: Annotated[int, typer.Option(help="Pieces of each spline.")] = 12,
    steps: Annotated[int, typer.Option(help="Optimiser steps at most.")] = 3000,
    batch_size: Annotated[int, typer.Option(help="Frames per step.")] = 512,
    learning_rate: Annotated[float, typer.Option(help="At the beginning.")] = 5e-3,
    jitter_rad: Annotated[float, typer.Option(help="Noise added to training angles.")] = 0.03,
    patience: Annotated[
        int, typer.Option(help="Stop after so many validations (every 100 steps) without gain.")
    ] = 10,
    include_omega: Annotated[bool, typer.Option(help="Also turn peptide bonds.")] = False,
    include_methyl: Annotated[bool, typer.Option(help="Also turn methyl groups.")] = False,
    temperature_k: Annotated[
        float | None, typer.Option(help="Of the trajectories; recorded in the checkpoint.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Learn a density of torsion angles, for leaps between basins.

    Frames are divided into metastable states (TICA, k-means, PCCA+), drawn uniformly over states
    so that rare basins are covered, and fitted by a circular spline flow. What is held out says
    when to stop. The rare basins must be in the trajectories: genmd simulate looks for them.

    Beside the checkpoint lie *.jsonl, the course of the fit, and until the end *.state, from which
    --resume continues a killed training as if nothing had happened.

    Example: genmd train torsions --trajectory data --topology data/topology.pdb
    --out ala.safetensors

    Then: genmd run --proposer ala.safetensors --pdb ...
    """
    options = dict(locals())
    console = Console(stderr=True)
    try:
        _train_torsions(options, console)
    except (ValueError, OSError) as error:
        console.print(f"[red]genmd train torsions:[/red] {error}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


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
    files, manifests = _trajectories(options["trajectory"])
    notes = _notes(options, manifests)
    console.print(f"torsions: {', '.join(t.name for t in representation.torsions)}")
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
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
    try:
        return TorsionTrainingConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][-1]}: {first['msg']}, got {first['input']!r}") from None


def _trajectories(given: list[Path]) -> tuple[list[Path], list[Manifest]]:
    """Files to read, and the manifests of the folders that they come from."""
    files: list[Path] = []
    manifests = []
    for path in given:
        if not path.is_dir():
            files.append(path)
            continue
        inside, manifest = sorted(path.glob("run-*.dcd")), read_manifest(path)
        if not inside or manifest is None:
            raise ValueError(f"{path} is a folder without the files that genmd simulate writes")
        if len(inside) != manifest.plan.runs:
            raise ValueError(
                f"{path} has {len(inside)} of {manifest.plan.runs} trajectories, and basins may be "
                "missing; complete it with genmd simulate --resume, or name single files"
            )
        files += inside
        manifests.append(manifest)
    return files, manifests


def _notes(options: dict[str, Any], manifests: list[Manifest]) -> dict[str, Any]:
    """Return what the checkpoint should say about its data, as far as it is known."""
    temperatures = {manifest.plan.temperature_k for manifest in manifests}
    if options["temperature_k"] is not None:
        temperatures.add(options["temperature_k"])
    if len(temperatures) > 1:
        listed = ", ".join(f"{t:g}" for t in sorted(temperatures))
        raise ValueError(
            f"the trajectories and --temperature-k should have one temperature, got {listed} K; "
            "train on data of one temperature"
        )
    notes: dict[str, Any] = {"temperature_k": temperatures.pop() if temperatures else None}
    if len(manifests) == len(options["trajectory"]):
        notes["data_seconds"] = sum(manifest.data_seconds for manifest in manifests)
    return notes


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
