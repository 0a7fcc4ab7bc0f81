"""Rigid frames and torsions of the amino acids of many conformations: `ResidueFrames`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.representations.dihedrals import dihedral
from openmm_genmd.representations.residue_layout import ResidueLayout

Array = NDArray[np.float64]

ANGSTROM_PER_NM = 10.0

_SMALLEST_SINE = 1e-3
"""Of the angle N-CA-C: with less the frame is noise."""


@dataclass(frozen=True, eq=False)
class ResidueFrames:
    """Rigid motions from each residue's own axes to space: x -> rotation x + translation.

    Attributes
    ----------
    rotations
        ``(..., n_residues, 3, 3)``, columns are the residue's axes.
    translations_angstrom
        ``(..., n_residues, 3)``, Angstrom, where the residue's origin is.

    Examples
    --------
    >>> quarter_turn = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    >>> frames = ResidueFrames(quarter_turn, np.array([[5.0, 0, 0]]))
    >>> frames.apply(np.array([[[1.0, 0, 0], [0, 0, 2]]])).tolist()  # two points of one residue
    [[[5.0, 1.0, 0.0], [5.0, 0.0, 2.0]]]
    >>> frames.inverse().compose(frames).translations_angstrom.tolist()
    [[0.0, 0.0, 0.0]]
    """

    rotations: NDArray[Any]
    translations_angstrom: NDArray[Any]

    def __post_init__(self) -> None:
        """Refuse shapes that do not belong together."""
        shape = self.translations_angstrom.shape
        if shape[-1:] != (3,) or self.rotations.shape != (*shape, 3):
            raise ValueError(
                "expected rotations (..., n_residues, 3, 3) and translations (..., n_residues, 3), "
                f"got {self.rotations.shape} and {shape}"
            )

    def __len__(self) -> int:
        """Return the length of the first axis."""
        return len(self.translations_angstrom)

    def __getitem__(self, index: Any) -> ResidueFrames:
        """Part of the leading axes."""
        return ResidueFrames(self.rotations[index], self.translations_angstrom[index])

    def compose(self, other: ResidueFrames) -> ResidueFrames:
        """Motions that do the other first and then this one: g h, as of matrices; broadcasts."""
        translations = _turned(self.rotations, other.translations_angstrom)
        return ResidueFrames(
            self.rotations @ other.rotations, translations + self.translations_angstrom
        )

    def inverse(self) -> ResidueFrames:
        """Motions from space to the residues' own axes."""
        back = np.swapaxes(self.rotations, -1, -2)
        return ResidueFrames(back, -_turned(back, self.translations_angstrom))

    def apply(self, points_angstrom: NDArray[Any]) -> NDArray[Any]:
        """Points ``(..., n_residues, n_points, 3)``, Angstrom, moved with their residues."""
        turned = points_angstrom @ np.swapaxes(self.rotations, -1, -2)
        return np.asarray(turned + self.translations_angstrom[..., None, :])


def frames_of(backbone_angstrom: ArrayLike) -> ResidueFrames:
    """Frames, float64, of backbones: origin CA, x axis towards C, N in the xy plane with y > 0.

    Parameters
    ----------
    backbone_angstrom
        ``(..., n_residues, 3, 3)``, Angstrom: N, CA and C of each residue.

    Raises
    ------
    ValueError
        If the shape is wrong; if three atoms are in line or a coordinate is not finite.

    References
    ----------
    Jumper et al., Nature 596, 583 (2021), supplementary algorithm 21 (Gram-Schmidt).

    Examples
    --------
    >>> frames = frames_of([[[0.0, 1.4, 0.0], [0.0, 0.0, 0.0], [1.5, 0.0, 0.0]]])
    >>> frames.rotations[0].tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    backbone = np.asarray(backbone_angstrom, dtype=np.float64)
    if backbone.ndim < 3 or backbone.shape[-2:] != (3, 3):
        raise ValueError(
            f"a backbone must have shape (..., n_residues, 3, 3), got {backbone.shape}"
        )
    nitrogen, alpha, carbon = np.moveaxis(backbone, -2, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = unit_vectors(carbon - alpha)
        to_nitrogen = unit_vectors(nitrogen - alpha)
        across = to_nitrogen - (to_nitrogen * x).sum(-1, keepdims=True) * x
        _require_planes(across)
        y = unit_vectors(across)
    return ResidueFrames(np.stack((x, y, np.cross(x, y)), axis=-1), alpha)


def backbone_of(positions_nm: NDArray[Any], layout: ResidueLayout) -> NDArray[Any]:
    """N, CA and C ``(..., n_residues, 3, 3)``, Angstrom, of positions ``(..., n_atoms, 3)``, nm.

    Raises
    ------
    ValueError
        If there are not as many atoms as in the layout.
    """
    _require_atoms(positions_nm, layout)
    return np.asarray(positions_nm.take(layout.backbone, axis=-2) * ANGSTROM_PER_NM)


def torsions_of(
    positions_nm: NDArray[Any], layout: ResidueLayout, *, dtype: type[Any] = np.float32
) -> NDArray[Any]:
    """Torsions ``(..., n_residues, 7)``, rad, in [-pi, pi]; NaN where undefined.

    Parameters
    ----------
    positions_nm
        ``(..., n_atoms, 3)``, nm, whole molecules.
    layout
        Which atoms.
    dtype
        Of the answer; densities need float64.

    Raises
    ------
    ValueError
        If there are not as many atoms as in the layout.
    """
    _require_atoms(positions_nm, layout)
    defined = layout.torsion_mask
    atoms = layout.torsion_atoms[defined]
    corners = np.moveaxis(positions_nm.take(atoms, axis=-2), (-2, -1), (0, 1))
    i, j, k, l = corners.astype(np.float64)  # noqa: E741
    torsions = np.full((*positions_nm.shape[:-2], *defined.shape), np.nan, dtype=dtype)
    torsions[..., defined] = dihedral(i, j, k, l, np)
    return torsions


def unit_vectors(vectors: Array) -> Array:
    """Vectors ``(..., 3)`` of length 1 with the directions of others; NaN where these are 0."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _turned(rotations: NDArray[Any], vectors: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((rotations @ vectors[..., None])[..., 0])


def _require_planes(across: Array) -> None:
    good = np.linalg.norm(across, axis=-1) > _SMALLEST_SINE  # False for NaN too
    if not good.all():
        *conformation, residue = np.argwhere(~good)[0].tolist()
        where = f" of conformation {conformation[-1]}" if conformation else ""
        raise ValueError(
            f"N, CA and C of residue number {residue}{where} are in line, in one place or not "
            "finite, so that they define no frame; remove the conformation, or check units and "
            "order of atoms"
        )


def _require_atoms(positions_nm: NDArray[Any], layout: ResidueLayout) -> None:
    if positions_nm.ndim < 2 or positions_nm.shape[-2:] != (layout.n_atoms, 3):
        raise ValueError(
            f"positions must have shape (..., {layout.n_atoms}, 3) as in the layout's Topology, "
            f"got {positions_nm.shape}"
        )
