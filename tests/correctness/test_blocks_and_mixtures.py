"""Leaps of blocks and mixtures of proposers against the exact density of two torsions.

The models are deliberately far from the target, so that every ratio counts. Each check has twins
that are wrong in one respect, which it must tell apart: a block or a component that is chosen by
the conformation, and a learned block without its ratio.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from openmm_genmd import (
    Block,
    BlockProposer,
    GenerativeJumpIntegrator,
    Instantaneous,
    MixtureProposer,
    MultipleTry,
    Proposal,
    Proposer,
    UniformTorsionProposer,
)
from openmm_genmd.proposers.torsion_proposer import TorsionProposer

from .running import langevin, start
from .scores import agrees, block_scores, disagrees
from .torsion_chain import TorsionChain

CHAIN = TorsionChain()
N_JUMPS, N_BROKEN_JUMPS = 16000, 9000


class VonMises:
    """Product of von Mises densities, around fixed centres or a function of the context."""

    def __init__(self, centres, kappa, mixing=None):
        self.centres, self.kappa = np.array(centres), kappa
        self.mixing = mixing
        self.log_norm = len(centres) * np.log(2 * np.pi * np.i0(kappa))
        self.config = SimpleNamespace(n_torsions=len(centres), conditional=mixing is not None)

    def sample(self, n, rng, context=None):
        shape = (n, len(self.centres))
        angles = self._means(context) + rng.vonmises(0.0, self.kappa, shape)
        return angles, self.log_prob_numpy(angles, context)

    def log_prob_numpy(self, angles, context=None):
        cosines = np.cos(angles - self._means(context))
        return self.kappa * cosines.sum(axis=1) - self.log_norm

    def _means(self, context):
        return self.centres + (0 if context is None else self.mixing * context)


def uniform():
    """Blocks of unequal weights."""
    blocks = [Block("phi", (0,)), Block("psi", (1,)), Block("both", (0, 1))]
    return UniformTorsionProposer(CHAIN.representation, blocks=blocks, weights=[3, 1, 1])


def learned_blocks():
    """Each kind of density: unconditional, given the kept torsion, given the present values."""
    blocks = [
        Block("phi", (0,), VonMises([0.3], 0.7)),
        Block("psi", (1,), VonMises([1.0], 0.7, mixing=1.0), given="kept"),
        Block("both", (1, 0), VonMises([0.8, -0.5], 0.5, mixing=1.0), given="own"),
    ]
    return BlockProposer(CHAIN.representation, blocks, [2, 2, 1])


def mixture():
    """A model that hardly goes where phi is positive, and uniform leaps."""
    model = VonMises([-1.5, 0.5], 0.8)
    return MixtureProposer([TorsionProposer(CHAIN.representation, model), uniform()], [0.6, 0.4])


class ChosenByState(Proposer):
    """Wrong: the first part leaps on one half of the circle of phi, the second on the other."""

    grade = "exact"

    def __init__(self, proposer):
        self.parts, self.particles = proposer.parts, proposer.particles

    def propose(self, positions, box, rng):
        phi, _ = CHAIN.representation.encode(positions)
        first = rng.random() < (0.95 if np.cos(phi - 1.0) > 0 else 0.05)
        return self.parts[0 if first else 1].propose(positions, box, rng)


class WithoutRatio(Proposer):
    """Wrong: the densities of the models are left out."""

    grade = "exact"

    def __init__(self, proposer):
        self.proposer, self.particles = proposer, proposer.particles

    def propose(self, positions, box, rng):
        return Proposal(self.proposer.propose(positions, box, rng).positions, 0.0)


def scores(proposer, n_jumps, protocol=None) -> np.ndarray:
    """Standard scores of the observables in a run with a jump after every MD step."""
    protocol = Instantaneous() if protocol is None else protocol
    inner = langevin(time_step_ps=0.001)
    integrator = GenerativeJumpIntegrator(inner, proposer, 1, protocol=protocol, seed=3)
    context = start(CHAIN.system(), integrator, CHAIN.start_nm())
    seen = np.empty((n_jumps, 5, 3))
    for n in range(n_jumps):
        integrator.step(1)
        seen[n] = context.getState(positions=True).getPositions(asNumpy=True)._value
    assert 0.05 < integrator.getAcceptanceRate() < 0.95
    return block_scores(CHAIN.observe(seen[n_jumps // 20 :]), CHAIN.exact())


MAKERS = {"uniform": uniform, "learned blocks": learned_blocks, "mixture": mixture}


@pytest.mark.parametrize("maker", MAKERS)
def test_averages_are_exact(maker):
    assert agrees(scores(MAKERS[maker](), N_JUMPS))


@pytest.mark.parametrize("maker", MAKERS)
def test_averages_are_exact_with_many_candidates(maker):
    """Of one part each time, whether it depends on what it replaces or not."""
    assert agrees(scores(MAKERS[maker](), N_JUMPS // 2, MultipleTry(4)))


@pytest.mark.parametrize("maker", MAKERS)
def test_a_choice_that_looks_at_the_conformation_fails_the_check(maker):
    assert disagrees(scores(ChosenByState(MAKERS[maker]()), N_BROKEN_JUMPS))


@pytest.mark.parametrize("maker", ["learned blocks", "mixture"])
def test_a_model_without_its_ratio_fails_the_check(maker):
    assert disagrees(scores(WithoutRatio(MAKERS[maker]()), N_BROKEN_JUMPS))


def test_the_exact_averages_are_those_of_the_force():
    """V of the System is V of the quadrature."""
    integrator = langevin()
    context = start(CHAIN.system(), integrator, CHAIN.start_nm())
    x, rng = CHAIN.start_nm(), np.random.default_rng(1)
    energies, potentials = [], []
    for _ in range(5):
        x = uniform().propose(x, None, rng).positions
        context.setPositions(x)
        energies.append(context.getState(energy=True).getPotentialEnergy()._value)
        potentials.append(CHAIN.potential(*CHAIN.representation.encode(x)))
    differences = np.array(energies) - potentials
    assert np.ptp(differences) < 1e-9
    assert np.ptp(potentials) > 1
