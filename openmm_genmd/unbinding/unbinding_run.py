"""From a bound complex to verified paths, a summary and a report: `run_unbinding`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import openmm

from openmm_genmd.analysis.metrics_clashes import count_clashes
from openmm_genmd.analysis.metrics_ligand import geometry_errors
from openmm_genmd.md.run_folder import lock_folder
from openmm_genmd.md.seeds import openmm_seed
from openmm_genmd.unbinding.baselines import BaselinePlan, run_baselines
from openmm_genmd.unbinding.dragged_complex import DraggedComplex
from openmm_genmd.unbinding.kept_plan import plan_changes
from openmm_genmd.unbinding.path_export import export_openpathsampling, export_westpa
from openmm_genmd.unbinding.path_finding import walker_file
from openmm_genmd.unbinding.stored_complex import save_complex
from openmm_genmd.unbinding.stored_run import (
    PATHS,
    PLAN,
    StoredRun,
    write_page,
    write_summary,
)
from openmm_genmd.unbinding.straight_pull import PullSettings
from openmm_genmd.unbinding.team_run import TeamPlan, Verdict, model_of, run_team, tries_of
from openmm_genmd.unbinding.verification import (
    ShootingPlan,
    shoot,
    store_shots,
    stored_shots,
)
from openmm_genmd.unbinding.walker import Walker
from openmm_genmd.unbinding.worker_team import run_jobs

if TYPE_CHECKING:
    from openmm_genmd.proposers.bio_md_drift import BioMDDrift
    from openmm_genmd.representations.complex_atoms import ComplexAtoms

GRADE = "exploratory"
Report = Callable[[str, int, int], None]

_RAW_TRAJECTORIES = 8


@dataclass(frozen=True, eq=False)
class UnbindingPlan:
    """What `run_unbinding` does.

    Attributes
    ----------
    team
        The walkers with the model.
    baselines
        What else is run, or nothing.
    shooting
        From where on the paths MD is started, or not at all.
    shot_paths
        At most so many paths are shot from.

    Examples
    --------
    Made by `genmd unbind run`.
    """

    team: TeamPlan
    baselines: BaselinePlan | None = None
    shooting: ShootingPlan | None = field(default_factory=ShootingPlan)
    shot_paths: int = 2


def run_unbinding(
    plan: UnbindingPlan,
    out: str | Path,
    *,
    workers: int = 1,
    resume: bool = False,
    report: Report = lambda stage, done, of: None,
) -> dict[str, Any]:
    """Summary of a search, which is also written to ``summary.json``; grade `exploratory`.

    The folder gets ``paths/`` with the walkers, ``baselines/``, ``unbinding.html``, and, if a
    ligand got out, ``openpathsampling/`` and ``westpa/``. Whatever is killed goes on with `resume`.

    Parameters
    ----------
    plan
        What to do.
    out
        A new folder, or with ``resume`` one that was begun with the same plan.
    workers
        Processes, each on one core.
    resume
        Continue.
    report
        Called with a stage, how much of it is done, and of how much.

    Raises
    ------
    FileExistsError
        If the folder has a run and ``resume`` is not set.
    ValueError
        If ``resume`` is set and the plan is another one, or the model does not fit the complex.
    RuntimeError
        If a process dies, or the bound state is unstable.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with lock_folder(out):
        _require_same_plan(plan.team, out, resume)
        return _run(plan, out, workers, report)


def _run(plan: UnbindingPlan, out: Path, workers: int, report: Report) -> dict[str, Any]:
    team = run_team(plan.team, out / PATHS, workers=workers, report=partial(report, "walkers"))
    model, atoms = model_of(plan.team)
    charged = _charged_seconds(model)
    summary: dict[str, Any] = {"grade": GRADE, "system": plan.team.bound.name}
    summary |= tries_of(team, plan.team.bound).summary() | raw_frame_quality(
        plan.team, model, atoms
    )
    summary["charged_core_seconds"] = charged
    baselines: dict[str, Any] = {}
    if plan.baselines:
        baselines = run_baselines(
            *(plan.team, plan.baselines, out / "baselines"),
            pull_steps=_steps_of_a_path(plan.team, team),
            workers=workers,
            report=report,
        )
    _shoot(plan, team, out, workers, report)
    summary = write_summary(summary | baselines, out)
    save_complex(plan.team.bound, out)
    run = StoredRun.load(out)
    write_page(out)
    if any(path.counts for path in run.paths):
        export_openpathsampling(run.paths, run.bound, out / "openpathsampling")
        export_westpa(run.paths, run.bound, out / "westpa", seed=plan.team.seed)
    return summary


