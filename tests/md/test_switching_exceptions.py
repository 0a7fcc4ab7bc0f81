"""Exceptions, interrupts and checkpoints in the middle of a switch: the Context stays as it was."""

import _thread
import os
import signal
import threading
import time

import numpy as np
import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator, LocalRelaxation, Proposal

from .switching_systems import PROTOCOLS, START_NM, Mirror, bound_pair, morph


class OwnError(Exception):
    pass


@pytest.fixture
def run(in_context):
    """Integrator with a protocol, and its Context; the MD is deterministic."""

    def make(protocol, proposer, **settings):
        integrator = GenerativeJumpIntegrator(
            openmm.VerletIntegrator(0.002),
            proposer,
            5,
            protocol=protocol,
            **{"temperature": 300.0, "seed": 3} | settings,
        )
        return integrator, in_context(bound_pair(), integrator, START_NM)

    return make


@pytest.fixture
def plain(in_context, snapshot):
    """Snapshot of plain MD after some steps."""

    def take(steps):
        integrator = openmm.VerletIntegrator(0.002)
        context = in_context(bound_pair(), integrator, START_NM)
        integrator.step(steps)
        return snapshot(context)

    return take


def protocol_of(name):
    return LocalRelaxation(steps=5) if name == "relaxation" else PROTOCOLS[name]()


@pytest.mark.parametrize("name", [*PROTOCOLS, "relaxation"])
@pytest.mark.parametrize("error", [OwnError, KeyboardInterrupt, SystemExit])
def test_what_the_proposer_raises_arrives_and_leaves_no_trace(name, error, run, plain, snapshot):
    failing = [True]

    def fail(positions):
        if failing[0]:
            raise raised

    raised = error("in the middle")
    grade = "exploratory" if name == "relaxation" else None
    integrator, context = run(protocol_of(name), Mirror(fail, -1e9), grade=grade)
    with pytest.raises(error) as caught:
        integrator.step(7)
    assert caught.value is raised
    assert integrator.getNumJumpsAttempted() == 0
    assert snapshot(context) == plain(5)
    failing[0] = False
    integrator.step(20)
    assert integrator.getNumJumpsAttempted() == 4
    assert snapshot(context) == plain(25)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_checkpoint_made_after_an_exception_resumes(name, run, snapshot):
    """The run that goes on and the one that is resumed do the same, accepted switches included."""
    calls = []

    def fail_once(positions):
        calls.append(positions)
        if len(calls) == 3:
            raise OwnError

    integrator, context = run(PROTOCOLS[name](), Mirror(fail_once))
    with pytest.raises(OwnError):
        integrator.step(100)
    assert context.getStepCount() == 15
    checkpoint = context.createCheckpoint()
    other, other_context = run(PROTOCOLS[name](), Mirror(), seed=99)
    other_context.loadCheckpoint(checkpoint)
    for each in (integrator, other):
        each.step(100)
    assert snapshot(context) == snapshot(other_context)
    assert integrator.getNumJumpsAccepted() == other.getNumJumpsAccepted() > 0


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_wrong_answer_in_the_middle_of_a_switch(name, run, plain, snapshot):
    proposer = Mirror()
    proposer.propose = lambda positions, box, rng: Proposal(np.zeros((2, 3)), 0.0)
    integrator, context = run(PROTOCOLS[name](), proposer)
    with pytest.raises(ValueError, match=r"must have shape \(1, 3\), one row .* got \(2, 3\)"):
        integrator.step(5)
    assert snapshot(context) == plain(5)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_ctrl_c_during_the_md_of_a_switch(name, run, plain, snapshot):
    """A switch of a million steps ends within moments."""
    integrator, context = run(PROTOCOLS[name](steps=10**6), Mirror())
    integrator.step(4)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        integrator.step(1)
    timer.join()
    assert 0.2 < time.monotonic() - began < 10
    assert snapshot(context) == plain(5)
    assert integrator.getNumJumpsAttempted() == 0
    integrator.setProtocol(PROTOCOLS[name]())
    integrator.getProposer().log_ratio = -1e9
    integrator.step(10)
    assert integrator.getNumJumpsAttempted() == 2
    assert snapshot(context) == plain(15)


def test_a_signal_inside_the_proposer_is_an_interrupt(run, plain, snapshot):
    proposer = Mirror(lambda positions: os.kill(os.getpid(), signal.SIGINT))
    integrator, context = run(PROTOCOLS["alchemical"](), proposer)
    with pytest.raises(KeyboardInterrupt):
        integrator.step(5)
    assert snapshot(context) == plain(5)


def test_an_exception_after_an_accepted_try_keeps_that_one(run, positions_of):
    calls = []

    def fail_the_second_time(positions):
        calls.append(positions)
        if len(calls) == 2:
            raise OwnError

    proposer = Mirror(fail_the_second_time, 1e9)
    integrator, context = run(morph(), proposer, triesPerJump=3)
    with pytest.raises(OwnError):
        integrator.step(5)
    np.testing.assert_allclose(positions_of(context)[0], -calls[0][0] * [1, -1, -1], atol=1e-12)
    assert [record.accepted for record in integrator.getRecords()] == [True]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_simulation_shows_its_own_state_during_a_switch(name, run, snapshot, plain):
    """What is saved in the middle is the state before the jump, from which a run resumes."""
    saved = []

    def save(positions):
        if not saved:
            saved.extend([snapshot(context), context.createCheckpoint()])

    integrator, context = run(PROTOCOLS[name](), Mirror(save, -1e9))
    integrator.step(40)
    assert saved[0] == plain(5)
    assert snapshot(context) == plain(40)
    other, other_context = run(PROTOCOLS[name](), Mirror(log_ratio=-1e9), seed=8)
    other_context.loadCheckpoint(saved[1])
    assert snapshot(other_context) == plain(5)
    other.step(35)
    assert snapshot(other_context) == plain(40)
    assert other.getNumJumpsAttempted() == 7  # the jump in which it was saved is not repeated


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("step", [1], r"step.. was called from inside a jump"),
        ("measureShadowWork", [], r"step.. was called from inside a jump"),
        ("setProtocol", [morph()], r"setProtocol.. was called from inside step"),
    ],
)
@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_proposer_must_leave_its_simulation_alone(
    name, method, arguments, message, run, plain, snapshot
):
    proposer = Mirror(lambda positions: getattr(integrator, method)(*arguments))
    integrator, context = run(PROTOCOLS[name](), proposer)
    with pytest.raises(openmm.OpenMMException, match=message):
        integrator.step(5)
    assert snapshot(context) == plain(5)
