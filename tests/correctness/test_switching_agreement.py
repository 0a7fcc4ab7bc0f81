"""Engine and oracle make the same switches, from the same random numbers, one after the other.

Plain Verlet dynamics beside the engine does the MD between jumps, so that a difference in any jump,
velocities included, would be seen in all that follow.
"""

import numpy as np
import openmm
import pytest

from openmm_genmd import AlchemicalSwitching, GenerativeJumpIntegrator

from .jump_random import JumpRandom
from .running import start
from .switching_chains import KT, LOWEST, oracle, protocol
from .switching_fluid import TrimerInFluid, Tumble
from .switching_landscapes import SystemLandscape
from .switching_models import OscillatorBath, Overshoot
from .switching_moves import Alchemical, alchemical_plan
from .switching_oracle import SwitchingOracle

STEP_PS, INTERVAL, SEED = 0.002, 3, 7
SETTINGS = dict(steps=8, steps_per_change=2, time_step_ps=0.01)
LIMIT = dict(work_limit_kt=0.7, blocks_per_check=1)
RULES = ("protocol work", "total work", "metropolized steps")


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


@pytest.mark.parametrize("limit", [{}, LIMIT], ids=["", "limit"])
@pytest.mark.parametrize("friction_per_ps", [0.0, 4.0])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
def test_switches_in_a_bath_agree(variant, rule, friction_per_ps, limit):
    settings = SETTINGS | dict(rule=rule, friction_per_ps=friction_per_ps) | limit
    model, leap = OscillatorBath(), Overshoot(contraction=0.8, width_nm=0.015)

    def make_oracle(landscape, leap, draws):
        return oracle(variant, model, leap, draws, **settings)

    records = compare(
        model.system(), model.start_nm(), leap, protocol(variant, **settings), make_oracle
    )
    assert 1 < sum(record.accepted for record in records) < 29
    assert bool(limit) == any(record.reason == "terminated" for record in records)


def fluid_oracle(variant, model, settings):
    """Return what makes an oracle for the molecule in the fluid."""
    if variant != "alchemical":
        return lambda landscape, leap, draws: oracle(variant, landscape, leap, draws, **settings)
    shrinking = SystemLandscape(model.system("size", 0.26, 0.7), "size")
    plan = alchemical_plan(settings["steps"], settings["steps_per_change"])
    rest = {name: settings[name] for name in ("rule", "friction_per_ps")}

    def make_oracle(landscape, leap, draws):
        move = Alchemical(landscape, shrinking, leap.particles, leap, LOWEST)
        return SwitchingOracle(move, draws, KT, settings["time_step_ps"], plan=plan, **rest)

    return make_oracle


@pytest.mark.parametrize("friction_per_ps", [0.0, 4.0])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
def test_switches_of_a_rigid_molecule_in_a_fluid_agree(variant, rule, friction_per_ps):
    model = TrimerInFluid()
    settings = SETTINGS | dict(rule=rule, friction_per_ps=friction_per_ps, time_step_ps=0.004)
    switch = (
        AlchemicalSwitching(
            system=model.system("size", 0.26, 0.7), parameters={"size": (1.0, LOWEST)}, **settings
        )
        if variant == "alchemical"
        else protocol(variant, model.particles, **settings)
    )
    leap = Tumble(turn_rad=0.2, shift_nm=0.01)
    make_oracle = fluid_oracle(variant, model, settings)
    records = compare(model.system(), model.start_nm(), leap, switch, make_oracle, n_jumps=12)
    assert sum(record.accepted for record in records) > 1
