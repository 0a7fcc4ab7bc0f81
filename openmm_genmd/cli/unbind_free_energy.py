"""``genmd unbind free-energy``: the free energy of unbinding along a path, from the shell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.stage_progress import stage_progress
from openmm_genmd.unbinding.free_energy_report import free_energy_section, leap_sentence
from openmm_genmd.unbinding.free_energy_run import FreeEnergyPlan, run_free_energy
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.stored_run import FREE_ENERGY, PAGE, StoredRun, add_free_energy
from openmm_genmd.unbinding.unbinding_run import Report

ERRORS = (ValueError, FileNotFoundError, ImportError, RuntimeError)


def unbind_free_energy(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished genmd unbind run.")],
    path: Annotated[
        int | None,
        typer.Option(help="Number of a walker [the cheapest in the most used channel].", min=0),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes; two have something to do [all cores].", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.", min=0)] = 1,
    platform: Annotated[str, typer.Option(help="OpenMM platform.")] = "CPU",
    iterations: Annotated[
        int | None,
        typer.Option(help="Rounds of MD and exchange; call again with more to go on."),
    ] = None,
    steps_per_exchange: Annotated[
        int | None, typer.Option(help="MD steps of each window in a round.")
    ] = None,
    place_spring_kj_per_mol_nm2: Annotated[
        float | None, typer.Option(help="Holds the ligand's place in a window.")
    ] = None,
    rotation_spring_kj_per_mol: Annotated[
        float | None, typer.Option(help="Holds its orientation.")
    ] = None,
    spacing: Annotated[
        float | None, typer.Option(help="Between windows, in widths of a window.")
    ] = None,
    exit_nm: Annotated[
        float | None,
        typer.Option(help="Least heavy-atom distance where the windows end."),
    ] = None,
    site_radius_nm: Annotated[
        float | None, typer.Option(help="About the bound place, within which it counts as bound.")
    ] = None,
    most_windows: Annotated[int | None, typer.Option(help="In all.")] = None,
    time_step_fs: Annotated[float | None, typer.Option(help="Of the MD.")] = None,
    leap_steps: Annotated[
        int | None,
        typer.Option(
            help="MD steps in which the ligand, or one of its rotatable bonds, is turned to where "
            "MD hardly brings it, then accepted or rejected; for ligands that may bind in several "
            "ways, e.g. 500 [no leaps]."
        ),
    ] = None,
    iterations_per_leap: Annotated[
        int | None, typer.Option(help="Rounds between two such leaps of a replica.")
    ] = None,
) -> None:
    """Compute the free energy of unbinding along a path, and say whether it is converged.

    Windows follow the path in the receptor's frame, place and orientation restrained; replicas are
    exchanged between them, in two simulations: started with the ligand bound, and with it out. Only
    if both agree within errors is a value given, of grade *exact*, for a standard state of 1 mol/L.
    It is added to `summary.json` and `unbinding.html` of the folder.

    Example: `genmd unbind free-energy unbinding`. What is killed goes on with the same command.
    """
    console = Console()
    given = locals()
    chosen = {n: given[n] for n in FreeEnergySettings.model_fields if given.get(n) is not None}
    try:
        with stopping_on(ERRORS, "genmd unbind free-energy", console):
            settings = FreeEnergySettings(**chosen)
            with stage_progress(console) as report:
                summary = free_energy_of_run(
                    folder,
                    settings,
                    path=path,
                    seed=seed,
                    platform=platform,
                    workers=workers or os.cpu_count() or 1,
                    report=report,
                )
    except KeyboardInterrupt:
        console.print("Interrupted; what is finished is kept: call the same command to go on.")
        raise typer.Exit(130) from None
    print_free_energy(summary, console)
    console.print(f"report: {folder / PAGE}", highlight=False)


def free_energy_of_run(
    folder: Path,
    settings: FreeEnergySettings,
    *,
    path: int | None = None,
    seed: int = 1,
    platform: str = "CPU",
    workers: int = 1,
    report: Report = lambda stage, done, of: None,
) -> dict[str, Any]:
    """Summary of a finished run, with a free energy added.

    Parameters
    ----------
    folder
        Of the run.
    settings
        Of windows and MD.
    path
        Number of a walker; None for the cheapest in the most used channel.
    seed, platform, workers, report
        See `run_free_energy`.

    Raises
    ------
    FileNotFoundError
        If there is no finished run.
    ValueError
        If no path leads out, or for the reasons of `run_free_energy`.
    RuntimeError
        As `run_free_energy`.
    """
    run = StoredRun.load(folder)
    found = run.path(path)
    plan = FreeEnergyPlan(run.bound, found.frames_nm, found.number, settings, seed, platform)
    own = folder / FREE_ENERGY / f"path-{found.number:04d}"
    result = run_free_energy(plan, own, workers=workers, report=report)
    return add_free_energy(folder, result.summary(), free_energy_section(result))


def print_free_energy(summary: dict[str, Any], console: Console) -> None:
    """Print what a summary says of the free energy."""
    found = summary["dG_kcal_per_mol"]
    table = Table("", "free energy of unbinding, kcal/mol, 1 mol/L")
    for direction in ("out", "in"):
        table.add_row(f"{direction}-started", _text(found[direction]))
    table.add_row("mean, if converged", _text(found["mean"]))
    table.title = f"grade: {found['grade']}"
    console.print(table)
    console.print(found["verdict"], highlight=False)
    console.print(leap_sentence(**found["leaps"]), highlight=False)


def _text(estimate: list[float | None] | None) -> str:
    if estimate is None or estimate[0] is None:
        return "-"
    value, error = estimate
    return f"{value:.2f} ± {error:.2f}" if error is not None else f"{value:.2f}, no error bar"
