"""Frames of trajectories, a chunk at a time, so that files larger than memory can be read."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mdtraj
import numpy as np
from numpy.typing import NDArray
from openmm import app

_NUMBERS_PER_CHUNK = 3_000_000
"""About 24 MB in float64, 12 MB in float32, whatever the size of the system."""


@dataclass(frozen=True)
class Frames:
    """Some consecutive frames of one trajectory file.

    Attributes
    ----------
    positions_nm
        ``(n_frames, n_atoms, 3)``, nm; float64 where densities are computed, float32 elsewhere,
        which is all that trajectory files hold.
    box_nm
        ``(n_frames, 3, 3)`` float64, nm, rows are box vectors; None without a box.
    file
        Where they come from.
    first
        Number of the first of them in its file.

    Examples
    --------
    >>> frames = Frames(np.zeros((10, 22, 3)), None, Path("run-000.dcd"), first=20)
    >>> f"{frames.file}, {frames.first} to {frames.first + len(frames.positions_nm) - 1}"
    'run-000.dcd, 20 to 29'
    """

    positions_nm: NDArray[np.float64] | NDArray[np.float32]
    box_nm: NDArray[np.float64] | None
    file: Path
    first: int


def iterate_frames(
    files: list[Path],
    topology: app.Topology,
    *,
    stride: int = 1,
    chunk: int | None = None,
    dtype: type[np.float32] | type[np.float64] = np.float64,
) -> Iterator[Frames]:
    """All frames of some trajectories, in order, in chunks that do not cross files.

    Parameters
    ----------
    files
        In any format that mdtraj reads.
    topology
        Of all atoms in the files, in their order.
    stride
        Every how many frames one is used.
    chunk
        Frames read at a time; by default as many as make about 24 MB.
    dtype
        Of the positions.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file cannot be read, is empty, has another number of atoms than the topology, or holds
        coordinates that are not finite.
    """
    missing = [str(file) for file in files if not file.exists()]
    if missing:
        raise FileNotFoundError(f"no trajectory at {', '.join(missing)}")
    converted = mdtraj.Topology.from_openmm(topology)
    n_atoms = topology.getNumAtoms()
    chunk = chunk or frames_per_chunk(n_atoms)
    for file in files:
        first = 0
        for part in _read(file, converted, chunk):
            check_frames(file, first, part.xyz, n_atoms)
            # Not mdtraj's own stride, which means different things to different formats.
            chosen = slice(-first % stride, None, stride)
            positions, box = part.xyz[chosen].astype(dtype), part.unitcell_vectors
            if len(positions):
                boxes = None if box is None else box[chosen].astype(np.float64)
                yield Frames(positions, boxes, file, first + chosen.start)
            first += len(part.xyz)
        if first == 0:
            raise ValueError(f"{file} has no frames; is it complete?")


def frames_per_chunk(n_atoms: int) -> int:
    """Frames that are read at a time, so that memory does not depend on the size of the system."""
    return max(1, _NUMBERS_PER_CHUNK // (3 * max(n_atoms, 1)))


def _read(file: Path, topology: mdtraj.Topology, chunk: int) -> Iterator[mdtraj.Trajectory]:
    try:
        parts = mdtraj.iterload(str(file), top=topology, chunk=chunk)
        while True:
            with without_c_output():
                part = next(parts, None)
            if part is None:
                return
            yield part
    except Exception as error:  # mdtraj fails with whatever its reader meets
        raise ValueError(
            f"cannot read {file} with a topology of {topology.n_atoms} atoms: {error}; expected a "
            "trajectory that mdtraj reads, of all atoms of the topology"
        ) from error


@contextmanager
def without_c_output() -> Iterator[None]:
    """Silence what compiled code prints: mdtraj's reader greets each DCD file twice."""
    flush = ctypes.CDLL(None).fflush
    flush(None)
    saved = os.dup(1)
    try:
        with open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), 1)
            yield
    finally:
        flush(None)
        os.dup2(saved, 1)
        os.close(saved)


def check_frames(
    file: Path, first: int, positions: NDArray[np.floating[Any]], n_atoms: int, *, step: int = 1
) -> None:
    """None if frames are of the right shape and finite.

    Parameters
    ----------
    file
        Where they come from.
    first
        Number of the first of them in its file.
    positions
        ``(n_frames, n_atoms, 3)``, any unit.
    n_atoms
        Of the topology.
    step
        How far apart they are in the file.

    Raises
    ------
    ValueError
        If they have another number of atoms, or one is not finite.
    """
    if positions.shape[1] != n_atoms:
        raise ValueError(
            f"{file} has {positions.shape[1]} atoms, but the topology {n_atoms}; "
            "give the topology of the atoms that were written"
        )
    good = np.isfinite(positions).all(axis=(1, 2))
    if not good.all():
        raise ValueError(
            f"frame {first + step * int(np.argmin(good))} of {file} has coordinates that are not "
            "finite; remove the frame, or the end of a simulation that became unstable"
        )
