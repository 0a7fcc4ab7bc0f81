"""Names of amino acids and caps, and the chains of atoms that define side-chain torsions."""

from __future__ import annotations

from openmm_genmd.data.side_chains import ONE_LETTER

RESIDUE_TYPES = (*sorted(ONE_LETTER.values()), "UNK")
"""The 20 standard amino acids in alphabetical order, then UNK for every other one."""

TORSION_NAMES = ("pre-omega", "phi", "psi", "chi1", "chi2", "chi3", "chi4")
"""Torsions of a residue, in the order in which all arrays have them."""

CAPS = frozenset({"ACE", "FOR", "NME", "NMA", "NAC", "CT3", "NH2", "NHE"})
"""Groups at the ends of a chain that are no amino acids."""

TURNED_TORSIONS = tuple(
    tuple(name != "pre-omega" and not (kind == "PRO" and name != "psi") for name in TORSION_NAMES)
    for kind in RESIDUE_TYPES
)
"""Which torsions of each type leap: not those of peptide bonds, nor those of proline's ring."""

_SAME_TYPE = {
    **dict.fromkeys(("HID", "HIE", "HIP", "HSD", "HSE", "HSP", "HISD", "HISE", "HISH"), "HIS"),
    **dict.fromkeys(("CYX", "CYM", "CYSH", "CYS2"), "CYS"),
    **dict.fromkeys(("ASH", "ASPP", "ASPH"), "ASP"),
    **dict.fromkeys(("GLH", "GLUP", "GLUH"), "GLU"),
    **dict.fromkeys(("LYN", "LSN", "LYSH"), "LYS"),
    **dict.fromkeys(("ARN", "ARGN"), "ARG"),
    "TYM": "TYR",
}

_CHI_CHAINS = {
    "ARG": ("N", "CA", "CB", "CG", "CD", "NE", "CZ"),
    "ASN": ("N", "CA", "CB", "CG", "OD1"),
    "ASP": ("N", "CA", "CB", "CG", "OD1"),
    "CYS": ("N", "CA", "CB", "SG"),
    "GLN": ("N", "CA", "CB", "CG", "CD", "OE1"),
    "GLU": ("N", "CA", "CB", "CG", "CD", "OE1"),
    "HIS": ("N", "CA", "CB", "CG", "ND1"),
    "ILE": ("N", "CA", "CB", "CG1", "CD1"),
    "LEU": ("N", "CA", "CB", "CG", "CD1"),
    "LYS": ("N", "CA", "CB", "CG", "CD", "CE", "NZ"),
    "MET": ("N", "CA", "CB", "CG", "SD", "CE"),
    "PHE": ("N", "CA", "CB", "CG", "CD1"),
    "PRO": ("N", "CA", "CB", "CG", "CD"),
    "SER": ("N", "CA", "CB", "OG"),
    "THR": ("N", "CA", "CB", "OG1"),
    "TRP": ("N", "CA", "CB", "CG", "CD1"),
    "TYR": ("N", "CA", "CB", "CG", "CD1"),
    "VAL": ("N", "CA", "CB", "CG1"),
}

_OTHER_ATOM_NAMES = {("ILE", "CD1"): "CD", ("SER", "OG"): "OG1"}
"""Names of CHARMM and GROMACS."""


def residue_type(name: str) -> str:
    """One of `RESIDUE_TYPES` for a residue name of any common force field.

    Protonation states and disulfides (HID, HIE, HIP, HSD, CYX, ASH, GLH, LYN, ...) have the type of
    their amino acid, as have Amber's names of chain ends (NALA, CALA).

    Examples
    --------
    >>> [residue_type(name) for name in ("HIE", "NGLY", "CCYX", "SEP")]
    ['HIS', 'GLY', 'CYS', 'UNK']
    """
    name = name.upper()
    if name not in _SAME_TYPE and len(name) == 4 and name[0] in "NC":
        name = name[1:]
    name = _SAME_TYPE.get(name, name)
    return name if name in RESIDUE_TYPES else "UNK"


def chi_chain(kind: str) -> tuple[str, ...]:
    """Names of the atoms along a side chain: any four in a row define a torsion.

    Parameters
    ----------
    kind
        One of `RESIDUE_TYPES`; those without side-chain torsions give an empty tuple.

    References
    ----------
    IUPAC-IUB, Biochemistry 9, 3471 (1970), rule 3.

    Examples
    --------
    >>> chi_chain("LEU")
    ('N', 'CA', 'CB', 'CG', 'CD1')
    """
    return _CHI_CHAINS.get(kind, ())


def other_atom_name(kind: str, name: str) -> str | None:
    """The name that an atom of a side chain has in CHARMM and GROMACS, if it is another one."""
    return _OTHER_ATOM_NAMES.get((kind, name))


def one_letter(kind: str) -> str:
    """One-letter code of a residue type, X for UNK."""
    codes = {name: code for code, name in ONE_LETTER.items()}
    return codes.get(kind, "X")
