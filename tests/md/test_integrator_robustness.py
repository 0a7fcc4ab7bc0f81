"""Wrong answers, exceptions, interrupts and re-entry: the Context stays as it was."""

import _thread
import math
import os
import signal
import threading
import time
import traceback
from types import SimpleNamespace

import numpy as np
import openmm
import pytest

from openmm_genmd import Proposal

X = np.zeros((1, 3))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "propose.. must return a Proposal, got NoneType"),
        ((X, 0.0), "propose.. must return a Proposal, got tuple"),
        (
            SimpleNamespace(positions=X, log_ratio=0.0),
            "must return a Proposal, got SimpleNamespace",
        ),
        (Proposal(X.astype(np.float32), 0.0), "NumPy array of float64 .nm., got dtype float32"),
        (Proposal(X.astype(int), 0.0), "NumPy array of float64 .nm., got dtype int64"),
        (Proposal(X.astype(complex), 0.0), "NumPy array of float64 .nm., got dtype complex128"),
        (Proposal([[0.0, 0.0, 0.0]], 0.0), "NumPy array of float64 .nm., got a list"),
        (Proposal(None, 0.0), "NumPy array of float64 .nm., got a NoneType"),
        (Proposal(np.zeros(3), 0.0), r"must have shape \(1, 3\), one row .* got \(3,\)"),
        (Proposal(np.zeros((2, 3)), 0.0), r"must have shape \(1, 3\), .* got \(2, 3\)"),
        (Proposal(np.zeros((0, 3)), 0.0), r"must have shape \(1, 3\), .* got \(0, 3\)"),
        (Proposal(np.zeros((1, 2)), 0.0), r"must have shape \(1, 3\), .* got \(1, 2\)"),
        (Proposal(np.zeros((1, 1, 3)), 0.0), r"must have shape \(1, 3\), .* got \(1, 1, 3\)"),
        (Proposal(X, None), "log_ratio must be a number, got None"),
        (Proposal(X, "0"), "log_ratio must be a number, got '0'"),
        (Proposal(X, True), "log_ratio must be a number, got True"),
        (Proposal(X, 1j), "log_ratio must be a number, got 1j"),
        (Proposal(X, np.zeros(1)), r"log_ratio must be a number, got array"),
    ],
)
def test_a_wrong_answer_is_a_value_error_and_changes_nothing(
    answer, message, proposing, well, verlet_jumping, in_context, snapshot
):
    proposer = proposing(lambda positions, box, rng: answer)
    integrator, plain = verlet_jumping(proposer), openmm.VerletIntegrator(0.002)
    context, plain_context = in_context(well(), integrator), in_context(well(), plain)
    with pytest.raises(ValueError, match=message):
        integrator.step(7)
    plain.step(5)
    assert snapshot(context) == snapshot(plain_context)
    assert integrator.getNumJumpsAttempted() == 0


@pytest.mark.parametrize(
    "answer",
    [
        Proposal(np.asfortranarray(np.ones((2, 3))), 0.0),
        Proposal(np.ones((4, 6))[::2, ::2], np.float32(0.5)),
        Proposal(np.broadcast_to(np.ones(3), (2, 3)), np.int64(1)),
    ],
    ids=["Fortran order", "strided", "broadcast"],
)
def test_any_memory_layout_is_understood(
    answer, proposing, well, verlet_jumping, in_context, positions_of
):
    flat = well(energy="0*x")
    integrator = verlet_jumping(proposing(lambda x, box, rng: answer, [0, 1]), interval=1)
    context = in_context(flat, integrator)
    integrator.step(1)
    assert integrator.getNumJumpsAccepted() == 1
    np.testing.assert_array_equal(positions_of(context), np.ones((2, 3)))


@pytest.mark.parametrize(
    ("particles", "message"),
    [
        (
            [2],
            r"moves particle 2, but the System has 2 particles \(0 to 1\). Was the proposer made",
        ),
        ([0, 99], "moves particle 99, but the System has 2 particles"),
    ],
)
def test_particles_beyond_the_system_are_refused_before_the_first_step(
    particles, message, proposing, well, jumping, in_context, snapshot
):
    integrator = jumping(proposing(None, particles))
    context = in_context(well(), integrator)
    before = snapshot(context)
    with pytest.raises(ValueError, match=message):
        integrator.step(1)
    assert snapshot(context) == before


def test_frozen_particles_are_refused_before_the_first_step(
    proposing, well, jumping, in_context, snapshot
):
    system = well()
    system.setParticleMass(1, 0.0)
    integrator = jumping(proposing(None, [0, 1]))
    context = in_context(system, integrator)
    before = snapshot(context)
    with pytest.raises(ValueError, match="moves particle 1, which has zero mass: it is frozen"):
        integrator.step(1)
    assert snapshot(context) == before


class OwnError(Exception):
    def __init__(self, payload):
        self.payload = payload


