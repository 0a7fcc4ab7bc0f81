"""Which atoms are bonded and which form a molecule, from a Topology and a System: `BondGraph`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import openmm
from openmm import app

Pair = tuple[int, int]


@dataclass(frozen=True)
class BondGraph:
    """Bonds and molecules of a Topology, indices as in the System.

    Attributes
    ----------
    bonds
        Pairs of bonded atoms, each sorted, all of them in ascending order.
    double_bonds
        Those of `bonds` that the Topology calls double, triple, aromatic or amide.
    virtual_sites
        Virtual site -> particle that it goes with (the first that its position is computed from).
    molecules
        Sorted atom indices of each molecule, virtual sites included, in the order of first atoms.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> graph = BondGraph.of(load_structure("alanine-dipeptide")[0])
    >>> len(graph.bonds), len(graph.molecules)
    (21, 1)
    """

    bonds: tuple[Pair, ...]
    double_bonds: frozenset[Pair]
    virtual_sites: dict[int, int]
    molecules: tuple[tuple[int, ...], ...]

    @cached_property
    def neighbours(self) -> dict[int, list[int]]:
        """Bonded atom -> the atoms that it is bonded to, virtual sites left out."""
        neighbours: dict[int, list[int]] = {}
        for a, b in self.bonds:
            if a in self.virtual_sites or b in self.virtual_sites:
                continue
            neighbours.setdefault(a, []).append(b)
            neighbours.setdefault(b, []).append(a)
        return neighbours

    @classmethod
    def of(cls, topology: app.Topology, system: openmm.System | None = None) -> BondGraph:
        """Bond graph of a Topology.

        Parameters
        ----------
        topology
            Its bonds are used as they are.
        system
            Atoms without any bond in the Topology get theirs from HarmonicBondForce and from the
            constraints of this System; virtual sites are known from it alone.

        Raises
        ------
        ValueError
            If Topology and System differ in their number of particles.
        """
        check_particle_count(topology, system)
        bonds = {_pair(bond[0].index, bond[1].index) for bond in topology.bonds()}
        if system is not None:
            bonded = {atom for pair in bonds for atom in pair}
            found = _bonds_of_system(topology, system)
            bonds |= {pair for pair in found if not (pair[0] in bonded and pair[1] in bonded)}
        sites = {} if system is None else dict(_virtual_sites(system))
        molecules = _components(topology.getNumAtoms(), [*bonds, *sites.items()])
        return cls(tuple(sorted(bonds)), frozenset(_double_bonds(topology)), sites, molecules)


def check_particle_count(topology: app.Topology, system: openmm.System | None) -> None:
    """None if Topology and System describe equally many particles.

    Raises
    ------
    ValueError
        If they do not.
    """
    if system is not None and system.getNumParticles() != topology.getNumAtoms():
        raise ValueError(
            f"the Topology has {topology.getNumAtoms()} atoms but the System "
            f"{system.getNumParticles()} particles; pass the Topology that the System was made from"
        )


def add_missing_bonds(topology: app.Topology, graph: BondGraph) -> None:
    """Give a Topology the bonds of its graph that it lacks: PDB files leave out those of ligands.

    Parameters
    ----------
    topology
        Changed in place.
    graph
        Of this Topology and a System.
    """
    have = {_pair(bond[0].index, bond[1].index) for bond in topology.bonds()}
    atoms = list(topology.atoms())
    for a, b in graph.bonds:
        if (a, b) not in have:
            topology.addBond(atoms[a], atoms[b])


def _pair(a: int, b: int) -> Pair:
    return (a, b) if a < b else (b, a)


def _double_bonds(topology: app.Topology) -> Iterator[Pair]:
    kinds = (app.Double, app.Triple, app.Aromatic, app.Amide)
    for bond in topology.bonds():
        if bond.type in kinds or (bond.order is not None and bond.order > 1):
            yield _pair(bond[0].index, bond[1].index)


def _virtual_sites(system: openmm.System) -> Iterator[Pair]:
    for index in range(system.getNumParticles()):
        if system.isVirtualSite(index):
            yield index, system.getVirtualSite(index).getParticle(0)


def _bonds_of_system(topology: app.Topology, system: openmm.System) -> set[Pair]:
    bonds = {
        _pair(*force.getBondParameters(n)[:2])
        for force in system.getForces()
        if isinstance(force, openmm.HarmonicBondForce)
        for n in range(force.getNumBonds())
    }
    bonded = {atom for pair in bonds for atom in pair}
    return bonds | _bonds_of_constraints(topology, system, bonded)


def _bonds_of_constraints(
    topology: app.Topology, system: openmm.System, bonded: set[int]
) -> set[Pair]:
    """Constraints that stand for bonds: a constrained angle (H-X-H, H-O-X) is not one of them."""
    hydrogen = [atom.element is app.element.hydrogen for atom in topology.atoms()]
    bonds: set[Pair] = set()
    nearest: dict[int, tuple[float, Pair]] = {}
    for n in range(system.getNumConstraints()):
        a, b, distance = system.getConstraintParameters(n)
        if not (hydrogen[a] or hydrogen[b]):
            bonds.add(_pair(a, b))
        elif hydrogen[a] != hydrogen[b]:
            # A hydrogen has one bond: its shortest constraint, unless HarmonicBondForce has it.
            proton = a if hydrogen[a] else b
            candidate = (distance._value, _pair(a, b))
            nearest[proton] = min(nearest.get(proton, candidate), candidate)
    return bonds | {pair for proton, (_, pair) in nearest.items() if proton not in bonded}


def _components(n_atoms: int, pairs: Iterable[Pair]) -> tuple[tuple[int, ...], ...]:
    neighbours: list[list[int]] = [[] for _ in range(n_atoms)]
    for a, b in pairs:
        neighbours[a].append(b)
        neighbours[b].append(a)
    seen = [False] * n_atoms
    molecules = []
    for start in range(n_atoms):
        if seen[start]:
            continue
        seen[start] = True
        reached = [start]
        for atom in reached:
            fresh = [other for other in neighbours[atom] if not seen[other]]
            for other in fresh:
                seen[other] = True
            reached += fresh
        molecules.append(tuple(sorted(set(reached))))
    return tuple(molecules)
