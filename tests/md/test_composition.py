"""The integrator inside other objects of OpenMM."""

import gc
import math
import threading

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd import GenerativeJumpIntegrator, Proposal


@pytest.fixture
def wiggler(proposing):
    """Symmetric steps of the carbonyl oxygen of the ACE cap, which no constraint touches."""
    return proposing(
        lambda x, box, rng: Proposal(x + 0.005 * rng.normal(size=x.shape), 0.0), particles=[5]
    )


@pytest.fixture
def simulate(alanine):
    topology, system, positions_nm = alanine

    def make(integrator) -> app.Simulation:
        reference = openmm.Platform.getPlatformByName("Reference")
        simulation = app.Simulation(topology, system, integrator, reference)
        simulation.context.setPositions(positions_nm)
        simulation.context.setVelocitiesToTemperature(300.0, 3)
        return simulation

    return make


def test_an_integrator_that_only_the_context_holds(stepper, well, jumping):
    reference = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(well(), jumping(stepper), reference)
    gc.collect()
    context.setPositions([[0, 0, 0]] * 2)
    context.getIntegrator().step(20)
    assert context.getIntegrator().getNumJumpsAttempted() == 4


@pytest.mark.parametrize("keep", [True, False])
def test_as_a_child_of_a_compound_integrator(keep, stepper, well, jumping, in_context):
    """The proposer lives on when the compound takes over and the Python object goes."""
    child = jumping(stepper)
    compound = openmm.CompoundIntegrator()
    compound.addIntegrator(child)
    compound.addIntegrator(openmm.VerletIntegrator(0.001))
    if not keep:
        del child
        gc.collect()
    context = in_context(well(), compound)
    compound.step(20)
    compound.setCurrentIntegrator(1)
    compound.step(7)
    compound.setCurrentIntegrator(0)
    compound.step(8)
    child = GenerativeJumpIntegrator.fromIntegrator(compound.getIntegrator(0))
    assert [record.step for record in child.getRecords()] == [5, 10, 15, 20, 30, 35]
    del child
    gc.collect()
    compound.step(5)
    assert context.getStepCount() == 40
    checkpoint = context.createCheckpoint()
    compound.step(5)
    context.loadCheckpoint(checkpoint)
    child = GenerativeJumpIntegrator.fromIntegrator(compound.getIntegrator(0))
    assert child.getNumJumpsAttempted() == 7


def test_replica_exchange_over_temperatures(proposing, simulate, jumping):
    drawn, temperatures = [], []

    def wiggle(positions, box, rng):
        step = rng.normal(size=positions.shape)
        drawn.append(step.tobytes())
        temperatures.append(integrator.getTemperature().value_in_unit(unit.kelvin))
        return Proposal(positions + 0.005 * step, 0.0)

    integrator = jumping(proposing(wiggle, particles=[5]))
    simulation = simulate(integrator)
    states = [{"temperature": kelvin * unit.kelvin} for kelvin in (300.0, 330.0, 360.0)]
    sampler = app.ReplicaExchangeSampler(states, simulation, 20)
    sampler.simulate(4)
    assert sampler.currentIteration == 4
    assert integrator.getNumJumpsAttempted() == len(drawn) == 3 * 4 * 4
    assert len(set(drawn)) == len(drawn), "replicas share random numbers"
    assert sorted(set(temperatures)) == [300.0, 330.0, 360.0]
    assert 0 < integrator.getNumJumpsAccepted() < len(drawn)
    for record, temperature in zip(integrator.getRecords(), temperatures, strict=True):
        exponent = -record.work_kj_per_mol / (0.00831446261815324 * temperature)
        assert record.probability == pytest.approx(min(1.0, math.exp(exponent)), rel=1e-9)
    assert np.isfinite(np.array(sampler.replicaStateEnergy[0]._value)).all()


def test_run_for_clock_time(simulate, jumping, wiggler):
    simulation = simulate(jumping(wiggler))
    simulation.runForClockTime(0.2 * unit.second)
    assert simulation.currentStep > 10
    assert simulation.integrator.getNumJumpsAttempted() == simulation.currentStep // 5


def test_the_minimizer_before_and_between(simulate, jumping, wiggler, langevin, positions_of):
    simulation, plain = simulate(jumping(wiggler)), simulate(langevin())
    for run in (simulation, plain):
        run.minimizeEnergy(maxIterations=20)
    np.testing.assert_array_equal(positions_of(simulation.context), positions_of(plain.context))
    assert simulation.integrator.getNumJumpsAttempted() == 0
    simulation.step(20)
    openmm.LocalEnergyMinimizer.minimize(simulation.context, 10.0, 5)
    simulation.step(20)
    assert simulation.integrator.getNumJumpsAttempted() == 8
    assert simulation.currentStep == 40


