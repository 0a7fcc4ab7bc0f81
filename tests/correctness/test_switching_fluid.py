"""A rigid molecule that leaps in a Lennard-Jones fluid: structure, energy and velocities."""

import numpy as np
import openmm
import pytest

from openmm_genmd import (
    AlchemicalSwitching,
    GenerativeJumpIntegrator,
    SoftCoordinates,
    SteeredSwitching,
)

from .running import langevin, start
from .scores import agrees
from .switching_chains import TWO_KT
from .switching_fluid import TrimerInFluid, Tumble

MODEL, STEP_PS, INTERVAL = TrimerInFluid(), 0.004, 10
POSE = SoftCoordinates(
    frames=[((0, 1, 2), (0, 1, 2))], position_width_nm=0.04, rotation_width_rad=0.3
)
SHRINKING = dict(system=MODEL.system("size", 0.26, 0.7), parameters=["size"])
SETTINGS = dict(steps=24, steps_per_change=3, time_step_ps=0.008)
LEAP = dict(turn_rad=0.4, shift_nm=0.03)

CASES = [
    (SteeredSwitching, dict(variant="morph", coordinates=POSE, **TWO_KT)),
    (SteeredSwitching, dict(variant="springs", coordinates=POSE, friction_per_ps=2.0)),
    (SteeredSwitching, dict(variant="springs", coordinates=POSE, rule="metropolized steps")),
    (AlchemicalSwitching, SHRINKING),
    (AlchemicalSwitching, SHRINKING | TWO_KT | dict(rule="protocol work", friction_per_ps=2.0)),
]


def sampled(integrator, n_samples) -> np.ndarray:
    """Observables ``(n, 6)`` of states that are `INTERVAL` steps apart, after a start."""
    context = start(MODEL.system(), integrator, MODEL.start_nm())
    openmm.LocalEnergyMinimizer.minimize(context)
    context.setVelocitiesToTemperature(300.0, 2)
    integrator.step(50 * INTERVAL)
    return np.concatenate([row(context, integrator) for _ in range(n_samples)])


def row(context, integrator) -> np.ndarray:
    """Virials, neighbours, energy (kJ/mol), and kinetic energies of molecule and fluid over kT."""
    integrator.step(INTERVAL)
    state = context.getState(positions=True, velocities=True, forces=True, energy=True)
    x, f = state.getPositions(asNumpy=True)._value, state.getForces(asNumpy=True)._value
    v = state.getVelocities(asNumpy=True)._value
    energies = 0.5 * np.sum(MODEL.masses * v**2, axis=1) / MODEL.kt_kj
    kinetic = [energies[:3].sum() / 3, energies[3:].mean() / 1.5]
    energy = state.getPotentialEnergy()._value
    return np.concatenate([MODEL.observables(x[None], f[None])[0], [energy], kinetic])[None]


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return sampled(langevin(time_step_ps=STEP_PS), 6000)


def mean_and_error(samples):
    blocks = samples[: len(samples) // 32 * 32].reshape(32, -1, samples.shape[1]).mean(axis=1)
    return blocks.mean(axis=0), blocks.std(axis=0, ddof=1) / np.sqrt(32)


def scores_of(samples, plain) -> np.ndarray:
    """Scores of what is known exactly, and of what plain MD has to agree with."""
    (mean, error), (plain_mean, plain_error) = mean_and_error(samples), mean_and_error(plain)
    exact = np.array([0.0, 0.0, np.nan, np.nan, 1.0, 1.0])
    known = np.isfinite(exact)
    expected = np.where(known, exact, plain_mean)
    return (mean - expected) / np.where(known, error, np.hypot(error, plain_error))


def test_plain_md_obeys_the_identities(plain):
    assert agrees(scores_of(plain, plain))


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_a_rigid_molecule_that_leaps(kind, settings, plain):
    integrator = GenerativeJumpIntegrator(
        langevin(time_step_ps=STEP_PS),
        Tumble(**LEAP),
        INTERVAL,
        protocol=kind(**(SETTINGS | settings)),
        seed=3,
    )
    samples = sampled(integrator, 2000)
    assert integrator.getAcceptanceRate() > 0.03
    assert agrees(scores_of(samples, plain))
