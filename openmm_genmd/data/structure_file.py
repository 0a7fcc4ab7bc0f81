"""Structures from files: topology and positions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.units import positions_nm


def load_structure_file(path: str | Path) -> tuple[app.Topology, NDArray[np.float64]]:
    """Topology and positions ``(n_atoms, 3)``, float64, nm, of a PDB or PDBx/mmCIF file.

    Parameters
    ----------
    path
        Read as PDBx/mmCIF if it ends in ``.cif`` or ``.mmcif``, otherwise as PDB.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read or holds no atoms.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no structure file at {path}")
    reader = app.PDBxFile if path.suffix.lower() in (".cif", ".mmcif") else app.PDBFile
    try:
        with path.open() as file:
            loaded = reader(file)
        positions = positions_nm(loaded.getPositions(asNumpy=True))
    except Exception as error:  # OpenMM's readers fail with whatever the bad line provokes
        raise ValueError(f"cannot read {path} as {reader.__name__[:-4]}: {error}") from error
    if len(positions) == 0:
        raise ValueError(f"{path} holds no atoms; expected a PDB or PDBx/mmCIF structure")
    return loaded.topology, positions
