"""Structures that come with the package: `load_structure`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openmm import app, unit


def load_structure(name: str) -> tuple[app.Topology, NDArray[np.float64]]:
    """Topology and positions ``(n_atoms, 3)`` float64, nm, of a structure of the package.

    Parameters
    ----------
    name
        For instance ``"alanine-dipeptide"`` (Ace-Ala-Nme with hydrogens, 22 atoms).

    Raises
    ------
    ValueError
        If there is no structure of that name; the message lists those that there are.

    Examples
    --------
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> topology.getNumAtoms(), positions_nm.shape
    (22, (22, 3))
    """
    files = {file.stem: file for file in Path(__file__).parent.glob("*.pdb")}
    if name not in files:
        raise ValueError(f"no structure named {name!r}; there are: {', '.join(sorted(files))}")
    pdb = app.PDBFile(str(files[name]))
    positions = pdb.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    return pdb.topology, np.asarray(positions, dtype=np.float64)
