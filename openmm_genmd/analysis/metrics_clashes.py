"""Atoms that generated structures put where no physical structure has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

CLASH_ANGSTROM = 1.1
"""Heavy atoms that are not bonded clash if they are closer than this."""

_OVERLAP = 0.75
"""Share of the sum of two van der Waals radii below which atoms overlap."""


@dataclass(frozen=True)
class Clashes:
    """Clashes of each frame.

    Attributes
    ----------
    close_pairs
        ``(F,)`` int64: pairs of heavy atoms, not bonded, closer than 1.1 Angstrom.
    overlap_fraction
        ``(F,)`` float64: share of all such pairs closer than 0.75 times their radii's sum.

    Examples
    --------
    >>> line = np.arange(4.0)[None, :, None] * [1.0, 0.0, 0.0]
    >>> count_clashes(0.4 * line, bonds=[(0, 1), (1, 2), (2, 3)], radii_angstrom=np.ones(4))
    Clashes(close_pairs=array([0]), overlap_fraction=array([1.]))
    """

    close_pairs: Integers
    overlap_fraction: Array

    @property
    def clashing_share(self) -> float:
        """Share of the frames with at least one close pair."""
        return float(np.mean(self.close_pairs > 0))


def count_clashes(
    positions_angstrom: ArrayLike, *, bonds: ArrayLike, radii_angstrom: ArrayLike
) -> Clashes:
    """Count clashes among atoms that are more than two bonds apart.

    Parameters
    ----------
    positions_angstrom
        ``(F, n_atoms, 3)`` of the heavy atoms.
    bonds
        ``(n_bonds, 2)`` indices.
    radii_angstrom
        ``(n_atoms,)`` van der Waals radii.

    Raises
    ------
    ValueError
        If there is no frame, or the radii are not one for each atom.
    """
    frames = np.asarray(positions_angstrom, dtype=np.float64)
    radii = np.asarray(radii_angstrom, dtype=np.float64)
    if frames.ndim != 3 or not len(frames) or radii.shape != frames.shape[1:2]:
        raise ValueError(
            f"expected frames (F, n, 3) and a radius for each of the n atoms, got shapes "
            f"{frames.shape} and {radii.shape}"
        )
    excluded = excluded_pairs(bonds, len(radii))
    n_pairs = len(radii) * (len(radii) - 1) // 2 - len(excluded)
    reach = max(CLASH_ANGSTROM, 2 * _OVERLAP * float(radii.max()))
    counts = [_of_frame(frame, reach, excluded, radii) for frame in frames]
    close, overlapping = np.array(counts, dtype=np.int64).T
    return Clashes(close, overlapping / max(1, n_pairs))


def excluded_pairs(bonds: ArrayLike, n_atoms: int) -> Integers:
    """Pairs one or two bonds apart, as sorted ``first * n_atoms + second`` with first < second."""
    ends = np.asarray(bonds, dtype=np.int64).reshape(-1, 2)
    neighbours: list[set[int]] = [set() for _ in range(n_atoms)]
    for a, b in ends.tolist():
        neighbours[a].add(b)
        neighbours[b].add(a)
    pairs = {(min(a, b), max(a, b)) for a, b in ends.tolist()}
    for around in neighbours:
        pairs |= {(a, b) for a in around for b in around if a < b}
    return np.array(sorted(a * n_atoms + b for a, b in pairs), dtype=np.int64)


def _of_frame(frame: Array, reach: float, excluded: Integers, radii: Array) -> tuple[int, int]:
    pairs = KDTree(frame).query_pairs(reach, output_type="ndarray")
    pairs = pairs[~np.isin(pairs[:, 0] * len(frame) + pairs[:, 1], excluded)]
    distances = np.linalg.norm(frame[pairs[:, 0]] - frame[pairs[:, 1]], axis=-1)
    overlap = distances < _OVERLAP * (radii[pairs[:, 0]] + radii[pairs[:, 1]])
    return int(np.count_nonzero(distances < CLASH_ANGSTROM)), int(np.count_nonzero(overlap))
