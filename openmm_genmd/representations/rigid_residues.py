"""Atoms that follow the frames of residues, one or two of them: `RigidResidues`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.representations.residue_frames import (
    ANGSTROM_PER_NM,
    ResidueFrames,
    unit_vectors,
)
from openmm_genmd.representations.residue_plan import CarriedAtom

Array = NDArray[np.float64]


class RigidResidues:
    """Moves the atoms of residues as rigid bodies, and those between two residues after them.

    Parameters
    ----------
    owners
        ``(n_atoms,)``: the residue that each atom moves with.
    carried
        Atoms that keep their places in axes spanned by two bonds.

    Examples
    --------
    >>> amide_hydrogen = CarriedAtom(atom=3, center=1, first=0, second=2)
    >>> residues = RigidResidues(np.array([0, 1, 1, 1]), [amide_hydrogen])
    >>> peptide_nm = np.array([[0.0, 0.1, 0], [0, 0, 0], [0.1, 0, 0], [-0.1, -0.1, 0]])
    >>> stretched_nm = peptide_nm + [[0, 0.1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    >>> residues.place_carried(stretched_nm, peptide_nm)
    >>> stretched_nm[3].round(9).tolist()  # along the bisector as before
    [-0.1, -0.1, 0.0]
    """

    def __init__(self, owners: NDArray[np.int64], carried: Sequence[CarriedAtom]) -> None:
        self._owners = owners
        atoms = [(c.atom, c.center, c.first, c.second) for c in carried]
        self._carried = np.array(atoms, dtype=np.int64).reshape(-1, 4).T

    def moved(self, motions: ResidueFrames, positions_nm: Array) -> Array:
        """Positions ``(..., n_atoms, 3)``, nm, after a rigid motion of every residue.

        Parameters
        ----------
        motions
            ``(..., n_residues)``.
        positions_nm
            ``(..., n_atoms, 3)``, nm; leading dimensions broadcast.
        """
        rotations = motions.rotations[..., self._owners, :, :]
        shifts = motions.translations_angstrom[..., self._owners, :] / ANGSTROM_PER_NM
        return np.asarray((rotations @ positions_nm[..., None])[..., 0] + shifts)

    def place_carried(self, positions_nm: Array, template_nm: Array) -> None:
        """Put every carried atom, in place, where it is relative to its bonds in a template.

        Parameters
        ----------
        positions_nm
            ``(..., n_atoms, 3)``, nm.
        template_nm
            Broadcasts with the positions; nm.
        """
        atom, center, first, second = self._carried
        old = _axes(*(template_nm[..., n, :] for n in (center, first, second)))
        offset = template_nm[..., atom, :] - template_nm[..., center, :]
        local = np.swapaxes(old, -1, -2) @ offset[..., None]
        new = _axes(*(positions_nm[..., n, :] for n in (center, first, second)))
        positions_nm[..., atom, :] = positions_nm[..., center, :] + (new @ local)[..., 0]


def _axes(center: Array, first: Array, second: Array) -> Array:
    """Axes ``(..., 3, 3)``, columns: along the bisector of two bonds, in their plane, normal."""
    one, other = unit_vectors(first - center), unit_vectors(second - center)
    x, z = unit_vectors(one + other), unit_vectors(np.cross(one, other))
    return np.stack((x, np.cross(z, x), z), axis=-1)
