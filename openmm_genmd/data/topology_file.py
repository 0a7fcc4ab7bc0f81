"""Topologies from files of several programs, with names and bonds that the package can rely on."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import mdtraj
import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.structure_file import load_structure_file

_RENAMED = {"HSE": "HIE", "LYN": "LYS", "LSN": "LYS"}
"""Names of CHARMM and Amber that OpenMM's reader does not map onto the standard residue."""

_ATOM_RECORDS = ("ATOM", "HETATM")
_OTHER_PROGRAMS = (".prmtop", ".parm7", ".psf", ".gro", ".h5")


def load_topology(path: str | Path) -> app.Topology:
    """Topology of a PDB, PDBx/mmCIF, prmtop, psf, gro or mdtraj h5 file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no topology at {path}")
    if path.suffix.lower() in (".cif", ".mmcif"):
        return with_missing_bonds(*load_structure_file(path))
    try:
        if path.suffix.lower() in _OTHER_PROGRAMS:
            return mdtraj.load_topology(str(path)).to_openmm()
        return parse_pdb(path.read_text())
    except Exception as error:  # readers fail with whatever the bad line provokes
        raise ValueError(
            f"cannot read a topology from {path}: {error}; expected PDB, PDBx/mmCIF, prmtop, psf, "
            "gro or mdtraj h5"
        ) from error


def parse_pdb(text: str) -> app.Topology:
    r"""Topology of the first model of a PDB file, with the bonds that OpenMM's reader leaves out.

    Raises
    ------
    ValueError
        If it holds no atoms.

    Examples
    --------
    >>> line = "ATOM  {:5d}  {:<3} HSE A   1    {:8.3f}   0.000   0.000"
    >>> lines = [line.format(n, name, 1.4 * n) for n, name in enumerate(["N", "CA", "C"], 1)]
    >>> topology = parse_pdb("\n".join(lines))
    >>> [residue.name for residue in topology.residues()], topology.getNumBonds()
    (['HIS'], 2)
    """
    lines = [_renamed(line) for line in text.splitlines()]
    if not any(line.startswith(_ATOM_RECORDS) for line in lines):
        raise ValueError("expected a PDB file with atoms, got no ATOM or HETATM records")
    pdb = app.PDBFile(io.StringIO("\n".join(lines) + "\n"))
    positions_nm = np.array(pdb.getPositions(asNumpy=True)._value, dtype=np.float64)
    return with_missing_bonds(pdb.topology, positions_nm)


def _renamed(line: str) -> str:
    if not line.startswith(_ATOM_RECORDS):
        return line
    return line[:17] + _RENAMED.get(line[17:20], line[17:20]) + line[20:]


def with_missing_bonds(topology: app.Topology, positions_nm: NDArray[np.float64]) -> app.Topology:
    """Same Topology, in which atoms without any bond have got those to atoms of their residue.

    Readers know the bonds of standard residues by the names of the atoms, and leave out those of
    other names, such as the hydrogens of CHARMM's. Hydrogens are bonded to the nearest heavy atom
    within 0.14 nm, heavy atoms to all within 0.19 nm, or 0.24 nm beyond the second period; residues
    that got bonds are linked to their neighbours where C and N are within 0.17 nm.

    Parameters
    ----------
    topology
        Changed in place.
    positions_nm
        ``(n_atoms, 3)``, nm.
    """
    bonded = {atom.index for bond in topology.bonds() for atom in (bond[0], bond[1])}
    completed = set()
    for residue in topology.residues():
        atoms = list(residue.atoms())
        alone = [atom for atom in atoms if atom.index not in bonded]
        if len(atoms) > 1 and alone:
            completed.add(residue.index)
            for a, b in _near_pairs(atoms, {atom.index for atom in alone}, positions_nm):
                topology.addBond(a, b)
    _link_residues(topology, completed, positions_nm)
    return topology


def _near_pairs(
    atoms: list[app.topology.Atom], alone: set[int], positions_nm: NDArray[np.float64]
) -> list[tuple[app.topology.Atom, app.topology.Atom]]:
    indices = [atom.index for atom in atoms]
    numbers = np.array([0 if a.element is None else a.element.atomic_number for a in atoms])
    x = positions_nm[indices]
    distances = np.linalg.norm(x[:, None] - x[None], axis=2)
    pairs = set()
    for n in (n for n, index in enumerate(indices) if index in alone and numbers[n] > 0):
        if numbers[n] == 1:
            nearest = int(np.argmin(np.where(numbers > 1, distances[n], np.inf)))
            if numbers[nearest] > 1 and distances[n, nearest] < 0.14:
                pairs.add((min(n, nearest), max(n, nearest)))
            continue
        limits = np.where(np.maximum(numbers, numbers[n]) > 10, 0.24, 0.19)
        near = (distances[n] < limits) & (numbers > 1)
        pairs |= {(min(n, m), max(n, m)) for m in map(int, np.flatnonzero(near)) if m != n}
    return [(atoms[n], atoms[m]) for n, m in sorted(pairs)]


def _link_residues(
    topology: app.Topology, completed: set[int], positions_nm: NDArray[np.float64]
) -> None:
    linked = {frozenset((bond[0].index, bond[1].index)) for bond in topology.bonds()}
    for chain in topology.chains():
        for one, other in pairwise(chain.residues()):
            if completed.isdisjoint((one.index, other.index)):
                continue
            carbon, nitrogen = _atom(one, "C"), _atom(other, "N")
            if carbon is None or nitrogen is None:
                continue
            offset_nm = positions_nm[carbon.index] - positions_nm[nitrogen.index]
            free = frozenset((carbon.index, nitrogen.index)) not in linked
            if free and np.linalg.norm(offset_nm) < 0.17:
                topology.addBond(carbon, nitrogen)


def _atom(residue: app.topology.Residue, name: str) -> app.topology.Atom | None:
    return next((atom for atom in residue.atoms() if atom.name == name), None)
