"""Rotatable bonds of a molecule: `Torsion`, `find_torsions`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from openmm import app

from openmm_genmd.data.molecules import BondGraph

Pair = tuple[int, int]

_BACKBONE = ("N", "CA", "C")
_REMOTENESS = "ABGDEZ"
_SMALLEST = 4
"""Atoms that a dihedral needs."""


@dataclass(frozen=True)
class Torsion:
    """One rotatable bond and what turns around it.

    Attributes
    ----------
    atoms
        i, j, k, l: the dihedral is that of i-j-k-l, the bond is j-k.
    name
        For people: ``"phi ALA 2"``, or ``"C2-C3 BUT 1"`` outside proteins.
    moving
        Ascending indices of one whole side of the bond, its atom of the bond included: these
        atoms turn, the others stay. It never depends on the conformation.

    Examples
    --------
    >>> torsion = Torsion((0, 1, 2, 3), "C2-C3 BUT 1", (2, 3))
    >>> torsion.pivot, torsion.direction
    (2, 1)
    """

    atoms: tuple[int, int, int, int]
    name: str
    moving: tuple[int, ...]

    @property
    def pivot(self) -> int:
        """Atom of the bond that is on the moving side; it lies on the axis and so stays."""
        return self.atoms[2] if self.atoms[2] in self.moving else self.atoms[1]

    @property
    def direction(self) -> int:
        """1 if turning the moving side about the axis j -> k raises the dihedral, -1 otherwise."""
        return 1 if self.pivot == self.atoms[2] else -1

    def renamed(self, new: Mapping[int, int]) -> Torsion:
        """Return the same torsion with other atom indices, old -> new."""
        i, j, k, l = (new[atom] for atom in self.atoms)  # noqa: E741
        return Torsion((i, j, k, l), self.name, tuple(new[atom] for atom in self.moving))


def find_torsions(
    topology: app.Topology,
    graph: BondGraph,
    molecules: Iterable[tuple[int, ...]],
    *,
    include_omega: bool = False,
    include_methyl: bool = False,
) -> dict[tuple[int, ...], tuple[Torsion, ...]]:
    """Rotatable bonds of those molecules that have any, in the order of their atoms.

    Left out are ring bonds (turning one would tear the ring), bonds to a linear group (a carbon
    with two neighbours: the dihedral is undefined), bonds that the Topology calls double, triple,
    aromatic or amide, and unless asked for:

    Parameters
    ----------
    topology, graph
        The system and its bonds.
    molecules
        Some of `BondGraph.molecules`.
    include_omega
        Amide-like bonds: from a planar carbon (with a terminal O or S, or with three N as in
        arginine) to N, O or S, thus also in esters; found by neighbours, as bond orders are
        rarely known. Those that the Topology calls amide are included too.
    include_methyl
        Rotors with nothing but hydrogens beyond the bond: methyl, NH3, NH2, OH, SH.

    Notes
    -----
    The moving side is the smaller one in atoms. Therefore any two moving sides are either nested
    or disjoint: if they overlapped otherwise they would cover the molecule, and two halves at
    most, with a common atom, cannot. `TorsionRepresentation` rests on this.
    """
    chemistry = _Chemistry(topology, graph)
    found = {}
    for molecule in molecules:
        torsions = {
            (j, k): chemistry.torsion(j, k, beyond_k, molecule)
            for j, k, beyond_k in _bridges(graph.neighbours, molecule)
            if chemistry.is_wanted(j, k, include_omega, include_methyl)
        }
        if torsions:
            found[molecule] = tuple(torsions[bond] for bond in sorted(torsions))
    return found


def _bridges(
    neighbours: dict[int, list[int]], molecule: Sequence[int]
) -> Iterator[tuple[int, int, list[int]]]:
    """Bonds outside rings as (smaller index, larger index, atoms on the larger one's side)."""
    bonded = [atom for atom in molecule if atom in neighbours]
    if len(bonded) < _SMALLEST:
        return
    order, parent = _depth_first(neighbours, bonded[0])
    number = {atom: n for n, atom in enumerate(order)}
    # Tarjan: a tree edge is a bridge if nothing below it reaches above it.
    low = dict(number)
    size = dict.fromkeys(order, 1)
    for atom in reversed(order):
        above = parent[atom]
        low[atom] = min([low[atom], *(low[o] for o in neighbours[atom] if o != above)])
        if above is None:
            continue
        size[above] += size[atom]
        if low[atom] == number[atom]:
            start, stop = number[atom], number[atom] + size[atom]
            rest = order[:start] + order[stop:]
            yield (above, atom, order[start:stop]) if above < atom else (atom, above, rest)


def _depth_first(
    neighbours: dict[int, list[int]], root: int
) -> tuple[list[int], dict[int, int | None]]:
    parent: dict[int, int | None] = {}
    order = []
    stack: list[tuple[int, int | None]] = [(root, None)]
    while stack:
        atom, above = stack.pop()
        if atom not in parent:
            parent[atom] = above
            order.append(atom)
            stack += [(other, atom) for other in neighbours[atom] if other not in parent]
    return order, parent


class _Chemistry:
    """What elements and neighbours say about a bond."""

    def __init__(self, topology: app.Topology, graph: BondGraph) -> None:
        self._atoms = list(topology.atoms())
        self._neighbours = graph.neighbours
        self._double_bonds = graph.double_bonds
        self._sites: dict[int, list[int]] = defaultdict(list)
        for site, parent in graph.virtual_sites.items():
            self._sites[parent].append(site)
        self._elements = ["" if a.element is None else a.element.symbol for a in self._atoms]

    def torsion(self, j: int, k: int, beyond_k: list[int], molecule: Sequence[int]) -> Torsion:
        far = set(beyond_k)
        far |= {site for atom in beyond_k for site in self._sites.get(atom, ())}
        moving = far if 2 * len(far) <= len(molecule) else set(molecule) - far
        ends = self._reference(j, k), j, k, self._reference(k, j)
        return Torsion(ends, _name(self._atoms[j], self._atoms[k]), tuple(sorted(moving)))

    def is_wanted(self, j: int, k: int, include_omega: bool, include_methyl: bool) -> bool:
        if min(len(self._neighbours[j]), len(self._neighbours[k])) < 2:
            return False
        if self._is_linear(j) or self._is_linear(k):
            return False
        if self._is_hydrogen_rotor(j, k) and not include_methyl:
            return False
        if self._is_amide_like(j, k) or self._is_amide_like(k, j):
            return include_omega
        return (j, k) not in self._double_bonds

    def _is_hydrogen_rotor(self, j: int, k: int) -> bool:
        return any(
            all(self._elements[other] == "H" for other in self._others(near, far))
            for near, far in ((j, k), (k, j))
        )

    def _reference(self, atom: int, partner: int) -> int:
        """Neighbour that defines the dihedral: heavy, backbone first, then by name."""
        return min(self._others(atom, partner), key=self._rank)

    def _others(self, atom: int, partner: int) -> list[int]:
        return [other for other in self._neighbours[atom] if other != partner]

    def _rank(self, atom: int) -> tuple[bool, int, str, int]:
        name = self._atoms[atom].name
        backbone = _BACKBONE.index(name) if name in _BACKBONE else len(_BACKBONE)
        # The element's letter aside: CG1 before CG2, but OG1 before CG2 as well.
        return self._elements[atom] == "H", backbone, name[1:], atom

    def _is_linear(self, atom: int) -> bool:
        return self._elements[atom] == "C" and len(self._neighbours[atom]) == 2

    def _is_amide_like(self, carbon: int, partner: int) -> bool:
        around = self._neighbours[carbon]
        if self._elements[carbon] != "C" or len(around) != 3:
            return False
        if self._elements[partner] not in ("N", "O", "S"):
            return False
        carbonyl = any(
            self._elements[other] in ("O", "S") and len(self._neighbours[other]) == 1
            for other in around
        )
        return carbonyl or all(self._elements[other] == "N" for other in around)


def _name(j: app.topology.Atom, k: app.topology.Atom) -> str:
    role = _protein_role(j, k)
    if role is None:
        return f"{j.name}-{k.name} {j.residue.name} {j.residue.id}"
    residue = (k if role == "omega" else j).residue
    return f"{role} {residue.name} {residue.id}"


def _protein_role(j: app.topology.Atom, k: app.topology.Atom) -> str | None:
    pair = {j.name, k.name}
    if j.residue is not k.residue:
        return "omega" if (j.name, k.name) == ("C", "N") else None
    if not {"N", "CA", "C"} <= {atom.name for atom in j.residue.atoms()}:
        return None
    if pair in ({"N", "CA"}, {"CA", "C"}):
        return "phi" if "N" in pair else "psi"
    places = sorted(_REMOTENESS.find(name[1:2]) for name in pair)
    return f"chi{places[0] + 1}" if places[0] >= 0 and places[1] == places[0] + 1 else None
