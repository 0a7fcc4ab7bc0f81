"""Ideal gas at constant pressure, with leaps of particles in between the barostat's moves.

OpenMM's MonteCarloBarostat draws the change of V uniformly and accepts with
exp(-(dU + P dV - N kT log(V'/V))/kT), N the number of molecules (not of atoms), so that the density
of V is V^N exp(-PV/kT): a Gamma distribution of shape N + 1 (Aqvist et al., Chem. Phys. Lett. 384,
288 (2004)), with mean (N+1) kT/P and variance (N+1) (kT/P)^2.
"""

import numpy as np
import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator

from .bad_proposers import BiasedPlacement
from .exact_models import MASS, kt
from .running import langevin, start
from .scores import agrees, block_scores, disagrees

# So many that the volume never falls below 0.3 times its largest value: the barostat's steps can be
# that large, and it does not notice that a volume would become negative.
N_ATOMS, N_MOLECULES, N_LEAPING = 30, 28, 4
PRESSURE_BAR, BAR_IN_KJ_PER_MOL_NM3 = 50.0, 0.0602214076
START_NM = 2.0
SCALE_NM3 = kt(300.0) / (PRESSURE_BAR * BAR_IN_KJ_PER_MOL_NM3)


def gas_system() -> openmm.System:
    """Atoms and two diatomic molecules that feel nothing of each other."""
    system = openmm.System()
    bond = openmm.HarmonicBondForce()
    bond.setUsesPeriodicBoundaryConditions(True)
    for _ in range(N_ATOMS):
        system.addParticle(MASS)
    for first in (26, 28):
        bond.addBond(first, first + 1, 0.15, 1000.0)
    barostat = openmm.MonteCarloBarostat(PRESSURE_BAR, 300.0, 1)
    barostat.setRandomNumberSeed(8)
    for force in (bond, barostat):
        system.addForce(force)
    system.setDefaultPeriodicBoxVectors(*(START_NM * np.eye(3)))
    return system


def run(broken=None, n_jumps=16000) -> BiasedPlacement:
    proposer = BiasedPlacement(range(N_LEAPING), broken)
    integrator = GenerativeJumpIntegrator(langevin(), proposer, 4, seed=3)
    positions = np.random.default_rng(2).random((N_ATOMS, 3)) * START_NM
    positions[[27, 29]] = positions[[26, 28]] + np.array([0.15, 0.0, 0.0])
    context = start(gas_system(), integrator, positions)
    integrator.step(4 * n_jumps)
    del context
    return proposer


def scores_of(proposer, n_molecules=N_MOLECULES) -> np.ndarray:
    """Scores of V, V^2, 1/V, and of cos and cos^2 of 2 pi x/L, which are 0 and 1/2."""
    boxes = np.array(proposer.boxes)
    volume = np.linalg.det(boxes) / SCALE_NM3
    wave = np.cos(2 * np.pi * proposer.samples()[:, :, 0] / boxes[:, :1, 0])
    columns = [volume, volume**2, 1 / volume, wave.mean(axis=1), (wave**2).mean(axis=1)]
    n = n_molecules
    exact = np.array([n + 1, (n + 1) * (n + 2), 1 / n, 0.0, 0.5])
    return block_scores(np.stack(columns, axis=1)[300:], exact)


def test_volumes_and_places_are_exact():
    proposer = run()
    assert agrees(scores_of(proposer))
    assert disagrees(scores_of(proposer, N_MOLECULES - 1))
    assert disagrees(scores_of(proposer, N_ATOMS))


@pytest.mark.parametrize("broken", ["no q ratio", "wrong sign", "stale box"])
def test_broken_leaps_fail_the_check(broken):
    assert disagrees(scores_of(run(broken, 6000)))
