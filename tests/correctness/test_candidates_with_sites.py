"""Virtual sites that move: what weighs or observes candidates sees them where they belong."""

import numpy as np
import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator, MultipleTry, Proposal, RecycledObservable

from .batch_proposers import BatchDrift, BatchProposer
from .exact_models import TiltedDoubleWell
from .running import langevin, start
from .scores import agrees, block_scores

MODEL, N_JUMPS = TiltedDoubleWell(), 4000
FRACTION = 0.25
"""Where between the real particles the site is."""


class WithSite(BatchProposer):
    """Moves particle 0 and a site on the line to particle 1, which stays; returns rubbish for it.

    Where the leap goes depends on where the site is shown: the density is that of the leap only if
    the site is where it belongs.
    """

    particles, conditional = (2, 0), True

    def __init__(self):
        super().__init__()
        self.drift = BatchDrift()

    def propose(self, positions, box, rng):
        (y,), (there,) = self.sample(positions, box, rng, 1)
        x, ends = positions[None], np.vstack([FRACTION * y[1:], y[1:]])
        return Proposal(y, float(self.log_density(x, ends, box)[0] - there))

    def sample(self, positions, box, rng, k):
        candidates, densities = self.drift.sample(through(positions), box, rng, k)
        return np.concatenate([np.full((k, 1, 3), 0.7), candidates], axis=1), densities

    def log_density(self, candidates, given, box):
        return self.drift.log_density(candidates[:, 1:], through(given), box)

    def samples(self):
        return np.array(self.drift.seen)


def through(positions_nm):
    """Particle 0, one half by its own position and the other half by that of the site."""
    return (positions_nm[1:] + positions_nm[:1] / FRACTION) / 2


def with_site() -> openmm.System:
    """The double well for particle 0, a frozen particle at the origin, and the site."""
    system = MODEL.system()
    system.addParticle(0.0)
    site = system.addParticle(0.0)
    system.setVirtualSite(site, openmm.TwoParticleAverageSite(0, 1, FRACTION, 1 - FRACTION))
    return system


def surrogate(positions_nm):
    """Energy of the double well where the site says that the particle is."""
    return MODEL.energy(positions_nm[:, :1] / FRACTION)


def by_site(positions_nm):
    return MODEL.observables(positions_nm[:, :1] / FRACTION)


@pytest.mark.parametrize("protocol", [None, MultipleTry(5), MultipleTry(5, surrogate)])
def test_averages_that_depend_on_sites_are_exact(protocol):
    proposer, recycled = WithSite(), RecycledObservable(by_site)
    integrator = GenerativeJumpIntegrator(langevin(), proposer, 4, protocol=protocol, seed=3)
    integrator.setCandidateObserver(recycled)
    start_nm = np.vstack([MODEL.start_nm(), np.zeros((2, 3))])
    context = start(with_site(), integrator, start_nm)
    context.computeVirtualSites()
    integrator.step(4 * N_JUMPS)
    # The surrogate is the energy itself if the sites are in place: then it costs no acceptance.
    assert integrator.getAcceptanceRate() > (0.15 if protocol is None else 0.35)
    for values in (MODEL.observables(proposer.samples()), recycled.values):
        assert agrees(block_scores(values[len(values) // 20 :], MODEL.exact(300.0)))
    del context
