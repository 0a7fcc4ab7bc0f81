"""Springs that drag atoms along: `Springs`."""

from __future__ import annotations

import copy

import numpy as np
import openmm
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STRETCH = "((x-cx)^2 + (y-cy)^2 + (z-cz)^2)"
_PERIODIC_STRETCH = "periodicdistance(x, y, z, cx, cy, cz)^2"
_ENERGY = (
    "genmd_springs * 0.5 * k * {stretch};"
    "cx = x0 + genmd_share*dx; cy = y0 + genmd_share*dy; cz = z0 + genmd_share*dz"
)
_PARAMETERS = ("k", "x0", "y0", "z0", "dx", "dy", "dz")


class Springs:
    """Harmonic springs between atoms and centres that move on straight lines.

    They are slack until `aim` is called. Work is that of the instantaneous moves of the centres,
    as in `SteeredSwitching`; what MD does in between is heat.

    Parameters
    ----------
    system
        Not changed.
    particles
        ``(n,)``, which atoms.
    constants_kj_per_mol_nm2
        ``(n,)``, kJ/mol/nm^2.

    Attributes
    ----------
    system
        A copy of the System with the springs, for a Context.

    Raises
    ------
    ValueError
        If the constants do not fit the particles, or one is not positive.

    Examples
    --------
    >>> system = openmm.System()
    >>> _ = system.addParticle(12.0)
    >>> springs = Springs(system, np.array([0]), np.array([500.0]))
    >>> context = openmm.Context(springs.system, openmm.VerletIntegrator(0.001),
    ...                          openmm.Platform.getPlatformByName("Reference"))
    >>> x = np.array([[0.0, 0.0, 0.1]])
    >>> context.setPositions(x)
    >>> springs.aim(context, np.zeros((1, 3)), x)
    >>> round(springs.move(context, x, 1.0), 9)  # -k (.1 nm)^2 / 2
    -2.5
    """

    def __init__(
        self,
        system: openmm.System,
        particles: NDArray[np.intp],
        constants_kj_per_mol_nm2: NDArray[np.float64],
    ) -> None:
        constants = np.asarray(constants_kj_per_mol_nm2, dtype=np.float64)
        if constants.shape != (len(particles),) or not np.all(constants > 0):
            raise ValueError(
                f"expected a positive spring constant for each of {len(particles)} particles, "
                f"got {constants}"
            )
        self.particles, self.constants_kj_per_mol_nm2 = np.asarray(particles), constants
        periodic = system.usesPeriodicBoundaryConditions()
        self._force = _force(self.particles, constants, periodic=periodic)
        self._from = self._way = np.zeros((len(particles), 3))
        self._share, self._tight = 0.0, False
        self.system = copy.deepcopy(system)
        self.system.addForce(self._force)

    @property
    def centres_nm(self) -> Array:
        """Where the centres are, ``(n, 3)``, nm."""
        return np.asarray(self._from + self._share * self._way)

    def aim(self, context: openmm.Context, centres_nm: Array, targets_nm: Array) -> None:
        """Tighten the springs at their centres, from where `move` leads to the targets.

        Parameters
        ----------
        context
            Of `system`.
        centres_nm, targets_nm
            ``(n, 3)``, nm.
        """
        self._from, self._way = centres_nm, targets_nm - centres_nm
        self._share, self._tight = 0.0, True
        rows = np.column_stack([self.constants_kj_per_mol_nm2, self._from, self._way]).tolist()
        for index, (particle, row) in enumerate(zip(self.particles, rows, strict=True)):
            self._force.setParticleParameters(index, int(particle), row)
        self._force.updateParametersInContext(context)
        context.setParameter("genmd_share", 0.0)
        context.setParameter("genmd_springs", 1.0)

    def move(self, context: openmm.Context, positions_nm: Array, share: float) -> float:
        """Work, kJ/mol, of moving the centres to a share of their way, at fixed positions.

        Parameters
        ----------
        context
            Of `system`.
        positions_nm
            ``(n_particles, 3)``, where the atoms are, nm.
        share
            From 0, where the centres were, to 1, the targets.
        """
        before = self.energy_kj_per_mol(positions_nm)
        self._share = share
        context.setParameter("genmd_share", share)
        return self.energy_kj_per_mol(positions_nm) - before

    def release(self, context: openmm.Context, positions_nm: Array) -> float:
        """Work, kJ/mol, of taking the springs away at fixed positions: minus what they hold."""
        held = self.energy_kj_per_mol(positions_nm)
        self._tight = False
        context.setParameter("genmd_springs", 0.0)
        return -held

    def energy_kj_per_mol(self, positions_nm: Array) -> float:
        """Energy of the springs, kJ/mol, at positions ``(n_particles, 3)``, nm."""
        if not self._tight:
            return 0.0
        squares = ((positions_nm[self.particles] - self.centres_nm) ** 2).sum(axis=1)
        return float(0.5 * self.constants_kj_per_mol_nm2 @ squares)


def _force(
    particles: NDArray[np.intp], constants: Array, *, periodic: bool
) -> openmm.CustomExternalForce:
    # Devices move molecules by box vectors, of which the positions they give know nothing.
    stretch = _PERIODIC_STRETCH if periodic else _STRETCH
    force = openmm.CustomExternalForce(_ENERGY.format(stretch=stretch))
    force.setName("genmd springs")
    for name in _PARAMETERS:
        force.addPerParticleParameter(name)
    force.addGlobalParameter("genmd_springs", 0.0)
    force.addGlobalParameter("genmd_share", 0.0)
    for particle, constant in zip(particles.tolist(), constants.tolist(), strict=True):
        force.addParticle(particle, [constant, *[0.0] * 6])
    return force
