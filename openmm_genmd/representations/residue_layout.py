"""Where the backbone and the torsions of each amino acid are in a Topology: `ResidueLayout`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.representations.peptide_bonds import PeptideBonds
from openmm_genmd.representations.residue_types import (
    CAPS,
    RESIDUE_TYPES,
    TORSION_NAMES,
    chi_chain,
    one_letter,
    other_atom_name,
    residue_type,
)

_BACKBONE = ("N", "CA", "C")
_UNDEFINED = (-1, -1, -1, -1)
_COMPLETE_IT = (
    "complete the structure, for instance with PDBFixer (findMissingResidues, findMissingAtoms, "
    "addMissingAtoms), or rename the atoms as in the PDB"
)


@dataclass(frozen=True, eq=False)
class ResidueLayout:
    """Amino acids of a Topology, caps left out, and the atoms of their frames and torsions.

    Attributes
    ----------
    names
        Residue names as in the Topology, ``n_residues`` of them.
    types
        ``(n_residues,)`` int64, indices into `RESIDUE_TYPES`.
    backbone
        ``(n_residues, 3)`` int64, atom indices of N, CA and C.
    torsion_atoms
        ``(n_residues, 7, 4)`` int64, atoms of pre-omega, phi, psi and chi1 to chi4, -1 where
        undefined. Pre-omega is the torsion of the peptide bond *before* the residue (CA, C, N, CA).
        Caps take part: CH3 of an acetyl counts as CA. Where a chain ends without a cap, psi is that
        of its second oxygen (OXT), which lies where the next N would be.
    n_atoms
        Atoms of the Topology.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> layout = ResidueLayout.from_topology(load_structure("alanine-dipeptide")[0])
    >>> layout.sequence, layout.backbone.tolist()
    ('A', [[6, 8, 14]])
    >>> layout.torsion_mask.tolist()  # pre-omega, phi, psi; alanine has no chi
    [[True, True, True, False, False, False, False]]
    """

    names: tuple[str, ...]
    types: NDArray[np.int64]
    backbone: NDArray[np.int64]
    torsion_atoms: NDArray[np.int64]
    n_atoms: int

    @classmethod
    def from_topology(cls, topology: app.Topology) -> Self:
        """Layout of all amino acids of a Topology, in its order.

        Parameters
        ----------
        topology
            Peptides with bonds and any hydrogens; an amino acid is what has atoms N, CA and C.

        Raises
        ------
        ValueError
            If there are no bonds, or something else than amino acids and caps (water, ions,
            ligands); if an atom of the backbone or of a side-chain torsion is missing or there
            twice, or a bond of the backbone is missing.
        """
        links = PeptideBonds(topology)
        residues = [_Residue(residue) for residue in _amino_acids(topology)]
        return cls(
            names=tuple(residue.name for residue in residues),
            types=np.array([RESIDUE_TYPES.index(r.kind) for r in residues], dtype=np.int64),
            backbone=np.array([r.backbone(links) for r in residues], dtype=np.int64),
            torsion_atoms=np.array([r.torsions(links) for r in residues], dtype=np.int64),
            n_atoms=topology.getNumAtoms(),
        )

    def __len__(self) -> int:
        """Return the number of amino acids."""
        return len(self.names)

    @property
    def torsion_mask(self) -> NDArray[np.bool_]:
        """``(n_residues, 7)`` bool: which torsions are defined."""
        return np.asarray((self.torsion_atoms >= 0).all(axis=-1))

    @property
    def sequence(self) -> str:
        """One-letter codes, X for what is not one of the 20 standard amino acids."""
        return "".join(one_letter(RESIDUE_TYPES[kind]) for kind in self.types)

    def matches(self, other: ResidueLayout) -> bool:
        """Whether the other layout has the same residue types at the same atoms."""
        return (
            self.n_atoms == other.n_atoms
            and np.array_equal(self.types, other.types)
            and np.array_equal(self.backbone, other.backbone)
            and np.array_equal(self.torsion_atoms, other.torsion_atoms)
        )


def _amino_acids(topology: app.Topology) -> Iterator[app.Residue]:
    """Amino acids and nothing else: caps are skipped, whatever else there is is refused."""
    found = False
    for residue in topology.residues():
        names = {atom.name for atom in residue.atoms()}
        if names.issuperset(_BACKBONE):
            found = True
            yield residue
        elif residue.name.upper() not in CAPS:
            raise ValueError(_stranger(residue, names))
    if not found:
        raise ValueError(
            f"expected a peptide, got {topology.getNumResidues()} residues without an amino acid "
            "(which has atoms N, CA and C); give the topology of a peptide"
        )


def _stranger(residue: app.Residue, names: set[str]) -> str:
    missing = [name for name in _BACKBONE if name not in names]
    if residue_type(residue.name) != "UNK":
        return (
            f"{_label(residue)} has no atom {', '.join(missing)}, only "
            f"{', '.join(sorted(names))}; {_COMPLETE_IT}"
        )
    return (
        f"{_label(residue)} is neither an amino acid (it has no {', '.join(missing)}) nor one of "
        f"the caps {', '.join(sorted(CAPS))}; take water, ions and ligands out of topology and "
        "trajectory first, for instance with mdtraj: "
        "trajectory.atom_slice(trajectory.topology.select('protein'))"
    )


def _label(residue: app.Residue) -> str:
    return f"residue {residue.name} {residue.id} of chain {residue.chain.id}"


class _Residue:
    """One amino acid of a Topology."""

    def __init__(self, residue: app.Residue) -> None:
        self.name = residue.name
        self.kind = residue_type(residue.name)
        self._label = _label(residue)
        self._atoms: dict[str, int] = {atom.name: atom.index for atom in residue.atoms()}

        self._require_unique((*_BACKBONE, *chi_chain(self.kind)), residue)

    def backbone(self, links: PeptideBonds) -> list[int]:
        n, alpha, c = (self._atoms[name] for name in _BACKBONE)
        bonded = links.neighbours.get(alpha, [])
        if n not in bonded or c not in bonded:
            raise ValueError(
                f"{self._label} has no bonds N-CA and CA-C in the Topology; call its "
                "createStandardBonds(), or add them with addBond()"
            )
        return [n, alpha, c]

    def torsions(self, links: PeptideBonds) -> list[tuple[int, ...]]:
        """Four atoms for each of `TORSION_NAMES`."""
        n, alpha, c = (self._atoms[name] for name in _BACKBONE)
        before, after = self._before(links), self._after(links)
        torsions = [_UNDEFINED] * len(TORSION_NAMES)
        if before is not None:
            first = links.carbon_beside(before)
            if first is not None:
                torsions[0] = (first, before, n, alpha)
            torsions[1] = (before, n, alpha, c)
        if after is not None:
            torsions[2] = (n, alpha, c, after)
        chain = [self._side_chain_atom(name) for name in chi_chain(self.kind)]
        for chi in range(max(0, len(chain) - 3)):
            i, j, k, l = chain[chi : chi + 4]  # noqa: E741
            torsions[3 + chi] = (i, j, k, l)
        return list(torsions)

    def _require_unique(self, names: tuple[str, ...], residue: app.Residue) -> None:
        present = [atom.name for atom in residue.atoms()]
        repeated = [name for name in names if present.count(name) > 1]
        if repeated:
            raise ValueError(
                f"{self._label} has several atoms named {repeated[0]}; keep one of its alternate "
                "locations, or rename the atoms as in the PDB"
            )

    def _before(self, links: PeptideBonds) -> int | None:
        """Carbon of the peptide bond to the residue before; not pyroglutamate's in its ring."""
        n, alpha = self._atoms["N"], self._atoms["CA"]
        carbon = links.carbonyl_before(n)
        if carbon is None or alpha in links.reach(carbon, {n}, set(self._atoms.values())):
            return None
        return carbon

    def _after(self, links: PeptideBonds) -> int | None:
        """The next nitrogen, or the second oxygen where the chain ends without a cap."""
        nitrogen = links.nitrogen_after(self._atoms["C"])
        if nitrogen is not None:
            return nitrogen
        names = {atom: name for name, atom in self._atoms.items()}
        oxygens = links.bonded(self._atoms["C"], "O")
        oxygens.sort(key=lambda atom: (names.get(atom) != "O", names.get(atom, "")))
        return oxygens[-1] if len(oxygens) > 1 else None

    def _side_chain_atom(self, name: str) -> int:
        if name in self._atoms:
            return self._atoms[name]
        other = other_atom_name(self.kind, name)
        if other is not None and other in self._atoms:
            return self._atoms[other]
        raise ValueError(
            f"{self._label} has no atom {name}, only {', '.join(sorted(self._atoms))}; "
            f"{_COMPLETE_IT}"
        )
