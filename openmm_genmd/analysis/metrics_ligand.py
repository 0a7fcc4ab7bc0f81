"""Bond lengths and angles of generated frames against those of a structure: `geometry_errors`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class GeometryErrors:
    """Mean absolute errors over all bonds, angles and frames.

    Attributes
    ----------
    bond_mae_angstrom
        Of bond lengths; NaN without bonds.
    angle_mae_rad
        Of angles between bonds of an atom; NaN without any.

    Examples
    --------
    >>> bent = np.array([[1.0, 0, 0], [0, 0, 0], [0, 1.0, 0]])
    >>> geometry_errors(1.1 * bent[None], bent, bonds=[(0, 1), (1, 2)])
    GeometryErrors(bond_mae_angstrom=0.1, angle_mae_rad=0.0)
    """

    bond_mae_angstrom: float
    angle_mae_rad: float


def geometry_errors(
    positions_angstrom: ArrayLike, reference_angstrom: ArrayLike, *, bonds: ArrayLike
) -> GeometryErrors:
    """Mean absolute errors of bond lengths and angles against a structure, usually frame 0.

    Parameters
    ----------
    positions_angstrom
        ``(F, n_atoms, 3)``.
    reference_angstrom
        ``(n_atoms, 3)``.
    bonds
        ``(n_bonds, 2)`` indices, for instance of the ligand alone.

    Raises
    ------
    ValueError
        If there is no frame, or shapes do not fit.
    """
    frames = np.asarray(positions_angstrom, dtype=np.float64)
    reference = np.asarray(reference_angstrom, dtype=np.float64)
    if frames.ndim != 3 or not len(frames) or frames.shape[1:] != reference.shape:
        raise ValueError(
            f"expected frames (F, n, 3) and a structure (n, 3), got shapes {frames.shape} and "
            f"{reference.shape}"
        )
    pairs = np.asarray(bonds, dtype=np.int64).reshape(-1, 2)
    triples = bond_angles(pairs)
    return GeometryErrors(
        _mean_error(_lengths(frames, pairs), _lengths(reference, pairs)),
        _mean_error(_angles(frames, triples), _angles(reference, triples)),
    )


def bond_angles(bonds: ArrayLike) -> Integers:
    """Triples ``(n_angles, 3)`` int64 of atoms whose middle one is bonded to the others.

    Examples
    --------
    >>> bond_angles([(0, 1), (1, 2), (1, 3)]).tolist()
    [[0, 1, 2], [0, 1, 3], [2, 1, 3]]
    """
    neighbours: dict[int, list[int]] = {}
    for a, b in np.asarray(bonds, dtype=np.int64).reshape(-1, 2).tolist():
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    triples = [
        (a, middle, b)
        for middle in sorted(neighbours)
        for n, a in enumerate(sorted(neighbours[middle]))
        for b in sorted(neighbours[middle])[n + 1 :]
    ]
    return np.array(triples, dtype=np.int64).reshape(-1, 3)


def _mean_error(found: Array, expected: Array) -> float:
    # Rounded beyond what positions can tell, so that equal structures have no error at all.
    return float(np.round(np.mean(np.abs(found - expected)), 12)) if expected.size else float("nan")


def _lengths(positions: Array, pairs: Integers) -> Array:
    ends = positions[..., pairs[:, 0], :] - positions[..., pairs[:, 1], :]
    return np.asarray(np.linalg.norm(ends, axis=-1))


def _angles(positions: Array, triples: Integers) -> Array:
    first, second = (
        positions[..., triples[:, n], :] - positions[..., triples[:, 1], :] for n in (0, 2)
    )
    across = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.asarray(np.arctan2(across, np.sum(first * second, axis=-1)))
