"""Internal coordinates of the side chains of the 20 standard amino acids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class PlacedAtom:
    """A heavy atom, and where it is relative to three earlier atoms of its residue.

    Attributes
    ----------
    name
        As in the PDB; its first letter is the element.
    bonded, angle_to, torsion_to
        Names: this atom is bonded to the first, forms an angle with the first two, and a torsion
        with all three.
    bond_nm, angle_deg, torsion_deg
        Its coordinates. Torsions count like chi: torsion_to, angle_to, bonded, this atom.

    Examples
    --------
    >>> [atom.name for atom in side_chain("SER")]
    ['CB', 'OG']
    >>> side_chain("SER")[1].torsion_deg  # chi1
    60.0
    """

    name: str
    bonded: str
    angle_to: str
    torsion_to: str
    bond_nm: float
    angle_deg: float
    torsion_deg: float


ONE_LETTER = {
    **{"A": "ALA", "C": "CYS", "D": "ASP", "E": "GLU", "F": "PHE", "G": "GLY", "H": "HIS"},
    **{"I": "ILE", "K": "LYS", "L": "LEU", "M": "MET", "N": "ASN", "P": "PRO", "Q": "GLN"},
    **{"R": "ARG", "S": "SER", "T": "THR", "V": "VAL", "W": "TRP", "Y": "TYR"},
}
"""One-letter codes of the 20 amino acids, and the residue names that go with them."""

# Bonds and angles are the equilibrium values of Amber's force fields (Cornell et al., J. Am. Chem.
# Soc. 117, 5179 (1995)), rounded; torsions those of a frequent rotamer. The angles of proline close
# its ring where phi is -65 degrees. Rows: atom, the three atoms it refers to, bond/nm, angle/deg,
# torsion/deg.
_BETA = "CB CA N C 0.1526 109.7 -122.0"
_ROWS = {
    "ALA": "",
    "ARG": """
        CG CB CA N 0.1526 112.0 -65.0
        CD CG CB CA 0.1526 111.0 180.0
        NE CD CG CB 0.1463 111.2 180.0
        CZ NE CD CG 0.1340 123.2 180.0
        NH1 CZ NE CD 0.1340 120.0 0.0
        NH2 CZ NE CD 0.1340 120.0 180.0""",
    "ASN": """
        CG CB CA N 0.1522 111.1 -65.0
        OD1 CG CB CA 0.1229 120.4 -40.0
        ND2 CG CB CA 0.1335 116.6 140.0""",
    "ASP": """
        CG CB CA N 0.1522 111.1 -65.0
        OD1 CG CB CA 0.1250 117.0 -20.0
        OD2 CG CB CA 0.1250 117.0 160.0""",
    "CYS": "SG CB CA N 0.1810 112.0 -65.0",
    "GLN": """
        CG CB CA N 0.1526 112.0 -65.0
        CD CG CB CA 0.1522 111.1 180.0
        OE1 CD CG CB 0.1229 120.4 -40.0
        NE2 CD CG CB 0.1335 116.6 140.0""",
    "GLU": """
        CG CB CA N 0.1526 112.0 -65.0
        CD CG CB CA 0.1522 111.1 180.0
        OE1 CD CG CB 0.1250 117.0 -20.0
        OE2 CD CG CB 0.1250 117.0 160.0""",
    "HIS": """
        CG CB CA N 0.1504 113.1 -65.0
        ND1 CG CB CA 0.1385 122.7 -75.0
        CD2 CG CB CA 0.1371 131.2 105.0
        CE1 ND1 CG CB 0.1335 108.8 180.0
        NE2 CD2 CG CB 0.1381 108.0 180.0""",
    "ILE": """
        CG1 CB CA N 0.1526 111.0 -65.0
        CG2 CB CA N 0.1526 111.0 173.0
        CD1 CG1 CB CA 0.1526 112.0 170.0""",
    "LEU": """
        CG CB CA N 0.1526 114.0 -65.0
        CD1 CG CB CA 0.1526 110.5 175.0
        CD2 CG CB CA 0.1526 110.5 -63.0""",
    "LYS": """
        CG CB CA N 0.1526 112.0 -65.0
        CD CG CB CA 0.1526 111.0 180.0
        CE CD CG CB 0.1526 111.0 180.0
        NZ CE CD CG 0.1471 111.2 180.0""",
    "MET": """
        CG CB CA N 0.1526 112.0 -65.0
        SD CG CB CA 0.1810 114.7 180.0
        CE SD CG CB 0.1810 98.9 70.0""",
    "PHE": """
        CG CB CA N 0.1510 114.0 -65.0
        CD1 CG CB CA 0.1400 120.0 -85.0
        CD2 CG CB CA 0.1400 120.0 95.0
        CE1 CD1 CG CB 0.1400 120.0 180.0
        CE2 CD2 CG CB 0.1400 120.0 180.0
        CZ CE1 CD1 CG 0.1400 120.0 0.0""",
    "PRO": """
        CB CA N C 0.1526 104.1 -119.7
        CG CB CA N 0.1526 104.4 24.4
        CD CG CB CA 0.1526 104.7 -32.9""",
    "SER": "OG CB CA N 0.1410 110.5 60.0",
    "THR": """
        OG1 CB CA N 0.1410 109.5 60.0
        CG2 CB CA N 0.1526 111.0 -61.0""",
    "TRP": """
        CG CB CA N 0.1495 114.0 -65.0
        CD1 CG CB CA 0.1352 127.0 95.0
        CD2 CG CB CA 0.1459 126.6 -85.0
        NE1 CD1 CG CB 0.1381 110.0 180.0
        CE2 CD2 CG CB 0.1419 107.2 180.0
        CE3 CD2 CG CB 0.1404 133.9 0.0
        CZ2 CE2 CD2 CE3 0.1400 122.4 0.0
        CZ3 CE3 CD2 CE2 0.1400 118.7 0.0
        CH2 CZ2 CE2 CD2 0.1400 117.5 0.0""",
    "TYR": """
        CG CB CA N 0.1510 114.0 -65.0
        CD1 CG CB CA 0.1400 120.0 -85.0
        CD2 CG CB CA 0.1400 120.0 95.0
        CE1 CD1 CG CB 0.1400 120.0 180.0
        CE2 CD2 CG CB 0.1400 120.0 180.0
        CZ CE1 CD1 CG 0.1400 120.0 0.0
        OH CZ CE1 CD1 0.1364 120.0 180.0""",
    "VAL": """
        CG1 CB CA N 0.1526 111.0 175.0
        CG2 CB CA N 0.1526 111.0 -63.0""",
}


@cache
def side_chain(residue: str) -> tuple[PlacedAtom, ...]:
    """Heavy atoms of a side chain in the order in which they are placed; none of glycine.

    Parameters
    ----------
    residue
        One of the values of `ONE_LETTER`.
    """
    if residue == "GLY":
        return ()
    rows = [row.split() for row in _ROWS[residue].splitlines() if row.strip()]
    if residue != "PRO":
        rows.insert(0, _BETA.split())
    return tuple(_placed(*row) for row in rows)


def _placed(
    name: str, bonded: str, angle_to: str, torsion_to: str, bond: str, angle: str, torsion: str
) -> PlacedAtom:
    place = float(bond), float(angle), float(torsion)
    return PlacedAtom(name, bonded, angle_to, torsion_to, *place)
