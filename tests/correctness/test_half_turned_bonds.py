"""A stiff bond of which only one end leaps: both get fresh velocities.

LangevinMiddle's on-step velocities have the covariance kT/m (1 - h^2 H(x)/m), so along a stiff bond
less than in other directions. A particle that kept its velocity while its bond turns would carry
the covariance of the old direction and heat the bond by about h^2 w^2 of kT at each jump.
"""

import numpy as np

from openmm_genmd import GenerativeJumpIntegrator

from .bad_proposers import BadProposer, random_rotation
from .exact_models import kt
from .oracle import Oracle
from .running import langevin, start
from .scores import agrees, block_scores, disagrees
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
    return scores_between_jumps(context, integrator, n_jumps)


def oracle_scores(broken: str | None, n_jumps: int = 10000) -> np.ndarray:
    """The same by the oracle, for turns about the hydrogen."""
    integrator = langevin(time_step_ps=STEP_PS)
    context = start(MODEL.system(), integrator, MODEL.start_nm())
    oracle = Oracle(context, Turn(about_hydrogen=True), KT, 0.5 * STEP_PS, seed=4, broken=broken)
    return scores_between_jumps(context, integrator, n_jumps, oracle.jump)


def scores_between_jumps(context, integrator, n_jumps, jump=lambda: None) -> np.ndarray:
    """Score after 50 jumps of equilibration; ``jump`` for those that the integrator lacks."""
    samples = []
    for n in range(50 + n_jumps):
        for steps in (1, 9):
            integrator.step(steps)
            if n >= 50:
                samples.append(temperature_along_bond(context))
        integrator.step(INTERVAL - 10)
        jump()
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


def test_the_oracle_passes_the_same_check():
    assert agrees(oracle_scores(broken=None))


def test_a_kept_velocity_of_the_end_that_stays_fails_the_check():
    assert disagrees(oracle_scores(broken="unmoved kept"))
