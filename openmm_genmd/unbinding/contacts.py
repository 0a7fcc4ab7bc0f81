"""Distances and contacts between a receptor and its ligand: `BoundContacts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import app

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

CONTACT_NM = 0.45
"""Two heavy atoms that are closer are in contact."""

_DISTANCES_PER_CHUNK = 1_000_000
"""With their differences about 32 MB."""


def heavy_atoms(topology: app.Topology, particles: ArrayLike) -> Integers:
    """Those of some particles that are atoms heavier than hydrogen, ``(n,)``, ascending.

    Parameters
    ----------
    topology
        All atoms.
    particles
        Indices.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> heavy_atoms(load_structure("alanine-dipeptide")[0], range(6))
    array([1, 4, 5])
    """
    heavy = np.array(
        [a.element is not None and a.element.atomic_number > 1 for a in topology.atoms()], bool
    )
    chosen = np.sort(np.asarray(list(np.atleast_1d(particles)), dtype=np.intp))
    return np.asarray(chosen[heavy[chosen]])


def minimum_distances_nm(
    positions_nm: ArrayLike,
    receptor: NDArray[np.integer[Any]],
    ligand: NDArray[np.integer[Any]],
    *,
    box_nm: NDArray[np.float64] | None = None,
) -> Floats:
    """Smallest distance between two groups of atoms in each frame, ``(n_frames,)``, nm.

    Parameters
    ----------
    positions_nm
        ``(n_frames, n_atoms, 3)`` or ``(n_atoms, 3)``, nm.
    receptor, ligand
        Indices, usually of heavy atoms only.
    box_nm
        ``(3, 3)``, nm, rows are box vectors in OpenMM's reduced form: distances are those of the
        nearest images, so that a ligand that leaves through the boundary is seen arriving at the
        next image; right up to half the smallest width of the box. None takes positions as they
        are.

    Raises
    ------
    ValueError
        If a group is empty.

    Examples
    --------
    >>> x = np.array([[[0.0, 0, 0], [0.3, 0, 0]], [[0.0, 0, 0], [0, 0.9, 0]]])
    >>> minimum_distances_nm(x, np.array([0]), np.array([1]))
    array([0.3, 0.9])
    >>> minimum_distances_nm(x, np.array([0]), np.array([1]), box_nm=np.eye(3)).round(3)
    array([0.3, 0.1])
    """
    if len(receptor) == 0 or len(ligand) == 0:
        raise ValueError(
            f"expected atoms of receptor and ligand, got {len(receptor)} and {len(ligand)}"
        )
    parts = [
        squared.min(axis=(1, 2))
        for squared in _squared_distances(_frames(positions_nm), receptor, ligand, box_nm)
    ]
    return np.asarray(np.sqrt(np.concatenate([np.empty(0), *parts])))


@dataclass(frozen=True, eq=False)
class BoundContacts:
    """Pairs of heavy atoms of receptor and ligand that touch in the bound state.

    Attributes
    ----------
    pairs
        ``(n_contacts, 2)``, receptor atom and ligand atom.
    residues
        ``(n_contacts,)``, index of the receptor residue in the Topology.
    residue_labels
        Index of a residue -> its chain, name and number, of those that have contacts.
    cutoff_nm
        Below which a pair is in contact.

    References
    ----------
    Best, Hummer & Eaton, PNAS 110, 17874 (2013), for the fraction of contacts as a coordinate; the
    hard cutoff here is simpler.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> topology, x = build_peptide("GAF")
    >>> at = [[a.index for a in r.atoms()] for r in topology.residues()]
    >>> contacts = BoundContacts.of(topology, x, at[1], at[3])
    >>> moved = x.copy()
    >>> moved[at[3]] += [1.0, 1.0, 1.0]
    >>> contacts.fraction([x, moved]), contacts.broken_by_residue(moved)
    (array([1., 0.]), {'1:GLY 2': 1.0})
    """

    pairs: Integers
    residues: Integers
    residue_labels: dict[int, str]
    cutoff_nm: float = CONTACT_NM

    @classmethod
    def of(
        cls,
        topology: app.Topology,
        positions_nm: ArrayLike,
        receptor: ArrayLike,
        ligand: ArrayLike,
        *,
        cutoff_nm: float = CONTACT_NM,
    ) -> Self:
        """Contacts of a bound state.

        Parameters
        ----------
        topology
            All atoms.
        positions_nm
            ``(n_atoms, 3)``, nm.
        receptor, ligand
            Indices of atoms; hydrogens are not looked at.
        cutoff_nm
            Below which a pair is in contact.
        """
        one, other = heavy_atoms(topology, receptor), heavy_atoms(topology, ligand)
        (squared,) = _squared_distances(_frames(positions_nm), one, other, None)
        near = np.argwhere(squared[0] < cutoff_nm**2)
        pairs = np.stack((one[near[:, 0]], other[near[:, 1]]), axis=1)
        atoms = list(topology.atoms())
        owners = [atoms[atom].residue for atom in pairs[:, 0]]
        labels = {r.index: f"{r.chain.id}:{r.name} {r.id}" for r in owners}
        numbers = np.array([residue.index for residue in owners], dtype=np.intp)
        return cls(pairs, numbers, labels, cutoff_nm)

    def __len__(self) -> int:
        """Return the number of contacts."""
        return len(self.pairs)

    def kept(self, positions_nm: ArrayLike) -> NDArray[np.bool_]:
        """Which contacts are still there, ``(n_frames, n_contacts)``.

        Parameters
        ----------
        positions_nm
            ``(n_frames, n_atoms, 3)`` or ``(n_atoms, 3)``, nm.
        """
        x = _frames(positions_nm)
        offsets = x[:, self.pairs[:, 1]] - x[:, self.pairs[:, 0]]
        return np.asarray(np.einsum("fpk,fpk->fp", offsets, offsets) < self.cutoff_nm**2)

    def fraction(self, positions_nm: ArrayLike) -> Floats:
        """Fraction of the contacts that is still there, ``(n_frames,)``; NaN without contacts."""
        kept = self.kept(positions_nm)
        return kept.mean(axis=1) if len(self) else np.full(len(kept), np.nan)

    def broken_by_residue(self, positions_nm: ArrayLike) -> dict[str, float]:
        """Residue of the receptor -> fraction of its contacts that are broken, over all frames."""
        kept = self.kept(positions_nm).mean(axis=0)
        return {
            label: float(1.0 - kept[self.residues == residue].mean())
            for residue, label in sorted(self.residue_labels.items())
        }


def _frames(positions_nm: ArrayLike) -> Floats:
    x = np.asarray(positions_nm, dtype=np.float64)
    return x[None] if x.ndim == 2 else x


def _squared_distances(
    x: Floats,
    one: NDArray[np.integer[Any]],
    other: NDArray[np.integer[Any]],
    box_nm: Floats | None,
) -> Iterator[Floats]:
    """Squared distances ``(frames, n, m)``, nm^2, some frames at a time."""
    step = max(1, _DISTANCES_PER_CHUNK // max(1, len(one) * len(other)))
    for start in range(0, len(x), step):
        part = x[start : start + step]
        offsets = part[:, None, other] - part[:, one, None]
        if box_nm is not None:
            # Reduced form; right for distances up to half the smallest width of the box.
            for axis in (2, 1, 0):
                images = np.round(offsets[..., axis] / box_nm[axis, axis])
                offsets -= images[..., None] * box_nm[axis]
        yield np.einsum("fijk,fijk->fij", offsets, offsets)
