"""Waste recycling: averages over what was proposed as well as over what was accepted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.analysis.free_energy import (
    FreeEnergyProfile,
    bin_of_angle,
    checked_angles,
    profile_of_blocks,
)
from openmm_genmd.analysis.statistics import Average, average


@dataclass(frozen=True)
class RecycledAverage:
    """Boltzmann average of an observable from the candidates of every attempt.

    Attributes
    ----------
    recycled
        Average over attempts of sum_i w_i f(x_i), with its standard error.
    chain
        The plain average over the conformations before each attempt, for comparison; None if
        their values were not given.
    variance_ratio
        Squared error of the plain average over that of the recycled one: how much longer the plain
        chain would have to run. None where an error bar is missing.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> before = rng.normal(size=4096)
    >>> recycled = 0.5 * (before + rng.normal(size=4096))  # two candidates of equal weight
    >>> 1.5 < recycled_average(recycled, before).variance_ratio < 2.7
    True
    """

    recycled: Average
    chain: Average | None
    variance_ratio: float | None


def recycled_average(values: ArrayLike, chain: ArrayLike | None = None) -> RecycledAverage:
    """Average of one observable over recycled candidates, beside that of the chain.

    Parameters
    ----------
    values
        ``(n_attempts,)``: a column of ``RecycledObservable.values``, in order of time. Attempts of
        a run with a surrogate hold the picked candidate and the current state only.
    chain
        ``(n_attempts,)`` values of the same observable before each attempt, or None.

    Raises
    ------
    ValueError
        If a series is empty, not one-dimensional or not finite, or the lengths differ.

    References
    ----------
    Frenkel, Proc. Natl. Acad. Sci. USA 101, 17571 (2004), eq. 11.
    """
    recycled = average(values)
    if chain is None:
        return RecycledAverage(recycled, None, None)
    if np.shape(chain) != np.shape(values):
        raise ValueError(
            f"the chain has {np.shape(chain)} values but there are {np.shape(values)} recycled "
            "ones; give one of each per attempt"
        )
    plain = average(chain)
    if not recycled.standard_error or plain.standard_error is None:
        return RecycledAverage(recycled, plain, None)
    ratio = (plain.standard_error / recycled.standard_error) ** 2
    return RecycledAverage(recycled, plain, ratio)


def bin_shares(angles_rad: ArrayLike, bins: int = 60) -> NDArray[np.float64]:
    """Indicator ``(k, bins)`` of the bin of each of ``(k,)`` angles in rad: an observable.

    Recycled, it gives the share of each bin at each attempt, which is what `recycled_profile`
    takes. An angle that is NaN, as a candidate without weight may have, is in no bin: NaN.

    Raises
    ------
    ValueError
        If an angle is outside [-pi, pi], or they are not ``(k,)``.

    Examples
    --------
    >>> bin_shares([-3.0, 3.0], bins=2)
    array([[1., 0.],
           [0., 1.]])
    """
    angles = np.asarray(angles_rad, dtype=np.float64)
    unknown = np.isnan(angles)
    shares = np.eye(bins)[bin_of_angle(checked_angles(np.where(unknown, 0.0, angles)), bins)]
    shares[unknown] = np.nan
    return shares


def recycled_profile(
    shares: ArrayLike, *, temperature_k: float, blocks: int = 20
) -> FreeEnergyProfile:
    """Free energy profile from the recycled shares of the bins of a torsion.

    Parameters
    ----------
    shares
        ``(n_attempts, bins)``: ``RecycledObservable.values`` of `bin_shares`.
    temperature_k
        Temperature of the ensemble, K.
    blocks
        Number of blocks in time for the errors.

    Raises
    ------
    ValueError
        If there are fewer attempts than blocks, or the shares of an attempt do not sum to one.
    """
    share = np.asarray(shares, dtype=np.float64)
    if share.ndim != 2 or not np.allclose(share.sum(axis=1), 1, atol=1e-6):
        raise ValueError(
            f"expected shares of shape (n_attempts, bins) that sum to one, got {share.shape}; "
            "recycle bin_shares"
        )
    if len(share) < blocks:
        raise ValueError(f"{len(share)} attempts do not fill {blocks} blocks; run longer")
    counts = np.array([part.sum(axis=0) for part in np.array_split(share, blocks)])
    return profile_of_blocks(counts, temperature_k)
