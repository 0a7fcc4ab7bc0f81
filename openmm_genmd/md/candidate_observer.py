"""Functions that see the candidates of every attempt: `CandidateObserver`, `RecycledObservable`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class CandidateObserver:
    """Calls a function; something that C++ can refer to weakly, whatever the function is.

    Raises
    ------
    TypeError
        If it is not callable.
    """

    def __init__(self, function: Callable[[Array, Array], object]) -> None:
        if not callable(function):
            raise TypeError(f"an observer must be callable, got {function!r}")
        self._function = function

    def __call__(self, positions: Array, weights: Array) -> None:
        """Pass the conformations and their weights on."""
        self._function(positions, weights)


class RecycledObservable:
    """Averages of an observable over the candidates of each attempt, for waste recycling.

    Give it to ``integrator.setCandidateObserver()``. The mean of `values` over attempts is the
    Boltzmann average of the observable, and its error is that of a correlated series:
    ``openmm_genmd.analysis.statistics.average(recycled.values[:, 0])``.

    With a surrogate, and with a proposer that is conditional, only the picked candidate and the
    current state are recycled: the average over all candidates would be the surrogate's.

    Parameters
    ----------
    observable
        Function of positions ``(k, n_moved, 3)`` in nm, in the order of ``proposer.particles``,
        that returns ``(k,)`` or ``(k, m)`` numbers.

    Attributes
    ----------
    n_attempts
        Number of attempts seen.

    References
    ----------
    Frenkel, Proc. Natl. Acad. Sci. USA 101, 17571 (2004), eq. 11.
    Delmas & Jourdain, J. Appl. Probab. 46, 937 (2009), eq. 4.

    Examples
    --------
    >>> recycled = RecycledObservable(lambda positions: positions[:, 0, 0])
    >>> recycled(np.array([[[0.0, 0, 0]], [[1.0, 0, 0]]]), np.array([0.75, 0.25]))
    >>> recycled.values
    array([[0.25]])
    """

    def __init__(self, observable: Callable[[Array], Any]) -> None:
        self._observable = observable
        self._means: list[Array] = []

    @property
    def n_attempts(self) -> int:
        """Number of attempts seen."""
        return len(self._means)

    @property
    def values(self) -> Array:
        """Weighted average of each attempt, ``(n_attempts, m)``."""
        return np.array(self._means) if self._means else np.empty((0, 0))

    def __call__(self, positions: Array, weights: Array) -> None:
        """Add an attempt.

        Raises
        ------
        ValueError
            If the observable does not return one row for each conformation.
        """
        values = np.asarray(self._observable(positions), dtype=np.float64)
        if values.ndim not in (1, 2) or len(values) != len(positions):
            raise ValueError(
                f"the observable must return ({len(positions)},) or ({len(positions)}, m) numbers, "
                f"got shape {values.shape}"
            )
        used = weights > 0  # a candidate without weight may have values without meaning
        self._means.append(weights[used] @ values[used].reshape(int(used.sum()), -1))
