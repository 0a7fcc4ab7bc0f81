"""Torsions of a peptide in words that are the same for all peptides: `TorsionTokens`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.representations.residue_types import RESIDUE_TYPES, residue_type
from openmm_genmd.representations.torsion_groups import residue_numbers
from openmm_genmd.representations.torsions import TorsionRepresentation

TOKEN_KINDS = ("phi", "psi", "omega", "chi1", "chi2", "chi3", "chi4", "other")
"""Kinds of torsions; what is not in a peptide is ``other``."""

VARIANTS = 4
"""Protonation states that are told apart; 0 for residues that have only one."""

MOST_FROM_END = 4
"""A residue that is further from an end of its chain counts as this far."""

_BACKBONE = ("N", "CA", "C")
_FIRST_SIDE_CHAIN = TOKEN_KINDS.index("chi1")
_PROTONS = {"HIS": ("HD1", "HE2"), "ASP": ("HD1", "HD2"), "GLU": ("HE1", "HE2")}
_SYMMETRIC = {("PHE", "chi2"), ("TYR", "chi2"), ("ASP", "chi2"), ("GLU", "chi3")}
"""Half a turn changes nothing but names of atoms; of the acids only while they are charged."""


@dataclass(frozen=True, eq=False)
class TorsionTokens:
    """What a model that serves all peptides is told about each torsion of one, besides its value.

    Attributes
    ----------
    kinds
        ``(n,)`` int64, indices into `TOKEN_KINDS`.
    residue_types
        ``(n,)`` int64, indices into `RESIDUE_TYPES`.
    variants
        ``(n,)`` int64 below `VARIANTS`: which protons a histidine, an aspartate or a glutamate has.
    residues
        ``(n,)`` int64, numbers of the residues; neighbours in the chain differ by 1.
    from_ends
        ``(n, 2)`` int64, residues between this one and the first and last amino acid, at most
        `MOST_FROM_END`.
    free_ends
        ``(2,)`` bool: whether the first and the last amino acid have no cap.
    symmetric
        ``(n,)`` bool: half a turn gives the same conformation with other names of atoms.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> topology, _ = build_peptide("SG")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> tokens = TorsionTokens.of(representation)
    >>> [TOKEN_KINDS[kind] for kind in tokens.kinds]
    ['phi', 'psi', 'chi1', 'phi', 'psi']
    >>> [representation.torsions[n].name for n in tokens.order]
    ['phi SER 2', 'psi SER 2', 'phi GLY 3', 'psi GLY 3', 'chi1 SER 2']
    """

    kinds: NDArray[np.int64]
    residue_types: NDArray[np.int64]
    variants: NDArray[np.int64]
    residues: NDArray[np.int64]
    from_ends: NDArray[np.int64]
    free_ends: NDArray[np.bool_]
    symmetric: NDArray[np.bool_]

    @classmethod
    def of(cls, representation: TorsionRepresentation) -> Self:
        """Tokens of the torsions of a representation, in its order."""
        fingerprint = representation.fingerprint
        residues = residue_numbers(representation)
        acids = _amino_acids(fingerprint)
        names = dict(zip(fingerprint.residue_indices, fingerprint.residue_names, strict=True))
        types = [residue_type(names[residue]) for residue in residues]
        roles = [_role(torsion.name) for torsion in representation.torsions]
        variants = [_variant(fingerprint, r, t) for r, t in zip(residues, types, strict=True)]
        ends = _from_ends(residues, acids)
        free = np.array([not acids or min(acids) == 0, not acids or max(acids) == max(names)])
        return cls(
            kinds=np.array([TOKEN_KINDS.index(role) for role in roles], dtype=np.int64),
            residue_types=np.array([RESIDUE_TYPES.index(t) for t in types], dtype=np.int64),
            variants=np.array(variants, dtype=np.int64),
            residues=np.array(residues, dtype=np.int64),
            from_ends=ends,
            free_ends=free,
            symmetric=np.array(
                [
                    ((t, role) in _SYMMETRIC and (v == 0 or t not in _PROTONS))
                    or (role == "psi" and residue == max(acids, default=-1) and bool(free[1]))
                    for t, role, v, residue in zip(types, roles, variants, residues, strict=True)
                ]
            ),
        )

    def __len__(self) -> int:
        """Return the number of torsions."""
        return len(self.kinds)

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Numbers of the torsions ``(n,)``: the backbone along the chain, then side chains."""
        return np.lexsort((self.kinds, self.residues, self.kinds >= _FIRST_SIDE_CHAIN))


def _role(name: str) -> str:
    role = name.partition(" ")[0]
    return role if role in TOKEN_KINDS else "other"


def _amino_acids(fingerprint: TopologyFingerprint) -> set[int]:
    atoms: dict[int, set[str]] = {}
    for residue, name in zip(fingerprint.residue_indices, fingerprint.names, strict=True):
        atoms.setdefault(residue, set()).add(name)
    return {residue for residue, names in atoms.items() if names.issuperset(_BACKBONE)}


def _variant(fingerprint: TopologyFingerprint, residue: int, kind: str) -> int:
    present = {
        name
        for name, index in zip(fingerprint.names, fingerprint.residue_indices, strict=True)
        if index == residue
    }
    return sum(2**n for n, proton in enumerate(_PROTONS.get(kind, ())) if proton in present)


def _from_ends(residues: list[int], acids: set[int]) -> NDArray[np.int64]:
    numbers = np.array(residues, dtype=np.int64)
    first, last = min(acids, default=0), max(acids, default=0)
    both = np.stack((numbers - first, last - numbers), axis=1)
    return np.clip(both, 0, MOST_FROM_END)
