"""Steered pulls of a ligand along a straight line: `StraightPull`."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import openmm
from numpy.typing import NDArray
from pydantic import Field, model_validator

from openmm_genmd.representations.superposition import superpose
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.dragged_complex import Dragged
from openmm_genmd.unbinding.dynamics_settings import DynamicsSettings
from openmm_genmd.unbinding.langevin_dynamics import LangevinDynamics
from openmm_genmd.unbinding.phase import Phase

Array = NDArray[np.float64]

_ENERGY = "0.5 * genmd_pull_k * {stretch}"
_STRETCH = "((x1-x2-genmd_x)^2 + (y1-y2-genmd_y)^2 + (z1-z2-genmd_z)^2)"
_PERIODIC_STRETCH = "pointdistance(x1, y1, z1, x2+genmd_x, y2+genmd_y, z2+genmd_z)^2"
_OFFSET = ("genmd_x", "genmd_y", "genmd_z")


class PullSettings(DynamicsSettings):
    """Settings of steered pulls.

    Attributes
    ----------
    steps
        MD steps in which the spring's centre goes all its way.
    steps_per_change
        MD steps between two moves of the centre.
    steps_per_frame
        MD steps between two kept frames; only there the ligand is seen to be out.
    length_nm
        Of the way, nm.
    spring_kj_per_mol_nm2
        On the centre of the ligand's heavy atoms, kJ/mol/nm^2.
    exit_nm, time_step_fs, friction_per_ps
        See `DynamicsSettings`.

    Examples
    --------
    >>> PullSettings(steps=3500).length_nm
    1.4
    """

    steps: int = Field(default=2500, ge=1)
    steps_per_change: int = Field(default=5, ge=1)
    steps_per_frame: int = Field(default=25, ge=1)
    length_nm: float = Field(default=1.4, ge=0)
    spring_kj_per_mol_nm2: float = Field(default=1000.0, gt=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.steps_per_frame % self.steps_per_change:
            raise ValueError(
                f"steps_per_frame must be a multiple of steps_per_change = {self.steps_per_change},"
                f" got {self.steps_per_frame}"
            )
        if self.steps % self.steps_per_frame:
            raise ValueError(
                f"steps must be a multiple of steps_per_frame = {self.steps_per_frame}, got "
                f"{self.steps}"
            )
        return self


def random_direction(rng: np.random.Generator) -> Array:
    """Unit vector ``(3,)``, uniform on the sphere.

    Parameters
    ----------
    rng
        Its random numbers.

    References
    ----------
    Muller, Commun. ACM 2, 19 (1959).

    Examples
    --------
    >>> round(float(np.linalg.norm(random_direction(np.random.default_rng(1)))), 12)
    1.0
    """
    drawn = rng.normal(size=3)
    return np.asarray(drawn / np.linalg.norm(drawn))


@dataclass(eq=False)
class StraightPull:
    """MD of a complex whose ligand is pulled along a straight line in the receptor's frame.

    The spring acts between the centres of the heavy atoms of ligand and receptor. How the receptor
    is turned is found anew, by superposition on the bound structure, whenever the spring's centre
    moves, so that a receptor that tumbles does not bend the line. Work is that of these moves, the
    turns included; as they follow the MD, the reverse of a pull is one only as far as the receptor
    does not turn between two moves.

    Parameters
    ----------
    bound
        The complex; directions refer to its positions.
    settings
        Length, spring, MD.
    platform
        By name; ``CPU`` runs on one thread.
    seed
        Of the thermostat.

    Raises
    ------
    ValueError
        If there is no such platform.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> start = Phase(bound.positions_nm, np.zeros_like(bound.positions_nm))
    >>> pull = StraightPull(bound, PullSettings(steps=50, length_nm=0.0), platform="Reference")
    >>> pulled = pull.pull(start, np.array([0.0, 0.0, 1.0]))
    >>> len(pulled.frames_nm), pulled.steps, abs(pulled.work_kj_per_mol) < 0.1
    (2, 50, True)
    """

    bound: BoundComplex
    settings: PullSettings
    platform: str = "CPU"
    seed: int = 1
    _held_at_nm: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        system = copy.deepcopy(self.bound.system)
        system.addForce(self._spring())
        self._dynamics = LangevinDynamics(
            self.bound, system, self.settings, platform=self.platform, seed=self.seed
        )
        self._held_at_nm = np.zeros(3)

    @property
    def steps(self) -> int:
        """MD steps so far, each an evaluation of the forces."""
        return self._dynamics.steps

    def pull(self, start: Phase, direction: Array) -> Dragged:
        """Result of one pull; it ends early where the ligand is out.

        The spring's centre moves to the shares (k + 1/2) / n of its way, k = 0 ... n - 1, MD
        following each move, and then to the end.

        Parameters
        ----------
        start
            If its springs are slack, the spring is tightened where the ligand is. Otherwise it has
            one centre, ``(1, 3)``, as at the end of a pull, from where it goes on.
        direction
            ``(3,)``, of any length, in the frame of the bound structure.

        Raises
        ------
        ValueError
            If the direction has no length or is not finite.
        RuntimeError
            If the MD becomes unstable.
        """
        settings, dynamics = self.settings, self._dynamics
        before, n = dynamics.steps, settings.steps // settings.steps_per_change
        every_frame = settings.steps_per_frame // settings.steps_per_change
        way = settings.length_nm * _unit(direction)
        x = start.positions_nm
        begin = self._tighten(start)
        frames, work = [], 0.0
        for change in range(n):
            work += self._move(x, begin + (change + 0.5) / n * way)
            dynamics.advance(settings.steps_per_change)
            x = dynamics.positions_nm()
            if (change + 1) % every_frame == 0:
                frames.append(x)
                if dynamics.least_distance_nm(x) > settings.exit_nm:
                    break
        else:
            work += self._move(x, begin + way)
        return Dragged(
            end=replace(dynamics.phase(), centres_nm=self._centre_nm(x)[None]),
            frames_nm=np.array(frames),
            work_kj_per_mol=work,
            held_kj_per_mol=self._energy_kj_per_mol(x),
            steps=dynamics.steps - before,
            least_distance_nm=dynamics.least_distance_nm(x),
        )

    def _spring(self) -> openmm.CustomCentroidBondForce:
        # Devices move molecules by box vectors, of which the positions they give know nothing.
        periodic = self.bound.box_nm is not None
        stretch = _PERIODIC_STRETCH if periodic else _STRETCH
        force = openmm.CustomCentroidBondForce(2, _ENERGY.format(stretch=stretch))
        force.setUsesPeriodicBoundaryConditions(periodic)
        force.setName("genmd pull")
        force.addGlobalParameter("genmd_pull_k", self.settings.spring_kj_per_mol_nm2)
        for name in _OFFSET:
            force.addGlobalParameter(name, 0.0)
        # Equal weights: with masses, a receptor that is frozen would have no centre.
        for group in (self.bound.ligand_heavy, self.bound.receptor_heavy):
            force.addGroup(group.tolist(), [1.0] * len(group))
        force.addBond([0, 1], [])
        return force

    def _tighten(self, start: Phase) -> Array:
        """Where the spring's centre is at first, in the frame of the bound structure, nm."""
        x = start.positions_nm
        self._dynamics.set(start)
        centre = self._ligand_nm(x) if start.centres_nm is None else start.centres_nm[0]
        self._hold(centre - self._receptor_nm(x))
        return self._carried(centre, x, self.bound.positions_nm)

    def _move(self, x: Array, place_nm: Array) -> float:
        """Work, kJ/mol, of moving the spring's centre to a place in the bound structure's frame."""
        before = self._energy_kj_per_mol(x)
        centre = self._carried(place_nm, self.bound.positions_nm, x)
        self._hold(centre - self._receptor_nm(x))
        return self._energy_kj_per_mol(x) - before

    def _hold(self, offset_nm: Array) -> None:
        self._held_at_nm = offset_nm
        for name, value in zip(_OFFSET, offset_nm.tolist(), strict=True):
            self._dynamics.context.setParameter(name, value)

    def _carried(self, point_nm: Array, of_nm: Array, to_nm: Array) -> Array:
        """Point ``(3,)`` that moves with the receptor from one structure to another."""
        receptor = self.bound.receptor_heavy
        known = np.arange(len(receptor) + 1) < len(receptor)
        moving = np.concatenate([of_nm[receptor], point_nm[None]])
        reference = np.concatenate([to_nm[receptor], np.zeros((1, 3))])
        return np.asarray(superpose(moving[None], reference[None], known[None])[0, -1])

    def _energy_kj_per_mol(self, x: Array) -> float:
        stretch = self._ligand_nm(x) - self._centre_nm(x)
        return float(0.5 * self.settings.spring_kj_per_mol_nm2 * stretch @ stretch)

    def _centre_nm(self, x: Array) -> Array:
        return self._receptor_nm(x) + self._held_at_nm

    def _ligand_nm(self, x: Array) -> Array:
        return np.asarray(x[self.bound.ligand_heavy].mean(axis=0))

    def _receptor_nm(self, x: Array) -> Array:
        return np.asarray(x[self.bound.receptor_heavy].mean(axis=0))


def _unit(direction: Array) -> Array:
    length = float(np.linalg.norm(direction))
    if not 0 < length < np.inf:
        raise ValueError(f"expected a direction of three finite numbers, not all 0: {direction}")
    return np.asarray(direction / length)
