"""Starting conformations that cover the basins of a molecule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]


def rotated_conformations(
    positions_nm: Array, representation: TorsionRepresentation, n: int, rng: np.random.Generator
) -> Array:
    """Conformations ``(n, n_particles, 3)``, nm, with torsions uniform on the torus.

    Hot MD alone can miss a rare basin; this cannot. Many of them overlap: minimise before use.

    Parameters
    ----------
    positions_nm
        ``(n_particles, 3)``, nm: gives everything but the torsions.
    representation
        Whose torsions are drawn.
    n, rng
        How many, and the source of randomness.
    """
    moved = list(representation.particles)
    torsions = rng.uniform(-np.pi, np.pi, size=(n, len(representation.torsions)))
    conformations = np.repeat(positions_nm[None], n, axis=0)
    conformations[:, moved] = representation.decode(torsions, positions_nm[moved])
    return conformations


def relax(
    context: openmm.Context,
    candidates: Array,
    *,
    iterations: int = 200,
    advance: Callable[[], None] = lambda: None,
) -> tuple[Array, Array]:
    """Minimised conformations, shape and unit as given, and energies ``(n,)`` in kJ/mol.

    Parameters
    ----------
    context
        Its positions are changed.
    candidates
        ``(n, n_particles, 3)``, nm.
    iterations
        Limit per conformation: enough to remove overlaps, not enough to empty shallow basins.
    advance
        Called after each conformation.
    """
    relaxed, energies = np.empty_like(candidates), np.empty(len(candidates))
    for i, candidate in enumerate(candidates):
        context.setPositions(candidate)
        openmm.LocalEnergyMinimizer.minimize(context, maxIterations=iterations)
        state = context.getState(getPositions=True, getEnergy=True)
        relaxed[i] = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
        energies[i] = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole)
        advance()
    return relaxed, energies


def same_stereochemistry(
    conformations: Array, reference_nm: Array, topology: app.Topology
) -> NDArray[np.bool_]:
    """Whether conformations ``(n,)`` have the chirality and cis or trans bonds of a reference.

    Hot MD and minimisation from overlaps can invert a center or turn a peptide bond. The first
    conformation passes in any case.

    Parameters
    ----------
    conformations
        ``(n, n_particles, 3)``, nm.
    reference_nm
        ``(n_particles, 3)``, nm.
    topology
        Its amino acids are looked at, if it has bonds.
    """
    from openmm_genmd.representations.geometry_check import check  # needs SciPy

    same = np.ones(len(conformations), dtype=np.bool_)
    if any(True for _ in topology.bonds()):
        report = check(np.concatenate([reference_nm[None], conformations]), topology)
        turned = np.concatenate([report.inverted, np.abs(report.omega_rad) < np.pi / 2], axis=1)
        same = np.asarray((turned[1:] == turned[0]).all(axis=1))
    same[0] = True
    return same


def thinned(conformations: Array, representation: TorsionRepresentation, n: int) -> Array:
    """The ``n`` of some conformations ``(n_frames, n_particles, 3)``, nm, that are farthest apart.

    Parameters
    ----------
    conformations
        Frames of a search; all of them are returned if there are no more than ``n``.
    representation
        Whose torsions tell them apart.
    n
        How many.
    """
    torsions = search_torsions(conformations, representation)
    return np.asarray(conformations[np.sort(spread_out(torsions, n, first=0))])


def search_torsions(conformations: Array, representation: TorsionRepresentation) -> Array:
    """Torsions ``(n, n_torsions)`` in rad by which starts are told apart, some of them repeated.

    Phi and psi count three times: side chains, which are quick to turn, would otherwise outvote
    the backbone of a peptide.

    Parameters
    ----------
    conformations
        ``(n, n_particles, 3)``, nm.
    representation
        Whose torsions are measured.
    """
    torsions = representation.encode(conformations[:, list(representation.particles)])
    names = [torsion.name.partition(" ")[0] for torsion in representation.torsions]
    backbone = torsions[:, [name in ("phi", "psi") for name in names]]
    return np.concatenate([torsions, backbone, backbone], axis=1)


def spread_out(torsions_rad: Array, n: int, first: int) -> NDArray[np.intp]:
    """Return indices ``(n,)`` of points far from one another on the torus, ``first`` among them.

    Parameters
    ----------
    torsions_rad
        ``(n_points, n_torsions)``, rad.
    n
        How many; all points if there are fewer.
    first
        Index of the point to begin with.

    References
    ----------
    Gonzalez, Theor. Comput. Sci. 38, 293 (1985): each next point is the one farthest from those
    chosen, which covers the set within twice the optimal radius.

    Examples
    --------
    >>> import numpy as np
    >>> spread_out(np.array([[0.0], [0.1], [3.1], [-1.5], [-3.1]]), 3, first=0).tolist()
    [0, 2, 3]
    """
    points = np.concatenate((np.cos(torsions_rad), np.sin(torsions_rad)), axis=1)
    chosen = [first]
    distance = np.linalg.norm(points - points[first], axis=1)
    while len(chosen) < min(n, len(points)):
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return np.array(chosen)
