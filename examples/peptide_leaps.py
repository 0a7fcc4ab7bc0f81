"""Leaps of a peptide that no model has seen: blocks of torsions, learned and uniform.

The bundled densities of blocks were trained on other tetrapeptides. Mixed with uniform leaps of
small blocks, which are cheap, and with 32 candidates at each attempt, they cross basins of AAAA
that plain MD hardly leaves; the Boltzmann distribution is that of the force field.

    python examples/peptide_leaps.py --sequence AAAA --jumps 2000
"""

import argparse

import numpy as np
from openmm import LangevinMiddleIntegrator, Platform
from openmm.app import ForceField, HBonds, Simulation
from openmm.unit import femtoseconds, kelvin, picosecond

from openmm_genmd import (
    BatchedEnergy,
    GenerativeJumpIntegrator,
    MixtureProposer,
    MultipleTry,
    UniformTorsionProposer,
    load_proposer,
)
from openmm_genmd.data.peptides import build_peptide

parser = argparse.ArgumentParser(description="Learned leaps of a peptide in implicit solvent.")
parser.add_argument("--sequence", default="AAAA", help="one-letter codes")
parser.add_argument("--model", default="tetrapeptide-blocks", help="bundled name or a checkpoint")
parser.add_argument("--jumps", type=int, default=2000)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()

topology, positions_nm = build_peptide(options.sequence)  # with caps
force_field = ForceField("amber99sbildn.xml", "amber99_obc.xml")
system = force_field.createSystem(topology, constraints=HBonds)

learned = load_proposer(options.model, topology, system)
uniform = UniformTorsionProposer(learned.representation)
proposer = MixtureProposer([learned, uniform], weights=[0.5, 0.5])
inner = LangevinMiddleIntegrator(300 * kelvin, 1 / picosecond, 2 * femtoseconds)
inner.setRandomNumberSeed(options.seed)
integrator = GenerativeJumpIntegrator(
    inner,
    proposer,
    jumpInterval=25,
    protocol=MultipleTry(32, BatchedEnergy(system, proposer.particles)),
    seed=options.seed,
)
simulation = Simulation(topology, system, integrator, Platform.getPlatformByName("Reference"))
simulation.context.setPositions(positions_nm)
simulation.minimizeEnergy(maxIterations=100)
simulation.context.setVelocitiesToTemperature(300 * kelvin, options.seed)

torsions = learned.representation.torsions
angles = []
for _ in range(options.jumps):
    simulation.step(25)
    found = simulation.context.getState(positions=True).getPositions(asNumpy=True)._value
    angles.append(learned.representation.encode(found))
angles = np.array(angles)

statistics = integrator.getStatistics()
print(
    f"{options.sequence}: grade {integrator.getGrade()}, accepted "
    f"{statistics.accepted / statistics.attempted:.3f} of {statistics.attempted} leaps"
)
for number, torsion in enumerate(torsions):
    if torsion.name.startswith("phi"):
        turns = np.count_nonzero(np.diff(angles[:, number] > 0))
        share = np.mean(angles[:, number] > 0)
        print(f"{torsion.name} > 0 in {share:.3f} of the frames, {turns} crossings")
