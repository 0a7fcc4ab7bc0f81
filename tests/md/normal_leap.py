"""Candidates for particles in wells, and an energy that weighs them."""

import numpy as np

from openmm_genmd.proposers.proposer import Proposer

WIDTH_NM = 0.2


class NormalLeap(Proposer):
    """y drawn from a normal distribution around the origin; what it answers can be spoilt."""

    particles, grade, conditional = [0], "exact", False

    def __init__(self, spoil=lambda drawn: drawn, density=lambda value: value) -> None:
        self.spoil, self.density = spoil, density

    def propose(self, positions, box, rng):
        raise AssertionError("MultipleTry asks for batches")

    def sample(self, positions, box, rng, k):
        drawn = WIDTH_NM * rng.normal(size=(k, 1, 3))
        return self.spoil((drawn, -0.5 * np.sum((drawn / WIDTH_NM) ** 2, axis=(1, 2))))

    def log_density(self, candidates, given, box):
        return self.density(-0.5 * np.sum((candidates / WIDTH_NM) ** 2, axis=(1, 2)))


def soft_well(positions_nm):
    return 90 * np.sum(positions_nm**2, axis=(1, 2))
