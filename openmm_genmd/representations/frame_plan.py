"""Which atoms of a peptide follow which residue frame, without tearing it: `FramePlan`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_plan import CarriedAtom, RebuildPlan, Rotor
from openmm_genmd.representations.residue_types import TORSION_NAMES
from openmm_genmd.representations.rotatable_bonds import Torsion

Pairs = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class FramePlan:
    """What frames and torsions move in a peptide; indices are those in its own Topology.

    Each atom belongs to one residue, caps to the one that they are bonded to, and moves rigidly
    with its frame and with the torsions that it hangs on. The exceptions are `linked` atoms, which
    lie between two residues.

    Attributes
    ----------
    layout
        Of the peptide.
    owners
        ``(n_atoms,)`` int64: the residue whose frame an atom moves with.
    torsions
        All that no frame determines and that tear no ring: those of side chains; phi and pre-omega
        after a cap; psi at the end of a chain.
    token_columns
        Residue and column of `TORSION_NAMES` of each torsion.
    linked
        Carbonyl oxygens and amide hydrogens of the peptide bonds between two residues.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> plan = FramePlan.of(load_structure("alanine-dipeptide")[0])
    >>> [torsion.name for torsion in plan.torsions]
    ['pre-omega ALA 2', 'phi ALA 2', 'psi ALA 2']
    """

    layout: ResidueLayout
    owners: NDArray[np.int64]
    torsions: tuple[Torsion, ...]
    token_columns: tuple[tuple[int, int], ...]
    linked: tuple[CarriedAtom, ...]

    @classmethod
    def of(cls, topology: app.Topology) -> Self:
        """Plan of a Topology that is one peptide and nothing else.

        Raises
        ------
        ValueError
            If it is not, or is incomplete (see `ResidueLayout.from_topology`); if two residues are
            linked by another bond than a peptide bond of the backbone.
        """
        layout = ResidueLayout.from_topology(topology)
        plan = RebuildPlan.of(layout, topology)
        bonds = np.array([[atom.index for atom in bond] for bond in topology.bonds()])
        _require_no_bridge(plan.owners, layout, bonds, topology)
        residues = [list(topology.atoms())[alpha].residue for alpha in layout.backbone[:, 1]]
        rotors = [rotor for rotor in plan.rotors if _turns_one_side(rotor, bonds)]
        rotors.sort(key=lambda rotor: (rotor.residue, rotor.column))
        return cls(
            layout=layout,
            owners=plan.owners,
            torsions=tuple(_torsion(rotor, residues[rotor.residue]) for rotor in rotors),
            token_columns=tuple((rotor.residue, rotor.column) for rotor in rotors),
            linked=tuple(c for c in plan.carried if plan.owners[c.first] != plan.owners[c.second]),
        )


def _torsion(rotor: Rotor, residue: app.Residue) -> Torsion:
    name = f"{TORSION_NAMES[rotor.column]} {residue.name} {residue.id}"
    return Torsion(rotor.corners, name, rotor.moving)


def _turns_one_side(rotor: Rotor, bonds: Pairs) -> bool:
    """Whether no bond but the one that is turned leaves the moving side: proline's ring closes."""
    inside = np.isin(bonds, rotor.moving)
    return int((inside[:, 0] != inside[:, 1]).sum()) == 1


def _require_no_bridge(
    owners: NDArray[np.int64], layout: ResidueLayout, bonds: Pairs, topology: app.Topology
) -> None:
    nitrogen, _, carbon = layout.backbone.T
    first, second = bonds.T
    peptide = (np.isin(first, carbon) & np.isin(second, nitrogen)) | (
        np.isin(first, nitrogen) & np.isin(second, carbon)
    )
    bridges = np.flatnonzero((owners[first] != owners[second]) & ~peptide)
    if len(bridges):
        atoms = list(topology.atoms())
        one, other = (atoms[n] for n in bonds[bridges[0]])
        raise ValueError(
            f"residues {one.residue.name} {one.residue.id} and {other.residue.name} "
            f"{other.residue.id} are bridged by a bond {one.name}-{other.name}, which frames and "
            "side chains that move on their own would tear; use TorsionRepresentation, which "
            "leaves the bonds of such a ring alone"
        )
