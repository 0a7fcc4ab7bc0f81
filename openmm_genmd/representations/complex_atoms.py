"""Heavy atoms of a receptor and its ligand with everything a network is told: `ComplexAtoms`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from openmm import app

from openmm_genmd.data.complex_limits import require_complex_size
from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.ligand_chemistry import (
    CHARGES,
    HYBRIDISATIONS,
    LARGEST_RING,
    charge_sign,
    hybridisation,
    smallest_rings,
)
from openmm_genmd.representations.residue_types import RESIDUE_TYPES, residue_type

Integers = NDArray[np.int64]

ELEMENTS = ("other", "C", "N", "O", "S", "P", "F", "Cl", "Br", "I", "B", "Si", "Se")
"""Classes of elements."""

ATOM_NAMES = (
    *("N", "CA", "C", "CB", "O", "CG", "CG1", "CG2", "OG", "OG1", "SG", "CD", "CD1", "CD2"),
    *("ND1", "ND2", "OD1", "OD2", "SD", "CE", "CE1", "CE2", "CE3", "NE", "NE1", "NE2", "OE1"),
    *("OE2", "CH2", "NH1", "NH2", "OH", "CZ", "CZ2", "CZ3", "NZ", "OXT", "other"),
)
"""Names of the heavy atoms of proteins, and one for all others."""

RING_SIZES = (0, *range(3, LARGEST_RING + 1))
"""Atoms of the smallest ring that an atom is in; 0 for none."""

FEATURE_SIZES = {
    "elements": len(ELEMENTS),
    "residue_types": len(RESIDUE_TYPES),
    "atom_names": len(ATOM_NAMES),
    "hybridisations": len(HYBRIDISATIONS),
    "ring_sizes": len(RING_SIZES),
    "charges": len(CHARGES),
    "is_ligand": 2,
}
"""Number of classes of each feature, in the order of `ComplexAtoms.features`."""

FAR, OTHER_MOLECULE = 4, 5
"""Bonds between two atoms: 4 stands for all more, 5 for those that no bonds connect."""

_FEWEST_RECEPTOR_ATOMS = 3
_RADII_ANGSTROM = {
    **{"C": 1.70, "N": 1.55, "O": 1.52, "S": 1.80, "P": 1.80, "F": 1.47, "Cl": 1.75},
    **{"Br": 1.85, "I": 1.98, "B": 1.92, "Si": 2.10, "Se": 1.90, "other": 1.80},
}


@dataclass(frozen=True, eq=False)
class ComplexAtoms:
    """All heavy atoms of a receptor and its ligand, as typed tokens.

    Classes are counted as in `ELEMENTS`, `RESIDUE_TYPES`, `ATOM_NAMES`, `HYBRIDISATIONS`,
    `RING_SIZES` and `CHARGES`. Everything follows from elements, names and bonds, hydrogens
    included: a Topology without hydrogens gives wrong classes.

    Attributes
    ----------
    particles
        ``(n,)`` int64, indices in the Topology, ascending.
    elements, residue_types, atom_names, hybridisations, ring_sizes, charges
        ``(n,)`` int64. Atoms outside proteins have the last residue type and atom name.
    is_ligand
        ``(n,)`` bool.
    separations
        ``(n, n)`` int8: bonds between two atoms, 4 for all more, 5 between molecules.

    References
    ----------
    Radii: Bondi, J. Phys. Chem. 68, 441 (1964); for B and Si Mantina et al., J. Phys. Chem. A
    113, 5806 (2009).

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> topology, _ = build_peptide("GSF")
    >>> phenylalanine = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    >>> atoms = ComplexAtoms.of(topology, phenylalanine)
    >>> len(atoms), int(atoms.is_ligand.sum()), int(atoms.in_ring.sum())
    (26, 11, 6)
    """

    particles: Integers
    elements: Integers
    residue_types: Integers
    atom_names: Integers
    hybridisations: Integers
    ring_sizes: Integers
    charges: Integers
    is_ligand: NDArray[np.bool_]
    separations: NDArray[np.int8]

    @classmethod
    def of(
        cls,
        topology: app.Topology,
        ligand: Iterable[int],
        *,
        system: openmm.System | None = None,
        receptor: Iterable[int] | None = None,
    ) -> Self:
        """Tokens of a complex.

        Parameters
        ----------
        topology
            All atoms.
        ligand
            Indices of the ligand's; its hydrogens may be there or not.
        system
            Where atoms have no bonds in the Topology, those of HarmonicBondForce and constraints
            count.
        receptor
            Indices of atoms, for instance from `pocket_residues`; by default all molecules but the
            ligand and those with a single heavy atom, which are water and ions.

        Raises
        ------
        ValueError
            If an index is not one of an atom, an atom is in both parts, a part has no heavy atoms
            or too many.
        """
        graph = BondGraph.of(topology, system)
        symbols = ["" if a.element is None else a.element.symbol for a in topology.atoms()]
        heavy = [symbol not in ("", "H", "D") for symbol in symbols]
        in_ligand = _checked("ligand", ligand, len(symbols))
        if receptor is None:
            chosen = {atom for m in graph.molecules if sum(heavy[a] for a in m) > 1 for atom in m}
            in_receptor = chosen - in_ligand
        else:
            in_receptor = _checked("receptor", receptor, len(symbols))
            if both := in_receptor & in_ligand:
                raise ValueError(
                    f"atom {min(both)} is given as ligand and as receptor; expected it in one of "
                    "them"
                )
        ligand_atoms, receptor_atoms = (
            [a for a in sorted(part) if heavy[a]] for part in (in_ligand, in_receptor)
        )
        atoms = list(topology.atoms())
        _check_sizes(ligand_atoms, receptor_atoms, atoms)
        return cls._typed(sorted(ligand_atoms + receptor_atoms), in_ligand, atoms, symbols, graph)

    @classmethod
    def _typed(
        cls,
        particles: list[int],
        ligand: set[int],
        atoms: list[app.topology.Atom],
        symbols: list[str],
        graph: BondGraph,
    ) -> Self:
        heavy_bonds = [(a, b) for a, b in graph.bonds if "H" not in (symbols[a], symbols[b])]
        rings = smallest_rings(heavy_bonds)
        kinds = [residue_type(atoms[p].residue.name) for p in particles]
        names = [
            "other" if kind == "UNK" else atoms[p].name
            for p, kind in zip(particles, kinds, strict=True)
        ]
        around = graph.neighbours
        return cls(
            particles=np.array(particles, dtype=np.int64),
            elements=_classes(ELEMENTS, (symbols[p] for p in particles), "other"),
            residue_types=_classes(RESIDUE_TYPES, kinds, "UNK"),
            atom_names=_classes(ATOM_NAMES, names, "other"),
            hybridisations=_classes(
                HYBRIDISATIONS, (hybridisation(p, symbols, around) for p in particles), "other"
            ),
            ring_sizes=_classes(RING_SIZES, (rings.get(p, 0) for p in particles), 0),
            charges=_classes(
                CHARGES, (charge_sign(p, symbols, around) for p in particles), "neutral"
            ),
            is_ligand=np.array([p in ligand for p in particles]),
            separations=_separations(particles, heavy_bonds, graph.molecules),
        )

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.particles)

    @property
    def in_ring(self) -> NDArray[np.bool_]:
        """Which atoms are in a ring of up to eight, ``(n,)``."""
        return self.ring_sizes > 0

    @cached_property
    def features(self) -> Integers:
        """All classes, ``(n, 7)`` int64, columns as in `FEATURE_SIZES`."""
        return np.stack([np.asarray(getattr(self, name)) for name in FEATURE_SIZES], axis=1).astype(
            np.int64
        )

    @cached_property
    def bonds(self) -> Integers:
        """Pairs ``(n_bonds, 2)`` int64 of bonded tokens, the smaller first."""
        return np.argwhere(np.triu(self.separations == 1)).astype(np.int64)

    @cached_property
    def ligand_bonds(self) -> Integers:
        """Those of `bonds` within the ligand."""
        return np.asarray(self.bonds[self.is_ligand[self.bonds].all(axis=1)])

    @cached_property
    def radii_angstrom(self) -> NDArray[np.float32]:
        """Van der Waals radii ``(n,)`` float32."""
        radii = np.array([_RADII_ANGSTROM[symbol] for symbol in ELEMENTS], dtype=np.float32)
        return radii[self.elements]

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal digest of everything."""
        digest = hashlib.sha256()
        for field in fields(self):
            digest.update(np.ascontiguousarray(getattr(self, field.name)).tobytes())
        return digest.hexdigest()


