"""What identifies a molecule: `TopologyFingerprint`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Self

from openmm import app
from pydantic import BaseModel, ConfigDict


class TopologyFingerprint(BaseModel):
    """Elements, names, residues and bonds of a molecule, in the order of its atoms.

    Two molecules with equal fingerprints can use the same checkpoint: a representation refers to
    atoms by their place in the molecule, so the order is part of the identity. The place of the
    molecule in a System is not.

    Attributes
    ----------
    elements
        Symbols; ``""`` for a particle without an element.
    names
        Atom names.
    residue_names
        Name of each atom's residue.
    residue_indices
        Number of each atom's residue, the first residue of the molecule being 0.
    bonds
        Pairs of places in the molecule, sorted.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> fingerprint = TopologyFingerprint.of(topology, range(22))
    >>> fingerprint.names[6], fingerprint.residue_names[6], len(fingerprint.bonds)
    ('N', 'ALA', 21)
    >>> fingerprint.matches(TopologyFingerprint.of(topology, range(21)))
    False
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    elements: tuple[str, ...]
    names: tuple[str, ...]
    residue_names: tuple[str, ...]
    residue_indices: tuple[int, ...]
    bonds: tuple[tuple[int, int], ...]

    @classmethod
    def of(
        cls,
        topology: app.Topology,
        atoms: Sequence[int],
        bonds: Iterable[tuple[int, int]] | None = None,
    ) -> Self:
        """Fingerprint of some atoms of a Topology, in the order given.

        Parameters
        ----------
        topology
            Where the atoms are.
        atoms
            Their indices.
        bonds
            Bonds as pairs of indices in the Topology; by default its own. Those that leave
            ``atoms`` are not counted.
        """
        place = {atom: n for n, atom in enumerate(atoms)}
        if bonds is None:
            bonds = ((bond[0].index, bond[1].index) for bond in topology.bonds())
        inside = ((place[a], place[b]) for a, b in bonds if a in place and b in place)
        everyone = list(topology.atoms())
        chosen = [everyone[index] for index in atoms]
        first = chosen[0].residue.index if chosen else 0
        return cls(
            elements=tuple("" if a.element is None else a.element.symbol for a in chosen),
            names=tuple(a.name for a in chosen),
            residue_names=tuple(a.residue.name for a in chosen),
            residue_indices=tuple(a.residue.index - first for a in chosen),
            bonds=tuple(sorted({(min(pair), max(pair)) for pair in inside})),
        )

    def __len__(self) -> int:
        """Return the number of atoms."""
        return len(self.elements)

    @property
    def digest(self) -> str:
        """First 16 hexadecimal digits of the SHA-256 of the fingerprint."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def matches(self, other: TopologyFingerprint) -> bool:
        """Whether the other molecule is the same, atom by atom and bond by bond."""
        return self == other

    def differences(self, other: TopologyFingerprint) -> list[str]:
        """Differences in words, ``expected X, got Y``, self being what is expected."""
        return list(self._differences(other))

    def require_match(self, other: TopologyFingerprint, what: str) -> None:
        """None if the other molecule is the same.

        Parameters
        ----------
        other
            The molecule at hand.
        what
            What self belongs to, for the error message: ``"checkpoint ala.safetensors"``.

        Raises
        ------
        ValueError
            If it is not; the message names the first differences.
        """
        differences = self.differences(other)
        if differences:
            raise ValueError(
                f"{what} was made for another molecule (fingerprint {self.digest}, this one "
                f"{other.digest}): {summary(differences)}"
            )

    def _label(self, n: int) -> str:
        element = self.elements[n] or "no element"
        return f"{self.names[n]} ({element}) of {self.residue_names[n]} {self.residue_indices[n]}"

    def _differences(self, other: TopologyFingerprint) -> Iterator[str]:
        if len(self) != len(other):
            yield f"expected {len(self)} atoms, got {len(other)}"
        for n in range(min(len(self), len(other))):
            if self._label(n) != other._label(n):
                yield f"atom {n}: expected {self._label(n)}, got {other._label(n)}"
        for a, b in sorted(set(self.bonds) - set(other.bonds)):
            yield f"expected a bond {self.names[a]}-{self.names[b]} (atoms {a}, {b}), got none"
        for a, b in sorted(set(other.bonds) - set(self.bonds)):
            yield f"expected no bond {other.names[a]}-{other.names[b]} (atoms {a}, {b}), got one"


def summary(differences: Sequence[str], limit: int = 3) -> str:
    """First differences in one line, with a count of those left out."""
    more = len(differences) - limit
    return "; ".join(differences[:limit]) + (f"; and {more} more" if more > 0 else "")
