"""A free energy difference of windows from ever more of a run: `TimeConvergence`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.analysis.window_free_energy import window_free_energies

Array = NDArray[np.float64]
Estimate = tuple[float, float]


@dataclass(frozen=True, eq=False)
class TimeConvergence:
    """Estimates from growing parts of a run, counted from its start and from its end.

    Attributes
    ----------
    iterations
        ``(n,)`` int, how long each part is; the last is the whole run.
    forward_kt, reverse_kt
        ``(n, 2)`` float64, value and standard error, kT: of the first and of the last iterations.

    References
    ----------
    Klimovich, Shirts and Mobley, J. Comput.-Aided Mol. Des. 29, 397 (2015), section on forward and
    reverse time.

    Examples
    --------
    >>> x = np.random.default_rng(1).normal(size=(2000, 2)) * [1.0, 0.5]
    >>> energies = 0.5 * x[:, :, None] ** 2 * [1.0, 4.0]
    >>> run = convergence_in_time(energies, np.tile([0, 1], (2000, 1)), 0, 1)
    >>> bool(abs(run.first_half[0] - np.log(2)) < 4 * run.first_half[1])
    True
    """

    iterations: NDArray[np.int64]
    forward_kt: Array
    reverse_kt: Array

    @property
    def first_half(self) -> Estimate:
        """Value and standard error of the first half of the run, kT."""
        return _middle(self.forward_kt)

    @property
    def second_half(self) -> Estimate:
        """Value and standard error of the second half of the run, kT."""
        return _middle(self.reverse_kt)


def convergence_in_time(
    reduced_energies: ArrayLike, windows: ArrayLike, i: int, j: int, *, parts: int = 8
) -> TimeConvergence:
    """Free energy of window j minus that of window i in growing parts of a run.

    Parameters
    ----------
    reduced_energies, windows
        As for `window_free_energies`, from equilibrium on.
    i, j
        Windows.
    parts
        Number of parts, even, so that one of them is half of the run.

    Raises
    ------
    ValueError
        If the number of parts is odd or not positive, or as `window_free_energies`, for the
        shortest part.
    """
    if parts < 2 or parts % 2:
        raise ValueError(f"parts must be even and at least 2, got {parts}")
    energies, places = np.asarray(reduced_energies), np.asarray(windows)
    lengths = np.arange(1, parts + 1) * len(energies) // parts

    def of(which: slice) -> Estimate:
        return window_free_energies(energies[which], places[which], discard=0).difference(i, j)

    forward = [of(slice(None, n)) for n in lengths]
    reverse = [of(slice(len(energies) - n, None)) for n in lengths[:-1]]
    return TimeConvergence(lengths, np.array(forward), np.array([*reverse, forward[-1]]))


def _middle(estimates: Array) -> Estimate:
    value, error = estimates[len(estimates) // 2 - 1]
    return float(value), float(error)
