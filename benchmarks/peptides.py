"""Capped peptides of alanine and glycine, built from ideal internal coordinates."""

from __future__ import annotations

import random

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import Vec3, app, unit

PHI_DEG, PSI_DEG = -75.0, 145.0
_NAMES = {"A": "ALA", "G": "GLY"}


def capped_peptide(sequence: str) -> tuple[app.Topology, NDArray[np.float64]]:
    """Topology and positions ``(n_atoms, 3)`` float64, nm, of ACE-sequence-NME, hydrogens included.

    Parameters
    ----------
    sequence
        One-letter codes, "A" and "G" only: ``"AAAA"`` has 52 atoms.

    Raises
    ------
    ValueError
        If a residue is neither alanine nor glycine.
    """
    unknown = sorted(set(sequence) - set(_NAMES))
    if unknown:
        raise ValueError(f"sequence must consist of A and G, got {unknown}")
    heavy_atoms = _Builder()
    for code in sequence:
        heavy_atoms.add_residue(_NAMES[code])
    heavy_atoms.add_cap()
    modeller = app.Modeller(heavy_atoms.topology, heavy_atoms.positions * unit.nanometer)
    modeller.topology.createStandardBonds()
    _add_hydrogens(modeller)
    return modeller.topology, np.array(modeller.positions.value_in_unit(unit.nanometer))


def _add_hydrogens(modeller: app.Modeller) -> None:
    """Add hydrogens; they start from random places, which are the same every time."""
    state = random.getstate()
    random.seed(1)
    platform = openmm.Platform.getPlatformByName("Reference")
    modeller.addHydrogens(app.ForceField("amber99sbildn.xml"), platform=platform)
    random.setstate(state)


class _Builder:
    """Heavy atoms, one residue after the other, each placed relative to three earlier ones."""

    def __init__(self) -> None:
        self.topology = app.Topology()
        self._chain = self.topology.addChain()
        self._placed: list[Vec3] = []
        residue = self.topology.addResidue("ACE", self._chain)
        self._methyl = self._add("CH3", "C", residue, np.zeros(3))
        self._carbonyl = self._add("C", "C", residue, np.array([0.152, 0.0, 0.0]))
        self._add("O", "O", residue, np.array([0.214, 0.107, 0.0]))
        self._backbone = [np.array([-0.05, 0.14, 0.0]), self._methyl, self._carbonyl]
        self._psi_deg = 180.0

    @property
    def positions(self) -> NDArray[np.float64]:
        """Positions ``(n_atoms, 3)`` float64, nm."""
        return np.array(self._placed)

    def add_residue(self, name: str) -> None:
        """Append an alanine or a glycine."""
        residue = self.topology.addResidue(name, self._chain)
        nitrogen = self._extend("N", "N", residue, 0.1335, 116.6, self._psi_deg)
        alpha = self._extend("CA", "C", residue, 0.1449, 121.9, 180.0)
        carbon = self._extend("C", "C", residue, 0.1522, 110.0, PHI_DEG)
        oxygen = _place([nitrogen, alpha, carbon], 0.1229, 120.5, PSI_DEG + 180.0)
        self._add("O", "O", residue, oxygen)
        if name == "ALA":
            beta = _place([carbon, nitrogen, alpha], 0.1526, 109.7, -122.0)
            self._add("CB", "C", residue, beta)
        self._psi_deg = PSI_DEG

    def add_cap(self) -> None:
        """Append the methylamide."""
        residue = self.topology.addResidue("NME", self._chain)
        self._extend("N", "N", residue, 0.1335, 116.6, self._psi_deg)
        self._extend("C", "C", residue, 0.1449, 121.9, 180.0)

    def _extend(
        self, name: str, element: str, residue: app.Residue, bond: float, angle: float, turn: float
    ) -> NDArray[np.float64]:
        position = _place(self._backbone[-3:], bond, angle, turn)
        self._backbone.append(position)
        return self._add(name, element, residue, position)

    def _add(
        self, name: str, element: str, residue: app.Residue, position: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        self.topology.addAtom(name, app.Element.getBySymbol(element), residue)
        self._placed.append(Vec3(*position))
        return position


def _place(
    earlier: list[NDArray[np.float64]], bond_nm: float, angle_deg: float, torsion_deg: float
) -> NDArray[np.float64]:
    """Position of the atom at a distance, angle and torsion from three earlier ones."""
    first, second, third = earlier
    angle, torsion = np.radians([angle_deg, torsion_deg])
    along = (third - second) / np.linalg.norm(third - second)
    normal = np.cross(second - first, along)
    normal /= np.linalg.norm(normal)
    frame = np.stack([along, np.cross(normal, along), normal])
    internal = [-np.cos(angle), np.sin(angle) * np.cos(torsion), np.sin(angle) * np.sin(torsion)]
    return np.asarray(third + bond_nm * np.array(internal) @ frame)
