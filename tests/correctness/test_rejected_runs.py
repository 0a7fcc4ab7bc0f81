"""A run in which every jump is rejected is plain MD, to the bit.

The Reference platform computes in double precision and in a fixed order, so that anything that a
rejected jump left behind (positions, velocities, virtual sites, cached forces, random numbers of
the integrator, the time, the barostat's or the thermostat's state) would show.
"""

import numpy as np
import openmm
import pytest
from openmm.mtsintegrator import MTSIntegrator, MTSLangevinIntegrator

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer

from .running import start

KELVIN, STEP_PS, N_STEPS, INTERVAL = 300.0, 0.002, 60, 5


def velocity_verlet():
    """With constraints: the documentation's example of openmm.CustomIntegrator."""
    inner = openmm.CustomIntegrator(STEP_PS)
    inner.addPerDofVariable("x1", 0)
    inner.addUpdateContextState()
    inner.addComputePerDof("v", "v+0.5*dt*f/m")
    inner.addComputePerDof("x", "x+dt*v")
    inner.addComputePerDof("x1", "x")
    inner.addConstrainPositions()
    inner.addComputePerDof("v", "v+0.5*dt*f/m+(x-x1)/dt")
    inner.addConstrainVelocities()
    return inner


def baoab():
    inner = openmm.CustomIntegrator(STEP_PS)
    inner.addUpdateContextState()
    inner.addComputePerDof("v", "v+0.5*dt*f/m")
    inner.addConstrainVelocities()
    inner.addComputePerDof("x", "x+0.5*dt*v")
    inner.addConstrainPositions()
    inner.addComputePerDof("v", "0.99*v+sqrt(2.494*0.0199/m)*gaussian")
    inner.addConstrainVelocities()
    inner.addComputePerDof("x", "x+0.5*dt*v")
    inner.addConstrainPositions()
    inner.addComputePerDof("v", "v+0.5*dt*f/m")
    inner.addConstrainVelocities()
    return inner


def compound():
    inner = openmm.CompoundIntegrator()
    inner.addIntegrator(openmm.LangevinMiddleIntegrator(KELVIN, 1.0, STEP_PS))
    inner.addIntegrator(openmm.VerletIntegrator(STEP_PS))
    for index in range(2):
        inner.getIntegrator(index).setConstraintTolerance(1e-6)
    inner.getIntegrator(0).setRandomNumberSeed(5)
    return inner


INNER = {
    "Langevin": lambda: openmm.LangevinIntegrator(KELVIN, 1.0, STEP_PS),
    "LangevinMiddle": lambda: openmm.LangevinMiddleIntegrator(KELVIN, 1.0, STEP_PS),
    "Verlet": lambda: openmm.VerletIntegrator(STEP_PS),
    "Verlet + Andersen": lambda: openmm.VerletIntegrator(STEP_PS),
    "Brownian": lambda: openmm.BrownianIntegrator(KELVIN, 100.0, STEP_PS),
    "NoseHoover": lambda: openmm.NoseHooverIntegrator(KELVIN, 5.0, STEP_PS),
    "VariableLangevin": lambda: openmm.VariableLangevinIntegrator(KELVIN, 1.0, 1e-4),
    "VariableVerlet": lambda: openmm.VariableVerletIntegrator(1e-4),
    "DPD": lambda: openmm.DPDIntegrator(KELVIN, 1.0, 0.5, STEP_PS),
    "Custom velocity Verlet": velocity_verlet,
    "Custom BAOAB": baoab,
    "MTS": lambda: MTSIntegrator(STEP_PS, [(0, 1), (1, 2)]),
    "MTSLangevin": lambda: MTSLangevinIntegrator(KELVIN, 1.0, STEP_PS, [(0, 1), (1, 2)]),
    "Compound": compound,
}

# A CustomIntegrator computes virtual sites at the end of a step and does not know that forces that
# it evaluated before are outdated: plain MD changes with every getState(forces=True) in between.
# DPDIntegrator divides by the mass of a site.
WITHOUT_SITES = ("DPD", "Custom velocity Verlet", "Custom BAOAB", "MTS", "MTSLangevin")

WATER_NM = np.array([[0, 0, 0], [0.09572, 0, 0], [-0.02400, 0.09266, 0], [0.0151, 0.0195, 0]])


