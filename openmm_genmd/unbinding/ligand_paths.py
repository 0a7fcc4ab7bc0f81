"""Where a ligand's centre goes, in the frame of its receptor: `LigandPath`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.representations.superposition import superpose
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.contacts import CONTACT_NM, minimum_distances_nm
from openmm_genmd.unbinding.found_path import FoundPath
from openmm_genmd.unbinding.residue_contacts import residue_contacts

Array = NDArray[np.float64]

SHELL_NM = 0.05
"""Distance between two shells about the bound place, on which paths are compared."""


def on_receptor(frames_nm: NDArray[Any], bound: BoundComplex) -> Array:
    """Frames ``(n, n_particles, 3)`` float64, nm, superposed on the bound structure's receptor.

    Parameters
    ----------
    frames_nm
        ``(n, n_particles, 3)``, nm.
    bound
        The complex; its receptor's heavy atoms are what counts.

    Raises
    ------
    ValueError
        If the frames have another number of particles.
    """
    if frames_nm.shape[1:] != bound.positions_nm.shape:
        raise ValueError(
            f"frames of shape {frames_nm.shape} do not fit {bound.name}, which has "
            f"{len(bound.positions_nm)} particles; pass the complex that the paths were found with"
        )
    mask = np.zeros(frames_nm.shape[:2], bool)
    mask[:, bound.receptor_heavy] = True
    target = np.broadcast_to(bound.positions_nm, frames_nm.shape)
    return superpose(np.asarray(frames_nm, np.float64), target, mask)


@dataclass(frozen=True, eq=False)
class LigandPath:
    """The way of a ligand's centre while it is in touch with the receptor.

    Attributes
    ----------
    number
        Of the path.
    centres_nm
        ``(n, 3)``, nm, centre of the ligand's heavy atoms in each frame of the whole path, in the
        frame of the bound structure's receptor.
    last_contact
        The last frame in which heavy atoms of ligand and receptor are in contact.
    shells_nm
        ``(k, 3)``, nm: where the centre crosses spheres about its bound place for the last time
        before the last contact ends, spheres being `SHELL_NM` apart. Dwelling and coming back leave
        no trace in it.
    touched
        ``(n_residues,)`` bool: residues of the Topology that the ligand touches on the outer half
        of this way.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> frames = np.repeat(bound.positions_nm[None], 41, axis=0)
    >>> frames[:, bound.ligand, 2] += np.linspace(0.0, 2.0, 41)[:, None]
    >>> path = FoundPath(0, frames.astype(np.float32), np.array([0, 40]), np.zeros(2), "out", True)
    >>> there = LigandPath.of(path, bound)
    >>> place = bound.positions_nm[bound.ligand_heavy].mean(axis=0)
    >>> bool(np.allclose(there.shells_nm[3] - place, [0.0, 0.0, 0.2], atol=1e-3))
    True
    """

    number: int
    centres_nm: Array
    last_contact: int
    shells_nm: Array
    touched: NDArray[np.bool_]

    @classmethod
    def of(cls, path: FoundPath, bound: BoundComplex) -> Self:
        """Way of the ligand along a path.

        Parameters
        ----------
        path
            Of any length.
        bound
            The complex; the place of its ligand is the middle of all shells.

        Raises
        ------
        ValueError
            If the path is one of another complex, or the ligand touches the receptor nowhere on it.
        """
        frames = on_receptor(path.frames_nm, bound)
        centres = frames[:, bound.ligand_heavy].mean(axis=1)
        place = bound.positions_nm[bound.ligand_heavy].mean(axis=0)
        gaps = minimum_distances_nm(frames, bound.receptor_heavy, bound.ligand_heavy)
        if not (gaps < CONTACT_NM).any():
            raise ValueError(
                f"the ligand touches the receptor nowhere on path {path.number}; a path begins in "
                "the bound state"
            )
        last = int(np.flatnonzero(gaps < CONTACT_NM)[-1])
        radii = np.linalg.norm(centres - place, axis=1)
        way = slice(_last_within(radii[: last + 1], 0.5 * radii[last]), last + 1)
        touched = np.asarray(residue_contacts(frames[way], bound).sum(axis=0) > 0)
        shells = _shells(centres[: last + 2], radii[: last + 2])
        return cls(path.number, centres, last, shells, touched)


def _last_within(radii_nm: Array, radius_nm: float) -> int:
    """The last frame within a sphere; the first frame if none is."""
    within = np.flatnonzero(radii_nm <= radius_nm)
    return int(within[-1]) if len(within) else 0


def _shells(centres_nm: Array, radii_nm: Array) -> Array:
    """Last crossings ``(k, 3)`` of spheres that are `SHELL_NM` apart, up to the last frame's."""
    spheres = SHELL_NM * np.arange(1, 1 + int(radii_nm[-1] / SHELL_NM))
    crossings = []
    for sphere in spheres:
        k = _last_within(radii_nm, sphere)
        after = min(k + 1, len(radii_nm) - 1)
        gap = radii_nm[after] - radii_nm[k]
        share = np.clip((sphere - radii_nm[k]) / gap, 0.0, 1.0) if gap > 0 else 0.0
        crossings.append((1 - share) * centres_nm[k] + share * centres_nm[after])
    return np.array(crossings).reshape(-1, 3)
