"""A surrogate and a reach of `SteeredSwitching`: what is refused, what it costs, what survives."""

import copy
import math

import numpy as np
import openmm
import pytest
from openmm import unit

from openmm_genmd import BatchedEnergy, GenerativeJumpIntegrator, SoftCoordinates, SteeredSwitching

from .round_trips import through_pickle
from .switching_systems import START_NM, Mirror, bound_pair

POINT = SoftCoordinates(points=[0])


def flat(positions):
    return np.zeros(len(positions))


def morph(**settings):
    return SteeredSwitching(steps=40, coordinates=POINT, **settings)


def jumping_with(protocol):
    return GenerativeJumpIntegrator(
        openmm.VerletIntegrator(0.002), Mirror(), 5, protocol=protocol, temperature=300.0, seed=3
    )


def run(in_context, steps=50, **settings):
    integrator = jumping_with(morph(**settings))
    in_context(bound_pair(), integrator, START_NM)
    integrator.step(steps)
    return integrator


@pytest.mark.parametrize("surrogate", [3, "vacuum", np.zeros(3)])
def test_the_surrogate_must_be_an_energy(surrogate):
    with pytest.raises(TypeError, match="surrogate must be a BatchedEnergy, a function"):
        morph(surrogate=surrogate)


@pytest.mark.parametrize("margin", [-0.1, math.nan, math.inf])
def test_the_margin_must_not_be_negative(margin):
    with pytest.raises(ValueError, match="surrogate_margin_kt must be zero or positive, got"):
        morph(surrogate=flat, surrogate_margin_kt=margin)


@pytest.mark.parametrize(
    ("reach", "message"),
    [
        (0, "reach_nm must be positive, got 0.0"),
        (-1 * unit.nanometer, "reach_nm must be positive, got -1.0"),
        (math.nan, "reach_nm must be finite, got nan"),
        (1 * unit.picosecond, "reach_nm must be in nanometer or convertible"),
    ],
)
def test_the_reach_must_be_a_length(reach, message):
    with pytest.raises(ValueError, match=message):
        morph(reach_nm=reach)


def test_the_reach_may_be_a_quantity():
    assert morph(reach_nm=2 * unit.angstrom).reach_nm == pytest.approx(0.2)


@pytest.mark.parametrize("settings", [{"surrogate": flat}, {"reach_nm": 0.1}])
def test_springs_have_no_way_that_is_known_beforehand(settings):
    with pytest.raises(ValueError, match="surrogate and reach_nm are for variant='morph'"):
        morph(variant="springs", **settings)


def test_what_the_surrogate_rules_out_costs_no_steps(in_context):
    """The particle leaps back and forth: there the surrogate is against it, back it is not."""
    integrator = run(in_context, surrogate=lambda x: -1000.0 * x[:, 0, 0])
    assert integrator.getRejections()["surrogate"] == 10
    record = integrator.getLastJump()
    assert (record.switching_steps, record.probability, record.accepted) == (0, 0.0, False)
    assert math.isnan(record.work_kj_per_mol)


def test_a_flat_surrogate_changes_nothing_but_the_random_numbers(in_context):
    """The proposer's log ratio is zero, so that it passes all; the same works are found."""
    plain, with_flat = (
        run(in_context, 5, **settings) for settings in ({}, {"surrogate": flat, "reach_nm": 9.0})
    )
    assert plain.getLastJump().switching_steps == with_flat.getLastJump().switching_steps > 0
    assert plain.getLastJump().log_ratio == with_flat.getLastJump().log_ratio == 0.0


def test_what_is_beyond_reach_costs_no_steps(in_context):
    """The leap goes from one well to the other, .4 nm away."""
    near, far = (run(in_context, reach_nm=reach) for reach in (0.2, 0.6))
    assert near.getRejections()["terminated"] == 10
    assert near.getLastJump().switching_steps == 0
    assert far.getRejections()["terminated"] == 0
    assert far.getLastJump().switching_steps > 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_surrogates_that_are_not_finite_reject(value, in_context):
    at_the_end = run(in_context, surrogate=lambda x: np.where(x[:, 0, 0] < 0, value, 0.0))
    reason = "not finite" if math.isnan(value) else "surrogate"
    assert at_the_end.getRejections()[reason] == 10
    at_the_start = run(in_context, surrogate=lambda x: np.where(x[:, 0, 0] > 0, value, 0.0))
    assert at_the_start.getRejections()["not finite"] == 10


def plain_run(in_context, snapshot, steps):
    plain = openmm.VerletIntegrator(0.002)
    context = in_context(bound_pair(), plain, START_NM)
    plain.step(steps)
    return snapshot(context)


def test_errors_of_a_surrogate_arrive_and_leave_no_trace(in_context, snapshot):
    def broken(positions):
        raise RuntimeError("no energy today")

    for surrogate, error, message in (
        (broken, RuntimeError, "no energy today"),
        (lambda x: np.zeros((len(x), 2)), ValueError, "must return one energy for each of 1"),
    ):
        integrator = jumping_with(morph(surrogate=surrogate))
        context = in_context(bound_pair(), integrator, START_NM)
        integrator.step(4)
        with pytest.raises(error, match=message):
            integrator.step(1)
        assert integrator.getNumJumpsAttempted() == 0
        assert snapshot(context) == plain_run(in_context, snapshot, 5)


def of_particle(index):
    system, force = openmm.System(), openmm.NonbondedForce()
    for _ in range(index + 1):
        system.addParticle(1.0)
        force.addParticle(0.0, 0.1, 0.0)
    system.addForce(force)
    return BatchedEnergy(system, [index], threads=1)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (1, "The surrogate energy is for none of the particles that the proposer moves"),
        (2, "The surrogate energy is for particle 2, but the System has 2 particles"),
    ],
)
def test_a_surrogate_for_other_particles_is_refused(index, message, in_context):
    integrator = jumping_with(morph(surrogate=of_particle(index)))
    in_context(bound_pair(), integrator, START_NM)
    with pytest.raises(openmm.OpenMMException, match=message):
        integrator.step(5)


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_copies_keep_the_surrogate(how, in_context, snapshot):
    original = jumping_with(morph(surrogate=flat, reach_nm=0.7, surrogate_margin_kt=0.5))
    duplicate = how(original)
    assert duplicate.getProtocol() == original.getProtocol()
    contexts = [in_context(bound_pair(), each, START_NM) for each in (original, duplicate)]
    for each in (original, duplicate):
        each.step(20)
    assert snapshot(contexts[0]) == snapshot(contexts[1])


def test_xml_keeps_reach_and_margin_but_not_the_surrogate(in_context):
    original = jumping_with(morph(surrogate=flat, reach_nm=0.7, surrogate_margin_kt=0.5))
    result = through_pickle(original)
    assert result.getProtocol() == morph(reach_nm=0.7, surrogate_margin_kt=0.5)
    result.setProposer(Mirror())
    in_context(bound_pair(), result, START_NM)
    message = "SteeredSwitching: its surrogate energy is not stored in XML"
    with pytest.raises(openmm.OpenMMException, match=message):
        result.step(5)
    result.setProtocol(original.getProtocol())
    result.step(5)
    assert result.getNumJumpsAttempted() == 1


def test_a_surrogate_lives_as_long_as_the_integrator_inside_another_one(in_context):
    inner = jumping_with(morph(surrogate=lambda x: flat(x)))
    compound = openmm.CompoundIntegrator()
    compound.addIntegrator(inner)
    del inner
    in_context(bound_pair(), compound, START_NM)
    compound.step(10)
