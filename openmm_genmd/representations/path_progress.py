"""Unbinding paths at even steps of progress instead of time: `by_progress`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.representations.receptor_frame import align_on_receptor

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ProgressPath:
    """A path whose ligand goes equally far from frame to frame.

    Attributes
    ----------
    positions_nm
        ``(M, n, 3)`` float32, nm, smoothed over time, superposed on the receptor of the first.
    unsmoothed_nm
        The frames of the trajectory at the same progress, superposed likewise.
    exit_frame
        The frame at which the ligand is out, M - 1 if it never is.

    Examples
    --------
    Made by `by_progress`.
    """

    positions_nm: NDArray[np.float32]
    unsmoothed_nm: NDArray[np.float32]
    exit_frame: int


def by_progress(
    positions_nm: ArrayLike,
    is_ligand: NDArray[np.bool_],
    *,
    frames: int = 100,
    smoothing_frames: int = 9,
    exit_distance_nm: float = 0.6,
) -> ProgressPath:
    """Path with even steps of the ligand's arc length.

    In time, an unbinding path is a long dwelling in the bound state and a leap through the portal.
    A model that is to propose leaps learns nothing from the first and cannot follow the second, so
    time is given up: frames of such a path, and leaps learned from them, carry no physical time.

    All frames are superposed on the receptor of the first one and averaged over a moving window;
    the arc length is that of the root mean square displacement of the ligand's atoms. The way until
    the ligand is out has ``frames`` steps; what comes after goes on with steps of the same length.

    Parameters
    ----------
    positions_nm
        ``(T, n, 3)``, nm, heavy atoms, molecules whole.
    is_ligand
        ``(n,)`` bool.
    frames
        Steps from the first frame to the exit, or to the last frame if there is none.
    smoothing_frames
        Frames of the moving average, an odd number; 1 for none.
    exit_distance_nm
        The ligand is out when no two heavy atoms of ligand and receptor are closer.

    Raises
    ------
    ValueError
        If there are fewer than two frames, a number is not positive or not odd, or the ligand does
        not move.

    Examples
    --------
    >>> receptor = np.array([[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]])
    >>> x = np.array([0.3, 0.3, 0.3, 0.4, 0.8])
    >>> frames = np.array([np.vstack([receptor, [[0, 0, z]]]) for z in x])
    >>> path = by_progress(frames, np.arange(4) == 3, frames=5, smoothing_frames=1)
    >>> [round(float(z), 3) for z in path.positions_nm[:, 3, 2]], path.exit_frame
    ([0.3, 0.4, 0.5, 0.6, 0.7, 0.8], 5)
    """
    path = np.asarray(positions_nm, dtype=np.float64)
    _check(path, frames, smoothing_frames)
    aligned = align_on_receptor(path[None], path[:1], ~is_ligand)[0]
    smooth = _moving_average(aligned, smoothing_frames)
    steps = np.sqrt(((smooth[1:, is_ligand] - smooth[:-1, is_ligand]) ** 2).sum(-1).mean(-1))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    out = _first_outside(aligned, is_ligand, exit_distance_nm)
    if not length[out] > 0:
        raise ValueError("the ligand does not move from frame to frame; expected an unbinding path")
    step = length[out] / frames
    # Rounding must not lose the exit itself.
    marks = step * np.arange(int(length[-1] / step + 1e-6) + 1)
    places = np.interp(marks, length, np.arange(len(length)))
    low = np.floor(places).astype(np.int64)
    high = np.minimum(low + 1, len(smooth) - 1)
    share = (places - low)[:, None, None]
    return ProgressPath(
        ((1.0 - share) * smooth[low] + share * smooth[high]).astype(np.float32),
        aligned[np.rint(places).astype(np.int64)].astype(np.float32),
        frames,
    )


def _moving_average(positions: Array, window: int) -> Array:
    """Means over a centred window, shorter towards the ends."""
    sums = np.concatenate([np.zeros_like(positions[:1]), np.cumsum(positions, axis=0)])
    centre, half = np.arange(len(positions)), window // 2
    low, high = np.maximum(centre - half, 0), np.minimum(centre + half + 1, len(positions))
    return np.asarray((sums[high] - sums[low]) / (high - low)[:, None, None])


def _first_outside(positions: Array, is_ligand: NDArray[np.bool_], distance_nm: float) -> int:
    """Frame in which the ligand first is out, or the last one."""
    for number, frame in enumerate(positions):
        vectors = frame[is_ligand][:, None] - frame[~is_ligand]
        if np.min(np.sum(vectors**2, axis=-1)) > distance_nm**2:
            return number
    return len(positions) - 1


def _check(path: Array, frames: int, smoothing_frames: int) -> None:
    if path.ndim != 3 or len(path) < 2:
        raise ValueError(f"expected frames (T, n, 3), two at least, got shape {path.shape}")
    if frames < 1:
        raise ValueError(f"frames must be at least 1, got {frames}")
    if smoothing_frames < 1 or smoothing_frames % 2 == 0:
        raise ValueError(f"smoothing_frames must be odd and positive, got {smoothing_frames}")
