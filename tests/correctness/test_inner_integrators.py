"""The tilted double well with every kind of inner integrator that keeps a temperature.

Time steps are so short that the integrators' own errors, of order (w dt)^2 or, for Brownian
dynamics, k dt / (2 m gamma) ~ 1e-3, are below the statistical ones.
"""

import openmm
import pytest
from openmm.mtsintegrator import MTSLangevinIntegrator

from .bad_proposers import BiasedDrift, Mixture, Scaling
from .exact_models import TiltedDoubleWell
from .running import engine_samples
from .scores import agrees, block_scores, disagrees

MODEL, KELVIN, STEP_PS = TiltedDoubleWell(), 300.0, 0.005


def baoab():
    """Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34: with on-step velocities."""
    inner = openmm.CustomIntegrator(STEP_PS)
    inner.addGlobalVariable("a", 0.99)
    inner.addGlobalVariable("b", (1 - 0.99**2) ** 0.5)
    inner.addGlobalVariable("kT", 0.00831446261815324 * KELVIN)
    for name, expression in [
        ("v", "v + 0.5*dt*f/m"),
        ("x", "x + 0.5*dt*v"),
        ("v", "a*v + b*sqrt(kT/m)*gaussian"),
        ("x", "x + 0.5*dt*v"),
        ("v", "v + 0.5*dt*f/m"),
    ]:
        inner.addComputePerDof(name, expression)
    return inner


def variable_langevin():
    inner = openmm.VariableLangevinIntegrator(KELVIN, 2.0, 1e-4)
    inner.setMaximumStepSize(STEP_PS)
    return inner


INNER = {
    "Langevin": lambda: openmm.LangevinIntegrator(KELVIN, 2.0, STEP_PS),
    "Verlet + Andersen": lambda: openmm.VerletIntegrator(STEP_PS),
    "MTSLangevin": lambda: MTSLangevinIntegrator(KELVIN, 2.0, STEP_PS, [(0, 1), (1, 2)]),
    "BAOAB": baoab,
    "NoseHoover": lambda: openmm.NoseHooverIntegrator(KELVIN, 5.0, STEP_PS),
    "Brownian": lambda: openmm.BrownianIntegrator(KELVIN, 100.0, 0.001),
    "VariableLangevin": variable_langevin,
}


def proposer(broken=None):
    drift = BiasedDrift((0,), [0], broken, contraction=-0.6, drift_nm=0.05, width_nm=0.12)
    return Mixture([drift, Scaling((0,), broken, mean=0.2, width=0.4)], [0.6, 0.4])


def system_for(name) -> openmm.System:
    system = MODEL.system()
    if name == "Verlet + Andersen":
        thermostat = openmm.AndersenThermostat(KELVIN, 5.0)
        thermostat.setRandomNumberSeed(9)
        system.addForce(thermostat)
    return system


def scores_of(name, broken=None, n_jumps=15000):
    inner = INNER[name]()
    if hasattr(inner, "setRandomNumberSeed"):
        inner.setRandomNumberSeed(5)
    samples = engine_samples(MODEL, proposer(broken), n_jumps, inner=inner, system=system_for(name))
    return block_scores(MODEL.observables(samples[500:]), MODEL.exact(KELVIN))


@pytest.mark.parametrize("name", INNER)
def test_averages_are_exact_with(name):
    assert agrees(scores_of(name))


@pytest.mark.parametrize("name", INNER)
def test_the_check_notices_a_missing_ratio_with(name):
    assert disagrees(scores_of(name, "no q ratio", 8000))
