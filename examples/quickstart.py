"""The script of the README, complete: leaps in an OpenMM simulation that changes in one line.

python examples/quickstart.py --steps 20000
"""

import argparse

from openmm import LangevinMiddleIntegrator, Platform
from openmm.app import ForceField, HBonds, Simulation
from openmm.unit import femtoseconds, kelvin, nanometer, picosecond

from openmm_genmd import GenerativeJumpIntegrator, JumpReporter, load_proposer
from openmm_genmd.data.structures import load_structure

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--steps", type=int, default=20_000)
parser.add_argument("--jumps", default="jumps.csv")
options = parser.parse_args()

topology, positions_nm = load_structure("alanine-dipeptide")
force_field = ForceField("amber99sbildn.xml", "amber99_obc.xml")
system = force_field.createSystem(topology, constraints=HBonds)

proposer = load_proposer("alanine-dipeptide", topology)
integrator = GenerativeJumpIntegrator(
    LangevinMiddleIntegrator(300 * kelvin, 1 / picosecond, 2 * femtoseconds),
    proposer,
    jumpInterval=10,
    triesPerJump=2,
)
# Reference is OpenMM's fastest platform for two dozen atoms.
simulation = Simulation(topology, system, integrator, Platform.getPlatformByName("Reference"))
simulation.context.setPositions(positions_nm * nanometer)
simulation.reporters.append(JumpReporter(options.jumps, 1000))
simulation.step(options.steps)

print(f"grade {integrator.getGrade()}, {integrator.getNumJumpsAttempted()} leaps attempted")
print(f"accepted {integrator.getAcceptanceRate():.3f}, rejected {integrator.getRejections()}")