def test_the_proposers_exception_arrives_as_it_was_raised(
    proposing, well, verlet_jumping, in_context, snapshot
):
    payload, is_broken = object(), [True]

    def inner_function_of_the_proposer():
        raise OwnError(payload)

    def break_down(positions, box, rng):
        if is_broken[0]:
            inner_function_of_the_proposer()
        return Proposal(positions, -math.inf)

    integrator, plain = verlet_jumping(proposing(break_down)), openmm.VerletIntegrator(0.002)
    context, plain_context = in_context(well(), integrator), in_context(well(), plain)
    with pytest.raises(OwnError) as caught:
        integrator.step(7)
    assert caught.value.payload is payload
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-2:] == ["break_down", "inner_function_of_the_proposer"]
    plain.step(5)
    assert snapshot(context) == snapshot(plain_context)
    is_broken[0] = False
    integrator.step(20)
    plain.step(20)
    assert integrator.getNumJumpsAttempted() == 4
    assert snapshot(context) == snapshot(plain_context)


def test_an_exception_after_an_accepted_try_keeps_that_one(
    proposing, well, verlet_jumping, in_context, positions_of
):
    calls = []

    def fail_the_second_time(positions, box, rng):
        calls.append(positions)
        if len(calls) == 2:
            raise OwnError(None)
        return Proposal(np.array([[0.25, 0.5, 0.75]]), 1e6)

    integrator = verlet_jumping(proposing(fail_the_second_time), interval=1, triesPerJump=3)
    context = in_context(well(), integrator)
    with pytest.raises(OwnError):
        integrator.step(1)
    np.testing.assert_array_equal(positions_of(context)[0], [0.25, 0.5, 0.75])
    assert [record.accepted for record in integrator.getRecords()] == [True]


def test_system_exit_passes_through(proposing, well, jumping, in_context):
    def leave(positions, box, rng):
        raise SystemExit(3)

    integrator = jumping(proposing(leave))
    in_context(well(), integrator)
    with pytest.raises(SystemExit, match="3"):
        integrator.step(5)


def test_ctrl_c_inside_the_proposer(proposing, well, verlet_jumping, in_context, snapshot):
    def interrupted(positions, box, rng):
        calls.append(positions)
        if len(calls) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        return Proposal(positions, -math.inf)

    calls = []
    integrator, plain = verlet_jumping(proposing(interrupted)), openmm.VerletIntegrator(0.002)
    context, plain_context = in_context(well(), integrator), in_context(well(), plain)
    with pytest.raises(KeyboardInterrupt):
        integrator.step(5)
    integrator.step(10)
    plain.step(15)
    assert snapshot(context) == snapshot(plain_context)


@pytest.mark.parametrize("interval", [1, 10**9])
def test_ctrl_c_during_a_long_step(interval, stayer, well, jumping, in_context):
    """The signal is noticed between blocks of MD steps, also when no jump is due."""
    integrator = jumping(stayer, interval=interval)
    context = in_context(well(), integrator)
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        integrator.step(10**8)
    timer.join()
    assert time.monotonic() - began < 5
    done = context.getStepCount()
    assert 0 < done < 10**8
    integrator.step(2)
    assert context.getStepCount() == done + 2


def test_other_threads_run_during_md(stayer, well, jumping, in_context):
    """step() releases the interpreter: a counter in another thread goes on."""
    integrator = jumping(stayer, interval=10**9)
    in_context(well(), integrator)
    counts, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counts[0] += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    before = counts[0]
    integrator.step(200_000)
    after = counts[0]
    stop.set()
    counter.join()
    assert after - before >= 3


def test_a_proposer_must_not_step_its_own_simulation(
    proposing, well, verlet_jumping, in_context, snapshot
):
    integrator = verlet_jumping(proposing(lambda x, box, rng: integrator.step(1)))
    plain = openmm.VerletIntegrator(0.002)
    context, plain_context = in_context(well(), integrator), in_context(well(), plain)
    with pytest.raises(openmm.OpenMMException, match=r"step.. was called from inside a jump"):
        integrator.step(5)
    plain.step(5)
    assert snapshot(context) == snapshot(plain_context)


def test_a_proposer_must_not_be_replaced_during_a_step(
    proposing, stayer, well, jumping, in_context
):
    first = proposing(lambda x, box, rng: integrator.setProposer(stayer))
    integrator = jumping(first)
    in_context(well(), integrator)
    with pytest.raises(openmm.OpenMMException, match=r"setProposer.. was called from inside step"):
        integrator.step(5)
    assert integrator.getProposer() is first
    integrator.setProposer(stayer)
    integrator.step(5)
    assert integrator.getNumJumpsAttempted() == 1


def test_a_proposer_may_run_another_simulation(proposing, stayer, well, verlet_jumping, in_context):
    inside = verlet_jumping(stayer)
    in_context(well(), inside)

    def simulate(positions, box, rng):
        inside.step(5)
        return Proposal(positions, 0.0)

    outside = verlet_jumping(proposing(simulate))
    in_context(well(), outside)
    outside.step(20)
    assert (outside.getNumJumpsAttempted(), inside.getNumJumpsAttempted()) == (4, 4)
