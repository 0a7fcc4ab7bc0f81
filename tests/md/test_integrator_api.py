"""Construction, settings and bookkeeping of GenerativeJumpIntegrator."""

import math

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd import GenerativeJumpIntegrator, Instantaneous, Proposal
from openmm_genmd.native import core


def test_a_jump_follows_directly_after_every_interval(proposing, well, jumping, in_context):
    steps_seen = []

    def note_step(positions, box, rng):
        steps_seen.append(context.getStepCount())
        return Proposal(positions, 0.0)

    integrator = jumping(proposing(note_step), interval=5)
    context = in_context(well(), integrator)
    integrator.step(40)
    assert steps_seen == [5, 10, 15, 20, 25, 30, 35, 40]
    assert integrator.getNumJumpsAttempted() == 8
    assert context.getStepCount() == 40
    assert context.getTime().value_in_unit(unit.picosecond) == pytest.approx(0.08)


@pytest.mark.parametrize("chunk", [1, 3, 7, 40])
def test_chunks_of_steps_make_the_same_run(chunk, stepper, well, jumping, in_context, snapshot):
    def run(steps_per_call):
        integrator = jumping(stepper)
        context = in_context(well(), integrator)
        for done in range(0, 42, steps_per_call):
            integrator.step(min(steps_per_call, 42 - done))
        assert integrator.getNumJumpsAttempted() == 8
        return snapshot(context)

    assert run(chunk) == run(42)


def test_a_block_longer_than_the_interrupt_check(stayer, well, jumping, in_context):
    integrator = jumping(stayer, interval=2500)
    in_context(well(), integrator)
    integrator.step(5001)
    assert [record.step for record in integrator.getRecords()] == [2500, 5000]


def test_tries_per_jump_count_as_attempts(stayer, well, jumping, in_context):
    integrator = jumping(stayer, triesPerJump=3)
    in_context(well(), integrator)
    integrator.step(10)
    assert [record.step for record in integrator.getRecords()] == [5, 5, 5, 10, 10, 10]
    assert [record.index for record in integrator.getRecords(2)] == [2, 3, 4, 5]


def test_the_next_try_starts_where_the_last_accepted_one_ended(
    proposing, well, jumping, in_context
):
    seen = []

    def move_by_a_nanometer(positions, box, rng):
        seen.append(positions[0, 0])
        return Proposal(positions + np.array([1.0, 0.0, 0.0]), 1e6 if len(seen) != 2 else -1e6)

    integrator = jumping(proposing(move_by_a_nanometer), interval=1, triesPerJump=4)
    in_context(well(), integrator)
    integrator.step(1)
    np.testing.assert_allclose(np.array(seen) - seen[0], [0, 1, 1, 2], atol=1e-12)
    assert [record.accepted for record in integrator.getRecords()] == [True, False, True, True]


def test_settings_are_returned_and_changed(stayer, jumping):
    integrator = jumping(stayer, interval=9, triesPerJump=2, seed=-4)
    assert integrator.getProposer() is stayer
    assert integrator.getGrade() == "exact"
    assert integrator.getProtocol() == Instantaneous()
    assert (integrator.getJumpInterval(), integrator.getTriesPerJump()) == (9, 2)
    assert integrator.getRandomNumberSeed() == -4
    integrator.setJumpInterval(np.int64(11))
    integrator.setTriesPerJump(5)
    integrator.setRandomNumberSeed(8)
    assert (integrator.getJumpInterval(), integrator.getTriesPerJump()) == (11, 5)
    assert integrator.getRandomNumberSeed() == 8
    assert isinstance(integrator, openmm.Integrator)
    assert integrator.getNumIntegrators() == 1
    assert integrator.getStepSize().value_in_unit(unit.femtosecond) == pytest.approx(2.0)


