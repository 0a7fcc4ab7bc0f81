"""How far two ensembles are apart in the distributions of a few numbers per frame.

Every divergence is that of histograms, so that it depends on the bins and on the number of frames:
two samples of one distribution have a Jensen-Shannon distance above zero. Compare with what two
halves of the reference have.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from openmm_genmd.analysis.free_energy import bin_of_angle, checked_angles

Array = NDArray[np.float64]

_TORSION_BINS = 100
_SERIES_BINS = 100
_PLANE_BINS = 50
_RADIUS_BINS = 50
_FRACTION_BINS = 20
_PSEUDO_PROBABILITY = 1e-6


def jensen_shannon_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Square root of the Jensen-Shannon divergence in base e: from 0 to sqrt(ln 2) = 0.83.

    Parameters
    ----------
    first, second
        Counts or probabilities over the same bins, of any shape; each is normalized.

    Raises
    ------
    ValueError
        If the shapes differ, or one is negative somewhere, not finite, or empty.

    References
    ----------
    Endres and Schindelin, IEEE Trans. Inf. Theory 49, 1858 (2003): the square root is a metric.

    Examples
    --------
    >>> round(jensen_shannon_distance([1, 0], [0, 1]) ** 2, 4)  # ln 2
    0.6931
    """
    p = np.asarray(first, dtype=np.float64)
    q = np.asarray(second, dtype=np.float64)
    for counts in (p, q):
        if p.shape != q.shape or not np.all(counts >= 0) or not 0 < counts.sum() < np.inf:
            raise ValueError(
                "expected two sets of non-negative counts over the same bins, not all zero; got "
                f"shapes {p.shape} and {q.shape} with sums {p.sum():g} and {q.sum():g}"
            )
    return float(jensenshannon(p.ravel(), q.ravel()))


def torsion_jsd(
    reference_rad: ArrayLike, generated_rad: ArrayLike, *, bins: int = _TORSION_BINS
) -> float:
    """Jensen-Shannon distance of the histograms of one torsion over [-pi, pi].

    Parameters
    ----------
    reference_rad, generated_rad
        ``(n,)`` and ``(m,)`` rad in [-pi, pi].
    bins
        Number of equal bins over the period.

    Raises
    ------
    ValueError
        If there are no angles, or one lies outside [-pi, pi].
    """
    counts = [
        np.bincount(bin_of_angle(checked_angles(angles), bins), minlength=bins)
        for angles in (reference_rad, generated_rad)
    ]
    return jensen_shannon_distance(*counts)


def series_jsd(reference: ArrayLike, generated: ArrayLike, *, bins: int = _SERIES_BINS) -> float:
    """Jensen-Shannon distance of the histograms of one coordinate over the joint range.

    Parameters
    ----------
    reference, generated
        ``(n,)`` and ``(m,)``, for instance the slowest TICA coordinate.
    bins
        Number of equal bins between the smallest and the largest value of both.

    Raises
    ------
    ValueError
        If a series is empty, not one-dimensional or not finite.
    """
    return _joint_range_jsd(_columns(reference, 1), _columns(generated, 1), bins)


def plane_jsd(reference: ArrayLike, generated: ArrayLike, *, bins: int = _PLANE_BINS) -> float:
    """Jensen-Shannon distance of two-dimensional histograms over the joint range.

    Parameters
    ----------
    reference, generated
        ``(n, 2)`` and ``(m, 2)``, for instance the two slowest TICA coordinates.
    bins
        Number of equal bins of each coordinate.

    Raises
    ------
    ValueError
        If an array is empty, not of this shape or not finite.
    """
    return _joint_range_jsd(_columns(reference, 2), _columns(generated, 2), bins)


def occupancy_jsd(reference: ArrayLike, generated: ArrayLike, n_states: int) -> float:
    """Jensen-Shannon distance of the shares of frames in each state.

    Parameters
    ----------
    reference, generated
        ``(n,)`` and ``(m,)`` integer states; negative ones (excluded frames) do not count.
    n_states
        Number of states.

    Raises
    ------
    ValueError
        If no frame has a state, or a state is too large.
    """
    return jensen_shannon_distance(
        occupancies(reference, n_states), occupancies(generated, n_states)
    )


def occupancies(labels: ArrayLike, n_states: int) -> Array:
    """Share of the frames in each state, ``(n_states,)`` float64; excluded frames do not count.

    Raises
    ------
    ValueError
        If no frame has a state, or a state is too large.
    """
    states = np.asarray(labels, dtype=np.int64)
    states = states[states >= 0]
    if states.size == 0 or states.max() >= n_states:
        raise ValueError(
            f"expected states from 0 to {n_states - 1} and at least one frame, got {states.size} "
            f"frames with states up to {states.max(initial=-1)}"
        )
    return np.bincount(states, minlength=n_states) / states.size


