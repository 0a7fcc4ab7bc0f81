"""Generative models as Monte Carlo moves inside a running OpenMM simulation.

>>> from openmm_genmd import GenerativeJumpIntegrator, JumpReporter, load_proposer

"""

from openmm_genmd.md.integrator import GenerativeJumpIntegrator
from openmm_genmd.md.jump_reporter import JumpReporter
from openmm_genmd.md.protocols import Instantaneous
from openmm_genmd.proposers.load import load_proposer
from openmm_genmd.proposers.proposer import Proposal, Proposer

__all__ = [
    "GenerativeJumpIntegrator",
    "Instantaneous",
    "JumpReporter",
    "Proposal",
    "Proposer",
    "load_proposer",
]
__version__ = "0.1.0"
