"""Is the model worth its training? Learned, uniform and mixed leaps on alanine dipeptide.

The uniform proposer puts phi and psi anywhere, knows nothing and is exact all the same: what a
model has to beat, per leap and per second. The mixture is the recommended setup: the model does
the work, and the uniform leaps reach what it may have forgotten.

    python examples/uniform_baseline.py --leaps 2000
"""

import argparse
import time

from openmm import LangevinMiddleIntegrator, Platform
from openmm.app import ForceField, HBonds, Simulation
from openmm.unit import femtoseconds, kelvin, nanometer, picosecond

from openmm_genmd import (
    GenerativeJumpIntegrator,
    MixtureProposer,
    Proposer,
    UniformTorsionProposer,
    load_proposer,
)
from openmm_genmd.data.structures import load_structure

INTERVAL, TRIES = 20, 2

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--leaps", type=int, default=2_000)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()

topology, positions_nm = load_structure("alanine-dipeptide")
force_field = ForceField("amber99sbildn.xml", "amber99_obc.xml")
system = force_field.createSystem(topology, constraints=HBonds)


def run(proposer: Proposer) -> tuple[float, float]:
    """Return the share of leaps that were accepted, and accepted leaps per second."""
    inner = LangevinMiddleIntegrator(300 * kelvin, 1 / picosecond, 2 * femtoseconds)
    inner.setRandomNumberSeed(options.seed)
    integrator = GenerativeJumpIntegrator(
        inner, proposer, jumpInterval=INTERVAL, triesPerJump=TRIES, seed=options.seed
    )
    platform = Platform.getPlatformByName("Reference")
    simulation = Simulation(topology, system, integrator, platform)
    simulation.context.setPositions(positions_nm * nanometer)
    start = time.perf_counter()
    simulation.step(options.leaps // TRIES * INTERVAL)
    seconds = time.perf_counter() - start
    return integrator.getAcceptanceRate(), integrator.getNumJumpsAccepted() / seconds


learned = load_proposer("alanine-dipeptide", topology)
uniform = UniformTorsionProposer(learned.representation)
mixture = MixtureProposer([learned, uniform], weights=[0.85, 0.15])

for name, proposer in {"learned": learned, "uniform": uniform, "mixture": mixture}.items():
    acceptance, per_second = run(proposer)
    print(f"{name}: accepted {acceptance:.3f} of the leaps, {per_second:.0f} a second with MD")
