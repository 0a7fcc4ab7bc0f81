"""One continuous trajectory, wherever its frames are stored: `TrajectorySource`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.bond_check import require_plausible_bonds
from openmm_genmd.data.trajectory import Frames, check_frames, frames_per_chunk


class StoredPositions(Protocol):
    """What is sliced along its first axis: an array, a memory map, a dataset of an HDF5 file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Frames, atoms, 3."""

    def __getitem__(self, frames: slice, /) -> Any:
        """Frames of the slice."""


@dataclass(frozen=True)
class TrajectorySource:
    """Frames that follow each other in one simulation, not yet read.

    Attributes
    ----------
    name
        Of the molecule: the sources of its replicas share it.
    topology
        Of the atoms in the frames, in their order.
    frame_interval_ps
        Time between the frames that `iterate` gives, ps; None if the file does not say, if
        frames are not evenly spaced, or if leaps between them took no time.
    temperature_k
        K; None if the file does not say.
    replica
        What tells apart the sources of one molecule and one temperature.
    n_frames
        How many frames `iterate` gives; None if only reading them would tell.
    read
        Gives the frames, in chunks of at most the number passed.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> source = TrajectorySource.of_array(np.tile(positions_nm, (100, 1, 1)), topology, stride=2)
    >>> source.n_frames, [len(part.positions_nm) for part in source.iterate(chunk=20)]
    (50, [20, 20, 10])
    """

    name: str
    topology: app.Topology
    frame_interval_ps: float | None
    temperature_k: float | None
    replica: str
    n_frames: int | None
    read: Callable[[int], Iterator[Frames]] = field(repr=False)

    @classmethod
    def of_array(
        cls,
        positions_nm: StoredPositions,
        topology: app.Topology,
        *,
        name: str = "array",
        frame_interval_ps: float | None = None,
        temperature_k: float | None = None,
        replica: str = "0",
        stride: int = 1,
    ) -> Self:
        """Source of frames that are at hand.

        Parameters
        ----------
        positions_nm
            ``(n_frames, n_atoms, 3)``, nm.
        topology, name, temperature_k, replica
            As in the class.
        frame_interval_ps
            Between frames of the array, ps.
        stride
            Every how many frames one is used.
        """
        interval_ps = None if frame_interval_ps is None else frame_interval_ps * stride
        n_frames = len(range(0, positions_nm.shape[0], stride))

        def read(chunk: int) -> Iterator[Frames]:
            return iterate_array(
                positions_nm, topology.getNumAtoms(), Path(name), stride=stride, chunk=chunk
            )

        return cls(name, topology, interval_ps, temperature_k, replica, n_frames, read)

    def iterate(self, chunk: int | None = None) -> Iterator[Frames]:
        """Frames in order, a chunk at a time; positions are float32.

        Parameters
        ----------
        chunk
            Frames held at a time; by default as many as make about 12 MB.

        Raises
        ------
        ValueError
            If ``chunk`` is less than 1, or the file is damaged, or does not fit the topology.
        """
        if chunk is not None and chunk < 1:
            raise ValueError(f"expected at least 1 frame per chunk, got {chunk}")
        return self.read(chunk or frames_per_chunk(self.topology.getNumAtoms()))

    def check(self) -> None:
        """None if the first frame has the bonds of the topology, in nm.

        Raises
        ------
        ValueError
            If it does not, with the probable mistake: a unit, or the order of the atoms.
        """
        frames = self.iterate(chunk=1)
        first = next(frames, None)
        if first is None:
            raise ValueError(f"{self.name} has no frames; is its trajectory complete?")
        box_nm = None if first.box_nm is None else first.box_nm[0]
        require_plausible_bonds(first.positions_nm[0], self.topology, box_nm, str(first.file))


def iterate_array(
    stored: StoredPositions,
    n_atoms: int,
    file: Path,
    *,
    stride: int,
    chunk: int,
    nm_per_unit: float = 1.0,
    box_nm: NDArray[np.float64] | None = None,
) -> Iterator[Frames]:
    """Frames of something that is sliced; what is not asked for is not read.

    Parameters
    ----------
    stored
        ``(n_frames, n_atoms, 3)``.
    n_atoms
        Of the topology.
    file
        Where they come from.
    stride
        Every how many frames one is used.
    chunk
        Frames held at a time.
    nm_per_unit
        Factor that makes them nm.
    box_nm
        ``(3, 3)``, nm, of all frames; None without a box.

    Raises
    ------
    ValueError
        If there are no frames, or they do not fit the topology, or are not finite.
    """
    n_frames = stored.shape[0]
    if n_frames == 0:
        raise ValueError(f"{file} has no frames; is it complete?")
    for first in range(0, n_frames, stride * chunk):
        part = stored[first : min(first + stride * chunk, n_frames) : stride]
        positions_nm = np.asarray(part, dtype=np.float32) * np.float32(nm_per_unit)
        check_frames(file, first, positions_nm, n_atoms, step=stride)
        boxes = None if box_nm is None else np.broadcast_to(box_nm, (len(part), 3, 3))
        yield Frames(positions_nm, boxes, file, first)


def strided_count(n_frames: int | None, stride: int) -> int | None:
    """Frames that are left when every ``stride``-th is used."""
    return None if n_frames is None else -(-n_frames // stride)


def even_interval_ps(times_ps: NDArray[np.floating[Any]]) -> float | None:
    """Time between frames, ps; None if there are less than two, or they are not evenly spaced.

    Examples
    --------
    >>> even_interval_ps(np.array([10.0, 10.5, 11.0])), even_interval_ps(np.array([0.0, 1.0, 5.0]))
    (0.5, None)
    """
    if len(times_ps) < 2:
        return None
    steps = np.diff(np.asarray(times_ps, dtype=np.float64))
    mean = float(steps.mean())
    # Times are stored in single precision, relative to the start of the simulation.
    slack = 0.01 * abs(mean) + 2 * float(np.finfo(np.float32).eps) * float(np.abs(times_ps).max())
    if mean <= 0 or np.abs(steps - mean).max() > slack:
        return None
    return float(f"{mean:.6g}")
