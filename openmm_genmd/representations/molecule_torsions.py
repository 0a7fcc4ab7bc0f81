"""A molecule of a System and some of its torsions: `MoleculeTorsions`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.representations.periodic import bond_tree, make_whole
from openmm_genmd.representations.rotatable_bonds import Torsion
from openmm_genmd.representations.stored_torsions import StoredRepresentation
from openmm_genmd.representations.torsion_checks import require_inside
from openmm_genmd.representations.torsion_kernel import TorsionKernel

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MoleculeTorsions:
    """What representations with torsions have in common: whose, which, and where they are.

    Attributes
    ----------
    particles
        Indices of the whole molecule in the System, ascending; ``n_moved`` of them.
    torsions
        What is generated; indices in the System.
    fingerprint
        The molecule's identity.

    Raises
    ------
    ValueError
        If torsions and particles do not fit together.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> fingerprint = TopologyFingerprint.of(topology, range(22))
    >>> psi = Torsion((6, 8, 14, 16), "psi ALA 2", tuple(range(14, 22)))
    >>> molecule = MoleculeTorsions(tuple(range(22)), (psi,), fingerprint)
    >>> molecule.relocated(range(100, 122)).torsions[0].atoms
    (106, 108, 114, 116)
    """

    particles: tuple[int, ...]
    torsions: tuple[Torsion, ...]
    fingerprint: TopologyFingerprint

    def __post_init__(self) -> None:
        """Refuse what cannot be represented."""
        if len(self.fingerprint) != len(self.particles):
            raise ValueError(
                f"the fingerprint has {len(self.fingerprint)} atoms but there are "
                f"{len(self.particles)} particles"
            )
        require_inside(self.torsions, self.particles)

    def make_whole(self, positions_nm: Array, box_nm: Array) -> Array:
        """Positions ``(..., n_moved, 3)``, nm, with every bond within the nearest periodic image.

        Parameters
        ----------
        positions_nm
            Any periodic image of each atom; returned itself if the molecule is not broken.
        box_nm
            ``(3, 3)``, rows are the box vectors.
        """
        return make_whole(positions_nm, box_nm, self._tree)

    def relocated(self, particles: Sequence[int]) -> Self:
        """Return the same molecule at other particle indices, given in the same order.

        Raises
        ------
        ValueError
            If the number of particles differs.
        """
        if len(particles) != len(self.particles):
            raise ValueError(f"expected {len(self.particles)} particles, got {len(particles)}")
        new = dict(zip(self.particles, map(int, particles), strict=True))
        torsions = tuple(torsion.renamed(new) for torsion in self.torsions)
        return type(self)(tuple(new.values()), torsions, self.fingerprint)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON types; `from_dict` gives it back."""
        return {
            "type": type(self).__name__,
            "particles": list(self.particles),
            "torsions": [
                {"name": t.name, "atoms": list(t.atoms), "moving": list(t.moving)}
                for t in self.torsions
            ],
            "fingerprint": self.fingerprint.model_dump(mode="json"),
        }

    @classmethod
    def from_dict(cls, description: dict[str, Any]) -> Self:
        """Representation that gave a dictionary by `to_dict`.

        Raises
        ------
        ValueError
            If the dictionary is not one of those.
        """
        stored = StoredRepresentation.of_type(cls.__name__, description)
        torsions = tuple(Torsion(t.atoms, t.name, t.moving) for t in stored.torsions)
        return cls(stored.particles, torsions, stored.fingerprint)

    @cached_property
    def _local_torsions(self) -> tuple[Torsion, ...]:
        """With places among the particles as indices."""
        place = {particle: n for n, particle in enumerate(self.particles)}
        return tuple(torsion.renamed(place) for torsion in self.torsions)

    @cached_property
    def _kernel(self) -> TorsionKernel:
        local = self._local_torsions
        return TorsionKernel([t.atoms for t in local], [t.moving for t in local])

    @cached_property
    def _tree(self) -> NDArray[np.intp]:
        return np.array(bond_tree(len(self.particles), self.fingerprint.bonds), dtype=np.intp)

    @cached_property
    def _shape(self) -> tuple[int, int]:
        return (len(self.particles), 3)

    def _checked_positions(self, positions_nm: ArrayLike) -> Array:
        positions = np.asarray(positions_nm, dtype=np.float64)
        if positions.shape[-2:] != self._shape:
            raise ValueError(
                f"positions must have shape (..., {len(self.particles)}, 3), got {positions.shape}"
            )
        return positions

    def _checked_torsions(self, torsions_rad: ArrayLike) -> Array:
        torsions = np.asarray(torsions_rad, dtype=np.float64)
        if torsions.shape[-1:] != (len(self.torsions),):
            raise ValueError(
                f"torsions must have shape (..., {len(self.torsions)}), got {torsions.shape}"
            )
        return torsions
