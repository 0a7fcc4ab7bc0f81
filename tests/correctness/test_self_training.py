"""Training between runs changes the acceptance, never what is sampled; training in a run does.

The density of both torsions of the chain is known exactly. A run with untrained leaps is recorded,
a model is fitted to what it tried, and a second run uses the model frozen. The twin fits itself to
the last conformations that it saw, while it leaps: that is why such proposers are refused.
"""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer, UniformTorsionProposer
from openmm_genmd.data.candidate_file import CandidateHeader
from openmm_genmd.md.candidate_recorder import CandidateRecorder
from openmm_genmd.models.torus_flow import TorusFlowConfig
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.training.config import TrainingConfig
from openmm_genmd.training.run_candidates import read_run_candidates
from openmm_genmd.training.self_training import continue_torsions
from openmm_genmd.training.torsions import TorsionTrainingConfig

from .running import langevin, start
from .scores import agrees, block_scores
from .torsion_chain import TorsionChain

CHAIN = TorsionChain()
N_JUMPS = 8000


def run(proposer, n_jumps=N_JUMPS, observer=None):
    """Conformations of a run with a jump after every MD step, and its acceptance."""
    integrator = GenerativeJumpIntegrator(langevin(time_step_ps=0.001), proposer, 1, seed=3)
    integrator.setCandidateObserver(observer)
    context = start(CHAIN.system(), integrator, CHAIN.start_nm())
    seen = np.empty((n_jumps, 5, 3))
    for n in range(n_jumps):
        integrator.step(1)
        seen[n] = context.getState(positions=True).getPositions(asNumpy=True)._value
    return CHAIN.observe(seen[n_jumps // 20 :]), integrator.getAcceptanceRate()


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """Observables and acceptance of a run with uniform leaps, and the folder with candidates."""
    folder = tmp_path_factory.mktemp("run")
    header = CandidateHeader(
        representation=CHAIN.representation.to_dict(),
        temperature_k=300.0,
        models=(),
        per_attempt=8,
        limit=100_000,
    )
    header.save(folder)
    recorder = CandidateRecorder(folder, header, CHAIN.representation)
    observed, acceptance = run(UniformTorsionProposer(CHAIN.representation), observer=recorder)
    recorder.write()
    recorder.close()
    return observed, acceptance, folder


def test_what_was_recorded_gives_the_exact_averages(untrained):
    """Candidates with their weights are Boltzmann-distributed, rejected ones included."""
    _, _, folder = untrained
    candidates = read_run_candidates(folder)
    phi, psi = candidates.torsions_rad.T
    values = np.stack([f(phi, psi) for f in CHAIN.observables], axis=1)
    weighted = values * candidates.weights[:, None]
    attempts = np.zeros((N_JUMPS, values.shape[1]))
    np.add.at(attempts, candidates.attempts, weighted)
    assert agrees(block_scores(attempts[N_JUMPS // 20 :], CHAIN.exact()))
    unweighted = np.zeros_like(attempts)
    np.add.at(unweighted, candidates.attempts, values)
    counts = np.bincount(candidates.attempts, minlength=N_JUMPS)[:, None]
    twin = block_scores((unweighted / counts)[N_JUMPS // 20 :], CHAIN.exact())
    assert np.abs(twin).max() > 5


def test_self_training_keeps_what_is_sampled_and_raises_the_acceptance(untrained, tmp_path):
    observed, acceptance, folder = untrained
    config = TorsionTrainingConfig(
        model=TorusFlowConfig(n_torsions=2, hidden_features=(24,), bins=8),
        population_power=0.5,
        training=TrainingConfig(steps=200, batch_size=256, learning_rate=0.02),
    )
    candidates = read_run_candidates(folder)
    trained = continue_torsions(candidates, None, None, config, tmp_path / "a.safetensors")
    proposer = TorsionProposer(CHAIN.representation, trained.fit.model)
    observed_after, acceptance_after = run(proposer)
    assert agrees(block_scores(observed, CHAIN.exact()))
    assert agrees(block_scores(observed_after, CHAIN.exact()))
    assert acceptance_after > 1.5 * acceptance


class FitsItself(Proposer):
    """Von Mises density of both torsions about the mean of what it saw last; fixed, or adapting."""

    grade = "exact"
    kappa = 2.0

    def __init__(self, memory: int | None) -> None:
        self.particles = CHAIN.representation.particles
        self.memory, self.seen, self.centre = memory, [], np.array([0.5, -0.5])

    def propose(self, positions, box, rng):
        torsions = CHAIN.representation.encode(positions)
        if self.memory is not None:
            self.seen = [*self.seen, torsions][-self.memory :]
            self.centre = np.angle(np.exp(1j * np.array(self.seen)).mean(axis=0))
        proposed = self.centre + rng.vonmises(0.0, self.kappa, 2)
        log_ratio = self.kappa * np.sum(
            np.cos(torsions - self.centre) - np.cos(proposed - self.centre)
        )
        return Proposal(CHAIN.representation.decode(proposed, positions), float(log_ratio))


class Adapting(FitsItself):
    adapts = True


def test_a_density_that_adapts_during_the_run_is_wrong_and_refused():
    frozen, _ = run(FitsItself(None))
    assert agrees(block_scores(frozen, CHAIN.exact()))
    adapting, acceptance = run(FitsItself(5))  # as one that hides that it adapts
    assert acceptance > 0.05
    scores = block_scores(adapting, CHAIN.exact())
    assert np.isfinite(scores).all()
    assert np.abs(scores).max() > 5
    with pytest.raises(ValueError, match="Adapting adapts: its density changes with what the run"):
        run(Adapting(5), 1)
