"""Trajectory files written frame by frame, with the topology that reading them needs."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import mdtraj
import numpy as np
from mdtraj.formats import DCDTrajectoryFile, HDF5TrajectoryFile, XTCTrajectoryFile
from numpy.typing import NDArray
from openmm import app, unit

FORMATS = (".xtc", ".dcd", ".h5")
"""``xtc`` rounds to 0.001 nm and is small; ``dcd`` keeps float32; so does ``h5``, which also holds
the topology."""

_ANGSTROM_PER_NM = 10.0


class TrajectoryWriter:
    """Writes conformations to an xtc, dcd or h5 file, as many at a time as there are.

    Files appear under their names when they are complete. The topology is written beside an xtc or
    dcd file as ``*.pdb``, with the positions of the first frame, and inside an h5 file.

    Parameters
    ----------
    path
        ``*.xtc``, ``*.dcd`` or ``*.h5``. An existing file is replaced.
    topology
        Of all atoms.
    frame_interval_ps
        Between frames, for formats that store times. With 1.0 the times are frame numbers.
    topology_beside
        Whether the topology is written beside an xtc or dcd file.

    Raises
    ------
    ValueError
        If the ending is none of these.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "samples.xtc"
    ...     with TrajectoryWriter(path, topology) as writer:
    ...         for _ in range(3):
    ...             writer.write(positions_nm[None])
    ...     mdtraj.load(path, top=path.with_suffix(".pdb")).n_frames
    3
    """

    def __init__(
        self,
        path: str | Path,
        topology: app.Topology,
        *,
        frame_interval_ps: float = 1.0,
        topology_beside: bool = True,
    ) -> None:
        self.path = Path(path)
        if self.path.suffix not in FORMATS:
            raise ValueError(
                f"a trajectory must end in {', '.join(FORMATS)}, got {self.path.name!r}"
            )
        self._topology, self._interval_ps = topology, frame_interval_ps
        self._topology_beside = topology_beside
        self._partial = self.path.with_suffix(f".partial{self.path.suffix}")
        self._file: Any = None
        self._first_nm: NDArray[Any] | None = None
        self._frames = 0

    @property
    def n_frames(self) -> int:
        """Frames written so far."""
        return self._frames

    @property
    def topology_file(self) -> Path:
        """File from which mdtraj takes the topology: a PDB file, or the h5 file itself."""
        return self.path if self.path.suffix == ".h5" else self.path.with_suffix(".pdb")

    def __enter__(self) -> Self:
        """Open the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kinds = {".xtc": XTCTrajectoryFile, ".dcd": DCDTrajectoryFile, ".h5": HDF5TrajectoryFile}
        self._file = kinds[self.path.suffix](str(self._partial), "w")
        if self.path.suffix == ".h5":
            self._file.topology = mdtraj.Topology.from_openmm(self._topology)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file, which gets its name unless something failed."""
        self._file.close()
        if kind is None and self._first_nm is not None:
            if self._topology_beside and self.topology_file != self.path:
                self._write_topology(self._first_nm)
            os.replace(self._partial, self.path)
        else:
            self._partial.unlink(missing_ok=True)

    def write(self, positions_nm: NDArray[Any], *, box_nm: NDArray[Any] | None = None) -> None:
        """Append frames.

        Parameters
        ----------
        positions_nm
            ``(n, n_atoms, 3)``, nm.
        box_nm
            ``(n, 3, 3)``, nm, rows are box vectors; in all frames or in none.

        Raises
        ------
        ValueError
            If the shape is wrong or a position is not finite.
        """
        n_atoms = self._topology.getNumAtoms()
        if positions_nm.ndim != 3 or positions_nm.shape[1:] != (n_atoms, 3):
            raise ValueError(
                f"positions must have shape (n, {n_atoms}, 3) as in the topology, got "
                f"{positions_nm.shape}"
            )
        if not np.isfinite(positions_nm).all():
            raise ValueError(f"frames for {self.path} have positions that are not finite")
        if len(positions_nm) == 0:
            return
        if self._first_nm is None:
            self._first_nm = np.array(positions_nm[0], dtype=np.float64)
        self._write(np.asarray(positions_nm, dtype=np.float32), box_nm)
        self._frames += len(positions_nm)

    def _write(self, positions_nm: NDArray[np.float32], box_nm: NDArray[Any] | None) -> None:
        numbers = self._frames + np.arange(len(positions_nm))
        times_ps = (self._interval_ps * numbers).astype(np.float32)
        if self.path.suffix == ".xtc":
            box = None if box_nm is None else np.asarray(box_nm, dtype=np.float32)
            self._file.write(positions_nm, time=times_ps, step=numbers.astype(np.int32), box=box)
            return
        lengths, angles = (None, None) if box_nm is None else _lengths_and_angles(box_nm)
        if self.path.suffix == ".dcd":
            scaled = None if lengths is None else lengths * _ANGSTROM_PER_NM
            self._file.write(
                positions_nm * _ANGSTROM_PER_NM, cell_lengths=scaled, cell_angles=angles
            )
            return
        self._file.write(positions_nm, time=times_ps, cell_lengths=lengths, cell_angles=angles)

    def _write_topology(self, positions_nm: NDArray[Any]) -> None:
        partial = self.topology_file.with_name(self.topology_file.name + ".partial")
        with partial.open("w") as file:
            app.PDBFile.writeFile(self._topology, positions_nm * unit.nanometer, file, keepIds=True)
        os.replace(partial, self.topology_file)


def _lengths_and_angles(
    box_nm: NDArray[Any],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Edges ``(n, 3)``, nm, and angles alpha, beta, gamma ``(n, 3)``, degrees."""
    lengths = np.linalg.norm(box_nm, axis=2)
    unit_vectors = box_nm / lengths[..., None]
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = [(unit_vectors[:, i] * unit_vectors[:, j]).sum(axis=1) for i, j in pairs]
    angles = np.degrees(np.arccos(np.clip(np.stack(cosines, axis=1), -1.0, 1.0)))
    return lengths.astype(np.float32), angles.astype(np.float32)
