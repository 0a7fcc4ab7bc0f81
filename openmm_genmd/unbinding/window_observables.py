"""Coordinates of a complex that may be slow: `slow_candidates`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.representations.superposition import superpose
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.pose import Poses
from openmm_genmd.unbinding.pose_restraint import PoseWindow

Array = NDArray[np.float64]

TILT = "tilt of the ligand"
"""Angle, rad, between its orientation and that of its window."""


def slow_candidates(
    bound: BoundComplex, windows: Sequence[PoseWindow], poses: Poses, positions_nm: Array
) -> dict[str, Array]:
    """What may be slow, by name, ``(n,)`` float64 each.

    Parameters
    ----------
    bound
        The complex, with whose bound structure shapes are compared.
    windows
        In which each conformation was made.
    poses
        ``n`` of them.
    positions_nm
        ``(n, n_particles, 3)``, nm.
    """
    rotations = np.array([window.rotation for window in windows])
    cosine = (np.einsum("nij,nij->n", rotations, poses.rotations) - 1.0) / 2.0
    places = np.array([window.place_nm for window in windows])
    return {
        TILT: np.arccos(np.clip(cosine, -1.0, 1.0)),
        "place of the ligand": np.linalg.norm(poses.places_nm - places, axis=1),
        "shape of the receptor": _strain_nm(bound, bound.pocket_heavy, positions_nm),
        "shape of the ligand": _strain_nm(bound, bound.ligand_heavy, positions_nm),
    }


def _strain_nm(bound: BoundComplex, atoms: NDArray[np.intp], positions_nm: Array) -> Array:
    """RMSD ``(n,)``, nm, of some atoms from the bound structure."""
    moving = positions_nm[:, atoms]
    target = np.broadcast_to(bound.positions_nm[atoms], moving.shape)
    moved = superpose(moving, target, np.ones(moving.shape[:2], dtype=bool))
    return np.asarray(np.sqrt(((moved - target) ** 2).sum(axis=2).mean(axis=1)))
