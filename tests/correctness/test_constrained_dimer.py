"""A rigid dimer in a field, turned by a biased proposer: orientations and velocities."""

import numpy as np
import pytest

from openmm_genmd import GenerativeJumpIntegrator

from .bad_proposers import BiasedRotation
from .exact_models import DimerInField, kt
from .oracle import Oracle
from .running import TIME_STEP_PS, langevin, start
from .scores import agrees, block_scores, disagrees

MODEL, INTERVAL = DimerInField(), 4
REDUCED_MASS = np.prod(MODEL.masses) / np.sum(MODEL.masses)


def orientation_scores(proposer, temperature_k=300.0) -> np.ndarray:
    observed = MODEL.observables(proposer.samples()[100:])
    return block_scores(observed, MODEL.exact(temperature_k))


def kinetic_scores(velocities, temperature_k=300.0) -> np.ndarray:
    """Scores of m v^2 over 5 kT, and of that of the relative velocity over 2 kT."""
    total = np.einsum("p,npi,npi->n", MODEL.masses, velocities, velocities) / 5
    relative = REDUCED_MASS * np.sum((velocities[:, 1] - velocities[:, 0]) ** 2, axis=1) / 2
    columns = np.stack([total, relative], axis=1) / kt(temperature_k)
    return block_scores(columns, np.ones(2))


def run_engine(broken=None, n_jumps=20000, temperature_k=300.0):
    """Return the proposer, with what it saw, and the velocities one step after each jump."""
    proposer = BiasedRotation(MODEL.particles, broken)
    inner = langevin(temperature_k)
    integrator = GenerativeJumpIntegrator(inner, proposer, INTERVAL, seed=3)
    context = start(MODEL.system(), integrator, MODEL.start_nm(), temperature_k)
    return proposer, collect_velocities(context, integrator, n_jumps, lambda: None)


def run_oracle(broken=None, n_jumps=5000):
    proposer = BiasedRotation(MODEL.particles)
    integrator = langevin()
    context = start(MODEL.system(), integrator, MODEL.start_nm())
    oracle = Oracle(context, proposer, kt(300.0), 0.5 * TIME_STEP_PS, broken=broken)
    return proposer, collect_velocities(context, integrator, n_jumps, oracle.jump)


def collect_velocities(context, integrator, n_jumps, jump) -> np.ndarray:
    collected = []
    for _ in range(n_jumps):
        integrator.step(1)
        collected.append(context.getState(velocities=True).getVelocities(asNumpy=True)._value)
        integrator.step(INTERVAL - 1)
        jump()
    return np.array(collected)


@pytest.mark.parametrize("temperature_k", [200.0, 300.0, 600.0])
def test_orientations_and_kinetic_energies_are_exact(temperature_k):
    proposer, velocities = run_engine(temperature_k=temperature_k)
    assert agrees(orientation_scores(proposer, temperature_k))
    assert agrees(kinetic_scores(velocities, temperature_k))


@pytest.mark.parametrize("broken", ["no q ratio", "wrong sign"])
def test_broken_ratios_fail_the_check(broken):
    assert disagrees(orientation_scores(run_engine(broken, 5000)[0]))


def test_the_oracle_passes_the_same_checks():
    proposer, velocities = run_oracle()
    assert agrees(orientation_scores(proposer))
    assert agrees(kinetic_scores(velocities))


def test_a_state_that_is_not_restored_fails_the_check():
    assert disagrees(orientation_scores(run_oracle("state not restored")[0]))


@pytest.mark.parametrize("broken", ["stored kept", "on-step kept"])
def test_velocities_kept_across_a_constraint_rotation_fail_the_check(broken):
    """The step after the leap removes what points along the new bond: the rotation cools."""
    scores = kinetic_scores(run_oracle(broken, 2000)[1])
    assert disagrees(scores)
    assert scores[1] < 0
