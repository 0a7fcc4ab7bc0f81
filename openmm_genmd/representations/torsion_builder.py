"""All-atom conformations from the torsions of residues alone: `TorsionBuilder`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.representations.residue_frames import torsions_of
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.torsions import TorsionRepresentation


class TorsionBuilder:
    """Turns the bonds of a template until its residues have given torsions.

    All bond lengths, bond angles and chiralities are those of the template, those of peptide bonds
    included, which rigid frames of residues stretch. Torsions within rings stay. Small errors of
    torsions add up along a chain: for peptides of some ten residues at most.

    Parameters
    ----------
    layout
        Of the residues.
    topology
        From which the layout was made.

    Raises
    ------
    ValueError
        If no bond can be turned.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> layout = ResidueLayout.from_topology(topology)
    >>> torsions_rad = torsions_of(positions_nm[None], layout)
    >>> torsions_rad[0, 0, 1] = -1.0  # phi
    >>> built_nm = TorsionBuilder(layout, topology).rebuild(torsions_rad, positions_nm)
    >>> float(torsions_of(built_nm, layout)[0, 0, 1].round(5))
    -1.0
    """

    def __init__(self, layout: ResidueLayout, topology: app.Topology) -> None:
        self._layout = layout
        self._representation = TorsionRepresentation.from_topology(topology, include_omega=True)
        self._particles = list(self._representation.particles)
        bonds = [frozenset(t.atoms[1:3]) for t in self._representation.torsions]
        defined = np.argwhere(layout.torsion_mask)
        pairs = [
            (residue, kind, bonds.index(bond))
            for residue, kind in defined
            if (bond := frozenset(layout.torsion_atoms[residue, kind, 1:3].tolist())) in bonds
        ]
        self._residues, self._kinds, self._turned = np.array(pairs, dtype=np.int64).T

    def rebuild(self, torsions_rad: NDArray[Any], template_nm: NDArray[Any]) -> NDArray[np.float64]:
        """Positions ``(n, n_atoms, 3)``, float64, nm, with given torsions.

        Parameters
        ----------
        torsions_rad
            ``(n, n_residues, 7)``, rad, in the order of `TORSION_NAMES`. Undefined ones do not
            count.
        template_nm
            ``(n_atoms, 3)``, or ``(n, n_atoms, 3)`` with one for each; nm.
        """
        template = np.asarray(template_nm, dtype=np.float64)
        built = np.broadcast_to(template, (len(torsions_rad), *template.shape[-2:])).copy()
        # A turn changes every torsion about its bond alike, whichever atoms these are measured by.
        change = np.asarray(torsions_rad - torsions_of(built, self._layout), dtype=np.float64)
        turns = np.zeros((len(built), len(self._representation.torsions)))
        turns[:, self._turned] = change[:, self._residues, self._kinds]
        built[:, self._particles] = self._representation.turn(turns, built[:, self._particles])
        return built
