"""Which bonds are found rotatable, and what moves."""

import itertools

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.rotatable_bonds import Torsion, find_torsions
from openmm_genmd.representations.torsions import TorsionRepresentation


def _names(topology, system=None, **options):
    graph = BondGraph.of(topology, system)
    found = find_torsions(topology, graph, graph.molecules, **options)
    return [torsion.name for torsions in found.values() for torsion in torsions]


def test_alanine_dipeptide_has_phi_and_psi(molecules):
    phi, psi = molecules["dipeptide"].representation.torsions
    assert (phi.name, phi.atoms) == ("phi ALA 2", (4, 6, 8, 14))
    assert (psi.name, psi.atoms) == ("psi ALA 2", (6, 8, 14, 16))
    assert phi.moving == tuple(range(8))
    assert psi.moving == tuple(range(14, 22))


def test_peptide_names(molecules):
    assert sorted(_names(molecules["peptide"].topology)) == sorted(
        ["phi SER 2", "psi SER 2", "chi1 SER 2", "phi LYS 3", "psi LYS 3"]
        + [f"chi{n} LYS 3" for n in (1, 2, 3, 4)]
        + ["psi PRO 4", "phi ILE 5", "psi ILE 5", "chi1 ILE 5", "chi2 ILE 5"]
    )


def test_dihedral_atoms_of_side_chains(molecules):
    molecule = molecules["peptide"]
    atoms = list(molecule.topology.atoms())
    found = {t.name: [atoms[n].name for n in t.atoms] for t in molecule.representation.torsions}
    chi1 = found["chi1 ILE 5"]
    assert (chi1 if chi1[0] == "N" else chi1[::-1]) == ["N", "CA", "CB", "CG1"]
    chi1 = found["chi1 SER 2"]
    assert (chi1 if chi1[0] == "N" else chi1[::-1]) == ["N", "CA", "CB", "OG"]


def test_omega_and_methyl_on_request(molecules):
    topology = molecules["dipeptide"].topology
    assert _names(topology, include_omega=True) == [
        "omega ALA 2",
        "phi ALA 2",
        "psi ALA 2",
        "omega NME 3",
    ]
    assert len(_names(topology, include_methyl=True)) == 5


def test_guanidinium_and_hydroxyl_are_left_out(build):
    topology = build["peptide"](["ACE", "ARG", "TYR", "NME"])
    names = _names(topology)
    assert "chi4 ARG 2" in names
    assert "chi5 ARG 2" not in names
    assert "CZ-OH TYR 3" not in names
    assert "chi5 ARG 2" in _names(topology, include_omega=True)
    assert "CZ-OH TYR 3" in _names(topology, include_methyl=True)


def test_ligands(molecules):
    assert _names(molecules["biphenyl"].topology) == ["C1-C7 BPH 1"]
    assert _names(molecules["hexane"].topology) == ["C2-C3 ALK 1", "C3-C4 ALK 1", "C4-C5 ALK 1"]


def test_ester_nitrile_and_known_double_bonds_are_left_out(build):
    # CH3-CH2-C(=O)-O-CH2-CH2-C#N, then CH3-CH=CH-CH3 without hydrogens.
    heavy = [(0, 1), (1, 2), (2, 3), (2, 4), (4, 5), (5, 6), (6, 7), (7, 8)]
    hydrogens = [(carbon, 9 + n) for n, carbon in enumerate((0, 0, 0, 1, 1, 5, 5, 6, 6))]
    ester = build["graph"]("EST", "CCCOOCCCN" + "H" * 9, heavy + hydrogens)
    assert _names(ester) == ["C2-C3 EST 1", "O5-C6 EST 1", "C6-C7 EST 1"]
    with_ester_bond = _names(ester, include_omega=True)
    assert "C3-O5 EST 1" in with_ester_bond
    assert "C7-C8 EST 1" not in with_ester_bond
    butene = build["graph"]("BUE", "CCCC", [(0, 1), (2, 3)])
    atoms = list(butene.atoms())
    butene.addBond(atoms[1], atoms[2], type=app.Double)
    assert _names(butene, include_methyl=True) == []


def test_side_is_never_larger_than_half(molecules):
    for molecule in molecules.values():
        for torsion in molecule.representation.torsions:
            assert 2 * len(torsion.moving) <= molecule.topology.getNumAtoms()


def test_bonds_of_a_ligand_come_from_the_system(molecules, build):
    bare = app.Topology()
    residue = bare.addResidue("ALK", bare.addChain())
    system, force = openmm.System(), openmm.HarmonicBondForce()
    for atom in molecules["hexane"].topology.atoms():
        bare.addAtom(atom.name, atom.element, residue)
        system.addParticle(atom.element.mass)
    for a, b in molecules["hexane"].topology.bonds():
        if app.element.hydrogen in (a.element, b.element):
            system.addConstraint(a.index, b.index, 0.109)
        else:
            force.addBond(a.index, b.index, 0.15, 1000.0)
    system.addForce(force)
    assert TorsionRepresentation.from_topology(bare, system) == molecules["hexane"].representation


@pytest.mark.parametrize("bonded", [False, True])
def test_virtual_sites_go_with_their_parent(bonded):
    topology, system = app.Topology(), openmm.System()
    residue = topology.addResidue("LIG", topology.addChain())
    chain = [topology.addAtom(f"S{n}", app.element.sulfur, residue) for n in range(4)]
    for a, b in itertools.pairwise(chain):
        topology.addBond(a, b)
    for _ in chain:
        system.addParticle(32.0)
    for n, parent in enumerate((0, 3)):
        site = topology.addAtom(f"M{n}", None, residue)
        if bonded:
            topology.addBond(site, chain[parent])
        system.addParticle(0.0)
        system.setVirtualSite(4 + n, openmm.TwoParticleAverageSite(parent, (1, 2)[n], 0.5, 0.5))
    representation = TorsionRepresentation.from_topology(topology, system)
    assert representation.particles == (0, 1, 2, 3, 4, 5)
    assert [t.moving for t in representation.torsions] == [(2, 3, 5)]


def test_pivot_and_direction_of_either_side():
    upper, lower = (Torsion((0, 1, 2, 3), "t", side) for side in ((2, 3), (0, 1)))
    assert (upper.pivot, upper.direction) == (2, 1)
    assert (lower.pivot, lower.direction) == (1, -1)


@pytest.mark.parametrize("seed", range(5))
def test_bridges_agree_with_removal_of_each_bond(seed, build):
    rng = np.random.default_rng(seed)
    bonds = sorted({(int(rng.integers(n)), n) for n in range(1, 12)} | {(1, 7), (3, 9)})
    topology = build["graph"]("RND", "S" * 12, bonds)
    (found,) = find_torsions(topology, BondGraph.of(topology), [tuple(range(12))]).values()
    degree = np.bincount(np.ravel(bonds), minlength=12)
    expected = [
        bond
        for bond in bonds
        if _n_molecules(build, [b for b in bonds if b != bond]) == 2
        and degree[list(bond)].min() > 1
    ]
    assert [t.atoms[1:3] for t in found] == expected


def _n_molecules(build, bonds):
    return len(BondGraph.of(build["graph"]("RND", "S" * 12, bonds)).molecules)
