"""Whether a ligand that is out stays out, and where on a path it turns: `stays_out`, `shoot`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.unbinding.contacts import CONTACT_NM
from openmm_genmd.unbinding.dragged_complex import DraggedComplex
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.whole_file import write_whole

Array = NDArray[np.float64]

STAY_PS = 3.0
"""Unbiased MD after which an exit counts."""


def stays_out(dragged: DraggedComplex, exit_phase: Phase, time_ps: float = STAY_PS) -> bool:
    """Whether the ligand makes no contact for a while in unbiased MD, springs released.

    Parameters
    ----------
    dragged
        The complex.
    exit_phase
        The moment at which the ligand was found out; velocities go on.
    time_ps
        How long, ps.

    Returns
    -------
    False as soon as two heavy atoms of ligand and receptor are in contact, see `BoundContacts`, or
    if the MD is unstable there.
    """
    kept = True

    def apart(positions_nm: Array) -> bool:
        nonlocal kept
        kept = dragged.least_distance_nm(positions_nm) > CONTACT_NM
        return kept

    try:
        dragged.run_free(exit_phase, dragged.steps_of(time_ps), apart)
    except RuntimeError:
        return False
    return kept


@dataclass(frozen=True)
class Shots:
    """Unbiased MD from one frame of a path, with fresh velocities each time.

    Attributes
    ----------
    progress
        Where on the path, from 0, bound, to 1, out.
    shots
        How many.
    out, bound
        How many ended out, and how many bound; the others had not decided.

    Examples
    --------
    >>> Shots(progress=0.5, shots=8, out=2, bound=5).undecided
    1
    """

    progress: float
    shots: int
    out: int
    bound: int

    @property
    def undecided(self) -> int:
        """Shots that were neither out nor bound when their time was over."""
        return self.shots - self.out - self.bound


@dataclass(frozen=True)
class ShootingPlan:
    """Where and how long to shoot.

    Attributes
    ----------
    points
        Frames of each path, evenly spaced from the first to the last.
    shots
        From each.
    time_ps
        At most so long, ps.
    bound_fraction
        A shot is bound when ligand and receptor have this share of the bound state's number of
        contacts; which atoms touch does not matter, since a guest may turn in its host.

    Examples
    --------
    >>> ShootingPlan().points
    5
    """

    points: int = 5
    shots: int = 8
    time_ps: float = 2.0
    bound_fraction: float = 0.7

    def __post_init__(self) -> None:
        if self.points < 2 or self.shots < 1 or not self.time_ps > 0:
            raise ValueError(
                "shooting needs at least 2 points, 1 shot and a time, got "
                f"{self.points}, {self.shots} and {self.time_ps:g} ps"
            )
        if not 0 < self.bound_fraction <= 1:
            raise ValueError(
                f"bound_fraction must be above 0 and at most 1, got {self.bound_fraction}"
            )


def shoot(
    dragged: DraggedComplex, path_nm: NDArray[np.floating], plan: ShootingPlan, key: int = 0
) -> list[Shots]:
    """How often MD from frames of a path ends out or bound: committor-like fractions.

    They are no committors: frames on a path are not drawn from the Boltzmann distribution, and
    shots are short. They say where along the path the ligand no longer comes back by itself.

    Parameters
    ----------
    dragged
        The complex.
    path_nm
        ``(n, n_particles, 3)``, nm, from bound to out.
    plan
        Where and how long.
    key
        Tells the random velocities of paths apart.
    """
    places = np.linspace(0, len(path_nm) - 1, plan.points).round().astype(int)
    found = []
    for place in places.tolist():
        keys = [(key * plan.points + place) * plan.shots + n for n in range(plan.shots)]
        ends = [_shot(dragged, np.asarray(path_nm[place], np.float64), plan, k) for k in keys]
        progress = place / max(1, len(path_nm) - 1)
        found.append(Shots(progress, plan.shots, ends.count("out"), ends.count("bound")))
    return found


def store_shots(folder: Path, number: int, plan: ShootingPlan, shots: Sequence[Shots]) -> None:
    """Write the shots from a path beside it."""
    known = {"plan": asdict(plan), "shots": [vars(each) for each in shots]}
    write_whole(_shots_file(folder, number), json.dumps(known) + "\n")


def stored_shots(folder: Path, number: int, plan: ShootingPlan | None = None) -> list[Shots]:
    """Shots that were stored of a path; none if there are none, or they are of another plan.

    Parameters
    ----------
    folder, number
        Of the path.
    plan
        Which is asked for; None for any.
    """
    file = _shots_file(folder, number)
    if not file.exists():
        return []
    known = json.loads(file.read_text(encoding="utf-8"))
    if plan is not None and known["plan"] != asdict(plan):
        return []
    return [Shots(**shots) for shots in known["shots"]]


def _shots_file(folder: Path, number: int) -> Path:
    return folder / f"shots-{number:04d}.json"


def _shot(dragged: DraggedComplex, frame_nm: Array, plan: ShootingPlan, key: int) -> str:
    start = dragged.with_fresh_velocities(Phase(frame_nm, np.zeros_like(frame_nm)), key)
    end, bound_contacts = "undecided", dragged.contacts(dragged.bound.positions_nm)

    def undecided(positions_nm: Array) -> bool:
        nonlocal end
        if dragged.least_distance_nm(positions_nm) > dragged.settings.exit_nm:
            end = "out"
        elif dragged.contacts(positions_nm) >= plan.bound_fraction * bound_contacts:
            end = "bound"
        return end == "undecided"

    if undecided(frame_nm):
        try:
            dragged.run_free(start, dragged.steps_of(plan.time_ps), undecided)
        except RuntimeError:
            return "undecided"
    return end
