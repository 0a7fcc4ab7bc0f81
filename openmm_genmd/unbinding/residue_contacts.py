"""How many contacts each residue of a receptor has with its ligand: `residue_contacts`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.contacts import CONTACT_NM


def residue_contacts(frames_nm: NDArray[Any], bound: BoundComplex) -> NDArray[np.int64]:
    """Pairs of heavy atoms in contact, ``(n_frames, n_residues)``, by residue of the Topology.

    All pairs count, not those of the bound state alone: a guest that turns about itself in a
    symmetric host keeps its contacts.

    Parameters
    ----------
    frames_nm
        ``(n_frames, n_particles, 3)``, nm.
    bound
        The complex.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> residue_contacts(bound.positions_nm[None], bound)
    array([[126,   0]])
    """
    owners = np.array([atom.residue.index for atom in bound.topology.atoms()])
    own = owners[bound.receptor_heavy]
    counts = np.zeros((len(frames_nm), bound.topology.getNumResidues()), np.int64)
    for row, frame in zip(counts, frames_nm, strict=True):
        near = cdist(frame[bound.receptor_heavy], frame[bound.ligand_heavy]) < CONTACT_NM
        row += np.bincount(own, near.sum(axis=1), len(row)).astype(np.int64)
    return counts
