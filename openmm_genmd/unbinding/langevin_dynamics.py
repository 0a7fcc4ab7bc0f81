"""Langevin dynamics of a complex whose random numbers follow from a seed: `LangevinDynamics`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.md.platforms import find_platform
from openmm_genmd.md.seeds import openmm_seed, seed_forces
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.contacts import minimum_distances_nm
from openmm_genmd.unbinding.dynamics_settings import DynamicsSettings
from openmm_genmd.unbinding.phase import Phase

Array = NDArray[np.float64]

_REMEDY = "use a smaller time step or a weaker bias, or minimize the complex first"
_TORN = 1.6  # times as long as in the bound state


class LangevinDynamics:
    """A Simulation of a complex with one force more.

    Parameters
    ----------
    bound
        The complex; its System is not changed.
    system
        A copy of that System with the force.
    settings
        Time step and friction of the LangevinMiddleIntegrator.
    platform
        By name; ``CPU`` runs on one thread.
    seed
        From which random numbers follow.

    Attributes
    ----------
    simulation
        For what needs one.

    Raises
    ------
    ValueError
        If there is no such platform.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> dynamics = LangevinDynamics(
    ...     bound, bound.system, DynamicsSettings(), platform="Reference", seed=1
    ... )
    >>> dynamics.set(Phase(bound.positions_nm, np.zeros_like(bound.positions_nm)))
    >>> dynamics.advance(3)
    >>> dynamics.steps
    3
    """

    def __init__(
        self,
        bound: BoundComplex,
        system: openmm.System,
        settings: DynamicsSettings,
        *,
        platform: str,
        seed: int,
    ) -> None:
        found = find_platform(platform)
        seed_forces(system, openmm_seed(seed, 11))
        integrator = openmm.LangevinMiddleIntegrator(
            bound.temperature_k, settings.friction_per_ps, 1e-3 * settings.time_step_fs
        )
        integrator.setRandomNumberSeed(openmm_seed(seed, 10))
        self._bound = bound
        bonds = [(bond[0].index, bond[1].index) for bond in bound.topology.bonds()]
        self._bonds = np.array(bonds, dtype=np.intp).reshape(-1, 2)
        first, second = bound.positions_nm[self._bonds.T]
        self._lengths_nm = np.linalg.norm(first - second, axis=1)
        threads = {"Threads": "1"} if platform == "CPU" else {}
        self.simulation = app.Simulation(bound.topology, system, integrator, found, threads)

    @property
    def context(self) -> Any:
        """The openmm.Context."""
        return self.simulation.context

    @property
    def steps(self) -> int:
        """MD steps so far, each an evaluation of the forces."""
        return int(self.simulation.currentStep)

    def set(self, phase: Phase) -> None:
        """Go to a moment's positions and velocities."""
        self.context.setPositions(phase.positions_nm)
        self.context.setVelocities(phase.velocities_nm_per_ps)

    def phase(self) -> Phase:
        """Where it is now."""
        state = self.context.getState(positions=True, velocities=True)
        return Phase(
            state.getPositions(asNumpy=True).value_in_unit(unit.nanometer),
            state.getVelocities(asNumpy=True).value_in_unit(unit.nanometer / unit.picosecond),
        )

    def positions_nm(self) -> Array:
        """Positions ``(n_particles, 3)``, nm.

        Raises
        ------
        RuntimeError
            If one is not finite, or a bond is torn: a complex that flies apart would otherwise be
            taken for one whose ligand left.
        """
        positions = self.context.getState(positions=True).getPositions(asNumpy=True)
        x = np.asarray(positions.value_in_unit(unit.nanometer), dtype=np.float64)
        self.require_whole(x)
        return x

    def require_whole(self, positions_nm: Array) -> None:
        """None if no bond is torn at ``(n_particles, 3)``, nm.

        Raises
        ------
        RuntimeError
            If one is, or a position is not finite.
        """
        first, second = self._bonds.T
        lengths_nm = np.linalg.norm(positions_nm[first] - positions_nm[second], axis=1)
        whole = np.isfinite(positions_nm).all() and (lengths_nm < _TORN * self._lengths_nm).all()
        if not whole:
            raise RuntimeError(f"the MD became unstable: bonds are torn; {_REMEDY}")

    def least_distance_nm(self, positions_nm: Array) -> float:
        """Least distance of heavy atoms of ligand and receptor, nm, at ``(n_particles, 3)``, nm.

        In a periodic box it is that of the nearest images, of either.
        """
        bound = self._bound
        groups = bound.receptor_heavy, bound.ligand_heavy
        return float(minimum_distances_nm(positions_nm, *groups, box_nm=bound.box_nm)[0])

    def advance(self, steps: int, bias: app.Metadynamics | None = None) -> None:
        """Do so many MD steps, with hills added on the way if there is a bias.

        Raises
        ------
        RuntimeError
            If the MD becomes unstable.
        """
        with self.stability():
            if bias is None:
                self.simulation.step(steps)
            else:
                bias.step(self.simulation, steps)

    @contextmanager
    def stability(self) -> Iterator[None]:
        """Block in which OpenMM's complaints about the MD come with a remedy.

        Raises
        ------
        RuntimeError
            If the MD becomes unstable.
        """
        try:
            yield
        except openmm.OpenMMException as error:
            raise RuntimeError(f"the MD became unstable: {error}; {_REMEDY}") from error
