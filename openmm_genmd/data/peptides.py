"""Peptides of the 20 standard amino acids, built from internal coordinates: `build_peptide`."""

from __future__ import annotations

import random
from typing import Literal, get_args

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import Vec3, app, unit

from openmm_genmd.data.side_chains import ONE_LETTER, PlacedAtom, side_chain

Array = NDArray[np.float64]
Caps = Literal["ace-nme", "none"]

PHI_DEG, PSI_DEG = -75.0, 145.0
_PROLINE_PHI_DEG = -65.0


def build_peptide(sequence: str, caps: Caps = "ace-nme") -> tuple[app.Topology, Array]:
    """Topology and positions ``(n_atoms, 3)`` float64, nm, of a peptide with its hydrogens.

    The backbone is extended (phi -75, psi 145, omega 180 degrees), side chains are in a frequent
    rotamer, all residues are L. Charges are those at pH 7: ASP, GLU, LYS and ARG are charged, HIS
    is neutral with its hydrogen at NE2. Side chains of neighbors may touch: minimize before use.

    Parameters
    ----------
    sequence
        One-letter codes: ``"AAAA"`` has 52 atoms with caps.
    caps
        ``"ace-nme"``: acetyl and methylamide. ``"none"``: a zwitterion, NH3+ and COO-.

    Raises
    ------
    ValueError
        If the sequence is empty, or a code or `caps` is unknown; if a single residue shall have no
        caps.

    Examples
    --------
    >>> topology, positions_nm = build_peptide("KV")
    >>> [residue.name for residue in topology.residues()]
    ['ACE', 'LYS', 'VAL', 'NME']
    >>> positions_nm.shape
    (50, 3)
    """
    require_peptide(sequence, caps)
    builder = _Builder(capped=caps == "ace-nme")
    for code in sequence:
        builder.add_residue(ONE_LETTER[code])
    builder.end()
    modeller = app.Modeller(builder.topology, builder.positions * unit.nanometer)
    modeller.topology.createStandardBonds()
    _add_hydrogens(modeller)
    return modeller.topology, np.array(modeller.positions.value_in_unit(unit.nanometer))


def require_peptide(sequence: str, caps: str) -> None:
    """None if `build_peptide` can build it.

    Raises
    ------
    ValueError
        If it cannot.
    """
    known = "".join(sorted(ONE_LETTER))
    unknown = sorted(set(sequence) - set(known))
    if unknown or not sequence:
        raise ValueError(
            f"a sequence must consist of the one-letter codes {known}, got {sequence!r}"
        )
    if caps not in get_args(Caps):
        raise ValueError(f"caps must be one of {', '.join(get_args(Caps))}; got {caps!r}")
    if caps == "none" and len(sequence) == 1:
        raise ValueError(
            "force fields have no residue that is both ends of a chain: choose caps='ace-nme' for "
            f"{sequence!r}, or a longer sequence"
        )


def _add_hydrogens(modeller: app.Modeller) -> None:
    """Add hydrogens; they start from random places, which are the same every time."""
    variants = [
        "HIE" if residue.name == "HIS" else None for residue in modeller.topology.residues()
    ]
    state = random.getstate()
    random.seed(1)
    try:
        modeller.addHydrogens(
            app.ForceField("amber99sbildn.xml"),
            variants=variants,
            platform=openmm.Platform.getPlatformByName("Reference"),
        )
    finally:
        random.setstate(state)


class _Builder:
    """Heavy atoms, one residue after the other, each placed relative to three earlier ones."""

    def __init__(self, *, capped: bool) -> None:
        self.topology = app.Topology()
        self._chain = self.topology.addChain()
        self._placed: list[Array] = []
        self._capped = capped
        self._residue: dict[str, Array] = {}
        self._psi_deg = 180.0
        # The last three atoms of the chain; the first three of a zwitterion are there already.
        self._backbone = [np.array([-0.05, 0.14, 0.0]), np.zeros(3), np.array([0.152, 0.0, 0.0])]
        if capped:
            residue = self._begin("ACE")
            self._add("CH3", residue, self._backbone[1])
            self._add("C", residue, self._backbone[2])
            self._add("O", residue, np.array([0.214, 0.107, 0.0]))

    @property
    def positions(self) -> list[Vec3]:
        """Positions of all atoms, nm."""
        return [Vec3(*position) for position in self._placed]

    def add_residue(self, name: str) -> None:
        """Append an amino acid."""
        residue = self._begin(name)
        phi_deg = _PROLINE_PHI_DEG if name == "PRO" else PHI_DEG
        self._extend("N", residue, 0.1335, 116.6, self._psi_deg)
        self._extend("CA", residue, 0.1449, 121.9, 180.0)
        self._extend("C", residue, 0.1522, 110.0, phi_deg)
        self._place(PlacedAtom("O", "C", "CA", "N", 0.1229, 120.5, PSI_DEG + 180.0), residue)
        for atom in side_chain(name):
            self._place(atom, residue)
        self._psi_deg = PSI_DEG

    def end(self) -> None:
        """Append the methylamide, or the second oxygen of a zwitterion."""
        if self._capped:
            residue = self._begin("NME")
            self._extend("N", residue, 0.1335, 116.6, self._psi_deg)
            self._extend("C", residue, 0.1449, 121.9, 180.0)
        else:
            last = list(self.topology.residues())[-1]
            self._place(PlacedAtom("OXT", "C", "CA", "N", 0.1250, 117.0, PSI_DEG), last)

    def _begin(self, name: str) -> app.Residue:
        self._residue = {}
        return self.topology.addResidue(name, self._chain)

    def _extend(
        self, name: str, residue: app.Residue, bond_nm: float, angle_deg: float, torsion_deg: float
    ) -> None:
        position = place_atom(self._backbone[-3:], bond_nm, angle_deg, torsion_deg)
        self._backbone.append(position)
        self._add(name, residue, position)

    def _place(self, atom: PlacedAtom, residue: app.Residue) -> None:
        earlier = [self._residue[n] for n in (atom.torsion_to, atom.angle_to, atom.bonded)]
        position = place_atom(earlier, atom.bond_nm, atom.angle_deg, atom.torsion_deg)
        self._add(atom.name, residue, position)

    def _add(self, name: str, residue: app.Residue, position: Array) -> None:
        self.topology.addAtom(name, app.Element.getBySymbol(name[0]), residue)
        self._residue[name] = position
        self._placed.append(position)


def place_atom(earlier: list[Array], bond_nm: float, angle_deg: float, torsion_deg: float) -> Array:
    """Position ``(3,)`` in nm of an atom at a distance, angle and torsion from three earlier ones.

    Parameters
    ----------
    earlier
        Positions ``(3,)`` in nm of the atoms i, j, k of the torsion i, j, k, new.
    bond_nm, angle_deg, torsion_deg
        Distance from k, angle at k, and torsion.

    References
    ----------
    Parsons et al., J. Comput. Chem. 26, 1063 (2005), eqs. 1-3.
    """
    first, second, third = earlier
    angle, torsion = np.radians([angle_deg, torsion_deg])
    along = (third - second) / np.linalg.norm(third - second)
    normal = np.cross(second - first, along)
    normal /= np.linalg.norm(normal)
    frame = np.stack([along, np.cross(normal, along), normal])
    internal = [-np.cos(angle), np.sin(angle) * np.cos(torsion), np.sin(angle) * np.sin(torsion)]
    return np.asarray(third + bond_nm * np.array(internal) @ frame)
