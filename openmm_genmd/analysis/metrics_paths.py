"""Fluxes between the states of a Markov model, and paths that lead from one state to another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr

from openmm_genmd.analysis.metrics_distributions import occupancy_jsd

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class PathScores:
    """Paths between two states, judged by the Markov model of the reference.

    Attributes
    ----------
    valid_rate
        Share of the paths that the reference allows at all.
    mean_probability
        Mean probability of a path, given its ends; impossible ones count as zero.
    mean_valid_probability
        The same of the possible ones alone; NaN if there is none.
    n_paths
        Number of paths.

    Examples
    --------
    >>> chain = np.array([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25], [0.0, 0.5, 0.5]])
    >>> path_scores(np.array([[0, 1, 2], [0, 2, 2]]), chain)
    PathScores(valid_rate=0.5, mean_probability=0.5, mean_valid_probability=1.0, n_paths=2)
    """

    valid_rate: float
    mean_probability: float
    mean_valid_probability: float
    n_paths: int


def flux_matrix(transition_matrix: ArrayLike, stationary: ArrayLike) -> Array:
    """F_ij = pi_i T_ij, ``(S, S)`` float64: how often each transition happens per lag.

    Raises
    ------
    ValueError
        If the matrix is not square and row-stochastic, or the populations do not match it.
    """
    matrix = _stochastic(transition_matrix)
    pi = np.asarray(stationary, dtype=np.float64)
    if pi.shape != (len(matrix),) or np.any(pi < 0):
        raise ValueError(f"expected {len(matrix)} non-negative populations, got shape {pi.shape}")
    return np.asarray(pi[:, None] * matrix, dtype=np.float64)


def flux_correlation(reference: ArrayLike, generated: ArrayLike) -> float:
    """Spearman's rank correlation of two `flux_matrix` over all i != j.

    NaN where all fluxes of one of them are equal, for instance none at all.

    Raises
    ------
    ValueError
        If the matrices are not square, of one size, and of at least two states.
    """
    first, second = np.asarray(reference), np.asarray(generated)
    if first.shape != second.shape or first.ndim != 2 or first.shape[0] != first.shape[1]:
        raise ValueError(
            f"expected two square matrices of one size, got {first.shape} and {second.shape}"
        )
    if len(first) < 2:
        raise ValueError("a flux needs at least two states, got one")
    off = ~np.eye(len(first), dtype=bool)
    if np.ptp(first[off]) == 0 or np.ptp(second[off]) == 0:
        return float("nan")
    return float(spearmanr(first[off], second[off]).statistic)


def rarest_transition(flux: ArrayLike) -> tuple[int, int]:
    """States (start, end) of the smallest flux above zero: the hardest path to ask for.

    Raises
    ------
    ValueError
        If there is no flux between different states.

    Examples
    --------
    >>> rarest_transition([[0.5, 0.2, 0.0], [0.2, 0.1, 0.05], [0.0, 0.06, 0.1]])
    (1, 2)
    """
    values = np.array(flux, dtype=np.float64)
    np.fill_diagonal(values, 0.0)
    if not np.any(values > 0):
        raise ValueError("no flux between different states; the reference never changes its state")
    values[values <= 0] = np.inf
    start, end = np.unravel_index(int(np.argmin(values)), values.shape)
    return int(start), int(end)


def sample_paths(
    transition_matrix: ArrayLike,
    start: int,
    end: int,
    *,
    length: int,
    n_paths: int,
    rng: np.random.Generator,
) -> Integers:
    """Paths of a Markov chain with both ends given, ``(n_paths, length)`` int64.

    Step t goes from i to j with probability T_ij (T^(N-t-1))_{j,end} / (T^(N-t))_{i,end}, where t
    counts from 1 to N - 1 and N is the length.

    Parameters
    ----------
    transition_matrix
        ``(S, S)`` row-stochastic.
    start, end
        First and last state of every path.
    length
        States in a path, both ends included.
    n_paths
        How many.
    rng
        Source of randomness.

    Raises
    ------
    ValueError
        If the chain cannot get from start to end in so many steps, or the matrix is not
        row-stochastic.

    References
    ----------
    Doob's h-transform: Levin and Peres, Markov Chains and Mixing Times (2017), section 17.6.1.
    """
    matrix = _stochastic(transition_matrix)
    ahead = _reach_end(matrix, end, length)
    if ahead[0][start] <= 0:
        raise ValueError(
            f"no path of {length} states leads from state {start} to state {end}; ask for longer "
            "paths or other ends"
        )
    paths = np.empty((n_paths, length), dtype=np.int64)
    paths[:, 0] = start
    for t in range(1, length):
        weights = matrix[paths[:, t - 1]] * ahead[t]
        cumulated = np.cumsum(weights, axis=1)
        threshold = rng.random(n_paths)[:, None] * cumulated[:, -1:]
        paths[:, t] = np.sum(cumulated <= threshold, axis=1)
    return paths


def path_probabilities(paths: ArrayLike, transition_matrix: ArrayLike) -> Array:
    """Probability ``(n_paths,)`` of each path, given where it starts and ends.

    Parameters
    ----------
    paths
        ``(n_paths, length)`` integer states; the last column must be one state.
    transition_matrix
        ``(S, S)`` row-stochastic, of the reference.

    Returns
    -------
    ndarray
        float64; zero for a path with a step that the chain does not make.

    Raises
    ------
    ValueError
        If the paths do not end in one state, or the matrix is not row-stochastic.
    """
    matrix = _stochastic(transition_matrix)
    states = np.asarray(paths, dtype=np.int64)
    if states.ndim != 2 or states.size == 0 or np.any(states[:, -1] != states[0, -1]):
        raise ValueError(
            f"expected paths of shape (n, length) that end in one state, got shape {states.shape}"
        )
    ahead = _reach_end(matrix, int(states[0, -1]), states.shape[1])
    probability = np.ones(len(states))
    for t in range(1, states.shape[1]):
        here, there = states[:, t - 1], states[:, t]
        before = ahead[t - 1][here]
        step = matrix[here, there] * ahead[t][there]
        probability *= np.divide(step, before, out=np.zeros(len(states)), where=before > 0)
    return probability


def path_scores(paths: ArrayLike, transition_matrix: ArrayLike) -> PathScores:
    """Share of possible paths and mean probabilities under a Markov model.

    Raises
    ------
    ValueError
        As `path_probabilities`.
    """
    probability = path_probabilities(paths, transition_matrix)
    possible = probability[probability > 0]
    return PathScores(
        valid_rate=len(possible) / len(probability),
        mean_probability=float(probability.mean()),
        mean_valid_probability=float(possible.mean()) if len(possible) else float("nan"),
        n_paths=len(probability),
    )


def visited_states_jsd(reference: ArrayLike, generated: ArrayLike, n_states: int) -> float:
    """Jensen-Shannon distance of how often the paths of two sets visit each state.

    Raises
    ------
    ValueError
        If a set is empty, or a state is too large.
    """
    return occupancy_jsd(np.ravel(reference), np.ravel(generated), n_states)


def _reach_end(matrix: Array, end: int, length: int) -> list[Array]:
    """Entry t: probability ``(S,)`` to be in ``end`` after the steps left at t."""
    ahead = [np.eye(len(matrix))[end]]
    for _ in range(length - 1):
        ahead.append(matrix @ ahead[-1])
    return ahead[::-1]


def _stochastic(transition_matrix: ArrayLike) -> Array:
    matrix = np.asarray(transition_matrix, dtype=np.float64)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    if not square or np.any(matrix < 0) or not np.allclose(matrix.sum(axis=1), 1.0):
        raise ValueError(
            "expected a square matrix of non-negative rows that sum to one, got shape "
            f"{matrix.shape}"
        )
    return matrix
