"""A proposer among more particles than it moves: `Embedded`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.proposers.proposer import Proposal, Proposer

Array = NDArray[np.float64]


class Embedded(Proposer):
    """Moves some of the given particles by another proposer; the others stay, to the bit.

    Its density is the other proposer's: what stays has no density.

    Parameters
    ----------
    part
        The proposer that moves.
    particles
        All particles, those of ``part`` among them.

    Examples
    --------
    >>> class Shift(Proposer):
    ...     particles, grade = (7,), "exact"
    ...     def propose(self, positions, box, rng):
    ...         return Proposal(positions + 1.0, 0.0)
    >>> leap = Embedded(Shift(), (5, 7))
    >>> leap.propose(np.zeros((2, 3)), None, np.random.default_rng(1)).positions.tolist()
    [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    """

    def __init__(self, part: Proposer, particles: Sequence[int]) -> None:
        place = {particle: n for n, particle in enumerate(particles)}
        self._part = part
        self._rows = np.array([place[particle] for particle in part.particles], dtype=np.intp)
        self.particles = tuple(particles)
        self.grade = part.grade
        self.conditional = part.conditional
        self.adapts = part.adapts

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Proposed conformation with the log ratio of the part; see `Proposer.propose`."""
        proposal = self._part.propose(positions[self._rows], box, rng)
        proposed = positions.copy()
        proposed[self._rows] = proposal.positions
        return Proposal(proposed, proposal.log_ratio)

    def choose(self, rng: np.random.Generator) -> Proposer:
        """Return the chosen part of the part, embedded likewise."""
        chosen = self._part.choose(rng)
        return self if chosen is self._part else Embedded(chosen, self.particles)

    def sample(
        self, positions: Array, box: Array | None, rng: np.random.Generator, k: int
    ) -> tuple[Array, Array]:
        """Candidates ``(k, n_moved, 3)`` in nm and their log densities ``(k,)``."""
        moved, log_densities = self._part.sample(positions[self._rows], box, rng, k)
        candidates = np.repeat(positions[None], k, axis=0)
        candidates[:, self._rows] = moved
        return candidates, log_densities

    def log_density(self, candidates: Array, given: Array, box: Array | None) -> Array:
        """Log densities ``(k,)`` of candidates ``(k, n_moved, 3)`` in nm, given a conformation."""
        return self._part.log_density(candidates[:, self._rows], given[self._rows], box)

    def frozen_version(self) -> Hashable:
        """Version of the part; see `Proposer.frozen_version`."""
        return self._part.frozen_version()

    def get_state(self) -> bytes:
        """State of the part."""
        return self._part.get_state()

    def set_state(self, data: bytes) -> None:
        """Return to a state that `get_state` gave."""
        self._part.set_state(data)
