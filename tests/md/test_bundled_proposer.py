"""The integrator with the proposer that the package brings along: restarts and copies."""

import copy
import pickle

import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator
from openmm_genmd.proposers.load import load_proposer


@pytest.fixture
def bundled(alanine):
    topology, system, _ = alanine
    return load_proposer("alanine-dipeptide", topology, system)


def through_xml(integrator):
    xml = openmm.XmlSerializer.serialize(integrator)
    return GenerativeJumpIntegrator.fromIntegrator(openmm.XmlSerializer.deserialize(xml))


def through_pickle(integrator):
    return pickle.loads(pickle.dumps(integrator))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, through_xml, through_pickle])
def test_duplicates_run_like_the_original(
    duplicate, bundled, alanine, verlet_jumping, in_context, snapshot
):
    _, system, positions_nm = alanine
    original = verlet_jumping(bundled)
    context = in_context(system, original, positions_nm)
    original.step(100)
    assert 0 < original.getNumJumpsAccepted() < 20
    result = duplicate(original)
    assert result.getGrade() == "exact"
    result_context = in_context(system, result, positions_nm)
    result.step(100)
    assert snapshot(result_context) == snapshot(context)


def test_a_checkpoint_in_the_middle_of_a_pool(bundled, alanine, jumping, in_context, snapshot):
    _, system, positions_nm = alanine
    integrator = jumping(bundled)
    context = in_context(system, integrator, positions_nm)
    integrator.step(63)
    checkpoint = context.createCheckpoint()
    integrator.step(100)
    expected = snapshot(context)
    context.loadCheckpoint(checkpoint)
    integrator.step(100)
    assert snapshot(context) == expected
