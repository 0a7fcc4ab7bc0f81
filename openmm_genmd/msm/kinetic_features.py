"""Features of conformations, and the few slow coordinates that are made of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from deeptime.decomposition import TICA
from deeptime.numeric import ZeroRankError
from numpy.typing import NDArray

from openmm_genmd.msm.diagnosis import SamplingError, check_pairs

Array = NDArray[np.float64]
AnyFloats = NDArray[np.float64] | NDArray[np.float32]

_NUMBERS_PER_CHUNK = 3_000_000


class TorsionFeatures(Sequence[NDArray[np.float32]]):
    """Sines and cosines of all defined torsions, ``(n_frames, 2 n_torsions)``, replica by replica.

    They are computed as a replica is asked for, so that only one is in memory.

    Parameters
    ----------
    torsions_rad
        ``(n_frames, ...)`` of all replicas, one after the other, rad, NaN where undefined; may be
        a memory map.
    lengths
        Frames of each replica.

    Raises
    ------
    ValueError
        If the lengths do not add up to the frames, or no torsion is defined.

    Examples
    --------
    >>> features = TorsionFeatures(np.array([[0.0, np.nan], [np.pi / 2, np.nan]]), (2,))
    >>> features[0].round(3).tolist()  # sin, cos
    [[0.0, 1.0], [1.0, 0.0]]
    """

    def __init__(self, torsions_rad: AnyFloats, lengths: Sequence[int]) -> None:
        if sum(lengths) != len(torsions_rad):
            raise ValueError(
                f"expected the lengths of replicas to add up to {len(torsions_rad)} frames, got "
                f"{sum(lengths)}; pass torsions and lengths of one data set"
            )
        self._torsions_rad = torsions_rad.reshape(len(torsions_rad), -1)
        self._ends = np.cumsum(lengths)
        self._defined = np.isfinite(self._torsions_rad[:1]).all(axis=0)
        if not self._defined.any():
            raise ValueError("no torsion is defined in the first frame; use other features")

    def __len__(self) -> int:
        """Number of replicas."""
        return len(self._ends)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        """Features of one replica; of several for a slice.

        Raises
        ------
        IndexError
            If there is no such replica.
        """
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        index = range(len(self))[index]
        start = self._ends[index - 1] if index else 0
        angles = np.asarray(self._torsions_rad[start : self._ends[index]])[:, self._defined]
        return np.concatenate((np.sin(angles), np.cos(angles)), axis=1).astype(np.float32)


@dataclass(frozen=True)
class KineticCoordinates:
    """A linear map from features to a few coordinates in which slow processes are far.

    Attributes
    ----------
    mean
        ``(n_features,)`` float64.
    matrix
        ``(n_features, n_coordinates)`` float64; a coordinate is scaled by its autocorrelation at
        the lag (kinetic map), or by its standard deviation if there is no TICA.
    timescales_frames
        ``(n_coordinates,)`` float64, implied timescales of TICA, frames; empty without TICA.
    kinetic_variance
        Share of the kinetic variance in these coordinates; 1 without TICA.

    Examples
    --------
    >>> half = KineticCoordinates(np.ones(1), np.full((1, 1), 0.5), np.empty(0), 1.0)
    >>> half.transform(np.array([[1.0], [5.0]])).tolist()
    [[0.0], [2.0]]
    """

    mean: Array
    matrix: Array
    timescales_frames: Array
    kinetic_variance: float

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates."""
        return int(self.matrix.shape[1])

    def transform(self, features: AnyFloats) -> Array:
        """Coordinates ``(n_frames, n_coordinates)`` float64 of some frames.

        Parameters
        ----------
        features
            ``(n_frames, n_features)``, as those of the fit.
        """
        parts = [(part - self.mean) @ self.matrix for part in _chunks(features)]
        return np.concatenate(parts) if parts else np.empty((0, self.n_coordinates))


def fit_tica(
    features: Sequence[AnyFloats], lag_frames: int, *, variance_cutoff: float = 0.95
) -> KineticCoordinates:
    """TICA coordinates with more than a given share of the kinetic variance, as a kinetic map.

    Parameters
    ----------
    features
        One ``(n_frames, n_features)`` array for each continuous replica.
    lag_frames
        Lag, in frames.
    variance_cutoff
        As many coordinates are kept as give more than this share of the sum of squared
        autocorrelations.

    Raises
    ------
    SamplingError
        If there are fewer than ten pairs of frames per feature, or nothing changes.

    References
    ----------
    Pérez-Hernández et al., J. Chem. Phys. 139, 015102 (2013), TICA; Noé & Clementi, J. Chem.
    Theory Comput. 11, 5002 (2015), eq. 15, kinetic map.
    """
    n_pairs = sum(max(0, len(part) - lag_frames) for part in features)
    check_pairs(n_pairs, features[0].shape[1], lag_frames)
    covariance = TICA.covariance_estimator(lag_frames)
    for part in features:
        for first, last in _lagged_chunks(part, lag_frames):
            covariance.partial_fit((first, last))
    estimator = TICA(var_cutoff=variance_cutoff, scaling="kinetic_map")
    try:
        model = estimator.fit_from_covariances(covariance).fetch_model()
    except ZeroRankError:
        raise SamplingError(
            "expected features that change, got constant ones; check the trajectories, or simulate "
            "longer"
        ) from None
    n = model.output_dimension
    correlations = np.clip(np.abs(model.singular_values), 1e-12, 1 - 1e-12)
    return KineticCoordinates(
        np.asarray(model.mean_0),
        np.asarray(model.instantaneous_coefficients[:, :n]),
        -lag_frames / np.log(correlations[:n]),
        float(np.sum(correlations[:n] ** 2) / np.sum(correlations**2)),
    )


def standardize(features: Sequence[AnyFloats]) -> KineticCoordinates:
    """Features divided by their standard deviations; those that never change are left out.

    Parameters
    ----------
    features
        One ``(n_frames, n_features)`` array for each replica.

    Raises
    ------
    SamplingError
        If no feature changes.
    """
    n = sum(len(part) for part in features)
    mean = sum(part.sum(axis=0, dtype=np.float64) for part in features) / n
    variance = sum(((part - mean) ** 2).sum(axis=0) for part in features) / n
    changing = np.flatnonzero(variance > 1e-12)
    if not len(changing):
        raise SamplingError(
            "expected features that change, got constant ones; check the trajectories, or use "
            "features of torsions"
        )
    matrix = np.zeros((len(mean), len(changing)))
    matrix[changing, np.arange(len(changing))] = variance[changing] ** -0.5
    return KineticCoordinates(np.asarray(mean), matrix, np.empty(0), 1.0)


def _chunks(features: AnyFloats) -> Iterator[Array]:
    size = max(1, _NUMBERS_PER_CHUNK // max(1, features.shape[1]))
    for start in range(0, len(features), size):
        yield np.asarray(features[start : start + size], dtype=np.float64)


def _lagged_chunks(features: AnyFloats, lag_frames: int) -> Iterator[tuple[Array, Array]]:
    ahead = _chunks(features[lag_frames:])
    yield from zip(_chunks(features[:-lag_frames]), ahead, strict=True)
