"""Folders with unbinding trajectories, written by several processes: `UnbindingWriter`."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import app, unit

from openmm_genmd.data.topology_file import load_topology
from openmm_genmd.data.trajectory_writer import TrajectoryWriter
from openmm_genmd.data.unbinding_index import (
    INDEX,
    IndexEntry,
    UnbindingTrajectory,
    read_index,
    write_index,
)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_NUMBER = re.compile(r"(\d+)\.dcd")


class UnbindingWriter:
    """Appends trajectories of one complex to a folder that `UnbindingFolder` reads.

    Any number of processes may append to one folder, and any may be killed at any moment: a
    trajectory is in the index when it is complete, and the index is replaced in one step, under a
    lock that the system gives back when its holder dies. Frames are stored as dcd, that is as
    float32: xtc rounds to 0.001 nm, which is a fifth of what a bond vibrates.

    Parameters
    ----------
    folder
        Made if it does not exist.
    id
        Of the complex: letters, digits and ``._+-``; names a folder inside.
    topology
        Of all atoms. Stored as PDB, which must bring all bonds back.
    ligand
        ``(n,)``, indices of its atoms.
    positions_nm
        ``(n_atoms, 3)``, nm, of the bound state, for the PDB file.

    Raises
    ------
    ValueError
        If the name cannot be a folder's, the ligand is not part of the complex, a PDB file cannot
        hold the topology, or the folder has another complex of this name.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, x = load_structure("alanine-dipeptide")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     writer = UnbindingWriter(folder, "made-up", topology, range(6), x)
    ...     writer.append(x[None], method="pull", seed=7).path
    ...     [done.seed for done in writer.trajectories()]
    'made-up/00000.dcd'
    [7]
    """

    def __init__(
        self,
        folder: str | Path,
        id: str,
        topology: app.Topology,
        ligand: ArrayLike | range,
        positions_nm: ArrayLike,
    ) -> None:
        if not _ID.fullmatch(id):
            raise ValueError(
                f"the id of a complex must consist of letters, digits and ._+-, got {id!r}"
            )
        self.folder, self.id = Path(folder), id
        self._topology = topology
        self._ligand = _checked_ligand(ligand, topology)
        (self.folder / id).mkdir(parents=True, exist_ok=True)
        with self._locked():
            entries = self._entries()
            if id in entries:
                self._require_same(entries[id])
            else:
                entries[id] = self._new_entry(np.asarray(positions_nm, dtype=np.float64))
                write_index(self.folder, list(entries.values()))

    def trajectories(self) -> tuple[UnbindingTrajectory, ...]:
        """Those in the index now, of all processes: a run that resumes skips their seeds."""
        return self._entries()[self.id].trajectories

    def append(
        self,
        positions_nm: NDArray[np.floating],
        *,
        method: str,
        frame_interval_ps: float | None = None,
        work_kcal_per_mol: float | None = None,
        stable_exit: bool | None = None,
        seed: int | None = None,
        box_nm: NDArray[np.floating] | None = None,
    ) -> UnbindingTrajectory:
        """Entry of a trajectory that is now on disk and in the index.

        Parameters
        ----------
        positions_nm
            ``(n_frames, n_atoms, 3)``, nm.
        method, frame_interval_ps, work_kcal_per_mol, stable_exit, seed
            See `UnbindingTrajectory`.
        box_nm
            ``(n_frames, 3, 3)``, nm, rows are box vectors; None without a box.

        Raises
        ------
        ValueError
            If there are no frames, their shape is wrong, or a number is not finite.
        """
        if len(positions_nm) == 0:
            raise ValueError(f"expected at least one frame of {self.id}, got none")
        if work_kcal_per_mol is not None and not np.isfinite(work_kcal_per_mol):
            raise ValueError(
                f"the work must be finite, got {work_kcal_per_mol} kcal/mol; leave out a path on "
                "which the simulation became unstable"
            )
        with self._locked():
            entries = self._entries()
            known = entries[self.id]
            trajectory = UnbindingTrajectory(
                path=f"{self.id}/{_next_number(known.trajectories):05d}.dcd",
                frame_interval_ps=frame_interval_ps,
                work_kcal_per_mol=work_kcal_per_mol,
                stable_exit=stable_exit,
                seed=seed,
                method=method,
            )
            # What a killed process left under this name is in no index, and is replaced.
            path = self.folder / trajectory.path
            with TrajectoryWriter(path, self._topology, topology_beside=False) as writer:
                writer.write(positions_nm, box_nm=box_nm)
            entries[self.id] = known.model_copy(
                update={"trajectories": (*known.trajectories, trajectory)}
            )
            write_index(self.folder, list(entries.values()))
        return trajectory

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the folder, after those who have it now."""
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _entries(self) -> dict[str, IndexEntry]:
        if not (self.folder / INDEX).exists():
            return {}
        return {entry.id: entry for entry in read_index(self.folder)}

    def _new_entry(self, positions_nm: NDArray[np.float64]) -> IndexEntry:
        name = f"{self.id}/topology.pdb"
        path = self.folder / name
        partial = path.with_suffix(".partial")
        with partial.open("w") as file:
            app.PDBFile.writeFile(self._topology, positions_nm * unit.nanometer, file, keepIds=True)
        os.replace(partial, path)
        if _graph(load_topology(path)) != _graph(self._topology):
            raise ValueError(
                f"elements or bonds of {self.id} do not come back from a PDB file: expected "
                f"{self._topology.getNumBonds()} bonds; give residues and atoms the names of the "
                "PDB, and small molecules names of their own"
            )
        return IndexEntry(id=self.id, topology=name, ligand=self._ligand)

    def _require_same(self, entry: IndexEntry) -> None:
        stored = load_topology(self.folder / entry.topology)
        if entry.ligand != self._ligand or _graph(stored) != _graph(self._topology):
            raise ValueError(
                f"{self.folder} has another complex with the id {self.id!r} ({stored}); choose "
                "another id or a new folder"
            )


def _checked_ligand(ligand: ArrayLike | range, topology: app.Topology) -> tuple[int, ...]:
    atoms = sorted({int(atom) for atom in np.asarray(ligand).ravel()})
    n_atoms = topology.getNumAtoms()
    if not atoms or atoms[0] < 0 or atoms[-1] >= n_atoms or len(atoms) == n_atoms:
        raise ValueError(
            f"the ligand should be some of the atoms 0 to {n_atoms - 1} of the topology, got "
            f"{len(atoms)} indices"
        )
    return tuple(atoms)


def _graph(topology: app.Topology) -> tuple[list[str], set[frozenset[int]]]:
    elements = ["" if atom.element is None else atom.element.symbol for atom in topology.atoms()]
    return elements, {frozenset((b[0].index, b[1].index)) for b in topology.bonds()}


def _next_number(trajectories: tuple[UnbindingTrajectory, ...]) -> int:
    matches = [_NUMBER.fullmatch(Path(trajectory.path).name) for trajectory in trajectories]
    return 1 + max((int(match[1]) for match in matches if match), default=-1)
