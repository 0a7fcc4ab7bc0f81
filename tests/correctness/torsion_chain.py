"""A chain of five atoms whose two torsions have a density that is known exactly."""

from itertools import pairwise

import numpy as np
import openmm
from openmm import app

from openmm_genmd.representations.torsions import TorsionRepresentation

from .exact_models import MASS, kt


class TorsionChain:
    """Springs for bonds and angles, and a coupled potential V of the two torsions.

    In bond lengths b, angles a and torsions the volume element is the product of b^2 sin(a), which
    the torsions do not enter. No term of U but V depends on them, so that exp(-V/kT) is their exact
    density, and their averages are integrals over the torus. The midpoint rule converges faster
    than any power for smooth periodic integrands.
    """

    bond_nm, angle_rad = 0.15, 1.95
    terms = ((3.0, 2, 0, 0.0), (2.0, 1, 0, 1.0), (2.5, 0, 1, -2.0), (2.5, 1, -1, 0.5))
    """Amplitude (kJ/mol), multiples of both torsions, phase (rad) of each cosine in V."""

    observables = (
        lambda phi, psi: np.cos(phi),
        lambda phi, psi: np.sin(phi),
        lambda phi, psi: np.cos(psi),
        lambda phi, psi: np.sin(psi),
        lambda phi, psi: np.cos(2 * phi),
        lambda phi, psi: np.cos(phi - psi),
        lambda phi, psi: np.sin(phi + psi),
    )

    def __init__(self):
        self.topology = app.Topology()
        residue = self.topology.addResidue("CHN", self.topology.addChain())
        # Sulfur: carbons with two neighbours are taken for linear.
        sulfur = app.Element.getBySymbol("S")
        atoms = [self.topology.addAtom(f"S{n}", sulfur, residue) for n in range(5)]
        for a, b in pairwise(atoms):
            self.topology.addBond(a, b)
        self.representation = TorsionRepresentation.from_topology(self.topology)

    def potential(self, phi, psi):
        """V in kJ/mol."""
        return sum(a * np.cos(m * phi + n * psi + p) for a, m, n, p in self.terms)

    def system(self) -> openmm.System:
        system = openmm.System()
        bonds, angles = openmm.HarmonicBondForce(), openmm.HarmonicAngleForce()
        for _ in range(5):
            system.addParticle(MASS)
        for n in range(4):
            bonds.addBond(n, n + 1, self.bond_nm, 20000.0)
        for n in range(3):
            angles.addAngle(n, n + 1, n + 2, self.angle_rad, 200.0)
        cosines = "+".join(f"{a}*cos({m}*phi+({n})*psi+({p}))" for a, m, n, p in self.terms)
        torsions = openmm.CustomCompoundBondForce(
            5, f"{cosines}; phi=dihedral(p1,p2,p3,p4); psi=dihedral(p2,p3,p4,p5)"
        )
        torsions.addBond(range(5), [])
        for force in (bonds, angles, torsions):
            system.addForce(force)
        return system

    def start_nm(self):
        zigzag = [[0.1 * n, 0.11 * (n % 2), 0.02 * n * n] for n in range(5)]
        return np.array(zigzag)

    def observe(self, positions):
        """Observables ``(n, k)`` of conformations ``(n, 5, 3)``."""
        phi, psi = self.representation.encode(positions).T
        return np.stack([f(phi, psi) for f in self.observables], axis=1)

    def exact(self, temperature_k: float = 300.0):
        grid = (np.arange(300) + 0.5) * 2 * np.pi / 300
        phi, psi = np.meshgrid(grid, grid)
        weights = np.exp(-self.potential(phi, psi) / kt(temperature_k))
        return np.array([np.average(f(phi, psi), weights=weights) for f in self.observables])
