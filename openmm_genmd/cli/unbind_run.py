"""``genmd unbind run``: paths on which a ligand leaves, from the shell."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.stage_progress import stage_progress
from openmm_genmd.cli.unbind_free_energy import free_energy_of_run, print_free_energy
from openmm_genmd.cli.unbinding_complex import chosen_complex
from openmm_genmd.unbinding.baselines import BaselinePlan
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.team_run import TeamPlan
from openmm_genmd.unbinding.unbinding_run import UnbindingPlan, run_unbinding
from openmm_genmd.unbinding.verification import ShootingPlan

_STAGES = {
    "walkers": "walkers",
    "shooting": "shooting",
    "zero_drift": "control: no drift",
    "random_drift": "control: random drift",
    "pull": "straight pulls",
    "metadynamics": "metadynamics, tuned",
    "metadynamics_fast": "metadynamics, hills that push",
    "metadynamics_naive": "metadynamics, usual settings",
}


def unbind_run(
    out: Annotated[Path, typer.Option(help="Folder of the run: new, or to be resumed.")],
    system: Annotated[
        str | None, typer.Option(help="A bundled complex: cb7-b2, cb7-viologen, l99a-p-xylene.")
    ] = None,
    pdb: Annotated[Path | None, typer.Option(help="Structure of your own bound complex.")] = None,
    system_xml: Annotated[
        str | None,
        typer.Option(help="Its serialized System, or force field files separated by commas."),
    ] = None,
    ligand: Annotated[
        str | None,
        typer.Option(help="Its ligand: a residue name, 'chain B', 'resSeq 401', or a selection."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="In place of these: a folder of genmd unbind prepare, which has it all."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Bundled model, or a file of genmd train biomd [of bundled complexes: theirs]."
        ),
    ] = None,
    walkers: Annotated[int, typer.Option(help="Independent tries.", min=1)] = 30,
    workers: Annotated[
        int | None, typer.Option(help="Processes, each on one core [all cores].", min=1)
    ] = None,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines",
            help="Run metadynamics, straight pulls and the controls without a model too.",
        ),
    ] = False,
    free_energy: Annotated[
        bool,
        typer.Option(
            "--free-energy",
            help="Compute the free energy along the best path too; its options: free-energy.",
        ),
    ] = False,
    resume: Annotated[bool, typer.Option(help="Continue the run in --out.")] = False,
    seed: Annotated[int, typer.Option(help="Of everything random.", min=0)] = 1,
    platform: Annotated[str, typer.Option(help="OpenMM platform.")] = "CPU",
    pocket_nm: Annotated[
        float | None,
        typer.Option(
            help="Show the model only residues this near to the ligand; for proteins 1 to 1.2."
        ),
    ] = None,
    shots: Annotated[
        int, typer.Option(help="Shots from each of five frames of two paths; 0: none.", min=0)
    ] = 8,
    most_leaps: Annotated[int | None, typer.Option(help="Leaps of a path at most.")] = None,
    steps_per_leap: Annotated[
        int | None, typer.Option(help="MD steps of the drag of a leap of usual length.")
    ] = None,
    usual_leap_nm: Annotated[
        float | None,
        typer.Option(help="That length; longer leaps have more steps. 0: all have the same."),
    ] = None,
    candidates: Annotated[
        int | None, typer.Option(help="Proposals that each leap chooses among by their work.")
    ] = None,
    most_work_of_leap_kcal_per_mol: Annotated[
        float | None, typer.Option(help="The gate: a leap that costs more is refused.")
    ] = None,
    most_work_of_path_kcal_per_mol: Annotated[
        float | None, typer.Option(help="The same for a path as a whole.")
    ] = None,
    exit_nm: Annotated[
        float | None, typer.Option(help="Least heavy-atom distance at which a ligand is out.")
    ] = None,
    time_step_fs: Annotated[float | None, typer.Option(help="Of the MD.")] = None,
    temperature_k: Annotated[float | None, typer.Option(help="Of the MD [300].")] = None,
    cutoff_nm: Annotated[
        float | None, typer.Option(help="Of nonbonded interactions, if the System is built here.")
    ] = None,
    cut_nm: Annotated[
        float | None,
        typer.Option(
            help="Leave out what is farther from the ligand, and hold what it touched; for large "
            "proteins in implicit solvent on a CPU."
        ),
    ] = None,
    hydrogen_mass_da: Annotated[
        float | None,
        typer.Option(help="Mass of hydrogens, taken from the atoms next to them; 3 allows 4 fs."),
    ] = None,
) -> None:
    """Find paths on which a ligand leaves its receptor, and verify them.

    A model proposes where the ligand goes next; springs drag it there, and a leap that costs too
    much work is taken back. Exits count if the ligand stays away in 3 ps of MD without springs.
    Paths are of grade *exploratory*: evidence of a way out, without Boltzmann weight or rate.

    Example: `genmd unbind run --system cb7-b2 --walkers 30 --out unbinding`, then open
    `unbinding/unbinding.html`. For a complex of your own, make data with `genmd unbind prepare` and
    a model with `genmd train biomd` first.
    """
    console = Console()
    chosen = {
        name: value
        for name, value in (
            ("most_leaps", most_leaps),
            ("steps_per_leap", steps_per_leap),
            ("usual_leap_nm", usual_leap_nm),
            ("candidates", candidates),
            ("most_work_of_leap_kcal_per_mol", most_work_of_leap_kcal_per_mol),
            ("most_work_of_path_kcal_per_mol", most_work_of_path_kcal_per_mol),
            ("exit_nm", exit_nm),
            ("time_step_fs", time_step_fs),
        )
        if value is not None
    }
    errors = (ValueError, FileNotFoundError, FileExistsError, ImportError, RuntimeError)
    try:
        with stopping_on(errors, "genmd unbind run", console):
            settings = PathSettings(**_with_attempts(chosen))
            named = {"system": system, "pdb": pdb, "system_xml": system_xml, "ligand": ligand}
            _require_one_source(named, data)
            more = {"pocket_nm": pocket_nm, "temperature_k": temperature_k, "cutoff_nm": cutoff_nm}
            changes = {"cut_nm": cut_nm, "hydrogen_mass_da": hydrogen_mass_da}
            bound = chosen_complex(named | more | changes, data)
            team = TeamPlan(
                bound,
                model or _default_model(system),
                settings=settings,
                walkers=walkers,
                seed=seed,
                platform=platform,
            )
            shooting = ShootingPlan(shots=shots) if shots else None
            plan = UnbindingPlan(team, BaselinePlan() if baselines else None, shooting)
            with stage_progress(console, _STAGES) as report:
                processes = workers or os.cpu_count() or 1
                summary = run_unbinding(plan, out, workers=processes, resume=resume, report=report)
                if free_energy:
                    summary = free_energy_of_run(
                        out,
                        FreeEnergySettings(),
                        seed=seed,
                        platform=platform,
                        workers=processes,
                        report=report,
                    )
    except KeyboardInterrupt:
        console.print(f"Interrupted; {out} has what is finished, and --resume makes the rest.")
        raise typer.Exit(130) from None
    console.print(_table(summary))
    if free_energy:
        print_free_energy(summary, console)
    console.print(f"report: {out / 'unbinding.html'}", highlight=False)


def _with_attempts(chosen: dict[str, Any]) -> dict[str, Any]:
    """More leaps need more attempts, which have no option."""
    default = PathSettings()
    leaps = chosen.get("most_leaps", default.most_leaps)
    return chosen | {"most_attempts": max(default.most_attempts, 2 * leaps)}


def _require_one_source(named: dict[str, Any], data: Path | None) -> None:
    given = [f"--{name.replace('_', '-')}" for name, value in named.items() if value is not None]
    if data is not None and given:
        raise ValueError(
            f"--data {data} has the complex already, got {' '.join(given)} too; leave one of them "
            "out"
        )


def _default_model(system: str | None) -> str:
    if system is not None and system.startswith("cb7-"):
        return "cb7-b2"
    if system == "l99a-p-xylene":
        return system
    raise ValueError(
        "--model is required: no bundled model knows this complex; make paths with genmd unbind "
        "prepare and a model with genmd train biomd"
    )


def _table(summary: dict[str, Any]) -> Table:
    """A row for each method; ``-`` where nothing succeeded."""
    table = Table("", *_COLUMNS.values())
    table.add_row("this search", *(_text(summary.get(key)) for key in _COLUMNS))
    for name, part in summary.items():
        if isinstance(part, dict) and name in _STAGES:
            table.add_row(_STAGES.get(name, name), *(_text(part.get(key)) for key in _COLUMNS))
    table.title = "grade: exploratory (paths carry no Boltzmann weight and no rate)"
    return table


_COLUMNS = {
    "success_at_1": "success@1",
    "success_at_10": "@10",
    "seconds_per_stable_exit": "core s per exit",
    "force_evaluations_per_stable_exit": "force evaluations",
    "work_kcal_per_mol": "kcal/mol (IQR)",
    "receptor_rmsd_nm": "receptor moved, nm (IQR)",
}


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return "{:.3g} ({:.3g})".format(*value)
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