INNER = {
    "Verlet": lambda: openmm.VerletIntegrator(0.002),
    "LangevinMiddle": lambda: openmm.LangevinMiddleIntegrator(300, 1, 0.002),
    "Langevin": lambda: openmm.LangevinIntegrator(300, 1, 0.002),
    "Brownian": lambda: openmm.BrownianIntegrator(300, 100, 0.002),
    "NoseHoover": lambda: openmm.NoseHooverIntegrator(300, 1, 0.002),
    "VariableVerlet": lambda: openmm.VariableVerletIntegrator(1e-4),
    "VariableLangevin": lambda: openmm.VariableLangevinIntegrator(300, 1, 1e-4),
}


@pytest.mark.parametrize("name", INNER)
def test_velocities_and_kinetic_energy_are_those_of_the_inner_integrator(
    name, alanine, stayer, in_context, snapshot
):
    _, system, positions_nm = alanine
    inner = INNER[name]()
    temperature = None if hasattr(inner, "getTemperature") else 300
    jumps = GenerativeJumpIntegrator(inner, stayer, 100, temperature=temperature)
    context = in_context(system, jumps, positions_nm)
    plain = in_context(system, INNER[name](), positions_nm)
    for each in (context, plain):
        each.setVelocitiesToTemperature(310.0, 77)
    assert snapshot(context) == snapshot(plain)
    energies = [each.getState(energy=True).getKineticEnergy() for each in (context, plain)]
    assert energies[0] == energies[1]
    assert energies[0]._value > 10


def test_force_groups_select_the_energy_of_the_work(proposing, in_context):
    system = openmm.System()
    system.addParticle(12.0)
    for group, strength in ((0, 10.0), (1, 1000.0)):
        force = openmm.CustomExternalForce(f"{strength}*x")
        force.addParticle(0, [])
        force.setForceGroup(group)
        system.addForce(force)
    works = []
    for groups in (1 << 0, 1 << 1, -1):
        leap = proposing(lambda x, box, rng: Proposal(x + np.array([1.0, 0.0, 0.0]), 0.0))
        integrator = GenerativeJumpIntegrator(
            openmm.VerletIntegrator(0.001), leap, 1, temperature=300
        )
        integrator.setIntegrationForceGroups(groups)
        in_context(system, integrator, [[0.0, 0.0, 0.0]])
        integrator.step(1)
        works.append(integrator.getLastJump().work_kj_per_mol)
    np.testing.assert_allclose(works, [10.0, 1000.0, 1010.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("make_inner", "message"),
    [
        (
            lambda: openmm.DrudeLangevinIntegrator(300, 1, 1, 20, 0.001),
            "Drude integrators are not supported as inner integrator; use LangevinMiddle",
        ),
        (lambda: openmm.RPMDIntegrator(4, 300, 1, 0.001), "RPMDIntegrator is not supported"),
        (
            lambda: openmm.QTBIntegrator(300, 1, 0.001),
            "QTBIntegrator is not supported .* does not",
        ),
    ],
)
def test_integrators_that_are_not_boltzmann_are_refused(make_inner, message, stayer):
    inner = make_inner()
    with pytest.raises(openmm.OpenMMException, match=message):
        GenerativeJumpIntegrator(inner, stayer, 5)
    assert inner.thisown


def test_a_drude_system_is_refused(stayer, jumping, well, in_context):
    system = well()
    system.addForce(openmm.DrudeForce())
    with pytest.raises(openmm.OpenMMException, match="the System has a DrudeForce"):
        in_context(system, jumping(stayer))


def test_a_second_inner_integrator_is_refused(stayer, jumping, well, in_context):
    integrator = jumping(stayer)
    integrator.addIntegrator(openmm.VerletIntegrator(0.001))
    with pytest.raises(openmm.OpenMMException, match="exactly one inner integrator"):
        in_context(well(), integrator)


def test_contexts_in_threads(pool_proposer, well, verlet_jumping, in_context, snapshot):
    def run_all(start):
        integrators = [verlet_jumping(pool_proposer(), seed=seed) for seed in (1, 2)]
        contexts = [in_context(well(), integrator) for integrator in integrators]
        start([lambda each=each: each.step(2000) for each in integrators])
        return [snapshot(context) for context in contexts]

    def in_threads(jobs):
        threads = [threading.Thread(target=job) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert run_all(in_threads) == run_all(lambda jobs: [job() for job in jobs])
