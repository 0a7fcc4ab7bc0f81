"""Leaps in OpenMM's replica exchange: every replica leaps at its own temperature.

python examples/replica_exchange.py --iterations 50
"""

import argparse

from openmm import LangevinMiddleIntegrator, Platform
from openmm.app import ForceField, HBonds, ReplicaExchangeSampler, Simulation
from openmm.unit import femtoseconds, kelvin, nanometer, picosecond

from openmm_genmd import GenerativeJumpIntegrator, load_proposer
from openmm_genmd.data.structures import load_structure

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--iterations", type=int, default=50)
options = parser.parse_args()

topology, positions_nm = load_structure("alanine-dipeptide")
force_field = ForceField("amber99sbildn.xml", "amber99_obc.xml")
system = force_field.createSystem(topology, constraints=HBonds)
integrator = GenerativeJumpIntegrator(
    LangevinMiddleIntegrator(300 * kelvin, 1 / picosecond, 2 * femtoseconds),
    load_proposer("alanine-dipeptide", topology),
    jumpInterval=10,
)
simulation = Simulation(topology, system, integrator, Platform.getPlatformByName("Reference"))
simulation.context.setPositions(positions_nm * nanometer)
simulation.context.setVelocitiesToTemperature(300 * kelvin)

temperatures = [300 * kelvin, 350 * kelvin, 400 * kelvin]
states = [{"temperature": temperature} for temperature in temperatures]
sampler = ReplicaExchangeSampler(states, simulation, stepsPerIteration=100)
sampler.simulate(options.iterations)
print(f"{options.iterations} iterations of {len(states)} replicas")
print(f"leaps accepted {integrator.getAcceptanceRate():.3f}")
