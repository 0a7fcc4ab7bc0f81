"""Ways to relabel a ligand that change nothing: `ligand_symmetries`, `relabeled`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray

from openmm_genmd.md.platforms import find_platform
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.ligand_graph import LigandGraph, Mapped

Integers = NDArray[np.intp]

_CONFORMATIONS, _DISPLACEMENT_NM, _SEED = 3, 0.005, 7
_SAME = 1e-6
"""Relative difference of masses, and that of constraints in nm, that is rounding."""


def ligand_symmetries(
    bound: BoundComplex,
    *,
    tolerance_kj_per_mol: float = 1e-3,
    at_most: int = 200,
) -> list[Integers]:
    """Permutations ``(n_particles,)`` of the ligand's atoms that leave the energy as it is.

    They are the automorphisms of its graph of bonds and elements, of which only those are taken
    that move heavy atoms, one each; hydrogens go with their heavy atoms. Atoms with four
    neighbors keep their handedness, so that the relabeled ligand is one that it can become by
    turning, and not a mirror image in its labels. What the System says decides: energies of
    three distorted conformations, and masses and constraints, must be the same before and after.

    With the default tolerance relabeling is a Monte Carlo move that is always accepted. Many force
    fields are symmetric only nearly, because charges were fitted to one conformation or because
    an improper torsion depends on the order of its atoms: a larger tolerance finds the relabelings
    of these too, which then have to be accepted with probability min(1, exp(-dU / kT)). Volume is
    kept, and the inverse of each permutation is in the list, so that one drawn from it at random
    is proposed as often as its reverse.

    Parameters
    ----------
    bound
        The complex.
    tolerance_kj_per_mol
        Largest change of the energy in any of the three conformations, kJ/mol.
    at_most
        So many automorphisms are tried at most, each with its energies on the Reference platform.

    Raises
    ------
    ValueError
        If there are more automorphisms than that, or the tolerance is not positive.

    References
    ----------
    Gilson & Irikura, J. Phys. Chem. B 114, 16304 (2010), for symmetry in binding free energies.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> len(ligand_symmetries(bundled_complex("cb7-b2")))  # turns by 120 degrees, and flips
    5
    >>> xylene = bundled_complex("cb7-p-xylene")  # charges differ by 0.001 e
    >>> len(ligand_symmetries(xylene)), len(ligand_symmetries(xylene, tolerance_kj_per_mol=1.0))
    (0, 3)
    """
    if not tolerance_kj_per_mol > 0:
        raise ValueError(f"tolerance_kj_per_mol must be positive, got {tolerance_kj_per_mol}")
    found = _candidates(LigandGraph(bound), len(bound.positions_nm), at_most)
    candidates = [p for p in found if _keeps_masses_and_constraints(bound.system, p)]
    kept = _keeping_energy(bound, candidates, tolerance_kj_per_mol) if candidates else []
    known = {_key(p) for p in kept}
    return [p for p in kept if _key(_inverse(p)) in known]


def relabeled(positions: NDArray[Any], permutation: Integers) -> NDArray[Any]:
    """Positions ``(..., n_particles, 3)``, in which particle i has those of particle p[i].

    Parameters
    ----------
    positions
        ``(..., n_particles, 3)``, any unit; velocities are relabeled in the same way.
    permutation
        ``(n_particles,)``.

    Examples
    --------
    >>> relabeled(np.array([[1.0, 0, 0], [2.0, 0, 0]]), np.array([1, 0]))[:, 0]
    array([2., 1.])
    """
    return np.asarray(positions[..., permutation, :])


def _candidates(graph: LigandGraph, n_particles: int, at_most: int) -> list[Integers]:
    """Permutations by graph and handedness, each with its inverse."""
    found = [heavy for heavy in islice(graph.automorphisms(), at_most + 2) if _moves(heavy)]
    if len(found) > at_most:
        raise ValueError(
            f"the ligand has more than {at_most} automorphisms besides the identity; the others "
            "would be left out, and with them modes of binding; pass a larger at_most, each costs "
            f"{_CONFORMATIONS} energies"
        )
    made: dict[frozenset[tuple[int, int]], Integers] = {}
    for heavy in found:
        inverse = made.get(frozenset((b, a) for a, b in heavy.items()))
        if inverse is not None:
            made[frozenset(heavy.items())] = _inverse(inverse)
        elif (mapped := graph.complete(heavy)) is not None:
            permutation = np.arange(n_particles)
            permutation[list(mapped)] = list(mapped.values())
            made[frozenset(heavy.items())] = permutation
    return list(made.values())


def _moves(mapped: Mapped) -> bool:
    return any(a != b for a, b in mapped.items())


def _inverse(permutation: Integers) -> Integers:
    return np.argsort(permutation)


def _key(permutation: Integers) -> tuple[int, ...]:
    return tuple(permutation.tolist())


def _keeps_masses_and_constraints(system: openmm.System, permutation: Integers) -> bool:
    masses = np.array([system.getParticleMass(n)._value for n in range(len(permutation))])
    rows = [system.getConstraintParameters(n) for n in range(system.getNumConstraints())]
    lengths_nm = {frozenset((a, b)): length._value for a, b, length in rows}
    images = {frozenset(permutation[list(pair)].tolist()): r for pair, r in lengths_nm.items()}
    return (
        np.allclose(masses, masses[permutation], rtol=_SAME, atol=0)
        and lengths_nm.keys() == images.keys()
        and all(abs(r - images[pair]) < _SAME for pair, r in lengths_nm.items())
    )


def _keeping_energy(
    bound: BoundComplex, candidates: Sequence[Integers], tolerance_kj_per_mol: float
) -> list[Integers]:
    """Those permutations that change the energy of no conformation by more than a tolerance."""
    platform = find_platform("Reference")
    context = openmm.Context(bound.system, openmm.VerletIntegrator(0.001), platform)
    rng = np.random.default_rng(_SEED)
    kept = list(candidates)
    for _ in range(_CONFORMATIONS):
        x = bound.positions_nm + rng.normal(scale=_DISPLACEMENT_NM, size=bound.positions_nm.shape)
        energy = _energy_kj_per_mol(context, x)
        changes = [_energy_kj_per_mol(context, relabeled(x, p)) - energy for p in kept]
        close = [abs(change) < tolerance_kj_per_mol for change in changes]
        kept = [p for p, same in zip(kept, close, strict=True) if same]
    return kept


def _energy_kj_per_mol(context: openmm.Context, positions_nm: NDArray[np.float64]) -> float:
    context.setPositions(positions_nm)
    context.computeVirtualSites()
    return float(context.getState(energy=True).getPotentialEnergy()._value)
