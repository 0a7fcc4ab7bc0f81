"""Contacts and buried residues of the native structure that come and go in an ensemble."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist

Array = NDArray[np.float64]
Booleans = NDArray[np.bool_]

CONTACT_ANGSTROM = 8.0
"""Two residues are in contact if their alpha carbons are closer than this."""

BURIED_SQUARE_ANGSTROM = 2.0
"""A side chain with less area than this that a probe of 2.8 Angstrom touches is buried."""

_WEAK, _TRANSIENT, _EXPOSED = 0.9, 0.1, 0.1


def contact_frequencies(alpha_carbons_angstrom: ArrayLike) -> Array:
    """Share of the frames in which each pair is in contact, ``(n (n - 1) / 2,)`` float64.

    Pairs are in the order of scipy's condensed distance matrix: (0, 1), (0, 2), ...

    Parameters
    ----------
    alpha_carbons_angstrom
        ``(F, n, 3)``.

    Raises
    ------
    ValueError
        If there is no frame, or fewer than two residues.
    """
    frames = np.asarray(alpha_carbons_angstrom, dtype=np.float64)
    if frames.ndim != 3 or not len(frames) or frames.shape[1] < 2:
        raise ValueError(
            f"expected frames of at least two residues, (frames, residues, 3), got {frames.shape}"
        )
    # Frame by frame: all distances of a long trajectory at once would not fit in memory.
    counts = np.zeros(frames.shape[1] * (frames.shape[1] - 1) // 2)
    for frame in frames:
        counts += pdist(frame) < CONTACT_ANGSTROM
    return np.asarray(counts / len(frames), dtype=np.float64)


def weak_contacts(native: Array, frequencies: Array) -> Booleans:
    """Native contacts seen in fewer than 90 % of the frames.

    Parameters
    ----------
    native, frequencies
        `contact_frequencies` of the native structure and of the ensemble.
    """
    return np.asarray((native > 0) & (frequencies < _WEAK))


def transient_contacts(native: Array, frequencies: Array) -> Booleans:
    """Pairs apart in the native structure that touch in more than 10 % of the frames.

    Parameters
    ----------
    native, frequencies
        `contact_frequencies` of the native structure and of the ensemble.
    """
    return np.asarray((native == 0) & (frequencies > _TRANSIENT))


def exposed_residues(native_area: ArrayLike, areas: ArrayLike) -> Booleans:
    """Buried residues whose side chain is reached by solvent in more than 10 % of the frames.

    Parameters
    ----------
    native_area
        ``(L,)`` area of each side chain in the native structure, square Angstrom, for a probe of
        2.8 Angstrom: `side_chain_areas`.
    areas
        ``(F, L)`` the same in each frame.

    Raises
    ------
    ValueError
        If the numbers of residues differ or there is no frame.
    """
    native, frames = np.asarray(native_area, float), np.asarray(areas, float)
    if frames.ndim != 2 or not len(frames) or native.shape != frames.shape[1:]:
        raise ValueError(
            f"expected areas of {len(native)} residues in each frame, got shape {frames.shape}"
        )
    open_share = np.mean(frames > BURIED_SQUARE_ANGSTROM, axis=0)
    return np.asarray((native < BURIED_SQUARE_ANGSTROM) & (open_share > _EXPOSED))


def jaccard(first: Booleans, second: Booleans) -> float:
    """Size of the intersection over that of the union; NaN if both sets are empty.

    Raises
    ------
    ValueError
        If the sets are over different numbers of elements.

    Examples
    --------
    >>> jaccard(np.array([True, True, False]), np.array([False, True, False]))
    0.5
    """
    if first.shape != second.shape:
        raise ValueError(f"expected sets of one size, got shapes {first.shape}, {second.shape}")
    union = int(np.count_nonzero(first | second))
    return int(np.count_nonzero(first & second)) / union if union else float("nan")
