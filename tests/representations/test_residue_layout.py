"""`ResidueLayout`: atoms of frames and torsions, against mdtraj and under other names."""

import mdtraj
import numpy as np
import pytest
from openmm import app

from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.residue_frames import torsions_of
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_types import RESIDUE_TYPES, residue_type

STANDARD = "ACDEFGHIKLMNPQRSTVWY"


def trajectory(peptide):
    return mdtraj.Trajectory(peptide.positions, mdtraj.Topology.from_openmm(peptide.topology))


def assert_same_angles(ours, theirs):
    np.testing.assert_allclose(np.exp(1j * ours), np.exp(1j * theirs), atol=2e-5)


def renamed(topology, residues=None, atoms=None):
    for residue in topology.residues():
        residue.name = (residues or {}).get(residue.name, residue.name)
    for atom in topology.atoms():
        atom.name = (atoms or {}).get((atom.residue.name, atom.name), atom.name)
    return topology


@pytest.mark.parametrize(
    ("column", "measure"),
    [
        (1, mdtraj.compute_phi),
        (2, mdtraj.compute_psi),
        (3, mdtraj.compute_chi1),
        (4, mdtraj.compute_chi2),
        (5, mdtraj.compute_chi3),
        (6, mdtraj.compute_chi4),
    ],
)
def test_torsions_of_all_residues_are_mdtrajs(all_residues, column, measure):
    atoms, expected = measure(trajectory(all_residues))
    layout = all_residues.layout
    defined = layout.torsion_mask[:, column]
    np.testing.assert_array_equal(layout.torsion_atoms[defined, column], atoms)
    assert_same_angles(all_residues.torsions[:, defined, column], expected)


def test_omega_is_stored_with_the_residue_after_the_bond(all_residues):
    atoms, expected = mdtraj.compute_omega(trajectory(all_residues))
    # mdtraj wants CA on both sides, which acetyl does not have.
    np.testing.assert_array_equal(all_residues.layout.torsion_atoms[1:, 0], atoms)
    assert_same_angles(all_residues.torsions[:, 1:, 0], expected)


def test_caps_take_part_in_torsions(all_residues):
    atom = all_residues.atom
    atoms = all_residues.layout.torsion_atoms
    assert atoms[0, 0].tolist() == [atom(0, "CH3"), atom(0, "C"), atom(1, "N"), atom(1, "CA")]
    assert atoms[0, 1].tolist() == [atom(0, "C"), atom(1, "N"), atom(1, "CA"), atom(1, "C")]
    assert atoms[-1, 2].tolist() == [atom(20, "N"), atom(20, "CA"), atom(20, "C"), atom(21, "N")]


def test_ends_without_caps(proline_ends):
    layout, atom = proline_ends.layout, proline_ends.atom
    assert layout.torsion_mask.tolist() == [
        [False, False, True, True, True, False, False],
        [True, True, True, False, False, False, False],
        [True, True, True, True, True, False, False],
    ]
    assert layout.torsion_atoms[2, 2].tolist() == [
        atom(2, "N"), atom(2, "CA"), atom(2, "C"), atom(2, "OXT")
    ]  # fmt: skip
    assert np.isnan(proline_ends.torsions[:, 0, :2]).all()


def test_types_and_sequence(all_residues):
    layout = all_residues.layout
    assert RESIDUE_TYPES[:3] == ("ALA", "ARG", "ASN")
    assert RESIDUE_TYPES[-2:] == ("VAL", "UNK")
    assert layout.sequence == STANDARD
    assert [RESIDUE_TYPES[kind] for kind in layout.types] == list(layout.names)
    names = [atom.name for atom in all_residues.topology.atoms()]
    assert {tuple(names[a] for a in row) for row in layout.backbone} == {("N", "CA", "C")}


def test_hydrogens_are_not_needed(all_residues):
    hydrogens = {a.name for a in all_residues.topology.atoms() if a.element.symbol == "H"}
    heavy = ResidueLayout.from_topology(all_residues.without(*hydrogens))
    np.testing.assert_array_equal(heavy.torsion_mask, all_residues.layout.torsion_mask)
    assert heavy.n_atoms == 336 - 164


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "HIS") for name in ("HIS", "HID", "HIE", "HIP", "HSD", "HSE", "HSP", "hid")),
        *((name, "CYS") for name in ("CYS", "CYX", "CYM", "CCYX")),
        *(("ASH", "ASP"), ("GLH", "GLU"), ("LYN", "LYS"), ("NALA", "ALA"), ("CHIP", "HIS")),
        *(("SEP", "UNK"), ("XXXX", "UNK"), ("NME", "UNK")),
    ],
)
def test_residue_names_of_force_fields(name, kind):
    assert residue_type(name) == kind


def test_names_of_charmm(all_residues):
    expected = all_residues.layout
    topology = renamed(
        all_residues.topology,
        {"HIS": "HSD"},
        {("ILE", "CD1"): "CD", **{(r.name, "H"): "HN" for r in all_residues.topology.residues()}},
    )
    layout = ResidueLayout.from_topology(topology)
    assert layout.matches(expected)
    assert layout.names[6] == "HSD"


