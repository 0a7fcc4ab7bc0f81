"""Systems with one force each, conformations, and their energies from OpenMM."""

import copy

import numpy as np
import openmm

SUPPORTED = (
    "HarmonicBondForce",
    "HarmonicAngleForce",
    "PeriodicTorsionForce",
    "RBTorsionForce",
    "CMAPTorsionForce",
    "NonbondedForce",
    "GBSAOBCForce",
)


def openmm_energies(system, conformations):
    """Reference energies and, per conformation, the sum of what the forces contribute in size."""
    system = copy.deepcopy(system)
    for group, force in enumerate(system.getForces()):
        force.setForceGroup(group)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    parts = np.zeros((len(conformations), system.getNumForces()))
    for row, positions in zip(parts, conformations, strict=True):
        context.setPositions(positions)
        for group in range(system.getNumForces()):
            state = context.getState(energy=True, groups={group})
            row[group] = state.getPotentialEnergy()._value
    return parts.sum(axis=1), np.abs(parts).sum(axis=1)


def noisy(positions_nm, seed=0, count=6):
    noise = np.random.default_rng(seed).normal(size=(count, *positions_nm.shape))
    return positions_nm + noise * np.linspace(0, 0.03, count)[:, None, None]


def chain(n=7, seed=3):
    """Positions of a random chain, nm."""
    return np.cumsum(np.random.default_rng(seed).normal(scale=0.1, size=(n, 3)), axis=0)


def single_force(name):
    """System of seven particles with one force, with parameters that nothing is special about."""
    rng = np.random.default_rng(5)
    force = getattr(openmm, name)()
    system = openmm.System()
    for _ in range(7):
        system.addParticle(12.0)
    if name == "CMAPTorsionForce":
        force.addMap(6, rng.normal(size=36))
        force.addTorsion(0, 0, 1, 2, 3, 2, 3, 4, 6)
        force.addTorsion(0, 6, 5, 1, 3, 1, 3, 4, 5)
    for i in range(7):
        if name in ("NonbondedForce", "GBSAOBCForce"):
            force.addParticle(rng.normal(), rng.uniform(0.1, 0.25), rng.uniform(0.5, 1))
        elif name == "HarmonicBondForce" and i < 6:
            force.addBond(i, i + 1, 0.15, 1000 * rng.random())
        elif name == "HarmonicAngleForce" and i < 5:
            force.addAngle(i, i + 1, i + 2, 3 * rng.random(), 100 * rng.random())
        elif name == "PeriodicTorsionForce" and i < 4:
            force.addTorsion(i, i + 1, i + 2, i + 3, i + 1, rng.normal(), rng.normal())
        elif name == "RBTorsionForce" and i < 4:
            force.addTorsion(i, i + 1, i + 2, i + 3, *rng.normal(size=6))
    if name == "NonbondedForce":
        force.createExceptionsFromBonds([(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)], 0.8, 0.5)
    system.addForce(force)
    return system
