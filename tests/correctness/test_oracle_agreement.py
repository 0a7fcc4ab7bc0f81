"""The engine and its readable twin agree, attempt by attempt, for the same positions."""

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd import GenerativeJumpIntegrator, Proposal
from openmm_genmd.data.structures import load_structure

from .bad_proposers import BadProposer
from .exact_models import kt
from .oracle import Oracle
from .running import langevin, start
from .test_rejected_runs import start_nm, system_of_waters

KT = kt(300.0)


class Jitter(BadProposer):
    """Moves every particle a little, and claims a ratio that is made up but remembered."""

    def __init__(self, particles, width_nm, rigid=False):
        super().__init__(particles)
        self.width_nm, self.rigid, self.proposed = width_nm, rigid, []

    def leap(self, positions, box, rng):
        shape = 3 if self.rigid else positions.shape
        new = positions + self.width_nm * rng.normal(size=shape)
        self.proposed.append(Proposal(new, float(rng.normal())))
        return new, self.proposed[-1].log_ratio, 0.0


class Replay(BadProposer):
    """Proposes again what another proposer proposed."""

    def __init__(self, original):
        super().__init__(original.particles)
        self.original = original

    def propose(self, positions, box, rng):
        self.seen.append(positions)
        return self.original.proposed[len(self.seen) - 1]


def alanine_dipeptide():
    topology, positions = load_structure("alanine-dipeptide")
    field = app.ForceField("amber99sbildn.xml", "amber99_obc.xml")
    system = field.createSystem(topology, nonbondedMethod=app.NoCutoff, removeCMMotion=False)
    return system, positions, Jitter(range(len(positions)), 0.0004)


def one_residue():
    system, positions, _ = alanine_dipeptide()
    return system, positions, Jitter(range(6, 16), 0.0006)


def rigid_waters():
    """With virtual sites, constraints and a periodic box; one water and its site move."""
    return system_of_waters(barostat=False), start_nm(), Jitter(range(4), 0.02, rigid=True)


CASES = {"whole molecule": alanine_dipeptide, "part": one_residue, "sites": rigid_waters}


@pytest.mark.parametrize("case", CASES)
def test_work_ratio_and_probability_agree(case):
    system, positions, proposer = CASES[case]()
    integrator = GenerativeJumpIntegrator(langevin(time_step_ps=0.001), proposer, 3, seed=2)
    context = start(system, integrator, positions)
    before, records = [], []
    for _ in range(60):
        integrator.step(2)
        integrator.step(1)
        records.append(integrator.getLastJump())
        before.append(positions_of(context))
    assert 5 < integrator.getNumJumpsAccepted() < 55
    replay = Replay(proposer)
    beside = start(system, openmm.VerletIntegrator(0.001), positions)
    oracle = Oracle(beside, replay, KT, 0.0)
    for index, record in enumerate(records):
        # Unmoved particles are the same before and after the jump.
        x = before[index].copy()
        x[proposer.particles] = proposer.seen[index]
        beside.setPositions(x)
        beside.computeVirtualSites()
        scale = abs(oracle.evaluate(x)[0])
        twin = oracle.jump()
        assert record.work_kj_per_mol == pytest.approx(twin["work"], rel=1e-9, abs=1e-9 * scale)
        assert record.log_ratio == twin["log_ratio"]
        assert record.probability == pytest.approx(twin["p"], rel=1e-8, abs=1e-300)
        y = x.copy()
        y[proposer.particles] = proposer.proposed[index].positions
        beside.setPositions(y if record.accepted else x)
        beside.computeVirtualSites()
        np.testing.assert_array_equal(positions_of(beside), before[index])


@pytest.mark.parametrize("case", CASES)
def test_velocities_of_other_molecules_agree(case):
    """Verlet dynamics is deterministic: the oracle beside the engine goes the same way.

    What is drawn afresh differs, since the random numbers do, so the leaps are compared one by one
    and the oracle takes over the engine's state after each.
    """
    system, positions, proposer = CASES[case]()
    step_ps = 0.001
    inner = openmm.VerletIntegrator(step_ps)
    inner.setConstraintTolerance(1e-10)
    integrator = GenerativeJumpIntegrator(inner, proposer, 3, seed=2, temperature=300.0)
    context = start(system, integrator, positions)
    plain = openmm.VerletIntegrator(step_ps)
    plain.setConstraintTolerance(1e-10)
    beside = start(system, plain, positions)
    oracle = Oracle(beside, Replay(proposer), KT, 0.5 * step_ps)
    unmoved = ~np.isin(oracle.molecule, oracle.molecule[list(proposer.particles)])
    n_compared = 0
    for _ in range(40):
        state = context.getState(positions=True, velocities=True)
        beside.setState(state)
        integrator.step(3)
        plain.step(3)
        v = velocities_of(beside)
        oracle.rng = Certain(integrator.getLastJump().accepted)
        oracle.jump()
        expected, got = velocities_of(beside), velocities_of(context)
        np.testing.assert_allclose(got[unmoved], expected[unmoved], rtol=1e-7, atol=1e-9)
        if not integrator.getLastJump().accepted:
            np.testing.assert_array_equal(got, v)
        elif unmoved.any():
            n_compared += np.abs(expected - v)[unmoved].max() > 1e-5
    assert integrator.getNumJumpsAccepted() > 3
    assert n_compared > 3 or not unmoved.any()


class Certain(np.random.Generator):
    """Random numbers with which a jump is accepted, or rejected, as told."""

    def __init__(self, accepts):
        super().__init__(np.random.PCG64(1))
        self.accepts = accepts

    def random(self):
        return 0.0 if self.accepts else 1.0


def positions_of(context) -> np.ndarray:
    return context.getState(positions=True).getPositions(asNumpy=True)._value


def velocities_of(context) -> np.ndarray:
    return context.getState(velocities=True).getVelocities(asNumpy=True)._value
