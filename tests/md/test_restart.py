"""Checkpoints, States and reinitialize(): the jumps continue as if nothing had happened."""

import math

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd import GenerativeJumpIntegrator, Proposal


def outcome(integrator, context, snapshot):
    """Everything that a continued run must reproduce."""
    statistics = integrator.getStatistics()
    last = integrator.getLastJump()
    counts = (statistics.attempted, statistics.accepted, statistics.sum_probability)
    jump = (last.index, last.step, last.accepted, last.work_kj_per_mol, last.log_ratio)
    return snapshot(context), counts, jump, integrator.getRejections()


@pytest.mark.parametrize("make", ["jumping", "verlet_jumping"])
def test_a_checkpoint_continues_to_the_bit_in_its_context(
    make, request, pool_proposer, well, in_context, snapshot
):
    integrator = request.getfixturevalue(make)(pool_proposer())
    context = in_context(well(), integrator)
    integrator.step(63)
    checkpoint = context.createCheckpoint()
    integrator.step(102)
    first = outcome(integrator, context, snapshot)
    integrator.step(37)
    context.loadCheckpoint(checkpoint)
    assert integrator.getNumJumpsAttempted() == 12
    assert context.getStepCount() == 63
    integrator.step(102)
    assert outcome(integrator, context, snapshot) == first
    assert 0 < integrator.getNumJumpsAccepted() < 33


def test_a_checkpoint_continues_to_the_bit_in_a_new_context(
    pool_proposer, well, verlet_jumping, in_context, snapshot
):
    first = verlet_jumping(pool_proposer())
    context = in_context(well(), first)
    first.step(63)
    checkpoint = context.createCheckpoint()
    first.step(102)
    second = verlet_jumping(pool_proposer(), seed=99)
    new_context = in_context(well(), second)
    new_context.loadCheckpoint(checkpoint)
    assert second.getLastJump().step == 60
    second.step(102)
    assert outcome(second, new_context, snapshot) == outcome(first, context, snapshot)


def make_simulation(alanine, integrator):
    topology, system, positions_nm = alanine
    reference = openmm.Platform.getPlatformByName("Reference")
    simulation = app.Simulation(topology, system, integrator, reference)
    simulation.context.setPositions(positions_nm)
    simulation.context.setVelocitiesToTemperature(300.0, 5)
    return simulation


@pytest.mark.parametrize("kind", ["State", "Checkpoint"])
def test_files_of_a_simulation_continue_in_a_new_one(
    kind, tmp_path, alanine, pool_proposer, verlet_jumping, snapshot
):
    def proposer():
        moving = pool_proposer()
        moving.particles = [5]  # a carbonyl oxygen: no constraint
        return moving

    first = make_simulation(alanine, verlet_jumping(proposer(), interval=3))
    first.step(20)
    getattr(first, f"save{kind}")(str(tmp_path / "file"))
    first.step(20)
    second = make_simulation(alanine, verlet_jumping(proposer(), interval=3, seed=8))
    getattr(second, f"load{kind}")(str(tmp_path / "file"))
    assert second.integrator.getNumJumpsAttempted() == 6
    assert second.currentStep == 20
    second.step(20)
    results = [outcome(run.integrator, run.context, snapshot) for run in (first, second)]
    assert results[0] == results[1]


def test_a_live_integrator_keeps_its_random_numbers_when_a_state_is_set(
    proposing, well, jumping, in_context
):
    """Replica exchange sets the States of all replicas on one Context: they must not share."""
    drawn = []

    def note(positions, box, rng):
        drawn.append(rng.random())
        return Proposal(positions, 0.0)

    integrator = jumping(proposing(note), interval=1)
    context = in_context(well(), integrator)
    integrator.step(3)
    state = context.getState(positions=True, velocities=True, integratorParameters=True)
    for _ in range(3):
        context.setState(state)
        integrator.step(3)
    assert len(drawn) == 12 == len(set(drawn))
    assert integrator.getNumJumpsAttempted() == 12


