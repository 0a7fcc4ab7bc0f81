"""How large a complex of receptor and ligand may be for a model."""

from __future__ import annotations

MOST_RESIDUES = 800
"""Residues of a receptor, or of the pocket that is cut out of it."""

MOST_LIGAND_ATOMS = 100
"""Heavy atoms of a ligand."""


def require_complex_size(n_residues: int, n_ligand_atoms: int, what: str, *, remedy: str) -> None:
    """None if a complex is not too large.

    Parameters
    ----------
    n_residues
        Of the receptor.
    n_ligand_atoms
        Heavy atoms of the ligand.
    what
        The complex, for the message.
    remedy
        How a pocket is cut out of a receptor here.

    Raises
    ------
    ValueError
        If it is.

    Examples
    --------
    >>> require_complex_size(801, 10, "1ABC", remedy="pass pocket_nm=1.2")
    Traceback (most recent call last):
    ...
    ValueError: the receptor of 1ABC has 801 residues, at most 800 are supported; pass pocket_nm=1.2
    """
    if n_ligand_atoms > MOST_LIGAND_ATOMS:
        raise ValueError(
            f"the ligand of {what} has {n_ligand_atoms} heavy atoms, at most {MOST_LIGAND_ATOMS} "
            "are supported; if that is not the ligand, select another molecule"
        )
    if n_residues > MOST_RESIDUES:
        raise ValueError(
            f"the receptor of {what} has {n_residues} residues, at most {MOST_RESIDUES} are "
            f"supported; {remedy}"
        )
