"""Targets whose averages are known by quadrature, and networks that are wrong about them.

All chains are run side by side: samples are drawn exactly, moved some times, and must still have
the averages of the target, which a move does not know.
"""

import math

import numpy as np
import torch

from openmm_genmd.models.flow_paths import FlowPath
from openmm_genmd.models.wrapped_normal import (
    wrapped_normal_log_density,
    wrapped_normal_score,
)
from openmm_genmd.representations.residue_frames import ResidueFrames
from openmm_genmd.representations.residue_tokens import rotations_of

from .exact_models import kt
from .torsion_chain import TorsionChain


def scores_of_samples(observed, exact) -> np.ndarray:
    """Standard scores of means over independent chains, ``(n, k)`` observed."""
    errors = observed.std(axis=0, ddof=1) / math.sqrt(len(observed))
    return (observed.mean(axis=0) - exact) / errors


class TorusTarget:
    """Two torsions with the coupled potential of a `TorsionChain`."""

    chain = TorsionChain()

    def __init__(self, temperature_k=300.0):
        self.temperature_k = temperature_k

    def log_density(self, angles):
        return -self.chain.potential(*angles.T) / kt(self.temperature_k)

    def samples(self, n, rng):
        top = sum(term[0] for term in self.chain.terms) / kt(self.temperature_k)
        found = np.empty((0, 2))
        while len(found) < n:
            angles = rng.uniform(-np.pi, np.pi, size=(20 * n, 2))
            kept = np.log(rng.random(len(angles))) < self.log_density(angles) - top
            found = np.concatenate((found, angles[kept]))
        return found[:n]

    def scores(self, angles):
        observed = np.stack([f(*angles.T) for f in self.chain.observables], axis=1)
        return scores_of_samples(observed, self.chain.exact(self.temperature_k))


