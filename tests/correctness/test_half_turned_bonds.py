"""A stiff bond of which only one end leaps: both get fresh velocities.

LangevinMiddle's on-step velocities have the covariance kT/m (1 - h^2 H(x)/m), so along a stiff bond
less than in other directions. A particle that kept its velocity while its bond turns would carry
the covariance of the old direction and heat the bond by about h^2 w^2 of kT at each jump.
"""

import numpy as np

from openmm_genmd import GenerativeJumpIntegrator

from .bad_proposers import BadProposer, random_rotation
from .exact_models import kt
from .running import langevin, start
from .scores import agrees, block_scores
from .test_velocity_transfer import StiffPair

KT, STEP_PS, INTERVAL, MODEL = kt(300.0), 0.0015, 20, StiffPair()


class Turn(BadProposer):
    """Turns the bond uniformly, about its hydrogen, which stays, or about its centre."""

    def __init__(self, about_hydrogen: bool):
        super().__init__((0, 1))
        self.about_hydrogen = about_hydrogen

    def leap(self, positions, box, rng):
        pivot = positions[0] if self.about_hydrogen else positions.mean(axis=0)
        turned = pivot + (positions - pivot) @ random_rotation(rng).T
        if self.about_hydrogen:
            turned[0] = positions[0]
        return turned, 0.0, 0.0


def bond_scores(about_hydrogen: bool, n_jumps: int = 10000) -> np.ndarray:
    """Score of the kinetic temperature along the bond, one and ten steps after each jump."""
    inner = langevin(time_step_ps=STEP_PS)
    integrator = GenerativeJumpIntegrator(inner, Turn(about_hydrogen), INTERVAL, seed=3)
    context = start(MODEL.system(), integrator, MODEL.start_nm())
    integrator.step(50 * INTERVAL)
    samples = []
    for _ in range(n_jumps):
        for steps in (1, 9):
            integrator.step(steps)
            samples.append(temperature_along_bond(context))
        integrator.step(INTERVAL - 10)
    return block_scores(np.array(samples)[:, None], np.ones(1))


def temperature_along_bond(context) -> float:
    state = context.getState(positions=True, velocities=True)
    bond = np.diff(state.getPositions(asNumpy=True)._value, axis=0)[0]
    relative = np.diff(state.getVelocities(asNumpy=True)._value, axis=0)[0]
    return MODEL.reduced_mass * (relative @ bond) ** 2 / (bond @ bond) / KT


def test_a_bond_that_leaps_as_a_whole_keeps_its_temperature():
    assert agrees(bond_scores(about_hydrogen=False))


def test_a_bond_of_which_one_end_leaps_keeps_its_temperature():
    assert agrees(bond_scores(about_hydrogen=True))
