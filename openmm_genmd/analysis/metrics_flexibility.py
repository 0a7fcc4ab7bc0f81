"""How much, and along which directions, atoms move: two ensembles of one molecule compared.

Every function takes frames that were superposed once on one structure, the same for both
ensembles; nothing is superposed pair by pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse.linalg import svds
from scipy.spatial.distance import cdist, pdist

Array = NDArray[np.float64]

_FULL_DECOMPOSITION = 64
"""Up to so many frames or coordinates, all principal components are as fast as two."""


@dataclass(frozen=True)
class RootMeanW2:
    """Wasserstein distance of atom positions, each atom's taken as a normal distribution.

    Attributes
    ----------
    total_angstrom
        sqrt(translation**2 + spread**2).
    translation_angstrom
        Root mean square distance of the mean positions.
    spread_angstrom
        What the covariances contribute.

    Examples
    --------
    >>> frames = np.random.default_rng(1).normal(size=(50, 3, 3))
    >>> shifted = root_mean_w2(frames, frames + [2.0, 0.0, 0.0])
    >>> round(shifted.total_angstrom, 6), round(shifted.spread_angstrom, 3)
    (2.0, 0.0)
    """

    total_angstrom: float
    translation_angstrom: float
    spread_angstrom: float


def mean_pairwise_rmsd(positions_angstrom: ArrayLike) -> float:
    """Mean over pairs of different frames of their RMSD, Angstrom.

    Parameters
    ----------
    positions_angstrom
        ``(F, n, 3)`` with F of at least 2.

    Raises
    ------
    ValueError
        If there are fewer than two frames, or they are not finite.
    """
    frames = _frames(positions_angstrom)
    distances = pdist(frames.reshape(len(frames), -1))
    return float(distances.mean() / np.sqrt(frames.shape[1]))


def rmsd_to(positions_angstrom: ArrayLike, fixed_angstrom: ArrayLike) -> Array:
    """RMSD of each frame ``(F, n, 3)`` from one structure ``(n, 3)``, as they lie: ``(F,)``."""
    moved = np.asarray(positions_angstrom, dtype=np.float64) - np.asarray(fixed_angstrom)
    return np.asarray(np.sqrt(np.mean(np.sum(moved**2, axis=-1), axis=-1)), dtype=np.float64)


def rmsf(positions_angstrom: ArrayLike) -> Array:
    """Root mean square fluctuation of each atom about its mean, ``(n,)`` float64, Angstrom.

    Parameters
    ----------
    positions_angstrom
        ``(F, n, 3)`` with F of at least 2.

    Raises
    ------
    ValueError
        If there are fewer than two frames, or they are not finite.
    """
    frames = _frames(positions_angstrom)
    return np.asarray(np.sqrt(frames.var(axis=0).sum(axis=-1)), dtype=np.float64)


def pearson(first: ArrayLike, second: ArrayLike) -> float:
    """Pearson's correlation; NaN for fewer than three numbers or where one does not vary.

    Raises
    ------
    ValueError
        If the two differ in shape.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"expected two series of one length, got shapes {a.shape} and {b.shape}")
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def root_mean_w2(reference_angstrom: ArrayLike, generated_angstrom: ArrayLike) -> RootMeanW2:
    """Root mean over atoms of the squared 2-Wasserstein distance of normal distributions.

    Parameters
    ----------
    reference_angstrom, generated_angstrom
        ``(F, n, 3)`` and ``(G, n, 3)``.

    Raises
    ------
    ValueError
        If an ensemble has fewer than two frames, or the numbers of atoms differ.

    References
    ----------
    Dowson and Landau, J. Multivar. Anal. 12, 450 (1982):
    W2**2 = |mu1 - mu2|**2 + tr(S1 + S2 - 2 (S1 S2)**(1/2)).
    """
    first, second = _same_atoms(reference_angstrom, generated_angstrom)
    moved = np.sum((first.mean(axis=0) - second.mean(axis=0)) ** 2, axis=-1)
    s1, s2 = _covariances(first), _covariances(second)
    traces = np.trace(s1 + s2, axis1=1, axis2=2) - 2 * _trace_of_root(s1, s2)
    translation, spread = float(moved.mean()), max(0.0, float(traces.mean()))
    return RootMeanW2((translation + spread) ** 0.5, translation**0.5, spread**0.5)