def test_ends_named_as_in_charmm(proline_ends):
    expected = proline_ends.layout
    topology = renamed(proline_ends.topology, None, {("PRO", "O"): "OT1", ("PRO", "OXT"): "OT2"})
    assert ResidueLayout.from_topology(topology).matches(expected)


def test_caps_as_part_of_the_first_and_last_residue():
    original, _ = load_structure("alanine-dipeptide")
    topology = app.Topology()
    residue = topology.addResidue("ALA", topology.addChain())
    names = {("ACE", "C"): "CY", ("ACE", "O"): "OY", ("NME", "N"): "NT"}
    atoms = [
        topology.addAtom(
            a.name if a.residue.name == "ALA" else names.get((a.residue.name, a.name), a.name * 2),
            a.element,
            residue,
        )
        for a in original.atoms()
    ]
    for bond in original.bonds():
        topology.addBond(atoms[bond[0].index], atoms[bond[1].index])
    assert ResidueLayout.from_topology(topology).matches(ResidueLayout.from_topology(original))


def test_a_ring_of_residues_has_all_backbone_torsions(all_residues):
    layout = all_residues.ring().layout
    assert layout.torsion_mask[:, :3].all()
    assert layout.torsion_atoms[0, 1, 0] == layout.backbone[-1, 2]


def test_chains_are_not_linked(all_residues):
    layout = ResidueLayout.from_topology(all_residues.twice().topology)
    one = all_residues.layout
    assert layout.sequence == 2 * STANDARD
    shifted = np.where(one.torsion_atoms < 0, -1, one.torsion_atoms + one.n_atoms)
    np.testing.assert_array_equal(layout.torsion_atoms, [*one.torsion_atoms, *shifted])


def test_pyroglutamate_has_no_phi():
    """Its nitrogen is bonded to a carbonyl of its own ring."""
    topology = app.Topology()
    residue = topology.addResidue("PCA", topology.addChain())
    symbols = {"N": "N", "CA": "C", "C": "C", "O": "O", "OXT": "O", "CB": "C", "CG": "C"}
    symbols |= {"CD": "C", "OE": "O"}
    atoms = {
        name: topology.addAtom(name, app.Element.getBySymbol(symbol), residue)
        for name, symbol in symbols.items()
    }
    for pair in ("N CA", "CA C", "C O", "C OXT", "CA CB", "CB CG", "CG CD", "CD OE", "CD N"):
        topology.addBond(*(atoms[name] for name in pair.split()))
    layout = ResidueLayout.from_topology(topology)
    assert layout.sequence == "X"
    assert layout.torsion_mask[0].tolist() == [False, False, True, False, False, False, False]


def test_a_topology_without_bonds_is_refused(all_residues):
    topology = all_residues.topology
    topology._bonds.clear()
    with pytest.raises(ValueError, match=r"has no bonds.*createStandardBonds\(\)"):
        ResidueLayout.from_topology(topology)


def test_solvent_is_refused(all_residues):
    topology = all_residues.topology
    water = topology.addResidue("HOH", topology.addChain("W"), id="7")
    topology.addAtom("O", app.element.oxygen, water)
    message = r"residue HOH 7 of chain W is neither .* nor one of the caps ACE.*atom_slice"
    with pytest.raises(ValueError, match=message):
        ResidueLayout.from_topology(topology)


def test_a_topology_without_amino_acids_is_refused(all_residues):
    modeller = app.Modeller(all_residues.topology, all_residues.positions[0])
    modeller.delete([r for r in all_residues.topology.residues() if r.name != "NME"])
    with pytest.raises(ValueError, match="expected a peptide, got 1 residues without an amino"):
        ResidueLayout.from_topology(modeller.topology)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("CA", r"residue ALA 2 of chain 1 has no atom CA, only C, CB.*PDBFixer"),
        ("SG", r"residue CYS 3 of chain 1 has no atom SG, only C, CA.*PDBFixer"),
        ("CD1", r"residue PHE 6 of chain 1 has no atom CD1.*rename the atoms"),
        ("CG1", r"residue ILE 9 of chain 1 has no atom CG1"),
    ],
)
def test_missing_atoms_are_named(all_residues, missing, message):
    with pytest.raises(ValueError, match=message):
        ResidueLayout.from_topology(all_residues.without(missing))


def test_alternate_locations_are_refused(all_residues):
    renamed(all_residues.topology, None, {("SER", "HB2"): "CB"})
    with pytest.raises(ValueError, match=r"residue SER 17 .* has several atoms named CB; keep one"):
        _ = all_residues.layout


def test_missing_bonds_of_the_backbone_are_named(all_residues):
    topology = all_residues.topology
    topology._bonds = [
        bond for bond in topology._bonds if {atom.name for atom in bond[:2]} != {"CA", "C"}
    ]
    with pytest.raises(ValueError, match=r"residue ALA 2 .* has no bonds N-CA and CA-C"):
        ResidueLayout.from_topology(topology)


def test_another_number_of_atoms_is_refused(all_residues):
    with pytest.raises(ValueError, match=r"must have shape \(\.\.\., 336, 3\).*got \(2, 335, 3\)"):
        torsions_of(all_residues.positions[:, 1:], all_residues.layout)
