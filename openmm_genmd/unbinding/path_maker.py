"""One path at a time, from a seed: `PathMaker`."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.md.seeds import openmm_seed
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.dragged_complex import DraggedComplex
from openmm_genmd.unbinding.exit_metadynamics import exit_by_metadynamics
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.preparation_plan import PathJob, PreparationPlan
from openmm_genmd.unbinding.straight_pull import StraightPull, random_direction
from openmm_genmd.unbinding.verification import stays_out
from openmm_genmd.units import KJ_PER_KCAL

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MadePath:
    """A path and what it cost.

    Attributes
    ----------
    job
        What was asked for.
    frames_nm
        ``(n, n_particles, 3)`` float32, nm, the first being bound; empty if the MD was unstable.
    frame_interval_ps
        Between frames, ps.
    left, stable
        Whether the ligand is out at the end, and stayed out in unbiased MD.
    work_kcal_per_mol
        Of the spring or the hills, their release included; None if the MD was unstable.
    steps
        MD steps, those that verify the exit included.
    core_seconds
        Processor time.
    """

    job: PathJob
    frames_nm: NDArray[np.float32]
    frame_interval_ps: float
    left: bool
    stable: bool
    work_kcal_per_mol: float | None
    steps: int
    core_seconds: float


@dataclass(frozen=True, eq=False)
class _Way:
    """A path before its exit is verified."""

    frames_nm: NDArray[np.float32]
    end: Phase
    left: bool
    work_kcal_per_mol: float | None
    steps: int


@dataclass(frozen=True, eq=False)
class PathMaker:
    """Makes the paths of a plan; what comes of a job depends on nothing but its seed.

    Parameters
    ----------
    bound
        The complex.
    plan
        Settings.
    starts_nm
        ``(n, n_particles, 3)``, nm, of the bound state, see `sample_starts`.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> from openmm_genmd.unbinding.straight_pull import PullSettings
    >>> bound = bundled_complex("cb7-b2")
    >>> plan = PreparationPlan(pull=PullSettings(steps=50), platform="Reference")
    >>> made = PathMaker(bound, plan, bound.positions_nm[None]).make(plan.jobs()[0])
    >>> made.frames_nm.shape, made.frame_interval_ps, made.left
    ((3, 156, 3), 0.05, False)
    """

    bound: BoundComplex
    plan: PreparationPlan
    starts_nm: Array

    def make(self, job: PathJob) -> MadePath:
        """Path of a job, whose exit, if there is one, is verified by unbiased MD."""
        began, plan = time.process_time(), self.plan
        settings = plan.pull if job.method == "pull" else plan.hills
        free = DraggedComplex(
            self.bound,
            PathSettings(**settings.dynamics()),
            platform=plan.platform,
            # Another stream of random numbers than that of the biased MD.
            seed=openmm_seed(job.seed, 14),
        )
        x = self.starts_nm[job.number % len(self.starts_nm)]
        start = free.with_fresh_velocities(Phase(x, np.zeros_like(x)), job.number)
        way = self._pulled(job, start) if job.method == "pull" else self._pushed(job, start)
        stable = way.left and stays_out(free, way.end, plan.stay_ps)
        return MadePath(
            job=job,
            frames_nm=way.frames_nm,
            frame_interval_ps=1e-3 * settings.time_step_fs * settings.steps_per_frame,
            left=way.left,
            stable=stable,
            work_kcal_per_mol=way.work_kcal_per_mol,
            steps=way.steps + free.steps,
            core_seconds=time.process_time() - began,
        )

    def _pulled(self, job: PathJob, start: Phase) -> _Way:
        pull = StraightPull(self.bound, self.plan.pull, self.plan.platform, job.seed)
        direction = random_direction(np.random.default_rng((job.seed, 12)))
        try:
            done = pull.pull(start, direction)
        except RuntimeError:
            return self._unstable(start, pull.steps)
        return _Way(
            frames_nm=np.concatenate([start.positions_nm[None], done.frames_nm]).astype(np.float32),
            end=done.end,
            left=done.least_distance_nm > self.plan.pull.exit_nm,
            work_kcal_per_mol=(done.work_kj_per_mol - done.held_kj_per_mol) / KJ_PER_KCAL,
            steps=done.steps,
        )

    def _pushed(self, job: PathJob, start: Phase) -> _Way:
        plan = self.plan
        done = exit_by_metadynamics(
            self.bound, start, plan.hills, platform=plan.platform, seed=job.seed
        )
        if done.unstable:
            return self._unstable(start, done.steps)
        work = done.work_kj_per_mol / KJ_PER_KCAL
        return _Way(done.frames_nm, done.end, done.left, work, done.steps)

    def _unstable(self, start: Phase, steps: int) -> _Way:
        """Nothing but what it cost."""
        none = np.empty((0, *start.positions_nm.shape), np.float32)
        return _Way(none, start, left=False, work_kcal_per_mol=None, steps=steps)


def sample_starts(bound: BoundComplex, plan: PreparationPlan) -> tuple[Array, int]:
    """Moments ``(n, n_particles, 3)``, nm, of unbiased MD of the bound state; and its steps.

    Parameters
    ----------
    bound
        The complex.
    plan
        How many, how far apart, seed and platform.

    Raises
    ------
    RuntimeError
        If the MD becomes unstable.
    ValueError
        If there is no such platform.
    """
    settings = PathSettings(**plan.pull.dynamics())
    dragged = DraggedComplex(bound, settings, plan.platform, openmm_seed(plan.seed, 13))
    starts: list[Phase] = []
    for _ in range(plan.starts):
        starts.append(
            dragged.settle(plan.apart_ps, starts[-1]) if starts else dragged.settle(plan.settle_ps)
        )
    return np.array([start.positions_nm for start in starts]), dragged.steps
