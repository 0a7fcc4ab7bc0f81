"""Weights of samples of several ensembles in each of them: `MixtureWeights`."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import logsumexp

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

# One sample that is as probable in one ensemble as in the other; a little less, for rounding.
_HALFWAY = 0.249
_MOST_ITERATIONS = 500


@dataclass(frozen=True, eq=False)
class MixtureWeights:
    """Weight of each sample of a mixture of K ensembles in each of these, by MBAR.

    Attributes
    ----------
    free_energies_kt
        ``(K,)`` float64.
    counts
        ``(K,)`` int, samples drawn from each.
    weights
        ``(n, K)`` float64; they sum to 1 over the samples.

    References
    ----------
    Shirts and Chodera, J. Chem. Phys. 129, 124105 (2008), eqs. 11 and D6.

    Examples
    --------
    >>> energies = np.random.default_rng(1).normal(size=(100, 1)) ** 2 * [0.5, 0.5]
    >>> mixed = MixtureWeights.of(energies, np.array([50, 50]), np.zeros(2))
    >>> mixed.overlap.round(3).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """

    free_energies_kt: Array
    counts: Integers
    weights: Array

    @classmethod
    def of(cls, reduced_energies: Array, counts: Integers, free_energies_kt: Array) -> Self:
        """Weights at known free energies.

        Parameters
        ----------
        reduced_energies
            ``(n, K)``, kT, of each sample in each ensemble.
        counts
            ``(K,)``, how many samples were drawn from each.
        free_energies_kt
            ``(K,)``.
        """
        exponents = free_energies_kt - reduced_energies
        mixture = logsumexp(exponents + np.log(counts), axis=1, keepdims=True)
        return cls(free_energies_kt, counts, np.exp(exponents - mixture))

    @classmethod
    def solved(cls, reduced_energies: Array, counts: Integers, guess_kt: Array) -> Self:
        """Weights at the free energies that solve MBAR's equations.

        Ensembles that samples do not link stay as far apart as they are guessed to be.

        Parameters
        ----------
        reduced_energies, counts
            As for `of`, samples in the order of their ensembles.
        guess_kt
            ``(K,)``, free energies from which the solver starts.
        """
        free_energies = guess_kt.copy()
        drawn_from = np.repeat(np.arange(len(counts)), counts)
        linked = cls.of(reduced_energies, counts, guess_kt).linked()
        for group in np.unique(linked, axis=0):
            mine = reduced_energies[group[drawn_from]][:, group]
            found = _solution(mine, counts[group], guess_kt[group])
            free_energies[group] = found - found[0] + guess_kt[group][0]
        return cls.of(reduced_energies, counts, free_energies)

    def at(self, reduced_energies: Array) -> Self:
        """The same free energies and counts, weights of samples in another order."""
        return self.of(reduced_energies, self.counts, self.free_energies_kt)

    @property
    def overlap(self) -> Array:
        """Overlap matrix ``(K, K)`` float64; its rows sum to 1.

        References
        ----------
        Klimovich, Shirts and Mobley, J. Comput.-Aided Mol. Des. 29, 397 (2015).
        """
        return np.asarray(self.weights.T @ self.weights * self.counts)

    def linked(self) -> NDArray[np.bool_]:
        """Whether samples link ensembles, directly or by others, ``(K, K)``.

        Two are linked directly if they share as much as one sample halfway between them.
        """
        shared = self.overlap * self.counts[:, None]
        _, group = connected_components(shared > _HALFWAY, directed=False)
        return np.asarray(group[:, None] == group)

    def influence(self, ensemble: Integers) -> Array:
        """What each sample adds to the error of each free energy, ``(n, K)``, kT.

        To first order the error of the free energies, up to the same constant for all, is the sum
        of these. The mean of each ensemble's samples is taken off, since the number of samples of
        each was given and not drawn.

        Parameters
        ----------
        ensemble
            ``(n,)`` from which each sample was drawn.

        References
        ----------
        Li et al., J. Chem. Phys. 158, 214107 (2023).
        """
        response = np.linalg.pinv(np.eye(len(self.counts)) - self.overlap, rcond=1e-12)
        influence = -self.weights @ response.T
        sums = np.zeros((len(self.counts), len(self.counts)))
        np.add.at(sums, ensemble, influence)
        return np.asarray(influence - (sums / self.counts[:, None])[ensemble])


def _solution(reduced_energies: Array, counts: Integers, guess_kt: Array) -> Array:
    """Free energies ``(K,)`` of linked ensembles."""
    if len(counts) == 1:
        return np.zeros(1)
    with _silent():
        from pymbar import MBAR

        options = {"maximum_iterations": _MOST_ITERATIONS, "initial_f_k": guess_kt}
        solution = MBAR(reduced_energies.T, counts, **options)
    return np.asarray(solution.f_k, dtype=np.float64)


@contextmanager
def _silent() -> Iterator[None]:
    """Without pymbar's advice to install another package, which it logs as a warning."""
    logger = logging.getLogger("pymbar")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
