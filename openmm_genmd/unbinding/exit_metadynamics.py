"""Well-tempered metadynamics until the ligand leaves: `exit_by_metadynamics`."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit
from pydantic import Field

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.dynamics_settings import DynamicsSettings
from openmm_genmd.unbinding.langevin_dynamics import LangevinDynamics
from openmm_genmd.unbinding.phase import Phase

Array = NDArray[np.float64]

_BOUND_NM = 0.1
"""Nearer to its first place than this, on the bias' coordinate, the ligand is on no way out yet."""

_ROOM_NM = 0.5
"""Between the ligand that is out and the end of the bias' grid."""


class MetadynamicsSettings(DynamicsSettings):
    """Settings of well-tempered metadynamics, along the distance of ligand and pocket.

    Attributes
    ----------
    height_kj_per_mol
        Of the first hills, kJ/mol.
    width_nm
        Their standard deviation, nm.
    bias_factor
        gamma of the reference; above 1.
    steps_per_hill
        MD steps between hills.
    most_steps
        MD steps after which it gives up.
    steps_per_frame
        MD steps between two frames; only there the ligand is seen to be out.
    most_frames
        The last so many frames are kept.
    exit_nm, time_step_fs, friction_per_ps
        See `DynamicsSettings`.

    Examples
    --------
    >>> MetadynamicsSettings.naive().steps_per_hill
    500
    """

    height_kj_per_mol: float = Field(default=4.0, gt=0)
    width_nm: float = Field(default=0.03, gt=0)
    bias_factor: float = Field(default=40.0, gt=1)
    steps_per_hill: int = Field(default=10, ge=1)
    most_steps: int = Field(default=150_000, ge=1)
    steps_per_frame: int = Field(default=25, ge=1)
    most_frames: int = Field(default=2000, ge=1)

    @classmethod
    def tuned(cls) -> Self:
        """Settings tuned on CB7-B2 as long as hills are a bias and no push: 10 kJ/mol/ps."""
        return cls(height_kj_per_mol=2.0, bias_factor=20.0, steps_per_hill=100)

    @classmethod
    def fast(cls) -> Self:
        """Those with the fewest steps per exit, of twelve that were tried on CB7-B2.

        Hills are so dense, 200 kJ/mol/ps, that the ligand is pushed out within two picoseconds:
        this is a steered pull along the distance rather than a metadynamics.
        """
        return cls()

    @classmethod
    def naive(cls) -> Self:
        """Settings as for a slow study of a free energy, which is what tutorials have."""
        return cls(height_kj_per_mol=1.2, width_nm=0.05, bias_factor=10.0, steps_per_hill=500)


@dataclass(frozen=True, eq=False)
class MetadynamicsExit:
    """What came of a metadynamics.

    Attributes
    ----------
    left, unstable
        Whether the ligand is out; whether it ended since the MD became unstable.
    end
        The last moment.
    frames_nm
        ``(n, n_particles, 3)`` float32, nm, from the last one near the bound place to the end, or
        as many as are kept.
    work_kj_per_mol
        Heights of all hills, less the bias at the end: the work of a bias that changes with time
        and is then taken away, to be compared with that of a spring.
    steps
        MD steps done, each an evaluation of the forces.
    """

    left: bool
    unstable: bool
    end: Phase
    frames_nm: NDArray[np.float32]
    work_kj_per_mol: float
    steps: int


