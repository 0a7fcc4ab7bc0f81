"""Weighted frames for a fit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class FitData:
    """What a fit sees.

    Attributes
    ----------
    torsions
        ``(n_frames, n_torsions)`` float64, rad.
    weights
        ``(n_frames,)``, probability of each frame to be drawn.
    held_out
        ``(n_frames,)``, True for validation.

    Examples
    --------
    >>> held_out = np.array([False, False, True])
    >>> data = FitData(np.zeros((3, 2)), np.array([0.5, 0.25, 0.25]), held_out)
    >>> float(data.weights[~data.held_out].sum())
    0.75
    """

    torsions: Array
    weights: Array
    held_out: NDArray[np.bool_]

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of everything."""
        digest = hashlib.sha256()
        for array in (self.torsions, self.weights, self.held_out):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


class WeightedSampler:
    """Draws frames of one side of the division with their weights.

    Parameters
    ----------
    data
        All frames.
    chosen
        ``(n_frames,)``, True for the frames to draw from.
    name
        Of the side, for the error message.

    Raises
    ------
    ValueError
        If no chosen frame has a weight.

    Examples
    --------
    >>> data = FitData(np.zeros((4, 1)), np.full(4, 0.25), np.array([True, False, False, False]))
    >>> sampler = WeightedSampler(data, ~data.held_out, "training")
    >>> len(sampler.weights), float(round(sampler.weights.sum(), 12))
    (3, 1.0)
    """

    def __init__(self, data: FitData, chosen: NDArray[np.bool_], name: str) -> None:
        self.torsions = data.torsions[chosen]
        total = data.weights[chosen].sum()
        if not total > 0:
            raise ValueError(f"no frame for {name} has a weight; use more frames")
        self.weights = data.weights[chosen] / total
        self._cumulative = np.cumsum(self.weights)

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Torsions ``(n, n_torsions)``, rad, drawn with replacement."""
        # Rounding may leave the last sum below 1.
        places = np.searchsorted(self._cumulative, rng.random(n), side="right")
        return np.asarray(self.torsions[np.minimum(places, len(self.torsions) - 1)])
