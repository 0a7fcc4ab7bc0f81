"""``genmd train blocks``: a density of any torsions of any peptide, for leaps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from openmm_genmd.cli import training_options
from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.prior_training import PriorTraining, prior_training
from openmm_genmd.cli.training_data import find_trajectories, notes_on_data
from openmm_genmd.cli.training_options import DATA, FIT, MODEL, chosen, trainer_values
from openmm_genmd.cli.training_output import require_checkpoint_name, run_training
from openmm_genmd.data.structure_file import load_structure_file
from openmm_genmd.representations.residue_data import DESCRIPTION, open_residue_data
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.torsions import TorsionRepresentation

if TYPE_CHECKING:
    from openmm_genmd.md.manifest import Manifest
    from openmm_genmd.training.block_sources import BlockSource
    from openmm_genmd.training.block_training import BlockTrainingConfig


def blocks(
    out: training_options.Out,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Folder that genmd simulate or genmd msm made; once for each molecule."),
    ] = None,
    continue_from: Annotated[
        Path | None,
        typer.Option(
            help="Run with --record-candidates: train its model further on what it tried, which "
            "counts as one molecule more beside --data, old data against forgetting."
        ),
    ] = None,
    validation: training_options.Validation = None,
    start_from: Annotated[
        Path | None,
        typer.Option(help="Checkpoint to begin with instead of random weights; same model."),
    ] = None,
    resume: training_options.Resume = False,
    temperature_k: training_options.TemperatureK = None,
    seed: training_options.Seed = 0,
    device: training_options.Device = "cpu",
    jitter_rad: Annotated[
        float,
        typer.Option(
            help="Noise added to all angles. More of it blurs the density and keeps the model from "
            "learning frames by heart.",
            rich_help_panel=DATA,
        ),
    ] = 0.05,
    population_power: Annotated[
        float,
        typer.Option(
            help="Weight of a state, told by the signs of all phi, is its share of the frames to "
            "this power: 0, all states alike, covers rare ones; 1, as in the data.",
            rich_help_panel=DATA,
        ),
    ] = 0.5,
    hidden_residues: Annotated[
        float,
        typer.Option(
            help="Share of residues whose type is hidden, against learning peptides by heart.",
            rich_help_panel=DATA,
        ),
    ] = 0.15,
    validation_fraction: Annotated[
        float,
        typer.Option(
            help="Frames held out without --validation; with 0 the training loss is what counts.",
            rich_help_panel=DATA,
        ),
    ] = 0.1,
    uniform_fraction: training_options.UniformFraction = 0.1,
    width: Annotated[int, typer.Option(help="Channels of a torsion.", rich_help_panel=MODEL)] = 64,
    layers: Annotated[
        int, typer.Option(help="Of the encoder of kept torsions.", rich_help_panel=MODEL)
    ] = 3,
    nodes: Annotated[
        int, typer.Option(help="Of the spline on the circle.", rich_help_panel=MODEL)
    ] = 36,
    dropout: Annotated[
        float, typer.Option(help="In the encoder while training.", rich_help_panel=MODEL)
    ] = 0.1,
    steps: training_options.Steps = 10_000,
    batch_size: Annotated[
        int, typer.Option(help="Blocks per step, of all processes.", rich_help_panel=FIT)
    ] = 64,
    learning_rate: Annotated[
        float, typer.Option(help="After the warm-up; falls to 0.", rich_help_panel=FIT)
    ] = 2e-3,
    weight_decay: Annotated[float, typer.Option(help="Of AdamW.", rich_help_panel=FIT)] = 0.01,
    average_decay: training_options.AverageDecay = 0.998,
    validation_interval: training_options.ValidationInterval = 500,
    state_interval: training_options.StateInterval = 500,
) -> None:
    """Learn the density of any torsions of a peptide given all others, for leaps between basins.

    One model serves every block of torsions (phi and psi of a residue, a side chain, all of them)
    of every peptide, also of peptides that it has not seen. Each block is learned as often as
    `genmd run` may want it; the values of the other torsions are given. The more peptides, the
    better: 36 of `genmd simulate` are a beginning. A poor model makes `genmd run` slow, never
    wrong.

    At OUT is the model with the lowest validation loss (minus log density per torsion; 1.838 is
    uniform); beside it lie `*.last.safetensors`, the last one, `*.jsonl`, the course of the
    training, and `*.state`, from which `--resume` continues a killed training as if nothing had
    happened, or a finished one with more --steps.

    Example: genmd train blocks --data data/AAAA --data data/KLVF --validation data/GIVE
    --out blocks.safetensors

    Next: genmd run --proposer blocks.safetensors --pdb start.pdb
    --system amber99sbildn.xml,amber99_obc.xml --platform Reference --out run1

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or the work fails.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    with stopping_on((ValueError, OSError), "genmd train blocks", console):
        _train(options, console)


