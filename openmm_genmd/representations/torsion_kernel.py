"""The arithmetic of torsions on coordinates alone: `TorsionKernel`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.representations.dihedrals import dihedral, turn

Array = NDArray[np.float64]

# Up to so many torsions Python's float arithmetic beats NumPy for a single conformation.
_SCALAR_LIMIT = 16


class _Rotor(NamedTuple):
    number: int
    sign: int
    moving: slice | NDArray[np.intp]


class TorsionKernel:
    """Measures torsions and turns rigid parts, for one conformation or a batch.

    Indices are places along the second to last axis of the coordinates.

    Parameters
    ----------
    corners
        i, j, k, l of each torsion.
    moving
        The side that turns of each, with its atom of the bond (j or k). Any two sides must be
        nested or disjoint; then all axes can be taken from the conformation as it was, if inner
        sides turn before outer ones.

    Examples
    --------
    >>> import numpy as np
    >>> kernel = TorsionKernel([(0, 1, 2, 3)], [(2, 3)])
    >>> zigzag = np.array([[0.1, 0, 0], [0, 0, 0], [0, 0.1, 0], [-0.1, 0.1, 0]])
    >>> folded = kernel.turn_to(np.array([0.5]), zigzag)
    >>> kernel.angles(folded).round(12).tolist()
    [0.5]
    """

    def __init__(
        self, corners: Sequence[tuple[int, int, int, int]], moving: Sequence[Sequence[int]]
    ) -> None:
        self._n_torsions = len(corners)
        self._corners = np.array(corners, dtype=np.intp).ravel()
        inner_first = sorted(range(len(moving)), key=lambda n: len(moving[n]))
        self._rotors = [_rotor(n, corners[n], moving[n]) for n in inner_first]

    def angles(self, positions_nm: Array) -> Array:
        """Torsions ``(..., n_torsions)`` in rad, in [-pi, pi), of positions ``(..., n, 3)``, nm."""
        if positions_nm.ndim == 2 and self._n_torsions <= _SCALAR_LIMIT:
            single = _angles_of_one(positions_nm.take(self._corners, 0).tolist())
            return np.array([-math.pi if angle >= math.pi else angle for angle in single])
        angles = self._angles_of_batch(positions_nm)
        return np.where(angles >= math.pi, -math.pi, angles)

    def turn_to(self, angles_rad: Array, positions_nm: Array) -> Array:
        """Positions ``(..., n, 3)``, nm, with torsions ``(..., n_torsions)``, rad; broadcasts.

        Undefined rotations (not finite, two bonded atoms in one place) give NaN.
        """
        if angles_rad.ndim == 1 and positions_nm.ndim == 2:
            return self._turn_one(angles_rad, positions_nm)
        return self._turn_batch(angles_rad, positions_nm)

    def _angles_of_batch(self, positions_nm: Array) -> Array:
        shape = (*positions_nm.shape[:-2], self._n_torsions, 4, 3)
        corners = positions_nm[..., self._corners, :].reshape(shape)
        i, j, k, l = np.moveaxis(corners, (-2, -1), (0, 1))  # noqa: E741
        with np.errstate(invalid="ignore"):
            return np.asarray(dihedral(i, j, k, l, np), dtype=np.float64)

    def _turn_one(self, angles_rad: Array, positions_nm: Array) -> Array:
        corners = positions_nm.take(self._corners, 0).tolist()
        steps = [
            new - old for new, old in zip(angles_rad.tolist(), _angles_of_one(corners), strict=True)
        ]
        turned = _homogeneous(positions_nm)
        try:
            for n, sign, moving in self._rotors:
                j, k = corners[4 * n + 1], corners[4 * n + 2]
                matrix = np.array(turn(j, k, sign * steps[n])).reshape(4, 4)
                turned[moving] = turned[moving].dot(matrix)
        except (ZeroDivisionError, ValueError):
            return np.full_like(positions_nm, math.nan)
        return turned[:, :3].copy()

    def _turn_batch(self, angles_rad: Array, positions_nm: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = angles_rad - self._angles_of_batch(positions_nm)
            batch = steps.shape[:-1]
            original = np.broadcast_to(positions_nm, (*batch, *positions_nm.shape[-2:]))
            turned = _homogeneous(original)
            for n, sign, moving in self._rotors:
                bond = original[..., self._corners[4 * n + 1 : 4 * n + 3], :]
                j, k = np.moveaxis(bond, (-2, -1), (0, 1))
                entries = np.broadcast_arrays(*turn(j, k, sign * steps[..., n], np))
                matrix = np.stack(entries, axis=-1).reshape(*batch, 4, 4)
                turned[..., moving, :] = turned[..., moving, :] @ matrix
        return turned[..., :3].copy()


def _homogeneous(positions_nm: Array) -> Array:
    points = np.empty((*positions_nm.shape[:-1], 4))
    points[..., :3] = positions_nm
    points[..., 3] = 1.0
    return points


def _angles_of_one(corners: list[list[float]]) -> list[float]:
    return [dihedral(*corners[n : n + 4]) for n in range(0, len(corners), 4)]


def _rotor(number: int, corners: tuple[int, int, int, int], moving: Sequence[int]) -> _Rotor:
    k = corners[2]
    places = np.array(sorted(moving), dtype=np.intp)
    contiguous = places[-1] - places[0] == len(places) - 1
    chosen = slice(int(places[0]), int(places[-1]) + 1) if contiguous else places
    return _Rotor(number, 1 if k in moving else -1, chosen)