def raw_frame_quality(plan: TeamPlan, model: BioMDDrift, atoms: ComplexAtoms) -> dict[str, float]:
    """Clashes, and errors of the ligand's bonds and angles, of frames as the model gives them.

    Parameters
    ----------
    plan
        Which complex and seed, and how many frames.
    model, atoms
        See `model_of`.

    References
    ----------
    The clash score is BioMD's: the share of pairs that are not bonded and closer than 0.75 times
    the sum of their radii.
    """
    start_nm = plan.bound.positions_nm[atoms.particles]
    frames_nm = model.rollouts(start_nm, _RAW_TRAJECTORIES, plan.settings.most_leaps, plan.seed)
    frames = 10.0 * frames_nm.reshape(-1, *start_nm.shape)
    errors = geometry_errors(frames, 10.0 * start_nm, bonds=atoms.ligand_bonds)
    clashes = count_clashes(frames, bonds=atoms.bonds, radii_angstrom=atoms.radii_angstrom)
    return {
        "clash_score": float(clashes.overlap_fraction.mean()),
        "bond_mae_angstrom": errors.bond_mae_angstrom,
        "angle_mae_rad": errors.angle_mae_rad,
    }


def _steps_of_a_path(plan: TeamPlan, team: Sequence[tuple[Walker, Verdict]]) -> int:
    """MD steps of the median path that leads out, or of the longest one there could be."""
    settings = plan.settings
    dragged = [len(walker.path_nm()) - 1 for walker, verdict in team if verdict.stable]
    steps = settings.most_leaps * settings.steps_per_leap
    if dragged:
        steps = round(np.median(dragged) * settings.steps_per_change * settings.changes_per_frame)
    unit = PullSettings().steps_per_frame
    return unit * max(1, steps // unit)


def _charged_seconds(model: BioMDDrift) -> float | None:
    """What data and training of the model cost, if its file says so."""
    data, training = (model.metadata.get(f"{part}_core_seconds") for part in ("data", "training"))
    return None if data is None or training is None else float(data + training)


def _shoot(
    plan: UnbindingPlan,
    team: Sequence[tuple[Walker, Verdict]],
    out: Path,
    workers: int,
    report: Report,
) -> None:
    """Shoot from the cheapest paths, each path a job; what is stored is not shot again."""
    if plan.shooting is None:
        return
    stable = [walker for walker, verdict in team if verdict.stable]
    cheapest = sorted(stable, key=lambda walker: walker.work_kj_per_mol)[: plan.shot_paths]
    numbers = sorted(walker.number for walker in cheapest)
    job = partial(_shoot_from, plan, out / PATHS)
    report("shooting", 0, len(numbers))
    for done, _ in enumerate(run_jobs(job, numbers, workers), start=1):
        report("shooting", done, len(numbers))


def _shoot_from(plan: UnbindingPlan, folder: Path, number: int) -> None:
    asked = plan.shooting or ShootingPlan()
    if stored_shots(folder, number, asked):
        return
    team = plan.team
    dragged = DraggedComplex(
        team.bound, team.settings, team.platform, openmm_seed(team.seed, 17, number)
    )
    walker = Walker.load(walker_file(folder, number))
    store_shots(folder, number, asked, shoot(dragged, walker.path_nm(), asked, number))


def _require_same_plan(plan: TeamPlan, out: Path, resume: bool) -> None:
    if (out / PLAN).exists() and not resume:
        raise FileExistsError(f"{out} already has a run; choose --resume or a new --out")
    if changed := plan_changes(_identity(plan), out / PLAN):
        raise ValueError(
            f"cannot resume in {out}: {', '.join(changed)} differ from its {PLAN}; use the same "
            "input and options, or a new --out"
        )


def _identity(plan: TeamPlan) -> dict[str, Any]:
    from openmm_genmd.proposers.load import find_checkpoint

    system = openmm.XmlSerializer.serialize(plan.bound.system)
    return {
        "system": plan.bound.name,
        "system_sha256": hashlib.sha256(system.encode()).hexdigest(),
        "model_sha256": hashlib.sha256(find_checkpoint(plan.checkpoint).read_bytes()).hexdigest(),
        "settings": plan.settings.model_dump(),
        "walkers": plan.walkers,
        "seed": plan.seed,
        "platform": plan.platform,
        "euler_steps": plan.euler_steps,
        "temperature_k": plan.bound.temperature_k,
    }
