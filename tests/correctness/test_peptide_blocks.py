"""Block leaps of one model for all blocks against exact averages over a torus of five torsions.

The weights are random, so that every density is wrong and every ratio counts. The potential couples
neighbouring torsions; exact samples of it are drawn one torsion after the other. Many chains start
from these, and a few leaps may change no average, however slowly they mix.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from openmm_genmd import Proposal
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.proposers.kept_context_leap import KeptContextLeap
from openmm_genmd.proposers.peptide_blocks import peptide_block_proposer
from openmm_genmd.representations.torsions import TorsionRepresentation

from .scores import agrees, disagrees

SMALL = BlockTransformerConfig(
    width=8, heads=2, layers=1, hidden_features=8, decoder_layers=1, nodes=12
)
TOPOLOGY, START_NM = build_peptide("SG")
REPRESENTATION = TorsionRepresentation.from_topology(TOPOLOGY)
N, N_LEAPS = 5, 3
ROUTE = (0, 1, 3, 4, 2)
"""Neighbours in this order are coupled, which is not that in which torsions are drawn."""


def model() -> BlockTransformer:
    network = BlockTransformer(SMALL).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.5 * torch.randn(weight.shape, generator=generator))
        # What is kept shall count much, compared with what is the same for all conformations.
        for layer in network.layers:
            layer.out.weight *= 5.0
        for weight in (*network.embedding.parameters(), network.marginal.weight):
            weight *= 0.1
        network.unknown *= 0.1
        network.logits.bias *= 0.1
    return network


def single(n, x):
    return 0.8 * np.cos(x - n) + 0.4 * np.cos(2 * x + n)


def coupling(x, y):
    return 1.0 * np.cos(x - y + 0.5) + 0.5 * np.sin(x + y)


def log_density(torsions_rad):
    """Of the target, but for a constant."""
    values = [single(n, torsions_rad[n]) for n in range(N)]
    return sum(values) + sum(coupling(torsions_rad[a], torsions_rad[b]) for a, b in pairwise(ROUTE))


OBSERVABLES = [
    *((lambda x, n=n: np.cos(x[n])) for n in range(N)),
    *((lambda x, n=n: np.sin(x[n])) for n in range(N)),
    lambda x: np.cos(x[0] - x[1]),
    lambda x: np.sin(x[2] + x[4]),
    lambda x: np.cos(x[1]) * np.sin(x[2]),
]


def exact_samples(n, rng):
    """Torsions ``(n, 5)``, drawn one after the other, each from its distribution on a fine grid."""
    grid = np.arange(360) * 2 * np.pi / 360
    pair = np.exp(coupling(grid[:, None], grid[None, :]))
    ahead = {ROUTE[-1]: np.ones_like(grid)}
    for here, then in reversed(list(pairwise(ROUTE))):
        ahead[here] = pair @ (ahead[then] * np.exp(single(then, grid)))
    before, drawn = np.ones((n, 360)), np.empty((n, N))
    for torsion in ROUTE:
        shares = np.cumsum(before * ahead[torsion] * np.exp(single(torsion, grid)), axis=1)
        place = (shares < rng.random((n, 1)) * shares[:, -1:]).sum(axis=1)
        drawn[:, torsion] = grid[place] + (rng.random(n) - 0.5) * 2 * np.pi / 360
        before = pair[place]
    return drawn


def proposer():
    kinds = {"phi/psi": 2.0, "psi/phi": 1.0, "side chain": 1.0, "residue": 1.0, "all": 1.0}
    return peptide_block_proposer(model(), REPRESENTATION, kinds=kinds)


class WithoutRatio:
    """Wrong: the densities are left out."""

    def propose(self, positions, box, rng):
        return Proposal(proposer_.propose(positions, box, rng).positions, 0.0)


class OwnValuesInTheContext:
    """Wrong: densities are those for a context that is made of a value that leaps."""

    def propose(self, positions, box, rng):
        part = proposer_.choose(rng)
        proposal = part.propose(positions, box, rng)
        if not isinstance(part, KeptContextLeap):
            return proposal
        old, new = (REPRESENTATION.encode(x)[None] for x in (positions, proposal.positions))
        context = np.full((1, len(part._others)), old[0, part._block[0]])
        log_q_x, log_q_y = (
            part._model.log_prob_numpy(x[:, part._block], context)[0] for x in (old, new)
        )
        return Proposal(proposal.positions, float(log_q_x - log_q_y))


proposer_ = proposer()


def scores(leaps, n_chains):
    """Standard scores of what a few leaps change on average, which should be nothing."""
    rng = np.random.default_rng(2)
    starts, ends = exact_samples(n_chains, rng), np.empty((n_chains, N))
    n_accepted = 0
    for n, current in enumerate(starts):
        positions = REPRESENTATION.decode(current, START_NM)
        for _ in range(N_LEAPS):
            proposal = leaps.propose(positions, None, rng)
            new = REPRESENTATION.encode(proposal.positions)
            log_ratio = log_density(new) - log_density(current) + proposal.log_ratio
            if np.log(rng.random()) < log_ratio:
                positions, current = proposal.positions, new
                n_accepted += 1
        ends[n] = current
    assert 0.1 < n_accepted / (N_LEAPS * n_chains) < 0.9
    changes = np.array([f(ends.T) - f(starts.T) for f in OBSERVABLES])
    return changes.mean(axis=1) / changes.std(axis=1) * np.sqrt(n_chains)


def test_leaps_change_no_average():
    assert agrees(scores(proposer_, 2000))


@pytest.mark.parametrize(
    ("wrong", "n_chains"), [(WithoutRatio, 1000), (OwnValuesInTheContext, 2000)]
)
def test_wrong_leaps_are_found(wrong, n_chains):
    found = scores(wrong(), n_chains)
    assert disagrees(found)
    assert np.abs(found).max() > 5
