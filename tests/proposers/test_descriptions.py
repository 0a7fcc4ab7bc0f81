"""Descriptions of proposers with parts, alone and in the XML of an integrator."""

import copy
import json
import pickle

import numpy as np
import openmm
import pytest

from openmm_genmd import (
    Block,
    BlockProposer,
    GenerativeJumpIntegrator,
    MixtureProposer,
    UniformTorsionProposer,
    load_proposer,
)
from openmm_genmd.proposers.descriptions import proposer_from_description


def _learned(dipeptide):
    return load_proposer("alanine-dipeptide", dipeptide.topology)


def _blocks(dipeptide):
    """A bundled model as one block among uniform ones."""
    learned = _learned(dipeptide)
    file = dict(checkpoint_path=learned.checkpoint_path, sha256=learned.sha256)
    blocks = [Block("both", (0, 1), learned._model, weight=2.0, **file), Block("psi", (1,))]
    return BlockProposer(learned.representation, blocks, pool_size=30)


def _uniform(dipeptide):
    return UniformTorsionProposer(
        dipeptide.representation, blocks=["single", "all"], weights=[1, 2, 3]
    )


def _mixture(dipeptide):
    return MixtureProposer([_learned(dipeptide), _uniform(dipeptide)], weights=[0.85, 0.15])


MAKERS = {"blocks": _blocks, "uniform": _uniform, "mixture": _mixture}


@pytest.fixture(params=MAKERS)
def described(request, dipeptide):
    """Give a proposer that can be described."""
    return MAKERS[request.param](dipeptide)


def _leaps(proposer, x, seed):
    rng = np.random.default_rng(seed)
    return [proposer.propose(x, None, rng) for _ in range(20)]


def test_description_gives_the_same_proposer(described, dipeptide):
    description = json.loads(json.dumps(described.describe()))
    again = proposer_from_description(description)
    assert type(again) is type(described)
    assert again.describe() == described.describe()
    assert again.probabilities == pytest.approx(described.probabilities, rel=1e-15)
    x = dipeptide.positions_nm
    for one, other in zip(_leaps(described, x, 1), _leaps(again, x, 1), strict=True):
        assert np.array_equal(one.positions, other.positions)
        assert one.log_ratio == other.log_ratio


def _integrator(proposer):
    inner = openmm.VerletIntegrator(0.0005)
    return GenerativeJumpIntegrator(inner, proposer, 2, seed=4, temperature=300)


def _through_xml(integrator):
    xml = openmm.XmlSerializer.serialize(integrator)
    return GenerativeJumpIntegrator.fromIntegrator(openmm.XmlSerializer.deserialize(xml))


def _run(integrator, positions_nm):
    """Positions after 30 jumps of free particles."""
    system = openmm.System()
    for _ in positions_nm:
        system.addParticle(12.0)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, integrator, platform)
    context.setPositions(positions_nm)
    integrator.step(60)
    assert integrator.getNumJumpsAccepted() > 2
    return context.getState(positions=True).getPositions(asNumpy=True)._value


@pytest.mark.parametrize(
    "duplicate",
    [_through_xml, copy.copy, copy.deepcopy, lambda i: pickle.loads(pickle.dumps(i))],
    ids=["xml", "copy", "deepcopy", "pickle"],
)
def test_integrators_are_duplicated_with_it(described, dipeptide, duplicate):
    original = _integrator(described)
    again = duplicate(original)
    assert type(again.getProposer()) is type(described)
    assert again.getGrade() == "exact"
    x = dipeptide.positions_nm
    assert np.array_equal(_run(original, x), _run(again, x))


def test_checkpoints_of_a_run_hold_the_states_of_all_parts(dipeptide):
    integrator = _integrator(_mixture(dipeptide))
    system = openmm.System()
    for _ in dipeptide.positions_nm:
        system.addParticle(12.0)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, integrator, platform)
    context.setPositions(dipeptide.positions_nm)
    integrator.step(21)
    checkpoint = context.createCheckpoint()

    def finish():
        integrator.step(40)
        return context.getState(positions=True).getPositions(asNumpy=True)._value.copy()

    expected = finish()
    context.loadCheckpoint(checkpoint)
    assert np.array_equal(finish(), expected)


def test_what_has_no_file_has_no_description(dipeptide, von_mises):
    model = von_mises((0,), (1,))
    blocks = BlockProposer(dipeptide.representation, [Block("psi", (1,), model)])
    assert blocks.describe() == {}
    assert MixtureProposer([_uniform(dipeptide), blocks]).describe() == {}


def test_descriptions_that_lack_something(described):
    description = described.describe()
    for key in set(description) - {"class", "pool_size"}:
        lacking = {name: value for name, value in description.items() if name != key}
        with pytest.raises(ValueError, match=f"the description of the proposer lacks {key}$"):
            proposer_from_description(lacking)
    if "blocks" in description:
        description["blocks"][0].pop("torsions")
        with pytest.raises(ValueError, match="the description of the proposer lacks torsions"):
            proposer_from_description(description)


def test_a_block_whose_checkpoint_has_changed(dipeptide):
    description = _blocks(dipeptide).describe()
    description["blocks"][0]["sha256"] = "0" * 64
    with pytest.raises(ValueError, match=r"alanine-dipeptide.safetensors has changed since"):
        proposer_from_description(description)
