"""Complexes in folders, so that a later command needs no other files: `save_complex`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np
import openmm
from openmm import app, unit
from pydantic import BaseModel, ConfigDict, ValidationError

from openmm_genmd.data.topology_file import load_topology
from openmm_genmd.unbinding.bound_complex import BoundComplex

_TOPOLOGY, _SYSTEM, _COMPLEX = "topology.pdb", "system.xml", "complex.json"


class _Stored(BaseModel):
    """What neither the topology nor the System says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    temperature_k: float
    ligand: list[int]
    receptor: list[int]
    pocket: list[int]
    bonds: list[tuple[int, int]]
    positions_nm: list[tuple[float, float, float]]
    helices: dict[int, str] | None = None


def save_complex(bound: BoundComplex, folder: Path) -> None:
    """Write ``topology.pdb``, ``system.xml`` and ``complex.json``, the last when all is there.

    Parameters
    ----------
    bound
        The complex.
    folder
        There already.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_complex(bundled_complex("cb7-b2"), Path(folder))
    ...     bound = load_complex(Path(folder))
    >>> bound.name, len(bound.ligand), bound.temperature_k
    ('cb7-b2', 30, 300.0)
    """

    def write_topology(file: TextIO) -> None:
        positions = bound.positions_nm * unit.nanometer
        app.PDBFile.writeFile(bound.topology, positions, file, keepIds=True)

    stored = _Stored(
        name=bound.name,
        temperature_k=bound.temperature_k,
        ligand=bound.ligand.tolist(),
        receptor=bound.receptor.tolist(),
        pocket=bound.pocket.tolist(),
        bonds=[(bond[0].index, bond[1].index) for bond in bound.topology.bonds()],
        positions_nm=bound.positions_nm.tolist(),
        helices=bound.helices,
    )
    _write(folder / _TOPOLOGY, write_topology)
    _write(folder / _SYSTEM, lambda file: file.write(openmm.XmlSerializer.serialize(bound.system)))
    _write(folder / _COMPLEX, lambda file: file.write(stored.model_dump_json() + "\n"))


def load_complex(folder: str | Path) -> BoundComplex:
    """Complex that `save_complex` wrote.

    Raises
    ------
    FileNotFoundError
        If the folder has none.
    ValueError
        If a file is damaged, or they do not fit each other.
    """
    folder = Path(folder)
    if not has_complex(folder):
        raise FileNotFoundError(
            f"{folder} has no {_COMPLEX}; expected a folder that genmd unbind prepare made"
        )
    try:
        stored = _Stored.model_validate_json((folder / _COMPLEX).read_bytes())
        system = openmm.XmlSerializer.deserialize((folder / _SYSTEM).read_text(encoding="utf-8"))
        topology = load_topology(folder / _TOPOLOGY)
        sizes = (system.getNumParticles(), topology.getNumAtoms(), len(stored.positions_nm))
        if len(set(sizes)) > 1:
            raise ValueError(f"they have {sizes} particles")
    except (ValidationError, openmm.OpenMMException, ValueError, OSError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(
            f"cannot read the complex in {folder} ({_TOPOLOGY}, {_SYSTEM}, {_COMPLEX}): {first}; "
            "restore the files, or start in a new folder"
        ) from None
    _add_bonds(topology, stored.bonds)
    return BoundComplex(
        name=stored.name,
        topology=topology,
        system=system,
        positions_nm=np.array(stored.positions_nm),
        ligand=np.array(stored.ligand, dtype=np.intp),
        receptor=np.array(stored.receptor, dtype=np.intp),
        pocket=np.array(stored.pocket, dtype=np.intp),
        temperature_k=stored.temperature_k,
        helices=stored.helices,
    )


def _add_bonds(topology: app.Topology, bonds: list[tuple[int, int]]) -> None:
    """Complete the bonds of a PDB file."""
    atoms = list(topology.atoms())
    known = {frozenset((bond[0].index, bond[1].index)) for bond in topology.bonds()}
    for one, other in bonds:
        if frozenset((one, other)) not in known:
            topology.addBond(atoms[one], atoms[other])


def has_complex(folder: Path) -> bool:
    """Whether a folder holds one."""
    return (folder / _COMPLEX).is_file()


def require_same_complex(bound: BoundComplex, stored: BoundComplex, folder: Path) -> None:
    """None if both are the same, first positions aside.

    Raises
    ------
    ValueError
        If name, particles, System or temperature differ.
    """
    different = [
        name
        for name in ("name", "temperature_k", "ligand", "receptor", "pocket")
        if not np.array_equal(getattr(bound, name), getattr(stored, name))
    ]
    systems = [openmm.XmlSerializer.serialize(complex.system) for complex in (bound, stored)]
    if systems[0] != systems[1]:
        different.append("system")
    if different:
        raise ValueError(
            f"{folder} was begun with another complex ({', '.join(different)} differ); go on with "
            "the same one, or choose a new folder"
        )


def _write(path: Path, write: Callable[[TextIO], object]) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        write(file)
    os.replace(partial, path)
