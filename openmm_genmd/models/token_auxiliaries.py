"""Lengths and repeated torsions of tokens as random variables: `TokenAuxiliaries`.

A flow makes numbers; a conformation is a point of a manifold. A token's pair (sine, cosine) has a
length that means nothing, so has its quaternion, and torsions that the frames determine are there
twice. What means nothing is given a density of its own, so that tokens have one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.models.wrapped_normal import wrapped_normal_log_density
from openmm_genmd.representations.residue_frames import ResidueFrames
from openmm_genmd.representations.residue_tokens import (
    N_NUMBERS,
    QUATERNION,
    TORSIONS,
    TRANSLATION,
    quaternions_of,
    rotations_of,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TokenParts:
    """What tokens say about a conformation, relative to the one where a leap starts.

    Attributes
    ----------
    quaternions
        ``(n, L, 4)``, w x y z, of length 1.
    translations_angstrom
        ``(n, L, 3)``.
    torsions_rad
        ``(n, L, 7)``, NaN where a token has none. Repeated ones are no truth: they follow from the
        frames up to their noise.

    Examples
    --------
    >>> unmoved = TokenParts(np.eye(4)[:1, None], np.zeros((1, 1, 3)), np.zeros((1, 1, 7)))
    >>> unmoved.quaternions.tolist()
    [[[1.0, 0.0, 0.0, 0.0]]]
    """

    quaternions: Array
    translations_angstrom: Array
    torsions_rad: Array

    @classmethod
    def between(cls, current: ResidueFrames, new: ResidueFrames, torsions_rad: ArrayLike) -> Self:
        """Parts that lead from frames ``(n, L)`` to new ones, with torsions ``(n, L, 7)``."""
        offset = current.inverse().compose(new)
        torsions = np.asarray(torsions_rad, dtype=np.float64)
        return cls(quaternions_of(offset.rotations), offset.translations_angstrom, torsions)

    def placed(self, current: ResidueFrames) -> ResidueFrames:
        """Frames ``(n, L)`` to which these parts lead from current ones.

        Raises
        ------
        ValueError
            If a quaternion is 0 or NaN.
        """
        offset = ResidueFrames(rotations_of(self.quaternions), self.translations_angstrom)
        return current.compose(offset)


@dataclass(frozen=True, eq=False)
class TokenAuxiliaries:
    """Density of everything in tokens that the conformation leaves open.

    The target pi(conformation) is extended to pi h(s) h(rho) c(a | conformation), with s the length
    of a quaternion, rho that of a pair and h log-normal around 1, and c wrapped normal around the
    torsion that a pair repeats. With respect to the numbers of the tokens that is
    ``pi h(s)/s^3 h(rho)/rho c``, since d^4 q = s^3 ds d(rotation) and d^2 p = rho d(rho) d(angle).
    All are drawn anew before each move, and dropped after it.

    Parameters
    ----------
    torsions
        ``(L, 7)`` bool: which torsions the tokens have.
    repeated
        ``(L, 7)`` bool: which of them the frames determine.
    radius_width
        Of log rho and log s.
    repeated_width_rad
        Of the noise of repeated torsions, rad. The larger, the less a model's contradictions cost.

    Raises
    ------
    ValueError
        If the shapes differ, a repeated torsion is none of the tokens', or a width is not positive.

    Examples
    --------
    >>> none = np.zeros((1, 7), dtype=bool)
    >>> auxiliaries, rng = TokenAuxiliaries(none, none), np.random.default_rng(1)
    >>> unmoved = TokenParts(np.eye(4)[:1, None], np.zeros((1, 1, 3)), np.full((1, 1, 7), np.nan))
    >>> tokens = auxiliaries.extend(unmoved, rng)
    >>> tokens.round(3).tolist(), auxiliaries.log_density(tokens, unmoved.torsions_rad).round(3)
    ([[1.035, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]], array([1.186]))
    """

    torsions: NDArray[np.bool_]
    repeated: NDArray[np.bool_]
    radius_width: float = 0.1
    repeated_width_rad: float = 0.1

    def __post_init__(self) -> None:
        """Refuse masks that do not belong together."""
        shape = self.torsions.shape
        if len(shape) != 2 or shape[1:] != (7,) or self.repeated.shape != shape:
            raise ValueError(
                f"torsions and repeated must have shape (L, 7), got {shape} and "
                f"{self.repeated.shape}"
            )
        if (self.repeated & ~self.torsions).any():
            raise ValueError("a repeated torsion must be one that the tokens have")
        if not (self.radius_width > 0.0 and self.repeated_width_rad > 0.0):
            raise ValueError(
                "radius_width and repeated_width_rad must be positive, got "
                f"{self.radius_width} and {self.repeated_width_rad}"
            )

    @property
    def mask(self) -> NDArray[np.bool_]:
        """``(L, 21)`` bool: which numbers the tokens have."""
        mask = np.ones((len(self.torsions), N_NUMBERS), dtype=np.bool_)
        mask[:, TORSIONS] = np.repeat(self.torsions, 2, axis=-1)
        return mask

    def extend(self, parts: TokenParts, rng: np.random.Generator) -> Array:
        """Tokens ``(n, d)``, those of the mask in a row, with all that is open drawn at random.

        Parameters
        ----------
        parts
            With the true torsions also where they are repeated.
        rng
            The only source of randomness.
        """
        n, n_residues = parts.quaternions.shape[:2]
        lengths = np.exp(self.radius_width * rng.standard_normal((n, n_residues)))
        radii = np.exp(self.radius_width * rng.standard_normal((n, n_residues, 7)))
        noise = self.repeated_width_rad * rng.standard_normal((n, n_residues, 7))
        angles = parts.torsions_rad + np.where(self.repeated, noise, 0.0)
        tokens = np.empty((n, n_residues, N_NUMBERS))
        sign = np.where(parts.quaternions[..., :1] < 0.0, -1.0, 1.0)
        tokens[..., QUATERNION] = sign * lengths[..., None] * parts.quaternions
        tokens[..., TRANSLATION] = parts.translations_angstrom
        pairs = radii[..., None] * np.stack((np.sin(angles), np.cos(angles)), axis=-1)
        tokens[..., TORSIONS] = pairs.reshape(n, n_residues, -1)
        return tokens[:, self.mask]

    def split(self, tokens: ArrayLike) -> TokenParts:
        """Frames and torsions of tokens ``(n, d)``; NaN where a length is 0."""
        full = self._full(tokens)
        with np.errstate(invalid="ignore", divide="ignore"):
            quaternions = full[..., QUATERNION] / _length(full[..., QUATERNION])[..., None]
        pairs = _pairs(full)
        return TokenParts(
            quaternions,
            full[..., TRANSLATION],
            np.where(self.torsions, np.arctan2(pairs[..., 0], pairs[..., 1]), np.nan),
        )

    def log_density(self, tokens: ArrayLike, torsions_rad: ArrayLike) -> Array:
        """Log density ``(n,)`` of what is open in tokens ``(n, d)``, per unit of their numbers.

        It is to be added to the log density of the conformation with respect to translations,
        rotations and torsions that are not repeated; -inf for quaternions with w <= 0, which no
        conformation has.

        Parameters
        ----------
        tokens
            Of the mask, in a row.
        torsions_rad
            ``(n, L, 7)``, rad: the true torsions of the conformations, where they are repeated.
        """
        full = self._full(tokens)
        quaternions, pairs = full[..., QUATERNION], _pairs(full)
        lengths = self._log_length(_length(quaternions), 3).sum(axis=-1)
        radii = self._log_length(np.where(self.torsions, _length(pairs), 1.0), 1)
        angles = np.arctan2(pairs[..., 0], pairs[..., 1])
        noise = np.where(self.repeated, angles - np.asarray(torsions_rad), 0.0)
        repeated = wrapped_normal_log_density(noise, self.repeated_width_rad)
        open_torsions = np.where(self.torsions, radii, 0.0) + np.where(self.repeated, repeated, 0.0)
        allowed = (quaternions[..., 0] > 0.0).all(axis=-1)
        return np.where(allowed, lengths + open_torsions.sum(axis=(-2, -1)), -np.inf)

    def _log_length(self, length: Array, power: int) -> Array:
        """Log of h(r) / r^power, h the density of a log-normal length; -inf at 0."""
        with np.errstate(divide="ignore"):
            log = np.log(length)
        constant = math.log(self.radius_width * math.sqrt(2.0 * math.pi))
        with np.errstate(invalid="ignore"):
            density = -0.5 * (log / self.radius_width) ** 2 - (1 + power) * log - constant
        return np.where(length > 0.0, density, -np.inf)

    def _full(self, tokens: ArrayLike) -> Array:
        flat = np.asarray(tokens, dtype=np.float64)
        full = np.zeros((len(flat), *self.mask.shape))
        full[:, self.mask] = flat
        return full


def _length(vectors: Array) -> Array:
    return np.asarray(np.linalg.norm(vectors, axis=-1))


def _pairs(tokens: Array) -> Array:
    return tokens[..., TORSIONS].reshape(*tokens.shape[:-1], 7, 2)
