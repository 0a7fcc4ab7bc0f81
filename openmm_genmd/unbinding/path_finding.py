"""Walkers that look for the way out: `find_paths`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.unbinding.dragged_complex import Dragged, DraggedComplex
from openmm_genmd.unbinding.drifts import Drift
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.targets import accumulated_target
from openmm_genmd.unbinding.walker import Stop, Walker
from openmm_genmd.units import KJ_PER_KCAL

Array = NDArray[np.float64]

GATES = ("leap too costly", "path too costly", "unstable")
"""Reasons for which a leap is refused."""


def find_paths(
    dragged: DraggedComplex,
    drift: Drift,
    walkers: Sequence[int],
    folder: Path,
    *,
    seed: int,
    setup_seconds: float = 0.0,
    report: Callable[[Walker], object] = lambda walker: None,
) -> list[Walker]:
    """Walkers that are out or gave up; of grade `exploratory`, their paths carry no weight.

    All walk in step, so that one batch of the model serves all. Each is stored after each leap, as
    ``walker-NNNN.npz`` in the folder, and goes on from there when this is called again.

    Parameters
    ----------
    dragged
        The complex.
    drift
        Says where to go next.
    walkers
        Their numbers.
    folder
        There already.
    seed
        Of everything that is drawn here.
    setup_seconds
        Core seconds that it took to make `dragged` and `drift`, which each walker is charged with
        an equal part of.
    report
        Called after each leap of a walker.

    Raises
    ------
    RuntimeError
        If the bound state is unstable.
    ValueError
        If the file of a walker is damaged.
    """
    team = _team(dragged, walkers, folder, seed, setup_seconds / max(1, len(walkers)))
    while walking := [walker for walker in team if walker.status == "walking"]:
        for walker, proposals in zip(walking, _propose(dragged, drift, walking), strict=True):
            began = time.process_time()
            _take(walker, dragged, proposals)
            walker.md_seconds += time.process_time() - began
            walker.save(walker_file(folder, walker.number))
            report(walker)
    return team


def walker_file(folder: Path, number: int) -> Path:
    """Where a walker is stored."""
    return folder / f"walker-{number:04d}.npz"


def _team(
    dragged: DraggedComplex,
    walkers: Sequence[int],
    folder: Path,
    seed: int,
    setup_seconds: float,
) -> list[Walker]:
    """Walkers as they were stored, or at starts along unbiased MD of the bound state."""
    team, phase = [], None
    for number in walkers:
        file = walker_file(folder, number)
        if file.exists():
            walker = Walker.load(file)
            walker.setup_seconds += setup_seconds
            team.append(walker)
            continue
        before, began = dragged.steps, time.process_time()
        settings = dragged.settings
        phase = dragged.settle(settings.settle_ps if phase is None else settings.apart_ps, phase)
        start = dragged.with_fresh_velocities(phase, number)
        frames = start.positions_nm[None].astype(np.float32)
        walker = Walker(number, [Stop(start, frames)], np.random.default_rng((seed, number)))
        walker.steps, walker.setup_seconds = dragged.steps - before, setup_seconds
        walker.md_seconds = time.process_time() - began
        walker.save(file)
        team.append(walker)
    return team


def _propose(dragged: DraggedComplex, drift: Drift, walkers: list[Walker]) -> Array:
    """Frames ``(n_walkers, candidates, n_leaps, n_tokens, 3)``, nm."""
    began, settings = time.process_time(), dragged.settings
    histories = [_history(walker, dragged, drift.history_frames) for walker in walkers]
    c = settings.candidates
    repeated = [history for history in histories for _ in range(c)]
    rngs = [walker.rng for walker in walkers for _ in range(c)]
    frames = drift.propose(repeated, rngs, settings.frames_per_proposal)
    for walker in walkers:
        walker.model_seconds += (time.process_time() - began) / len(walkers)
    return frames.reshape(len(walkers), c, *frames.shape[1:])


def _history(walker: Walker, dragged: DraggedComplex, frames: int) -> Array:
    known = [stop.phase.positions_nm[dragged.tokens] for stop in walker.stops[-frames:]]
    return np.array(known)


@dataclass(frozen=True)
class _Leap:
    """A leap that was tried, and what is wrong with it, if anything."""

    dragged: Dragged | None
    refused: str | None


def _take(walker: Walker, dragged: DraggedComplex, proposals: Array) -> None:
    """Take the leaps of a proposal, up to the first that is refused."""
    follows = walker.here.phase.positions_nm[dragged.tokens]
    for leap in range(proposals.shape[1]):
        before = dragged.steps
        tried = _try(walker, dragged, proposals[:, leap], follows)
        walker.steps += dragged.steps - before
        walker.attempts += 1
        _decide(walker, dragged.settings, tried)
        if tried.refused or walker.status != "walking":
            return
        follows = proposals[0, leap]  # with several candidates there is no next one


def _try(walker: Walker, dragged: DraggedComplex, frames: Array, follows: Array) -> _Leap:
    """Choose a candidate by its probe, drag it to the end, and look at the work."""
    here = walker.here
    present = here.phase.positions_nm[dragged.tokens]
    centres = present if here.phase.centres_nm is None else here.phase.centres_nm
    ligand = dragged.is_ligand
    targets = [accumulated_target(y, follows, present, centres, ligand) for y in frames]
    try:
        if len(targets) == 1:
            leap = dragged.drag(here.phase, targets[0])
        else:
            leap = _chosen(walker, dragged, targets, centres)
    except RuntimeError:
        return _Leap(None, "unstable")
    return _Leap(leap, _refused(here, leap, dragged.settings))


def _chosen(
    walker: Walker, dragged: DraggedComplex, targets: list[Array], centres: Array
) -> Dragged:
    """Probe all candidates, and finish one that is drawn with weight exp(-work / scale)."""
    settings = dragged.settings
    whole = [dragged.changes_of_leap(centres, target) for target in targets]
    begun = [settings.changes_of_probe(n) for n in whole]
    probes = [
        dragged.drag(walker.here.phase, centres + m / n * (target - centres), m)
        for target, n, m in zip(targets, whole, begun, strict=True)
    ]
    work = np.array([probe.work_kj_per_mol for probe in probes]) / KJ_PER_KCAL
    weights = np.exp(-(work - work.min()) / settings.selection_kcal_per_mol)
    pick = int(walker.rng.choice(len(probes), p=weights / weights.sum()))
    if probes[pick].least_distance_nm > settings.exit_nm:
        return probes[pick]
    return probes[pick].followed_by(
        dragged.drag(probes[pick].end, targets[pick], whole[pick] - begun[pick])
    )


def _refused(here: Stop, leap: Dragged, settings: PathSettings) -> str | None:
    spent = leap.work_kj_per_mol / KJ_PER_KCAL
    total = (here.work_kj_per_mol + leap.work_kj_per_mol) / KJ_PER_KCAL
    if not spent <= settings.most_work_of_leap_kcal_per_mol:
        return GATES[0]
    if not total <= settings.most_work_of_path_kcal_per_mol:
        return GATES[1]
    return None


def _decide(walker: Walker, settings: PathSettings, tried: _Leap) -> None:
    """Go on, or go back, or be out, or give up."""
    if tried.refused or tried.dragged is None:
        reason = tried.refused or "unstable"
        walker.refused_leaps[reason] = walker.refused_leaps.get(reason, 0) + 1
        walker.refusals += 1
        if walker.refusals >= settings.most_refusals and walker.leaps:
            walker.stops.pop()
            walker.refusals = 0
    else:
        walker.stops.append(walker.here.after(tried.dragged))
        walker.refusals = 0
        if tried.dragged.least_distance_nm > settings.exit_nm:
            walker.status = "out"
            return
    if walker.leaps >= settings.most_leaps or walker.attempts >= settings.most_attempts:
        walker.status = "gave up"
