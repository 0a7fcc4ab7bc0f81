"""Molecules made whole again across periodic boundaries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pair = tuple[int, int]


def bond_tree(n_atoms: int, bonds: Sequence[Pair]) -> tuple[Pair, ...]:
    """Bonds that span each molecule, as (parent, child), every parent before its children."""
    neighbours: list[list[int]] = [[] for _ in range(n_atoms)]
    for a, b in bonds:
        neighbours[a].append(b)
        neighbours[b].append(a)
    reached: set[int] = set()
    tree: list[Pair] = []
    for root in range(n_atoms):
        if root in reached:
            continue
        reached.add(root)
        front = [root]
        for atom in front:
            fresh = [other for other in neighbours[atom] if other not in reached]
            reached.update(fresh)
            front += fresh
            tree += [(atom, other) for other in fresh]
    return tuple(tree)


def make_whole(
    positions_nm: NDArray[np.float64],
    box_nm: NDArray[np.float64],
    tree: Sequence[Pair] | NDArray[np.intp],
) -> NDArray[np.float64]:
    """Positions ``(..., n, 3)``, nm, moved by box vectors so that every bond is the shortest one.

    Parameters
    ----------
    positions_nm
        ``(..., n, 3)``, any periodic image of each atom. Returned itself if nothing is broken, or
        if a position is not finite.
    box_nm
        ``(3, 3)``, rows are the box vectors in OpenMM's reduced form.
    tree
        From `bond_tree`, perhaps as an array ``(n_bonds, 2)``; the first atom of each molecule
        stays.

    Notes
    -----
    The image is right for bonds shorter than half the smallest box width, which OpenMM demands
    of the cutoff anyhow.
    """
    parents, children = np.asarray(tree, dtype=np.intp).reshape(-1, 2).T
    bonds = positions_nm.take(children, -2) - positions_nm.take(parents, -2)
    if (np.abs(bonds) <= 0.5 * np.diagonal(box_nm)).all() or not np.isfinite(bonds).all():
        return positions_nm
    shifts = np.zeros_like(bonds)
    # Reduced form: the third vector alone has a z component, the second no z, the first only x.
    for axis in (2, 1, 0):
        images = np.round((bonds + shifts)[..., axis] / box_nm[axis, axis])
        shifts -= images[..., None] * box_nm[axis]
    total = np.zeros_like(positions_nm)
    for n, (parent, child) in enumerate(tree):
        total[..., child, :] = total[..., parent, :] + shifts[..., n, :]
    return positions_nm + total
