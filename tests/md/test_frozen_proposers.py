"""Models that change while they are in use: noticed at exact grade, allowed at exploratory."""

from __future__ import annotations

import openmm
import pytest
import torch
from openmm import unit

from openmm_genmd import (
    Block,
    BlockProposer,
    GenerativeJumpIntegrator,
    LocalRelaxation,
    MixtureProposer,
    MultipleTry,
    Proposal,
    UniformTorsionProposer,
)
from openmm_genmd.data.structures import load_structure
from openmm_genmd.md.system_input import load_system_input
from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
from openmm_genmd.proposers.embedded import Embedded
from openmm_genmd.proposers.peptide_blocks import peptide_block_proposer
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.representations.torsions import TorsionRepresentation

from .normal_leap import NormalLeap

TOPOLOGY, POSITIONS_NM = load_structure("alanine-dipeptide")
REPRESENTATION = TorsionRepresentation.from_topology(TOPOLOGY)
NETWORK = BlockTransformer(BlockTransformerConfig())


class Adapting(NormalLeap):
    adapts = True

    def propose(self, positions, box, rng):
        drawn, _ = self.sample(positions, box, rng, 1)
        return Proposal(drawn[0], 0.0)


def flow(**changes) -> TorusFlow:
    return TorusFlow(TorusFlowConfig(n_torsions=2, hidden_features=(8,), bins=4), **changes)


def train_a_step(model: TorusFlow) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    torch.autograd.backward(-model.log_prob(torch.zeros((4, 2), dtype=torch.float64)).mean())
    optimizer.step()


def whole(model):
    return TorsionProposer(REPRESENTATION, model)


def blocks(model):
    psi = Block("psi", (1,), TorusFlow(TorusFlowConfig(n_torsions=1)))
    return BlockProposer(REPRESENTATION, [Block("all", (0, 1), model), psi])


def mixture(model):
    return MixtureProposer([whole(model), UniformTorsionProposer(REPRESENTATION)])


def dipeptide_run(proposer, **options):
    """Integrator with a jump after each step, and the Context that keeps it alive."""
    given = load_system_input(_pdb(), "amber99sbildn.xml")
    inner = openmm.LangevinMiddleIntegrator(300, 1, 1 * unit.femtoseconds)
    integrator = GenerativeJumpIntegrator(inner, proposer, 1, seed=1, **options)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(given.system, integrator, platform)
    context.setPositions(POSITIONS_NM)
    return integrator, context


def _pdb() -> str:
    from importlib.resources import files

    return str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")


def test_a_proposer_that_adapts_is_refused_unless_exploratory(jumping, well, in_context):
    message = r"Adapting adapts: its density changes.*--continue-from RUN.*grade='exploratory'"
    for options in ({}, {"grade": "exact"}):
        with pytest.raises(ValueError, match=message):
            jumping(Adapting(), **options)
    integrator = jumping(NormalLeap())
    with pytest.raises(ValueError, match=message):
        integrator.setProposer(Adapting())
    assert integrator.getGrade() == "exact"
    integrator.setProposer(Adapting(), grade="exploratory")
    assert integrator.getGrade() == "exploratory"
    integrator = jumping(Adapting(), interval=1, grade="exploratory")
    context = in_context(well(1), integrator)
    integrator.step(5)
    assert integrator.getGrade() == "exploratory"
    assert integrator.getNumJumpsAttempted() == 5
    del context


def test_composed_proposers_adapt_if_a_part_does(jumping):
    adapting, fixed = Adapting(), NormalLeap()
    assert Embedded(adapting, (*adapting.particles, 7)).adapts
    assert not MixtureProposer([fixed, NormalLeap()]).adapts
    with pytest.raises(ValueError, match="MixtureProposer adapts"):
        jumping(MixtureProposer([fixed, adapting]))


@pytest.mark.parametrize("make", [whole, blocks, mixture])
@pytest.mark.parametrize("protocol", [None, MultipleTry(2)])
def test_weights_that_change_during_a_run_are_noticed(make, protocol):
    model = flow()
    integrator, context = dipeptide_run(make(model), protocol=protocol)
    train_a_step(model)  # before the first leap: nothing has been proposed yet
    integrator.step(3)
    train_a_step(model)
    with pytest.raises(
        RuntimeError, match=r"model's weights changed during the run.*--continue-fr"
    ):
        integrator.step(1)
    with pytest.raises(RuntimeError, match="model's weights changed during the run"):
        integrator.step(1)  # and it stays so
    assert integrator.getNumJumpsAttempted() == 3
    del context


@pytest.mark.parametrize("protocol", [None, MultipleTry(2)])
def test_a_network_that_many_blocks_share_is_watched(protocol):
    integrator, context = dipeptide_run(
        peptide_block_proposer(NETWORK, REPRESENTATION), protocol=protocol
    )
    integrator.step(3)
    with torch.no_grad():
        next(iter(NETWORK.parameters())).mul_(1.01)
    with pytest.raises(RuntimeError, match="model's weights changed during the run"):
        integrator.step(1)
    del context


def test_loaded_weights_are_noticed_but_not_those_of_another_model():
    model = flow(seed=1)
    integrator, context = dipeptide_run(whole(model))
    integrator.step(2)
    train_a_step(flow())
    integrator.step(2)
    model.load_state_dict(flow(seed=2).state_dict())
    with pytest.raises(RuntimeError, match="model's weights changed"):
        integrator.step(1)
    del context


def test_a_new_context_begins_a_new_run():
    model = flow()
    integrator, context = dipeptide_run(whole(model))
    integrator.step(2)
    train_a_step(model)
    context.reinitialize()
    context.setPositions(POSITIONS_NM)
    integrator.step(2)
    assert integrator.getNumJumpsAttempted() == 2


def test_exploratory_runs_may_change_their_model():
    model = flow()
    proposer = whole(model)
    options = {"protocol": LocalRelaxation(minimize=False), "grade": "exploratory"}
    integrator, context = dipeptide_run(proposer, **options)
    integrator.step(2)
    train_a_step(model)
    integrator.step(2)
    assert integrator.getNumJumpsAttempted() == 4
    integrator.setProposer(proposer, grade="exploratory")  # a copy of its state, still free
    integrator.step(1)
    train_a_step(model)
    integrator.step(1)
    del context