def test_resetting_the_statistics_does_not_bring_old_random_numbers_back(
    stepper, well, verlet_jumping, in_context
):
    """Replica exchange with resetStatistics() in between: replicas would share numbers."""
    integrator = verlet_jumping(stepper, interval=1)
    context = in_context(well(), integrator)
    state = context.getState(positions=True, velocities=True, integratorParameters=True)
    works = []
    for _ in range(2):
        integrator.step(3)
        works.append([record.work_kj_per_mol for record in integrator.getRecords()])
        integrator.resetStatistics()
        context.setState(state)
    assert works[0] != works[1]


def test_a_state_of_plain_md_leaves_the_jumps_alone(stepper, well, jumping, in_context, langevin):
    plain = openmm.CompoundIntegrator()
    plain.addIntegrator(langevin())
    plain_context = in_context(well(), plain)
    plain.step(5)
    state = plain_context.getState(positions=True, velocities=True, integratorParameters=True)
    integrator = jumping(stepper)
    context = in_context(well(), integrator)
    context.setState(state)
    integrator.step(5)
    assert (integrator.getNumJumpsAttempted(), context.getStepCount()) == (1, 10)


def test_a_state_of_the_plain_inner_integrator_is_accepted(
    stepper, well, jumping, in_context, langevin
):
    plain = in_context(well(), langevin())
    state = plain.getState(positions=True, velocities=True, integratorParameters=True)
    in_context(well(), jumping(stepper)).setState(state)


def test_a_checkpoint_with_any_changed_byte_is_refused(stepper, well, verlet_jumping, in_context):
    integrator = verlet_jumping(stepper)
    context = in_context(well(), integrator)
    integrator.step(20)
    checkpoint = context.createCheckpoint()
    for place in range(checkpoint.index(b"GMDJUMP1"), len(checkpoint)):
        damaged = bytearray(checkpoint)
        damaged[place] ^= 0xFF
        with pytest.raises(openmm.OpenMMException, match=r"damaged|holds no state of jumps"):
            context.loadCheckpoint(bytes(damaged))
    assert integrator.getLastJump().step == 20


@pytest.mark.parametrize("preserve", [True, False])
def test_reinitialize(preserve, pool_proposer, well, verlet_jumping, in_context, snapshot):
    integrator, other = verlet_jumping(pool_proposer()), verlet_jumping(pool_proposer())
    context, other_context = in_context(well(), integrator), in_context(well(), other)
    integrator.step(33)
    context.reinitialize(preserveState=preserve)
    if preserve:
        other.step(33)
    else:  # everything begins again
        assert integrator.getNumJumpsAttempted() == 0
        context.setPositions(np.linspace(0, 0.1, 6).reshape(-1, 3))
        context.setVelocitiesToTemperature(300.0, 11)
    integrator.step(51)
    other.step(51)
    assert outcome(integrator, context, snapshot) == outcome(other, other_context, snapshot)


def jump_positions(integrator, context, positions_of):
    integrator.step(25)
    return positions_of(context).tobytes()


@pytest.mark.parametrize(("seeds", "same"), [((4, 4), True), ((4, 5), False), ((0, 0), False)])
def test_seeds(seeds, same, stepper, well, verlet_jumping, in_context, positions_of):
    runs = []
    for seed in seeds:
        integrator = verlet_jumping(stepper, seed=seed)
        context = in_context(well(), integrator)
        runs.append(jump_positions(integrator, context, positions_of))
    assert (runs[0] == runs[1]) == same


def test_seed_zero_differs_when_reinitialized(stepper, well, verlet_jumping, in_context):
    integrator = verlet_jumping(stepper, seed=0)
    context = in_context(well(), integrator)
    works = []
    for _ in range(2):
        context.reinitialize()
        context.setPositions(np.zeros((2, 3)))
        integrator.step(5)
        works.append(integrator.getLastJump().work_kj_per_mol)
    assert works[0] != works[1]


