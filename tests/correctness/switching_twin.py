"""The oracle beside the engine, from the same random numbers: `compare`."""

import numpy as np
import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator

from .jump_random import JumpRandom
from .running import start
from .switching_chains import KT
from .switching_landscapes import SystemLandscape

STEP_PS, INTERVAL, SEED = 0.002, 3, 7


class OwnNumbers:
    """A leap of the oracle that draws from the generator that the engine gives its proposer."""

    def __init__(self, leap, seed):
        self.leap, self.particles = leap, leap.particles
        self.rng = np.random.Generator(np.random.PCG64(seed))

    def __call__(self, x, draws):
        return self.leap(x, self.rng)


class Twin:
    """The oracle beside the engine: MD by OpenMM, jumps in Python."""

    def __init__(self, system, positions_nm, make_switch, leap):
        self.draws = JumpRandom(SEED)
        leap = OwnNumbers(leap, self.draws.bits())
        self.landscape = SystemLandscape(system)
        self.switch = make_switch(self.landscape, leap, self.draws)
        self.integrator = verlet()
        self.context = start(system, self.integrator, positions_nm)

    def step(self):
        """Return what the oracle decides after some MD."""
        self.integrator.step(INTERVAL)
        x, _ = state_of(self.context)
        y, _, decided = self.switch.jump(x[None])
        if decided.accepted[0]:
            self.context.setPositions(y[0])
            self.context.setVelocities(self.stored_velocities(y)[0])
        return decided

    def stored_velocities(self, y):
        """Fresh ones half a step back, with the force a quarter step back: see oracle.py."""
        inverse_masses, half = self.landscape.inverse_masses, 0.5 * STEP_PS
        drawn = np.sqrt(KT * inverse_masses) * self.draws.normal(size=y.shape)
        fresh = self.landscape.project(y, drawn)
        force = self.landscape.force(y - 0.5 * half * fresh)
        return self.landscape.project(y, fresh - half * inverse_masses * force)


def verlet():
    integrator = openmm.VerletIntegrator(STEP_PS)
    integrator.setConstraintTolerance(1e-10)
    return integrator


def state_of(context):
    state = context.getState(positions=True, velocities=True)
    return state.getPositions(asNumpy=True)._value, state.getVelocities(asNumpy=True)._value


def compare(system, positions_nm, proposer, switch, make_oracle, n_jumps=30):
    """Compare jump by jump; return the records of the engine."""
    integrator = GenerativeJumpIntegrator(
        verlet(), proposer, INTERVAL, protocol=switch, seed=SEED, temperature=300.0
    )
    context = start(system, integrator, positions_nm)
    twin = Twin(system, positions_nm, make_oracle, proposer)
    for _ in range(n_jumps):
        integrator.step(INTERVAL)
        record, decided = integrator.getLastJump(), twin.step()
        assert record.probability == pytest.approx(decided.p[0], rel=1e-8, abs=1e-12)
        assert record.accepted == decided.accepted[0]
        if np.isfinite(record.work_kj_per_mol):
            compare_records(record, decided)
        for mine, other in zip(state_of(context), state_of(twin.context), strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-9)
    return integrator.getRecords()


def compare_records(record, decided):
    assert record.work_kj_per_mol == pytest.approx(decided.work[0], rel=1e-9, abs=1e-7)
    assert record.log_ratio == pytest.approx(decided.log_ratio[0], rel=1e-9, abs=1e-12)
    if np.isfinite(record.shadow_work_kj_per_mol):
        assert record.shadow_work_kj_per_mol == pytest.approx(decided.shadow[0], abs=1e-7)
