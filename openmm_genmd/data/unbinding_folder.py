"""Folders with trajectories on which ligands leave, in the manner of DD-13M: `UnbindingFolder`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.ligand_selection import select_ligand
from openmm_genmd.data.mdtraj_files import open_mdtraj_file
from openmm_genmd.data.molecules import BondGraph, add_missing_bonds
from openmm_genmd.data.topology_file import load_topology
from openmm_genmd.data.trajectory_source import TrajectorySource
from openmm_genmd.data.unbinding_index import INDEX, IndexEntry, UnbindingTrajectory, read_index

__all__ = ["UnbindingEntry", "UnbindingFolder", "UnbindingTrajectory"]


@dataclass(frozen=True, eq=False)
class UnbindingEntry:
    """One complex of a folder with its trajectories.

    Attributes
    ----------
    id
        Of the complex.
    topology
        Of all atoms, with bonds.
    ligand
        ``(n,)``, indices of its atoms, ascending.
    trajectories
        Those that are complete, in the order of the index.
    folder
        Where the files are.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> UnbindingEntry("a", topology, np.arange(22), (), Path("runs")).trajectories
    ()
    """

    id: str
    topology: app.Topology
    ligand: NDArray[np.intp]
    trajectories: tuple[UnbindingTrajectory, ...]
    folder: Path

    def source(self, trajectory: UnbindingTrajectory, *, stride: int = 1) -> TrajectorySource:
        """Source of a trajectory, read in chunks.

        Parameters
        ----------
        trajectory
            One of `trajectories`.
        stride
            Every how many frames one is used.

        Raises
        ------
        ValueError
            If it is damaged or does not fit the topology.
        """
        path = self.folder / trajectory.path
        source = open_mdtraj_file(path, self.topology, path, stride=stride)
        interval_ps = source.frame_interval_ps
        if trajectory.frame_interval_ps is not None:
            interval_ps = trajectory.frame_interval_ps * stride
        source = dataclasses.replace(source, name=self.id, frame_interval_ps=interval_ps)
        source.check()
        return source

    def read(self, trajectory: UnbindingTrajectory) -> NDArray[np.float32]:
        """All frames of a trajectory, ``(n_frames, n_atoms, 3)`` float32, nm.

        Parameters
        ----------
        trajectory
            One of `trajectories`.

        Raises
        ------
        ValueError
            If it is damaged or does not fit the topology.
        """
        parts = [frames.positions_nm for frames in self.source(trajectory).iterate()]
        return np.concatenate(parts).astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class UnbindingFolder:
    """A folder with an ``index.json`` of complexes and trajectories on which ligands leave.

    The index is a list of ``{id, topology, ligand, trajectories}``: topology is a PDB, PDBx/mmCIF
    or prmtop file; ligand a list of atom indices from 0, or a selection; each trajectory a path, or
    ``{path, frame_interval_ps, work_kcal_per_mol, stable_exit, seed, method}``. Paths are relative
    to the folder. A PDB file lacks the bonds of small molecules unless it has CONECT records; a
    serialized System as ``system`` completes them.

    Attributes
    ----------
    path
        The folder.
    entries
        Its complexes.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.data.unbinding_writer import UnbindingWriter
    >>> topology, x = load_structure("alanine-dipeptide")
    >>> with tempfile.TemporaryDirectory() as name:
    ...     writer = UnbindingWriter(name, "made-up", topology, np.arange(6), x)
    ...     added = writer.append(np.stack([x, x]), method="pull", frame_interval_ps=0.05)
    ...     [entry] = UnbindingFolder.open(name).entries
    ...     frames = entry.read(entry.trajectories[0])
    >>> entry.id, entry.trajectories[0].method, frames.shape, frames.dtype.name
    ('made-up', 'pull', (2, 22, 3), 'float32')
    """

    path: Path
    entries: tuple[UnbindingEntry, ...]

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Folder with all topologies read and all files looked for; no frames are read yet.

        Raises
        ------
        FileNotFoundError
            If there is no index, or a file that it names does not exist.
        ValueError
            If the index is damaged, or a topology or ligand makes no sense.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise FileNotFoundError(f"no folder at {folder}; give one with an {INDEX}")
        return cls(folder, tuple(_open_entry(folder, entry) for entry in read_index(folder)))

    @cached_property
    def by_id(self) -> dict[str, UnbindingEntry]:
        """Complexes by their names."""
        return {entry.id: entry for entry in self.entries}


def _open_entry(folder: Path, entry: IndexEntry) -> UnbindingEntry:
    paths = [entry.topology, *([entry.system] if entry.system else [])]
    paths += [trajectory.path for trajectory in entry.trajectories]
    missing = [name for name in paths if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"{folder / INDEX} names {len(missing)} files of {entry.id} that do not exist, the "
            f"first {missing[0]}; restore them, or remove them from the index"
        )
    topology = load_topology(folder / entry.topology)
    graph = BondGraph.of(topology, _system(folder, entry, topology))
    add_missing_bonds(topology, graph)
    ligand = _ligand(folder, entry, topology, graph)
    return UnbindingEntry(entry.id, topology, ligand, entry.trajectories, folder)


def _system(folder: Path, entry: IndexEntry, topology: app.Topology) -> openmm.System | None:
    if entry.system is None:
        return None
    path = folder / entry.system
    try:
        system = openmm.XmlSerializer.deserialize(path.read_text())
    except (openmm.OpenMMException, ValueError) as error:
        raise ValueError(
            f"cannot read the System of {entry.id} in {path}: {error}; write it with "
            "openmm.XmlSerializer.serialize(system)"
        ) from None
    if system.getNumParticles() != topology.getNumAtoms():
        raise ValueError(
            f"the System in {path} has {system.getNumParticles()} particles, but the topology of "
            f"{entry.id} {topology.getNumAtoms()} atoms; give the one made from this topology"
        )
    return system


def _ligand(
    folder: Path, entry: IndexEntry, topology: app.Topology, graph: BondGraph
) -> NDArray[np.intp]:
    if isinstance(entry.ligand, str):
        try:
            return select_ligand(topology, entry.ligand, graph)
        except ValueError as error:
            raise ValueError(f"{folder / INDEX}, ligand of {entry.id}: {error}") from None
    atoms = np.unique(np.array(entry.ligand, dtype=np.intp))
    n_atoms = topology.getNumAtoms()
    if len(atoms) == 0 or atoms[0] < 0 or atoms[-1] >= n_atoms or len(atoms) == n_atoms:
        got = f"{len(atoms)} indices" + (f" from {atoms[0]} to {atoms[-1]}" if len(atoms) else "")
        raise ValueError(
            f"{folder / INDEX}: the ligand of {entry.id} should be some of the {n_atoms} atoms "
            f"0 to {n_atoms - 1} of {entry.topology}, got {got}"
        )
    return atoms
