"""Leaps of the bundled peptide models keep the Boltzmann distribution of a force field.

Conformations of alanine dipeptide in implicit solvent come from the exact sampler of the demo,
whose populations are checked against umbrella sampling elsewhere. From each of them one leap is
tried; the expected change of every observable is zero, and without the density ratio it is not.
"""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd import BatchedEnergy, GenerativeJumpIntegrator, load_proposer
from openmm_genmd.data.structures import load_structure
from openmm_genmd.proposers.mars_fm_proposer import MarsFMProposer
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.units import thermal_energy_kj_per_mol

KT = thermal_energy_kj_per_mol(300.0)
WRONG = 5.0


@pytest.fixture(scope="module")
def dipeptide():
    topology, positions_nm = load_structure("alanine-dipeptide")
    force_field = app.ForceField("amber99sbildn.xml", "amber99_obc.xml")
    return topology, positions_nm, force_field.createSystem(topology, constraints=app.HBonds)


@pytest.fixture(scope="module")
def conformations(dipeptide):
    """Nearly independent ones, (n, 22, 3), nm."""
    topology, positions_nm, system = dipeptide
    inner = openmm.LangevinMiddleIntegrator(300, 1, 0.002)
    inner.setRandomNumberSeed(1)
    proposer = load_proposer("alanine-dipeptide", topology, system)
    integrator = GenerativeJumpIntegrator(inner, proposer, jumpInterval=20, triesPerJump=4, seed=2)
    platform = openmm.Platform.getPlatformByName("Reference")
    simulation = app.Simulation(topology, system, integrator, platform)
    simulation.context.setPositions(positions_nm)
    simulation.context.setVelocitiesToTemperature(300, 1)
    simulation.step(2000)
    frames = []
    for _ in range(1200):
        simulation.step(60)
        state = simulation.context.getState(positions=True)
        frames.append(state.getPositions(asNumpy=True)._value)
    return np.array(frames)


def blocks(topology, system, x, rng):
    part = load_proposer("tetrapeptide-blocks", topology, system).choose(rng)
    proposals = [part.propose(each, None, rng) for each in x]
    return np.array([p.positions for p in proposals]), np.array([p.log_ratio for p in proposals])


def mars_fm(name, **options):
    def leap(topology, system, x, rng):
        proposer = MarsFMProposer(name, topology, system=system, **options)
        return proposer._density.propose(x, rng)  # many at once: a call of the network costs less

    return leap


LEAPS = {
    "blocks": (blocks, 1200),
    "torsions, path": (mars_fm("tetrapeptide-leaps", steps=6), 1200),
    "torsions, exact": (mars_fm("tetrapeptide-leaps", density="exact", steps=8), 600),
    # Rarely accepted: an only residue hardly moves in the pairs that the network was trained on.
    "frames, path": (mars_fm("tetrapeptides", steps=20), 1200),
}


def observables(topology, system, positions_nm):
    phi, psi = TorsionRepresentation.from_topology(topology, system).encode(positions_nm).T
    return np.stack([np.cos(phi), np.sin(phi), np.cos(psi), np.sin(psi), phi > 0, psi > 0], axis=1)


@pytest.mark.parametrize("name", LEAPS)
def test_expected_changes_are_zero_and_not_without_the_ratio(dipeptide, conformations, name):
    topology, _, system = dipeptide
    leap, n = LEAPS[name]
    x = conformations[:n]
    y, log_ratio = leap(topology, system, x, np.random.default_rng(3))
    energy = BatchedEnergy(system, range(22), threads=1)
    work = (energy.evaluate(np.nan_to_num(y)) - energy.evaluate(x)) / KT
    usable = np.isfinite(log_ratio) & np.isfinite(work)
    change = np.where(
        usable[:, None], observables(topology, system, y) - observables(topology, system, x), 0.0
    )

    def scores(logarithm):
        chance = np.where(usable, np.exp(np.minimum(0.0, np.nan_to_num(logarithm))), 0.0)
        moved = chance[:, None] * change
        return chance.mean(), moved.mean(axis=0) / (moved.std(axis=0, ddof=1) / np.sqrt(n) + 1e-12)

    acceptance, right = scores(log_ratio - work)
    assert acceptance > 0.001
    assert np.abs(right).max() < 4
    assert np.abs(scores(-work)[1]).max() > WRONG