def macrostate_error_kt(reference: ArrayLike, generated: ArrayLike, n_states: int) -> float:
    """Mean over states of |F_generated - F_reference| in kT, with F = -ln p.

    A state that no frame visits gets p = 1 / (2 n) of its ensemble of n frames, so that the error
    stays finite.

    Parameters
    ----------
    reference, generated
        ``(n,)`` and ``(m,)`` integer states; negative ones do not count.
    n_states
        Number of states.

    Raises
    ------
    ValueError
        As `occupancies`.

    Examples
    --------
    >>> round(macrostate_error_kt([0, 1], [0, 0, 0, 1], 2), 4)  # (ln 1.5 + ln 2) / 2
    0.5493
    """
    reference_f = _floored_free_energy_kt(reference, n_states)
    generated_f = _floored_free_energy_kt(generated, n_states)
    return float(np.mean(np.abs(generated_f - reference_f)))


def radius_kl(reference: ArrayLike, generated: ArrayLike, *, bins: int = _RADIUS_BINS) -> float:
    """Kullback-Leibler divergence of the reference from the generated histogram, base e.

    Of radii of gyration, over their joint range; 1e-6 is added to every probability, so that what
    was not generated costs much but not everything.

    Parameters
    ----------
    reference, generated
        ``(n,)`` and ``(m,)`` in the same unit.
    bins
        Number of equal bins.

    Raises
    ------
    ValueError
        If a series is empty, not one-dimensional or not finite.
    """
    p, q = _joint_histograms(_columns(reference, 1), _columns(generated, 1), bins)
    return float(entropy(p / p.sum() + _PSEUDO_PROBABILITY, q / q.sum() + _PSEUDO_PROBABILITY))


def fraction_jsd(
    reference: ArrayLike, generated: ArrayLike, *, bins: int = _FRACTION_BINS
) -> float:
    """Mean Jensen-Shannon distance of the columns of two arrays of numbers from 0 to 1.

    Parameters
    ----------
    reference, generated
        ``(n, k)`` and ``(m, k)``: share of the residues of each frame in helices, strands, coils.
    bins
        Number of equal bins from 0 to 1.

    Raises
    ------
    ValueError
        If an array is empty, or a number lies outside 0 to 1.
    """
    p, q = np.asarray(reference, dtype=np.float64), np.asarray(generated, dtype=np.float64)
    for values in (p, q):
        if values.ndim != 2 or values.size == 0 or not np.all((values >= 0) & (values <= 1)):
            raise ValueError(
                "expected shares between 0 and 1 of shape (frames, kinds), got shape "
                f"{values.shape}"
            )
    edges = np.linspace(0.0, 1.0, bins + 1)
    distances = [
        jensen_shannon_distance(np.histogram(a, edges)[0], np.histogram(b, edges)[0])
        for a, b in zip(p.T, q.T, strict=True)
    ]
    return float(np.mean(distances))


def _floored_free_energy_kt(labels: ArrayLike, n_states: int) -> Array:
    share = occupancies(labels, n_states)
    n = np.count_nonzero(np.asarray(labels) >= 0)
    return np.asarray(-np.log(np.maximum(share, 0.5 / n)), dtype=np.float64)


def _columns(values: ArrayLike, dimension: int) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if dimension == 1 and array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] != dimension or not len(array):
        raise ValueError(
            f"expected values of {dimension} coordinate(s) for each of at least one frame, got "
            f"shape {np.shape(values)}"
        )
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{np.sum(~np.isfinite(array))} values are not finite")
    return array


def _joint_histograms(first: Array, second: Array, bins: int) -> tuple[Array, Array]:
    both = np.concatenate((first, second))
    # A coordinate that never changes gets one bin for all frames, not an empty range.
    limits = [(low, high if high > low else low + 1.0) for low, high in _ends(both)]
    p = np.histogramdd(first, bins=bins, range=limits)[0]
    q = np.histogramdd(second, bins=bins, range=limits)[0]
    return p.ravel(), q.ravel()


def _ends(values: Array) -> list[tuple[float, float]]:
    return [(float(column.min()), float(column.max())) for column in values.T]


def _joint_range_jsd(first: Array, second: Array, bins: int) -> float:
    return jensen_shannon_distance(*_joint_histograms(first, second, bins))
