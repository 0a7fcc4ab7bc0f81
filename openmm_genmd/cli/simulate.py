"""``genmd simulate``: training data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as ProgressBar

from openmm_genmd.cli.messages import print_error
from openmm_genmd.md.simulate import Progress, simulate_data
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.system_input import load_system_input

_SEARCH, _RUNS = "Search for basins", "Runs, which are the training data"
_MD = "Molecular dynamics"
_FORCE_FIELD = "Force field files only; a serialized System has its own"


def simulate(
    pdb: Annotated[Path, typer.Option(help="Structure (PDB or CIF): atoms and first positions.")],
    system: Annotated[
        str,
        typer.Option(help="Serialized System (XML), or force field files separated by commas."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the trajectories: new, or to be resumed.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted simulation, same options.")
    ] = False,
    platform: Annotated[
        str, typer.Option(help="OpenMM platform; Reference is fastest below some 50 particles.")
    ] = "CPU",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    hot_temperatures_k: Annotated[
        str,
        typer.Option(
            help="One run at each, separated by commas; or none.", rich_help_panel=_SEARCH
        ),
    ] = "600",
    hot_time_ps: Annotated[
        float, typer.Option(help="Length of each hot run.", rich_help_panel=_SEARCH)
    ] = 500.0,
    torsion_starts: Annotated[
        int,
        typer.Option(
            help="Conformations with random torsions, tried as starts besides frames of hot runs.",
            rich_help_panel=_SEARCH,
        ),
    ] = 100,
    runs: Annotated[
        int, typer.Option(help="How many; at least twice the basins.", rich_help_panel=_RUNS)
    ] = 24,
    run_time_ps: Annotated[
        float, typer.Option(help="Length of each run.", rich_help_panel=_RUNS)
    ] = 100.0,
    equilibration_ps: Annotated[
        float, typer.Option(help="Before that in each run, not stored.", rich_help_panel=_RUNS)
    ] = 5.0,
    frame_interval_ps: Annotated[
        float, typer.Option(help="Between stored frames.", rich_help_panel=_RUNS)
    ] = 0.5,
    temperature_k: Annotated[
        float, typer.Option(help="That of the run to be accelerated.", rich_help_panel=_RUNS)
    ] = 300.0,
    time_step_fs: Annotated[float, typer.Option(help="Time step.", rich_help_panel=_MD)] = 2.0,
    friction_per_ps: Annotated[
        float, typer.Option(help="Friction of LangevinMiddle.", rich_help_panel=_MD)
    ] = 1.0,
    constraints: Annotated[
        str | None,
        typer.Option(
            help="none, HBonds, AllBonds, HAngles [HBonds].", rich_help_panel=_FORCE_FIELD
        ),
    ] = None,
    nonbonded: Annotated[
        str | None,
        typer.Option(
            help="NoCutoff, PME, ... [PME in a box, else NoCutoff].", rich_help_panel=_FORCE_FIELD
        ),
    ] = None,
    cutoff_nm: Annotated[
        float,
        typer.Option(help="Nonbonded; not used by NoCutoff.", rich_help_panel=_FORCE_FIELD),
    ] = 1.0,
) -> None:
    """Make training data: find basins, then sample each of them at the target temperature.

    First a search: hot MD, and conformations with random torsions. The minimised ones that are
    farthest apart become the starts of the runs. How many frames a basin gets therefore says
    nothing about its free energy: that is what `genmd run` is for.

    The folder gets `run-*.dcd` (training data), `hot-*.dcd` (the search, not for training),
    `topology.pdb`, `system.xml` and `manifest.json` (options, versions, wall time). After an
    interruption `--resume` repeats the unfinished run alone, with the same random numbers.

    Example: genmd simulate --pdb ala.pdb --system amber99sbildn.xml,amber99_obc.xml
    --platform Reference --out data

    Next: genmd train torsions --trajectory data --topology data/topology.pdb
    --out ala.safetensors

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or the work fails.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    try:
        plan = _plan(options)
        given = load_system_input(
            pdb, system, constraints=constraints, nonbonded=nonbonded, cutoff_nm=cutoff_nm
        )
        began = time.monotonic()
        with ProgressBar(
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.description}"),
            console=console,
        ) as bar:
            task = bar.add_task("", total=None)

            def show(progress: Progress) -> None:
                bar.update(
                    task,
                    completed=progress.done_ps,
                    total=progress.total_ps,
                    description=_describe(progress),
                )

            files = simulate_data(given, plan, out, resume=resume, report=show)
    except (ValueError, OSError, RuntimeError) as error:
        print_error(console, "genmd simulate", error)
        raise typer.Exit(1) from None
    console.print(
        f"{len(files)} trajectories of {run_time_ps:g} ps in {out} after "
        f"{time.monotonic() - began:.0f} s; next: genmd train torsions --trajectory {out} "
        f"--topology {out / 'topology.pdb'} --out model.safetensors",
        highlight=False,
        soft_wrap=True,
    )


def _plan(options: dict[str, Any]) -> SimulationPlan:
    values = {name: options[name] for name in SimulationPlan.model_fields}
    hot = values["hot_temperatures_k"]
    values["hot_temperatures_k"] = () if hot == "none" else hot.split(",")
    return SimulationPlan.model_validate(values)


def _describe(progress: Progress) -> str:
    text = f"{progress.stage}, {progress.ns_per_day:.3g} ns/day"
    if not progress.ns_per_day:
        return text
    seconds = (progress.total_ps - progress.done_ps) * 86.4 / progress.ns_per_day
    return f"{text}, {int(seconds) // 60}:{int(seconds) % 60:02d} left"
