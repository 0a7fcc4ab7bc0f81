"""Conformations as torsion angles plus everything else: `TorsionRepresentation`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from openmm import app

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.constraints import check_system
from openmm_genmd.representations.molecule_torsions import MoleculeTorsions
from openmm_genmd.representations.selection import select_torsions
from openmm_genmd.representations.torsion_checks import require_commuting

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TorsionRepresentation(MoleculeTorsions):
    """A molecule's conformation as torsion angles; everything else is carried along.

    ``encode`` measures the torsions. ``decode`` turns rigid parts of the given conformation about
    its actual bonds until the torsions have new values: bond lengths, angles, chirality, the other
    torsions, position and orientation (of the part that never moves) stay as they are.

    **The Jacobian is 1**: in Cartesian coordinates dx = d(torsions) d(carried), so a leap of the
    torsions needs the densities of the torsions alone in its ratio. Turning one bond by a fixed
    angle moves the atoms of its moving side by a rotation about an axis through two atoms that
    stay, a map with determinant 1. Moving sides are fixed, whatever the conformation, and nested or
    disjoint (see `find_torsions`), so turns about different bonds commute: the outer one takes
    the inner ones along, disjoint ones do not touch each other's axis. The turns are thus an
    action of the torus on Cartesian space that preserves volume, and volume factorises into the
    torus' own measure times one on its orbits, which is all that is carried. A side chosen by the
    state, or a stretched bond, would break this.

    Attributes
    ----------
    particles
        Indices of the whole molecule in the System, ascending; ``n_moved`` of them.
    torsions
        What is generated; indices in the System.
    fingerprint
        The molecule's identity.

    Raises
    ------
    ValueError
        If torsions and particles do not fit together.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> [torsion.name for torsion in representation.torsions]
    ['phi ALA 2', 'psi ALA 2']
    >>> left_handed = representation.decode([1.0, 0.5], positions_nm)
    >>> representation.encode(left_handed).round(9).tolist()
    [1.0, 0.5]
    """

    def __post_init__(self) -> None:
        """Refuse what cannot be represented."""
        if not self.torsions:
            raise ValueError("a TorsionRepresentation needs at least one torsion, got none")
        super().__post_init__()
        require_commuting(self.torsions, self.particles)

    @classmethod
    def from_topology(
        cls,
        topology: app.Topology,
        system: openmm.System | None = None,
        *,
        atoms: Sequence[int] | None = None,
        include_omega: bool = False,
        include_methyl: bool = False,
    ) -> Self:
        """Representation of the one molecule of a Topology that has rotatable bonds.

        Parameters
        ----------
        topology
            Any; bonds and names are read from it.
        system
            Bonds of atoms that have none in the Topology, virtual sites, and constraints, which
            are checked.
        atoms
            Selects the molecule, and of its rotatable bonds those with both atoms in ``atoms``.
        include_omega, include_methyl
            See `find_torsions`. Ring bonds cannot be included: turning one tears the ring.

        Raises
        ------
        ValueError
            If Topology and System do not fit; if there is no rotatable bond, or several molecules
            have some; if ``atoms`` are no atoms of one molecule; if a rotation would change a
            constraint or move a frozen particle.
        """
        graph = BondGraph.of(topology, system)
        molecule, torsions = select_torsions(
            topology,
            graph,
            atoms,
            include_omega=include_omega,
            include_methyl=include_methyl,
        )
        if system is not None:
            check_system(system, torsions)
        return cls(molecule, torsions, TopologyFingerprint.of(topology, molecule, graph.bonds))

    def encode(self, positions_nm: ArrayLike) -> Array:
        """Torsions ``(..., n_torsions)`` in rad, in [-pi, pi), of positions ``(..., n_moved, 3)``.

        Parameters
        ----------
        positions_nm
            Whole molecules (see `make_whole`), nm. A torsion that depends on a NaN is NaN.

        Raises
        ------
        ValueError
            If the shape is wrong.
        """
        return self._kernel.angles(self._checked_positions(positions_nm))

    def decode(self, torsions_rad: ArrayLike, positions_nm: ArrayLike) -> Array:
        """Positions ``(..., n_moved, 3)`` in nm with new torsions and all else carried over.

        Parameters
        ----------
        torsions_rad
            ``(..., n_torsions)``, rad, any multiple of 2 pi added.
        positions_nm
            ``(..., n_moved, 3)``, nm, whole molecules. Leading dimensions broadcast. Undefined
            rotations (NaN, two bonded atoms in one place) give NaN.

        Raises
        ------
        ValueError
            If a shape is wrong.
        """
        positions = self._checked_positions(positions_nm)
        return self._kernel.turn_to(self._checked_torsions(torsions_rad), positions)

    def turn(self, steps_rad: ArrayLike, positions_nm: ArrayLike) -> Array:
        """Positions ``(..., n_moved, 3)`` in nm with torsions changed by steps in rad.

        ``decode`` without measuring: ``turn(new - encode(x), x)`` is ``decode(new, x)``.

        Raises
        ------
        ValueError
            If a shape is wrong.
        """
        positions = self._checked_positions(positions_nm)
        return self._kernel.turn_by(self._checked_torsions(steps_rad), positions)

    def subset(self, torsions: Sequence[int]) -> Self:
        """Return the same molecule with some of the torsions, by number; the others are carried.

        Raises
        ------
        ValueError
            If there are none, or one is out of range or repeated.
        """
        n_torsions = len(self.torsions)
        wrong = [n for n in torsions if not 0 <= n < n_torsions]
        if wrong or len(set(torsions)) != len(torsions):
            raise ValueError(
                f"torsions must be different numbers from 0 to {n_torsions - 1}, got "
                f"{list(torsions)}"
            )
        return replace(self, torsions=tuple(self.torsions[n] for n in torsions))
