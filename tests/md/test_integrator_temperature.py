"""Which temperature jumps are accepted at."""

import math

import openmm
import pytest
from openmm import unit

from openmm_genmd import GenerativeJumpIntegrator, Proposal
from openmm_genmd.native import core

R = 0.00831446261815324


def kelvin(integrator) -> float:
    return integrator.getTemperature().value_in_unit(unit.kelvin)


def test_the_inner_temperature_is_read_anew_at_every_jump(proposing, well, jumping, in_context):
    integrator = jumping(proposing(lambda x, box, rng: Proposal(x * 1.5 + 0.02, 0.0)), interval=1)
    in_context(well(1), integrator)
    for temperature in (300.0, 50.0, 1000.0, 300.0):
        integrator.getIntegrator(0).setTemperature(temperature)
        assert kelvin(integrator) == temperature
        integrator.step(1)
        jump = integrator.getLastJump()
        expected = math.exp(-jump.work_kj_per_mol / (R * temperature))
        assert jump.work_kj_per_mol > 0
        assert jump.probability == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("temperature", [350 * unit.kelvin, 350])
def test_set_temperature_forwards(temperature, stayer, jumping):
    integrator = jumping(stayer)
    integrator.setTemperature(temperature)
    assert kelvin(integrator) == 350
    assert integrator.getIntegrator(0).getTemperature().value_in_unit(unit.kelvin) == 350


@pytest.mark.parametrize("temperature", [280 * unit.kelvin, 280, 280.0])
def test_an_inner_integrator_without_temperature_takes_the_given_one(
    temperature, proposing, well, in_context
):
    proposer = proposing(lambda x, box, rng: Proposal(x + 0.1, 0.0))
    integrator = GenerativeJumpIntegrator(
        openmm.VerletIntegrator(0.001), proposer, 1, temperature=temperature
    )
    assert kelvin(integrator) == 280
    in_context(well(1), integrator, [[0.1, 0.0, 0.0]])
    for now in (280.0, 140.0):
        integrator.setTemperature(now)
        integrator.step(1)
        jump = integrator.getLastJump()
        expected = min(1.0, math.exp(-jump.work_kj_per_mol / (R * now)))
        assert jump.probability == pytest.approx(expected, rel=1e-12)


def test_an_inner_integrator_without_temperature_needs_one(stayer):
    with pytest.raises(ValueError, match="no temperature; pass temperature=, the one that its"):
        GenerativeJumpIntegrator(openmm.VerletIntegrator(0.001), stayer)


def test_a_second_temperature_must_be_the_same(stayer, jumping):
    assert kelvin(jumping(stayer, temperature=300 * unit.kelvin)) == 300
    with pytest.raises(
        ValueError, match=r"temperature=310.0 K, but the inner integrator runs at 300"
    ):
        jumping(stayer, temperature=310 * unit.kelvin)


@pytest.mark.parametrize("bad", [0, -1.0, 0 * unit.kelvin])
def test_temperatures_must_be_positive(bad, stayer, jumping):
    with pytest.raises(ValueError, match="temperature must be positive, got"):
        jumping(stayer, temperature=bad)
    with pytest.raises(ValueError, match="temperature must be positive, got"):
        jumping(stayer).setTemperature(bad)


@pytest.mark.parametrize("bad", [300 * unit.nanometer, "warm", float("nan")])
def test_temperatures_must_be_temperatures(bad, stayer, jumping):
    with pytest.raises(ValueError, match="temperature must be"):
        jumping(stayer).setTemperature(bad)


def test_a_temperature_that_is_lost_in_xml_is_missed_at_the_jump(
    stayer, verlet_jumping, well, in_context
):
    xml = openmm.XmlSerializer.serialize(verlet_jumping(stayer))
    assert 'temperature="300"' in xml
    without = openmm.XmlSerializer.deserialize(xml.replace('temperature="300"', 'temperature="-1"'))
    integrator = GenerativeJumpIntegrator.fromIntegrator(without)
    integrator.setProposer(stayer)
    in_context(well(), integrator)
    integrator.step(4)
    with pytest.raises(openmm.OpenMMException, match=r"inner integrator has no temperature. Call"):
        integrator.step(1)
    integrator.setTemperature(300)
    integrator.step(5)
    assert integrator.getNumJumpsAttempted() == 1


def with_thermostat(system, temperature_k):
    system.addForce(openmm.AndersenThermostat(temperature_k, 1.0))
    return openmm.VerletIntegrator(0.001)


def with_barostat(force):
    def add(system, temperature_k):
        system.setDefaultPeriodicBoxVectors([3, 0, 0], [0, 3, 0], [0, 0, 3])
        nonbonded = openmm.NonbondedForce()
        nonbonded.setNonbondedMethod(nonbonded.CutoffPeriodic)
        for _ in range(system.getNumParticles()):
            nonbonded.addParticle(0, 0.1, 0)
        system.addForce(nonbonded)
        system.addForce(force(temperature_k))
        return openmm.VerletIntegrator(0.001)

    return add


@pytest.mark.parametrize(
    ("add", "parameter"),
    [
        (with_thermostat, "AndersenTemperature"),
        (with_barostat(lambda t: openmm.MonteCarloBarostat(1.0, t)), "MonteCarloTemperature"),
        (
            with_barostat(lambda t: openmm.MonteCarloAnisotropicBarostat((1, 1, 1), t)),
            "AnisotropicMonteCarloTemperature",
        ),
        (
            with_barostat(lambda t: openmm.MonteCarloFlexibleBarostat(1.0, t)),
            "MonteCarloTemperature",
        ),
        (
            with_barostat(
                lambda t: openmm.MonteCarloMembraneBarostat(
                    1.0,
                    0.0,
                    t,
                    openmm.MonteCarloMembraneBarostat.XYIsotropic,
                    openmm.MonteCarloMembraneBarostat.ZFree,
                )
            ),
            "MembraneMonteCarloTemperature",
        ),
    ],
)
def test_thermostats_and_barostats_must_agree(add, parameter, stayer, well, in_context):
    system = well()
    inner = add(system, 320.0)
    integrator = GenerativeJumpIntegrator(inner, stayer, 2, temperature=300.0)
    context = in_context(system, integrator)
    message = f"accepted at 300 K, but the Context parameter '{parameter}' is 320 K"
    with pytest.raises(openmm.OpenMMException, match=message):
        integrator.step(2)
    integrator.setTemperature(320.0)
    integrator.step(2)
    assert integrator.getNumJumpsAttempted() == 1
    assert core.get_temperature(integrator) == 320
    assert context.getStepCount() == 4
