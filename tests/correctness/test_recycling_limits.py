"""Waste recycling with states to which no leap leads and with candidates that cannot be."""

import numpy as np
import openmm

from openmm_genmd import GenerativeJumpIntegrator, MultipleTry, RecycledObservable

from .batch_proposers import BatchProposer
from .exact_models import kt
from .running import langevin, start
from .scores import agrees, block_scores, disagrees

N_JUMPS, K_WELL = 4000, 100.0
"""Number of attempts, and force constant in kJ/mol/nm^2."""


class Cube(BatchProposer):
    """Uniform in a cube that is smaller than the well: most of the time x lies outside."""

    half_nm = 0.1

    def sample(self, positions, box, rng, k):
        self.seen.append(positions)
        candidates = rng.uniform(-self.half_nm, self.half_nm, size=(k, 1, 3))
        return candidates, np.zeros(k)

    def log_density(self, candidates, given, box):
        inside = np.all(np.abs(candidates) < self.half_nm, axis=(1, 2))
        return np.where(inside, 0.0, -np.inf)


class LongAndShort(BatchProposer):
    """Turns a dumbbell anywhere; every second candidate is twice as long as the constraint."""

    particles, length_nm = (0, 1), 0.2

    def sample(self, positions, box, rng, k):
        self.seen.append(positions)
        axes = rng.normal(size=(k, 3))
        axes *= self.length_nm / np.linalg.norm(axes, axis=1, keepdims=True)
        axes[::2] *= 2
        candidates = positions[0] + np.stack([np.zeros((k, 3)), axes], axis=1)
        return candidates, np.zeros(k)

    def log_density(self, candidates, given, box):
        return np.zeros(len(candidates))


def recycled(system, proposer, observable, positions_nm) -> np.ndarray:
    integrator = GenerativeJumpIntegrator(langevin(), proposer, 4, protocol=MultipleTry(4), seed=3)
    seen = RecycledObservable(observable)
    integrator.setCandidateObserver(seen)
    context = start(system, integrator, positions_nm)
    integrator.step(4 * N_JUMPS)
    assert integrator.getNumJumpsAccepted() > 100
    del context
    return seen.values


def squares(positions_nm):
    return positions_nm[:, 0] ** 2


def test_a_state_where_nothing_is_proposed_keeps_its_weight():
    system = openmm.System()
    force = openmm.CustomExternalForce(f"{K_WELL / 2}*(x*x+y*y+z*z)")
    system.addParticle(12.0)
    force.addParticle(0, [])
    system.addForce(force)
    proposer = Cube()
    values = recycled(system, proposer, squares, np.array([[0.1, 0.0, 0.0]]))
    exact = np.full(3, kt(300.0) / K_WELL)
    assert agrees(block_scores(values, exact))
    inside = proposer.log_density(np.array(proposer.seen), None, None) == 0
    assert 0.1 < inside.mean() < 0.5
    # Given to the candidates, the weight of the states outside makes the well narrower.
    assert disagrees(block_scores(values[inside], exact))


FIELD, TETHER = 20.0, 100.0
"""Pull on the second end in kJ/mol/nm, spring on the first one in kJ/mol/nm^2."""


def dumbbell_energy(positions_nm):
    tethered = TETHER / 2 * np.sum(positions_nm[:, 0] ** 2, axis=1)
    return tethered - FIELD * positions_nm[:, 1, 0]


def shift(positions_nm):
    return positions_nm[:, 1, :1] - positions_nm[:, 0, :1]


def share_with_the_long(positions_nm):
    """Average over all conformations of an attempt by Boltzmann weights, whatever their length."""
    weights = np.exp(-dumbbell_energy(positions_nm) / kt(300.0))
    return np.full((len(positions_nm), 1), weights @ shift(positions_nm) / weights.sum())


def test_candidates_that_break_a_constraint_have_no_weight():
    """End-to-end vector of a rigid dumbbell in a field F: <x> = L (coth u - 1/u), u = F L / kT.

    The spring on the first end makes the second end's field a field on the vector.
    """
    length = LongAndShort.length_nm
    system = openmm.System()
    force = openmm.CustomExternalForce("tether/2*(x*x+y*y+z*z) - field*x")
    force.addPerParticleParameter("tether")
    force.addPerParticleParameter("field")
    for values in [(TETHER, 0.0), (0.0, FIELD)]:
        force.addParticle(system.addParticle(12.0), values)
    system.addConstraint(0, 1, length)
    system.addForce(force)

    def observed(positions_nm):
        return np.hstack([shift(positions_nm), share_with_the_long(positions_nm)])

    start_nm = np.array([[0.0, 0.0, 0.0], [length, 0.0, 0.0]])
    values = recycled(system, LongAndShort(), observed, start_nm)
    u = FIELD * length / kt(300.0)
    scores = block_scores(values, np.full(2, length * (1 / np.tanh(u) - 1 / u)))
    assert agrees(scores[:1])
    assert disagrees(scores[1:])
