"""Many candidates at each leap: a rough proposer made good by a fast energy.

Uniform leaps of alanine dipeptide, untrained: one candidate at each attempt, then 32, weighed by
`BatchedEnergy`. Every candidate but the picked one would be wasted; `RecycledObservable` counts
them all when OpenMM's own energy weighs them.

    python examples/many_candidates.py --jumps 2000
"""

import argparse
import time

import numpy as np
from openmm import Context, LangevinMiddleIntegrator, Platform
from openmm.app import ForceField, HBonds
from openmm.unit import femtoseconds, kelvin, picosecond

from openmm_genmd import (
    BatchedEnergy,
    GenerativeJumpIntegrator,
    MultipleTry,
    RecycledObservable,
    UniformTorsionProposer,
)
from openmm_genmd.analysis.recycling import recycled_average
from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation

parser = argparse.ArgumentParser(description="One candidate per leap against many.")
parser.add_argument("--jumps", type=int, default=2000, help="attempts with each protocol")
jumps = parser.parse_args().jumps

topology, positions_nm = load_structure("alanine-dipeptide")
force_field = ForceField("amber99sbildn.xml", "amber99_obc.xml")
system = force_field.createSystem(topology, constraints=HBonds)
representation = TorsionRepresentation.from_topology(topology, system)
proposer = UniformTorsionProposer(representation)
energy = BatchedEnergy(system, proposer.particles)


def in_left_handed_helix(positions: np.ndarray) -> np.ndarray:
    """1 where phi > 0 and -60 < psi < 120 degrees, else 0; (k,) for positions (k, n, 3)."""
    phi, psi = np.degrees(representation.encode(positions)).T
    return ((phi > 0) & (psi > -60) & (psi < 120)).astype(float)


protocols = {
    "one candidate": None,
    "32 candidates, weighed by BatchedEnergy": MultipleTry(32, energy),
    "8 candidates, weighed by OpenMM, all recycled": MultipleTry(8),
}
for name, protocol in protocols.items():
    integrator = GenerativeJumpIntegrator(
        LangevinMiddleIntegrator(300 * kelvin, 1 / picosecond, 2 * femtoseconds),
        proposer,
        jumpInterval=10,
        protocol=protocol,
        seed=1,
    )
    recycled = RecycledObservable(in_left_handed_helix)
    integrator.setCandidateObserver(recycled)
    context = Context(system, integrator, Platform.getPlatformByName("Reference"))
    context.setPositions(positions_nm)
    start = time.perf_counter()
    integrator.step(10 * jumps)
    seconds = time.perf_counter() - start
    population = recycled_average(recycled.values[:, 0]).recycled
    error = population.standard_error
    print(
        f"{name}: acceptance {integrator.getAcceptanceRate():.3f}, "
        f"{integrator.getNumJumpsAccepted() / seconds:.0f} accepted leaps a second, "
        f"alpha-left population {population.value:.3f} "
        + ("(too short for an error bar)" if error is None else f"± {error:.3f}")
    )
