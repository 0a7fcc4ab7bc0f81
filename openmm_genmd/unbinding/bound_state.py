"""Whether a ligand is bound at the start, and the complex not too large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.complex_limits import require_complex_size
from openmm_genmd.unbinding.contacts import (
    CONTACT_NM,
    BoundContacts,
    heavy_atoms,
    minimum_distances_nm,
)

Integers = NDArray[np.intp]

_OVERLAP_NM = 0.15
"""Shorter than any distance between atoms that are not bonded; hydrogen bonds are 0.25 nm."""

_FEWEST_PER_ATOM = 0.5
"""Contacts per heavy atom of the ligand; in the bundled systems there are 7 and more."""


def require_bound(
    topology: app.Topology,
    positions_nm: NDArray[np.float64],
    receptor: Integers,
    ligand: Integers,
) -> None:
    """None if the ligand touches the receptor without overlapping it.

    Parameters
    ----------
    topology
        All atoms.
    positions_nm
        ``(n_atoms, 3)``, nm, both in one periodic image.
    receptor, ligand
        Their atoms.

    Raises
    ------
    ValueError
        If its nearest heavy atom is more than 0.45 nm from the receptor's, or less than 0.15 nm,
        or there are fewer contacts than half its heavy atoms.
    """
    heavy = heavy_atoms(topology, ligand)
    [nearest] = minimum_distances_nm(positions_nm, heavy_atoms(topology, receptor), heavy)
    if nearest > CONTACT_NM:
        raise ValueError(
            f"the ligand is not bound: its nearest heavy atom is {nearest:.2f} nm from the "
            f"receptor, expected at most {CONTACT_NM} nm; start from a structure of the bound "
            "state, and check that the right molecule is selected"
        )
    if nearest < _OVERLAP_NM:
        raise ValueError(
            f"the ligand overlaps the receptor: two heavy atoms are {nearest:.2f} nm apart, "
            f"expected at least {_OVERLAP_NM} nm; minimize the structure first"
        )
    n_contacts = len(BoundContacts.of(topology, positions_nm, receptor, ligand))
    if n_contacts < _FEWEST_PER_ATOM * len(heavy):
        raise ValueError(
            f"the ligand is hardly bound: {n_contacts} pairs of heavy atoms are within "
            f"{CONTACT_NM} nm, expected at least {_FEWEST_PER_ATOM:g} for each of its "
            f"{len(heavy)} heavy atoms; start from a structure of the bound state"
        )


def require_model_size(
    topology: app.Topology, pocket: Integers, ligand: Integers, name: str
) -> None:
    """None if a model takes the complex.

    Raises
    ------
    ValueError
        If it has too many residues or heavy atoms of the ligand; see `require_complex_size`.
    """
    atoms = list(topology.atoms())
    residues = {atoms[atom].residue.index for atom in pocket}
    require_complex_size(
        len(residues),
        len(heavy_atoms(topology, ligand)),
        name,
        remedy="pass pocket_nm=1.2 to model only those with an atom within 1.2 nm of the ligand",
    )
