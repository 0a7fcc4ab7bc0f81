"""Langevin dynamics of a complex whose random numbers follow from a seed: `LangevinDynamics`."""

from __future__ import annotations

from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.md.platforms import find_platform
from openmm_genmd.md.seeds import openmm_seed, seed_forces
from openmm_genmd.unbinding.bound_complex import BoundComplex
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
    time_step_fs, friction_per_ps
        Of the LangevinMiddleIntegrator.
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
    >>> dynamics = LangevinDynamics(bound, bound.system, time_step_fs=2.0, friction_per_ps=1.0,
    ...                             platform="Reference", seed=1)
    >>> dynamics.set(Phase(bound.positions_nm, np.zeros_like(bound.positions_nm)))
    >>> dynamics.advance(3)
    >>> dynamics.steps
    3
    """

    def __init__(
        self,
        bound: BoundComplex,
        system: openmm.System,
        *,
        time_step_fs: float,
        friction_per_ps: float,
        platform: str,
        seed: int,
    ) -> None:
        found = find_platform(platform)
        seed_forces(system, openmm_seed(seed, 11))
        integrator = openmm.LangevinMiddleIntegrator(
            bound.temperature_k, friction_per_ps, 1e-3 * time_step_fs
        )
        integrator.setRandomNumberSeed(openmm_seed(seed, 10))
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
        first, second = self._bonds.T
        lengths_nm = np.linalg.norm(x[first] - x[second], axis=1)
        if not (np.isfinite(x).all() and (lengths_nm < _TORN * self._lengths_nm).all()):
            raise RuntimeError(f"the MD became unstable: bonds are torn; {_REMEDY}")
        return x

    def advance(self, steps: int, bias: app.Metadynamics | None = None) -> None:
        """Do so many MD steps, with hills added on the way if there is a bias.

        Raises
        ------
        RuntimeError
            If the MD becomes unstable.
        """
        try:
            if bias is None:
                self.simulation.step(steps)
            else:
                bias.step(self.simulation, steps)
        except openmm.OpenMMException as error:
            raise RuntimeError(f"the MD became unstable: {error}; {_REMEDY}") from error
