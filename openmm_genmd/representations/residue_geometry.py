"""All atoms from frames and torsions: `rebuild`; whether they make sense: `check`.

Nothing is ideal: bond lengths and angles within residues, chirality, and the hydrogens' places are
carried over from a conformation of the same molecule.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.representations.geometry_check import GeometryReport, check
from openmm_genmd.representations.residue_frames import (
    ResidueFrames,
    backbone_of,
    frames_of,
    unit_vectors,
)
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_plan import RebuildPlan
from openmm_genmd.representations.rigid_residues import RigidResidues
from openmm_genmd.representations.torsion_kernel import TorsionKernel

__all__ = ["AllAtomBuilder", "GeometryReport", "check", "rebuild"]

Array = NDArray[np.float64]

_ATOMS_PER_CHUNK = 100_000
"""Rotations of so many atoms take 7 MB."""

_LARGEST_RING_TORSION_RAD = np.pi / 3
"""Of proline's chi1 and chi2, which stay within 45 degrees; beyond, the ring could not close."""


class AllAtomBuilder:
    """Places all atoms of a peptide, hydrogens and caps included, from frames and torsions.

    Each residue of a template is moved to its new frame as a rigid body and its side chain turned
    to the new torsions. Then come the atoms that depend on more than one frame: carbonyl oxygens
    and amide hydrogens keep their places in axes along the bisector of the two backbone bonds that
    they stand between, so that peptide groups stay planar, and proline rings are closed. Thus bond
    lengths within residues are those of the template, and so are bond angles, but for those at
    peptide bonds and in the rings of prolines. Peptide bonds are as long as the frames make them.

    Pre-omega, phi and psi between two residues follow from the frames: their values among the
    torsions are not used. They are where a chain ends (psi of the last residue; phi and pre-omega
    after a cap). Torsions that a token does not have (methyls, OH, the cap's own omega) are
    carried. Proline's chi1 and chi2 are taken to be within 60 degrees; as the ring has to close,
    chi2 is only near its new value.

    Parameters
    ----------
    layout
        Of the Topology.
    topology
        With bonds.

    Raises
    ------
    ValueError
        If they do not belong together, or a cap is not bonded to an amino acid.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.representations.residue_frames import torsions_of
    >>> topology, template_nm = load_structure("alanine-dipeptide")
    >>> layout = ResidueLayout.from_topology(topology)
    >>> builder = AllAtomBuilder(layout, topology)
    >>> torsions_rad = torsions_of(template_nm[None], layout)
    >>> torsions_rad[0, 0, 2] = 0.5  # psi
    >>> frames = frames_of(backbone_of(template_nm[None], layout))
    >>> positions_nm = builder.rebuild(frames, torsions_rad, template_nm)
    >>> round(float(torsions_of(positions_nm, layout)[0, 0, 2]), 4)
    0.5
    """

    def __init__(self, layout: ResidueLayout, topology: app.Topology) -> None:
        plan = RebuildPlan.of(layout, topology)
        self._layout = layout
        self._rings = plan.rings.T
        self._places = tuple(
            np.array([(r.residue, r.column) for r in plan.rotors]).reshape(-1, 2).T
        )
        self._kernel = TorsionKernel(
            [r.corners for r in plan.rotors], [r.moving for r in plan.rotors]
        )
        proline_chis = {(r, c) for r in plan.owners[plan.rings[:, 1]].tolist() for c in (3, 4)}
        self._in_rings = np.array(
            [(r.residue, r.column) in proline_chis for r in plan.rotors], bool
        )
        self._rigid = RigidResidues(plan.owners, plan.carried)

    def rebuild(
        self, frames: ResidueFrames, torsions_rad: NDArray[Any], template_nm: NDArray[Any]
    ) -> Array:
        """Positions ``(n, n_atoms, 3)``, float64, nm, of all atoms.

        Parameters
        ----------
        frames
            ``(n, n_residues)``.
        torsions_rad
            ``(n, n_residues, 7)``, rad; NaN where undefined.
        template_nm
            ``(n_atoms, 3)`` or ``(n, n_atoms, 3)``, nm, whole: whose local geometry is carried.

        Raises
        ------
        ValueError
            If shapes do not fit, or a torsion that the molecule has is not finite.
        """
        template = np.asarray(template_nm, dtype=np.float64)
        torsions = np.asarray(torsions_rad, dtype=np.float64)
        self._require_shapes(frames, torsions, template)
        n, n_atoms = len(frames), self._layout.n_atoms
        positions = np.empty((n, n_atoms, 3))
        step = max(1, _ATOMS_PER_CHUNK // n_atoms)
        for start in range(0, n, step):
            part = slice(start, start + step)
            own = template[part] if template.ndim == 3 else template[None]
            positions[part] = self._rebuild(frames[part], torsions[part], own)
        return positions

    def _rebuild(self, frames: ResidueFrames, torsions: Array, template: Array) -> Array:
        before = frames_of(backbone_of(template, self._layout))
        positions = self._rigid.moved(frames.compose(before.inverse()), template)
        if len(self._in_rings):
            positions = self._kernel.turn_by(self._steps(torsions, template), positions)
        if self._rings.size:
            self._close_rings(positions, template)
        self._rigid.place_carried(positions, template)
        return positions

    def _steps(self, torsions: Array, template: Array) -> Array:
        """Changes ``(n, n_rotors)`` in rad."""
        residues, columns = self._places
        new, old = torsions[:, residues, columns], self._kernel.angles(template)
        limits = np.maximum(_LARGEST_RING_TORSION_RAD, np.abs(old))
        wrapped = np.arctan2(np.sin(new), np.cos(new))
        return np.where(self._in_rings, np.clip(wrapped, -limits, limits), new) - old

    def _close_rings(self, positions: Array, template: Array) -> None:
        """Move each CD to the nearest point that has its bond lengths to CG and N."""
        nitrogen, _, _, gamma, delta = self._rings
        to_gamma, to_nitrogen = (
            np.linalg.norm(template[:, delta] - template[:, other], axis=-1, keepdims=True)
            for other in (gamma, nitrogen)
        )
        axis = positions[:, nitrogen] - positions[:, gamma]
        distance = np.linalg.norm(axis, axis=-1, keepdims=True)
        axis /= distance
        # The points with both bond lengths form a circle about the line from CG to N.
        along = (distance**2 + to_gamma**2 - to_nitrogen**2) / (2 * distance)
        radius = np.sqrt(np.maximum(to_gamma**2 - along**2, 0.0))
        built = positions[:, delta] - positions[:, gamma]
        outward = unit_vectors(built - (built * axis).sum(-1, keepdims=True) * axis)
        positions[:, delta] = positions[:, gamma] + along * axis + radius * outward

    def _require_shapes(self, frames: ResidueFrames, torsions: Array, template: Array) -> None:
        n_residues, n_atoms = len(self._layout), self._layout.n_atoms
        shape = frames.translations_angstrom.shape
        if len(shape) != 3 or shape[1] != n_residues or torsions.shape != (*shape[:2], 7):
            raise ValueError(
                f"expected frames (n, {n_residues}) and torsions (n, {n_residues}, 7) of "
                f"{self._layout.sequence}, got {shape[:-1]} and {torsions.shape}"
            )
        if template.shape not in ((n_atoms, 3), (shape[0], n_atoms, 3)):
            raise ValueError(
                f"a template must have shape ({n_atoms}, 3) or (n, {n_atoms}, 3) with n = "
                f"{shape[0]}, got {template.shape}"
            )
        if not np.isfinite(torsions[:, self._layout.torsion_mask]).all():
            raise ValueError(
                "torsions that the molecule has must be finite; mask only those that "
                "layout.torsion_mask leaves out"
            )


def rebuild(
    frames: ResidueFrames,
    torsions_rad: NDArray[Any],
    template_nm: NDArray[Any],
    layout: ResidueLayout,
    topology: app.Topology,
) -> Array:
    """Positions ``(n, n_atoms, 3)``, float64, nm: `AllAtomBuilder` for a single use."""
    return AllAtomBuilder(layout, topology).rebuild(frames, torsions_rad, template_nm)
