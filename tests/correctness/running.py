"""Chains of MD and jumps: by the engine, or by the oracle."""

import numpy as np
import openmm

from openmm_genmd import GenerativeJumpIntegrator

from .exact_models import kt
from .oracle import Oracle

TIME_STEP_PS = 0.005
REFERENCE = openmm.Platform.getPlatformByName("Reference")


def langevin(temperature_k: float = 300.0, time_step_ps: float = TIME_STEP_PS, seed: int = 5):
    """Return a LangevinMiddleIntegrator with friction 2/ps."""
    inner = openmm.LangevinMiddleIntegrator(temperature_k, 2.0, time_step_ps)
    inner.setRandomNumberSeed(seed)
    inner.setConstraintTolerance(1e-8)
    return inner


def start(
    system, integrator, positions_nm, temperature_k: float = 300.0, platform=REFERENCE
) -> openmm.Context:
    """Return a Context at given positions with Maxwellian velocities from a fixed seed."""
    context = openmm.Context(system, integrator, platform)
    context.setPositions(positions_nm)
    context.setVelocitiesToTemperature(temperature_k, 11)
    return context


def engine_samples(
    model,
    proposer,
    n_jumps,
    temperature_k=300.0,
    interval=4,
    inner=None,
    tries=1,
    system=None,
    platform=REFERENCE,
) -> np.ndarray:
    """Conformations ``(n, n_particles, 3)`` in nm that a proposer was shown by the engine."""
    own = inner is not None and not hasattr(inner, "getTemperature")
    integrator = GenerativeJumpIntegrator(
        langevin(temperature_k) if inner is None else inner,
        proposer,
        interval,
        triesPerJump=tries,
        seed=3,
        temperature=temperature_k if own else None,
    )
    system = model.system() if system is None else system
    context = start(system, integrator, model.start_nm(), temperature_k, platform)
    integrator.step(interval * n_jumps)
    del context
    return proposer.samples()


def oracle_samples(
    model, proposer, n_jumps, temperature_k=300.0, interval=4, broken=None
) -> np.ndarray:
    """The same chain by the oracle, which can be broken."""
    integrator = langevin(temperature_k)
    context = start(model.system(), integrator, model.start_nm(), temperature_k)
    oracle = Oracle(context, proposer, kt(temperature_k), 0.5 * TIME_STEP_PS, broken=broken)
    for _ in range(n_jumps):
        integrator.step(interval)
        oracle.jump()
    return proposer.samples()
