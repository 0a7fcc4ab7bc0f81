"""copy, deepcopy, pickle, XML, and how long objects live."""

import copy
import gc
import subprocess
import sys
import weakref

import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator, Proposal
from openmm_genmd.native import core

from .round_trips import through_openmm_clone, through_pickle, through_xml

LOSE_PROPOSER = [through_xml, through_pickle, through_openmm_clone]
DUPLICATES = [copy.copy, copy.deepcopy, *LOSE_PROPOSER]


@pytest.mark.parametrize("duplicate", DUPLICATES)
def test_settings_survive(duplicate, stayer, verlet_jumping):
    original = verlet_jumping(stayer, 17, triesPerJump=3, temperature=277.5, seed=42)
    original.setIntegrationForceGroups(0b1010)
    result = duplicate(original)
    assert type(result) is GenerativeJumpIntegrator
    assert core.get_jump_interval(result) == 17
    assert result.getTriesPerJump() == 3
    assert result.getRandomNumberSeed() == 42
    assert core.get_temperature(result) == 277.5
    assert result.getProtocol() == original.getProtocol()
    inner = result.getIntegrator(0)
    assert isinstance(inner, openmm.VerletIntegrator)
    assert inner.getIntegrationForceGroups() == 0b1010 == result.getIntegrationForceGroups()
    result.setJumpInterval(5)
    assert original.getJumpInterval() == 17


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_copies_run_like_the_original_from_its_beginning(
    duplicate, pool_proposer, well, verlet_jumping, in_context, snapshot
):
    original = verlet_jumping(pool_proposer())
    context = in_context(well(), original)
    original.step(62)
    expected = snapshot(context)
    result = duplicate(original)
    assert (result.getProposer() is original.getProposer()) == (duplicate is copy.copy)
    result_context = in_context(well(), result)
    result.step(62)
    assert snapshot(result_context) == expected


@pytest.mark.parametrize("duplicate", LOSE_PROPOSER)
def test_the_first_jump_needs_a_proposer_again(
    duplicate, pool_proposer, well, verlet_jumping, in_context, snapshot
):
    original = verlet_jumping(pool_proposer())
    result = duplicate(original)
    assert result.getProposer() is None
    assert result.getGrade() is None
    context, original_context = in_context(well(), result), in_context(well(), original)
    result.step(4)
    message = (
        "there is no proposer. It is not stored in XML .it was of type '.*PoolProposer'.; call"
    )
    with pytest.raises(openmm.OpenMMException, match=message):
        result.step(1)
    result.setProposer(pool_proposer())
    context.reinitialize()
    context.setState(original_context.getState(positions=True, velocities=True))
    result.step(50)
    original.step(50)
    assert snapshot(context) == snapshot(original_context)


def test_xml_names_the_proposer_and_its_description(proposing, jumping):
    proposer = proposing(None)
    proposer.describe = lambda: {"file": "a.safetensors"}
    xml = openmm.XmlSerializer.serialize(jumping(proposer))
    assert 'type="GenerativeJumpIntegrator"' in xml
    assert "FunctionProposer" in xml
    assert "a.safetensors" in xml
    assert 'protocol="Instantaneous"' in xml


def test_from_integrator_returns_its_own_kind_and_refuses_others(stayer, jumping, langevin):
    integrator = jumping(stayer)
    assert GenerativeJumpIntegrator.fromIntegrator(integrator) is integrator
    with pytest.raises(TypeError, match="expected a GenerativeJumpIntegrator, got LangevinMiddle"):
        GenerativeJumpIntegrator.fromIntegrator(langevin())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('Integrator" version="1">', 'Integrator" version="2">', "unsupported version number in"),
        ('protocol="Instantaneous"', 'protocol="Slow"', "no jump protocol called 'Slow'; expected"),
        ('jumpInterval="5"', 'jumpInterval="0"', "jumpInterval must be a positive number, got 0"),
        ('triesPerJump="1"', 'triesPerJump="0"', "triesPerJump must be a positive number, got 0"),
    ],
)
def test_wrong_xml_is_refused(old, new, message, stayer, jumping):
    xml = openmm.XmlSerializer.serialize(jumping(stayer))
    assert old in xml
    with pytest.raises(openmm.OpenMMException, match=message):
        openmm.XmlSerializer.deserialize(xml.replace(old, new))


