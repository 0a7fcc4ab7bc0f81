"""Torsions drawn uniformly on the torus: `UniformLeap`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.proposers.proposer import Proposal
from openmm_genmd.proposers.torsion_leap import TorsionLeap, in_images_of, require_candidates
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]


class UniformLeap(TorsionLeap):
    """All torsions of a representation leap to anywhere on the torus; the log ratio is 0.

    Turning a bond by a uniform angle puts its torsion anywhere with equal probability, whatever it
    was, so that the torsions need not be measured.

    Parameters
    ----------
    representation
        The molecule and the torsions that leap.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> leap = UniformLeap(TorsionRepresentation.from_topology(topology))
    >>> candidates, log_density = leap.sample(positions_nm, None, np.random.default_rng(1), 3)
    >>> candidates.shape, log_density.round(3).tolist()
    ((3, 22, 3), [-3.676, -3.676, -3.676])
    """

    conditional = False

    def __init__(self, representation: TorsionRepresentation) -> None:
        super().__init__(representation)
        self._n_torsions = len(representation.torsions)
        self._log_density = -self._n_torsions * math.log(2.0 * math.pi)

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Proposed conformation with log ratio 0; see `Proposer.propose`.

        Raises
        ------
        ValueError
            If the positions have the wrong shape.
        """
        whole = self._whole(positions, box)
        steps = rng.uniform(-math.pi, math.pi, self._n_torsions)
        turned = self.representation.turn(steps, whole)
        return Proposal(in_images_of(positions, whole, turned), 0.0)

    def sample(
        self, positions: Array, box: Array | None, rng: np.random.Generator, k: int
    ) -> tuple[Array, Array]:
        """Candidates ``(k, n_moved, 3)`` in nm and their log densities ``(k,)``.

        Raises
        ------
        ValueError
            If ``k`` is not positive or the positions have the wrong shape.
        """
        require_candidates(k)
        whole = self._whole(positions, box)
        steps = rng.uniform(-math.pi, math.pi, (k, self._n_torsions))
        turned = self.representation.turn(steps, whole)
        return in_images_of(positions, whole, turned), np.full(k, self._log_density)

    def log_density(self, candidates: Array, given: Array, box: Array | None) -> Array:
        """Log densities ``(k,)``, which are all the same, of candidates ``(k, n_moved, 3)``."""
        return np.full(len(candidates), self._log_density)
