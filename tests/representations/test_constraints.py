"""`check_system`: constraints and frozen particles."""

import openmm
import pytest
from openmm import app

from openmm_genmd.representations.constraints import check_system
from openmm_genmd.representations.torsions import TorsionRepresentation

FORCE_FIELD = app.ForceField("amber99sbildn.xml")


@pytest.mark.parametrize("constraints", [None, app.HBonds, app.AllBonds, app.HAngles])
def test_usual_constraints_are_kept(molecules, constraints):
    for name in ("dipeptide", "peptide"):
        topology = molecules[name].topology
        system = FORCE_FIELD.createSystem(topology, constraints=constraints)
        assert (
            TorsionRepresentation.from_topology(topology, system) == molecules[name].representation
        )


def test_hydroxyl_rotor_with_constrained_angles_is_refused(molecules):
    topology = molecules["peptide"].topology
    system = FORCE_FIELD.createSystem(topology, constraints=app.HAngles)
    with pytest.raises(
        ValueError, match=r"rotation about .* would change the angle between the con"
    ):
        TorsionRepresentation.from_topology(topology, system, include_methyl=True)


@pytest.mark.parametrize(("a", "b", "refused"), [(5, 16, True), (0, 7, False), (8, 21, False)])
def test_constraint_across_a_bond(molecules, a, b, refused):
    representation = molecules["dipeptide"].representation
    system = openmm.System()
    for _ in range(22):
        system.addParticle(1.0)
    system.addConstraint(a, b, 0.3)
    if refused:
        words = r"rotation about phi ALA 2 would change the constraint between particles 5 and 16"
        with pytest.raises(ValueError, match=words):
            check_system(system, representation.torsions)
    elif b != 21:
        check_system(system, representation.torsions)
    else:
        # 8 is on both axes: its distance from the end of the chain does not change.
        check_system(system, representation.torsions[1:])


def test_frozen_particles(molecules):
    representation = molecules["dipeptide"].representation
    system = FORCE_FIELD.createSystem(molecules["dipeptide"].topology)
    for axis in (6, 8, 14):
        system.setParticleMass(axis, 0.0)
    check_system(system, representation.torsions)
    system.setParticleMass(3, 0.0)
    with pytest.raises(ValueError, match="phi ALA 2 would move particle 3, which has mass 0"):
        check_system(system, representation.torsions)


def test_too_few_particles(molecules):
    representation = molecules["dipeptide"].representation
    with pytest.raises(ValueError, match="refers to particle 21 but the System has 0 particles"):
        check_system(openmm.System(), representation.torsions)
