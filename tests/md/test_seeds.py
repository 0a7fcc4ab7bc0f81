"""One seed determines all forces that draw random numbers."""

import numpy as np
import openmm

from openmm_genmd.md.seeds import openmm_seed, seed_forces


def gas():
    """Ideal gas with a thermostat and a barostat, each with random numbers of its own."""
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors([3, 0, 0], [0, 3, 0], [0, 0, 3])
    force = openmm.NonbondedForce()
    force.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    for _ in range(20):
        system.addParticle(20.0)
        force.addParticle(0.0, 0.3, 0.0)
    system.addForce(force)
    system.addForce(openmm.AndersenThermostat(300, 10))
    system.addForce(openmm.MonteCarloBarostat(1, 300, 2))
    return system


def final_state(seed):
    system = gas()
    seed_forces(system, seed)
    context = openmm.Context(
        system,
        openmm.VerletIntegrator(0.002),
        openmm.Platform.getPlatformByName("Reference"),
    )
    context.setPositions(np.random.default_rng(0).uniform(0, 3, (20, 3)))
    context.setVelocitiesToTemperature(300, 1)
    context.getIntegrator().step(100)
    state = context.getState(positions=True)
    return state.getPositions(asNumpy=True)._value, state.getPeriodicBoxVolume()._value


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    one, again, other = final_state(4), final_state(4), final_state(5)
    np.testing.assert_array_equal(one[0], again[0])
    assert one[1] == again[1]
    assert one[1] != other[1]
    assert np.abs(one[0] - other[0]).max() > 1e-3


def test_forces_have_different_seeds_and_others_are_left_alone():
    system = gas()
    before = openmm.XmlSerializer.serialize(system.getForce(0))
    seed_forces(system, 0)
    seeds = [system.getForce(i).getRandomNumberSeed() for i in (1, 2)]
    assert seeds == [openmm_seed(0, 1), openmm_seed(0, 2)]
    assert len(set(seeds)) == 2
    assert openmm.XmlSerializer.serialize(system.getForce(0)) == before


def test_seeds_are_those_that_openmm_takes():
    seeds = {openmm_seed(seed, key) for seed in range(30) for key in range(30)}
    assert len(seeds) == 900
    assert all(0 < seed < 2**31 for seed in seeds)
