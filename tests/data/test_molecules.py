"""Tests of `openmm_genmd.data.molecules`."""

import openmm
import pytest
from openmm import app

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.data.structures import load_structure

FORCE_FIELD = app.ForceField("amber99sbildn.xml", "tip4pew.xml")


def _without_bonds(topology):
    bare = app.Topology()
    chain = bare.addChain()
    for residue in topology.residues():
        copy = bare.addResidue(residue.name, chain)
        for atom in residue.atoms():
            bare.addAtom(atom.name, atom.element, copy)
    return bare


@pytest.mark.parametrize("constraints", [None, app.HBonds, app.AllBonds, app.HAngles])
def test_bonds_come_from_the_system_where_the_topology_has_none(constraints):
    topology, _ = load_structure("alanine-dipeptide")
    system = FORCE_FIELD.createSystem(topology, constraints=constraints)
    graph = BondGraph.of(_without_bonds(topology), system)
    assert graph.bonds == BondGraph.of(topology).bonds
    assert graph.molecules == (tuple(range(22)),)


def test_without_system_atoms_without_bonds_stay_alone():
    topology, _ = load_structure("alanine-dipeptide")
    graph = BondGraph.of(_without_bonds(topology))
    assert graph.bonds == ()
    assert graph.molecules == tuple((n,) for n in range(22))


def test_topology_wins_over_the_system():
    topology, _ = load_structure("alanine-dipeptide")
    system = FORCE_FIELD.createSystem(topology)
    restraint = openmm.HarmonicBondForce()
    restraint.addBond(0, 21, 0.5, 10.0)
    system.addForce(restraint)
    assert (0, 21) not in BondGraph.of(topology, system).bonds


def test_virtual_sites_belong_to_their_molecule():
    topology = app.Topology()
    chain = topology.addChain()
    for _ in range(2):
        residue = topology.addResidue("HOH", chain)
        oxygen, *hydrogens = (
            topology.addAtom(name, app.Element.getBySymbol(name[0]), residue)
            for name in ("O", "H1", "H2")
        )
        topology.addAtom("M", None, residue)
        for hydrogen in hydrogens:
            topology.addBond(oxygen, hydrogen)
    system = FORCE_FIELD.createSystem(topology)
    assert BondGraph.of(topology).molecules == ((0, 1, 2), (3,), (4, 5, 6), (7,))
    graph = BondGraph.of(topology, system)
    assert graph.molecules == ((0, 1, 2, 3), (4, 5, 6, 7))
    assert graph.virtual_sites == {3: 0, 7: 4}


def test_bond_orders_are_read():
    topology = app.Topology()
    residue = topology.addResidue("BUT", topology.addChain())
    a, b, c, d = (topology.addAtom(name, app.element.carbon, residue) for name in "abcd")
    topology.addBond(a, b, order=1)
    topology.addBond(c, b, order=2)
    topology.addBond(c, d, type=app.Amide)
    assert BondGraph.of(topology).double_bonds == {(1, 2), (2, 3)}


def test_wrong_system_is_an_error():
    topology, _ = load_structure("alanine-dipeptide")
    with pytest.raises(ValueError, match="Topology has 22 atoms but the System 0 particles; pass"):
        BondGraph.of(topology, openmm.System())
