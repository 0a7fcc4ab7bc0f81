"""Tokens of complexes: classes, bonds, limits."""

from __future__ import annotations

from collections import Counter

import networkx
import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.complex_atoms import (
    ATOM_NAMES,
    ELEMENTS,
    RING_SIZES,
    ComplexAtoms,
    pocket_residues,
)
from openmm_genmd.representations.ligand_chemistry import (
    CHARGES,
    HYBRIDISATIONS,
    charge_sign,
    hybridisation,
    smallest_rings,
)
from openmm_genmd.representations.residue_types import RESIDUE_TYPES

from .small_complexes import (
    GUEST,
    RING,
    last_residue,
    openmmtools_topology,
    small_complex,
    small_ligand,
    small_topology,
    topology_of,
)


@pytest.fixture(scope="module")
def cb7():
    topology = openmmtools_topology("cb7-b2")
    return ComplexAtoms.of(topology, last_residue(topology))


@pytest.fixture(scope="module")
def lysozyme():
    return openmmtools_topology("T4-lysozyme-L99A-implicit")


def kinds(atoms, chosen):
    columns = (atoms.elements, atoms.hybridisations, atoms.ring_sizes, atoms.charges)
    names = (ELEMENTS, HYBRIDISATIONS, RING_SIZES, CHARGES)
    rows = zip(*(column[chosen].tolist() for column in columns), strict=True)
    return Counter(tuple(n[k] for n, k in zip(names, row, strict=True)) for row in rows)


def test_cucurbituril_and_its_guest(cb7):
    assert kinds(cb7, ~cb7.is_ligand) == {
        ("O", "sp2", 0, "neutral"): 14,
        ("C", "sp2", 5, "neutral"): 14,  # of the ureas
        ("N", "sp2", 5, "neutral"): 28,
        ("C", "sp3", 5, "neutral"): 14,  # CH-CH of the glycolurils
        ("C", "sp3", 8, "neutral"): 14,  # CH2 bridges
    }
    assert kinds(cb7, cb7.is_ligand) == {
        ("C", "sp3", 6, "neutral"): 8,  # bicyclooctane
        ("C", "sp3", 0, "neutral"): 2,
        ("O", "sp3", 0, "neutral"): 2,
    }
    assert (cb7.residue_types == RESIDUE_TYPES.index("UNK")).all()
    assert (cb7.atom_names == ATOM_NAMES.index("other")).all()
    assert (len(cb7.bonds), len(cb7.ligand_bonds)) == (118, 13)
    assert sorted(set(cb7.radii_angstrom.tolist())) == pytest.approx([1.52, 1.55, 1.70])


def test_a_protein_and_its_pocket(lysozyme):
    atoms = ComplexAtoms.of(lysozyme, last_residue(lysozyme))
    assert (len(atoms), atoms.is_ligand.sum()) == (1298, 8)
    assert kinds(atoms, atoms.is_ligand) == {
        ("C", "sp2", 6, "neutral"): 6,
        ("C", "sp3", 0, "neutral"): 2,
    }
    names = [a.name for a in lysozyme.atoms()]
    for place in range(0, 1290, 97):
        assert ATOM_NAMES[atoms.atom_names[place]] == names[atoms.particles[place]]
    charged = Counter(
        (RESIDUE_TYPES[kind], CHARGES[charge])
        for kind, charge in zip(atoms.residue_types, atoms.charges, strict=True)
        if CHARGES[charge] != "neutral"
    )
    count = Counter(r.name for r in lysozyme.residues())
    # The first residue's ammonium and the last one's carboxylate come on top.
    assert charged["ARG", "positive"] == 3 * count["ARG"]
    assert charged["ASP", "negative"] == 2 * count["ASP"]
    assert charged["LYS", "positive"] + charged["MET", "positive"] == count["LYS"] + 1


def test_separations_are_those_of_a_graph(cb7):
    graph = networkx.Graph(map(tuple, cb7.bonds.tolist()))
    lengths = dict(networkx.all_pairs_shortest_path_length(graph))
    for a in range(0, 96, 5):
        expected = [min(lengths[a][b], 4) if b in lengths[a] else 5 for b in range(96)]
        assert cb7.separations[a].tolist() == expected


