"""The arithmetic of torsions on coordinates alone: `TorsionKernel`."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
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


class _RigidPart(NamedTuple):
    """Atoms that turn about a bond, but about no bond further inside."""

    rotor: int
    atoms: slice | NDArray[np.intp]
    outer: int | None  # rotor of the next larger moving side


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
        self._rigid_parts = _rigid_parts([set(moving[n]) for n in inner_first])
        self._axes = np.array([corners[n][1:3] for n in inner_first], dtype=np.intp).ravel()

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
        return self.turn_by(angles_rad - self.angles(positions_nm), positions_nm)

    def turn_by(self, steps_rad: Array, positions_nm: Array) -> Array:
        """Positions ``(..., n, 3)``, nm, with torsions changed by steps, rad, like `turn_to`."""
        if positions_nm.ndim > 2 or steps_rad.ndim > 2:
            return self._turn_batch(steps_rad, positions_nm)
        one_or_many = self._turn_one if steps_rad.ndim == 1 else self._turn_many
        try:
            return one_or_many(steps_rad, positions_nm)
        except (ZeroDivisionError, ValueError):
            return np.full((*steps_rad.shape[:-1], *positions_nm.shape), math.nan)

    def _angles_of_batch(self, positions_nm: Array) -> Array:
        shape = (*positions_nm.shape[:-2], self._n_torsions, 4, 3)
        corners = positions_nm[..., self._corners, :].reshape(shape)
        i, j, k, l = np.moveaxis(corners, (-2, -1), (0, 1))  # noqa: E741
        with np.errstate(invalid="ignore"):
            return np.asarray(dihedral(i, j, k, l, np), dtype=np.float64)

    def _turn_one(self, steps_rad: Array, positions_nm: Array) -> Array:
        axes = positions_nm.take(self._axes, 0).tolist()
        steps = steps_rad.tolist()
        turned = _homogeneous(positions_nm)
        for m, (n, sign, moving) in enumerate(self._rotors):
            step = sign * steps[n]
            entries = turn(axes[2 * m], axes[2 * m + 1], math.cos(step), math.sin(step))
            turned[moving] = turned[moving].dot(np.array(entries).reshape(4, 4))
        return turned[:, :3].copy()

    def _turn_many(self, steps_rad: Array, positions_nm: Array) -> Array:
        """Many steps ``(k, n_torsions)`` of one conformation: the axes are the same for all."""
        k = len(steps_rad)
        axes = positions_nm.take(self._axes, 0).tolist()
        points = _homogeneous(positions_nm)
        turned = np.empty((k, *positions_nm.shape))
        turned[:] = positions_nm
        with np.errstate(invalid="ignore"):
            factors = np.array((np.cos(steps_rad), np.sin(steps_rad), np.ones_like(steps_rad)))
            whole: dict[int, Array] = {}
            for rotor, atoms, outer in self._rigid_parts:
                n, sign, _ = self._rotors[rotor]
                parts = _turn_parts(axes[2 * rotor], axes[2 * rotor + 1])
                parts[1] *= sign
                turns = factors[:, :, n].T.dot(parts).reshape(k, 4, 4)
                whole[rotor] = turns if outer is None else turns @ whole[outer]
                # One product for all turns of a rigid part, instead of one for each turn.
                columns = whole[rotor][:, :, :3].transpose(1, 0, 2).reshape(4, 3 * k)
                product = points[atoms].dot(columns).reshape(-1, k, 3)
                turned[:, atoms] = product.transpose(1, 0, 2)
        return turned

    def _turn_batch(self, steps_rad: Array, positions_nm: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            batch = np.broadcast_shapes(steps_rad.shape[:-1], positions_nm.shape[:-2])
            original = np.broadcast_to(positions_nm, (*batch, *positions_nm.shape[-2:]))
            turned = _homogeneous(original)
            for n, sign, moving in self._rotors:
                bond = original[..., self._corners[4 * n + 1 : 4 * n + 3], :]
                j, k = np.moveaxis(bond, (-2, -1), (0, 1))
                step = sign * steps_rad[..., n]
                entries = np.broadcast_arrays(*turn(j, k, np.cos(step), np.sin(step)))
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
    return _Rotor(number, 1 if k in moving else -1, _places(moving))


def _places(atoms: Collection[int]) -> slice | NDArray[np.intp]:
    places = np.array(sorted(atoms), dtype=np.intp)
    contiguous = places[-1] - places[0] == len(places) - 1
    return slice(int(places[0]), int(places[-1]) + 1) if contiguous else places


def _rigid_parts(sides: list[set[int]]) -> list[_RigidPart]:
    """Parts of moving sides that are given inner ones first, outer ones first."""
    parts = []
    for rotor in reversed(range(len(sides))):
        side = sides[rotor]
        outer = next((m for m in range(rotor + 1, len(sides)) if side < sides[m]), None)
        inner = [other for other in sides[:rotor] if other < side]
        parts.append(_RigidPart(rotor, _places(side.difference(*inner)), outer))
    return parts


def _turn_parts(j: list[float], k: list[float]) -> Array:
    """Matrices A, B, C ``(3, 16)``: cos(a) A + sin(a) B + C turns by any a, as `turn` does."""
    parts = np.array((turn(j, k, 1.0, 0.0), turn(j, k, 0.0, 1.0), turn(j, k, 0.0, 0.0)))
    parts[:2] -= parts[2]
    return parts
