"""The checkpoint that ``make checkpoint CHECKPOINT=`` has just made against the bundled one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openmm
import pytest
import torch
from openmm import app

from openmm_genmd import GenerativeJumpIntegrator, load_proposer
from openmm_genmd.analysis.crossings import count_crossings
from openmm_genmd.data.structures import load_structure
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.proposers.load import find_checkpoint
from openmm_genmd.representations.torsions import TorsionRepresentation

REBUILT = Path(__file__).parents[2] / "out/checkpoint/alanine-dipeptide.safetensors"

pytestmark = pytest.mark.nightly


def same_tensors(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    mine, others = dict(one.named_parameters()), dict(other.named_parameters())
    return mine.keys() == others.keys() and all(torch.equal(mine[k], others[k]) for k in mine)


def short_run(path: Path) -> tuple[float, int]:
    """Acceptance, and crossings of phi, in 40 ps with 4000 attempts."""
    topology, positions_nm = load_structure("alanine-dipeptide")
    system = app.ForceField("amber99sbildn.xml", "amber99_obc.xml").createSystem(
        topology, nonbondedMethod=app.NoCutoff, constraints=app.HBonds
    )
    inner = openmm.LangevinMiddleIntegrator(300.0, 1.0, 0.002)
    inner.setRandomNumberSeed(3)
    proposer = load_proposer(str(path), topology, system)
    integrator = GenerativeJumpIntegrator(inner, proposer, jumpInterval=10, triesPerJump=2, seed=3)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(positions_nm)
    openmm.LocalEnergyMinimizer.minimize(context)
    context.setVelocitiesToTemperature(300.0, 3)
    frames = []
    for _ in range(1000):
        integrator.step(20)
        frames.append(context.getState(positions=True).getPositions(asNumpy=True)._value)
    phi = TorsionRepresentation.from_topology(topology).encode(np.array(frames))[:, 0]
    return integrator.getAcceptanceRate(), count_crossings(phi)


def test_rebuilt_checkpoint_is_the_bundled_one_or_as_good():
    """Another CPU rounds otherwise, MD is chaotic, and the data are then others just as good."""
    assert REBUILT.is_file(), "run make checkpoint CHECKPOINT= first"
    rebuilt = load_checkpoint(REBUILT)
    bundled = load_checkpoint(find_checkpoint("alanine-dipeptide"))
    assert rebuilt.config == bundled.config
    assert rebuilt.representation == bundled.representation
    assert rebuilt.metadata["data_seconds"] > 0
    assert rebuilt.metadata["training_seconds"] > 0
    if not same_tensors(rebuilt.model, bundled.model):
        acceptance, crossings = short_run(REBUILT)
        assert acceptance >= 0.4
        assert crossings > 10


def test_bundled_checkpoint_is_good():
    """So that the comparison with it means something."""
    acceptance, crossings = short_run(find_checkpoint("alanine-dipeptide"))
    assert acceptance >= 0.4
    assert crossings > 10
