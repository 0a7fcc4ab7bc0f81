"""The Topology of one peptide, out of a larger one or out of its fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from openmm import app

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.selection import describe_molecule, molecules_of

_BACKBONE = {"N", "CA", "C"}


def peptide_topology(
    fingerprint: TopologyFingerprint, residue_ids: Sequence[str] | None = None
) -> app.Topology:
    """Topology, in one chain, of the molecule that a fingerprint is of.

    Parameters
    ----------
    fingerprint
        Of the molecule.
    residue_ids
        For people, one for each residue; numbers from 1 by default.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> same = peptide_topology(TopologyFingerprint.of(topology, range(22)))
    >>> same.getNumResidues(), same.getNumBonds()
    (3, 21)
    """
    topology = app.Topology()
    chain = topology.addChain()
    added = []
    numbered = groupby(range(len(fingerprint)), key=fingerprint.residue_indices.__getitem__)
    for count, (_, places) in enumerate(numbered):
        atoms = list(places)
        name = fingerprint.residue_names[atoms[0]]
        residue = topology.addResidue(name, chain, residue_ids[count] if residue_ids else None)
        for atom in atoms:
            symbol = fingerprint.elements[atom]
            element = app.Element.getBySymbol(symbol) if symbol else None
            added.append(topology.addAtom(fingerprint.names[atom], element, residue))
    for a, b in fingerprint.bonds:
        topology.addBond(added[a], added[b])
    return topology


def select_peptide(
    topology: app.Topology, graph: BondGraph, atoms: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Atoms of the one molecule of a Topology that has amino acids.

    Parameters
    ----------
    topology, graph
        The system and its bonds.
    atoms
        Some or all atoms of the molecule, if there are several with amino acids.

    Raises
    ------
    ValueError
        If there is none, or there are several; if ``atoms`` are no atoms of one molecule.
    """
    molecule_of = {
        atom: molecule
        for molecule in molecules_of(graph, topology.getNumAtoms(), atoms)
        for atom in molecule
    }
    touched = (
        {molecule_of.get(atom.index, ()) for atom in residue.atoms() if atom.name in _BACKBONE}
        for residue in topology.residues()
        if {atom.name for atom in residue.atoms()} >= _BACKBONE
    )
    peptides = sorted({one for one, *others in touched if one and not others})
    if not peptides:
        raise ValueError(
            "there is no peptide here: no molecule has the bonded atoms N, CA and C of an amino "
            "acid; for other molecules use TorsionRepresentation, and pass system= if bonds are "
            "missing in the Topology"
        )
    if len(peptides) > 1:
        shown = "; ".join(describe_molecule(topology, molecule) for molecule in peptides[:3])
        more = "; …" if len(peptides) > 3 else ""
        raise ValueError(
            f"{len(peptides)} molecules have amino acids ({shown}{more}); choose one with atoms="
        )
    return peptides[0]


def residue_ids(topology: app.Topology, molecule: Sequence[int]) -> list[str]:
    """Ids of the residues of a molecule, in their order."""
    everyone = list(topology.atoms())
    residues = dict.fromkeys(everyone[atom].residue for atom in molecule)
    return [residue.id for residue in residues]
