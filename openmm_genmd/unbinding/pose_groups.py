"""Which atoms carry the axes of receptor and ligand: `receptor_sectors`, `ligand_triangle`."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.rotatable_bonds import Torsion, find_torsions
from openmm_genmd.unbinding.bound_complex import BoundComplex

Array = NDArray[np.float64]
Integers = NDArray[np.intp]
Groups = tuple[Integers, Integers, Integers]

_FLUCTUATION_WEIGHT = 10.0
_SMALLEST_HEIGHT_NM = 0.03
"""Of the ligand's triangle, against 0.12 nm of three atoms of a benzene ring in a row."""
_SMALLEST_SHARE = 0.05
"""Of the height of the receptor's triangle in its longest side."""
_TURNS_RAD = (2 * np.pi / 3, 4 * np.pi / 3)
_DIGITS = 6


def receptor_sectors(bound: BoundComplex) -> Groups:
    """Three groups of equally many atoms, by azimuth about the shortest principal axis.

    The CA atoms of a protein, otherwise all heavy atoms; those of the pocket, where a complex has
    one. Averages over a third of the atoms hardly move when the receptor breathes.

    Parameters
    ----------
    bound
        The complex; its bound positions alone decide.

    Raises
    ------
    ValueError
        If the receptor has fewer than three such atoms, or they are in line.
    """
    atoms = _framework(bound)
    if len(atoms) >= 3:
        order = np.argsort(_azimuths(bound.positions_nm[atoms]), kind="stable")
        one, two, three = (np.sort(part) for part in np.array_split(atoms[order], 3))
        corners = np.stack([bound.positions_nm[part].mean(axis=0) for part in (one, two, three)])
        height, longest = _triangle(corners)
        if height > _SMALLEST_SHARE * longest:
            return one, two, three
    raise ValueError(
        f"the receptor has no orientation: its {len(atoms)} heavy atoms (CA atoms of a protein) "
        "are in line, expected three at least that are not; check which molecules are the "
        "receptor, or show more of it by a larger pocket"
    )


def ligand_triangle(bound: BoundComplex, frames_nm: NDArray[Any] | None = None) -> Groups:
    """Three heavy atoms, one in each group, that form a large and rigid triangle.

    The score is the smallest height of the triangle in any conformation, divided by one plus ten
    times the largest relative fluctuation of its sides. Of equal scores the first atoms win.

    Parameters
    ----------
    bound
        The complex.
    frames_nm
        ``(n, n_particles, 3)``, nm, conformations. Without them the largest fluctuation is that
        of turning any one rotatable bond of the ligand by 120 and by 240 degrees.

    Raises
    ------
    ValueError
        If there are fewer than three heavy atoms, or all are in line, or the frames do not fit.
    """
    heavy = bound.ligand_heavy
    if len(heavy) < 3:
        raise ValueError(
            f"the ligand has {len(heavy)} heavy atoms, expected three at least: a smaller one has "
            "no orientation of its own that could be restrained; choose a larger ligand"
        )
    sets = _turned(bound) if frames_nm is None else [_checked(frames_nm, bound)]
    triples = np.array(list(combinations(range(len(heavy)), 3)))
    found = [_heights_and_fluctuations(frames[:, heavy], triples) for frames in sets]
    heights = np.min([of_set[0] for of_set in found], axis=0)
    fluctuations = np.max([of_set[1] for of_set in found], axis=0)
    best = int(np.argmax(np.round(heights / (1 + _FLUCTUATION_WEIGHT * fluctuations), _DIGITS)))
    if not heights[best] > _SMALLEST_HEIGHT_NM:
        raise ValueError(
            f"the heavy atoms of the ligand are in line: the best triangle of them is only "
            f"{heights[best]:.3f} nm high, expected more than {_SMALLEST_HEIGHT_NM} nm, so that "
            "its orientation cannot be restrained; choose a ligand that is not linear"
        )
    one, two, three = (np.array([heavy[n]]) for n in triples[best])
    return one, two, three


def _framework(bound: BoundComplex) -> Integers:
    atoms = list(bound.topology.atoms())
    heavy = bound.pocket_heavy
    named = [n for n in heavy if atoms[n].name == "CA" and atoms[n].element.symbol == "C"]
    return np.array(named, dtype=np.intp) if len(named) >= 3 else heavy


