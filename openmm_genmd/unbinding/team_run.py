"""A team of walkers in several processes, verified and stored: `run_team`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from openmm_genmd.md.seeds import openmm_seed
from openmm_genmd.representations.complex_atoms import ComplexAtoms
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.dragged_complex import DraggedComplex
from openmm_genmd.unbinding.drifts import Drift, RandomDrift, ZeroDrift
from openmm_genmd.unbinding.method_summary import Tries
from openmm_genmd.unbinding.path_finding import find_paths, walker_file
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.receptor_strain import StrainGauge
from openmm_genmd.unbinding.verification import stays_out
from openmm_genmd.unbinding.walker import Walker
from openmm_genmd.unbinding.whole_file import write_whole
from openmm_genmd.unbinding.worker_team import end_if_left_behind, run_jobs
from openmm_genmd.units import KJ_PER_KCAL

if TYPE_CHECKING:
    from openmm_genmd.proposers.bio_md_drift import BioMDDrift

DriftName = Literal["model", "zero", "random"]

BATCH = 6
"""Walkers that go in step, so that a batch of the model serves all of them."""


@dataclass(frozen=True, eq=False)
class TeamPlan:
    """What a team needs to know.

    Attributes
    ----------
    bound
        The complex.
    checkpoint
        Of the model: a name or a file.
    drift
        Who says where to go: the model, or a control.
    settings
        Of the search.
    walkers
        How many.
    seed
        Of everything.
    platform
        Of OpenMM, by name.
    euler_steps
        Of the model.

    Examples
    --------
    Made by `genmd unbind run`.
    """

    bound: BoundComplex
    checkpoint: str
    drift: DriftName = "model"
    settings: PathSettings = field(default_factory=PathSettings)
    walkers: int = 30
    seed: int = 1
    platform: str = "CPU"
    euler_steps: int = 6


@dataclass(frozen=True)
class Verdict:
    """What became of a walker, as it is stored beside its path.

    Attributes
    ----------
    stable
        Whether it is out and stays out; None: it is not out.
    steps, seconds
        What all of it cost, set-up and verification included: evaluations of the forces and core
        seconds.

    Examples
    --------
    >>> Verdict(stable=True, steps=4000, seconds=4.0).stable
    True
    """

    stable: bool | None
    steps: int
    seconds: float


def run_team(
    plan: TeamPlan,
    folder: Path,
    *,
    workers: int = 1,
    report: Callable[[int, int], None] = lambda done, of: None,
) -> list[tuple[Walker, Verdict]]:
    """Walkers with their verdicts, in the order of their numbers.

    Parameters
    ----------
    plan
        What to do.
    folder
        Where walkers are stored; those that are there already are not walked again.
    workers
        Processes, each with a share of the walkers.
    report
        Called with the number of walkers that are finished, and of all.

    Raises
    ------
    RuntimeError
        If a process dies, or the bound state is unstable. What was found so far is kept.
    ValueError
        If the file of a walker is damaged, or the model does not fit the complex.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report(_finished(plan, folder), plan.walkers)
    work = partial(run_share, plan, folder)
    with closing(run_jobs(work, _shares(plan, folder), workers)) as shares:
        for _ in shares:
            report(_finished(plan, folder), plan.walkers)
    return [stored_walker(folder, number) for number in range(plan.walkers)]


def run_share(plan: TeamPlan, folder: Path, numbers: list[int]) -> None:
    """Walk and verify some of the walkers in this process.

    Parameters
    ----------
    plan, folder
        As for `run_team`.
    numbers
        Of the walkers, which share the batches of the model.
    """
    began = time.process_time()
    seed = openmm_seed(plan.seed, 7, *numbers[:1], *_steps_done(folder, numbers))
    dragged = DraggedComplex(plan.bound, plan.settings, plan.platform, seed)
    drift = _drift(plan, dragged)
    team = find_paths(
        *(dragged, drift, numbers, folder),
        seed=plan.seed,
        setup_seconds=time.process_time() - began,
        report=lambda walker: end_if_left_behind(),
    )
    for walker in team:
        before, began = dragged.steps, time.process_time()
        stable = stays_out(dragged, walker.here.phase) if walker.status == "out" else None
        seconds = time.process_time() - began + walker.core_seconds
        steps = dragged.steps - before + walker.steps
        _store(folder, walker.number, Verdict(stable, steps, seconds))


def _steps_done(folder: Path, numbers: list[int]) -> list[int]:
    """MD steps of a share before it was interrupted; empty if it begins now.

    With the same seed, a share that goes on would draw again what it drew at first.
    """
    files = [walker_file(folder, number) for number in numbers]
    done = sum(Walker.load(file).steps for file in files if file.exists())
    return [done] if done else []


def tries_of(team: Sequence[tuple[Walker, Verdict]], bound: BoundComplex | None = None) -> Tries:
    """Tries of a team that is done, with strains if it is said of which complex."""
    gauge = None if bound is None else StrainGauge(bound)
    return Tries(
        [verdict.stable is True for _, verdict in team],
        [walker.work_kj_per_mol / KJ_PER_KCAL for walker, _ in team],
        sum(verdict.seconds for _, verdict in team),
        sum(verdict.steps for _, verdict in team),
        [gauge.measure(walker.here.frames_nm[-1]) for walker, _ in team] if gauge else (),
    )


def _shares(plan: TeamPlan, folder: Path) -> list[list[int]]:
    """Unfinished walkers in groups that do not depend on the number of workers."""
    groups = [range(n, min(n + BATCH, plan.walkers)) for n in range(0, plan.walkers, BATCH)]
    left = [[n for n in group if not _verdict_file(folder, n).exists()] for group in groups]
    return [share for share in left if share]


def model_of(plan: TeamPlan) -> tuple[BioMDDrift, ComplexAtoms]:
    """Model of a plan, and the tokens of its complex.

    Raises
    ------
    FileNotFoundError
        If there is no such model.
    ValueError
        If the file has no BioMD, or the complex is too large.
    """
    from openmm_genmd.proposers.bio_md_drift import BioMDDrift

    bound = plan.bound
    atoms = ComplexAtoms.of(bound.topology, bound.ligand, receptor=bound.pocket)
    return BioMDDrift(plan.checkpoint, atoms, steps=plan.euler_steps), atoms


def _drift(plan: TeamPlan, dragged: DraggedComplex) -> Drift:
    """Who says where to go; random steps are as long as the model's from the bound state."""
    if plan.drift == "zero":
        return ZeroDrift()
    model = model_of(plan)[0]
    if plan.drift == "model":
        return model
    start = plan.bound.positions_nm[dragged.tokens][None]
    rngs = [np.random.default_rng((plan.seed, 11, n)) for n in range(8)]
    return RandomDrift.as_far_as(model, [start] * len(rngs), rngs, dragged.is_ligand)


def _finished(plan: TeamPlan, folder: Path) -> int:
    return sum(_verdict_file(folder, n).exists() for n in range(plan.walkers))


def _verdict_file(folder: Path, number: int) -> Path:
    return folder / f"walker-{number:04d}.json"


def _store(folder: Path, number: int, verdict: Verdict) -> None:
    file = _verdict_file(folder, number)
    write_whole(file, json.dumps(vars(verdict)) + "\n")


def stored_walker(folder: Path, number: int) -> tuple[Walker, Verdict]:
    """Walker and verdict of a number, as they lie in a folder.

    Raises
    ------
    ValueError
        If the walker's file is damaged.
    """
    known: dict[str, Any] = json.loads(_verdict_file(folder, number).read_text(encoding="utf-8"))
    return Walker.load(walker_file(folder, number)), Verdict(**known)
