"""Systems whose averages are known exactly."""

import numpy as np
import openmm

GAS_CONSTANT = 0.00831446261815324
MASS = 12.0


def kt(temperature_k: float) -> float:
    """Thermal energy in kJ/mol."""
    return GAS_CONSTANT * temperature_k


def quadrature_average(functions, energy, kt_kj: float, limit_nm: float = 0.6) -> np.ndarray:
    """Averages of functions of one coordinate over exp(-energy/kT), on a grid.

    The trapezoidal rule converges faster than any power for integrands that vanish at both ends
    (Trefethen and Weideman, SIAM Rev. 56, 385 (2014)), so 4001 points are exact to rounding.
    """
    x = np.linspace(-limit_nm, limit_nm, 4001)
    weights = np.exp(-(energy(x) - energy(x).min()) / kt_kj)
    return np.array([np.sum(weights * f(x)) / np.sum(weights) for f in functions])


class TiltedDoubleWell:
    """One particle in U = h((x/b)^2 - 1)^2 + s x + k/2 (y - c x)^2 + k/2 z^2.

    Given x, y is normal around c x with variance kT/k, and z around 0, so every moment follows
    from one-dimensional integrals over x: <y> = c<x>, <y^2> = c^2<x^2> + kT/k, <xy> = c<x^2>.
    """

    barrier, half_width_nm, slope, spring, coupling = 5.0, 0.15, 8.0, 400.0, 0.8
    particles = (0,)
    names = ("x", "x^2", "x>0", "y", "y^2", "xy", "z^2")

    def energy_x(self, x):
        return self.barrier * ((x / self.half_width_nm) ** 2 - 1) ** 2 + self.slope * x

    def system(self) -> openmm.System:
        system = openmm.System()
        system.addParticle(MASS)
        expression = "barrier*((x/half_width)^2-1)^2 + slope*x"
        wells = openmm.CustomExternalForce(expression)
        springs = openmm.CustomExternalForce("0.5*spring*((y-coupling*x)^2 + z^2)")
        wells.addGlobalParameter("barrier", self.barrier)
        wells.addGlobalParameter("half_width", self.half_width_nm)
        wells.addGlobalParameter("slope", self.slope)
        springs.addGlobalParameter("spring", self.spring)
        springs.addGlobalParameter("coupling", self.coupling)
        springs.setForceGroup(1)
        for force in (wells, springs):
            force.addParticle(0, [])
            system.addForce(force)
        return system

    def start_nm(self):
        return [[0.1, 0.0, 0.0]]

    def energy(self, positions_nm) -> np.ndarray:
        """Energies ``(k,)`` in kJ/mol of positions ``(k, 1, 3)``."""
        x, y, z = positions_nm[:, 0].T
        return self.energy_x(x) + 0.5 * self.spring * ((y - self.coupling * x) ** 2 + z**2)

    def observables(self, positions):
        x, y, z = positions[:, 0].T
        return np.stack([x, x * x, x > 0, y, y * y, x * y, z * z], axis=1)

    def exact(self, temperature_k: float):
        functions = [lambda x: x, lambda x: x * x, lambda x: x > 0]
        x, xx, right = quadrature_average(functions, self.energy_x, kt(temperature_k))
        c, variance = self.coupling, kt(temperature_k) / self.spring
        return np.array([x, xx, right, c * x, c * c * xx + variance, c * xx, variance])


