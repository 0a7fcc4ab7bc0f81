"""A run in which every switch is rejected is plain MD, to the bit, whatever does the MD.

The switch happens in a Context of its own, so that inner integrators which cannot be run backwards
serve as well as any other.
"""

import numpy as np
import openmm
import pytest

from openmm_genmd import (
    AlchemicalSwitching,
    GenerativeJumpIntegrator,
    Proposal,
    SoftCoordinates,
    SteeredSwitching,
)
from openmm_genmd.md.shadow_work import ShadowWorkWarning

from ..correctness.running import start
from ..correctness.test_rejected_runs import (
    INNER,
    KELVIN,
    WITHOUT_SITES,
    Hopeless,
    identical,
    start_nm,
    system_of_waters,
)
from .switching_systems import PROTOCOLS, SLOW, START_NM, Mirror, bound_pair

N_STEPS, INTERVAL = 40, 5


def morph(system):
    return SteeredSwitching(steps=6, steps_per_change=2, time_step_ps=0.0005)


def springs(system):
    coordinates = SoftCoordinates(points=Hopeless.particles, position_width_nm=0.005)
    return SteeredSwitching(
        coordinates=coordinates, variant="springs", steps=4, time_step_ps=0.0005
    )


def alchemical(system):
    """With a System that has a parameter of its own and shares one with the simulation's."""
    alchemical = openmm.XmlSerializer.clone(system)
    pull = openmm.CustomExternalForce("own*shared*x^2")
    for name in ("own", "shared"):
        pull.addGlobalParameter(name, 3.0)
    pull.addParticle(0, [])
    alchemical.addForce(pull)
    parameters = {"own": [0.0, 10.0], "shared": [1.0, 2.0]}
    return AlchemicalSwitching(
        system=alchemical, parameters=parameters, steps=4, time_step_ps=0.0005, friction_per_ps=5.0
    )


