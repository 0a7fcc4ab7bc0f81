"""A molecule that is turned as a whole on its way comes back the way it went."""

import numpy as np
import openmm
import pytest

from openmm_genmd import (
    GenerativeJumpIntegrator,
    Proposal,
    Proposer,
    SoftCoordinates,
    SteeredSwitching,
)
from openmm_genmd.representations.torsion_kernel import TorsionKernel

CORNERS, MOVING, TURN_RAD = (0, 1, 2, 3), (2, 3, 4), 2.0
START_NM = np.array(
    [[0.1, 0.03, 0.02], [0.0, 0.0, 0.0], [0.02, 0.15, 0.0], [-0.1, 0.2, 0.05], [-0.2, 0.15, 0.1]]
)


class ThereAndBack(Proposer):
    """Turns the torsion one way and the other, and remembers where it started."""

    particles, grade, soft_only = range(5), "exact", True

    def __init__(self):
        self.seen = []

    def propose(self, positions, box, rng):
        sign = 1 if len(self.seen) % 2 == 0 else -1
        self.seen.append(positions)
        turned = TorsionKernel([CORNERS], [MOVING]).turn_by(np.array([sign * TURN_RAD]), positions)
        return Proposal(turned, 0.0)


def conformations(superpose: bool) -> list[np.ndarray]:
    """Positions at three tries of one jump, between which there is no MD."""
    system = openmm.System()
    for _ in range(5):
        system.addParticle(12.0)
    coordinates = SoftCoordinates(torsions=[(CORNERS, MOVING)], superpose=superpose)
    proposer = ThereAndBack()
    integrator = GenerativeJumpIntegrator(
        openmm.LangevinMiddleIntegrator(300, 1, 0.001),
        proposer,
        1,
        triesPerJump=3,
        protocol=SteeredSwitching(steps=10, coordinates=coordinates),
        seed=1,
    )
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, integrator, platform)
    context.setPositions(START_NM)
    integrator.step(1)
    assert integrator.getNumJumpsAccepted() == 3  # nothing has an energy here
    return proposer.seen


@pytest.mark.parametrize("superpose", [False, True])
def test_the_way_back_is_the_way_there(superpose):
    start, turned, returned = conformations(superpose)
    np.testing.assert_allclose(returned, start, atol=1e-12)
    angles = TorsionKernel([CORNERS], [MOVING]).angles(np.stack([start, turned]))
    step = np.remainder(angles[1, 0] - angles[0, 0] + np.pi, 2 * np.pi) - np.pi
    assert step == pytest.approx(TURN_RAD, abs=1e-12)


def test_a_superposed_molecule_sweeps_through_less():
    swept = [
        np.sum((turned - start) ** 2) for start, turned, _ in map(conformations, (False, True))
    ]
    assert swept[1] < 0.8 * swept[0]
