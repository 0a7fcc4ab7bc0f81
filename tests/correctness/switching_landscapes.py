"""Systems of OpenMM as landscapes of the oracle, for one walker, with SHAKE in plain NumPy."""

import numpy as np
import openmm

from .running import REFERENCE

TOLERANCE = 1e-12


class SystemLandscape:
    """Energies and forces of a System from a Context of its own; `scale` is a Context parameter."""

    def __init__(self, system: openmm.System, parameter: str | None = None) -> None:
        self.context = openmm.Context(system, openmm.VerletIntegrator(0.001), REFERENCE)
        self.parameter, particles = parameter, range(system.getNumParticles())
        self.masses = np.array([[system.getParticleMass(i)._value] for i in particles])
        self.inverse_masses = 1 / self.masses
        pairs = map(system.getConstraintParameters, range(system.getNumConstraints()))
        self.bonds = [(i, j, length._value) for i, j, length in pairs]

    def state(self, x, scale):
        if self.parameter is not None:
            self.context.setParameter(self.parameter, scale)
        self.context.setPositions(x[0])
        return self.context.getState(energy=True, forces=True)

    def energy(self, x, scale=1.0):
        return np.array([self.state(x, scale).getPotentialEnergy()._value])

    def force(self, x, scale=1.0):
        return self.state(x, scale).getForces(asNumpy=True)._value[None]

    def constrain(self, before, after):
        """SHAKE: displace along the bonds before, until all have their lengths."""
        after, error = after.copy(), 1.0
        while self.bonds and error > TOLERANCE:
            error = 0.0
            for i, j, length in self.bonds:
                old, new = before[:, i] - before[:, j], after[:, i] - after[:, j]
                if not np.any(old != new):
                    continue
                excess = np.sum(new**2) - length**2
                self.share(after, i, j, 0.5 * excess / np.sum(old * new), old)
                error = max(error, abs(excess) / length**2)
        return after

    def project(self, x, v):
        """Take away what would change the length of a bond."""
        v, error = v.copy(), 1.0
        while self.bonds and error > TOLERANCE:
            error = 0.0
            for i, j, _ in self.bonds:
                old, new = x[:, i] - x[:, j], v[:, i] - v[:, j]
                along = np.sum(new * old) / np.sum(old**2)
                self.share(v, i, j, along, old)
                error = max(error, abs(along))
        return v

    def share(self, y, i, j, factor, direction):
        """Shift two particles against each other, each as light as it is."""
        total = self.inverse_masses[i] + self.inverse_masses[j]
        y[:, i] -= factor * self.inverse_masses[i] / total * direction
        y[:, j] += factor * self.inverse_masses[j] / total * direction
