"""Generative models as Monte Carlo moves inside a running OpenMM simulation.

>>> from openmm_genmd import GenerativeJumpIntegrator, JumpReporter, load_proposer

"""

from openmm_genmd.md import platform_kernels
from openmm_genmd.md.alchemical_switching import AlchemicalSwitching
from openmm_genmd.md.batched_energy import BatchedEnergy
from openmm_genmd.md.candidate_observer import RecycledObservable
from openmm_genmd.md.integrator import GenerativeJumpIntegrator
from openmm_genmd.md.jump_reporter import JumpReporter
from openmm_genmd.md.local_relaxation import LocalRelaxation
from openmm_genmd.md.protocols import Instantaneous, MultipleTry
from openmm_genmd.md.soft_coordinates import SoftCoordinates
from openmm_genmd.md.steered_switching import SteeredSwitching
from openmm_genmd.proposers.block_proposer import BlockProposer
from openmm_genmd.proposers.blocks import Block, torsion_blocks
from openmm_genmd.proposers.load import load_proposer
from openmm_genmd.proposers.mixture_proposer import MixtureProposer
from openmm_genmd.proposers.proposer import Proposal, Proposer
from openmm_genmd.proposers.rigid_turn_proposer import RigidTurnProposer
from openmm_genmd.proposers.uniform_torsion_proposer import UniformTorsionProposer

__all__ = [
    "AlchemicalSwitching",
    "BatchedEnergy",
    "Block",
    "BlockProposer",
    "GenerativeJumpIntegrator",
    "Instantaneous",
    "JumpReporter",
    "LocalRelaxation",
    "MixtureProposer",
    "MultipleTry",
    "Proposal",
    "Proposer",
    "RecycledObservable",
    "RigidTurnProposer",
    "SoftCoordinates",
    "SteeredSwitching",
    "UniformTorsionProposer",
    "load_proposer",
    "platform_kernels",
    "torsion_blocks",
]
__version__ = "0.1.0"