@pytest.mark.parametrize("bad", [0, -3, 2.5, "5", None, 2**31])
def test_counts_must_be_positive_integers(bad, stayer, jumping):
    with pytest.raises(ValueError, match="jumpInterval must be a positive integer, got"):
        jumping(stayer, interval=bad)
    with pytest.raises(ValueError, match="triesPerJump must be a positive integer, got"):
        jumping(stayer, triesPerJump=bad)
    integrator = jumping(stayer)
    with pytest.raises(ValueError, match="jumpInterval must be a positive integer"):
        integrator.setJumpInterval(bad)
    with pytest.raises(ValueError, match="triesPerJump must be a positive integer"):
        integrator.setTriesPerJump(bad)


def test_the_compiled_setters_check_too(stayer, jumping):
    integrator = jumping(stayer)
    with pytest.raises(
        openmm.OpenMMException, match="jumpInterval must be a positive number, got 0"
    ):
        core.set_jump_interval(integrator, 0)
    with pytest.raises(
        openmm.OpenMMException, match="triesPerJump must be a positive number, got -1"
    ):
        core.set_tries_per_jump(integrator, -1)
    with pytest.raises(openmm.OpenMMException, match="the temperature must be positive"):
        core.set_temperature(integrator, -1.0)
    with pytest.raises(openmm.OpenMMException, match="candidates must be positive, got 0"):
        core.set_multiple_try(integrator, 0, None)


@pytest.mark.parametrize("bad", [1.5, "1", None, 2**31, -(2**31) - 1])
def test_the_seed_must_be_an_integer_of_32_bits(bad, stayer, jumping):
    with pytest.raises(ValueError, match="seed must be an integer of 32 bits, got"):
        jumping(stayer, seed=bad)


def test_the_inner_integrator_must_be_a_free_integrator_of_openmm(stayer, langevin):
    with pytest.raises(TypeError, match="integrator must be an OpenMM Integrator, got 'Langevin'"):
        GenerativeJumpIntegrator("Langevin", stayer)
    inner = langevin()
    GenerativeJumpIntegrator(inner, stayer)
    with pytest.raises(ValueError, match="already belongs to another object; make a new one"):
        GenerativeJumpIntegrator(inner, stayer)


def test_the_protocol_must_be_a_protocol(stayer, jumping):
    assert jumping(stayer, protocol=Instantaneous()).getProtocol() == Instantaneous()
    with pytest.raises(TypeError, match="protocol must be a jump protocol such as Instantaneous"):
        jumping(stayer, protocol="Instantaneous")


def test_objects_that_are_not_jump_integrators_are_refused_by_the_binding(langevin):
    with pytest.raises(TypeError, match="expected a GenerativeJumpIntegrator, got another kind"):
        core.get_jump_interval(langevin())
    with pytest.raises(TypeError, match="without a C\\+\\+ counterpart"):
        core.get_jump_interval(GenerativeJumpIntegrator.__new__(GenerativeJumpIntegrator))
    with pytest.raises(openmm.OpenMMException, match="no integrator is waiting"):
        openmm.XmlSerializer.deserialize('<Integrator type="_GenMDHandoff"/>')


def test_step_needs_a_context(stayer, jumping):
    with pytest.raises(openmm.OpenMMException, match="not bound to a context"):
        jumping(stayer).step(1)


def test_one_integrator_serves_one_context(stayer, well, jumping, in_context):
    integrator = jumping(stayer)
    context = in_context(well(), integrator)
    with pytest.raises(openmm.OpenMMException, match="already bound to a context"):
        in_context(well(), integrator)
    assert context.getStepCount() == 0


def test_records_and_statistics_start_empty_and_are_forgotten(stepper, well, jumping, in_context):
    integrator = jumping(stepper)
    with pytest.raises(openmm.OpenMMException, match="no jump has been attempted yet"):
        integrator.getLastJump()
    assert math.isnan(integrator.getAcceptanceRate())
    in_context(well(), integrator)
    integrator.step(50)
    assert integrator.getNumJumpsAttempted() == 10
    integrator.resetStatistics()
    assert integrator.getNumJumpsAttempted() == 0
    assert integrator.getNumJumpsAccepted() == 0
    assert integrator.getRecords() == []
    assert set(integrator.getRejections().values()) == {0}
    with pytest.raises(openmm.OpenMMException, match="no jump has been attempted yet"):
        integrator.getLastJump()
    integrator.step(5)
    assert [record.index for record in integrator.getRecords()] == [0]


