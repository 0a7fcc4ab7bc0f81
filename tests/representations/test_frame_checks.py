"""`check_frames`: constraints and frozen particles of a System whose peptide has frames."""

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.residue_frames import frames_of

FORCE_FIELD = app.ForceField("amber99sbildn.xml")


@pytest.fixture(scope="module")
def capped():
    """Topology and positions of ACE-ALA-SER-GLY-NME."""
    return build_peptide("ASG")


@pytest.mark.parametrize("constraints", [None, app.HBonds])
def test_constraints_of_hydrogens_are_kept(peptides, constraints):
    for name in ("all residues", "HIP", "capped prolines", "charged zwitterion"):
        topology = peptides[name].topology
        system = FORCE_FIELD.createSystem(topology, constraints=constraints)
        representation = FrameRepresentation.from_topology(topology, system)
        assert len(representation.particles) == system.getNumParticles()


@pytest.mark.parametrize("constraints", [app.AllBonds, app.HAngles])
def test_constrained_peptide_bonds_are_refused(capped, constraints):
    topology = capped[0]
    system = FORCE_FIELD.createSystem(topology, constraints=constraints)
    words = r"moving residue frames would change the constraint between particles \d+ and \d+, .*H"
    with pytest.raises(ValueError, match=words):
        FrameRepresentation.from_topology(topology, system)


def test_all_bonds_of_a_single_residue_may_be_constrained(peptides):
    topology = peptides["one residue"].topology
    system = FORCE_FIELD.createSystem(topology, constraints=app.AllBonds)
    assert FrameRepresentation.from_topology(topology, system).chi_names


def index(topology, residue, name):
    atoms = list(topology.residues())[residue].atoms()
    return next(atom.index for atom in atoms if atom.name == name)


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ([((1, "C"), (2, "N"))], "moving residue frames would change the constraint between"),
        ([((1, "CA"), (1, "O"))], "moving residue frames would change the constraint between"),
        ([((2, "H"), (2, "CA"))], "moving residue frames would change the constraint between"),
        # The length is kept, but not the angle between the two.
        ([((1, "C"), (1, "O")), ((1, "C"), (1, "CA"))], "would change the angle between the con"),
        ([((2, "N"), (2, "HG"))], r"rotation about chi1 SER 3 would change the constraint"),
        ([((1, "N"), (1, "C"))], None),
        ([((1, "C"), (1, "O"))], None),
        ([((2, "N"), (2, "H"))], None),
        ([((2, "CA"), (2, "OG"))], None),
        ([((0, "C"), (1, "N"))], None),
        ([((0, "CH3"), (1, "CA"))], None),
    ],
)
def test_constraints_one_by_one(capped, pairs, words):
    topology = capped[0]
    system = FORCE_FIELD.createSystem(topology)
    for one, other in pairs:
        system.addConstraint(index(topology, *one), index(topology, *other), 0.15)
    if words is None:
        FrameRepresentation.from_topology(topology, system)
    else:
        with pytest.raises(ValueError, match=words):
            FrameRepresentation.from_topology(topology, system)


def test_constraints_that_are_kept_are_kept(capped):
    """The same by numbers: which distances from the amide hydrogen a random leap changes."""
    topology, x = capped
    representation = FrameRepresentation.from_topology(topology)
    _, torsions = representation.encode(x)
    rng = np.random.default_rng(1)
    turned = frames_of(rng.normal(size=(3, 3, 3)))
    y = representation.decode(turned, torsions + rng.normal(size=torsions.shape), x)
    hydrogen = index(topology, 2, "H")
    change = np.abs(
        np.linalg.norm(y - y[hydrogen], axis=-1) - np.linalg.norm(x - x[hydrogen], axis=-1)
    )
    assert set(np.flatnonzero(change < 1e-12)) == {hydrogen, index(topology, 2, "N")}


def test_constraints_that_leave_the_peptide(peptides):
    topology = peptides["one residue"].twice().topology
    system = FORCE_FIELD.createSystem(topology)
    system.addConstraint(30, 3, 0.5)
    for atoms in ([0], [30]):
        with pytest.raises(ValueError, match="constraint between particles 30 and 3"):
            FrameRepresentation.from_topology(topology, system, atoms=atoms)


def test_particles_of_the_system(capped):
    topology, _ = capped
    system = FORCE_FIELD.createSystem(topology)
    representation = FrameRepresentation.from_topology(topology)
    with pytest.raises(ValueError, match="refers to particle 39 but the System has 0 particles"):
        representation.check_system(openmm.System())
    system.setParticleMass(12, 0.0)
    with pytest.raises(ValueError, match="frames would move particle 12, which has mass 0"):
        FrameRepresentation.from_topology(topology, system)
