"""How much of its native contacts a protein keeps, and the free energy of folding from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree
from scipy.special import expit

from openmm_genmd.units import KJ_PER_KCAL, thermal_energy_kj_per_mol

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_CONTACT_ANGSTROM = 10.0
_MIN_SEQUENCE_DISTANCE = 4
_STEEPNESS_PER_ANGSTROM = 5.0
_STRETCH = 1.2
_FOLDED_STEEPNESS = 20.0
_FOLDED_FRACTION = 0.5


@dataclass(frozen=True)
class NativeContacts:
    """Pairs of heavy atoms within 10 Angstrom in the native structure, 4 residues apart or more.

    Attributes
    ----------
    pairs
        ``(n, 2)`` int64 indices of atoms.
    distances_angstrom
        ``(n,)`` float64 native distances.

    Examples
    --------
    >>> line = np.arange(6.0)[:, None] * [2.0, 0.0, 0.0]
    >>> NativeContacts.of(line, np.arange(6)).pairs.tolist()
    [[0, 4], [1, 5]]
    """

    pairs: Integers
    distances_angstrom: Array

    @classmethod
    def of(cls, positions_angstrom: ArrayLike, residue_of_atom: ArrayLike) -> NativeContacts:
        """Find the contacts of one structure.

        Parameters
        ----------
        positions_angstrom
            ``(n_atoms, 3)`` of the heavy atoms.
        residue_of_atom
            ``(n_atoms,)`` number of the residue in the sequence.

        Raises
        ------
        ValueError
            If there is no contact, as in a short peptide.
        """
        positions = np.asarray(positions_angstrom, dtype=np.float64)
        residues = np.asarray(residue_of_atom, dtype=np.int64)
        pairs = KDTree(positions).query_pairs(_CONTACT_ANGSTROM, output_type="ndarray")
        apart = np.abs(residues[pairs[:, 0]] - residues[pairs[:, 1]]) >= _MIN_SEQUENCE_DISTANCE
        pairs = pairs[apart]
        distances = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=-1)
        near = distances < _CONTACT_ANGSTROM
        if not np.any(near):
            raise ValueError(
                f"no two heavy atoms {_MIN_SEQUENCE_DISTANCE} residues apart are within "
                f"{_CONTACT_ANGSTROM:g} Angstrom; folding needs a folded protein as structure"
            )
        order = np.lexsort(pairs[near].T[::-1])
        return cls(pairs[near][order].astype(np.int64), distances[near][order])

    def fractions(self, positions_angstrom: ArrayLike) -> Array:
        """Fraction of native contacts of each frame, ``(F,)`` float64.

        A contact at distance d counts as sigmoid(-5 (d - 1.2 d0)), d in Angstrom.

        Parameters
        ----------
        positions_angstrom
            ``(F, n_atoms, 3)``.

        References
        ----------
        Best, Hummer and Eaton, Proc. Natl. Acad. Sci. 110, 17874 (2013), eq. 1.
        """
        frames = np.asarray(positions_angstrom)
        fraction = np.empty(len(frames))
        # Frame by frame: a protein has some 1e5 such pairs.
        for i, frame in enumerate(frames):
            d = np.linalg.norm(frame[self.pairs[:, 0]] - frame[self.pairs[:, 1]], axis=-1)
            stretch = d - _STRETCH * self.distances_angstrom
            fraction[i] = expit(-_STEEPNESS_PER_ANGSTROM * stretch).mean()
        return fraction


def folded_probability(native_fractions: ArrayLike) -> float:
    """Mean over frames of sigmoid(20 (fraction - 0.5)).

    Raises
    ------
    ValueError
        If there is no frame.
    """
    fraction = np.asarray(native_fractions, dtype=np.float64)
    if fraction.ndim != 1 or not len(fraction):
        raise ValueError(f"expected a fraction for each frame, got shape {fraction.shape}")
    return float(expit(_FOLDED_STEEPNESS * (fraction - _FOLDED_FRACTION)).mean())


def folding_free_energy_kcal_per_mol(native_fractions: ArrayLike, temperature_k: float) -> float:
    """-kT ln(f / (1 - f)) with f the `folded_probability`, kcal/mol: negative if folded.

    Parameters
    ----------
    native_fractions
        ``(F,)`` from `NativeContacts.fractions`.
    temperature_k
        Temperature of the ensemble, K.

    Raises
    ------
    ValueError
        If there is no frame.
    """
    f = folded_probability(native_fractions)
    kt_kcal_per_mol = thermal_energy_kj_per_mol(temperature_k) / KJ_PER_KCAL
    return float(-kt_kcal_per_mol * np.log(f / (1 - f)))
