"""MD in all windows of a path, with exchanges: `sample_windows`."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit

from openmm_genmd.md.seeds import openmm_seed
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.heavy_hydrogens import with_heavy_hydrogens
from openmm_genmd.unbinding.langevin_dynamics import LangevinDynamics
from openmm_genmd.unbinding.path_windows import PathWindows
from openmm_genmd.unbinding.pose import PoseFrame
from openmm_genmd.unbinding.pose_restraint import PoseRestraint
from openmm_genmd.unbinding.window_exchange import WindowExchange, positions_nm
from openmm_genmd.unbinding.window_leaps import WindowLeaps
from openmm_genmd.unbinding.window_observables import slow_candidates
from openmm_genmd.unbinding.window_samples import Replicas, WindowSamples

Array = NDArray[np.float64]
Direction = Literal["in", "out"]
DIRECTIONS: tuple[Direction, ...] = ("in", "out")

_SAVE_SECONDS = 30.0
_FAR_NM = 100.0
_STATE = {"positions": True, "velocities": True, "parameters": True, "integratorParameters": True}


@dataclass(frozen=True, eq=False)
class WindowPlan:
    """What the windows of a path need to know.

    Attributes
    ----------
    bound
        The complex.
    frame
        In which poses are told.
    restraint
        Of the pose, with the wall about the site.
    symmetries
        Permutations that rename equivalent atoms of the ligand.
    path
        The windows.
    ends_nm
        ``(2, n_particles, 3)``, nm, bound and out: from where the ligand is brought into the
        windows, by direction.
    settings
        Of MD and exchanges.
    seed
        Of everything random.
    platform
        Of OpenMM, by name.

    Examples
    --------
    Made by `run_free_energy`.
    """

    bound: BoundComplex
    frame: PoseFrame
    restraint: PoseRestraint
    symmetries: Sequence[NDArray[np.intp]]
    path: PathWindows
    ends_nm: Array
    settings: FreeEnergySettings
    seed: int = 1
    platform: str = "CPU"


def sample_windows(
    plan: WindowPlan,
    direction: Direction,
    folder: Path,
    iterations: int,
    *,
    start: Replicas | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> tuple[WindowSamples, Replicas]:
    """Samples of all windows, and where the replicas are at the end.

    Goes on from what the folder holds, and stores there what was done every half minute.

    Parameters
    ----------
    plan
        What to do.
    direction
        ``"in"``: started from the bound complex, from where the ligand is brought into one window
        after the other. ``"out"``: started with the ligand out, which is brought in.
    folder
        Where samples are stored.
    iterations
        In all, those in the folder included.
    start
        Where replicas start, in place of bringing the ligand there.
    report
        Called with the number of iterations that are done.

    Raises
    ------
    RuntimeError
        If the MD becomes unstable.
    ValueError
        If the folder's file is damaged.
    """
    stored = WindowSamples.load(folder)
    if stored is not None and stored[0].iterations >= iterations:
        return stored
    began, saved = time.process_time(), time.monotonic()
    done = stored[0].iterations if stored else 0
    windows = _Windows(plan, direction, done)
    fresh = [stored[0]] if stored else []
    replicas = stored[1] if stored else (start or windows.seeded())
    windows.set(replicas)
    while done < iterations:
        fresh.append(windows.iterate())
        done += 1
        if done == iterations or time.monotonic() - saved > _SAVE_SECONDS:
            now = time.process_time()
            fresh = [WindowSamples.joined(fresh).charged(now - began, windows.take_steps())]
            fresh[0].save(windows.replicas(), folder)
            began, saved = now, time.monotonic()
        report(done)
    return fresh[0], windows.replicas()


class _Windows:
    """A Simulation that serves all windows in turn."""

    def __init__(self, plan: WindowPlan, direction: Direction, done: int) -> None:
        self._plan, self._direction, self._steps = plan, direction, 0
        settings, key = plan.settings, (DIRECTIONS.index(direction), done)
        mass, bound = settings.hydrogen_mass_da, plan.bound
        heavy = bound if mass is None else with_heavy_hydrogens(bound, mass)
        system = _with_restraint(heavy.system, plan.restraint)
        self._leaps: WindowLeaps | None = None
        if settings.leap_steps:
            self._leaps = WindowLeaps(
                heavy,
                system,
                settings,
                platform=plan.platform,
                seed=openmm_seed(plan.seed, 26, *key),
            )
        self._dynamics = LangevinDynamics(
            heavy,
            system,
            settings,
            platform=plan.platform,
            seed=openmm_seed(plan.seed, 23, *key),
        )
        self._context.setPositions(plan.ends_nm[0])
        self._exchange = WindowExchange(
            [plan.restraint.parameters(window) for window in plan.path.windows],
            self._dynamics.simulation,
            settings.steps_per_exchange,
            self._energies_kj_per_mol,
            np.random.default_rng((plan.seed, 24, *key)),
            plan.symmetries,
            self._leap,
        )
        self._exchange.reporters.append(self._record)
        self._recorded: WindowSamples | None = None

    @property
    def _context(self) -> openmm.Context:
        return self._dynamics.context

    def seeded(self) -> Replicas:
        """Replicas that were brought into their windows one after the other."""
        windows = self._plan.path.windows
        states: dict[int, openmm.State] = {}
        outward = list(range(len(windows)))
        if self._direction == "out":
            self._enter(self._plan.ends_nm[1])
            for window in outward[self._nearest_to_exit() :]:
                self._hold(window, self._plan.settings.steps_per_seed)
        else:
            self._enter(self._plan.ends_nm[0])
        order = outward[::-1] if self._direction == "out" else outward
        self._hold(order[0], self._plan.settings.settle_steps)
        for window in order:
            self._hold(window, self._plan.settings.steps_per_seed)
            states[window] = self._context.getState(positions=True, velocities=True)
        return _replicas([states[window] for window in outward], outward)

    def set(self, replicas: Replicas) -> None:
        """Go on from there."""
        states = []
        for n in range(replicas.n):
            if self._plan.bound.box_nm is not None:
                self._context.setPeriodicBoxVectors(*replicas.box_nm[n])
            self._context.setPositions(replicas.positions_nm[n])
            self._context.setVelocities(replicas.velocities_nm_per_ps[n])
            states.append(self._context.getState(**_STATE))
        self._exchange.replicaConformation = states
        self._exchange.replicaStateIndex = replicas.windows.tolist()

    def replicas(self) -> Replicas:
        """Where they are."""
        return _replicas(self._exchange.replicaConformation, self._exchange.replicaStateIndex)

    def iterate(self) -> WindowSamples:
        """MD in all windows, and exchanges; what was sampled before these.

        Raises
        ------
        RuntimeError
            If the MD becomes unstable.
        """
        with self._dynamics.stability():
            self._exchange.simulate(1)
        self._steps += len(self._exchange.states) * self._exchange.stepsPerIteration
        assert self._recorded is not None
        if self._leaps is None:
            return self._recorded
        counts = self._leaps.take_counts()
        self._steps += counts.steps
        return replace(self._recorded, leaps_tried=counts.tried, leaps_accepted=counts.accepted)

    def take_steps(self) -> int:
        """MD steps since this was last called."""
        steps, self._steps = self._steps, 0
        return steps

    def _leap(self, context: openmm.Context, window: int) -> None:
        """Every few iterations, a leap of the replica in a window."""
        every = self._plan.settings.iterations_per_leap
        if self._leaps and self._exchange.currentIteration % every == every - 1:
            self._leaps.leap(context, self._plan.path.windows[window])

    def _enter(self, positions_nm: Array) -> None:
        plan = self._plan
        self._context.setPositions(positions_nm)
        self._context.setVelocitiesToTemperature(
            plan.bound.temperature_k, openmm_seed(plan.seed, 25, DIRECTIONS.index(self._direction))
        )

    def _hold(self, window: int, steps: int) -> None:
        """MD in a window."""
        plan = self._plan
        for name, value in plan.restraint.parameters(plan.path.windows[window]).items():
            self._context.setParameter(name, value)
        self._dynamics.advance(steps)
        self._dynamics.positions_nm()
        self._steps += steps

    def _nearest_to_exit(self) -> int:
        """Window on the path whose restraint the end of the path minds least."""
        plan = self._plan
        pose = plan.frame.poses(plan.ends_nm[1][None])
        first = plan.path.first_on_path
        energies = plan.restraint.energies_kj_per_mol(plan.path.windows[first:], pose)
        return first + int(energies[:, 0].argmin())

    def _energies_kj_per_mol(self, positions_nm: Array) -> Array:
        plan = self._plan
        poses = plan.frame.poses(positions_nm)
        return plan.restraint.energies_kj_per_mol(plan.path.windows, poses).T

    def _record(self, exchange: WindowExchange) -> None:
        plan = self._plan
        x = positions_nm(exchange.replicaConformation)
        for each in x:
            self._dynamics.require_whole(each)
        windows = np.array(exchange.replicaStateIndex, dtype=np.intp)
        poses = plan.frame.poses(x)
        own = [plan.path.windows[window] for window in windows]
        last = int(np.flatnonzero(windows == len(plan.path.windows) - 1)[0])
        self._recorded = WindowSamples(
            windows[None],
            poses,
            {name: v[None] for name, v in slow_candidates(plan.bound, own, poses, x).items()},
            np.array([self._interaction_kj_per_mol(x[last])]),
            renamed=exchange.take_renamed(),
        )

    def _interaction_kj_per_mol(self, positions_nm: Array) -> float:
        """Energy less that with the ligand far away."""
        bound = self._plan.bound
        if bound.box_nm is not None:
            return float("nan")
        far_nm = positions_nm.copy()
        far_nm[bound.ligand, 0] += _FAR_NM
        groups = set(range(32)) - {self._plan.restraint.force_group}
        energies = []
        for x in (positions_nm, far_nm):
            self._context.setPositions(x)
            state = self._context.getState(energy=True, groups=groups)
            energies.append(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))
        return float(energies[0] - energies[1])


def _with_restraint(system: openmm.System, restraint: PoseRestraint) -> openmm.System:
    """Copy whose only force in the restraint's group is the restraint."""
    own = copy.deepcopy(system)
    for force in own.getForces():
        if force.getForceGroup() == restraint.force_group:
            force.setForceGroup(0)
    own.addForce(restraint.force())
    return own


def _replicas(states: Sequence[openmm.State], windows: Sequence[int]) -> Replicas:
    return Replicas(
        positions_nm(states),
        np.array([_velocities_nm_per_ps(state) for state in states]),
        np.array([_box_nm(state) for state in states]),
        np.array(windows, dtype=np.intp),
    )


def _velocities_nm_per_ps(state: openmm.State) -> Array:
    speed = unit.nanometer / unit.picosecond
    return np.asarray(state.getVelocities(asNumpy=True).value_in_unit(speed))


def _box_nm(state: openmm.State) -> Array:
    return np.asarray(state.getPeriodicBoxVectors(asNumpy=True).value_in_unit(unit.nanometer))
