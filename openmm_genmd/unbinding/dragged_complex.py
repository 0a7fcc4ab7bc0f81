"""A complex whose ligand and pocket are dragged along by springs: `DraggedComplex`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.md.seeds import openmm_seed
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.langevin_dynamics import LangevinDynamics
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.residue_contacts import residue_contacts
from openmm_genmd.unbinding.springs import Springs

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Dragged:
    """What came of moving the centres towards their targets.

    Attributes
    ----------
    end
        The moment after it.
    frames_nm
        ``(n, n_particles, 3)``, nm, in order; the last is where it ended.
    work_kj_per_mol
        Of the moves of the centres.
    held_kj_per_mol
        What the springs hold at the end, and give back when they are released.
    steps
        MD steps done, each an evaluation of the forces.
    least_distance_nm
        Between heavy atoms of ligand and receptor at the end.
    """

    end: Phase
    frames_nm: Array
    work_kj_per_mol: float
    held_kj_per_mol: float
    steps: int
    least_distance_nm: float

    def followed_by(self, rest: Dragged) -> Dragged:
        """Both drags as one."""
        return replace(
            rest,
            frames_nm=np.concatenate([self.frames_nm, rest.frames_nm]),
            work_kj_per_mol=self.work_kj_per_mol + rest.work_kj_per_mol,
            steps=self.steps + rest.steps,
        )


@dataclass(eq=False)
class DraggedComplex:
    """MD of a complex with springs on the heavy atoms of pocket and ligand, the tokens.

    Parameters
    ----------
    bound
        The complex.
    settings
        Springs, time step and temperature.
    platform
        By name; ``CPU`` runs on one thread, since walkers are what runs side by side.
    seed
        Of the thermostat.

    Attributes
    ----------
    tokens
        ``(n_tokens,)``, particles on springs, ascending: heavy atoms of pocket and ligand.
    is_ligand
        ``(n_tokens,)`` bool: which of these are the ligand's.

    Raises
    ------
    ValueError
        If there is no such platform.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> dragged = DraggedComplex(bundled_complex("cb7-b2"), PathSettings(), platform="Reference")
    >>> start = dragged.settle(0.02)
    >>> dragged.steps, dragged.least_distance_nm(start.positions_nm) < 0.4
    (10, True)
    """

    bound: BoundComplex
    settings: PathSettings
    platform: str = "CPU"
    seed: int = 1
    tokens: NDArray[np.intp] = field(init=False)
    is_ligand: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        bound, settings = self.bound, self.settings
        self.tokens = np.sort(np.concatenate([bound.pocket_heavy, bound.ligand_heavy]))
        self.is_ligand = np.isin(self.tokens, bound.ligand_heavy)
        constants = np.where(
            self.is_ligand,
            settings.ligand_spring_kj_per_mol_nm2,
            settings.receptor_spring_kj_per_mol_nm2,
        )
        self._springs = Springs(bound.system, self.tokens, constants)
        self._dynamics = LangevinDynamics(
            bound, self._springs.system, settings, platform=self.platform, seed=self.seed
        )

    @property
    def steps(self) -> int:
        """MD steps so far, each an evaluation of the forces."""
        return self._dynamics.steps

    def settle(self, time_ps: float, start: Phase | None = None) -> Phase:
        """Moment after unbiased MD, from the bound state with fresh velocities unless given.

        Raises
        ------
        RuntimeError
            If the MD becomes unstable.
        """
        if start is None:
            at_rest = Phase(self.bound.positions_nm, np.zeros_like(self.bound.positions_nm))
            start = self.with_fresh_velocities(at_rest, 0)
        return self.run_free(start, self.steps_of(time_ps), lambda positions_nm: True)

    def with_fresh_velocities(self, phase: Phase, key: int) -> Phase:
        """Same positions, springs slack, velocities drawn anew at the complex's temperature."""
        self._set(replace(phase, centres_nm=None))
        self._dynamics.context.setVelocitiesToTemperature(
            self.bound.temperature_k, openmm_seed(self.seed, 2, key)
        )
        return self._dynamics.phase()

    def run_free(
        self,
        start: Phase,
        steps: int,
        go_on: Callable[[Array], bool],
        every: int = 50,
    ) -> Phase:
        """Moment after unbiased MD, or when it is told to stop.

        Parameters
        ----------
        start
            Its springs are released.
        steps
            At most so many.
        go_on
            Called with positions ``(n_particles, 3)``, nm, after every ``every`` steps.

        Raises
        ------
        RuntimeError
            If the MD becomes unstable.
        """
        self._set(replace(start, centres_nm=None))
        done = 0
        while done < steps:
            some = min(every, steps - done)
            self._dynamics.advance(some)
            done += some
            if not go_on(self._dynamics.positions_nm()):
                break
        return self._dynamics.phase()

    def drag(self, start: Phase, targets_nm: Array, changes: int | None = None) -> Dragged:
        """Result of moving the centres from where they are to the targets.

        The centres move to the shares (k + 1/2) / n of their way, k = 0 ... n - 1, MD following
        each move, and then to the targets: read backwards, this is the reverse drag. It ends early
        where the ligand is out.

        Parameters
        ----------
        start
            If its springs are slack they are tightened where the atoms are.
        targets_nm
            ``(n_tokens, 3)``, nm.
        changes
            n; as many as a leap of this length has unless given.

        Raises
        ------
        RuntimeError
            If the MD becomes unstable.
        """
        settings, before = self.settings, self.steps
        every_frame = settings.changes_per_frame
        self._set(start)
        x = start.positions_nm
        centres = x[self.tokens] if start.centres_nm is None else start.centres_nm
        n = changes or self.changes_of_leap(centres, targets_nm)
        self._springs.aim(self._dynamics.context, centres, targets_nm)
        frames, work = [], 0.0
        for change in range(n):
            work += self._springs.move(self._dynamics.context, x, (change + 0.5) / n)
            self._dynamics.advance(settings.steps_per_change)
            x = self._dynamics.positions_nm()
            if (change + 1) % every_frame == 0:
                frames.append(x)
                if self.least_distance_nm(x) > settings.exit_nm:
                    break
        else:
            work += self._springs.move(self._dynamics.context, x, 1.0)
            if n % every_frame:
                frames.append(x)  # a probe may end between two frames
        return Dragged(
            end=replace(self._dynamics.phase(), centres_nm=self._springs.centres_nm),
            frames_nm=np.array(frames).reshape(-1, *x.shape),
            work_kj_per_mol=work,
            held_kj_per_mol=self._springs.energy_kj_per_mol(x),
            steps=self.steps - before,
            least_distance_nm=self.least_distance_nm(x),
        )

    def changes_of_leap(self, centres_nm: Array, targets_nm: Array) -> int:
        """How often centres ``(n_tokens, 3)``, nm, move on their way to targets."""
        way = (targets_nm - centres_nm)[self.is_ligand]
        return self.settings.changes_of_leap(float(np.sqrt((way**2).sum(axis=1).mean())))

    def contacts(self, positions_nm: Array) -> int:
        """Pairs of heavy atoms of ligand and receptor in contact at ``(n_particles, 3)``, nm."""
        return int(residue_contacts(positions_nm[None], self.bound).sum())

    def least_distance_nm(self, positions_nm: Array) -> float:
        """Least distance of heavy atoms of ligand and receptor, nm, at ``(n_particles, 3)``, nm."""
        return self._dynamics.least_distance_nm(positions_nm)

    def steps_of(self, time_ps: float) -> int:
        """MD steps in a time."""
        return round(1e3 * time_ps / self.settings.time_step_fs)

    def _set(self, phase: Phase) -> None:
        self._dynamics.context.setParameter("genmd_springs", 0.0)
        self._dynamics.set(phase)
