"""Peptides of all 20 residues against the force field's own lengths, angles, and L-amino acids."""

from __future__ import annotations

import copy
import random
from functools import cache

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd.data.peptides import PHI_DEG, PSI_DEG, build_peptide, place_atom, require_peptide
from openmm_genmd.data.side_chains import ONE_LETTER, side_chain

FORCE_FIELD = app.ForceField("amber99sbildn.xml")
RINGS = set("HW")  # Amber's equilibrium angles do not close five-membered rings


@cache
def between_alanines(code, caps):
    return build_peptide(f"A{code}A", caps)


def angle_deg(i, j, k):
    one, other = i - j, k - j
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def torsion_deg(i, j, k, l):  # noqa: E741
    """By projection on the plane that the middle bond is normal to."""
    axis = (k - j) / np.linalg.norm(k - j)
    one, other = i - j - (i - j) @ axis * axis, l - k - (l - k) @ axis * axis
    sign = np.sign(np.cross(one, other) @ axis)
    return sign * angle_deg(one, np.zeros(3), other)


def terms(topology, kind):
    """Copy of a force, which outlives its System."""
    system = FORCE_FIELD.createSystem(topology)
    return copy.deepcopy(next(f for f in system.getForces() if isinstance(f, kind)))


def named(topology, positions_nm):
    return [
        {atom.name: positions_nm[atom.index] for atom in residue.atoms()}
        for residue in topology.residues()
    ]


@pytest.mark.parametrize(
    ("code", "caps"), [*((code, "ace-nme") for code in ONE_LETTER), ("G", "none"), ("P", "none")]
)
def test_bonds_and_angles_are_those_of_the_force_field(code, caps):
    topology, x = between_alanines(code, caps)
    assert x.shape == (topology.getNumAtoms(), 3)
    bonds = terms(topology, openmm.HarmonicBondForce)
    for n in range(bonds.getNumBonds()):
        i, j, length, _ = bonds.getBondParameters(n)
        assert np.linalg.norm(x[i] - x[j]) == pytest.approx(length._value, abs=0.0025)
    angles = terms(topology, openmm.HarmonicAngleForce)
    worst = max(
        abs(angle_deg(*x[[i, j, k]]) - np.degrees(theta._value))
        for i, j, k, theta, _ in map(angles.getAngleParameters, range(angles.getNumAngles()))
    )
    assert worst < (15 if code in RINGS else 9)


@pytest.mark.parametrize("code", ONE_LETTER)
def test_chirality_and_torsions(code):
    topology, x = between_alanines(code, "ace-nme")
    assert [r.name for r in topology.residues()] == ["ACE", "ALA", ONE_LETTER[code], "ALA", "NME"]
    _, ala, residue, last, nme = named(topology, x)
    for one, other in ((ala, residue), (residue, last), (last, nme)):
        alpha = other.get("CA", other["C"])
        assert abs(torsion_deg(one["CA"], one["C"], other["N"], alpha)) == pytest.approx(180)
    phi = torsion_deg(ala["C"], residue["N"], residue["CA"], residue["C"])
    assert phi == pytest.approx(-65 if code == "P" else PHI_DEG)
    psi = torsion_deg(residue["N"], residue["CA"], residue["C"], last["N"])
    assert psi == pytest.approx(PSI_DEG)
    if code == "G":
        return
    # L: looking from H, CO, R and N are clockwise.
    view = residue["CA"] - residue["HA"]
    around = [residue[name] - residue["CA"] for name in ("C", "CB", "N")]
    assert np.cross(around[0], around[1]) @ view > 0
    assert np.cross(around[1], around[2]) @ view > 0
    if code in "IT":  # (2S,3S) isoleucine, (2S,3R) threonine
        ranks = ("CA", "CG1", "CG2") if code == "I" else ("OG1", "CA", "CG2")
        a, b, c = (residue[name] - residue["CB"] for name in ranks)
        clockwise = np.cross(a, b) @ c < 0  # from the side opposite to the hydrogen
        assert clockwise == (code == "T")


def test_names_of_equal_branches_follow_iupac():
    """CD2 of leucine, CG2 of valine: 120 degrees clockwise from the first branch."""
    _, leucine, _ = named(*build_peptide("L"))
    _, valine, _ = named(*build_peptide("V"))
    chi2 = [torsion_deg(*(leucine[a] for a in ("CA", "CB", "CG", f"CD{n}"))) for n in (1, 2)]
    chi1 = [torsion_deg(*(valine[a] for a in ("N", "CA", "CB", f"CG{n}"))) for n in (1, 2)]
    assert (chi2[1] - chi2[0]) % 360 == pytest.approx(122, abs=1e-6)
    assert (chi1[1] - chi1[0]) % 360 == pytest.approx(122, abs=1e-6)


def test_charged_side_chains_ends_and_histidine():
    topology, _ = build_peptide("KHEA", "none")
    names = [{atom.name for atom in residue.atoms()} for residue in topology.residues()]
    assert {"HZ1", "HZ2", "HZ3", "H", "H2", "H3"} <= names[0]
    assert names[1] & {"HD1", "HE2"} == {"HE2"}
    assert not {"HE2", "HE1"} & names[2]
    assert "OXT" in names[3]
    charges = terms(topology, openmm.NonbondedForce)
    total = sum(charges.getParticleParameters(n)[0]._value for n in range(topology.getNumAtoms()))
    assert total == pytest.approx(0, abs=1e-6)  # +1 of K, -1 of E, both ends


def test_the_same_every_time_and_no_random_numbers_are_used_up():
    random.seed(5)
    expected = random.random()
    random.seed(5)
    _, one = build_peptide("WG")
    assert random.random() == expected
    assert np.array_equal(one, build_peptide("WG")[1])


def test_placed_atoms_have_their_internal_coordinates():
    rng = np.random.default_rng(0)
    for _ in range(20):
        earlier = list(rng.normal(size=(3, 3)))
        bond, angle, torsion = rng.uniform([0.1, 30, -179], [0.2, 150, 179])
        new = place_atom(earlier, bond, angle, torsion)
        assert np.linalg.norm(new - earlier[2]) == pytest.approx(bond)
        assert angle_deg(earlier[1], earlier[2], new) == pytest.approx(angle)
        assert torsion_deg(*earlier, new) == pytest.approx(torsion)


def test_side_chains_are_complete():
    """Each has the heavy atoms of the force field's template, and none refers to a later one."""
    templates = FORCE_FIELD._templates
    for residue in ONE_LETTER.values():
        known = ["N", "CA", "C", "O"]
        for atom in side_chain(residue):
            assert {atom.bonded, atom.angle_to, atom.torsion_to} <= set(known)
            known.append(atom.name)
        template = templates["HIE" if residue == "HIS" else residue]
        heavy = {atom.name for atom in template.atoms if atom.element is not app.element.hydrogen}
        assert set(known) == heavy


@pytest.mark.parametrize(
    ("sequence", "caps", "message"),
    [
        ("AXA", "none", "one-letter codes ACDEFGHIKLMNPQRSTVWY, got 'AXA'"),
        ("", "ace-nme", "one-letter codes .*, got ''"),
        ("AA", "both", "caps must be one of ace-nme, none; got 'both'"),
        ("A", "none", "both ends of a chain: choose caps='ace-nme' for 'A'"),
    ],
)
def test_what_cannot_be_built_is_refused(sequence, caps, message):
    with pytest.raises(ValueError, match=message):
        require_peptide(sequence, caps)
    with pytest.raises(ValueError, match=message):
        build_peptide(sequence, caps)
