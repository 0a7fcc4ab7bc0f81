"""Exploratory proposers: refused unless asked for by name, and then marked as such."""

import copy

import openmm
import pytest
from openmm import app

from openmm_genmd import GenerativeJumpIntegrator, JumpReporter
from openmm_genmd.native import core


@pytest.fixture
def wild(stayer):
    stayer.grade = "exploratory"
    return stayer


def test_it_is_refused_unless_asked_for(wild, jumping):
    with pytest.raises(
        ValueError, match="grade would be 'exploratory': the proposer gives no density"
    ):
        jumping(wild)
    assert jumping(wild, grade="exploratory").getGrade() == "exploratory"


def test_set_proposer_refuses_too_and_keeps_the_old_one(wild, proposing, jumping):
    exact = proposing(None)
    integrator = jumping(exact)
    with pytest.raises(ValueError, match="would not sample the Boltzmann distribution"):
        integrator.setProposer(wild)
    assert integrator.getProposer() is exact
    integrator.setProposer(wild, grade="exploratory")
    assert (integrator.getProposer(), integrator.getGrade()) == (wild, "exploratory")


@pytest.mark.parametrize("asked", ["exploratory", "path", "wrong"])
def test_another_grade_than_the_proposers_is_an_error(asked, stayer, jumping):
    with pytest.raises(
        ValueError, match=f"grade='{asked}' was asked for, but .* the grade 'exact'"
    ):
        jumping(stayer, grade=asked)


def test_the_compiled_integrator_refuses_too(wild, well, jumping, in_context, snapshot):
    integrator = jumping(wild, grade="exploratory")
    context = in_context(well(), integrator)
    before = snapshot(context)
    core.set_allow_exploratory(integrator, False)
    with pytest.raises(openmm.OpenMMException, match="grade is exploratory: it gives no density"):
        integrator.step(1)
    assert snapshot(context) == before
    core.set_allow_exploratory(integrator, True)
    integrator.step(5)
    assert integrator.getNumJumpsAttempted() == 1


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_stay_allowed(duplicate, wild, jumping):
    assert duplicate(jumping(wild, grade="exploratory")).getGrade() == "exploratory"


def test_xml_has_to_be_asked_again(wild, jumping):
    xml = openmm.XmlSerializer.serialize(jumping(wild, grade="exploratory"))
    loaded = GenerativeJumpIntegrator.fromIntegrator(openmm.XmlSerializer.deserialize(xml))
    with pytest.raises(ValueError, match="'exploratory'"):
        loaded.setProposer(wild)


@pytest.mark.parametrize("grade", ["exact", "path", "exploratory"])
def test_the_first_line_of_the_jump_file_says_the_grade(
    grade, tmp_path, alanine, proposing, jumping, stayer
):
    topology, system, positions_nm = alanine
    stayer.grade = grade
    simulation = app.Simulation(
        topology,
        system,
        jumping(stayer, grade=grade),
        openmm.Platform.getPlatformByName("Reference"),
    )
    simulation.context.setPositions(positions_nm)
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 5))
    simulation.step(5)
    assert (tmp_path / "jumps.csv").read_text().splitlines()[0] == f"# grade: {grade}"
