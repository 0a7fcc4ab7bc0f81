"""``genmd msm``: a Markov state model of trajectories, and training data for MarS-FM."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.progress import counting_progress

if TYPE_CHECKING:
    from openmm_genmd.cli.msm_sources import MsmSources
    from openmm_genmd.data.trajectory import Frames
    from openmm_genmd.data.trajectory_source import TrajectorySource
    from openmm_genmd.msm.estimation import MsmConfig, MsmEstimate

_DATA, _STATES, _CHECKS = "Which frames", "States", "When data are refused"
_FILES = ("model.npz", "states.npz", "msm.json", "report.html")


class Features(StrEnum):
    """What conformations are compared by."""

    torsions = "torsions"
    shape = "shape"


def msm(
    trajectory: Annotated[
        list[Path],
        typer.Option(
            help="A trajectory file, a folder of genmd simulate or ATLAS, mdCATH *.h5, MDGen "
            "*.npy, Timewarp *.npz; once for each."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for model, data and report; an older model is replaced.")
    ],
    topology: Annotated[
        Path | None,
        typer.Option(help="PDB or CIF file of all atoms in the files [beside the trajectory]."),
    ] = None,
    lag_time_ps: Annotated[
        float,
        typer.Option(help="Lag of the model: 100 for tetrapeptides, 50000 for mdCATH domains."),
    ] = 100.0,
    features: Annotated[
        Features,
        typer.Option(
            help="torsions: TICA of their sines and cosines, for peptides. shape: radius of "
            "gyration, helix and strand content, for proteins with few frames."
        ),
    ] = Features.torsions,
    stride: Annotated[
        int, typer.Option(min=1, help="Use every how many frames.", rich_help_panel=_DATA)
    ] = 1,
    temperature_k: Annotated[
        float | None,
        typer.Option(
            help="Use trajectories of this temperature, where there are several.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    frame_interval_ps: Annotated[
        float | None,
        typer.Option(help="Time between frames in the files [as they say].", rich_help_panel=_DATA),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the molecule [as the files].", rich_help_panel=_DATA)
    ] = None,
    n_states: Annotated[
        int, typer.Option(help="Metastable states of PCCA+.", rich_help_panel=_STATES)
    ] = 10,
    n_microstates: Annotated[
        int, typer.Option(help="Clusters of k-means.", rich_help_panel=_STATES)
    ] = 100,
    variance_cutoff: Annotated[
        float,
        typer.Option(
            help="TICA coordinates up to this share of the kinetic variance.",
            rich_help_panel=_STATES,
        ),
    ] = 0.95,
    seed: Annotated[
        int, typer.Option(help="Of k-means and error bars.", rich_help_panel=_STATES)
    ] = 0,
    min_fraction: Annotated[
        float,
        typer.Option(
            help="Share of frames that must be connected there and back.", rich_help_panel=_CHECKS
        ),
    ] = 0.95,
    keep_largest_set: Annotated[
        bool,
        typer.Option(
            "--keep-largest-set",
            help="Exclude all but the largest connected set.",
            rich_help_panel=_CHECKS,
        ),
    ] = False,
    min_crossings: Annotated[
        float,
        typer.Option(
            help="States must have been entered and left so many times; 0 accepts any.",
            rich_help_panel=_CHECKS,
        ),
    ] = 3.0,
) -> None:
    """Make a Markov state model of trajectories, and training data for MarS-FM.

    Torsions become slow coordinates (TICA), these 100 microstates (k-means) and 10 metastable
    states (PCCA+). The folder gets model.npz (states of all frames, transition matrices),
    states.npz (states of other frames), msm.json, the data that models are trained on, and
    report.html: implied timescales, Chapman-Kolmogorov test, populations with error bars.

    Data that do not determine a model are refused, with what is missing: trajectories that do not
    connect there and back, states that were entered or left too rarely, too few frames.

    Example: genmd msm --trajectory data --topology data/topology.pdb --out msm

    Next: look at msm/report.html, then
    genmd train marsfm --data msm --out peptides.safetensors

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or data are too few.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    with stopping_on((ValueError, OSError), "genmd msm", console):
        _make_model(options, console)