def test_sums_agree_with_the_records(stepper, well, jumping, in_context):
    integrator = jumping(stepper)
    in_context(well(), integrator)
    integrator.step(500)
    records, sums = integrator.getRecords(), integrator.getStatistics()
    accepted = sum(record.accepted for record in records)
    assert len(records) == sums.attempted == integrator.getNumJumpsAttempted() == 100
    assert 0 < accepted < 100
    assert accepted == sums.accepted == integrator.getNumJumpsAccepted()
    assert integrator.getAcceptanceRate() == accepted / 100
    assert sum(integrator.getRejections().values()) == 100 - accepted
    assert sums.sum_probability == pytest.approx(sum(record.probability for record in records))
    for name in ("model_seconds", "energy_seconds", "bookkeeping_seconds"):
        parts = [getattr(record, name) for record in records]
        assert min(parts) >= 0
        assert getattr(sums, name) == pytest.approx(sum(parts))


def test_records_that_are_no_longer_kept_are_an_error(stayer, well, jumping, in_context):
    integrator = jumping(stayer, interval=1, triesPerJump=65536)
    in_context(well(1), integrator)
    integrator.step(1)
    assert len(integrator.getRecords()) == 65536
    integrator.setTriesPerJump(1)
    integrator.step(1)
    assert [record.index for record in integrator.getRecords(65535)] == [65535, 65536]
    with pytest.raises(
        openmm.OpenMMException, match=r"attempt 0 is no longer kept .the oldest is 1"
    ):
        integrator.getRecords(0)
    integrator.reserveRecords(65538)
    integrator.step(2)
    assert len(integrator.getRecords(1)) == 65538


def test_the_last_jump_against_an_independent_energy(alanine, proposing, jumping, in_context):
    _, system, positions_nm = alanine
    proposed = []

    def twitch(positions, box, rng):
        proposed.append((positions, positions + 0.002 * rng.normal(size=positions.shape)))
        return Proposal(proposed[-1][1], 0.25)

    # Methyl carbon and carbonyl carbons and oxygens: no constraint is touched.
    integrator = jumping(proposing(twitch, particles=[4, 5, 14, 15]), interval=3)
    context = in_context(system, integrator, positions_nm)
    other = in_context(system, openmm.VerletIntegrator(0.001))
    for _ in range(5):
        integrator.step(2)
        before = context.getState(positions=True, velocities=True)
        integrator.step(1)
        jump = integrator.getLastJump()
        after = np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)
        x, y = proposed[-1]
        energies = []
        for moved in (x, y):
            after[[4, 5, 14, 15]] = moved
            other.setPositions(after)
            energy = other.getState(energy=True).getPotentialEnergy()
            energies.append(energy.value_in_unit(unit.kilojoule_per_mole))
        work = energies[1] - energies[0]
        assert jump.work_kj_per_mol == pytest.approx(work, abs=1e-6)
        assert jump.log_ratio == 0.25
        probability = min(1.0, math.exp(-work / (0.00831446261815324 * 300) + 0.25))
        assert jump.probability == pytest.approx(probability, rel=1e-6)
        assert jump.step == before.getStepCount() + 1
        assert (jump.reason == "") == jump.accepted
        assert f"step={jump.step}, accepted={jump.accepted}" in repr(jump)


def test_simulation_drives_the_jumps(alanine, stayer, jumping):
    topology, system, positions_nm = alanine
    stayer.particles = [0, 1]
    simulation = app.Simulation(
        topology, system, jumping(stayer), openmm.Platform.getPlatformByName("Reference")
    )
    simulation.context.setPositions(positions_nm)
    for _ in range(14):
        simulation.step(3)
    assert simulation.integrator.getNumJumpsAttempted() == 8
    assert simulation.currentStep == 42