def _azimuths(points: Array) -> Array:
    """Angles ``(n,)`` about the shortest principal axis, from the first outer point on.

    Their sense is that in which another point of the first half turn comes first, so that angles
    do not depend on how the receptor lies.
    """
    centered = points - points.mean(axis=0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    plane = (centered @ axes[:, 1]) + 1j * (centered @ axes[:, 2])
    radii = np.abs(plane)
    outer = np.flatnonzero(radii >= 0.5 * radii.max())
    angles = np.angle(plane / plane[outer[0]])
    aside = outer[np.abs(np.sin(angles[outer])) > 0.1]
    sense = np.sign(angles[aside[0]]) if len(aside) else 1.0
    # The first point is the beginning, whatever side of it rounding puts it on.
    return np.asarray((sense * angles + 1e-6) % (2 * np.pi))


def _triangle(corners: Array) -> tuple[float, float]:
    """Smallest height and longest side of a triangle ``(3, 3)``."""
    sides = corners - np.roll(corners, 1, axis=0)
    longest = float(np.linalg.norm(sides, axis=1).max())
    area = float(np.linalg.norm(np.cross(sides[0], sides[1])))
    return area / max(longest, np.finfo(float).tiny), longest


def _checked(frames_nm: NDArray[Any], bound: BoundComplex) -> NDArray[Any]:
    shape, expected = np.shape(frames_nm), bound.positions_nm.shape
    if len(shape) != 3 or shape[0] == 0 or shape[1:] != expected:
        raise ValueError(
            f"expected frames (n, {expected[0]}, 3) of the complex, one at least, got {shape}"
        )
    return np.asarray(frames_nm)


def _turned(bound: BoundComplex) -> list[Array]:
    """Bound state alone, and with each rotatable bond of the ligand turned: ``(n, n_atoms, 3)``."""
    graph = BondGraph.of(bound.topology, bound.system)
    ligand = set(bound.ligand.tolist())
    molecules = [molecule for molecule in graph.molecules if ligand.issuperset(molecule)]
    found = find_torsions(bound.topology, graph, molecules)
    torsions = [torsion for several in found.values() for torsion in several]
    x = bound.positions_nm
    return [x[None], *(np.stack([x, *(_turn(x, t, a) for a in _TURNS_RAD)]) for t in torsions)]


def _turn(x: Array, torsion: Torsion, angle_rad: float) -> Array:
    _, j, k, _ = torsion.atoms
    axis = (x[k] - x[j]) / np.linalg.norm(x[k] - x[j])
    turned, moving = x.copy(), list(torsion.moving)
    turned[moving] = x[j] + Rotation.from_rotvec(angle_rad * axis).apply(x[moving] - x[j])
    return turned


def _heights_and_fluctuations(x: NDArray[Any], triples: Integers) -> tuple[Array, Array]:
    """Smallest heights, nm, and largest relative fluctuations of a side, both ``(n_triples,)``."""
    least = np.full(len(triples), np.inf)
    sums, squares = np.zeros((2, x.shape[1], x.shape[1]))
    for frame in x:
        distances = np.linalg.norm(frame[:, None].astype(np.float64) - frame, axis=-1)
        sums, squares = sums + distances, squares + distances**2
        sides = _sides(distances, triples)
        areas = np.linalg.norm(
            np.cross(
                frame[triples[:, 1]] - frame[triples[:, 0]],
                frame[triples[:, 2]] - frame[triples[:, 0]],
            ),
            axis=1,
        )
        least = np.minimum(least, areas / sides.max(axis=1))
    means = sums / len(x) + np.eye(x.shape[1])
    variances = np.maximum(squares / len(x) - (sums / len(x)) ** 2, 0.0)
    return least, _sides(np.sqrt(variances) / means, triples).max(axis=1)


def _sides(pairs: Array, triples: Integers) -> Array:
    """Values ``(n_triples, 3)`` of the three pairs of each triple."""
    i, j, k = triples.T
    return np.stack([pairs[i, j], pairs[j, k], pairs[k, i]], axis=1)
