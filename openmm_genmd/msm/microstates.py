"""Microstates: small cells of conformations, made by k-means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from deeptime.clustering import ClusterModel, KMeans
from numpy.typing import NDArray

from openmm_genmd.msm.diagnosis import SamplingError

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_FRAMES_PER_CLUSTER = 20
"""With fewer on average, transition counts between clusters would be noise."""

_MAX_FITTED = 20_000
"""k-means sees at most so many frames, taken evenly over all replicas; all are assigned."""


@dataclass(frozen=True)
class Microstates:
    """Cells around centers: a frame belongs to the nearest one.

    Attributes
    ----------
    centers
        ``(n_microstates, n_coordinates)`` float64.

    Examples
    --------
    >>> cells = Microstates(np.array([[-1.0], [1.0]]))
    >>> cells.assign(np.array([[-0.2], [0.1], [3.0]])).tolist()
    [0, 1, 1]
    """

    centers: Array

    @property
    def n_microstates(self) -> int:
        """Number of microstates."""
        return len(self.centers)

    def assign(self, coordinates: Array) -> Integers:
        """Microstate ``(n_frames,)`` int64 of each frame.

        Parameters
        ----------
        coordinates
            ``(n_frames, n_coordinates)`` float64.
        """
        if not len(coordinates):
            return np.empty(0, dtype=np.int64)
        model = ClusterModel(cluster_centers=self.centers)
        points = np.ascontiguousarray(coordinates, dtype=np.float64)
        return np.asarray(model.transform(points, n_jobs=1), dtype=np.int64)


def cluster(
    coordinates: Sequence[Array], n_microstates: int = 100, *, seed: int = 0
) -> Microstates:
    """k-means centers; fewer than asked for if there are not 20 frames for each.

    Parameters
    ----------
    coordinates
        One ``(n_frames, n_coordinates)`` array for each replica.
    n_microstates
        Number of clusters.
    seed
        Of the first centers (k-means++).

    Raises
    ------
    SamplingError
        If there are not frames enough for two clusters.
    """
    points = np.concatenate(coordinates)
    n = min(n_microstates, len(points) // _FRAMES_PER_CLUSTER)
    points = np.ascontiguousarray(points[:: -(-len(points) // _MAX_FITTED) or 1])
    n = min(n, len(np.unique(points, axis=0)))
    if n < 2:
        raise SamplingError(
            f"expected frames for at least two microstates of {_FRAMES_PER_CLUSTER}, got "
            f"{len(points)} frames with {len(np.unique(points, axis=0))} different conformations; "
            "simulate longer"
        )
    estimator = KMeans(n, max_iter=100, fixed_seed=seed, n_jobs=1, progress=None)
    return Microstates(np.asarray(_fit(estimator, points).cluster_centers, dtype=np.float64))


def _fit(estimator: KMeans, points: Array) -> ClusterModel:
    import warnings

    with warnings.catch_warnings():
        # Any partition will do: microstates need not be the optimum of k-means.
        warnings.filterwarnings("ignore", message="Algorithm did not reach convergence")
        return estimator.fit_fetch(points)
