"""A run with switches and checkpoints in a folder, killed in the middle of a switch if asked."""

import os
import signal
from pathlib import Path

import openmm
from openmm import app

from openmm_genmd import GenerativeJumpIntegrator

from .switching_systems import PROTOCOLS, START_NM, Mirror, bound_pair

N_STEPS, CHECKPOINT_STEPS = 120, 25


class KilledProposer(Mirror):
    """Ends its process at one of its calls, which it counts over restarts."""

    calls, killed_at = 0, -1

    def propose(self, positions, box, rng):
        self.calls += 1
        if self.calls == self.killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.log_ratio = 0.3 * rng.normal()
        return super().propose(positions, box, rng)

    def get_state(self):
        return str(self.calls).encode()

    def set_state(self, data):
        self.calls = int(data or b"0")


def make_simulation(name: str, seed: int, killed_at: int = -1) -> app.Simulation:
    """Deterministic MD, whose only random numbers are those of the jumps."""
    proposer = KilledProposer()
    proposer.killed_at = killed_at
    integrator = GenerativeJumpIntegrator(
        openmm.VerletIntegrator(0.002),
        proposer,
        5,
        protocol=PROTOCOLS[name](friction_per_ps=3.0),
        temperature=300.0,
        seed=seed,
    )
    topology = app.Topology()
    residue = topology.addResidue("X", topology.addChain())
    for atom in ("A", "B"):
        topology.addAtom(atom, app.element.carbon, residue)
    reference = openmm.Platform.getPlatformByName("Reference")
    simulation = app.Simulation(topology, bound_pair(), integrator, reference)
    simulation.context.setPositions(START_NM)
    simulation.context.setVelocitiesToTemperature(300.0, 11)
    return simulation


def run(folder: Path, name: str, seed: int = 4, killed_at: int = -1) -> app.Simulation:
    """Run to the end, from the last checkpoint in the folder if there is one."""
    simulation = make_simulation(name, seed, killed_at)
    checkpoint = folder / "checkpoint"
    if checkpoint.exists():
        simulation.loadCheckpoint(str(checkpoint))
    while simulation.currentStep < N_STEPS:
        simulation.step(min(CHECKPOINT_STEPS, N_STEPS - simulation.currentStep))
        simulation.saveCheckpoint(str(folder / "new"))
        os.replace(folder / "new", checkpoint)
    return simulation
