"""What all leaps of torsion angles share: `TorsionLeap`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]


class TorsionLeap(Proposer):
    """A leap of torsions in whichever periodic images the atoms are; all else is carried.

    Parameters
    ----------
    representation
        The molecule and the torsions that leap.
    """

    grade = "exact"
    soft_only = True
    representation: TorsionRepresentation

    def __init__(self, representation: TorsionRepresentation) -> None:
        self.representation = representation
        self.particles = representation.particles

    def _whole(self, positions: Array, box: Array | None) -> Array:
        return positions if box is None else self.representation.make_whole(positions, box)


def require_candidates(k: int) -> None:
    """None if a number of candidates is one.

    Raises
    ------
    ValueError
        If it is not.
    """
    if k < 1:
        raise ValueError(f"the number of candidates must be at least 1, got {k}")


def in_images_of(positions: Array, whole: Array, turned: Array) -> Array:
    """Turned positions with every atom in the periodic image where it was."""
    return turned if whole is positions else positions + (turned - whole)