def test_a_checkpoint_of_a_plain_integrator_is_refused(
    stepper, well, jumping, in_context, langevin
):
    plain = openmm.CompoundIntegrator()
    plain.addIntegrator(langevin())
    checkpoint = in_context(well(), plain).createCheckpoint()
    context = in_context(well(), jumping(stepper))
    with pytest.raises(openmm.OpenMMException, match="the checkpoint holds no state of jumps"):
        context.loadCheckpoint(checkpoint)


def test_a_checkpoint_of_another_proposer_is_refused(
    stepper, pool_proposer, well, jumping, in_context
):
    checkpoint = in_context(well(), jumping(stepper)).createCheckpoint()
    context = in_context(well(), jumping(pool_proposer()))
    message = "belongs to a proposer of type '.*FunctionProposer', but this .* has '.*PoolProposer'"
    with pytest.raises(openmm.OpenMMException, match=message):
        context.loadCheckpoint(checkpoint)


def test_a_truncated_checkpoint_is_refused(pool_proposer, well, jumping, in_context):
    integrator = jumping(pool_proposer())
    context = in_context(well(), integrator)
    integrator.step(20)
    checkpoint = context.createCheckpoint()
    begin = checkpoint.index(b"GMDJUMP1")
    for length in range(begin, len(checkpoint)):
        with pytest.raises((openmm.OpenMMException, ValueError), match=r"state of .*jump|proposer"):
            context.loadCheckpoint(checkpoint[:length])
    context.loadCheckpoint(checkpoint)
    assert integrator.getNumJumpsAttempted() == 4


@pytest.fixture
def jump_state_xml(pool_proposer, well, jumping, in_context):
    """XML of a State, its jump part, and a new Context to load it into."""
    integrator = jumping(pool_proposer())
    context = in_context(well(), integrator)
    integrator.step(20)
    xml = openmm.XmlSerializer.serialize(
        context.getState(positions=True, velocities=True, integratorParameters=True)
    )
    packed = xml.split('jumpState="')[1].split('"')[0]
    return xml, packed, in_context(well(), jumping(pool_proposer()))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda packed: "x" + packed[1:], "stored state of the jumps is not hexadecimal text"),
        (lambda packed: packed[:-1], "stored state of the jumps is not hexadecimal text"),
        (lambda packed: packed[:100], "stored state of the jumps is truncated or damaged"),
        (
            lambda packed: "0" * 64 + packed[64:],
            "stored state of the jumps is truncated or damaged",
        ),
        (lambda packed: "", "stored state of the jumps is truncated or damaged"),
    ],
)
def test_a_damaged_state_is_refused(damage, message, jump_state_xml):
    xml, packed, context = jump_state_xml
    damaged = openmm.XmlSerializer.deserialize(xml.replace(packed, damage(packed)))
    with pytest.raises(openmm.OpenMMException, match=message):
        context.setState(damaged)


def test_a_pending_state_waits_for_the_proposer(
    pool_proposer, well, verlet_jumping, in_context, snapshot
):
    """An integrator from XML takes a checkpoint before it gets its proposer."""
    first = verlet_jumping(pool_proposer())
    context = in_context(well(), first)
    first.step(63)
    checkpoint = context.createCheckpoint()
    xml = openmm.XmlSerializer.serialize(first)
    loaded = GenerativeJumpIntegrator.fromIntegrator(openmm.XmlSerializer.deserialize(xml))
    new_context = in_context(well(), loaded)
    new_context.loadCheckpoint(checkpoint)
    again = new_context.createCheckpoint()  # the state that waits is not lost either
    new_context.loadCheckpoint(again)
    loaded.setProposer(pool_proposer())
    first.step(102)
    loaded.step(102)
    assert outcome(loaded, new_context, snapshot) == outcome(first, context, snapshot)
    assert not math.isnan(loaded.getAcceptanceRate())
