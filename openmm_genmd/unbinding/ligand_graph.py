"""Relabelings of a ligand that its bonds, elements and handedness allow: `LigandGraph`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np
from openmm import app

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.unbinding.bound_complex import BoundComplex

Mapped = dict[int, int]

_TETRAHEDRAL = 4


class LigandGraph:
    """Heavy atoms of a ligand, their bonds, and what hangs on them.

    Parameters
    ----------
    bound
        The complex that the ligand is part of.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> graph = LigandGraph(bundled_complex("cb7-b2"))
    >>> mappings = list(graph.automorphisms())
    >>> len(mappings), sum(graph.complete(heavy) is not None for heavy in mappings)
    (12, 6)
    """

    def __init__(self, bound: BoundComplex) -> None:
        graph = BondGraph.of(bound.topology, bound.system)
        self._positions_nm = bound.positions_nm
        self._heavy: list[int] = bound.ligand_heavy.tolist()
        inside = set(self._heavy)
        around = {a: graph.neighbours.get(a, []) for a in self._heavy}
        self._neighbours = {a: {b for b in around[a] if b in inside} for a in self._heavy}
        self._hydrogens = {a: sorted(set(around[a]) - inside) for a in self._heavy}
        self._sites: dict[int, list[int]] = {a: [] for a in bound.ligand.tolist()}
        for site, parent in sorted(graph.virtual_sites.items()):
            if parent in self._sites:
                self._sites[parent].append(site)
        atoms = list(bound.topology.atoms())
        self._kinds = {a: self._kind(atoms[a]) for a in self._heavy}
        self._order = self._connected_order()

    def automorphisms(self) -> Iterator[Mapped]:
        """Mappings of heavy atoms onto heavy atoms that keep bonds, elements and hydrogens.

        The identity is one of them.
        """
        yield from self._extended({})

    def complete(self, heavy: Mapped) -> Mapped | None:
        """Mapping with hydrogens and virtual sites, or None if it would change a handedness.

        A mapping that is its own inverse stays one.

        Parameters
        ----------
        heavy
            One of `automorphisms`.
        """
        mapped = dict(heavy)
        for a, b in sorted(heavy.items()):
            if b < a and heavy[b] == a:
                pairs: Mapped | None = {mapped[h]: h for h in self._hydrogens[b]}
            else:
                pairs = self._hydrogens_onto(a, b, heavy)
            if pairs is None:
                return None
            mapped |= pairs
        for a, b in list(mapped.items()):
            mapped |= dict(zip(self._sites[a], self._sites[b], strict=True))
        return mapped

    def _kind(self, atom: app.topology.Atom) -> tuple[object, ...]:
        """What an atom and its image have in common."""
        a = atom.index
        hanging = tuple(sorted(len(self._sites[h]) for h in self._hydrogens[a]))
        return atom.element.atomic_number, len(self._neighbours[a]), hanging, len(self._sites[a])

    def _connected_order(self) -> list[int]:
        """Heavy atoms, each but the first bonded to one before it."""
        order = self._heavy[:1]
        for atom in order:
            order += sorted(self._neighbours[atom] - set(order))
        return order

    def _extended(self, mapped: Mapped) -> Iterator[Mapped]:
        """All ways to go on with a mapping of the first atoms."""
        if len(mapped) == len(self._order):
            yield mapped
            return
        atom, used = self._order[len(mapped)], set(mapped.values())
        images = {mapped[other] for other in self._neighbours[atom] & mapped.keys()}
        for image in self._heavy:
            if (
                image not in used
                and self._kinds[image] == self._kinds[atom]
                and self._neighbours[image] & used == images
            ):
                yield from self._extended({**mapped, atom: image})

    def _hydrogens_onto(self, a: int, b: int, heavy: Mapped) -> Mapped | None:
        """Hydrogens of one atom onto those of another, in an order that keeps the handedness."""
        partners = sorted(self._neighbours[a])
        hand = self._handedness([*partners, *self._hydrogens[a]])
        ends = [heavy[other] for other in partners]
        for images in permutations(self._hydrogens[b]):
            if self._handedness([*ends, *images]) == hand:
                return dict(zip(self._hydrogens[a], images, strict=True))
        return None

    def _handedness(self, around: Sequence[int]) -> float:
        """Sign of the volume that four neighbors span in this order; zero of fewer or more."""
        if len(around) != _TETRAHEDRAL:
            return 0.0
        corners = self._positions_nm[list(around)]
        return float(np.sign(np.linalg.det(corners[1:] - corners[0])))