def final_state(name, make_protocol=None, accept_at=None):
    """Positions, velocities, box, time, steps and parameters after a run, plain or with jumps."""
    inner = INNER[name]()
    inner.setConstraintTolerance(1e-6)
    if hasattr(inner, "setRandomNumberSeed"):
        inner.setRandomNumberSeed(5)
    system = system_of_waters(True, "Andersen" in name, name not in WITHOUT_SITES)
    field = openmm.CustomExternalForce("shared*0.001*(x+y)")
    field.addGlobalParameter("shared", 3.0)
    field.addParticle(4, [])
    system.addForce(field)
    integrator = inner
    if make_protocol is not None:
        integrator = GenerativeJumpIntegrator(
            inner,
            Hopeless(accept_at),
            INTERVAL,
            seed=3,
            temperature=None if hasattr(inner, "getTemperature") else KELVIN,
            protocol=make_protocol(system),
        )
    context = start(system, integrator, start_nm())
    context.computeVirtualSites()
    for _ in range(2):
        integrator.step(N_STEPS // 2)
    if make_protocol is not None:
        assert integrator.getNumJumpsAttempted() == N_STEPS // INTERVAL
        assert integrator.getNumJumpsAccepted() == (0 if accept_at is None else 1)
        assert {r for r, n in integrator.getRejections().items() if n} >= {"not finite", "work"}
    state = context.getState(positions=True, velocities=True)
    arrays = [state.getPositions(asNumpy=True), state.getVelocities(asNumpy=True)]
    arrays.append(state.getPeriodicBoxVectors(asNumpy=True))
    parameters = np.array(list(dict(context.getParameters()).values()))
    time = np.array([state.getTime()._value, context.getStepCount()])
    return [array._value for array in arrays] + [parameters, time]


@pytest.mark.filterwarnings("ignore::openmm_genmd.md.shadow_work.ShadowWorkWarning")
@pytest.mark.parametrize("name", INNER)
def test_rejected_switches_leave_no_trace(name):
    plain = final_state(name)
    assert identical(final_state(name, morph), plain)
    if name in ("LangevinMiddle", "Verlet + Andersen", "NoseHoover", "Custom BAOAB"):
        assert identical(final_state(name, springs), plain)
        assert identical(final_state(name, alchemical), plain)


@pytest.mark.filterwarnings("ignore::openmm_genmd.md.shadow_work.ShadowWorkWarning")
def test_one_accepted_switch_would_show():
    assert not identical(final_state("Verlet", morph, accept_at=5), final_state("Verlet"))


def jumping(protocol, proposer=None, interval=5):
    inner = openmm.VerletIntegrator(0.002)
    return GenerativeJumpIntegrator(
        inner, proposer or Mirror(), interval, protocol=protocol, temperature=KELVIN, seed=3
    )


def plain_run(in_context, snapshot, steps):
    plain = openmm.VerletIntegrator(0.002)
    context = in_context(bound_pair(), plain, START_NM)
    plain.step(steps)
    return snapshot(context)


@pytest.mark.parametrize("rule", ["total work", "protocol work"])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_dynamics_that_explodes_is_rejected_as_not_finite(name, rule, in_context, snapshot):
    integrator = jumping(PROTOCOLS[name](time_step_ps=3.0, rule=rule))
    context = in_context(bound_pair(), integrator, START_NM)
    with pytest.warns(ShadowWorkWarning, match="a switch that changes nothing has inf kT"):
        integrator.step(40)
    assert integrator.getRejections()["not finite"] == 8
    assert integrator.getLastJump().probability == 0.0
    assert snapshot(context) == plain_run(in_context, snapshot, 40)


@pytest.mark.filterwarnings("ignore::openmm_genmd.md.shadow_work.ShadowWorkWarning")
@pytest.mark.parametrize("time_step_ps", [0.02, 0.05, 0.1, 0.3])
@pytest.mark.parametrize("rule", ["total work", "protocol work"])
def test_constraints_that_cannot_be_kept_never_raise(rule, time_step_ps):
    """Steps so long that SETTLE has no solution, in one switch at its very end."""
    system = system_of_waters()
    for steps in (1, 2, 3):
        protocol = SteeredSwitching(steps=steps, time_step_ps=time_step_ps, rule=rule)
        stay = Mirror(particles=(8, 9))
        stay.propose = lambda positions, box, rng: Proposal(positions, 0.0)
        integrator = jumping(protocol, stay, interval=1)
        context = start(system, integrator, start_nm())
        context.computeVirtualSites()
        for _ in range(30):
            integrator.step(1)
        state = context.getState(energy=True, positions=True)
        assert np.isfinite(state.getPotentialEnergy()._value)
        assert integrator.getNumJumpsAttempted() == 30


@pytest.mark.parametrize("rule", ["total work", "protocol work", "metropolized steps"])
def test_metropolised_steps_survive_what_explodes(rule, in_context):
    """A block that explodes is rejected by itself; without blocks moving, the work is finite."""
    settings = {"time_step_ps": 3.0, "steps": 20, "rule": rule}
    integrator = jumping(PROTOCOLS["morph"](**settings))
    in_context(bound_pair(), integrator, START_NM)
    if rule == "metropolized steps":
        integrator.step(20)
        assert integrator.getRejections()["not finite"] == 0
        assert np.isfinite(integrator.getLastJump().work_kj_per_mol)
    else:
        with pytest.warns(ShadowWorkWarning):
            integrator.step(20)
        assert integrator.getRejections()["not finite"] == 4


@pytest.mark.parametrize("name", ["morph", "springs"])
@pytest.mark.parametrize("rule", ["total work", "protocol work", "metropolized steps"])
def test_early_termination_saves_steps(name, rule, in_context, snapshot):
    """The spring is so stiff that the work is beyond the limit long before the middle."""
    settings = SLOW | {"rule": rule, "work_limit_kt": 2.0, "blocks_per_check": 4}
    settings |= {"time_step_ps": 0.001}
    integrator = jumping(PROTOCOLS[name](**settings))
    context = in_context(bound_pair(3000.0), integrator, START_NM)
    integrator.step(40)
    steps = [record.switching_steps for record in integrator.getRecords()]
    assert integrator.getRejections()["terminated"] == 8
    assert max(steps) < 100
    jump = integrator.getLastJump()
    assert (jump.accepted, jump.probability, jump.reason) == (False, 0.0, "terminated")
    assert integrator.getStatistics().switching_steps == sum(steps)
    plain = openmm.VerletIntegrator(0.002)
    plain_context = in_context(bound_pair(3000.0), plain, START_NM)
    plain.step(40)
    assert snapshot(context) == snapshot(plain_context)


def test_a_limit_that_is_never_reached_changes_nothing(in_context, snapshot):
    ends = []
    for limit in ({}, {"work_limit_kt": 1e6, "blocks_per_check": 4}):
        integrator = jumping(PROTOCOLS["morph"](**limit))
        context = in_context(bound_pair(), integrator, START_NM)
        integrator.step(100)
        ends.append((snapshot(context), integrator.getNumJumpsAccepted()))
    assert ends[0] == ends[1]
    assert ends[0][1] > 0


def test_work_is_the_reason_where_the_surroundings_did_not_follow(in_context):
    integrator = jumping(PROTOCOLS["morph"](steps=4), Mirror(log_ratio=-1.0))
    in_context(bound_pair(3000.0), integrator, START_NM)
    integrator.step(20)
    assert integrator.getRejections()["work"] == 4
    jump = integrator.getLastJump()
    assert jump.work_kj_per_mol > 100
    assert (jump.log_ratio, jump.switching_steps) == (-1.0, 4)