def pocket_residues(
    topology: app.Topology, positions_nm: ArrayLike, ligand: Iterable[int], *, radius_nm: float
) -> Integers:
    """Indices of all atoms of the residues near a ligand, ascending, int64.

    A residue is near if one of its heavy atoms is within the radius of one of the ligand's.
    Residues with a single heavy atom, water and ions, are left out.

    Parameters
    ----------
    topology
        All atoms.
    positions_nm
        ``(n_atoms, 3)``, nm, for instance of the bound complex; of one periodic image.
    ligand
        Indices of its atoms.
    radius_nm
        Largest distance.

    Raises
    ------
    ValueError
        If the positions do not fit the Topology, the radius is not positive, the ligand has no
        heavy atom, or no residue is near.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> topology, positions = build_peptide("AAAAAAF")
    >>> last = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    >>> pocket = pocket_residues(topology, positions, last, radius_nm=0.3)
    >>> sorted({a.residue.index for a in topology.atoms() if a.index in set(pocket)})
    [6, 8]
    """
    positions = np.asarray(positions_nm, dtype=np.float64)
    if positions.shape != (topology.getNumAtoms(), 3):
        raise ValueError(
            f"positions must have shape ({topology.getNumAtoms()}, 3) to fit the Topology, got "
            f"{positions.shape}"
        )
    if not radius_nm > 0:
        raise ValueError(f"radius_nm must be positive, got {radius_nm}")
    in_ligand = _checked("ligand", ligand, len(positions))
    heavy = {a.index for a in topology.atoms() if _is_heavy(a)}
    reference = positions[sorted(in_ligand & heavy)]
    if not len(reference):
        raise ValueError("the ligand has no heavy atom; give the indices of all its atoms")
    found: list[int] = []
    for residue in topology.residues():
        members = [a.index for a in residue.atoms() if a.index not in in_ligand]
        inside = [m for m in members if m in heavy]
        if len(inside) > 1 and _nearest(positions[inside], reference) <= radius_nm:
            found += members
    if not found:
        raise ValueError(
            f"no residue has a heavy atom within {radius_nm:g} nm of the ligand; use a larger "
            "radius, and positions in which the ligand is bound"
        )
    return np.array(sorted(found), dtype=np.int64)


