"""Bonds inferred from distances, for files that hold none: `infer_bonds`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

_RADII_NM = {
    **{1: 0.031, 5: 0.084, 6: 0.076, 7: 0.071, 8: 0.066, 9: 0.057, 11: 0.166, 12: 0.141},
    **{14: 0.111, 15: 0.107, 16: 0.105, 17: 0.102, 19: 0.203, 20: 0.176, 25: 0.139, 26: 0.132},
    **{27: 0.126, 28: 0.124, 29: 0.132, 30: 0.122, 34: 0.120, 35: 0.120, 48: 0.144, 53: 0.139},
}
_METALS = frozenset({11, 12, 19, 20, 25, 26, 27, 28, 29, 30, 48})
_MOST_BONDS = {1: 1, 5: 4, 6: 4, 7: 4, 8: 3, 9: 1, 14: 4, 15: 6, 16: 6, 17: 4, 34: 6, 35: 4, 53: 4}
_TOLERANCE_NM = 0.04
"""Covers vibrations at 300 K; the nearest atoms that are not bonded, across a ring of
four, are 0.06 nm beyond the sum of their radii."""


def infer_bonds(
    positions_nm: NDArray[np.float64], atomic_numbers: Sequence[int], what: str
) -> list[tuple[int, int]]:
    """Pairs of bonded atoms, each ascending, sorted: those near the sum of their covalent radii.

    Two atoms are bonded within 0.04 nm of that sum; a hydrogen to its nearest heavy atom only, and
    metals to nothing. Bond orders, and bonds in structures with clashes, cannot be had this way: a
    topology file is better where there is one.

    Parameters
    ----------
    positions_nm
        ``(n_atoms, 3)``, nm, hydrogens included, whole molecules.
    atomic_numbers
        Of the atoms.
    what
        Where they come from, for messages.

    Raises
    ------
    ValueError
        If an element has no radius here, or an atom would have more bonds than it can, or a
        hydrogen none.

    References
    ----------
    Cordero et al., Dalton Trans., 2832 (2008): radii.

    Examples
    --------
    >>> water_nm = np.array([[0.0, 0, 0], [0.096, 0, 0], [-0.024, 0.093, 0]])
    >>> infer_bonds(water_nm, [8, 1, 1], "water")
    [(0, 1), (0, 2)]
    """
    numbers = np.asarray(atomic_numbers, dtype=np.int64)
    unknown = sorted({int(z) for z in numbers} - _RADII_NM.keys())
    if unknown:
        raise ValueError(
            f"{what} has atoms of atomic number {unknown[0]}, whose bonds cannot be told from "
            "distances; give a topology file (prmtop or PDB)"
        )
    radii_nm = np.array([_RADII_NM[int(z)] for z in numbers])
    metal = np.isin(numbers, list(_METALS))
    pairs, distances_nm = _near_pairs(positions_nm, radii_nm, metal)
    keep = _one_bond_each(pairs, distances_nm, numbers)
    bonds = sorted((int(min(pair)), int(max(pair))) for pair in pairs[keep])
    _require_valences(bonds, numbers, what)
    return bonds


def _near_pairs(
    positions_nm: NDArray[np.float64], radii_nm: NDArray[np.float64], metal: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Pairs ``(n, 2)`` that are near enough, and their distances ``(n,)``, nm."""
    bonding = np.flatnonzero(~metal)
    if len(bonding) == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    reach = 2 * float(radii_nm[bonding].max()) + _TOLERANCE_NM
    pairs = bonding[cKDTree(positions_nm[bonding]).query_pairs(reach, output_type="ndarray")]
    distances = np.linalg.norm(positions_nm[pairs[:, 0]] - positions_nm[pairs[:, 1]], axis=1)
    near = distances < radii_nm[pairs].sum(axis=1) + _TOLERANCE_NM
    return pairs[near], distances[near]


def _one_bond_each(
    pairs: NDArray[np.int64], distances_nm: NDArray[np.float64], numbers: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which pairs ``(n,)`` are left when hydrogens have but their nearest heavy atom."""
    hydrogen = numbers[pairs] == 1
    keep = ~hydrogen.any(axis=1)
    nearest: dict[int, tuple[float, int]] = {}
    for n in np.flatnonzero(hydrogen.sum(axis=1) == 1):
        atom = int(pairs[n][hydrogen[n]][0])
        candidate = (float(distances_nm[n]), int(n))
        nearest[atom] = min(nearest.get(atom, candidate), candidate)
    keep[[n for _, n in nearest.values()]] = True
    return np.asarray(keep)


def _require_valences(
    bonds: Sequence[tuple[int, int]], numbers: NDArray[np.int64], what: str
) -> None:
    counts = np.bincount(np.array(bonds, dtype=np.int64).ravel(), minlength=len(numbers))
    most = np.array([_MOST_BONDS.get(int(z), 0) for z in numbers])
    bad = np.flatnonzero((counts > most) | ((numbers == 1) & (counts == 0)))
    if len(bad):
        atom = int(bad[0])
        raise ValueError(
            f"bonds of {what} cannot be told from distances: atom {atom} (atomic number "
            f"{numbers[atom]}) would have {counts[atom]}, and {len(bad) - 1} more atoms are as "
            "impossible; give a topology file (prmtop or PDB), or a frame without clashes"
        )
