"""Markov chains whose answers are known exactly."""

from __future__ import annotations

import numpy as np


def simulate_chains(matrix, n_replicas, n, seed, starts=None):
    """Chains ``(n_replicas, n)`` int64 of a transition matrix, from equilibrium by default."""
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(matrix, axis=1)
    states = np.empty((n, n_replicas), dtype=np.int64)
    equilibrium = np.linalg.matrix_power(matrix, 100_000)[0]
    states[0] = (
        rng.choice(len(matrix), n_replicas, p=equilibrium / equilibrium.sum())
        if starts is None
        else starts
    )
    for i in range(1, n):
        above = rng.random(n_replicas)[:, None] * cumulative[states[i - 1], -1:]
        states[i] = (cumulative[states[i - 1]] <= above).sum(axis=1)
    return states.T


def metropolis_matrix(populations, step=0.3):
    """A reversible transition matrix of neighbours on a line with the given populations."""
    n = len(populations)
    matrix = np.zeros((n, n))
    for i in range(n):
        for j in (i - 1, i + 1):
            if 0 <= j < n:
                matrix[i, j] = step * min(1.0, populations[j] / populations[i])
        matrix[i, i] = 1.0 - matrix[i].sum()
    return matrix


def emit(states, centers, noise, seed):
    """Features ``(n, d)``: the center of each state, and Gaussian noise."""
    points = np.asarray(centers, dtype=float)[states]
    return points + np.random.default_rng(seed).normal(0, noise, points.shape)


def block_matrix(hops=(0.004, 0.012, 0.03), size=3, seed=0):
    """A reversible matrix of metastable sets in a row: fast mixing inside, rare hops between.

    Returned with the set of each state and the exact populations.
    """
    rng = np.random.default_rng(seed)
    sets = np.repeat(np.arange(len(hops) + 1), size)
    populations = rng.uniform(0.5, 1.5, len(sets))
    populations /= populations.sum()
    between = np.eye(len(hops) + 1)
    for k, hop in enumerate(hops):
        between[k, k + 1] = between[k + 1, k] = hop
    # T_ij = R_ij pi_j obeys detailed balance for any symmetric R.
    matrix = between[np.ix_(sets, sets)] * populations * 0.6 / np.bincount(sets, populations).max()
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, 1.0 - matrix.sum(axis=1))
    return matrix, sets, populations


def lump(matrix, sets, populations):
    """The exact transition matrix between sets in equilibrium."""
    inside = np.eye(sets.max() + 1)[sets]
    flux = inside.T @ (populations[:, None] * matrix) @ inside
    return flux / flux.sum(axis=1, keepdims=True)
