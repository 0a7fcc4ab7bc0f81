"""Small systems in which a leap needs time, and proposers for them."""

from dataclasses import dataclass

import numpy as np
import openmm

from openmm_genmd import AlchemicalSwitching, Proposal, Proposer, SoftCoordinates, SteeredSwitching

START_NM = [[0.2, 0.0, 0.0], [0.2, 0.0, 0.0]]
# A ps, in which the second particle follows the first one.
SLOW = {"steps": 200, "time_step_ps": 0.005}
WELLS = "500*(x^2-0.04)^2/0.04+200*(y^2+z^2)"


@dataclass
class Mirror(Proposer):
    """Takes particles to the other side of the plane x = 0; calls `before` first, if given."""

    before: object = None
    log_ratio: float = 0.0
    particles: tuple = (0,)
    grade: str = "exact"

    def propose(self, positions, box, rng):
        if self.before is not None:
            self.before(positions)
        return Proposal(positions * np.array([-1.0, 1.0, 1.0]), self.log_ratio)


def bound_pair(spring: float = 100.0) -> openmm.System:
    """Two particles in a double well of 8 kT along x, bound to each other by a spring."""
    system = openmm.System()
    wells, bond = openmm.CustomExternalForce(WELLS), openmm.HarmonicBondForce()
    for _ in range(2):
        system.addParticle(12.0)
    wells.addParticle(0, [])
    bond.addBond(0, 1, 0.0, spring)
    for force in (wells, bond):
        system.addForce(force)
    return system


def alchemical_pair(spring: float = 100.0) -> openmm.System:
    """The same with a spring that the Context parameter ``lambda_bond`` scales."""
    system = bound_pair(spring)
    system.removeForce(1)
    bond = openmm.CustomBondForce(f"0.5*lambda_bond*{spring}*r^2")
    bond.addGlobalParameter("lambda_bond", 1.0)
    bond.addBond(0, 1, [])
    system.addForce(bond)
    return system


def morph(**settings) -> SteeredSwitching:
    return SteeredSwitching(**SLOW | settings)


def springs(**settings) -> SteeredSwitching:
    coordinates = SoftCoordinates(points=[0], position_width_nm=0.02)
    return SteeredSwitching(coordinates=coordinates, variant="springs", **SLOW | settings)


def alchemical(**settings) -> AlchemicalSwitching:
    return AlchemicalSwitching(
        system=alchemical_pair(), parameters=["lambda_bond"], **SLOW | settings
    )


PROTOCOLS = {"morph": morph, "springs": springs, "alchemical": alchemical}