def test_from_integrator_finds_the_proposer_of_a_live_integrator(stepper, jumping):
    compound = openmm.CompoundIntegrator()
    compound.addIntegrator(jumping(stepper))
    child = GenerativeJumpIntegrator.fromIntegrator(compound.getIntegrator(0))
    assert child.getProposer() is stepper
    assert child.getGrade() == "exact"


def test_a_session_without_its_python_object_says_so(stayer, jumping, well, in_context):
    loaded = openmm.XmlSerializer.clone(jumping(stayer))
    wrapper = GenerativeJumpIntegrator.fromIntegrator(loaded)
    wrapper.setProposer(stayer)
    del wrapper
    gc.collect()
    with pytest.raises(openmm.OpenMMException, match="Python object no longer exists and took the"):
        in_context(well(), loaded)


@pytest.mark.parametrize("has_context", [False, True])
def test_a_proposer_that_holds_its_integrator_can_be_collected(
    has_context, proposing, well, jumping
):
    proposer = proposing(lambda x, box, rng: Proposal(x, 0.0))
    integrator = jumping(proposer)
    proposer.integrator = integrator
    if has_context:
        reference = openmm.Platform.getPlatformByName("Reference")
        proposer.context = openmm.Context(well(), integrator, reference)
        proposer.context.setPositions([[0, 0, 0]] * 2)
        integrator.step(5)
    alive = weakref.ref(proposer)
    del proposer, integrator
    gc.collect()
    assert alive() is None


EXIT = """
import openmm
from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer
class Stay(Proposer):
    particles, grade = [0], "exact"
    def propose(self, positions, box, rng):
        return Proposal(positions, 0.0)
system = openmm.System()
system.addParticle(1.0)
reference = openmm.Platform.getPlatformByName("Reference")
proposer = Stay()
def jumping():
    return GenerativeJumpIntegrator(openmm.VerletIntegrator(1), proposer, 1, temperature=300)
proposer.integrator = jumping()
compound = openmm.CompoundIntegrator()
compound.addIntegrator(jumping())
contexts = [openmm.Context(system, each, reference) for each in (proposer.integrator, compound)]
for context in contexts:
    context.setPositions([[0, 0, 0]])
    context.getIntegrator().step(3)
"""


def test_the_interpreter_ends_cleanly_with_everything_alive():
    command = [sys.executable, "-X", "dev", "-c", EXIT]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_jumps_do_not_leak_references(proposing, well, jumping, in_context):
    answer = proposing(lambda x, box, rng: Proposal(x, 0.0))
    integrator = jumping(answer, interval=1, triesPerJump=10)
    in_context(well(), integrator)
    integrator.step(10)
    gc.collect()
    objects, references = len(gc.get_objects()), sys.getrefcount(answer)
    integrator.step(100)
    gc.collect()
    assert integrator.getNumJumpsAttempted() == 1100
    assert sys.getrefcount(answer) == references
    assert abs(len(gc.get_objects()) - objects) < 50


def test_proposals_and_boxes_are_released(proposing, well, jumping, in_context):
    alive = []

    class Watched(Proposal):
        pass

    def watched(positions, box, rng):
        answer = Watched(positions, 0.0)
        alive.append(weakref.ref(answer))
        return answer

    integrator = jumping(proposing(watched), interval=1)
    in_context(well(), integrator)
    integrator.step(200)
    gc.collect()
    assert len(alive) == 200
    assert not any(reference() for reference in alive)
