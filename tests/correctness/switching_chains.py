"""Chains of switches: by the engine, or by the oracle for many walkers."""

import numpy as np

from openmm_genmd import (
    AlchemicalSwitching,
    GenerativeJumpIntegrator,
    SoftCoordinates,
    SteeredSwitching,
)

from .exact_models import kt
from .running import TIME_STEP_PS, langevin, start
from .switching_models import AlchemicalBath
from .switching_moves import Alchemical, Morph, Springs, alchemical_plan, steered_plan
from .switching_oracle import SwitchingOracle
from .switching_surrogate import SurrogateOracle

KT = kt(300.0)
WIDTH_NM, LOWEST = 0.03, 0.05
STEPS, STEPS_PER_CHANGE = 20, 5
TIME_STEPS_PS = {"protocol work": 0.01, "total work": 0.02, "metropolized steps": 0.03}
TWO_KT = dict(work_limit_kt=2.0, blocks_per_check=1)


def protocol(variant, particles=(0,), **settings):
    """Return the protocol of the engine; keywords are settings of a switch."""
    if variant == "alchemical":
        tables = {"lambda_bath": (1.0, LOWEST)}
        system = AlchemicalBath().system("lambda_bath")
        return AlchemicalSwitching(system=system, parameters=tables, **settings)
    points = SoftCoordinates(points=particles, position_width_nm=WIDTH_NM)
    return SteeredSwitching(variant=variant, coordinates=points, **settings)


def oracle(variant, model, leap, draws, *, steps, steps_per_change, plan_broken=None, **settings):
    """Return the same for NumPy."""
    if variant == "alchemical":
        move = Alchemical(model, AlchemicalBath(), leap.particles, leap, LOWEST)
        plan = alchemical_plan(steps, steps_per_change, broken=plan_broken)
    else:
        plan = steered_plan(steps, steps_per_change, broken=plan_broken)
        move = Morph(model, leap.particles, leap)
    if variant == "springs":
        move = Springs(model, leap.particles, leap, width_nm=WIDTH_NM, kt_kj=KT)
    kind = SurrogateOracle if "surrogate" in settings else SwitchingOracle
    return kind(move, draws, KT, settings.pop("time_step_ps"), plan=plan, **settings)


def engine_states(model, proposer, protocol, n_jumps, interval=4):
    """Positions, on-step velocities and forces ``(n_jumps, n, 3)`` right after each switch."""
    integrator = GenerativeJumpIntegrator(langevin(), proposer, interval, protocol=protocol, seed=3)
    context = start(model.system(), integrator, model.start_nm())
    states = []
    for _ in range(n_jumps):
        integrator.step(interval)
        state = context.getState(positions=True, velocities=True, forces=True)
        force = state.getForces(asNumpy=True)._value
        # Stored velocities are half a step behind.
        v = state.getVelocities(asNumpy=True)._value
        v = v + 0.5 * TIME_STEP_PS * model.inverse_masses * force
        states.append([state.getPositions(asNumpy=True)._value, v, force])
    assert integrator.getNumJumpsAccepted() > 0.02 * n_jumps
    return integrator, *np.moveaxis(np.array(states), 1, 0)


def kinetic_observables(model, x, v, force):
    """Averages that are 1, 1 and 0, 0: m v^2/kT, and m v F and m v x in units of their widths."""
    energy = np.sum(model.masses * v**2, axis=-1) / (3 * KT)
    first, rest = energy[:, 0], energy[:, 1:].mean(axis=1) if energy.shape[1] > 1 else energy[:, 0]
    power = np.sum(v * force, axis=(1, 2))
    return np.stack([first, rest, power, v[:, 0, 0] * x[:, 0, 0]], axis=1)


KINETIC_EXACT = np.array([1.0, 1.0, 0.0, 0.0])
