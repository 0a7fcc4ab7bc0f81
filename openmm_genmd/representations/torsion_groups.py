"""Torsions that belong together: `TORSION_KINDS`, `torsion_groups`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator

from openmm_genmd.representations.rotatable_bonds import Torsion
from openmm_genmd.representations.torsions import TorsionRepresentation

Group = tuple[str, tuple[int, ...]]
"""A name, and numbers of torsions in ascending order."""

_PEPTIDE_BOND = 2
"""Atoms that psi and the next phi have in common, C and N; phi and psi of one residue have 3."""


def torsion_groups(representation: TorsionRepresentation, kind: str) -> list[Group]:
    """Groups of one kind, each a name and the numbers of its torsions.

    Parameters
    ----------
    representation
        The molecule and its torsions.
    kind
        ``"residue"``: all torsions of one residue. ``"phi/psi"``: the backbone torsions of one
        residue (one of them at the end of a chain and in proline). ``"psi/phi"``: those on both
        sides of one peptide bond. ``"side chain"``: the chi of one residue. ``"neighbours"``: all
        torsions of two residues that a peptide bond joins. ``"single"``: one torsion. ``"all"``:
        all of them. A kind that the molecule does not have gives no group.

    Raises
    ------
    ValueError
        If there is no such kind.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> torsion_groups(representation, "single")
    [('phi ALA 2', (0,)), ('psi ALA 2', (1,))]
    >>> torsion_groups(representation, "phi/psi")
    [('phi/psi ALA 2', (0, 1))]
    """
    if kind not in _FINDERS:
        raise ValueError(f"kind must be one of {', '.join(TORSION_KINDS)}; got {kind!r}")
    return list(_FINDERS[kind](representation))


def residue_numbers(representation: TorsionRepresentation) -> list[int]:
    """Number of each torsion's residue, the first of the molecule being 0; omega is of the second.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")  # between two caps
    >>> residue_numbers(TorsionRepresentation.from_topology(topology))
    [1, 1]
    """
    residue = dict(
        zip(representation.particles, representation.fingerprint.residue_indices, strict=True)
    )
    # Omega bears the name of the residue behind its bond, like the phi that follows.
    return [max(residue[atom] for atom in t.atoms[1:3]) for t in representation.torsions]


def _role(torsion: Torsion) -> str:
    """First word of the name: phi, chi1, or outside proteins the atoms of the bond."""
    return torsion.name.partition(" ")[0]


def _select(
    representation: TorsionRepresentation, label: str, wanted: Callable[[str], bool]
) -> Iterator[Group]:
    """Torsions whose roles are wanted, by residue."""
    found: dict[int, list[int]] = {}
    for n, residue in enumerate(residue_numbers(representation)):
        if wanted(_role(representation.torsions[n])):
            found.setdefault(residue, []).append(n)
    for _, numbers in sorted(found.items()):
        name = representation.torsions[numbers[0]].name.partition(" ")[2]
        yield f"{label} {name}", tuple(numbers)


def _residue(representation: TorsionRepresentation) -> Iterator[Group]:
    return _select(representation, "residue", lambda role: True)


def _phi_psi(representation: TorsionRepresentation) -> Iterator[Group]:
    return _select(representation, "phi/psi", lambda role: role in ("phi", "psi"))


def _side_chain(representation: TorsionRepresentation) -> Iterator[Group]:
    return _select(representation, "side chain", lambda role: role.startswith("chi"))


def _psi_phi(representation: TorsionRepresentation) -> Iterator[Group]:
    torsions = representation.torsions
    phi_of = defaultdict(list)
    for n, torsion in enumerate(torsions):
        if _role(torsion) == "phi":
            for atom in torsion.atoms:
                phi_of[atom].append(n)
    for psi, torsion in enumerate(torsions):
        if _role(torsion) == "psi":
            common = Counter(phi for atom in torsion.atoms for phi in phi_of[atom])
            for phi, n_common in common.items():
                if n_common == _PEPTIDE_BOND:
                    name = f"{torsion.name}/{torsions[phi].name}"
                    yield name, (min(psi, phi), max(psi, phi))


def _neighbours(representation: TorsionRepresentation) -> Iterator[Group]:
    of_residue: dict[int, Group] = {}
    for name, numbers in _residue(representation):
        of_residue[residue_numbers(representation)[numbers[0]]] = name, numbers
    for residue, (name, numbers) in of_residue.items():
        if residue + 1 in of_residue:
            other, more = of_residue[residue + 1]
            both = f"{name}/{other.removeprefix('residue ')}".replace("residue", "residues")
            yield both, tuple(sorted(numbers + more))


def _single(representation: TorsionRepresentation) -> Iterable[Group]:
    return [(torsion.name, (n,)) for n, torsion in enumerate(representation.torsions)]


def _all(representation: TorsionRepresentation) -> Iterable[Group]:
    return [("all", tuple(range(len(representation.torsions))))]


_FINDERS: dict[str, Callable[[TorsionRepresentation], Iterable[Group]]] = {
    "residue": _residue,
    "phi/psi": _phi_psi,
    "psi/phi": _psi_phi,
    "side chain": _side_chain,
    "neighbours": _neighbours,
    "single": _single,
    "all": _all,
}

TORSION_KINDS = tuple(_FINDERS)
"""What `torsion_groups` knows."""
