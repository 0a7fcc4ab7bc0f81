"""Every reason of rejection, constructed on purpose, and that a rejection leaves no trace."""

import math

import numpy as np
import openmm
import pytest

from openmm_genmd import Proposal

REASONS = (
    "steric", "strain", "ratio", "not finite", "constraint", "surrogate", "work", "terminated",
)  # fmt: skip
NO_REJECTIONS = dict.fromkeys(REASONS, 0)


def lennard_jones_line() -> openmm.System:
    """Particles 0-1 bonded and excluded, 2 apart, all with sigma 0.3 nm."""
    system = openmm.System()
    bonds, nonbonded = openmm.HarmonicBondForce(), openmm.NonbondedForce()
    for _ in range(3):
        system.addParticle(12.0)
        nonbonded.addParticle(0.0, 0.3, 0.5)
    bonds.addBond(0, 1, 0.15, 1e5)
    nonbonded.addException(0, 1, 0.0, 0.3, 0.0)
    system.addForce(bonds)
    system.addForce(nonbonded)
    return system


LINE = [[0.0, 0.0, 0.0], [0.15, 0.0, 0.0], [1.5, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("place", "log_ratio", "reason"),
    [
        # Onto particle 2, 0.1 nm away from it: nearer than 0.75 sigma.
        (2, 0.0, "steric"),
        # The excluded partner is no steric neighbor: the bond is strained.
        (1, 0.0, "strain"),
        # A large density ratio against it, larger than the work.
        (2, -1e12, "ratio"),
        (1, -1e12, "ratio"),
    ],
)
def test_the_larger_part_of_the_exponent_gives_the_reason(
    place, log_ratio, reason, proposing, jumping, in_context
):
    def approach(positions, box, rng):
        target = np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)
        return Proposal(target[[place]] + [[0.0, 0.05, 0.0]], log_ratio)

    integrator = jumping(proposing(approach), interval=1, triesPerJump=2)
    context = in_context(lennard_jones_line(), integrator, LINE)
    integrator.step(3)
    assert integrator.getLastJump().reason == reason
    assert integrator.getLastJump().probability < 1e-6
    assert integrator.getRejections() == NO_REJECTIONS | {reason: 6}
    assert integrator.getAcceptanceRate() == 0.0


def test_overlap_is_found_across_a_periodic_boundary(proposing, jumping, in_context):
    system = lennard_jones_line()
    system.getForce(1).setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    system.setDefaultPeriodicBoxVectors([3.0, 0, 0], [0.5, 3.0, 0], [0.2, 0.4, 3.0])
    images = [[0.0, 0.0, 0.0], [0.15, 0.0, 0.0], [2.5, 2.0, 1.0]]
    box = np.array([[3.0, 0, 0], [0.5, 3.0, 0], [0.2, 0.4, 3.0]])

    def approach_image(positions, given_box, rng):
        np.testing.assert_allclose(given_box, box, atol=1e-12)
        target = np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)[2]
        return Proposal(target[None] - box[0] - box[1] - box[2] + [[0.0, 0.05, 0.0]], 0.0)

    integrator = jumping(proposing(approach_image), interval=1)
    context = in_context(system, integrator, images)
    integrator.step(1)
    assert integrator.getLastJump().reason == "steric"


@pytest.mark.parametrize(
    ("part", "bad"),
    [("positions", bad) for bad in (math.nan, math.inf, -math.inf, 1e300)]
    + [("ratio", bad) for bad in (math.nan, math.inf, -math.inf)],
)
def test_values_that_are_not_finite_reject(
    part, bad, proposing, verlet_jumping, well, in_context, snapshot
):
    def spoil(positions, box, rng):
        spoiled = np.array([[0.0, bad, 0.0]]) if part == "positions" else positions
        return Proposal(spoiled, bad if part == "ratio" else 0.0)

    integrator = verlet_jumping(proposing(spoil))
    context = in_context(well(), integrator)
    plain = openmm.VerletIntegrator(0.002)
    plain_context = in_context(well(), plain)
    integrator.step(20)
    plain.step(20)
    jump = integrator.getLastJump()
    assert (jump.accepted, jump.probability, jump.reason) == (False, 0.0, "not finite")
    assert integrator.getRejections() == NO_REJECTIONS | {"not finite": 4}
    assert snapshot(context) == snapshot(plain_context)


