"""From a bound complex to verified paths, a summary and a report: `run_unbinding`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openmm

from openmm_genmd.analysis.metrics_clashes import count_clashes
from openmm_genmd.analysis.metrics_ligand import geometry_errors
from openmm_genmd.md.run_folder import lock_folder
from openmm_genmd.md.seeds import openmm_seed
from openmm_genmd.unbinding.baselines import BaselinePlan, run_baselines
from openmm_genmd.unbinding.dragged_complex import DraggedComplex
from openmm_genmd.unbinding.found_path import FoundPath
from openmm_genmd.unbinding.path_export import export_openpathsampling, export_westpa
from openmm_genmd.unbinding.straight_pull import PullSettings
from openmm_genmd.unbinding.team_run import TeamPlan, Verdict, model_of, run_team, tries_of
from openmm_genmd.unbinding.unbinding_report import UnbindingReport, write_unbinding_report
from openmm_genmd.unbinding.verification import ShootingPlan, Shots, shoot
from openmm_genmd.unbinding.walker import Walker
from openmm_genmd.unbinding.worker_team import run_jobs

GRADE = "exploratory"
Report = Callable[[str, int, int], None]

_PLAN, _SUMMARY, _PAGE = "plan.json", "summary.json", "unbinding.html"
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
    team = run_team(plan.team, out / "paths", workers=workers, report=partial(report, "walkers"))
    summary: dict[str, Any] = {"grade": GRADE, "system": plan.team.bound.name}
    summary |= tries_of(team).summary() | raw_frame_quality(plan.team)
    summary["charged_core_seconds"] = _charged_seconds(plan.team)
    baselines: dict[str, Any] = {}
    if plan.baselines:
        baselines = run_baselines(
            *(plan.team, plan.baselines, out / "baselines"),
            pull_steps=_steps_of_a_path(plan.team, team),
            workers=workers,
            report=report,
        )
    shots = _shots(plan, team, out, workers, report)
    _write(out / _SUMMARY, json.dumps(_finite(summary | baselines), indent=1) + "\n")
    paths = [
        FoundPath.of(walker, verdict.stable, steps=verdict.steps, core_seconds=verdict.seconds)
        for walker, verdict in team
    ]
    page = UnbindingReport(
        plan.team.bound,
        paths,
        settings=_settings(plan.team),
        summary=summary,
        baselines=baselines,
        shooting=shots,
        charged_core_seconds=_charged_seconds(plan.team),
    )
    write_unbinding_report(page, out / _PAGE)
    if any(path.counts for path in paths):
        export_openpathsampling(paths, plan.team.bound, out / "openpathsampling")
        export_westpa(paths, plan.team.bound, out / "westpa", seed=plan.team.seed)
    return summary | baselines


def raw_frame_quality(plan: TeamPlan) -> dict[str, float]:
    """Clashes, and errors of the ligand's bonds and angles, of frames as the model gives them.

    Parameters
    ----------
    plan
        Which model and complex.

    References
    ----------
    The clash score is BioMD's: the share of pairs that are not bonded and closer than 0.75 times
    the sum of their radii.
    """
    bound = plan.bound
    model, atoms = model_of(plan)
    start_nm = bound.positions_nm[atoms.particles]
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
    leaps = [walker.leaps for walker, verdict in team if verdict.stable]
    median = round(float(np.median(leaps))) if leaps else plan.settings.most_leaps
    steps = median * plan.settings.steps_per_leap
    unit = PullSettings().steps_per_frame
    return unit * max(1, steps // unit)


def _charged_seconds(plan: TeamPlan) -> float | None:
    """What data and training of the model cost, if its file says so."""
    known = model_of(plan)[0].metadata
    data, training = (known.get(f"{part}_core_seconds") for part in ("data", "training"))
    return None if data is None or training is None else float(data + training)


def _shots(
    plan: UnbindingPlan,
    team: Sequence[tuple[Walker, Verdict]],
    out: Path,
    workers: int,
    report: Report,
) -> dict[int, list[Shots]]:
    """Shots from the cheapest paths, each path a job; those that are stored are not shot again."""
    if plan.shooting is None:
        return {}
    stable = [walker for walker, verdict in team if verdict.stable]
    cheapest = sorted(stable, key=lambda walker: walker.work_kj_per_mol)[: plan.shot_paths]
    numbers = sorted(walker.number for walker in cheapest)
    job = partial(_shoot_from, plan, out / "paths")
    found: dict[int, list[Shots]] = {}
    report("shooting", 0, len(numbers))
    for number, shots in run_jobs(job, numbers, workers):
        found[number] = shots
        report("shooting", len(found), len(numbers))
    return dict(sorted(found.items()))


def _shoot_from(plan: UnbindingPlan, folder: Path, number: int) -> tuple[int, list[Shots]]:
    stored = folder / f"shots-{number:04d}.json"
    asked = asdict(plan.shooting) if plan.shooting else {}
    if stored.exists():
        known = json.loads(stored.read_text(encoding="utf-8"))
        if known["plan"] == asked:
            return number, [Shots(**shots) for shots in known["shots"]]
    team = plan.team
    dragged = DraggedComplex(
        team.bound, team.settings, team.platform, openmm_seed(team.seed, 17, number)
    )
    walker = Walker.load(folder / f"walker-{number:04d}.npz")
    shots = shoot(dragged, walker.path_nm(), plan.shooting or ShootingPlan(), number)
    _write(stored, json.dumps({"plan": asked, "shots": [vars(s) for s in shots]}) + "\n")
    return number, shots


def _require_same_plan(plan: TeamPlan, out: Path, resume: bool) -> None:
    mine, stored = _identity(plan), out / _PLAN
    if not stored.exists():
        _write(stored, json.dumps(mine, indent=1) + "\n")
        return
    if not resume:
        raise FileExistsError(f"{out} already has a run; choose --resume or a new --out")
    theirs = json.loads(stored.read_text(encoding="utf-8"))
    changed = [name for name in mine if mine[name] != theirs.get(name)]
    if changed:
        raise ValueError(
            f"cannot resume in {out}: {', '.join(changed)} differ from its {_PLAN}; use the same "
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


def _settings(plan: TeamPlan) -> dict[str, str]:
    found = {name: value for name, value in _identity(plan).items() if name != "settings"}
    return {name: str(value) for name, value in {**found, **plan.settings.model_dump()}.items()}


def _finite(value: Any) -> Any:
    """JSON knows no NaN: None in its place."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _write(path: Path, text: str) -> None:
    partial_file = path.with_name(path.name + ".partial")
    partial_file.write_text(text, encoding="utf-8")
    os.replace(partial_file, path)
