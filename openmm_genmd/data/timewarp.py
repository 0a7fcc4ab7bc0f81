"""The Timewarp data sets: arrays of one simulation in an ``.npz`` archive, topology as PDB."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.trajectory import Frames, check_frames
from openmm_genmd.data.trajectory_source import (
    TrajectorySource,
    even_interval_ps,
    strided_count,
)

SUFFIX = "-traj-arrays"


def open_timewarp(path: Path, topology: app.Topology, *, stride: int = 1) -> TrajectorySource:
    """Source of an archive of Timewarp: ``positions`` in nm and ``time`` in ps are used.

    Parameters
    ----------
    path
        ``{name}-traj-arrays.npz``.
    topology
        Of ``{name}-traj-state0.pdb``.
    stride
        Every how many frames one is used.

    Raises
    ------
    ValueError
        If it is not such an archive, or arrays in it do not fit each other.

    References
    ----------
    Klein et al., Timewarp, NeurIPS 2023, arXiv:2302.01170.
    """
    with _member(path, "positions") as (_, shape, _), _member(path, "time") as (file, _, dtype):
        times_ps = np.frombuffer(file.read(), dtype)
    if len(shape) != 3 or shape[2] != 3 or len(times_ps) != shape[0]:
        raise ValueError(
            f"{path} should hold positions (n_frames, n_atoms, 3) and as many times, got positions "
            f"{shape} and {len(times_ps)} times"
        )
    interval_ps = even_interval_ps(times_ps)

    def read(chunk: int) -> Iterator[Frames]:
        return _read(path, topology.getNumAtoms(), stride, chunk)

    return TrajectorySource(
        name=path.stem.removesuffix(SUFFIX),
        topology=topology,
        frame_interval_ps=None if interval_ps is None else interval_ps * stride,
        temperature_k=None,
        replica="0",
        n_frames=strided_count(shape[0], stride),
        read=read,
    )


def _read(path: Path, n_atoms: int, stride: int, chunk: int) -> Iterator[Frames]:
    """Frames in the order in which the archive is unpacked, which is never done as a whole."""
    with _member(path, "positions") as (file, shape, dtype):
        size = dtype.itemsize * shape[1] * shape[2]
        if shape[0] == 0:
            raise ValueError(f"{path} has no frames; is it complete?")
        for first in range(0, shape[0], chunk):
            count = min(chunk, shape[0] - first)
            block = _frames(path, file.read(count * size), (count, *shape[1:]), dtype)
            chosen = slice(-first % stride, None, stride)
            positions_nm = block[chosen].astype(np.float32)
            if len(positions_nm):
                check_frames(path, first + chosen.start, positions_nm, n_atoms, step=stride)
                yield Frames(positions_nm, None, path, first + chosen.start)


def _frames(
    path: Path, data: bytes, shape: tuple[int, ...], dtype: np.dtype[np.generic]
) -> NDArray[np.generic]:
    if len(data) != dtype.itemsize * int(np.prod(shape)):
        raise ValueError(f"{path} ends early in positions; download it again")
    return np.frombuffer(data, dtype).reshape(shape)


@contextmanager
def _member(
    path: Path, name: str
) -> Iterator[tuple[IO[bytes], tuple[int, ...], np.dtype[np.generic]]]:
    """Give an array of the archive as a stream behind its header, its shape and its type."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            shape, fortran_order, dtype = _header(file)
            if fortran_order or dtype.hasobject:
                raise ValueError(
                    f"{name} of {path} should be numbers, frame after frame, got an array stored "
                    "column by column or one of objects; save it again in C order"
                )
            yield file, shape, dtype
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ValueError(
            f"cannot read {name} from {path}: {error}; expected an archive of Timewarp "
            "({name}-traj-arrays.npz with step, time, energies, positions, velocities, forces)"
        ) from error


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(file)
    return np.lib.format.read_array_header_2_0(file)