@pytest.mark.parametrize("energy", ["log(1-x)", "1/(2-x)/(2-x)+step(x-1)/0", "100*x*x+sqrt(1-x)"])
def test_an_energy_that_is_not_finite_rejects(
    energy, proposing, verlet_jumping, well, in_context, snapshot
):
    leap = proposing(lambda x, box, rng: Proposal(np.array([[2.0, 0.0, 0.0]]), 0.0))
    integrator, plain = verlet_jumping(leap), openmm.VerletIntegrator(0.002)
    context = in_context(well(energy=energy), integrator)
    plain_context = in_context(well(energy=energy), plain)
    integrator.step(20)
    plain.step(20)
    assert integrator.getRejections() == NO_REJECTIONS | {"not finite": 4}
    assert integrator.getStatistics().sum_probability == 0.0
    assert snapshot(context) == snapshot(plain_context)


def test_a_state_that_is_already_nan_is_not_made_up_for(
    proposing, verlet_jumping, well, in_context, positions_of
):
    """A jump out of a broken state would hide that the MD blew up."""
    integrator = verlet_jumping(proposing(lambda x, box, rng: Proposal(np.zeros((1, 3)), 1e9)))
    context = in_context(well(), integrator, [[math.nan, 0, 0], [0, 0, 0]])
    integrator.step(10)
    assert integrator.getRejections() == NO_REJECTIONS | {"not finite": 2}
    assert np.isnan(positions_of(context)[0]).any()


@pytest.fixture
def dimer() -> openmm.System:
    """Constrained pair 0-1 of length 0.1 nm and a free particle 2, in wells."""
    system = openmm.System()
    force = openmm.CustomExternalForce("10*(x*x+y*y+z*z)")
    for index in range(3):
        system.addParticle(12.0)
        force.addParticle(index, [])
    system.addConstraint(0, 1, 0.1)
    system.addForce(force)
    return system


DIMER = [[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.3, 0.0, 0.0]]


@pytest.mark.parametrize("particles", [[0], [1], [0, 1, 2]])
def test_a_changed_constraint_rejects(
    particles, dimer, proposing, verlet_jumping, in_context, snapshot
):
    stretch = proposing(lambda x, box, rng: Proposal(x * 1.001 + 1e-3, 0.0), particles)
    integrator, plain = verlet_jumping(stretch), openmm.VerletIntegrator(0.002)
    context = in_context(dimer, integrator, DIMER)
    plain_context = in_context(dimer, plain, DIMER)
    integrator.step(20)
    plain.step(20)
    assert integrator.getRejections() == NO_REJECTIONS | {"constraint": 4}
    assert math.isnan(integrator.getLastJump().work_kj_per_mol)
    assert snapshot(context) == snapshot(plain_context)


def test_a_turned_constraint_is_a_jump_like_any_other(dimer, proposing, verlet_jumping, in_context):
    def turn(positions, box, rng):
        turned = positions.copy()
        turned[1] = positions[0] + (positions[1] - positions[0])[[1, 2, 0]]
        return Proposal(turned, 0.0)

    integrator = verlet_jumping(proposing(turn, [0, 1]))
    in_context(dimer, integrator, DIMER)
    integrator.step(50)
    assert integrator.getNumJumpsAccepted() > 0
    assert integrator.getRejections()["constraint"] == 0


def test_tries_after_a_rejection_start_from_the_same_state(
    proposing, verlet_jumping, well, in_context
):
    seen = []

    def spoil(positions, box, rng):
        seen.append(positions.tobytes())
        positions[:] = math.nan  # the array is a copy: this must not reach the Context
        return Proposal(positions, 0.0)

    integrator = verlet_jumping(proposing(spoil), interval=1, triesPerJump=3)
    in_context(well(), integrator)
    integrator.step(2)
    assert len(seen) == 6
    assert len(set(seen)) == 2
