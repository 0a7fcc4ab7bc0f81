"""`check` finds what was broken on purpose, and nothing in conformations from MD."""

import itertools

import mdtraj
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations import geometry_check
from openmm_genmd.representations.residue_geometry import check

RADII = {"H": 0.12, "C": 0.17, "N": 0.155, "O": 0.152, "S": 0.18}


def beyond(peptide, residue):
    """Atoms of a residue and all later ones."""
    return [a.index for a in peptide.topology.atoms() if a.residue.index >= residue]


def mirrored(positions, plane, atoms):
    """Atoms reflected through the plane of three others."""
    one, center, other = positions[plane]
    normal = np.cross(one - center, other - center)
    normal /= np.linalg.norm(normal)
    changed = positions.copy()
    changed[atoms] -= 2 * np.outer((positions[atoms] - center) @ normal, normal)
    return changed


def turned_about_peptide_bond(peptide, residue, degrees):
    """Second half of the chain turned about the bond before a residue."""
    positions = peptide.positions[0].copy()
    carbon = positions[peptide.atom(residue - 1, "C")]
    nitrogen = positions[peptide.atom(residue, "N")]
    axis = (nitrogen - carbon) / np.linalg.norm(nitrogen - carbon)
    turn = Rotation.from_rotvec(np.radians(degrees) * axis)
    atoms = beyond(peptide, residue)
    positions[atoms] = turn.apply(positions[atoms] - nitrogen) + nitrogen
    return positions


def test_md_is_sound(peptide):
    report = check(peptide.positions, peptide.topology)
    assert report.problems(0) == report.problems(1) == []
    assert report.sound.tolist() == [True, True]
    assert report.bond_deviation_nm.max() < 0.015  # 450 K
    assert report.angle_deviation_deg.max() < 15


def test_hydrogens_are_not_needed(all_residues):
    heavy = all_residues.heavy()
    assert check(heavy.positions, heavy.topology).sound.all()


@pytest.mark.parametrize(("caps", "first"), [("ace-nme", 2), ("none", 1)])
def test_built_peptides_have_the_right_chirality(caps, first):
    """Another source of coordinates than MD: internal coordinates of L amino acids."""
    topology, positions = build_peptide("AITV", caps)
    report = check(positions, topology)
    centers = [("CA ALA", 0), ("CA ILE", 1), ("CB ILE", 1), ("CA THR", 2), ("CB THR", 2)]
    centers += [("CA VAL", 3)]
    assert report.center_labels == tuple(f"{name} {first + n}" for name, n in centers)
    assert not report.inverted.any()
    assert not report.twisted.any()


@pytest.mark.parametrize("residue", range(1, 21))
def test_d_residues_are_found(all_residues, residue):
    atoms = list(list(all_residues.topology.residues())[residue].atoms())
    plane = [all_residues.atom(residue, name) for name in ("N", "CA", "C")]
    backbone = {"N", "H", "CA", "C", "O"}
    side_chain = [atom.index for atom in atoms if atom.name not in backbone]
    positions = mirrored(all_residues.positions[0], plane, side_chain)
    report = check(positions, all_residues.topology)
    name = atoms[0].residue.name
    # The mirror image of a side chain with a center of its own has that inverted too.
    expected = {"GLY": [], "ILE": ["CA", "CB"], "THR": ["CA", "CB"]}.get(name, ["CA"])
    expected = [f"{center} {name} {residue + 1}" for center in expected]
    assert [report.center_labels[n] for n in np.flatnonzero(report.inverted[0])] == expected
    if expected:
        assert f"{expected[0]} has the wrong chirality (D instead of L)" in report.problems()
        assert not report.sound[0]


@pytest.mark.parametrize(("name", "heavy"), [("ILE", "CG1"), ("THR", "OG1")])
def test_inverted_side_chains_are_found(all_residues, name, heavy):
    residue = next(r for r in all_residues.topology.residues() if r.name == name)
    plane = [all_residues.atom(residue.index, n) for n in ("CA", "CB", heavy)]
    moved = {"HB", "CG2", "HG21", "HG22", "HG23"}
    atoms = [atom.index for atom in residue.atoms() if atom.name in moved]
    positions = mirrored(all_residues.positions[0], plane, atoms)
    report = check(positions, all_residues.topology)
    assert f"CB {name} {residue.id} has the wrong chirality" in report.problems()
    assert report.inverted.sum() == 1


def test_omegas_are_mdtrajs(all_residues):
    report = check(all_residues.positions, all_residues.topology)
    trajectory = mdtraj.Trajectory(
        all_residues.positions, mdtraj.Topology.from_openmm(all_residues.topology)
    )
    expected = mdtraj.compute_omega(trajectory)[1]
    assert report.omega_labels[0] == "C ACE 1 - N ALA 2"
    assert report.omega_labels[-1] == "C TYR 21 - N NME 22"
    assert report.omega_rad.shape == (2, 21)  # none of ASN, GLN and ARG
    np.testing.assert_allclose(np.cos(report.omega_rad[:, 1:-1]), np.cos(expected), atol=1e-5)


