"""What elements and neighbours say about atoms: hybridisation, charge, rings; no bond orders.

Bond orders and formal charges are rarely in a Topology, hydrogens are, and with them the number of
neighbours tells most of the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

HYBRIDISATIONS = ("other", "sp", "sp2", "sp3")
"""Classes of `hybridisation`."""

CHARGES = ("negative", "neutral", "positive")
"""Classes of `charge_sign`."""

LARGEST_RING = 8
"""Rings of more atoms are not looked for, as those that close a macrocycle say little."""

_CARBON = {4: "sp3", 3: "sp2", 2: "sp"}
_FOUR_BONDS = 4
_OXYGENS_OF_ANION = {"C": 2, "S": 3, "P": 2, "Se": 3, "As": 2}
"""Terminal oxygens from which on a group is an anion: carboxylate, sulfonate, phosphate."""

Neighbours = Mapping[int, Sequence[int]]


def hybridisation(atom: int, elements: Sequence[str], neighbours: Neighbours) -> str:
    """One of `HYBRIDISATIONS` for a heavy atom.

    A nitrogen with three neighbours counts as planar beside a planar carbon: amides, anilines.

    Parameters
    ----------
    atom
        Its index.
    elements
        Symbols of all atoms.
    neighbours
        Bonded atoms of each, hydrogens among them.

    Examples
    --------
    >>> carbonyl = {0: [1, 2, 3], 1: [0], 2: [0], 3: [0]}  # formaldehyde
    >>> hybridisation(0, "COHH", carbonyl), hybridisation(1, "COHH", carbonyl)
    ('sp2', 'sp2')
    """
    symbol, around = elements[atom], neighbours.get(atom, ())
    n = len(around)
    if symbol in ("C", "Si"):
        return _CARBON.get(n, "other")
    if symbol == "N":
        if n == 3:
            planar = any(elements[o] == "C" and len(neighbours[o]) == 3 for o in around)
            return "sp2" if planar else "sp3"
        return {4: "sp3", 2: "sp2", 1: "sp"}.get(n, "other")
    if symbol in ("O", "S", "Se"):
        return {1: "sp2"}.get(n, "sp3") if n else "other"
    return "sp3" if n else "other"


def charge_sign(atom: int, elements: Sequence[str], neighbours: Neighbours) -> str:
    """One of `CHARGES` for a heavy atom.

    Positive are nitrogens with four neighbours and those of guanidinium, amidinium and imidazolium;
    negative are the terminal oxygens of carboxylates, sulfonates and phosphates, and thiolates. All
    equal atoms of a group are classed alike, wherever a drawing puts the charge.

    Parameters
    ----------
    atom, elements, neighbours
        See `hybridisation`.

    Examples
    --------
    >>> ammonium = {0: [1, 2, 3, 4], **{n: [0] for n in range(1, 5)}}
    >>> charge_sign(0, "NHHHH", ammonium)
    'positive'
    """
    symbol, around = elements[atom], neighbours.get(atom, ())
    if symbol == "N" and (
        len(around) == _FOUR_BONDS or _is_amidinium_nitrogen(atom, elements, neighbours)
    ):
        return "positive"
    if len(around) == 1 and symbol in ("O", "S"):
        (partner,) = around
        alike = sum(elements[o] == symbol and len(neighbours[o]) == 1 for o in neighbours[partner])
        if alike >= _OXYGENS_OF_ANION.get(elements[partner], alike + 1):
            return "negative"
        if symbol == "S" and elements[partner] == "C" and len(neighbours[partner]) == _FOUR_BONDS:
            return "negative"
    return "neutral"


def smallest_rings(bonds: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Number of atoms of the smallest ring through each atom of a ring of up to `LARGEST_RING`.

    Parameters
    ----------
    bonds
        Pairs of atoms.

    Examples
    --------
    >>> smallest_rings([(0, 1), (1, 2), (2, 0), (2, 3)])
    {0: 3, 1: 3, 2: 3}
    """
    neighbours: dict[int, set[int]] = {}
    for a, b in bonds:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    _drop_chains(neighbours)
    sizes = {}
    for a in sorted(neighbours):
        found = [
            steps + 1
            for b in neighbours[a]
            if (steps := _steps_around(a, b, neighbours)) is not None
        ]
        if found:
            sizes[a] = min(found)
    return sizes


def _is_amidinium_nitrogen(atom: int, elements: Sequence[str], neighbours: Neighbours) -> bool:
    """Whether a planar carbon has no neighbours but H, C and saturated N, two N at least."""
    for carbon in neighbours.get(atom, ()):
        around = neighbours[carbon]
        nitrogens = [o for o in around if elements[o] == "N"]
        if (
            elements[carbon] == "C"
            and len(around) == 3
            and len(nitrogens) > 1
            and all(elements[o] in ("H", "C", "N") for o in around)
            and all(len(neighbours[o]) == 3 for o in nitrogens)
        ):
            return True
    return False


def _drop_chains(neighbours: dict[int, set[int]]) -> None:
    """Remove, in place, all atoms that hang on by a single bond, again and again."""
    ends = [atom for atom, around in neighbours.items() if len(around) < 2]
    while ends:
        atom = ends.pop()
        for other in neighbours.pop(atom):
            neighbours[other].discard(atom)
            if len(neighbours[other]) == 1:
                ends.append(other)


def _steps_around(a: int, b: int, neighbours: Mapping[int, set[int]]) -> int | None:
    """Bonds on the shortest way from b to a that is not their own bond, if not too long."""
    seen, front = {b}, {b}
    for steps in range(1, LARGEST_RING):
        front = {
            other
            for atom in front
            for other in neighbours[atom]
            if other not in seen and not (atom == b and other == a)
        }
        if a in front:
            return steps
        seen |= front
    return None
