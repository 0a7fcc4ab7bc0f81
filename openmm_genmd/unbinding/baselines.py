"""What else one could do to get a ligand out, for comparison: `run_baselines`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from openmm_genmd.data.unbinding_folder import UnbindingFolder
from openmm_genmd.unbinding.exit_metadynamics import MetadynamicsSettings
from openmm_genmd.unbinding.method_summary import Tries
from openmm_genmd.unbinding.preparation_plan import PreparationPlan
from openmm_genmd.unbinding.prepare import prepare
from openmm_genmd.unbinding.receptor_strain import StrainGauge
from openmm_genmd.unbinding.straight_pull import PullSettings
from openmm_genmd.unbinding.team_run import DriftName, TeamPlan, run_team, tries_of

_CONTROLS: dict[str, DriftName] = {"zero_drift": "zero", "random_drift": "random"}


@dataclass(frozen=True)
class BaselinePlan:
    """How often each baseline is tried.

    Attributes
    ----------
    walkers
        Of both controls.
    pulls
        Straight, in random directions, and as long as paths with the model.
    metadynamics, metadynamics_fast, metadynamics_naive
        Runs until the ligand leaves, with tuned settings, with those that push hardest and with
        usual ones; see `MetadynamicsSettings`.

    Examples
    --------
    >>> BaselinePlan().metadynamics
    5
    """

    walkers: int = 30
    pulls: int = 30
    metadynamics: int = 5
    metadynamics_fast: int = 10
    metadynamics_naive: int = 2


def run_baselines(
    plan: TeamPlan,
    counts: BaselinePlan,
    folder: Path,
    *,
    pull_steps: int,
    workers: int = 1,
    report: Callable[[str, int, int], None] = lambda name, done, of: None,
) -> dict[str, dict[str, Any]]:
    """Summaries by name, see `MethodSummary`; what is finished in the folder is not done again.

    Parameters
    ----------
    plan
        Of the walkers with the model.
    counts
        How often.
    folder
        Each baseline has one of its own there.
    pull_steps
        MD steps of a pull; for a comparison of works those of a path with the model.
    workers
        Processes.
    report
        Called with the name of a baseline, how many of its tries are done, and of how many.

    Raises
    ------
    RuntimeError
        If a process dies, or the bound state is unstable.
    ValueError
        If what is in the folder belongs to another plan.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, drift in _CONTROLS.items():

        def tell(done: int, of: int, name: str = name) -> None:
            report(name, done, of)

        control = replace(plan, drift=drift, walkers=counts.walkers)
        team = run_team(control, folder / name, workers=workers, report=tell)
        found[name] = tries_of(team, plan.bound).summary()
    for name, made in _plans(plan, counts, pull_steps).items():
        tries = _prepared(plan, made, folder / name, workers, name, report)
        found[name] = tries.summary()
    return found


def _plans(plan: TeamPlan, counts: BaselinePlan, pull_steps: int) -> dict[str, PreparationPlan]:
    md = plan.settings.dynamics()
    common: Mapping[str, Any] = {"platform": plan.platform, "seed": plan.seed}
    pull = PullSettings(steps=pull_steps, **md)
    tuned = MetadynamicsSettings.tuned().model_copy(update=md)
    fast = MetadynamicsSettings.fast().model_copy(update=md)
    naive = MetadynamicsSettings.naive().model_copy(update=md)
    plans = {
        "pull": (counts.pulls, 0, tuned),
        "metadynamics": (0, counts.metadynamics, tuned),
        "metadynamics_fast": (0, counts.metadynamics_fast, fast),
        "metadynamics_naive": (0, counts.metadynamics_naive, naive),
    }
    return {
        name: PreparationPlan(pulls=pulls, metadynamics=runs, pull=pull, hills=hills, **common)
        for name, (pulls, runs, hills) in plans.items()
        if pulls + runs
    }


def _prepared(
    plan: TeamPlan,
    made: PreparationPlan,
    folder: Path,
    workers: int,
    name: str,
    report: Callable[[str, int, int], None],
) -> Tries:
    manifest = prepare(
        plan.bound,
        folder,
        made,
        workers=workers,
        resume=folder.exists(),
        report=lambda done, of, manifest: report(name, done, of),
    )
    tally = manifest.pull if made.pulls else manifest.metadynamics
    (entry,) = UnbindingFolder.open(folder).entries
    paths = entry.trajectories
    stable = [bool(path.stable_exit) for path in paths] + [False] * len(tally.unstable)
    works = [path.work_kcal_per_mol for path in paths] + [None] * len(tally.unstable)
    gauge = StrainGauge(plan.bound)
    return Tries(
        stable,
        works,
        tally.core_seconds + manifest.starts.core_seconds,
        tally.steps + manifest.starts.steps,
        [gauge.measure(entry.read(path)[-1]) for path in paths],
    )
