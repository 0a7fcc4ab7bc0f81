"""A bent, rigid molecule in a small Lennard-Jones fluid, with identities that hold exactly."""

import numpy as np
import openmm

from .bad_proposers import BadProposer
from .exact_models import kt


class TrimerInFluid:
    """Three atoms with three constraints, and a fluid around them in a periodic box.

    For a test field g of the distance vectors between molecule and fluid, and L the generator of a
    rigid motion of the molecule, partial integration gives <F g> + kT <L g> = 0, with F the force
    or torque that belongs to L: position and orientation of a rigid molecule have uniform measure.
    """

    n_fluid, box_nm, particles, kt_kj = 24, 1.2, (0, 1, 2), kt(300.0)
    shape_nm = np.array([[0.0, 0.0, 0.0], [0.18, 0.0, 0.0], [-0.04, 0.17, 0.0]])
    masses = np.array([[12.0], [8.0], [8.0]] + [[20.0]] * n_fluid)
    range_nm = 0.55

    def system(self, parameter=None, sigma_nm=0.28, epsilon_kj=0.8, smallest_nm=0.04):
        """Return the System; a Context parameter shrinks the molecule from 1 to 0."""
        system, force = openmm.System(), openmm.NonbondedForce()
        force.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
        force.setCutoffDistance(0.55)
        force.setUseSwitchingFunction(True)
        force.setSwitchingDistance(0.42)
        force.setUseDispersionCorrection(False)
        force.setReactionFieldDielectric(1.0)
        system.setDefaultPeriodicBoxVectors(*(np.eye(3) * self.box_nm))
        for mass in self.masses[:, 0]:
            system.addParticle(mass)
            force.addParticle(0.0, 0.28, 0.8)
        for first, second in ((0, 1), (0, 2), (1, 2)):
            length = np.linalg.norm(self.shape_nm[first] - self.shape_nm[second])
            system.addConstraint(first, second, length)
            force.addException(first, second, 0.0, 0.1, 0.0)
        if parameter is not None:
            force.addGlobalParameter(parameter, 1.0)
            for atom in self.particles:
                force.setParticleParameters(atom, 0.0, smallest_nm, epsilon_kj)
                grown = sigma_nm - smallest_nm
                force.addParticleParameterOffset(parameter, atom, 0.0, grown, 0.0)
        system.addForce(force)
        return system

    def start_nm(self):
        """Return a lattice without the places next to the molecule."""
        grid = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
        places = (grid + 0.5) * self.box_nm / 3
        middle = places[13]
        far = places[np.argsort(np.sum((places - middle) ** 2, axis=1), kind="stable")]
        return np.concatenate([middle + self.shape_nm, far[-self.n_fluid :]])

    def observables(self, x, forces):
        """Return ``(n, 3)``: two virials whose averages vanish, and how much fluid is near."""
        r = x[:, 3:] - x[:, :1]
        r -= self.box_nm * np.round(r / self.box_nm)
        scaled = np.sum(r**2, axis=-1) / self.range_nm**2
        inside = np.maximum(0, 1 - scaled)
        field = np.sum(inside[..., None] ** 2 * r, axis=1)
        # Shifting the molecule by d changes every r by -d.
        shifted = -np.sum(3 * inside**2 - 4 * scaled * inside, axis=1)
        shift = np.sum(forces[:, :3].sum(axis=1) * field, axis=1) + self.kt_kj * shifted
        arms = x[:, 1:3] - x[:, :1]
        torque, bond = np.cross(arms, forces[:, 1:3]).sum(axis=1), arms[:, 0]
        turn = np.sum(torque * np.cross(bond, field), axis=1)
        turn -= 2 * self.kt_kj * np.sum(bond * field, axis=1)
        return np.stack([shift, turn, np.sum(inside**2, axis=1)], axis=1)

    @property
    def inverse_masses(self):
        return 1 / self.masses


class Tumble(BadProposer):
    """Turns and shifts a rigid molecule about its first atom: as likely as the way back."""

    soft_only = True

    def __init__(self, particles=(0, 1, 2), *, turn_rad=0.7, shift_nm=0.05):
        super().__init__(particles)
        self.turn_rad, self.shift_nm = turn_rad, shift_nm

    def __call__(self, x, draws):
        """Positions ``(1, n, 3)`` and log ratio ``(1,)``, for an oracle with one walker."""
        return self.moved(x[0], draws)[None], np.zeros(1)

    def moved(self, positions, rng):
        w = self.turn_rad * rng.normal(size=3)
        angle = np.linalg.norm(w)
        x, y, z = w / angle
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
        shift = self.shift_nm * rng.normal(size=3)
        return (positions - positions[0]) @ turn.T + positions[0] + shift

    def leap(self, positions, box, rng):
        return self.moved(positions, rng), 0.0, 0.0
