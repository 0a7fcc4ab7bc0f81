"""Systems in which some particles are held where they are: `freeze`."""

from __future__ import annotations

import copy

import numpy as np
import openmm
from numpy.typing import NDArray

_BAROSTATS = (
    openmm.MonteCarloBarostat,
    openmm.MonteCarloAnisotropicBarostat,
    openmm.MonteCarloMembraneBarostat,
    openmm.MonteCarloFlexibleBarostat,
)


def freeze(system: openmm.System, particles: NDArray[np.intp]) -> openmm.System:
    """Copy of a System in which some particles have no mass and so never move.

    Constraints between them are left out, and so is the removal of the center of mass's motion,
    which would drag the others along. Forces are computed as before: what is saved is motion, not
    time.

    Parameters
    ----------
    system
        Not changed.
    particles
        Indices.

    Raises
    ------
    ValueError
        If a constraint connects one of them to a particle that moves, or there is a barostat.

    Examples
    --------
    >>> system = openmm.System()
    >>> [system.addParticle(12.0) for _ in range(3)]
    [0, 1, 2]
    >>> held = freeze(system, np.array([1]))
    >>> [held.getParticleMass(n)._value for n in range(3)]
    [12.0, 0.0, 12.0]
    """
    held = copy.deepcopy(system)
    inside = set(particles.tolist())
    for index in reversed(range(held.getNumForces())):
        force = held.getForce(index)
        if isinstance(force, _BAROSTATS):
            raise ValueError(
                f"the System has a {force.getName()}, which would move frozen particles; use a "
                "System without one, or leave nothing frozen"
            )
        if isinstance(force, openmm.CMMotionRemover) and inside:
            held.removeForce(index)
    for index in reversed(range(held.getNumConstraints())):
        a, b, _ = held.getConstraintParameters(index)
        if (a in inside) != (b in inside):
            raise ValueError(
                f"the distance between particles {a} and {b} is constrained, and only one of them "
                "is frozen; build the System with constraints of hydrogens only (HBonds)"
            )
        if a in inside:
            held.removeConstraint(index)
    for particle in inside:
        held.setParticleMass(particle, 0.0)
    return held
