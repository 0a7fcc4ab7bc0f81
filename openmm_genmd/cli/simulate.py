"""``genmd simulate``: training data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as ProgressBar

from openmm_genmd.md.simulate import Progress, simulate_data
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.system_input import load_system_input


def simulate(
    pdb: Annotated[Path, typer.Option(help="Structure: topology and first positions.")],
    system: Annotated[
        str,
        typer.Option(help="Serialized System (XML), or force field files separated by commas."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the trajectories: new, or to be resumed.")],
    resume: Annotated[bool, typer.Option(help="Continue an interrupted simulation.")] = False,
    temperature_k: Annotated[float, typer.Option(help="Of the training data.")] = 300.0,
    hot_temperatures_k: Annotated[
        str, typer.Option(help="Of the runs that look for basins, separated by commas; or none.")
    ] = "600",
    hot_time_ps: Annotated[float, typer.Option(help="Length of each hot run.")] = 500.0,
    torsion_starts: Annotated[
        int, typer.Option(help="Random torsions tried as starts besides frames of hot runs.")
    ] = 100,
    runs: Annotated[int, typer.Option(help="Number of runs, each from another basin.")] = 24,
    run_time_ps: Annotated[float, typer.Option(help="Length of each run.")] = 100.0,
    equilibration_ps: Annotated[float, typer.Option(help="Not stored, before each run.")] = 5.0,
    frame_interval_ps: Annotated[float, typer.Option(help="Between stored frames.")] = 0.5,
    time_step_fs: Annotated[float, typer.Option(help="MD time step.")] = 2.0,
    friction_per_ps: Annotated[float, typer.Option(help="Langevin friction.")] = 1.0,
    constraints: Annotated[
        str | None, typer.Option(help="none, HBonds, AllBonds, HAngles [HBonds].")
    ] = None,
    nonbonded: Annotated[str | None, typer.Option(help="NoCutoff, PME, ... [by the box].")] = None,
    cutoff_nm: Annotated[float, typer.Option(help="Nonbonded cutoff.")] = 1.0,
    platform: Annotated[
        str, typer.Option(help="OpenMM platform; Reference is fastest below some 50 particles.")
    ] = "CPU",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Make training data: find basins, then sample each of them at the target temperature.

    A hot run and conformations with random torsions give candidates; the minimised ones that are
    farthest apart become starts of short runs. The number of frames in a basin therefore says
    nothing about its free energy: that is what genmd run is for.

    The folder gets run-*.dcd (training data), hot-*.dcd, topology.pdb, system.xml and
    manifest.json. After an interruption --resume repeats the unfinished run alone.

    Example: genmd simulate --pdb ala.pdb --system amber99sbildn.xml,amber99_obc.xml
    --platform Reference --out data
    """
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
        console.print(f"[red]genmd simulate:[/red] {error}", highlight=False, soft_wrap=True)
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
    try:
        return SimulationPlan.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][0]}: {first['msg']}, got {first['input']!r}") from None


def _describe(progress: Progress) -> str:
    text = f"{progress.stage}, {progress.ns_per_day:.3g} ns/day"
    if not progress.ns_per_day:
        return text
    seconds = (progress.total_ps - progress.done_ps) * 86.4 / progress.ns_per_day
    return f"{text}, {int(seconds) // 60}:{int(seconds) % 60:02d} left"
