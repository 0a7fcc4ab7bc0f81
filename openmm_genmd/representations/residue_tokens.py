"""What a model generates for each residue: the offset of its frame, and its torsions.

A token has 21 numbers: the unit quaternion (w, x, y, z), w >= 0, and the translation in Angstrom of
the new frame as seen from the current one, (g_current)^-1 g_new, then (sin, cos) of the seven
torsions in turn. It does not change if both conformations are moved together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.representations.residue_frames import ResidueFrames
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_types import TORSION_NAMES

N_NUMBERS = 7 + 2 * len(TORSION_NAMES)
"""Numbers in a token, 21."""

QUATERNION, TRANSLATION, TORSIONS = slice(0, 4), slice(4, 7), slice(7, N_NUMBERS)
"""Where the parts of a token are."""


def encode(
    current: ResidueFrames, new: ResidueFrames, torsions_rad: ArrayLike
) -> NDArray[np.float32]:
    """Tokens ``(..., n_residues, 21)``, float32, of a new conformation relative to a current one.

    Parameters
    ----------
    current, new
        Frames ``(..., n_residues)``; leading dimensions broadcast.
    torsions_rad
        ``(..., n_residues, 7)``, rad, of the new conformation; NaN where undefined, which gives
        zeros.

    Raises
    ------
    ValueError
        If shapes do not fit.
    """
    torsions = np.asarray(torsions_rad, dtype=np.float64)
    offset = current.inverse().compose(new)
    translations = offset.translations_angstrom
    if torsions.shape[-2:] != (translations.shape[-2], len(TORSION_NAMES)):
        raise ValueError(
            f"torsions must have shape (..., {translations.shape[-2]}, {len(TORSION_NAMES)}) for "
            f"these frames, got {torsions.shape}"
        )
    batch = np.broadcast_shapes(translations.shape[:-1], torsions.shape[:-1])
    tokens = np.empty((*batch, N_NUMBERS), dtype=np.float32)
    tokens[..., QUATERNION] = quaternions_of(offset.rotations)
    tokens[..., TRANSLATION] = translations
    pairs = np.stack((np.sin(torsions), np.cos(torsions)), axis=-1)
    tokens[..., TORSIONS] = np.nan_to_num(pairs).reshape(*torsions.shape[:-1], -1)
    return tokens


def decode(current: ResidueFrames, tokens: ArrayLike) -> tuple[ResidueFrames, NDArray[np.float64]]:
    """Frames and torsions ``(..., n_residues, 7)``, float64, rad, that tokens stand for.

    Parameters
    ----------
    current
        Frames that the tokens are relative to; leading dimensions broadcast.
    tokens
        ``(..., n_residues, 21)``, as a model made them: quaternions need not be normalized, nor
        sine and cosine. Where both of these are 0 the torsion is undefined, NaN.

    Raises
    ------
    ValueError
        If the shape is wrong; if a number is not finite or a quaternion is 0.
    """
    tokens = np.asarray(tokens, dtype=np.float64)
    n_residues = current.translations_angstrom.shape[-2]
    if tokens.shape[-2:] != (n_residues, N_NUMBERS):
        raise ValueError(
            f"tokens must have shape (..., {n_residues}, {N_NUMBERS}) for these frames, got "
            f"{tokens.shape}"
        )
    if not np.isfinite(tokens).all():
        raise ValueError("tokens must be finite; check the model that made them for overflow")
    offset = ResidueFrames(rotations_of(tokens[..., QUATERNION]), tokens[..., TRANSLATION])
    sine, cosine = tokens[..., TORSIONS.start :: 2], tokens[..., TORSIONS.start + 1 :: 2]
    undefined = (sine == 0.0) & (cosine == 0.0)
    return current.compose(offset), np.where(undefined, np.nan, np.arctan2(sine, cosine))


def token_mask(layout: ResidueLayout) -> NDArray[np.bool_]:
    """``(n_residues, 21)`` bool: which numbers of a token are defined.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> layout = ResidueLayout.from_topology(load_structure("alanine-dipeptide")[0])
    >>> int(token_mask(layout).sum())  # frame 7, pre-omega, phi and psi 6
    13
    """
    mask = np.ones((len(layout), N_NUMBERS), dtype=np.bool_)
    mask[:, TORSIONS] = np.repeat(layout.torsion_mask, 2, axis=-1)
    return mask


def quaternions_of(rotations: NDArray[Any]) -> NDArray[np.float64]:
    """Unit quaternions ``(..., 4)`` as w, x, y, z with w >= 0 of matrices ``(..., 3, 3)``.

    References
    ----------
    Shepperd, J. Guid. Control 1, 223 (1978): of four formulas the one that divides by the largest
    component, so that no rotation is near a singularity.
    """
    m = np.asarray(rotations, dtype=np.float64)
    xx, yy, zz = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    wx, wy, wz = (
        m[..., 2, 1] - m[..., 1, 2],
        m[..., 0, 2] - m[..., 2, 0],
        m[..., 1, 0] - m[..., 0, 1],
    )
    xy, xz, yz = (
        m[..., 0, 1] + m[..., 1, 0],
        m[..., 0, 2] + m[..., 2, 0],
        m[..., 1, 2] + m[..., 2, 1],
    )
    # 4 q q^T: every row is a multiple of the quaternion, the one with the largest diagonal is used.
    outer = np.stack(
        (
            np.stack((1 + xx + yy + zz, wx, wy, wz), axis=-1),
            np.stack((wx, 1 + xx - yy - zz, xy, xz), axis=-1),
            np.stack((wy, xy, 1 - xx + yy - zz, yz), axis=-1),
            np.stack((wz, xz, yz, 1 - xx - yy + zz), axis=-1),
        ),
        axis=-2,
    )
    largest = np.diagonal(outer, axis1=-2, axis2=-1).argmax(axis=-1)
    row = np.take_along_axis(outer, largest[..., None, None], axis=-2)[..., 0, :]
    row = np.where(row[..., :1] < 0, -row, row)
    return np.asarray(row / np.linalg.norm(row, axis=-1, keepdims=True))


def rotations_of(quaternions: NDArray[Any]) -> NDArray[np.float64]:
    """Rotations ``(..., 3, 3)`` of quaternions ``(..., 4)`` as w, x, y, z, of any length but 0.

    Raises
    ------
    ValueError
        If a quaternion is 0.
    """
    norms = np.linalg.norm(quaternions, axis=-1, keepdims=True)
    if not (norms > 0).all():
        raise ValueError("a quaternion is 0, so that it gives no rotation; draw the token again")
    w, x, y, z = np.moveaxis(np.asarray(quaternions, dtype=np.float64) / norms, -1, 0)
    rows = (
        np.stack((1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)), axis=-1),
        np.stack((2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)), axis=-1),
        np.stack((2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)), axis=-1),
    )
    return np.stack(rows, axis=-2)
