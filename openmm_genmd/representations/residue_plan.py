"""How each atom follows frames and torsions: `RebuildPlan`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.representations.peptide_bonds import PeptideBonds
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_types import RESIDUE_TYPES, TORSION_NAMES, chi_chain

Integers = NDArray[np.int64]

_PHI, _PSI, _CHI1 = (TORSION_NAMES.index(name) for name in ("phi", "psi", "chi1"))
_PROLINE = RESIDUE_TYPES.index("PRO")


@dataclass(frozen=True)
class Rotor:
    """A torsion that is turned: no frame determines it.

    Attributes
    ----------
    residue, column
        Where it is in arrays of torsions.
    corners
        Its four atoms.
    moving
        Atoms that turn, among them the second or the third of `corners`.

    Examples
    --------
    >>> psi = Rotor(residue=0, column=2, corners=(6, 8, 14, 16), moving=(14, 15, 16, 17))
    >>> TORSION_NAMES[psi.column], psi.corners[2] in psi.moving
    ('psi', True)
    """

    residue: int
    column: int
    corners: tuple[int, int, int, int]
    moving: tuple[int, ...]


@dataclass(frozen=True)
class CarriedAtom:
    """An atom that keeps its place in axes spanned by the bonds of the atom that it is bonded to.

    Attributes
    ----------
    atom
        Amide hydrogen, carbonyl oxygen, or hydrogen on a proline ring.
    center, first, second
        Origin of the axes, and two neighbors of it that span them.

    Examples
    --------
    >>> amide_hydrogen = CarriedAtom(atom=17, center=16, first=14, second=18)
    >>> amide_hydrogen.center
    16
    """

    atom: int
    center: int
    first: int
    second: int


@dataclass(frozen=True, eq=False)
class RebuildPlan:
    """Which residue each atom moves with, which torsions are turned, and what comes after.

    Attributes
    ----------
    owners
        ``(n_atoms,)`` int64: the residue whose frame an atom moves with; caps move with the residue
        that they are bonded to.
    rotors
        Side-chain torsions everywhere; pre-omega and phi after a cap and psi at the end of a chain.
        The others follow from the frames of two residues.
    rings
        ``(n, 5)`` int64: N, CA, CB, CG, CD of each proline.
    carried
        Atoms that depend on the frames of two residues or on a closed ring; placed last.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> plan = RebuildPlan.of(ResidueLayout.from_topology(topology), topology)
    >>> [TORSION_NAMES[rotor.column] for rotor in plan.rotors], set(plan.owners.tolist())
    (['psi', 'phi', 'pre-omega'], {0})
    """

    owners: Integers
    rotors: tuple[Rotor, ...]
    rings: Integers
    carried: tuple[CarriedAtom, ...]

    @classmethod
    def of(cls, layout: ResidueLayout, topology: app.Topology) -> RebuildPlan:
        """Plan for a Topology.

        Parameters
        ----------
        layout
            Of this Topology.
        topology
            With bonds.

        Raises
        ------
        ValueError
            If the layout is of another Topology, or a cap is not bonded to an amino acid.
        """
        if not layout.matches(ResidueLayout.from_topology(topology)):
            raise ValueError(
                f"the layout ({layout.sequence}, {layout.n_atoms} atoms) is not that of the "
                f"Topology with {topology.getNumAtoms()} atoms; make it with "
                "ResidueLayout.from_topology(topology)"
            )
        links = PeptideBonds(topology)
        owners = _owners(layout, topology, links)
        residues = [_Residue(number, layout, owners, links) for number in range(len(layout))]
        rings = [residue.ring() for residue in residues if residue.is_proline]
        return cls(
            owners=owners,
            rotors=tuple(rotor for residue in residues for rotor in residue.rotors()),
            rings=np.array(rings, dtype=np.int64).reshape(-1, 5),
            carried=tuple(atom for residue in residues for atom in residue.carried()),
        )


def _owners(layout: ResidueLayout, topology: app.Topology, links: PeptideBonds) -> Integers:
    number = {int(alpha): n for n, alpha in enumerate(layout.backbone[:, 1])}
    owners = np.full(layout.n_atoms, -1, dtype=np.int64)
    caps = []
    for residue in topology.residues():
        atoms = [atom.index for atom in residue.atoms()]
        found = [number[atom] for atom in atoms if atom in number]
        owners[atoms] = found[0] if found else -1
        if not found:
            caps.append((residue, atoms))
    for residue, atoms in caps:
        beyond = [other for atom in atoms for other in links.neighbours.get(atom, ())]
        bonded = [int(owners[other]) for other in beyond if owners[other] >= 0]
        if not bonded:
            raise ValueError(
                f"cap {residue.name} {residue.id} of chain {residue.chain.id} is not bonded to an "
                "amino acid in the Topology; call its createStandardBonds(), or add the bond"
            )
        owners[atoms] = bonded[0]
    return owners


class _Residue:
    """One residue with the caps that move with it."""

    def __init__(
        self, number: int, layout: ResidueLayout, owners: Integers, links: PeptideBonds
    ) -> None:
        self._number = number
        self._links = links
        self._group = set(np.flatnonzero(owners == number).tolist())
        self._nitrogen, self._alpha, self._carbon = layout.backbone[number].tolist()
        self._torsions = layout.torsion_atoms[number].tolist()
        self.is_proline = int(layout.types[number]) == _PROLINE
        self._n_chi = max(0, len(chi_chain(RESIDUE_TYPES[layout.types[number]])) - 3)

    def rotors(self) -> Iterable[Rotor]:
        """Torsions that are not determined by frames, with what they turn."""
        ends = {self._alpha, self._nitrogen, self._carbon}
        for column in range(_CHI1, _CHI1 + self._n_chi):
            _, second, third, _ = self._torsions[column]
            yield self._rotor(column, third, {second} | ends)
        before, after = self._torsions[_PHI][0], self._torsions[_PSI][3]
        if after in self._group:
            yield self._rotor(_PSI, self._carbon, {self._alpha})
        if before in self._group:
            yield self._rotor(_PHI, self._nitrogen, {self._alpha} | self._side_chain())
            if self._torsions[0][0] >= 0:
                yield self._rotor(0, before, {self._nitrogen})

    def ring(self) -> list[int]:
        """N, CA, CB, CG, CD of a proline."""
        return [*self._torsions[_CHI1], self._torsions[_CHI1 + 1][3]]

    def carried(self) -> Iterable[CarriedAtom]:
        """Atoms to place when everything else is there."""
        before, after = self._torsions[_PHI][0], self._torsions[_PSI][3]
        on_nitrogen = self._reach(self._nitrogen, {self._alpha} | self._side_chain())
        if before >= 0 and before not in self._group:
            yield from _between(on_nitrogen, self._nitrogen, before, self._alpha)
        if after >= 0 and after not in self._group:
            on_carbon = self._reach(self._carbon, {self._alpha})
            yield from _between(on_carbon, self._carbon, self._alpha, after)
        if self.is_proline:
            nitrogen, alpha, beta, gamma, delta = self.ring()
            if before < 0:
                yield from _between(on_nitrogen, nitrogen, alpha, delta)
            for center, first, second in ((gamma, beta, delta), (delta, gamma, nitrogen)):
                yield from _between(self._reach(center, {first, second}), center, first, second)

    def _rotor(self, column: int, start: int, blocked: set[int]) -> Rotor:
        i, j, k, l = self._torsions[column]  # noqa: E741
        moving = tuple(sorted(self._reach(start, blocked)))
        return Rotor(self._number, column, (i, j, k, l), moving)

    def _side_chain(self) -> set[int]:
        """Whatever hangs on CA."""
        ends = {self._alpha, self._nitrogen, self._carbon}
        starts = set(self._links.neighbours[self._alpha]) - ends
        return {atom for start in starts for atom in self._reach(start, ends)}

    def _reach(self, start: int, blocked: set[int]) -> set[int]:
        return self._links.reach(start, blocked, self._group)


def _between(atoms: set[int], center: int, first: int, second: int) -> Iterable[CarriedAtom]:
    return (CarriedAtom(atom, center, first, second) for atom in sorted(atoms - {center}))
