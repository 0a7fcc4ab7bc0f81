"""Oscillators around a particle in a double well, for OpenMM and for NumPy, and who leaps there."""

import re

import numpy as np
import openmm

from openmm_genmd import Proposal

from .bad_proposers import BadProposer
from .exact_models import MASS, CoupledParticles, TiltedDoubleWell


class Unconstrained:
    """What the oracle asks of a landscape without constraints."""

    def constrain(self, before, after):
        return after

    def project(self, x, v):
        return v


class DraggedParticle(TiltedDoubleWell, Unconstrained):
    """`TiltedDoubleWell` for walkers ``(w, n, 3)``, with forces and independent samples."""

    @property
    def masses(self):
        return np.full((len(self.start_nm()), 1), MASS)

    @property
    def inverse_masses(self):
        return 1 / self.masses

    def force(self, x):
        force, k, c = np.zeros_like(x), self.spring, self.coupling
        first, y, z = np.moveaxis(x[:, 0], -1, 0)
        scaled = first / self.half_width_nm
        force[:, 0, 0] = -4 * self.barrier * scaled * (scaled**2 - 1) / self.half_width_nm
        force[:, 0, 0] += k * c * (y - c * first) - self.slope
        force[:, 0, 1], force[:, 0, 2] = -k * (y - c * first), -k * z
        return force

    def draw(self, w, kt_kj, rng):
        """Positions ``(w, n, 3)`` from the Boltzmann distribution, each independent."""
        grid = np.linspace(-0.6, 0.6, 4001)
        density = np.exp(-(self.energy_x(grid) - self.energy_x(grid).min()) / kt_kj)
        x = np.interp(rng.random(w), np.cumsum(density) / density.sum(), grid)
        normal = np.sqrt(kt_kj / self.spring) * rng.normal(size=(w, len(self.start_nm()), 3))
        normal[:, 0, :2] = np.stack([x, self.coupling * x + normal[:, 0, 1]], axis=1)
        for i in range(1, normal.shape[1]):
            normal[:, i] += self.coupling * normal[:, i - 1]
        return normal


class OscillatorBath(CoupledParticles, DraggedParticle):
    """`CoupledParticles` for walkers: what is tied to the particle in the wells is a bath.

    `scale` multiplies the springs between particles. An instantaneous leap between the wells would
    cost some 6 kT.
    """

    half_width_nm, spring = 0.06, 600.0

    def start_nm(self):
        return [[0.06, 0.05, 0.0], [0.05, 0.04, 0.0], [0.04, 0.03, 0.0]]

    def system(self, parameter: str | None = None) -> openmm.System:
        system = CoupledParticles.system(self)
        if parameter is not None:
            bonds = system.getForce(system.getNumForces() - 1)
            bonds.setEnergyFunction(f"{parameter}*{bonds.getEnergyFunction()}")
            bonds.addGlobalParameter(parameter, 1.0)
        return system

    def energy(self, x, scale=1.0):
        tied = super().energy(x) - TiltedDoubleWell.energy(self, x)
        return TiltedDoubleWell.energy(self, x) + scale * tied

    def force(self, x, scale=1.0):
        force = DraggedParticle.force(self, x)
        pull = scale * self.spring * (x[:, 1:] - self.coupling * x[:, :-1])
        force[:, 1:] -= pull
        force[:, :-1] += self.coupling * pull
        return force


class AlchemicalBath(OscillatorBath):
    """The same with other wells and springs, so that it differs at the end points, too."""

    barrier, slope, spring, coupling = 4.0, 0.0, 540.0, 0.7

    def system(self, parameter: str | None = None) -> openmm.System:
        """Return it with names of its own: a switch takes over parameters of the same name."""
        system = super().system(parameter)
        for force in system.getForces():
            for index in range(force.getNumGlobalParameters()):
                name = force.getGlobalParameterName(index)
                if name != parameter:
                    force.setGlobalParameterName(index, f"other_{name}")
                    renamed = re.sub(rf"\b{name}\b", f"other_{name}", force.getEnergyFunction())
                    force.setEnergyFunction(renamed)
        return system


class Overshoot(BadProposer):
    """y = A x + d + noise for every moved particle, in both directions not equally likely.

    An instance is also the leap of an oracle: positions may have a leading axis of walkers.
    """

    def __init__(self, particles=(0,), *, contraction=-0.92, drift_nm=(0.01, 0, 0), width_nm=0.02):
        super().__init__(particles)
        self.contraction, self.drift_nm, self.width_nm = contraction, np.array(drift_nm), width_nm

    def __call__(self, x, draws):
        y = self.contraction * x + self.drift_nm + self.width_nm * draws.normal(size=x.shape)
        return y, self.ratio(x, y)

    def ratio(self, x, y):
        there = y - (self.contraction * x + self.drift_nm)
        back = x - (self.contraction * y + self.drift_nm)
        return np.sum(there**2 - back**2, axis=(-1, -2)) / (2 * self.width_nm**2)

    def propose(self, positions, box, rng):
        self.seen.append(positions)
        y, log_ratio = self(positions, rng)
        return Proposal(y, float(log_ratio))