def test_cis_is_found(all_residues):
    report = check(turned_about_peptide_bond(all_residues, 6, 180.0), all_residues.topology)
    assert np.flatnonzero(report.twisted[0]).tolist() == [5]
    assert abs(report.omega_rad[0, 5]) < 0.5
    assert "omega C PHE 6 - N GLY 7 is" in report.problems()[-1]
    assert not report.sound[0]


@pytest.mark.parametrize(("degrees", "twisted"), [(180.0, False), (90.0, True)])
def test_proline_may_be_cis_but_not_in_between(all_residues, degrees, twisted):
    proline = all_residues.layout.sequence.index("P") + 1
    positions = turned_about_peptide_bond(all_residues, proline, degrees)
    report = check(positions, all_residues.topology)
    assert bool(report.twisted.any()) == twisted


def test_stretched_bonds_are_found(all_residues):
    positions = all_residues.positions[0].copy()
    carbon, nitrogen = all_residues.atom(9, "C"), all_residues.atom(10, "N")
    bond = positions[nitrogen] - positions[carbon]
    positions[beyond(all_residues, 10)] += 0.05 * bond / np.linalg.norm(bond)
    report = check(positions, all_residues.topology)
    expected = np.linalg.norm(bond) + 0.05 - 0.138
    np.testing.assert_allclose(report.bond_deviation_nm, [expected])
    assert report.worst_bonds == ("C LYS 10 - N LEU 11",)
    assert report.problems()[0].startswith("bond C LYS 10 - N LEU 11 is 0.0")


def test_bent_angles_are_found(all_residues):
    """Everything after an alpha carbon turned in the plane N-CA-C."""
    positions = all_residues.positions[0].copy()
    n, alpha, c = (positions[all_residues.atom(10, name)] for name in ("N", "CA", "C"))
    normal = np.cross(n - alpha, c - alpha)
    turn = Rotation.from_rotvec(np.radians(70) * normal / np.linalg.norm(normal))
    atoms = [all_residues.atom(10, "C"), all_residues.atom(10, "O"), *beyond(all_residues, 11)]
    positions[atoms] = turn.apply(positions[atoms] - alpha) + alpha
    report = check(positions, all_residues.topology)
    one, other = n - alpha, positions[all_residues.atom(10, "C")] - alpha
    angle = np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
    np.testing.assert_allclose(report.angle_deviation_deg, [angle - 135.0])
    assert report.worst_angles == ("N LEU 11 - CA LEU 11 - C LEU 11",)
    assert any(p.startswith("angle N LEU 11 - CA LEU 11 - C LEU 11 is") for p in report.problems())


def clashes(topology, positions):
    """All pairs one by one, and the smallest distance over the sum of radii of those that clash."""
    atoms = list(topology.atoms())
    neighbours = BondGraph.of(topology).neighbours
    found = []
    for i, j in itertools.combinations(range(len(atoms)), 2):
        reached = {i}
        for _ in range(3):
            reached |= {other for atom in reached for other in neighbours[atom]}
        symbols = [atoms[n].element.symbol for n in (i, j)]
        relative = np.linalg.norm(positions[i] - positions[j]) / sum(RADII[s] for s in symbols)
        if j not in reached and relative < (0.5 if "H" in symbols else 0.75):
            found.append(relative)
    return found


@pytest.mark.parametrize("shift", [0.15, 0.25, 0.4, 3.0])
def test_clashes_are_those_of_all_pairs(proline_ends, shift):
    two = proline_ends.twice((shift, 0.0, 0.0))
    expected = clashes(two.topology, two.positions[0])
    report = check(two.positions[:1], two.topology)
    assert report.n_clashes.tolist() == [len(expected)]
    assert bool(expected) == (shift < 3)
    if expected:
        assert any(f"{len(expected)} clashes, the worst" in p for p in report.problems())
        assert report.closest_contact[0] in [pytest.approx(e) for e in expected]


def test_broken_numbers_are_problems(all_residues):
    positions = all_residues.positions.copy()
    positions[1, 50] = np.nan
    report = check(positions, all_residues.topology)
    assert report.sound.tolist() == [True, False]
    assert report.problems(1)
    assert not check(np.full_like(positions, np.inf), all_residues.topology).sound.any()


def test_batches_are_checked_in_chunks(all_residues, monkeypatch):
    positions = all_residues.positions[[0, 1, 1, 0, 1]]
    expected = check(positions, all_residues.topology)
    monkeypatch.setattr(geometry_check, "_VALUES_PER_CHUNK", 700)
    report = check(positions, all_residues.topology)
    np.testing.assert_array_equal(report.angle_deviation_deg, expected.angle_deviation_deg)
    assert report.worst_bonds == expected.worst_bonds


def test_another_number_of_atoms_is_refused(all_residues):
    with pytest.raises(ValueError, match=r"must have shape \(n, 336, 3\).*got \(335, 3\)"):
        check(all_residues.positions[0, 1:], all_residues.topology)