def _make_model(options: dict[str, Any], console: Console) -> None:
    from openmm_genmd.analysis.msm_report import MsmReport, write_msm_report
    from openmm_genmd.cli.msm_sources import choose_sources, notes_on_folders
    from openmm_genmd.data.open_trajectories import open_trajectories

    out: Path = options["out"]
    notes = notes_on_folders(options["trajectory"])
    # Resolved: names of molecules are those of their folders.
    paths = [path.resolve() for path in options["trajectory"]]
    topology = options["topology"] and options["topology"].resolve()
    opened = open_trajectories(paths, topology, stride=options["stride"])
    choice = {name: options[name] for name in ("temperature_k", "frame_interval_ps", "stride")}
    chosen = choose_sources(opened, **choice)
    config = _config(options, chosen.frame_interval_ps)
    title = options["name"] or chosen.sources[0].name
    estimate = _estimate(out, chosen, config, title, notes, options["features"], console)
    estimate.model.save(out / "model.npz")
    estimate.state_map.save(out / "states.npz")
    settings = _settings(options, chosen, config)
    write_msm_report(MsmReport(title, settings, estimate, chosen.frame_interval_ps), out)
    _print_result(out, estimate, chosen.frame_interval_ps, console)


def _config(options: dict[str, Any], frame_interval_ps: float) -> MsmConfig:
    from openmm_genmd.msm.estimation import MsmConfig

    same = set(MsmConfig.model_fields) & set(options)
    values = {name: options[name] for name in same}
    tica = options["features"] is Features.torsions
    return MsmConfig.model_validate(
        values
        | {"coordinates": "tica" if tica else "standardized"}
        | {"lag_frames": _lag_frames(options["lag_time_ps"], frame_interval_ps)}
    )


def _lag_frames(lag_time_ps: float, frame_interval_ps: float) -> int:
    lag = round(lag_time_ps / frame_interval_ps)
    if lag < 1 or abs(lag * frame_interval_ps - lag_time_ps) > 0.01 * lag_time_ps:
        nearest = max(1, lag) * frame_interval_ps
        raise ValueError(
            f"--lag-time-ps should be a multiple of the {frame_interval_ps:g} ps between frames, "
            f"got {lag_time_ps:g}; choose for instance {nearest:g}"
        )
    return lag


def _estimate(
    out: Path,
    chosen: MsmSources,
    config: MsmConfig,
    name: str,
    notes: list[str],
    features: Features,
    console: Console,
) -> MsmEstimate:
    from openmm_genmd.data.shape_features import shape_features
    from openmm_genmd.msm.estimation import estimate_msm
    from openmm_genmd.msm.kinetic_features import TorsionFeatures
    from openmm_genmd.representations.residue_data import write_residue_data

    for file in _FILES:
        # A model must never lie beside data that it was not made of.
        (out / file).unlink(missing_ok=True)
    with counting_progress(console) as progress:
        task = progress.add_task("frames read", total=chosen.n_frames)
        data = write_residue_data(
            out,
            chosen.sources[0].topology,
            (_counted(source, progress, task) for source in chosen.sources),
            name=name,
            frame_interval_ps=chosen.frame_interval_ps,
            temperature_k=chosen.temperature_k,
        )
        if features is Features.shape:
            task = progress.add_task("shapes", total=len(chosen.sources))
            described: Any = []
            for source in chosen.sources:
                described.append(shape_features(source))
                progress.advance(task)
        else:
            described = TorsionFeatures(data.torsions_rad, data.lengths)
        task = progress.add_task("Markov model", total=1)
        estimate = estimate_msm(described, config)
        progress.advance(task)
    model = estimate.model
    return replace(estimate, model=replace(model, notes=(*notes, *model.notes)))


def _counted(source: TrajectorySource, progress: Progress, task: Any) -> Iterator[Frames]:
    for frames in source.iterate():
        yield frames
        progress.advance(task, len(frames.positions_nm))


def _settings(options: dict[str, Any], chosen: MsmSources, config: MsmConfig) -> dict[str, str]:
    temperature = chosen.temperature_k
    return {
        "trajectories": ", ".join(str(path) for path in options["trajectory"]),
        "replicas": str(len(chosen.sources)),
        "time between frames": f"{chosen.frame_interval_ps:g} ps",
        "temperature": "unknown" if temperature is None else f"{temperature:g} K",
        "features": options["features"].value,
        **{name.replace("_", " "): str(value) for name, value in config.model_dump().items()},
    }


def _print_result(
    out: Path, estimate: MsmEstimate, frame_interval_ps: float, console: Console
) -> None:
    model = estimate.model
    shares = ", ".join(
        f"{100 * p:.1f} ± {100 * e:.1f}" if math.isfinite(e) else f"{100 * p:.1f}"
        for p, e in zip(model.stationary, estimate.population_error, strict=True)
    )
    slow = ", ".join(f"{t * frame_interval_ps:.3g}" for t in model.timescales_frames[:3])
    lines = [
        f"{model.n_states} states with equilibrium populations of {shares} %",
        f"slowest processes: {slow} ps",
        estimate.chapman_kolmogorov.describe(),
        *(f"note: {note}" for note in model.notes),
        f"{out}: model.npz, states.npz, msm.json; look at {out / 'report.html'}",
    ]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True, markup=False)
