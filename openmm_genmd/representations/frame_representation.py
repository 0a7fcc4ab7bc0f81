"""Peptide conformations as residue frames and torsions plus all else: `FrameRepresentation`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from openmm import app

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.frame_checks import check_frames, require_rotations
from openmm_genmd.representations.frame_plan import FramePlan
from openmm_genmd.representations.molecule_torsions import MoleculeTorsions
from openmm_genmd.representations.peptide_topology import (
    peptide_topology,
    residue_ids,
    select_peptide,
)
from openmm_genmd.representations.residue_frames import ResidueFrames, backbone_of, frames_of
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.rigid_residues import RigidResidues

Array = NDArray[np.float64]

_ANY_BACKBONE = ((0.0, 1.0, 0.0), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0))


@dataclass(frozen=True)
class FrameRepresentation(MoleculeTorsions):
    """A peptide's conformation as one rigid frame per residue and torsions; the rest is carried.

    ``encode`` measures the frames of N, CA and C and the torsions that no frame determines: those
    of side chains (not in the ring of proline), phi after a cap and psi at the end of the chain.
    ``decode`` moves the residues of a given conformation rigidly to new frames and turns its
    torsions. A cap moves with the residue that it is bonded to. Carbonyl oxygens and amide
    hydrogens between two residues keep their places in axes along the bisector of the backbone
    bonds at their C or N, so that peptide groups stay planar. Nothing is ideal: bonds and angles
    within residues, chirality and all hydrogens are those of the given conformation. Peptide
    bonds between residues are as long as the frames make them.

    **The Jacobian is 1** with respect to the frames' own measure, volume times Haar measure, and
    that of the torsions: dx = d3t dR d(torsions) g(carried) d(carried). Each residue moves
    rigidly, a torsion is turned in its own residue alone, and an atom between two residues moves
    by a rigid motion that only the backbone determines. A leap therefore needs the densities of
    frames and torsions alone in its ratio. ``docs/theory.md`` has the derivation.

    Attributes
    ----------
    particles
        Indices of the whole peptide in the System, ascending; ``n_moved`` of them.
    torsions
        What is generated besides frames; indices in the System.
    fingerprint
        The molecule's identity.

    Raises
    ------
    ValueError
        If the molecule is not a peptide, or two of its residues are bridged (disulfide); if
        torsions, particles and molecule do not fit together.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> topology, positions_nm = build_peptide("GS")
    >>> representation = FrameRepresentation.from_topology(topology)
    >>> representation.chi_names
    ('phi GLY 2', 'psi SER 3', 'chi1 SER 3')
    >>> frames, torsions_rad = representation.encode(positions_nm)
    >>> torsions_rad[0] = -1.0
    >>> shifted = ResidueFrames(frames.rotations, frames.translations_angstrom + [[0.1], [0.0]])
    >>> leapt_nm = representation.decode(shifted, torsions_rad, positions_nm)
    >>> representation.encode(leapt_nm)[1][0].round(9).item()
    -1.0
    """

    def __post_init__(self) -> None:
        """Refuse what cannot be represented."""
        super().__post_init__()
        known = {(t.atoms, t.moving) for t in self._plan.torsions}
        for torsion in self._local_torsions:
            if (torsion.atoms, torsion.moving) not in known:
                raise ValueError(
                    f"torsion {torsion.name} is none of those that frames leave open "
                    f"({', '.join(t.name for t in self._plan.torsions)}); make the representation "
                    "with FrameRepresentation.from_topology"
                )

    @classmethod
    def from_topology(
        cls,
        topology: app.Topology,
        system: openmm.System | None = None,
        *,
        atoms: Sequence[int] | None = None,
        include_omega: bool = False,
    ) -> Self:
        """Representation of the one peptide of a Topology.

        Parameters
        ----------
        topology
            Any; bonds and names are read from it.
        system
            Bonds of atoms that have none in the Topology, virtual sites, and constraints, which
            are checked.
        atoms
            Atoms of the peptide, if there are several.
        include_omega
            Generate the torsion of the peptide bond after a cap, too. All others follow from
            frames.

        Raises
        ------
        ValueError
            If Topology and System do not fit; if there is no peptide, or several; if one is
            incomplete, or has residues bridged by something else than peptide bonds (disulfides);
            if frames would change a constraint or move a frozen particle.
        """
        graph = BondGraph.of(topology, system)
        molecule = select_peptide(topology, graph, atoms)
        fingerprint = TopologyFingerprint.of(topology, molecule, graph.bonds)
        plan = FramePlan.of(peptide_topology(fingerprint, residue_ids(topology, molecule)))
        found = zip(plan.torsions, plan.token_columns, strict=True)
        torsions = [torsion for torsion, (_, column) in found if column > 0 or include_omega]
        new = dict(enumerate(molecule))
        made = cls(molecule, tuple(torsion.renamed(new) for torsion in torsions), fingerprint)
        if system is not None:
            made.check_system(system)
        return made

    @property
    def layout(self) -> ResidueLayout:
        """Backbone and torsions of the residues; indices are places among the particles."""
        return self._plan.layout

    @property
    def chi_names(self) -> tuple[str, ...]:
        """Names of the torsions: ``"chi1 LYS 3"``, ``"phi ALA 2"``."""
        return tuple(torsion.name for torsion in self.torsions)

    @cached_property
    def token_columns(self) -> NDArray[np.int64]:
        """``(n_torsions, 2)`` int64: residue, and column of `TORSION_NAMES`, of each torsion."""
        plan = zip(self._plan.torsions, self._plan.token_columns, strict=True)
        column_of = {torsion.atoms: columns for torsion, columns in plan}
        columns = [column_of[torsion.atoms] for torsion in self._local_torsions]
        return np.array(columns, dtype=np.int64).reshape(-1, 2)

    def check_system(self, system: openmm.System) -> None:
        """None if frames and torsions keep the constraints of a System.

        Raises
        ------
        ValueError
            See `check_frames`.
        """
        check_frames(system, self._plan, self.particles, self.torsions)

    def encode(self, positions_nm: ArrayLike) -> tuple[ResidueFrames, Array]:
        """Frames ``(..., n_residues)`` and torsions ``(..., n_torsions)``, rad, in [-pi, pi).

        Parameters
        ----------
        positions_nm
            ``(..., n_moved, 3)``, nm, whole molecules (see `make_whole`). Frames and torsions that
            depend on a position that is not finite are NaN.

        Raises
        ------
        ValueError
            If the shape is wrong, or N, CA and C of a residue are in line.
        """
        positions = self._checked_positions(positions_nm)
        return self._frames(positions), self._kernel.angles(positions)

    def decode(
        self, frames: ResidueFrames, torsions_rad: ArrayLike, positions_nm: ArrayLike
    ) -> Array:
        """Positions ``(..., n_moved, 3)`` in nm with new frames and torsions, all else carried.

        Parameters
        ----------
        frames
            ``(..., n_residues)``, float64.
        torsions_rad
            ``(..., n_torsions)``, rad, any multiple of 2 pi added.
        positions_nm
            ``(..., n_moved, 3)``, nm, whole molecules: whose local geometry is carried. Leading
            dimensions broadcast. What depends on a NaN is NaN.

        Raises
        ------
        ValueError
            If a shape is wrong, N, CA and C of a residue of the positions are in line, or a
            rotation is none.
        """
        positions = self._checked_positions(positions_nm)
        require_rotations(frames, len(self.layout))
        steps = self._checked_torsions(torsions_rad) - self._kernel.angles(positions)
        motions = frames.compose(self._frames(positions).inverse())
        moved = self._kernel.turn_by(steps, self._rigid.moved(motions, positions))
        with np.errstate(invalid="ignore", divide="ignore"):
            self._rigid.place_carried(moved, positions)
        return moved

    @cached_property
    def _plan(self) -> FramePlan:
        return FramePlan.of(peptide_topology(self.fingerprint))

    @cached_property
    def _rigid(self) -> RigidResidues:
        return RigidResidues(self._plan.owners, self._plan.linked)

    def _frames(self, positions: Array) -> ResidueFrames:
        backbone = backbone_of(positions, self.layout)
        finite = np.isfinite(backbone).all(axis=(-1, -2), keepdims=True)
        frames = frames_of(np.where(finite, backbone, _ANY_BACKBONE))
        return ResidueFrames(
            np.where(finite, frames.rotations, np.nan),
            np.where(finite[..., 0], frames.translations_angstrom, np.nan),
        )
