"""A proposer of one's own, checked against the exact answer: a particle in a double well.

The barrier is 20 kT, so that MD alone never crosses. The leap ignores where the particle is and
draws a new x from a normal distribution that is far from the right one; the log ratio makes up
for that.

    python examples/own_proposer.py --steps 200000
"""

import argparse

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm.unit import femtoseconds, kelvin, picosecond

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer

Array = NDArray[np.float64]
KT_KJ_PER_MOL = 0.00831446261815324 * 300
BARRIER, TILT = 20.0, 0.5
MEAN_NM, WIDTH_NM = 0.03, 0.08
ENERGY = f"{KT_KJ_PER_MOL}*({BARRIER}*((x/0.1)^2-1)^2 - {TILT}*x/0.1 + 100*(y*y+z*z)/0.01)"


class NormalLeap(Proposer):
    """A new x from a normal distribution; y and z are carried."""

    particles = (0,)
    grade = "exact"
    conditional = False

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Return the particle elsewhere, with log q(x|y) - log q(y|x)."""
        proposed = positions.copy()
        proposed[0, 0] = rng.normal(MEAN_NM, WIDTH_NM)
        return Proposal(proposed, self.log_q(positions) - self.log_q(proposed))

    @staticmethod
    def log_q(positions: Array) -> float:
        """Return the log density of a conformation, up to a constant that cancels."""
        return -0.5 * float((positions[0, 0] - MEAN_NM) / WIDTH_NM) ** 2


def exact_share_on_the_right() -> float:
    """Return the population of x > 0, by quadrature."""
    x = np.linspace(-3, 3, 20001)
    weight = np.exp(-(BARRIER * (x * x - 1) ** 2 - TILT * x))
    return float(weight[x > 0].sum() / weight.sum())


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=200_000)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()

system = openmm.System()
system.addParticle(12.0)
force = openmm.CustomExternalForce(ENERGY)
force.addParticle(0, [])
system.addForce(force)
inner = openmm.LangevinMiddleIntegrator(300 * kelvin, 5 / picosecond, 1 * femtoseconds)
inner.setRandomNumberSeed(options.seed)
integrator = GenerativeJumpIntegrator(inner, NormalLeap(), jumpInterval=20, seed=options.seed)
context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("Reference"))
context.setPositions([[0.1, 0.0, 0.0]])

right = []
for _ in range(options.steps // 20):
    integrator.step(20)
    right.append(context.getState(positions=True).getPositions(asNumpy=True)._value[0, 0] > 0)
blocks = np.array(right[: len(right) // 20 * 20]).reshape(20, -1).mean(axis=1)
error = blocks.std(ddof=1) / np.sqrt(len(blocks))
exact = exact_share_on_the_right()
deviation = (blocks.mean() - exact) / error
print(f"share on the right {blocks.mean():.4f} ± {error:.4f}, exact {exact:.4f}")
print(
    f"deviation {deviation:+.1f} standard errors, acceptance {integrator.getAcceptanceRate():.2f}"
)