def _is_heavy(atom: app.topology.Atom) -> bool:
    return atom.element is not None and atom.element.symbol not in ("H", "D")


def _nearest(points: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(points[:, None] - others[None], axis=-1).min())


def _checked(what: str, indices: Iterable[int], n_atoms: int) -> set[int]:
    chosen = {int(index) for index in indices}
    if wrong := [index for index in sorted(chosen) if not 0 <= index < n_atoms]:
        raise ValueError(
            f"{what} must name atoms between 0 and {n_atoms - 1}, got index {wrong[0]}"
        )
    return chosen


def _check_sizes(
    ligand: Sequence[int], receptor: Sequence[int], atoms: Sequence[app.topology.Atom]
) -> None:
    if not ligand:
        raise ValueError("the ligand has no heavy atom; give the indices of all its atoms")
    if len(receptor) < _FEWEST_RECEPTOR_ATOMS:
        raise ValueError(
            f"the receptor has {len(receptor)} heavy atoms, expected {_FEWEST_RECEPTOR_ATOMS} at "
            "least; give a complex of two molecules, and check which atoms are given as ligand"
        )
    residues = {atoms[atom].residue.index for atom in receptor}
    require_complex_size(
        len(residues),
        len(ligand),
        "this complex",
        remedy="give those around the ligand as receptor=pocket_residues(...)",
    )


def _classes(known: Sequence[Any], values: Iterable[Any], default: Any) -> Integers:
    number = {value: n for n, value in enumerate(known)}
    return np.array([number.get(value, number[default]) for value in values], dtype=np.int64)


def _separations(
    particles: Sequence[int],
    bonds: Iterable[tuple[int, int]],
    molecules: Sequence[Sequence[int]],
) -> NDArray[np.int8]:
    place = {particle: n for n, particle in enumerate(particles)}
    molecule = {atom: n for n, atoms in enumerate(molecules) for atom in atoms}
    of_molecule = np.array([molecule[particle] for particle in particles])
    same = of_molecule[:, None] == of_molecule
    found = np.where(same, FAR, OTHER_MOLECULE).astype(np.int8)
    neighbours: dict[int, list[int]] = {}
    for a, b in bonds:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    for particle, row in place.items():
        for atom, steps in _within(particle, neighbours):
            if atom in place:
                found[row, place[atom]] = steps
    return found


def _within(start: int, neighbours: dict[int, list[int]]) -> Iterator[tuple[int, int]]:
    """Atoms less than `FAR` bonds away, and how many."""
    seen, front = {start}, [start]
    for steps in range(FAR):
        for atom in front:
            yield atom, steps
        front = list(
            dict.fromkeys(o for a in front for o in neighbours.get(a, ()) if o not in seen)
        )
        seen.update(front)
