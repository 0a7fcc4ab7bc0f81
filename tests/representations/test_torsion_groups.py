"""Torsions that belong together, over molecules."""

import pytest

from openmm_genmd.representations.torsion_groups import TORSION_KINDS, torsion_groups
from openmm_genmd.representations.torsions import TorsionRepresentation


def _by_name(representation, kind):
    names = [torsion.name for torsion in representation.torsions]
    return {
        name: [names[n] for n in numbers] for name, numbers in torsion_groups(representation, kind)
    }


def test_groups_of_a_peptide(molecules):
    """SER, LYS, PRO, ILE: side chains of one, four and two torsions, and a ring without phi."""
    representation = molecules["peptide"].representation
    assert _by_name(representation, "residue") == {
        "residue SER 2": ["phi SER 2", "chi1 SER 2", "psi SER 2"],
        "residue LYS 3": [f"{role} LYS 3" for role in ("phi", "chi1", "psi")]
        + [f"chi{n} LYS 3" for n in (2, 3, 4)],
        "residue PRO 4": ["psi PRO 4"],
        "residue ILE 5": ["phi ILE 5", "chi1 ILE 5", "psi ILE 5", "chi2 ILE 5"],
    }
    assert _by_name(representation, "phi/psi") == {
        "phi/psi SER 2": ["phi SER 2", "psi SER 2"],
        "phi/psi LYS 3": ["phi LYS 3", "psi LYS 3"],
        "phi/psi PRO 4": ["psi PRO 4"],
        "phi/psi ILE 5": ["phi ILE 5", "psi ILE 5"],
    }
    # Psi of lysine is followed by proline, whose phi is in a ring.
    assert _by_name(representation, "psi/phi") == {
        "psi SER 2/phi LYS 3": ["psi SER 2", "phi LYS 3"],
        "psi PRO 4/phi ILE 5": ["psi PRO 4", "phi ILE 5"],
    }
    assert _by_name(representation, "side chain") == {
        "side chain SER 2": ["chi1 SER 2"],
        "side chain LYS 3": [f"chi{n} LYS 3" for n in (1, 2, 3, 4)],
        "side chain ILE 5": ["chi1 ILE 5", "chi2 ILE 5"],
    }
    neighbours = torsion_groups(representation, "neighbours")
    assert [name for name, _ in neighbours] == [
        *("residues SER 2/LYS 3", "residues LYS 3/PRO 4", "residues PRO 4/ILE 5")
    ]
    of_residue = [set(numbers) for _, numbers in torsion_groups(representation, "residue")]
    for n, (_, numbers) in enumerate(neighbours):
        assert set(numbers) == of_residue[n] | of_residue[n + 1]
        assert list(numbers) == sorted(numbers)


def test_omega_leaps_with_the_phi_that_follows(molecules):
    representation = TorsionRepresentation.from_topology(
        molecules["peptide"].topology, include_omega=True
    )
    assert _by_name(representation, "residue")["residue PRO 4"] == ["omega PRO 4", "psi PRO 4"]
    assert _by_name(representation, "phi/psi")["phi/psi SER 2"] == ["phi SER 2", "psi SER 2"]


@pytest.mark.parametrize("name", ["dipeptide", "peptide", "hexane", "biphenyl"])
def test_every_torsion_is_single_and_in_all(molecules, name):
    representation = molecules[name].representation
    numbers = tuple(range(len(representation.torsions)))
    assert torsion_groups(representation, "all") == [("all", numbers)]
    single = torsion_groups(representation, "single")
    assert single == [(t.name, (n,)) for n, t in enumerate(representation.torsions)]
    residues = [n for _, group in torsion_groups(representation, "residue") for n in group]
    assert sorted(residues) == list(numbers)


def test_other_molecules_have_no_backbone(molecules):
    for kind in ("phi/psi", "psi/phi", "side chain", "neighbours"):
        assert torsion_groups(molecules["hexane"].representation, kind) == []


def test_chains_with_the_same_numbers(build, molecules):
    """Residues of two chains that a disulfide joins are kept apart although their names agree."""
    topology = build["peptide"](["ACE", "ALA", "CYX", "ALA", "NME"])
    other = build["peptide"](["ACE", "ALA", "CYX", "ALA", "NME"])
    chain, copies = topology.addChain(), {}
    for residue in other.residues():
        copy = topology.addResidue(residue.name, chain, residue.id)
        copies |= {
            atom: topology.addAtom(atom.name, atom.element, copy) for atom in residue.atoms()
        }
    for a, b in other.bonds():
        topology.addBond(copies[a], copies[b])
    topology.addBond(*(atom for atom in topology.atoms() if atom.name == "SG"))
    representation = TorsionRepresentation.from_topology(topology)
    half = len(other_atoms := list(other.atoms()))
    assert half * 2 == len(representation.particles) == 2 * len(other_atoms)
    groups = torsion_groups(representation, "phi/psi")
    assert [name for name, _ in groups] == 2 * [f"phi/psi {r}" for r in ("ALA 2", "CYX 3", "ALA 4")]
    for kind in ("phi/psi", "psi/phi", "side chain"):
        for _, numbers in torsion_groups(representation, kind):
            axes = [representation.torsions[n].atoms[1] < half for n in numbers]
            assert len(set(axes)) == 1
    assert len(torsion_groups(representation, "psi/phi")) == 4


def test_unknown_kind(molecules):
    words = rf"kind must be one of {', '.join(TORSION_KINDS)}; got 'backbone'"
    with pytest.raises(ValueError, match=words):
        torsion_groups(molecules["hexane"].representation, "backbone")
