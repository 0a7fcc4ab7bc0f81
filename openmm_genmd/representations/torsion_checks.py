"""Whether torsions can represent a molecule together: `require_inside`, `require_commuting`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from openmm_genmd.representations.rotatable_bonds import Torsion


def require_inside(torsions: Sequence[Torsion], particles: Sequence[int]) -> None:
    """None if every torsion turns one side of its bond, and only given particles.

    Raises
    ------
    ValueError
        If one does not.
    """
    known = set(particles)
    for torsion in torsions:
        outside = {*torsion.atoms, *torsion.moving} - known
        if outside:
            raise ValueError(
                f"torsion {torsion.name} uses particles {sorted(outside)}, which are "
                "not among the representation's"
            )
        i, j, k, l = (atom in torsion.moving for atom in torsion.atoms)  # noqa: E741
        if (i, j, l) not in ((True, True, False), (False, False, True)) or k != l:
            raise ValueError(
                f"torsion {torsion.name} must move the atoms on one side of its bond: i and j, "
                "or k and l"
            )


def require_commuting(torsions: Sequence[Torsion], particles: Sequence[int]) -> None:
    """None if any two moving sides are nested or disjoint.

    Raises
    ------
    ValueError
        If two are not.
    """
    place = {particle: n for n, particle in enumerate(particles)}
    sides = np.zeros((len(torsions), len(particles)), dtype=np.float32)
    for side, torsion in zip(sides, torsions, strict=True):
        side[[place[atom] for atom in torsion.moving]] = 1
    common, sizes = sides @ sides.T, sides.sum(axis=1)
    if not np.all((common == 0) | (common == np.minimum.outer(sizes, sizes))):
        raise ValueError(
            "the moving sides of the torsions must be nested or disjoint, or their rotations "
            "do not commute and the Jacobian is not 1"
        )
