"""Springs: their work is that of the moves of their centers, and nothing else."""

import math

import numpy as np
import openmm
import pytest

from openmm_genmd.unbinding.springs import Springs

KT = 2.494338785
TRAP, SPRING, WAY_NM = 400.0, 300.0, 0.3


def context_of(springs: Springs, seed: int = 1) -> openmm.Context:
    integrator = openmm.LangevinMiddleIntegrator(300.0, 20.0, 0.005)
    integrator.setRandomNumberSeed(seed)
    platform = openmm.Platform.getPlatformByName("Reference")
    return openmm.Context(springs.system, integrator, platform)


def trapped_particles(n: int) -> openmm.System:
    """Particles that do not feel each other, each in a harmonic trap at the origin."""
    system, trap = openmm.System(), openmm.CustomExternalForce("0.5*trap*(x^2+y^2+z^2)")
    trap.addGlobalParameter("trap", TRAP)
    for index in range(n):
        system.addParticle(10.0)
        trap.addParticle(index, [])
    system.addForce(trap)
    return system


def positions_nm(context: openmm.Context) -> np.ndarray:
    return context.getState(positions=True).getPositions(asNumpy=True)._value


def test_work_and_energy_are_those_of_openmm() -> None:
    rng = np.random.default_rng(1)
    springs = Springs(trapped_particles(5), np.array([3, 1]), np.array([100.0, 250.0]))
    context = context_of(springs)
    x, centres, targets = rng.normal(size=(5, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    context.setPositions(x)

    def energy() -> float:
        return context.getState(energy=True).getPotentialEnergy()._value

    slack = energy()
    springs.aim(context, centres, targets)
    before = energy()
    assert springs.energy_kj_per_mol(x) == pytest.approx(before - slack, rel=1e-6)
    work = springs.move(context, x, 0.3)
    assert work == pytest.approx(energy() - before, rel=1e-6)
    np.testing.assert_allclose(springs.centres_nm, centres + 0.3 * (targets - centres))
    held = springs.energy_kj_per_mol(x)
    assert springs.release(context, x) == -held
    assert energy() == pytest.approx(slack, rel=1e-9)
    assert springs.energy_kj_per_mol(x) == 0.0


def test_a_second_aim_begins_at_its_own_centers() -> None:
    rng = np.random.default_rng(2)
    springs = Springs(trapped_particles(2), np.array([0, 1]), np.array([100.0, 250.0]))
    context = context_of(springs)
    x = rng.normal(size=(2, 3))
    context.setPositions(x)
    springs.aim(context, x, x + 1.0)
    springs.move(context, x, 0.8)
    centres = rng.normal(size=(2, 3))
    springs.aim(context, centres, centres + 0.5)
    np.testing.assert_array_equal(springs.centres_nm, centres)
    # The Context must agree: its forces are those of springs at these centers.
    state = context.getState(forces=True)
    trap = TRAP * x
    pulled = springs.constants_kj_per_mol_nm2[:, None] * (x - centres)
    np.testing.assert_allclose(
        state.getForces(asNumpy=True)._value, -trap - pulled, rtol=1e-9, atol=1e-9
    )


def test_in_a_box_springs_reach_the_nearest_image() -> None:
    system = openmm.System()
    system.addParticle(12.0)
    system.setDefaultPeriodicBoxVectors(*(3.0 * np.eye(3)))
    ghost = openmm.NonbondedForce()
    ghost.addParticle(0.0, 0.1, 0.0)
    ghost.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    system.addForce(ghost)
    springs = Springs(system, np.array([0]), np.array([100.0]))
    context = context_of(springs)
    x = np.array([[0.1, 0.2, 0.3]])
    context.setPositions(x + np.array([3.0, 0.0, -3.0]))
    springs.aim(context, x + np.array([0.05, 0.0, 0.0]), x)
    energy = context.getState(energy=True).getPotentialEnergy()._value
    assert energy == pytest.approx(0.5 * 100.0 * 0.05**2)


def pull(seed: int, *, broken: bool = False) -> np.ndarray:
    """Works (n,) / kT of dragging springs out of equilibrium; broken: end minus start energies."""
    n, changes = 600, 10
    springs = Springs(trapped_particles(n), np.arange(n), np.full(n, SPRING))
    context = context_of(springs, seed)
    rng = np.random.default_rng(seed)
    context.setPositions(rng.normal(scale=math.sqrt(KT / (TRAP + SPRING)), size=(n, 3)))
    context.setVelocitiesToTemperature(300.0, seed)
    centres = np.zeros((n, 3))
    springs.aim(context, centres, centres + np.array([WAY_NM, 0.0, 0.0]))

    def each() -> np.ndarray:
        stretch = positions_nm(context) - springs.centres_nm
        return 0.5 * SPRING * (stretch**2).sum(axis=1)

    work, first = np.zeros(n), each()
    for change in range(changes + 1):
        before = each()
        share = (change + 0.5) / changes if change < changes else 1.0
        total = springs.move(context, positions_nm(context), share)
        work += each() - before
        assert total == pytest.approx((each() - before).sum(), abs=1e-9)
        if change < changes:
            context.getIntegrator().step(5)
    return (each() - first if broken else work) / KT


def jarzynski_score(works: np.ndarray) -> float:
    """Standard errors between exp(-work) and the exact ratio of partition functions."""
    exact = 0.5 * WAY_NM**2 * TRAP * SPRING / (TRAP + SPRING) / KT
    factors = np.exp(exact - works)
    return float((factors.mean() - 1.0) / (factors.std() / math.sqrt(len(factors))))


def test_work_obeys_jarzynskis_equality_for_a_harmonic_trap() -> None:
    works = np.concatenate([pull(seed) for seed in range(1, 11)])
    assert works.mean() > 0.5 * WAY_NM**2 * TRAP * SPRING / (TRAP + SPRING) / KT + 0.2
    assert abs(jarzynski_score(works)) < 4


def test_end_minus_start_is_not_the_work() -> None:
    works = np.concatenate([pull(seed, broken=True) for seed in range(1, 11)])
    assert abs(jarzynski_score(works)) > 8


@pytest.mark.parametrize("constants", [[100.0], [100.0, 0.0], [100.0, math.nan]])
def test_constants_must_fit(constants: list[float]) -> None:
    with pytest.raises(ValueError, match="expected a positive spring constant for each of 2"):
        Springs(trapped_particles(2), np.array([0, 1]), np.array(constants))