class CoupledParticles(TiltedDoubleWell):
    """Three particles in a row, r_i tied to c r_(i-1); the first is in the tilted double well.

    U = U_well(r_0) + k/2 |r_1 - c r_0|^2 + k/2 |r_2 - c r_1|^2. Given r_0, r_1 is normal around
    c r_0, and given r_1, r_2 around c r_1, each with variance kT/k per coordinate. Hence
    <x1> = c<x0>, <x0 x1> = c<x0^2>, <x1^2> = c^2<x0^2> + kT/k, and so on along the row.
    """

    particles = (0, 1, 2)
    names = ("x0", "x0^2", "x1", "x1^2", "x0 x1", "x2", "x2^2", "x1 x2", "x0 x2", "z1^2")

    def system(self) -> openmm.System:
        system = super().system()
        bonds = openmm.CustomCompoundBondForce(
            2, "0.5*spring*((x2-coupling*x1)^2+(y2-coupling*y1)^2+(z2-coupling*z1)^2)"
        )
        bonds.addGlobalParameter("spring", self.spring)
        bonds.addGlobalParameter("coupling", self.coupling)
        bonds.setForceGroup(1)
        for index in (1, 2):
            system.addParticle(MASS)
            bonds.addBond([index - 1, index], [])
        system.addForce(bonds)
        return system

    def start_nm(self):
        return [[0.1, 0.0, 0.0], [0.05, 0.0, 0.0], [0.05, 0.0, 0.0]]

    def energy(self, positions_nm) -> np.ndarray:
        """Energies ``(k,)`` in kJ/mol of positions ``(k, 3, 3)``."""
        stretched = positions_nm[:, 1:] - self.coupling * positions_nm[:, :-1]
        return super().energy(positions_nm) + 0.5 * self.spring * np.sum(stretched**2, axis=(1, 2))

    def observables(self, positions):
        x0, x1, x2 = positions[:, :, 0].T
        z1 = positions[:, 1, 2]
        columns = [x0, x0 * x0, x1, x1 * x1, x0 * x1, x2, x2 * x2, x1 * x2, x0 * x2, z1 * z1]
        return np.stack(columns, axis=1)

    def exact(self, temperature_k: float):
        functions = [lambda x: x, lambda x: x * x]
        x, xx = quadrature_average(functions, self.energy_x, kt(temperature_k))
        c, v = self.coupling, kt(temperature_k) / self.spring
        x1x1 = c * c * xx + v
        row = [x, xx, c * x, x1x1, c * xx, c * c * x, c * c * x1x1 + v, c * x1x1, c * c * xx]
        return np.array([*row, c * c * v + v])


class DimerInField:
    """Rigid dimer in a uniform field: U = -f d cos(theta), and a spring on the midpoint.

    With a = f d / kT, cos(theta) has the density exp(a cos(theta)) on [-1, 1] (Langevin, 1905):
    <cos> = coth a - 1/a, <cos^2> = 1 - 2<cos>/a, <sin^2 cos(2 azimuth)> = 0. A constraint on one
    bond has a constant metric determinant, so the measure on the sphere is uniform.
    """

    length_nm, field, spring, masses = 0.11, 40.0, 300.0, (12.0, 6.0)
    particles = (0, 1)
    names = ("cos", "cos^2", "cos^3", "sin^2 cos(2 azimuth)", "midpoint^2")

    def system(self) -> openmm.System:
        system = openmm.System()
        for mass in self.masses:
            system.addParticle(mass)
        system.addConstraint(0, 1, self.length_nm)
        force = openmm.CustomExternalForce("q*f*z")
        force.addPerParticleParameter("q")
        force.addGlobalParameter("f", self.field)
        force.addParticle(0, [1.0])
        force.addParticle(1, [-1.0])
        # |r0|^2 + |r1|^2 is 2 |midpoint|^2 plus a constant, whatever the direction.
        springs = openmm.CustomExternalForce("0.25*k*(x*x+y*y+z*z)")
        springs.addGlobalParameter("k", self.spring)
        springs.addParticle(0, [])
        springs.addParticle(1, [])
        system.addForce(force)
        system.addForce(springs)
        return system

    def start_nm(self):
        return [[0.0, 0.0, 0.0], [self.length_nm, 0.0, 0.0]]

    def observables(self, positions):
        bond = (positions[:, 1] - positions[:, 0]) / self.length_nm
        u = bond[:, 2]
        midpoint = np.sum(positions.mean(axis=1) ** 2, axis=1)
        return np.stack([u, u**2, u**3, bond[:, 0] ** 2 - bond[:, 1] ** 2, midpoint], axis=1)

    def exact(self, temperature_k: float):
        a = self.field * self.length_nm / kt(temperature_k)
        first = 1 / np.tanh(a) - 1 / a
        second = 1 - 2 * first / a
        # Integration by parts: <u^n> = (1 or coth a, for even or odd n) - n <u^(n-1)> / a.
        third = 1 / np.tanh(a) - 3 * second / a
        return np.array([first, second, third, 0.0, 3 * kt(temperature_k) / self.spring])
