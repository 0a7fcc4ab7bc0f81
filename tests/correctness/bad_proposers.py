"""Proposers that are deliberately bad: biased, asymmetric, far off; with correct or broken ratios.

Each keeps the conformations that it was shown, which are the samples of the chain just before each
jump, and the boxes. ``broken`` names what is wrong with the ratio, or is None.
"""

import numpy as np

from openmm_genmd import Proposal, Proposer


class BadProposer(Proposer):
    """Remembers what it saw; a subclass implements `leap`."""

    grade = "exact"

    def __init__(self, particles=(0,), broken: str | None = None) -> None:
        self.particles, self.broken = list(particles), broken
        self.seen, self.boxes = [], []

    def propose(self, positions, box, rng):
        self.seen.append(positions)
        self.boxes.append(box)
        new, log_density_ratio, log_jacobian = self.leap(positions, box, rng)
        factor = {"no q ratio": 0.0, "wrong sign": -1.0}.get(self.broken, 1.0)
        jacobian = 0.0 if self.broken == "no Jacobian" else log_jacobian
        return Proposal(new, factor * log_density_ratio + jacobian)

    def samples(self) -> np.ndarray:
        return np.array(self.seen)


class BiasedDrift(BadProposer):
    """y = A x + d + noise: overshoots through the origin and drifts to one side.

    q(y|x) is normal around A x + d, and q(x|y) around A y + d: not symmetric. Only some of the
    particles shown are moved; the others come back to the bit.
    """

    def __init__(self, particles, moved, broken=None, *, contraction, drift_nm, width_nm):
        super().__init__(particles, broken)
        self.moved = list(moved)
        self.contraction, self.drift_nm, self.width_nm = contraction, drift_nm, width_nm

    def leap(self, positions, box, rng):
        old = positions[self.moved]
        centre = self.contraction * old + self.drift_nm
        proposed = centre + self.width_nm * rng.normal(size=old.shape)
        back = old - (self.contraction * proposed + self.drift_nm)
        log_ratio = (np.sum((proposed - centre) ** 2) - np.sum(back**2)) / (2 * self.width_nm**2)
        new = positions.copy()
        new[self.moved] = proposed
        return new, log_ratio, 0.0


class Scaling(BadProposer):
    """y = lambda x with log lambda drawn from a normal distribution that favours growth.

    The way back needs 1/lambda: log q(x|y) - log q(y|x) = -2 m log(lambda) / s^2 for a normal
    distribution with mean m and width s. The map x -> lambda x of n coordinates, together with
    log lambda -> -log lambda, has the Jacobian lambda^n (Green, Biometrika 82, 711 (1995)).
    """

    def __init__(self, particles, broken=None, *, mean, width):
        super().__init__(particles, broken)
        self.mean, self.width = mean, width

    def leap(self, positions, box, rng):
        log_scale = self.mean + self.width * rng.normal()
        log_ratio = -2 * self.mean * log_scale / self.width**2
        return np.exp(log_scale) * positions, log_ratio, positions.size * log_scale


class Mixture(BadProposer):
    """Chooses one of several proposers by a biased coin, whatever the state."""

    def __init__(self, parts: list[BadProposer], weights: list[float]) -> None:
        super().__init__(parts[0].particles)
        self.parts, self.edges = parts, np.cumsum(weights)

    def propose(self, positions, box, rng):
        self.seen.append(positions)
        part = self.parts[int(np.searchsorted(self.edges, rng.random()))]
        return part.propose(positions, box, rng)


class BiasedRotation(BadProposer):
    """Turns a dimer about its midpoint into a direction drawn around the wrong pole.

    The direction u has the density exp(k u.z) on the sphere (von Mises-Fisher), with k < 0 where
    the field favours u.z > 0. The ratio is exp(k (u.z - u'.z)).
    """

    concentration = -1.0

    def leap(self, positions, box, rng):
        k = self.concentration
        # Inverse of the cumulative distribution of cos(theta): Ulrich, Appl. Stat. 33, 158 (1984).
        cosine = np.log(np.exp(-k) + rng.random() * (np.exp(k) - np.exp(-k))) / k
        azimuth = 2 * np.pi * rng.random()
        sine = np.sqrt(max(0.0, 1 - cosine**2))
        direction = np.array([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine])
        bond = positions[1] - positions[0]
        length = np.linalg.norm(bond)
        half = 0.5 * length * direction
        new = positions.mean(axis=0) + np.array([-half, half])
        return new, k * (bond[2] / length - cosine), 0.0


class RigidRotation(BadProposer):
    """Turns all particles together about their centre, uniformly over all rotations: ratio zero."""

    def leap(self, positions, box, rng):
        centre = positions.mean(axis=0)
        return (positions - centre) @ random_rotation(rng).T + centre, 0.0, 0.0


class BiasedPlacement(BadProposer):
    """Puts one particle anywhere in the box with density 1 + b cos(2 pi x / L)."""

    bias = 0.8

    def leap(self, positions, box, rng):
        lengths = np.diag(self.boxes[0] if self.broken == "stale box" else box)
        index = int(rng.integers(len(positions)))
        scaled = rng.random(3)
        while rng.random() * (1 + self.bias) > self._density(scaled):
            scaled = rng.random(3)
        new = positions.copy()
        new[index] = scaled * lengths
        old = self._density(positions[index] / lengths)
        return new, np.log(old) - np.log(self._density(scaled)), 0.0

    def _density(self, scaled):
        return 1 + self.bias * np.cos(2 * np.pi * scaled[0])


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    """Rotation matrix, uniform over all rotations, from a normalized quaternion."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