def test_bonds_from_a_system():
    topology, bare = small_topology(), small_topology()
    bare._bonds = []
    system = openmm.System()
    bonds, atoms = openmm.HarmonicBondForce(), list(topology.atoms())
    for _ in atoms:
        system.addParticle(1.0)
    for a, b in topology.bonds():
        if "H" in (a.element.symbol, b.element.symbol):
            system.addConstraint(a.index, b.index, 0.1)
        else:
            bonds.addBond(a.index, b.index, 0.15, 1000.0)
    system.addForce(bonds)
    assert ComplexAtoms.of(bare, small_ligand(), system=system).sha256 == small_complex().sha256
    # Without the System every atom is a molecule of its own, with one heavy atom.
    with pytest.raises(ValueError, match=r"the receptor has 0 heavy atoms, expected 3 at least"):
        ComplexAtoms.of(bare, small_ligand())


def test_water_and_ions_are_no_receptor():
    water = ("HOH", ["O", "H", "H"], [(0, 1), (0, 2)])
    topology = topology_of(RING, GUEST, water, water, ("NA", ["Na"], []))
    assert len(ComplexAtoms.of(topology, small_ligand())) == 10
    assert ComplexAtoms.of(topology, small_ligand()).sha256 == small_complex().sha256


def test_receptor_may_be_chosen(lysozyme):
    ligand = last_residue(lysozyme)
    atoms = list(lysozyme.atoms())
    pocket = [a.index for a in atoms if a.residue.index in (98, 101, 102)]
    chosen = ComplexAtoms.of(lysozyme, ligand, receptor=pocket)
    whole = ComplexAtoms.of(lysozyme, ligand)
    assert {atoms[p].residue.index for p in chosen.particles} == {98, 101, 102, 162}
    places = np.flatnonzero(np.isin(whole.particles, chosen.particles))
    np.testing.assert_array_equal(chosen.features, whole.features[places])
    np.testing.assert_array_equal(chosen.separations, whole.separations[np.ix_(places, places)])


@pytest.mark.parametrize(
    ("symbols", "bonds", "expected"),
    [
        ("CHHHH", [(0, 1), (0, 2), (0, 3), (0, 4)], "sp3"),
        ("CCHH", [(0, 1), (0, 2), (0, 3)], "sp2"),
        ("CNH", [(0, 1), (0, 2)], "sp"),
        ("NC", [(0, 1)], "sp"),
        ("NCC", [(0, 1), (0, 2)], "sp2"),
        ("NHHH", [(0, 1), (0, 2), (0, 3)], "sp3"),
        ("NHHCOH", [(0, 1), (0, 2), (0, 3), (3, 4), (3, 5)], "sp2"),
        ("OCH", [(0, 1), (0, 2)], "sp3"),
        ("F" + "C", [(0, 1)], "sp3"),
        ("C", [], "other"),
        ("O", [], "other"),
    ],
)
def test_hybridisation(symbols, bonds, expected):
    assert hybridisation(0, symbols, around(bonds, len(symbols))) == expected


def around(bonds, n):
    return {k: [b if a == k else a for a, b in bonds if k in (a, b)] for k in range(n)}


@pytest.mark.parametrize(
    ("symbols", "bonds", "expected"),
    [
        ("OCOC", [(0, 1), (1, 2), (1, 3)], "negative"),  # carboxylate
        ("OCOCH", [(0, 1), (1, 2), (1, 3), (2, 4)], "neutral"),  # acid
        ("OSOOC", [(0, 1), (1, 2), (1, 3), (1, 4)], "negative"),  # sulfonate
        ("OSOCC", [(0, 1), (1, 2), (1, 3), (1, 4)], "neutral"),  # sulfone
        ("ONOC", [(0, 1), (1, 2), (1, 3)], "neutral"),  # nitro
        ("OPOOO", [(0, 1), (1, 2), (1, 3), (1, 4)], "negative"),
        ("SCHHC", [(0, 1), (1, 2), (1, 3), (1, 4)], "negative"),  # thiolate
        ("SCC", [(0, 1), (0, 2)], "neutral"),
        (
            "NHHCNHHNHH",  # guanidinium
            [(0, 1), (0, 2), (0, 3), (3, 4), (4, 5), (4, 6), (3, 7), (7, 8), (7, 9)],
            "positive",
        ),
        ("NHHCNHHO", [(0, 1), (0, 2), (0, 3), (3, 4), (4, 5), (4, 6), (3, 7)], "neutral"),  # urea
    ],
)
def test_charges(symbols, bonds, expected):
    assert charge_sign(0, symbols, around(bonds, len(symbols))) == expected


