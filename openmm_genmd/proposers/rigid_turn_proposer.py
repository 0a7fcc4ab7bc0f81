"""A molecule that is turned as a rigid body: `RigidTurnProposer`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from openmm_genmd.proposers.proposer import Proposal, Proposer

Array = NDArray[np.float64]

_SMALLEST_SINE = 1e-3
_OVER = 0.75
"""Share of half turns, which is what a ligand that binds either way round needs."""


class RigidTurnProposer(Proposer):
    """Turns a molecule about its middle: over an axis of its own, or anyhow.

    The turn h is drawn in axes that go with the molecule. Three in four are half turns over one of
    the three axes, followed by a small turn; the others are uniform. As h and its inverse are
    equally likely, and turning keeps volumes, the log ratio is 0. A leap between orientations that
    MD hardly reaches from each other, best with `SteeredSwitching` along
    ``SoftCoordinates(frames=[(turner.axis_atoms, turner.particles)])``.

    Parameters
    ----------
    particles
        Of the molecule, indices into the System.
    positions_nm
        ``(n_particles_of_the_system, 3)``, nm, from which the three atoms that span the axes are
        chosen: the one nearest to the molecule's middle, the one farthest from that, and the one
        farthest from the line through both.
    spread_rad
        Standard deviation of each component of the small turn's rotation vector.

    Attributes
    ----------
    axis_atoms
        The three atoms, indices into the System.

    Raises
    ------
    ValueError
        If there are less than three particles, they are in line, or the spread is not positive.

    References
    ----------
    Chen & Roux, J. Chem. Phys. 142, 024101 (2015): dragged leaps. ``docs/theory.md``, section 11.

    Examples
    --------
    >>> corners_nm = np.array([[0.0, 0, 0], [0.2, 0, 0], [0, 0.1, 0]])
    >>> turner = RigidTurnProposer([0, 1, 2], corners_nm)
    >>> turner.axis_atoms
    (0, 1, 2)
    >>> proposal = turner.propose(corners_nm, None, np.random.default_rng(1))
    >>> bool(np.isclose(np.linalg.norm(proposal.positions[1] - proposal.positions[0]), 0.2))
    True
    """

    grade = "exact"

    def __init__(
        self, particles: Sequence[int], positions_nm: ArrayLike, *, spread_rad: float = 0.3
    ) -> None:
        if not (np.isfinite(spread_rad) and spread_rad > 0):
            raise ValueError(f"spread_rad must be positive and finite, got {spread_rad}")
        self.particles = [int(particle) for particle in particles]
        self.spread_rad = float(spread_rad)
        x = np.asarray(positions_nm, dtype=np.float64)[self.particles]
        self._axis_rows = _axis_rows(x)
        self.axis_atoms = tuple(self.particles[row] for row in self._axis_rows)

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Positions turned about their mean; the log ratio is 0."""
        axes = _axes(positions[self._axis_rows])
        turn = axes @ self._turn(rng).as_matrix() @ axes.T
        center = positions.mean(axis=0)
        return Proposal(center + (positions - center) @ turn.T, 0.0)

    def _turn(self, rng: np.random.Generator) -> Rotation:
        """A rotation as likely as its inverse."""
        over, axis = rng.random() < _OVER, int(rng.integers(3))
        anyhow = Rotation.random(random_state=rng)
        small = Rotation.from_rotvec(rng.normal(scale=self.spread_rad, size=3))
        return Rotation.from_rotvec(np.pi * np.eye(3)[axis]) * small if over else anyhow


def _axis_rows(x: Array) -> list[int]:
    """Rows of the atom in the middle, the farthest from it, and the farthest from their line."""
    if len(x) < 3:
        raise ValueError(f"a molecule needs three particles to be turned over, got {len(x)}")
    middle = int(np.linalg.norm(x - x.mean(axis=0), axis=1).argmin())
    away = x - x[middle]
    far = int(np.linalg.norm(away, axis=1).argmax())
    aside = np.linalg.norm(np.cross(away, away[far] / np.linalg.norm(away[far])), axis=1)
    if not aside.max() > _SMALLEST_SINE * np.linalg.norm(away[far]):
        raise ValueError("the particles of the molecule are in line: it cannot be turned over")
    return [middle, far, int(aside.argmax())]


def _axes(corners: Array) -> Array:
    """Axes ``(3, 3)``, as columns, of three atoms ``(3, 3)``."""
    first = corners[1] - corners[0]
    first = first / np.linalg.norm(first)
    third = np.cross(first, corners[2] - corners[0])
    third /= np.linalg.norm(third)
    return np.stack([first, np.cross(third, first), third], axis=1)