def drifting_score(current_rad, drift_rad=0.7, width_rad=0.7):
    """Score of a network that expects angles to go on by a drift, far from the target."""
    center = torch.from_numpy(current_rad) + drift_rad

    def score(angles, sigma_rad):
        of_row = center.repeat_interleave(len(angles) // len(center), dim=0)
        width = (sigma_rad**2 + width_rad**2).sqrt()[:, None]
        return wrapped_normal_score(angles - of_row, width)

    return score


class CircleTarget:
    """One angle with the density exp(cos t + sin 2t / 2)."""

    def log_density(self, angles):
        return (np.cos(angles) + 0.5 * np.sin(2 * angles)).sum(axis=1)

    def samples(self, n, rng):
        angles = rng.uniform(-np.pi, np.pi, size=(20 * n, 1))
        kept = np.log(rng.random(len(angles))) < self.log_density(angles) - 1.5
        return angles[kept][:n]

    def scores(self, angles):
        grid = (np.arange(400) + 0.5) * 2 * np.pi / 400
        exact = np.average(
            self._observe(grid), axis=0, weights=np.exp(self.log_density(grid[:, None]))
        )
        return scores_of_samples(self._observe(angles[:, 0]), exact)

    def _observe(self, t):
        return np.stack([np.cos(t), np.sin(t), np.cos(2 * t), np.sin(2 * t)], axis=1)


class ResidueTarget:
    """A frame, a torsion chi of its own and one that the rest determines, a = chi + t_x.

    Rotations have the density exp(sum of A_ij R_ij) (matrix Fisher), given R the translation is
    normal around R b, and given both chi is von Mises around t_x.
    """

    field = np.array([[0.9, 0.4, 0.0], [-0.6, 0.5, 0.0], [0.0, 0.3, 0.2]])
    center, width, concentration = np.array([0.6, 0.3, 0.0]), 0.5, 1.0

    def log_density(self, state):
        rotations, translations, chi = state
        energy = np.einsum("ij,nij->n", self.field, rotations)
        shift = translations - rotations @ self.center
        energy -= 0.5 * (shift**2).sum(axis=1) / self.width**2
        return energy + self.concentration * np.cos(chi - translations[:, 0])

    def samples(self, n, rng):
        top = np.abs(self.field).sum()
        found = np.empty((0, 3, 3))
        while len(found) < n:
            rotations = rotations_of(rng.standard_normal((4 * n, 4)))
            energy = np.einsum("ij,nij->n", self.field, rotations)
            kept = np.log(rng.random(len(rotations))) < energy - top
            found = np.concatenate((found, rotations[kept]))
        rotations = found[:n]
        translations = rotations @ self.center + self.width * rng.standard_normal((n, 3))
        return rotations, translations, translations[:, 0] + rng.vonmises(0, self.concentration, n)

    def scores(self, state):
        rotations, translations, chi = state
        along = translations[:, 0] - rotations[:, 0] @ self.center
        columns = [*rotations.reshape(-1, 9).T, *translations.T, along**2, rotations[:, 0, 0] ** 2]
        columns += [np.cos(chi - translations[:, 0]), np.sin(chi - translations[:, 0])]
        return scores_of_samples(np.stack(columns, axis=1), self._exact())

    def _exact(self):
        """By the trapezoidal rule in two Euler angles and Gauss-Legendre in the cosine of one."""
        turn = (np.arange(24) + 0.5) * 2 * np.pi / 24
        cosine, weights = np.polynomial.legendre.leggauss(20)
        a, b, c = (x.ravel() for x in np.meshgrid(turn, cosine, turn, indexing="ij"))
        rotations = about_z(a) @ about_x(np.arccos(b)) @ about_z(c)
        energy = np.einsum("ij,nij->n", self.field, rotations)
        weight = np.exp(energy) * np.tile(np.repeat(weights, 24), 24)
        mean = np.average(rotations, axis=0, weights=weight)
        square = np.average(rotations[:, 0, 0] ** 2, weights=weight)
        bessel = np.average(np.cos(turn), weights=np.exp(self.concentration * np.cos(turn)))
        return np.array([*mean.ravel(), *(mean @ self.center), self.width**2, square, bessel, 0.0])


def about_z(angle):
    """Rotations ``(n, 3, 3)`` about z."""
    zero, one = np.zeros_like(angle), np.ones_like(angle)
    rows = [[np.cos(angle), -np.sin(angle), zero], [np.sin(angle), np.cos(angle), zero]]
    return np.moveaxis(np.array([*rows, [zero, zero, one]]), -1, 0)


def about_x(angle):
    """Rotations ``(n, 3, 3)`` about x."""
    return about_z(angle)[:, [2, 0, 1]][:, :, [2, 0, 1]]


def frames_of_state(state) -> ResidueFrames:
    """Frames ``(n, 1)`` of rotations and translations."""
    return ResidueFrames(state[0][:, None], state[1][:, None])


def torsions_of_state(state) -> np.ndarray:
    """Torsions ``(n, 1, 7)``: psi is the one that repeats the rest, chi1 is chi."""
    torsions = np.full((len(state[2]), 1, 7), np.nan)
    torsions[:, 0, 2] = state[2] + state[1][:, 0]
    torsions[:, 0, 3] = state[2]
    return torsions


def drifting_velocity(state, path: FlowPath, width=0.5):
    """Velocity of a network that expects a turn, a shift and a drift of chi, whatever the target.

    It expects normal numbers around a center that depends on where the leap starts: then the
    data have the mean ``c + k (z - alpha c)`` with k = alpha w^2 / (alpha^2 w^2 + sigma^2).
    """
    chi, tilt = state[2] + 0.4, 0.25 * np.tanh(state[1][:, 0])
    one, zero = np.ones_like(chi), np.zeros_like(chi)
    numbers = [0.9 * one, 0.2 * one, tilt, zero, 0.25 * one, tilt, zero]
    repeated = state[2] + state[1][:, 0] + 0.4
    numbers += [np.sin(repeated), np.cos(repeated), np.sin(chi), np.cos(chi)]
    center = torch.from_numpy(np.stack(numbers, axis=1))

    def velocity(numbers, time):
        c = center.repeat_interleave(len(numbers) // len(center), dim=0)
        at = path.coefficients(time[:, None])
        gain = at.alpha * width**2 / (at.alpha**2 * width**2 + at.sigma**2)
        noise_free = c + gain * (numbers - at.alpha * c)
        noise = (numbers - at.alpha * noise_free) / at.sigma
        return at.alpha_rate * noise_free + at.sigma_rate * noise

    return velocity


def steep_score(current_rad, drift_rad=0.7, width_rad=0.2):
    """Score of three sharp peaks in each angle, which few steps cannot follow."""
    centers = torch.from_numpy(current_rad)[:, None] + drift_rad
    centers = centers + torch.arange(3, dtype=torch.float64)[:, None] * 2 * math.pi / 3

    def score(angles, sigma_rad):
        of_row = centers.repeat_interleave(len(angles) // len(centers), dim=0)
        width = (sigma_rad**2 + width_rad**2).sqrt()[:, None, None]
        difference = angles[:, None] - of_row
        shares = wrapped_normal_log_density(difference, width).softmax(dim=1)
        return (shares * wrapped_normal_score(difference, width)).sum(dim=1)

    return score
