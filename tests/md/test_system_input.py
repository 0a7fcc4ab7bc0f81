"""Systems from serialized XML and from force fields; errors name the file and the way out."""

from __future__ import annotations

from importlib.resources import files

import openmm
import pytest
from openmm import app, unit

from openmm_genmd.md.system_input import load_system_input

PDB = str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")
FORCE_FIELD = "amber99sbildn.xml,amber99_obc.xml"


@pytest.fixture(scope="module")
def given():
    return load_system_input(PDB, FORCE_FIELD)


@pytest.fixture
def system_xml(tmp_path, given):
    (tmp_path / "system.xml").write_text(openmm.XmlSerializer.serialize(given.system))
    return tmp_path / "system.xml"


def test_force_field_with_defaults(given):
    assert given.positions_nm.shape == (22, 3)
    assert given.system.getNumConstraints() == 12  # bonds with hydrogen
    assert any(isinstance(f, openmm.GBSAOBCForce) for f in given.system.getForces())


@pytest.mark.parametrize(("name", "count"), [("none", 0), ("HBonds", 12), ("AllBonds", 21)])
def test_constraints(name, count):
    built = load_system_input(PDB, FORCE_FIELD, constraints=name)
    assert built.system.getNumConstraints() == count


def test_a_box_means_pme_and_the_cutoff_counts(tmp_path, given):
    topology = app.PDBFile(PDB).topology
    topology.setPeriodicBoxVectors(
        unit.Quantity(
            [openmm.Vec3(3, 0, 0), openmm.Vec3(0, 3, 0), openmm.Vec3(0, 0, 3)], unit.nanometer
        )
    )
    with (tmp_path / "box.pdb").open("w") as file:
        app.PDBFile.writeFile(topology, given.positions_nm * 10, file)
    built = load_system_input(tmp_path / "box.pdb", "amber99sbildn.xml", cutoff_nm=0.8)
    force = next(f for f in built.system.getForces() if isinstance(f, openmm.NonbondedForce))
    assert force.getNonbondedMethod() == openmm.NonbondedForce.PME
    assert force.getCutoffDistance() == 0.8 * unit.nanometer


def test_serialized_system(system_xml, given):
    built = load_system_input(PDB, str(system_xml))
    assert openmm.XmlSerializer.serialize(built.system) == system_xml.read_text()
    assert built.topology.getNumAtoms() == 22


def test_a_force_field_file_of_ones_own(tmp_path, given):
    own = tmp_path / "mine.xml"
    own.write_text("<ForceField></ForceField>")
    built = load_system_input(PDB, f"{FORCE_FIELD},{own}")
    assert built.system.getNumParticles() == 22
    with pytest.raises(ValueError, match=r"force field .*mine\.xml does not fit .*dipeptide\.pdb"):
        load_system_input(PDB, str(own))


def test_options_of_a_serialized_system_are_refused(system_xml):
    with pytest.raises(ValueError, match="fixes its own constraints and nonbonded; leave"):
        load_system_input(PDB, str(system_xml), constraints="HBonds", nonbonded="PME")


def test_another_number_of_particles(tmp_path):
    small = openmm.System()
    small.addParticle(1.0)
    (tmp_path / "small.xml").write_text(openmm.XmlSerializer.serialize(small))
    with pytest.raises(ValueError, match=r"has 22 atoms, but .*small\.xml has 1 particles"):
        load_system_input(PDB, str(tmp_path / "small.xml"))


def test_unreadable_files(tmp_path):
    (tmp_path / "bad.xml").write_text("not xml")
    with pytest.raises(ValueError, match=r"bad\.xml is not XML"):
        load_system_input(PDB, str(tmp_path / "bad.xml"))
    (tmp_path / "half.xml").write_text("<System><Particles>")
    with pytest.raises(ValueError, match=r"cannot read the System in .*half\.xml"):
        load_system_input(PDB, str(tmp_path / "half.xml"))


def test_unknown_names():
    with pytest.raises(ValueError, match=r"cannot load the force field amber1\.xml"):
        load_system_input(PDB, "amber1.xml")
    with pytest.raises(ValueError, match=r"constraints must be one of none, HBonds, .*got 'all'"):
        load_system_input(PDB, FORCE_FIELD, constraints="all")
    with pytest.raises(ValueError, match="nonbonded must be one of NoCutoff"):
        load_system_input(PDB, FORCE_FIELD, nonbonded="full")


def test_missing_structure():
    with pytest.raises(FileNotFoundError, match=r"no structure file at none\.pdb"):
        load_system_input("none.pdb", FORCE_FIELD)
