"""Making a `TorsionRepresentation`: selections, descriptions, and what is refused."""

import json

import numpy as np
import pytest
from openmm import app

from openmm_genmd.representations.rotatable_bonds import Torsion
from openmm_genmd.representations.torsions import TorsionRepresentation


def test_dictionary_round_trip_through_json(molecules):
    for molecule in molecules.values():
        text = json.dumps(molecule.representation.to_dict())
        assert TorsionRepresentation.from_dict(json.loads(text)) == molecule.representation


def test_relocated(molecules, build):
    two = build["alkane"](6, copies=2)
    second = TorsionRepresentation.from_topology(two, atoms=range(20, 40))
    moved = molecules["hexane"].representation.relocated(second.particles)
    assert moved.particles == second.particles
    assert moved.fingerprint == second.fingerprint
    for one, other in zip(moved.torsions, second.torsions, strict=True):
        assert (one.atoms, one.moving) == (other.atoms, other.moving)
    with pytest.raises(ValueError, match="expected 20 particles, got 3"):
        moved.relocated([1, 2, 3])


def test_atoms_restrict_the_torsions(molecules):
    topology = molecules["peptide"].topology
    serine = [a.index for a in topology.atoms() if a.residue.name == "SER"]
    representation = TorsionRepresentation.from_topology(topology, atoms=serine)
    assert {t.name for t in representation.torsions} == {"phi SER 2", "chi1 SER 2", "psi SER 2"}
    assert len(representation.particles) == topology.getNumAtoms()


def test_several_flexible_molecules_are_an_error(build):
    two = build["alkane"](4, copies=2)
    words = r"2 molecules have rotatable bonds \(ALK 1 of chain 1, atoms 0 to 13; .*with atoms="
    with pytest.raises(ValueError, match=words):
        TorsionRepresentation.from_topology(two)
    five = build["alkane"](4, copies=5)
    with pytest.raises(ValueError, match=r"5 molecules .*; …\)"):
        TorsionRepresentation.from_topology(five)
    assert TorsionRepresentation.from_topology(two, atoms=range(14)).particles == tuple(range(14))


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        ([], "atoms= selects no atom"),
        ([0, 99], "atoms= must be between 0 and 27, got 0 to 99"),
        ([-1], "atoms= must be between 0 and 27, got -1 to -1"),
        ([0, 14], "atoms= spans 2 molecules"),
        ([0, 5], "no rotatable bond between the atoms given as atoms="),
    ],
)
def test_bad_selections(build, atoms, words):
    with pytest.raises(ValueError, match=words):
        TorsionRepresentation.from_topology(build["alkane"](4, copies=2), atoms=atoms)


def test_nothing_to_rotate(build):
    with pytest.raises(ValueError, match=r"no rotatable bond in this Topology: .*include_methyl="):
        TorsionRepresentation.from_topology(build["alkane"](3))
    with pytest.raises(ValueError, match=r"no bonds in this Topology; pass system="):
        TorsionRepresentation.from_topology(build["graph"]("ION", "CC", []))


def test_wrong_shapes(molecules):
    representation = molecules["dipeptide"].representation
    with pytest.raises(
        ValueError, match=r"positions must have shape \(..., 22, 3\), got \(21, 3\)"
    ):
        representation.encode(np.zeros((21, 3)))
    with pytest.raises(ValueError, match=r"torsions must have shape \(..., 2\), got \(3,\)"):
        representation.decode(np.zeros(3), np.zeros((22, 3)))


def _changed(molecules, **changes):
    return molecules["dipeptide"].representation.to_dict() | changes


def test_bad_descriptions(molecules):
    with pytest.raises(ValueError, match="description of a TorsionRepresentation, got 'Frames'"):
        TorsionRepresentation.from_dict({"type": "Frames"})
    with pytest.raises(ValueError, match=r"(?s)damaged description of a Torsion.*particles"):
        TorsionRepresentation.from_dict(_changed(molecules, particles="all"))
    with pytest.raises(ValueError, match=r"(?s)damaged description of a Torsion.*colour"):
        TorsionRepresentation.from_dict(_changed(molecules, colour="red"))
    with pytest.raises(ValueError, match="at least one torsion, got none"):
        TorsionRepresentation.from_dict(_changed(molecules, torsions=[]))
    with pytest.raises(ValueError, match="fingerprint has 22 atoms but there are 21 particles"):
        TorsionRepresentation.from_dict(_changed(molecules, particles=list(range(21))))


@pytest.mark.parametrize(
    ("torsion", "words"),
    [
        (Torsion((4, 6, 8, 99), "bad", (8, 99)), r"torsion bad uses particles \[99\]"),
        (Torsion((4, 6, 8, 14), "bad", (14,)), "torsion bad must move the atoms on one side"),
        (Torsion((4, 6, 8, 14), "bad", (4, 6, 14)), "torsion bad must move the atoms on one side"),
    ],
)
def test_bad_torsions(molecules, torsion, words):
    good = molecules["dipeptide"].representation
    with pytest.raises(ValueError, match=words):
        TorsionRepresentation(good.particles, (torsion,), good.fingerprint)


def test_overlapping_sides_are_refused(molecules):
    good = molecules["dipeptide"].representation
    phi, psi = good.torsions
    everything = set(good.particles)
    wrong = (
        Torsion(phi.atoms, phi.name, tuple(sorted(everything - set(phi.moving)))),
        Torsion(psi.atoms, psi.name, tuple(sorted(everything - set(psi.moving)))),
    )
    with pytest.raises(ValueError, match="nested or disjoint"):
        TorsionRepresentation(good.particles, wrong, good.fingerprint)


def test_wrong_system(molecules):
    system = app.ForceField("amber99sbildn.xml").createSystem(molecules["dipeptide"].topology)
    with pytest.raises(ValueError, match="the Topology has 20 atoms but the System 22 particles"):
        TorsionRepresentation.from_topology(molecules["hexane"].topology, system)