def test_rings_are_those_of_a_graph():
    # A cube with a tail and a long way round: smallest cycles by an independent library.
    graph = networkx.Graph([*networkx.cubical_graph().edges, (7, 8), (8, 9)])
    assert smallest_rings(list(graph.edges)) == dict.fromkeys(range(8), 4)
    naphthalene = [*((n, (n + 1) % 10) for n in range(10)), (0, 5)]
    assert smallest_rings(naphthalene) == dict.fromkeys(range(10), 6)
    assert smallest_rings([(n, (n + 1) % 9) for n in range(9)]) == {}
    assert smallest_rings([(n, (n + 1) % 8) for n in range(8)]) == dict.fromkeys(range(8), 8)


def test_pocket_has_whole_residues_within_the_radius():
    topology, positions = build_peptide("AGSAFG")
    ligand = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    atoms = list(topology.atoms())
    heavy = [a.index for a in atoms if a.element.symbol != "H"]
    inside = np.isin(heavy, ligand)
    for radius in (0.2, 0.5, 0.8):
        pocket = pocket_residues(topology, positions, ligand, radius_nm=radius)
        near = {
            atoms[a].residue.index
            for a in np.array(heavy)[~inside]
            if np.linalg.norm(positions[np.array(heavy)[inside]] - positions[a], axis=1).min()
            <= radius
        }
        assert {atoms[a].residue.index for a in pocket} == near
        expected = [a.index for a in atoms if a.residue.index in near]
        assert pocket.tolist() == expected


def test_errors_of_pockets():
    topology = small_topology()
    positions = np.zeros((29, 3))
    with pytest.raises(ValueError, match=r"positions must have shape \(29, 3\).*got \(28, 3\)"):
        pocket_residues(topology, positions[:28], small_ligand(), radius_nm=1.0)
    with pytest.raises(ValueError, match="radius_nm must be positive, got 0"):
        pocket_residues(topology, positions, small_ligand(), radius_nm=0.0)
    positions[18:] = 5.0
    with pytest.raises(ValueError, match=r"no residue has a heavy atom within 1 nm.*larger radius"):
        pocket_residues(topology, positions, small_ligand(), radius_nm=1.0)
    with pytest.raises(ValueError, match="the ligand has no heavy atom"):
        pocket_residues(topology, positions, [22, 23], radius_nm=1.0)


def test_errors():
    topology = small_topology()
    with pytest.raises(ValueError, match=r"ligand must name atoms between 0 and 28, got index 29"):
        ComplexAtoms.of(topology, [3, 29])
    with pytest.raises(ValueError, match=r"atom 18 is given as ligand and as receptor"):
        ComplexAtoms.of(topology, small_ligand(), receptor=range(19))
    with pytest.raises(ValueError, match=r"the ligand has no heavy atom; give the indices"):
        ComplexAtoms.of(topology, [27, 28])
    with pytest.raises(ValueError, match=r"the receptor has 2 heavy atoms, expected 3 at least"):
        ComplexAtoms.of(topology, small_ligand(), receptor=[0, 1, 6])


def test_limits():
    chain = [(n, n + 1) for n in range(100)]
    topology = topology_of(RING, ("BIG", ["C"] * 101, chain))
    with pytest.raises(ValueError, match=r"101 heavy atoms, at most 100 are supported"):
        ComplexAtoms.of(topology, range(18, 119))
    many = topology_of(*[("ETH", ["C", "C"], [(0, 1)])] * 801, GUEST)
    with pytest.raises(ValueError, match=r"801 residues, at most 800.*pocket_residues\(\.\.\.\)"):
        ComplexAtoms.of(many, range(1602, 1613))
    assert isinstance(many, app.Topology)
