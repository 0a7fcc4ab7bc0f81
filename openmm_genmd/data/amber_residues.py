"""Residues and atom names of proteins in Amber's order, for files that hold elements only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise

from openmm import app

Pair = tuple[int, int]
_Key = tuple[tuple[int, ...], frozenset[Pair]]


def residue_spans(
    atomic_numbers: Sequence[int],
    bonds: Sequence[Pair],
    codes: Sequence[int],
    molecules: Sequence[int],
) -> list[range]:
    """Atoms of each residue, in order.

    A residue begins with a molecule, where the code changes, and behind a peptide bond: in Amber's
    order C and O are the last atoms of a residue, and N is the first of the next.

    Parameters
    ----------
    atomic_numbers
        Of the atoms.
    bonds
        Pairs of atoms, ascending.
    codes
        Of the kind of each atom's residue.
    molecules
        First atoms of the molecules.

    Examples
    --------
    >>> glycine = [7, 1, 6, 1, 1, 6, 8]  # N H CA HA2 HA3 C O
    >>> one = [(0, 1), (0, 2), (2, 3), (2, 4), (2, 5), (5, 6)]
    >>> two = one + [(5, 7)] + [(a + 7, b + 7) for a, b in one]
    >>> residue_spans(glycine * 2, two, [10] * 14, [0])
    [range(0, 7), range(7, 14)]
    """
    starts = {int(first) for first in molecules} | {0}
    starts |= {n for n in range(1, len(codes)) if codes[n] != codes[n - 1]}
    starts |= set(_behind_peptide_bonds(atomic_numbers, bonds))
    ordered = [*sorted(start for start in starts if start < len(codes)), len(codes)]
    return [range(a, b) for a, b in pairwise(ordered)]


def residue_names(
    span: range, atomic_numbers: Sequence[int], bonds: Sequence[Pair]
) -> tuple[str, list[str]] | None:
    """Name of a residue and those of its atoms; None unless it is one of Amber's ff14SB.

    Elements must be in its order, and bonds between them the same. Names of chain ends are those
    of the residue.

    Parameters
    ----------
    span
        Its atoms.
    atomic_numbers
        Of all atoms.
    bonds
        Those within the residue are looked at.

    Examples
    --------
    >>> glycine = [7, 1, 6, 1, 1, 6, 8]
    >>> residue_names(range(7), glycine, [(0, 1), (0, 2), (2, 3), (2, 4), (2, 5), (5, 6)])
    ('GLY', ['N', 'H', 'CA', 'HA2', 'HA3', 'C', 'O'])
    """
    inside = frozenset(
        (a - span.start, b - span.start) for a, b in bonds if a in span and b in span
    )
    return _templates().get((tuple(int(atomic_numbers[n]) for n in span), inside))


@cache
def _templates() -> dict[_Key, tuple[str, list[str]]]:
    found: dict[_Key, tuple[str, list[str]]] = {}
    for template in app.ForceField("amber14/protein.ff14SB.xml")._templates.values():
        numbers = tuple(atom.element.atomic_number for atom in template.atoms)
        bonds = frozenset((min(pair), max(pair)) for pair in template.bonds)
        name = template.name[1:] if len(template.name) == 4 else template.name
        if name != "CYM":  # which differs from CYX by the bond to another residue only
            found.setdefault((numbers, bonds), (name, [atom.name for atom in template.atoms]))
    return found


def _behind_peptide_bonds(atomic_numbers: Sequence[int], bonds: Sequence[Pair]) -> Iterator[int]:
    have = set(bonds)
    carbons: dict[int, int] = {}
    for a, b in bonds:
        for one, other in ((a, b), (b, a)):
            if atomic_numbers[other] == 6:
                carbons[one] = carbons.get(one, 0) + 1
    for n in range(2, len(atomic_numbers)):
        elements = tuple(int(z) for z in atomic_numbers[n - 2 : n + 1])
        # The amide nitrogens of Asn and Gln come behind C and O too, but have one carbon only.
        linked = (n - 2, n) in have and (n - 2, n - 1) in have
        if elements == (6, 8, 7) and linked and carbons.get(n, 0) > 1:
            yield n