def system_of_waters(barostat=False, andersen=False, sites=True) -> openmm.System:
    """Two rigid waters, if asked with a virtual site each, and a stiff diatomic, in a box."""
    system = openmm.System()
    nonbonded, bond = openmm.NonbondedForce(), openmm.HarmonicBondForce()
    nonbonded.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    nonbonded.setCutoffDistance(0.7)
    nonbonded.setForceGroup(0)
    bond.setForceGroup(1)
    for first in (0, 4):
        oxygen, site = (0.0, -1.04) if sites else (-1.04, 0.0)
        for mass, charge in ((15.999, oxygen), (1.008, 0.52), (1.008, 0.52)):
            system.addParticle(mass)
            nonbonded.addParticle(charge, 0.316, 0.65 if mass > 2 else 0.0)
        system.addParticle(0.0 if sites else 1.0)
        nonbonded.addParticle(site, 0.1, 0.0)
        for i, j, length in ((0, 1, 0.09572), (0, 2, 0.09572), (1, 2, 0.15139)):
            system.addConstraint(first + i, first + j, length)
        if sites:
            average = openmm.ThreeParticleAverageSite(first, first + 1, first + 2, 0.8, 0.1, 0.1)
            system.setVirtualSite(first + 3, average)
        else:
            bond.addBond(first, first + 3, 0.02, 2e4)
        for i in range(4):
            for j in range(i):
                nonbonded.addException(first + i, first + j, 0, 0.1, 0)
    for mass in (12.0, 16.0):
        system.addParticle(mass)
        nonbonded.addParticle(0.0, 0.3, 0.5)
    nonbonded.addException(8, 9, 0, 0.1, 0)
    bond.addBond(8, 9, 0.12, 3e5)
    forces = [nonbonded, bond, openmm.CMMotionRemover(3)]
    if barostat:
        forces.append(openmm.MonteCarloBarostat(50.0, KELVIN, 4))
    if andersen:
        forces.append(openmm.AndersenThermostat(KELVIN, 50.0))
    for force in forces:
        if hasattr(force, "setRandomNumberSeed"):
            force.setRandomNumberSeed(6)
        system.addForce(force)
    system.setDefaultPeriodicBoxVectors(*(1.6 * np.eye(3)))
    return system


def start_nm() -> np.ndarray:
    diatomic = [[0.8, 0.9, 0.3], [0.92, 0.9, 0.3]]
    return np.vstack([WATER_NM + 0.2, WATER_NM + np.array([0.55, 0.25, 0.3]), diatomic])


class Hopeless(Proposer):
    """Moves a water with its site, and the diatomic; rejected for every reason there is in turn.

    ``accept_at`` names the one attempt that is accepted, in the broken twin.
    """

    particles, grade = [0, 1, 2, 3, 8, 9], "exact"

    def __init__(self, accept_at=None):
        self.n_calls, self.accept_at = 0, accept_at

    def propose(self, positions, box, rng):
        self.n_calls += 1
        new = positions + 0.02 * rng.normal(size=3)
        if self.n_calls == self.accept_at:
            return Proposal(new, 1e9)
        kind = self.n_calls % 5
        if kind == 1:
            new[4:] = positions[:2] + 0.01
        elif kind == 2:
            new[1] += 0.05
        elif kind == 3:
            new[5] += 1.0
        elif kind == 4:
            new[0] = np.nan
        return Proposal(new, -1e9 if kind == 0 else 0.0)


def final_state(name, proposer=None, barostat=True):
    """Positions, velocities, box and time after a run, plain or with jumps, from the same seeds."""
    inner = INNER[name]()
    inner.setConstraintTolerance(1e-6)
    if hasattr(inner, "setRandomNumberSeed"):
        inner.setRandomNumberSeed(5)
    integrator = inner
    if proposer is not None:
        own = not hasattr(inner, "getTemperature")
        integrator = GenerativeJumpIntegrator(
            inner, proposer, INTERVAL, seed=3, temperature=KELVIN if own else None
        )
    # The Reference platform's random numbers are one stream per process: one Context at a time.
    system = system_of_waters(barostat, "Andersen" in name, name not in WITHOUT_SITES)
    context = start(system, integrator, start_nm())
    context.computeVirtualSites()
    for _ in range(2):
        integrator.step(N_STEPS // 2)
    state = context.getState(positions=True, velocities=True)
    if proposer is not None:
        assert integrator.getNumJumpsAttempted() == N_STEPS // INTERVAL
        accepted = 0 if proposer.accept_at is None else 1
        assert integrator.getNumJumpsAccepted() == accepted
        assert len([1 for n in integrator.getRejections().values() if n]) >= 4
    arrays = [state.getPositions(asNumpy=True), state.getVelocities(asNumpy=True)]
    box, time = state.getPeriodicBoxVectors(asNumpy=True), state.getTime()
    return [array._value for array in [*arrays, box]] + [np.array(time._value)]


def identical(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("barostat", [False, True])
@pytest.mark.parametrize("name", INNER)
def test_rejected_jumps_leave_no_trace(name, barostat):
    plain = final_state(name, barostat=barostat)
    assert np.all(np.isfinite(plain[0]))
    assert identical(plain, final_state(name, Hopeless(), barostat))


@pytest.mark.parametrize("name", INNER)
def test_one_accepted_jump_is_noticed(name):
    plain = final_state(name)
    assert not identical(plain, final_state(name, Hopeless(accept_at=12)))


@pytest.mark.parametrize("name", INNER)
def test_runs_repeat(name):
    """The comparison means something: plain MD is the same each time, and it moves."""
    plain = final_state(name)
    assert identical(plain, final_state(name))
    assert not np.array_equal(plain[0], start_nm())
