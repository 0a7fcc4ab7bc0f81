"""A jump in plain Python, through nothing but getState, setPositions and setVelocities.

It is the readable twin of plugin/src/JumpEngine.cpp and GenericJumpKernel.cpp, and can be broken on
purpose.
"""

import copy

import numpy as np
import openmm

BREAKS = (
    "state not restored",
    "stored kept",
    "on-step kept",
    "fresh with the force at y",
    "unmoved kept",
)

SOFT = ("Nonbonded", "GB", "CMAP", "CMMotion", "Barostat", "Thermostat")


class Oracle:
    """Proposes, accepts with min(1, exp(-(U(y) - U(x))/kT + log ratio)), and settles velocities.

    Velocities (h half a time step, P_y the projection on the constraints at y): particles of a
    molecule of which one moved get P_y[xi - (h/m) (F(y) + S(y - (h/2) xi) - S(y))] with
    xi = P_y[Maxwell] and S the forces that may be stiff; the others v + P_y[(h/m) (F(x) - F(y))].
    """

    def __init__(self, context, proposer, kt_kj, half_step_ps, seed=1, broken=None):
        assert broken is None or broken in BREAKS
        self.context, self.proposer, self.broken = context, proposer, broken
        self.kt, self.half_step, self.rng = kt_kj, half_step_ps, np.random.default_rng(seed)
        system = context.getSystem()
        particles = range(system.getNumParticles())
        self.masses = np.array([[system.getParticleMass(i)._value] for i in particles])
        self.inverse_masses = np.divide(1, self.masses, where=self.masses > 0, out=0 * self.masses)
        self.molecule = molecules_of(context)
        self.periodic = system.usesPeriodicBoundaryConditions()
        self.stiff = openmm.Context(
            without_soft_forces(system), openmm.VerletIntegrator(0.001), context.getPlatform()
        )

    def evaluate(self, positions_nm):
        """Return energy (kJ/mol) and forces (kJ/mol/nm) at positions, which the Context keeps."""
        self.context.setPositions(positions_nm)
        self.context.computeVirtualSites()
        state = self.context.getState(energy=True, forces=True)
        return state.getPotentialEnergy()._value, state.getForces(asNumpy=True)._value

    def jump(self) -> dict:
        """Make one attempt; return its work, log ratio, probability and decision."""
        state = self.context.getState(positions=True, velocities=True)
        x = state.getPositions(asNumpy=True)._value
        v = state.getVelocities(asNumpy=True)._value
        box = state.getPeriodicBoxVectors(asNumpy=True)._value if self.periodic else None
        proposal = self.proposer.propose(x[self.proposer.particles], box, self.rng)
        y = x.copy()
        y[self.proposer.particles] = proposal.positions
        energy_x, force_x = self.evaluate(x)
        energy_y, force_y = self.evaluate(y)
        exponent = -(energy_y - energy_x) / self.kt + proposal.log_ratio
        probability = np.exp(min(0.0, exponent)) if np.isfinite(exponent) else 0.0
        accepted = self.rng.random() < probability
        if accepted:
            self.settle_velocities(x, y, v, force_x, force_y)
        elif self.broken != "state not restored":
            self.context.setPositions(x)
        work = energy_y - energy_x
        return dict(work=work, log_ratio=proposal.log_ratio, p=probability, accepted=accepted)

    def settle_velocities(self, x, y, v, force_x, force_y):
        """Give the Context at y the velocities that belong there."""
        h = self.half_step * self.inverse_masses
        moved = np.any(x != y, axis=1)
        leaping = np.isin(self.molecule, self.molecule[moved])
        leaping = moved if self.broken == "unmoved kept" else leaping
        redrawn = leaping[:, None] & (self.masses > 0)
        kept = v + self.project(h * (force_x - force_y), y)
        xi = np.sqrt(self.kt * self.inverse_masses) * self.rng.normal(size=v.shape)
        xi = self.project(np.where(redrawn, xi, 0), y)
        force = force_y
        if self.broken != "fresh with the force at y":
            displaced = y - 0.5 * self.half_step * xi
            force = force_y + self.stiff_force(displaced) - self.stiff_force(y)
        drawn = self.project(np.where(redrawn, xi - h * force, h * (force_x - force_y)), y)
        new = np.where(redrawn, drawn, v + drawn)
        self.context.setPositions(y)
        self.context.setVelocities({"stored kept": v, "on-step kept": kept}.get(self.broken, new))

    def stiff_force(self, positions_nm):
        """Return the forces of those kinds that may be stiff."""
        self.stiff.setPeriodicBoxVectors(*self.context.getState().getPeriodicBoxVectors())
        self.stiff.setPositions(positions_nm)
        self.stiff.computeVirtualSites()
        return self.stiff.getState(forces=True).getForces(asNumpy=True)._value

    def project(self, velocities, positions_nm):
        """Return the velocities without the parts that would change a constrained distance."""
        self.context.setPositions(positions_nm)
        self.context.setVelocities(velocities)
        self.context.applyVelocityConstraints(1e-10)
        return self.context.getState(velocities=True).getVelocities(asNumpy=True)._value


def without_soft_forces(system) -> openmm.System:
    """Return a copy of a System with bonded and unknown forces only."""
    stiff = copy.deepcopy(system)
    for index in reversed(range(stiff.getNumForces())):
        if any(word in stiff.getForce(index).getName() for word in SOFT):
            stiff.removeForce(index)
    return stiff


def molecules_of(context) -> np.ndarray:
    """Return a label ``(n,)`` per particle, equal for particles of one molecule."""
    label = np.empty(context.getSystem().getNumParticles(), dtype=int)
    for index, molecule in enumerate(context.getMolecules()):
        label[list(molecule)] = index
    return label