def _train(options: dict[str, Any], console: Console) -> None:
    from openmm_genmd.models.block_transformer import BlockTransformer
    from openmm_genmd.training.block_training import train_blocks

    out = require_checkpoint_name(options["out"])
    config = _config(options)
    prior = prior_training(options, BlockTransformer, "data")
    temperature_k = options["temperature_k"]
    if prior is not None:
        temperature_k = prior.temperature_k(temperature_k)
    sources, notes = _read(options["data"] or [], temperature_k)
    if prior is not None:
        config, options = _continued(config, options, prior)
        sources, notes = [*sources, _source_of(prior)], notes | prior.notes
    others, _ = _read(options["validation"] or [], None)
    names = ", ".join(source.name for source in sources)
    run_training(
        partial(
            train_blocks,
            sources,
            config,
            out,
            validation_sources=others,
            start_from=options["start_from"],
            notes=notes,
            resume=options["resume"],
        ),
        out,
        config.training,
        console,
        data=[f"molecules: {names}"],
        remark=_gain,
    )


def _gain(best_loss: float) -> str:
    return f", {math.log(2.0 * math.pi) - best_loss:.3f} nats per torsion better than uniform"


def _continued(
    config: BlockTrainingConfig, options: dict[str, Any], prior: PriorTraining
) -> tuple[BlockTrainingConfig, dict[str, Any]]:
    """Settings with the architecture of the run's model, and options that begin with it."""
    if prior.parent_path is None:  # untrained leaps: the model is that of --start-from, or new
        return config, options
    if options["start_from"] is not None:
        raise ValueError("--continue-from begins with the model of the run; leave --start-from out")
    return (
        config.model_copy(update={"model": prior.parent_config}),
        options | {"start_from": prior.parent_path},
    )


def _source_of(prior: PriorTraining) -> BlockSource:
    from openmm_genmd.training.block_sources import source_of_candidates

    topology, _ = load_structure_file(prior.candidates.topology_path)
    sequence = ResidueLayout.from_topology(topology).sequence
    return source_of_candidates(prior.candidates, sequence)


def _config(options: dict[str, Any]) -> BlockTrainingConfig:
    from openmm_genmd.training.block_training import BlockTrainingConfig

    values = {
        "model": chosen(options, "uniform_fraction", "width", "layers", "nodes", "dropout"),
        "training": trainer_values(options, "weight_decay", most_warmup_steps=100),
        **chosen(
            options, "jitter_rad", "population_power", "hidden_residues", "validation_fraction"
        ),
    }
    return BlockTrainingConfig.model_validate(values)


def _read(
    folders: Sequence[Path], temperature_k: float | None
) -> tuple[list[BlockSource], dict[str, Any]]:
    """Torsions of all folders, and what is known about them."""
    from openmm_genmd.training.block_sources import source_of_residues

    sources: list[BlockSource] = []
    manifests: list[Manifest] = []
    known: set[float] = set()
    for folder in folders:
        if (folder / DESCRIPTION).is_file():
            residues = open_residue_data(folder)
            sources.append(source_of_residues(residues))
            known |= {residues.temperature_k} if residues.temperature_k is not None else set()
        else:
            source, manifest = _read_simulation(folder)
            sources.append(source)
            manifests.append(manifest)
    temperature_k = known.pop() if temperature_k is None and len(known) == 1 else temperature_k
    return sources, notes_on_data(folders, manifests, temperature_k)


def _read_simulation(folder: Path) -> tuple[BlockSource, Manifest]:
    from openmm_genmd.training.block_sources import BlockSource
    from openmm_genmd.training.dataset import read_torsions

    if not folder.is_dir():
        raise ValueError(
            f"{folder} is not a folder; --data is one that genmd simulate or genmd msm made"
        )
    files, (manifest,) = find_trajectories([folder])
    topology, _ = load_structure_file(folder / "topology.pdb")
    representation = TorsionRepresentation.from_topology(topology)
    data = read_torsions(files, topology, representation)
    name = ResidueLayout.from_topology(topology).sequence
    return BlockSource.of(name, representation, data.trajectories), manifest
