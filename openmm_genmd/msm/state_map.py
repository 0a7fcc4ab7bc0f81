"""From features to states: the map that a Markov model was made with, for other frames too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.array_file import read_arrays, write_arrays
from openmm_genmd.msm.kinetic_features import AnyFloats, KineticCoordinates
from openmm_genmd.msm.microstates import Microstates

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_ARRAYS = (
    "mean",
    "matrix",
    "timescales_frames",
    "kinetic_variance",
    "centers",
    "state_of_microstate",
)


@dataclass(frozen=True)
class StateMap:
    """Features to slow coordinates, to microstates, to states.

    Attributes
    ----------
    coordinates
        The linear map from features.
    microstates
        Cells in these coordinates.
    state_of_microstate
        ``(n_microstates,)`` int64; -1: excluded.

    Examples
    --------
    >>> identity = KineticCoordinates(np.zeros(1), np.eye(1), np.empty(0), 1.0)
    >>> cells = Microstates(np.array([[-1.0], [1.0], [2.0]]))
    >>> StateMap(identity, cells, np.array([1, 0, 0])).assign(np.array([[-3.0], [1.9]])).tolist()
    [1, 0]
    """

    coordinates: KineticCoordinates
    microstates: Microstates
    state_of_microstate: Integers

    def assign(self, features: AnyFloats) -> Integers:
        """State ``(n_frames,)`` int64 of frames of any origin; -1 where they are excluded.

        Parameters
        ----------
        features
            ``(n_frames, n_features)``, made as those of the model were.
        """
        cells = self.microstates.assign(self.coordinates.transform(features))
        return np.asarray(self.state_of_microstate[cells])

    def save(self, path: str | Path) -> None:
        """Write the map to an ``.npz`` file.

        Parameters
        ----------
        path
            The file; one that exists is replaced.
        """
        write_arrays(
            path,
            mean=self.coordinates.mean,
            matrix=self.coordinates.matrix,
            timescales_frames=self.coordinates.timescales_frames,
            kinetic_variance=np.float64(self.coordinates.kinetic_variance),
            centers=self.microstates.centers,
            state_of_microstate=self.state_of_microstate,
        )

    @classmethod
    def load(cls, path: str | Path) -> StateMap:
        """Read what `save` has written.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        ValueError
            If the file is not one of a state map.
        """
        arrays = read_arrays(path, _ARRAYS, "a state map")
        coordinates = KineticCoordinates(
            arrays["mean"],
            arrays["matrix"],
            arrays["timescales_frames"],
            float(arrays["kinetic_variance"]),
        )
        return cls(coordinates, Microstates(arrays["centers"]), arrays["state_of_microstate"])
