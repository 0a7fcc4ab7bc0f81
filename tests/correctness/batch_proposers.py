"""Proposers that draw batches: deliberately bad ones, and ones that lie.

Each keeps the conformations that it was shown, which are the samples of the chain before each jump.
"""

import numpy as np

from openmm_genmd import Proposer


class BatchProposer(Proposer):
    """A subclass implements `sample` and `log_density`."""

    grade, particles, conditional = "exact", (0,), False

    def __init__(self):
        self.seen, self.drawn = [], []

    def propose(self, positions, box, rng):
        raise AssertionError("MultipleTry asks for batches")

    def choose(self, rng):
        return self

    def samples(self) -> np.ndarray:
        return np.array(self.seen)


class NarrowNormal(BatchProposer):
    """y drawn from a displaced normal distribution, whatever x is. Too narrow in y and z."""

    centre_nm, width_nm = np.array([0.05, 0.02, 0.0]), np.array([0.2, 0.1, 0.05])

    def sample(self, positions, box, rng, k):
        self.seen.append(positions)
        candidates = self.centre_nm + self.width_nm * rng.normal(size=(k, 1, 3))
        densities = self.log_density(candidates, positions, box)
        self.drawn.append((candidates, densities))
        return candidates, densities

    def log_density(self, candidates, given, box):
        return -0.5 * np.sum(((candidates - self.centre_nm) / self.width_nm) ** 2, axis=(1, 2))


class BatchDrift(BatchProposer):
    """y drawn around c x + d: conditional on what it replaces, and says so unless it lies."""

    contraction, drift_nm, width_nm = -0.6, np.array([0.05, 0.0, 0.0]), 0.12

    def __init__(self, *, lies=False):
        super().__init__()
        self.conditional = not lies
        self._asked_for_references = False

    def sample(self, positions, box, rng, k):
        if not (self.conditional and self._asked_for_references):
            self.seen.append(positions)
        self._asked_for_references = self.conditional and not self._asked_for_references
        centre = self.contraction * positions + self.drift_nm
        candidates = centre + self.width_nm * rng.normal(size=(k, *positions.shape))
        return candidates, self.log_density(candidates, positions, box)

    def log_density(self, candidates, given, box):
        centre = self.contraction * given + self.drift_nm
        return -0.5 * np.sum((candidates - centre) ** 2, axis=(1, 2)) / self.width_nm**2


class OneOfARow(BatchProposer):
    """Replaces one of three particles, given its neighbours in the row: a block given the rest.

    The block is chosen before the state is seen; with ``by_state`` it is the outermost particle,
    which is wrong.
    """

    particles, width_nm = (0, 1, 2), 0.1

    def __init__(self, *, by_state=False):
        super().__init__()
        self.by_state, self.block = by_state, 0

    def choose(self, rng):
        self.block = int(rng.integers(3))
        return self

    def _centre(self, positions):
        """Halfway between the neighbours, which a leap of the block leaves where they are."""
        neighbours = [i for i in (self.block - 1, self.block + 1) if 0 <= i < 3]
        return positions[neighbours].mean(axis=0) + np.array([0.02, 0.0, 0.0])

    def sample(self, positions, box, rng, k):
        self.seen.append(positions)
        if self.by_state:
            self.block = int(np.argmax(np.sum(positions**2, axis=1)))
        candidates = np.repeat(positions[None], k, axis=0)
        noise = self.width_nm * rng.normal(size=(k, 3))
        candidates[:, self.block] = self._centre(positions) + noise
        return candidates, self.log_density(candidates, positions, box)

    def log_density(self, candidates, given, box):
        shift = candidates[:, self.block] - self._centre(given)
        return -0.5 * np.sum(shift**2, axis=1) / self.width_nm**2