def pca_w2(
    reference_angstrom: ArrayLike,
    generated_angstrom: ArrayLike,
    *,
    components_of: Literal["reference", "both"] = "reference",
) -> float:
    """2-Wasserstein distance of frames on two principal components, per root of the atoms.

    The optimal assignment of the frames of one ensemble to those of the other is exact, so that
    time grows with the third power of their number; the longer one is thinned to the shorter.

    Parameters
    ----------
    reference_angstrom, generated_angstrom
        ``(F, n, 3)`` and ``(G, n, 3)``; a thousand frames take a fraction of a second.
    components_of
        ``reference``, or ``both``: as many frames of either.

    Returns
    -------
    float
        Angstrom.

    Raises
    ------
    ValueError
        If an ensemble has fewer than two frames, the numbers of atoms differ, or the components
        are neither.
    """
    if components_of not in ("reference", "both"):
        raise ValueError(f"components_of must be 'reference' or 'both', got {components_of!r}")
    first, second = _same_atoms(reference_angstrom, generated_angstrom)
    n = min(len(first), len(second))
    basis = (
        first if components_of == "reference" else np.concatenate((thin(first, n), thin(second, n)))
    )
    mean, axes = principal_components(basis)
    on_axes = [(thin(frames, n).reshape(n, -1) - mean) @ axes.T for frames in (first, second)]
    costs = cdist(on_axes[0], on_axes[1], "sqeuclidean")
    rows, columns = linear_sum_assignment(costs)
    return float((costs[rows, columns].mean() / first.shape[1]) ** 0.5)


def first_component_cosine(reference_angstrom: ArrayLike, generated_angstrom: ArrayLike) -> float:
    """|cos| of the angle between the first principal components; above 0.5 counts as similar.

    Parameters
    ----------
    reference_angstrom, generated_angstrom
        ``(F, n, 3)`` and ``(G, n, 3)``.

    Raises
    ------
    ValueError
        If an ensemble has fewer than two frames, or the numbers of atoms differ.
    """
    first, second = _same_atoms(reference_angstrom, generated_angstrom)
    return abs(float(principal_components(first)[1][0] @ principal_components(second)[1][0]))


def principal_components(positions_angstrom: ArrayLike) -> tuple[Array, Array]:
    """Mean ``(3n,)`` and two orthonormal axes ``(2, 3n)`` of the largest variance, float64.

    Parameters
    ----------
    positions_angstrom
        ``(F, n, 3)``.

    Raises
    ------
    ValueError
        If there are fewer than two frames, or they are not finite.
    """
    frames = _frames(positions_angstrom)
    flat = frames.reshape(len(frames), -1)
    mean = flat.mean(axis=0)
    centered = flat - mean
    if min(centered.shape) <= _FULL_DECOMPOSITION:
        axes = np.linalg.svd(centered, full_matrices=False)[2][:2]
    else:
        # Largest last; a fixed start makes the same input give the same signs.
        start = np.ones(min(centered.shape))
        axes = svds(centered, k=2, v0=start)[2][::-1]
    return mean, np.asarray(axes, dtype=np.float64)


def thin(frames: NDArray[np.floating], n: int) -> NDArray[np.floating]:
    """At most n frames, equally spaced; all of them if there are fewer."""
    if len(frames) <= n:
        return frames
    return frames[np.linspace(0, len(frames) - 1, n).round().astype(np.int64)]


def series_rmse(reference: ArrayLike, generated: ArrayLike) -> float:
    """Root mean square difference of two series over their common length.

    Of the RMSD to the first frame over time, it is the t-RMSD error.

    Raises
    ------
    ValueError
        If they have no frame in common.
    """
    first, second = np.asarray(reference, float), np.asarray(generated, float)
    n = min(len(first), len(second))
    if n == 0:
        raise ValueError(f"expected two series, got {len(first)} and {len(second)} frames")
    return float(np.sqrt(np.mean((first[:n] - second[:n]) ** 2)))


def _frames(positions_angstrom: ArrayLike) -> Array:
    frames = np.asarray(positions_angstrom, dtype=np.float64)
    if frames.ndim != 3 or frames.shape[2] != 3 or len(frames) < 2:
        raise ValueError(
            f"expected at least two frames of shape (frames, atoms, 3), got shape {frames.shape}"
        )
    if not np.all(np.isfinite(frames)):
        raise ValueError(f"{np.sum(~np.isfinite(frames))} coordinates are not finite")
    return frames


def _same_atoms(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array]:
    a, b = _frames(first), _frames(second)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"expected the same atoms in both, got {a.shape[1]} and {b.shape[1]}")
    return a, b


def _covariances(frames: Array) -> Array:
    deviation = frames - frames.mean(axis=0)
    return np.asarray(np.einsum("fai,faj->aij", deviation, deviation) / len(frames))


def _trace_of_root(s1: Array, s2: Array) -> Array:
    """Trace of (S1 S2)**(1/2), which has the eigenvalues of (S1**(1/2) S2 S1**(1/2))**(1/2)."""
    values, vectors = np.linalg.eigh(s1)
    roots = (vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]) @ vectors.swapaxes(1, 2)
    inner = np.linalg.eigvalsh(roots @ s2 @ roots)
    return np.asarray(np.sqrt(np.maximum(inner, 0.0)).sum(axis=1), dtype=np.float64)
