"""What bonds, angles, contacts, chiral centers and peptide bonds of a peptide should be like."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.representations.peptide_bonds import PeptideBonds
from openmm_genmd.representations.residue_types import residue_type

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# Equilibrium values that occur in the force fields Amber ff14SB and CHARMM36, nm.
_BONDS_NM = {
    **{"CC": (0.134, 0.155), "CN": (0.130, 0.150), "CO": (0.121, 0.144), "CS": (0.174, 0.184)},
    **{"SS": (0.202, 0.206), "CH": (0.107, 0.112), "HN": (0.099, 0.104), "HO": (0.094, 0.099)},
    **{"HS": (0.132, 0.136)},
}
_AMIDE_NM = (0.132, 0.138)

_ANGLES_DEG = {"C": (102.0, 135.0), "N": (102.0, 130.0), "O": (102.0, 120.0), "S": (92.0, 106.0)}
_AMIDE_CARBON_DEG, _AMIDE_NITROGEN_DEG = (114.0, 126.0), (110.0, 128.0)

_RADII_NM = {"H": 0.120, "C": 0.170, "N": 0.155, "O": 0.152, "S": 0.180}
"""Bondi, J. Phys. Chem. 68, 441 (1964)."""

_CHIRAL_CENTERS = {"ILE": ("CB", "CA", "CG1", "CG2"), "THR": ("CB", "CA", "OG1", "CG2")}
"""Side chains: three neighbors that, seen from them, are counter-clockwise in the L amino acid."""


@dataclass(frozen=True, eq=False)
class GeometryExpectations:
    """Groups of atoms of a Topology with what is expected of them.

    Attributes
    ----------
    bonds, bond_ranges_nm
        ``(n_bonds, 2)`` int64 and float64. Bonds between elements without a known length are not
        among them.
    angles, angle_ranges_deg
        ``(n_angles, 3)`` int64, the central atom in the middle, and ``(n_angles, 2)`` float64.
    radii_nm
        ``(n_atoms,)`` float64, van der Waals.
    is_hydrogen
        ``(n_atoms,)`` bool.
    near_pairs
        Sorted codes i n_atoms + j, i < j, of atoms up to three bonds apart.
    centers
        ``(n_centers, 4)`` int64: chiral atom and three neighbors a, b, c with (a x b) . c > 0.
    omegas
        ``(n_omegas, 4)`` int64, atoms of the torsions of amide bonds in the chain, caps included.
    may_be_cis
        ``(n_omegas,)`` bool: the nitrogen is that of a proline.
    labels
        Of each atom, for people.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> expected = GeometryExpectations.of(load_structure("alanine-dipeptide")[0])
    >>> len(expected.bonds), len(expected.angles), len(expected.centers), len(expected.omegas)
    (21, 36, 1, 2)
    """

    bonds: Integers
    bond_ranges_nm: Array
    angles: Integers
    angle_ranges_deg: Array
    radii_nm: Array
    is_hydrogen: NDArray[np.bool_]
    near_pairs: Integers
    centers: Integers
    omegas: Integers
    may_be_cis: NDArray[np.bool_]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, topology: app.Topology) -> GeometryExpectations:
        """Expectations for a Topology with bonds.

        Raises
        ------
        ValueError
            If it has none.
        """
        links = PeptideBonds(topology)
        atoms = list(topology.atoms())
        bonds = {pair: _bond_range(pair, links) for pair in _bonds(links)}
        known = {pair: limits for pair, limits in bonds.items() if limits is not None}
        angles = {triple: _angle_range(triple[1], links) for triple in _angles(links)}
        omegas = _omegas(links, [atom.name for atom in atoms])
        return cls(
            bonds=_integers(list(known), 2),
            bond_ranges_nm=np.array(list(known.values())).reshape(-1, 2),
            angles=_integers(list(angles), 3),
            angle_ranges_deg=np.array(list(angles.values())).reshape(-1, 2),
            radii_nm=np.array([_RADII_NM.get(element, 0.17) for element in links.elements]),
            is_hydrogen=np.array([element == "H" for element in links.elements]),
            near_pairs=_near_pairs(links, len(atoms)),
            centers=_integers([c for r in topology.residues() for c in _chiral_centers(r)], 4),
            omegas=_integers(list(omegas), 4),
            may_be_cis=np.array(list(omegas.values()), dtype=np.bool_),
            labels=tuple(f"{a.name} {a.residue.name} {a.residue.id}" for a in atoms),
        )


def _integers(groups: list[tuple[int, ...]], width: int) -> Integers:
    return np.array(groups, dtype=np.int64).reshape(-1, width)


def _bonds(links: PeptideBonds) -> list[tuple[int, int]]:
    pairs = ((a, b) for a, others in links.neighbours.items() for b in others if a < b)
    return sorted(set(pairs))


def _angles(links: PeptideBonds) -> list[tuple[int, int, int]]:
    return [
        (a, center, b)
        for center in sorted(links.neighbours)
        for a, b in combinations(sorted(set(links.neighbours[center])), 2)
    ]


def _bond_range(pair: tuple[int, int], links: PeptideBonds) -> tuple[float, float] | None:
    elements = "".join(sorted(links.elements[atom] for atom in pair))
    if elements == "CN" and any(links.is_carbonyl(atom) for atom in pair):
        return _AMIDE_NM
    return _BONDS_NM.get(elements)


def _angle_range(center: int, links: PeptideBonds) -> tuple[float, float]:
    element = links.elements[center]
    if links.is_carbonyl(center) and links.bonded(center, "N"):
        return _AMIDE_CARBON_DEG
    if element == "N" and any(links.is_carbonyl(atom) for atom in links.neighbours[center]):
        return _AMIDE_NITROGEN_DEG
    return _ANGLES_DEG.get(element, (0.0, 180.0))


def _near_pairs(links: PeptideBonds, n_atoms: int) -> Integers:
    codes: set[int] = set()
    for atom in links.neighbours:
        near, front = {atom}, {atom}
        for _ in range(3):
            front = {other for inner in front for other in links.neighbours[inner]} - near
            near |= front
        codes.update(atom * n_atoms + other for other in near if other > atom)
    return np.array(sorted(codes), dtype=np.int64)


def _chiral_centers(residue: app.Residue) -> list[tuple[int, ...]]:
    atoms = {atom.name: atom.index for atom in residue.atoms()}
    # N, C, CB of an L amino acid are counter-clockwise as seen from them (S; R in cysteine, the
    # same arrangement).
    groups = [("CA", "N", "C", "CB"), _CHIRAL_CENTERS.get(residue_type(residue.name), ("",))]
    return [tuple(atoms[n] for n in group) for group in groups if atoms.keys() >= set(group)]


def _omegas(links: PeptideBonds, names: list[str]) -> dict[tuple[int, ...], bool]:
    """Atoms of the torsions of secondary and tertiary amides; whether the latter."""
    omegas: dict[tuple[int, ...], bool] = {}
    for carbon, nitrogen in links.amides:
        before = links.carbon_beside(carbon)
        beyond = [atom for atom in links.bonded(nitrogen, "C") if atom != carbon]
        if before is not None and beyond:
            last = min(beyond, key=lambda atom: names[atom] != "CA")
            omegas[before, carbon, nitrogen, last] = len(beyond) > 1
    return omegas
