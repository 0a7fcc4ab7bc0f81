"""Torsions of trajectories, and which of them train and which validate."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.trajectory import Frames, iterate_frames
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class TorsionData:
    """Torsions of all frames of some trajectories.

    Attributes
    ----------
    trajectories
        ``(n_frames, n_torsions)`` float64, rad, one array per file.
    sha256
        Hexadecimal digest of the numbers, recorded in checkpoints.

    Examples
    --------
    >>> data = TorsionData.of([np.zeros((4, 2)), np.ones((3, 2))])
    >>> data.torsions.shape
    (7, 2)
    >>> data.sha256 == TorsionData.of([np.zeros((4, 2)), np.zeros((3, 2))]).sha256
    False
    """

    trajectories: tuple[Array, ...]
    sha256: str

    @classmethod
    def of(cls, trajectories: Sequence[Array]) -> TorsionData:
        """Compute the digest that goes with the data."""
        digest = hashlib.sha256()
        for torsions in trajectories:
            digest.update(str(torsions.shape).encode() + np.ascontiguousarray(torsions).tobytes())
        return cls(tuple(trajectories), digest.hexdigest())

    @property
    def torsions(self) -> Array:
        """Torsions ``(n_frames, n_torsions)``, rad, of all files."""
        return np.concatenate(self.trajectories)


def read_torsions(
    files: Sequence[Path],
    topology: app.Topology,
    representation: TorsionRepresentation,
    *,
    stride: int = 1,
    advance: Callable[[Path, int], None] = lambda file, frames: None,
) -> TorsionData:
    """Torsions of every ``stride``-th frame; only these are kept in memory.

    Parameters
    ----------
    files
        Trajectories that mdtraj reads.
    topology
        Of all atoms in the files.
    representation
        Its ``particles`` are atoms of the topology.
    stride
        Every how many frames one is used.
    advance
        Called after each chunk with its file and number of frames.
    """
    parts: dict[Path, list[Array]] = {file: [] for file in files}
    for frames in iterate_frames(list(parts), topology, stride=stride):
        parts[frames.file].append(_encode(frames, representation))
        advance(frames.file, len(frames.positions_nm))
    return TorsionData.of([np.concatenate(part) for part in parts.values()])


def _encode(frames: Frames, representation: TorsionRepresentation) -> Array:
    positions = frames.positions_nm[:, list(representation.particles)]
    if frames.box_nm is not None:
        # One box per frame: a barostat changes it.
        pairs = zip(positions, frames.box_nm, strict=True)
        positions = np.array([representation.make_whole(x, box) for x, box in pairs])
    return representation.encode(positions)


def validation_mask(
    lengths: Sequence[int], fraction: float, rng: np.random.Generator, *, blocks: int = 20
) -> NDArray[np.bool_]:
    """Mask ``(n_frames,)`` of the frames that are held out: whole blocks of each trajectory.

    Single frames would not do: their neighbours in time, nearly the same, would be trained on.

    Parameters
    ----------
    lengths
        Frames of each trajectory.
    fraction
        About how much is held out, between 0 and 1.
    rng
        Chooses the blocks.
    blocks
        Number of blocks of all trajectories together, but at least two for each trajectory.

    Raises
    ------
    ValueError
        If nothing would remain for training, or for validation.

    Examples
    --------
    >>> import numpy as np
    >>> mask = validation_mask([100], 0.2, np.random.default_rng(0), blocks=5)
    >>> int(mask.sum()), int(np.count_nonzero(np.diff(mask)) <= 2)
    (20, 1)
    """
    edges = [0]
    for length in lengths:
        pieces = max(2, round(blocks * length / sum(lengths)))
        edges += (edges[-1] + np.linspace(0, length, pieces + 1)[1:].round().astype(int)).tolist()
    starts, stops = np.array(edges[:-1]), np.array(edges[1:])
    chosen = rng.permutation(len(starts))[: max(1, round(fraction * len(starts)))]
    mask = np.zeros(edges[-1], dtype=bool)
    for block in chosen:
        mask[starts[block] : stops[block]] = True
    if mask.all() or not mask.any():
        raise ValueError(
            f"cannot divide {edges[-1]} frames into training and validation with a fraction of "
            f"{fraction}; use more frames or another fraction"
        )
    return mask