def exit_by_metadynamics(
    bound: BoundComplex,
    start: Phase,
    settings: MetadynamicsSettings,
    *,
    platform: str = "CPU",
    seed: int = 1,
) -> MetadynamicsExit:
    """Way out under a bias on the distance between the centres of ligand and pocket.

    The bias knows nothing but this distance, the one coordinate that is at hand for any complex.
    Kinetics under it mean nothing, as hills are dense.

    Parameters
    ----------
    bound
        The complex.
    start
        A moment of its bound state.
    settings
        Hills, MD, limits.
    platform
        By name; ``CPU`` runs on one thread.
    seed
        Of the thermostat.

    Raises
    ------
    ValueError
        If there is no such platform.

    References
    ----------
    Barducci, Bussi & Parrinello, Phys. Rev. Lett. 100, 020603 (2008).

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> start = Phase(bound.positions_nm, np.zeros_like(bound.positions_nm))
    >>> settings = MetadynamicsSettings(most_steps=60, steps_per_hill=20)
    >>> done = exit_by_metadynamics(bound, start, settings, platform="Reference")
    >>> done.left, done.steps
    (False, 60)
    """
    system = copy.deepcopy(bound.system)
    bias = _bias(bound, start.positions_nm, settings, system)
    group = system.getForce(system.getNumForces() - 1).getForceGroup()
    dynamics = LangevinDynamics(bound, system, settings, platform=platform, seed=seed)
    dynamics.set(start)
    near_nm = _distance_nm(bound, start.positions_nm) + _BOUND_NM
    frames = deque([start.positions_nm.astype(np.float32)], settings.most_frames)
    left = unstable = False
    while not left and dynamics.steps < settings.most_steps:
        try:
            todo = min(settings.steps_per_frame, settings.most_steps - dynamics.steps)
            dynamics.advance(todo, bias)
            x = dynamics.positions_nm()
        except RuntimeError:
            unstable = True
            break
        if _distance_nm(bound, x) < near_nm:
            frames.clear()
        frames.append(x.astype(np.float32))
        left = dynamics.least_distance_nm(x) > settings.exit_nm
    held = dynamics.context.getState(energy=True, groups={group}).getPotentialEnergy()
    return MetadynamicsExit(
        left=left,
        unstable=unstable,
        end=dynamics.phase(),
        frames_nm=np.array(frames),
        work_kj_per_mol=bias.spent_kj_per_mol - held.value_in_unit(unit.kilojoule_per_mole),
        steps=dynamics.steps,
    )


class _Metadynamics(app.Metadynamics):  # type: ignore[misc]
    """Keeps count of the hills: each raises the energy by its height, where the ligand is."""

    spent_kj_per_mol = 0.0

    def _addGaussian(self, position: Any, height: Any, context: Any) -> None:  # noqa: N802
        self.spent_kj_per_mol += height.value_in_unit(unit.kilojoule_per_mole)
        super()._addGaussian(position, height, context)


def _bias(
    bound: BoundComplex, x: Array, settings: MetadynamicsSettings, system: openmm.System
) -> _Metadynamics:
    """Bias that is now also in the System."""
    distance = openmm.CustomCentroidBondForce(2, "distance(g1, g2)")
    # Equal weights: with masses, a pocket that is frozen would have no centre.
    for group in (bound.ligand_heavy, bound.pocket_heavy):
        distance.addGroup(group.tolist(), [1.0] * len(group))
    distance.addBond([0, 1], [])
    distance.setUsesPeriodicBoundaryConditions(system.usesPeriodicBoundaryConditions())
    reach = _reach_nm(bound, x, settings.exit_nm)
    variable = app.BiasVariable(distance, 0.0, reach, settings.width_nm, False)
    return _Metadynamics(
        *(system, [variable], bound.temperature_k),
        *(settings.bias_factor, settings.height_kj_per_mol, settings.steps_per_hill),
    )


def _reach_nm(bound: BoundComplex, x: Array, exit_nm: float) -> float:
    """Distance of the centres that a ligand does not reach before it is seen to be out, nm."""
    pocket, ligand = x[bound.pocket_heavy].mean(axis=0), x[bound.ligand_heavy].mean(axis=0)
    far = np.linalg.norm(x[bound.receptor_heavy] - pocket, axis=1).max()
    large = np.linalg.norm(x[bound.ligand_heavy] - ligand, axis=1).max()
    return float(far + exit_nm + large + _ROOM_NM)


def _distance_nm(bound: BoundComplex, x: Array) -> float:
    between = x[bound.ligand_heavy].mean(axis=0) - x[bound.pocket_heavy].mean(axis=0)
    return float(np.linalg.norm(between))
