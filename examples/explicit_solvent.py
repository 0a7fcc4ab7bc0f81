"""Leaps in water: alanine dipeptide in a small box, dragged while the solvent makes way.

An instantaneous leap of a molecule in water meets the water. `SteeredSwitching` drags it along the
arc of its torsions in small increments with MD of the water in between, and decides by the work of
the whole way, so that the Boltzmann distribution is kept.

    python examples/explicit_solvent.py --switches 40
"""

import argparse

import openmm
from openmm import LangevinMiddleIntegrator, Platform, Vec3
from openmm.app import PME, ForceField, HBonds, Modeller, Simulation
from openmm.unit import femtoseconds, kelvin, nanometer, picosecond

from openmm_genmd import (
    BatchedEnergy,
    GenerativeJumpIntegrator,
    SteeredSwitching,
    load_proposer,
)
from openmm_genmd.data.structures import load_structure

parser = argparse.ArgumentParser(description="Steered leaps of alanine dipeptide in water.")
parser.add_argument("--switches", type=int, default=40, help="attempted leaps")
parser.add_argument("--switching-steps", type=int, default=2000, help="MD steps of each")
parser.add_argument("--jump-interval", type=int, default=1000, help="MD steps between them")
parser.add_argument("--equilibration-steps", type=int, default=10_000)
parser.add_argument("--seed", type=int, default=1)
options = parser.parse_args()

molecule, positions_nm = load_structure("alanine-dipeptide")
force_field = ForceField("amber99sbildn.xml", "tip3p.xml")
modeller = Modeller(molecule, (positions_nm - positions_nm.mean(axis=0)) * nanometer)
modeller.addSolvent(force_field, boxSize=Vec3(1.95, 1.95, 1.95) * nanometer)
topology = modeller.topology
system = force_field.createSystem(
    topology, nonbondedMethod=PME, nonbondedCutoff=0.8 * nanometer, constraints=HBonds
)


def thermostat() -> openmm.Integrator:
    """Return the MD of both runs."""
    inner = LangevinMiddleIntegrator(300 * kelvin, 1 / picosecond, 2 * femtoseconds)
    inner.setRandomNumberSeed(options.seed)
    return inner


platform = Platform.getPlatformByName("CPU")
equilibration = Simulation(topology, system, thermostat(), platform)
equilibration.context.setPositions(modeller.positions)
equilibration.minimizeEnergy(maxIterations=200)
equilibration.context.setVelocitiesToTemperature(300 * kelvin, options.seed)
equilibration.step(options.equilibration_steps)
start = equilibration.context.getState(positions=True, velocities=True)

# The time step and the masses of the switch are its own: masses do not change where molecules are.
# Leaps that the molecule in implicit solvent is against, or that go too far, cost no switch.
implicit = ForceField("amber99sbildn.xml", "amber99_obc.xml").createSystem(molecule)
protocol = SteeredSwitching(
    steps=options.switching_steps,
    time_step_ps=0.006,
    hydrogen_mass_da=4.5,
    surrogate=BatchedEnergy(implicit, threads=1),
    reach_nm=0.135,
    work_limit_kt=8.0,
    blocks_per_check=max(1, options.switching_steps // 80),
)
proposer = load_proposer("alanine-dipeptide", topology, system, atoms=range(molecule.getNumAtoms()))
integrator = GenerativeJumpIntegrator(
    thermostat(),
    proposer,
    jumpInterval=options.jump_interval,
    protocol=protocol,
    seed=options.seed,
)
simulation = Simulation(topology, system, integrator, platform)
simulation.context.setPositions(start.getPositions())
simulation.context.setVelocities(start.getVelocities())
shadow_kt = integrator.measureShadowWork()
simulation.step(options.switches * options.jump_interval)

statistics = integrator.getStatistics()
n = statistics.attempted
rejected = ", ".join(f"{reason} {k}" for reason, k in integrator.getRejections().items() if k)
print(f"{system.getNumParticles()} atoms, grade {integrator.getGrade()}")
print(
    f"{n} leaps: {statistics.accepted} accepted, mean acceptance probability "
    f"{statistics.sum_probability / n:.3f}; rejected: {rejected or 'none'}"
)
print(f"{statistics.switching_steps / n:.0f} MD steps spent per leap, {protocol.steps} per switch")
print(f"shadow work of a switch that changes nothing: {shadow_kt.mean():+.2f} kT")
