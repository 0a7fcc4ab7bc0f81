"""The slow coordinate in which two runs of the same windows differ: `suspected_coordinate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.hysteresis import standard_errors_apart
from openmm_genmd.analysis.statistics import statistical_inefficiency

Array = NDArray[np.float64]

SUSPICIOUS_STANDARD_ERRORS = 5.0
"""Difference of a coordinate between two runs above which it is suspected.

More than `MOST_STANDARD_ERRORS`, since the largest of many windows and coordinates is taken.
"""


def suspected_coordinate(
    observables_in: Mapping[str, NDArray[Any]],
    observables_out: Mapping[str, NDArray[Any]],
    windows_in: NDArray[np.integer],
    windows_out: NDArray[np.integer],
) -> str | None:
    """Name of what differs most between two runs, and where; None if nothing clearly does.

    Compared are the mean and the mean distance from the median of both runs, in each window, in
    standard errors that count correlation in the window and along the replicas that were in it.
    Of coordinates that clearly differ in one window the one counts that differs most over all of
    them: what is slow is carried from window to window, while what follows from it shows in some. A
    coordinate that hopped only a few times has large errors and may not be found.

    Parameters
    ----------
    observables_in, observables_out
        By name, ``(iterations, replicas)``; the same names in both. Angles without a jump at the
        end of their period.
    windows_in, windows_out
        ``(iterations, replicas)`` int: the window of each replica.

    Raises
    ------
    ValueError
        If names differ between the runs, or a shape is not that of the windows.
    """
    _require_same(observables_in, observables_out, windows_in, windows_out)
    windows = np.intersect1d(windows_in, windows_out)
    apart = {
        name: np.array(
            [
                _difference(values, observables_out[name], windows_in, windows_out, k)
                for k in windows
            ]
        )
        for name, values in observables_in.items()
    }
    clear = {n: d for n, d in apart.items() if d.max(initial=0.0) > SUSPICIOUS_STANDARD_ERRORS}
    if not clear:
        return None
    name = max(clear, key=lambda n: float(np.square(clear[n]).mean()))
    return f"{name} (window {windows[clear[name].argmax()]})"


def _require_same(
    observables_in: Mapping[str, NDArray[Any]],
    observables_out: Mapping[str, NDArray[Any]],
    windows_in: NDArray[np.integer],
    windows_out: NDArray[np.integer],
) -> None:
    if set(observables_in) != set(observables_out):
        raise ValueError(
            f"both runs must record the same coordinates, got {sorted(observables_in)} and "
            f"{sorted(observables_out)}"
        )
    for observables, windows in ((observables_in, windows_in), (observables_out, windows_out)):
        for name, values in observables.items():
            if np.shape(values) != np.shape(windows):
                raise ValueError(
                    f"{name!r} must be of the shape of the windows, {np.shape(windows)}, got "
                    f"{np.shape(values)}"
                )


def _difference(
    values_in: NDArray[Any],
    values_out: NDArray[Any],
    windows_in: NDArray[np.integer],
    windows_out: NDArray[np.integer],
    window: int,
) -> float:
    """Difference in a window, standard errors."""
    first = np.asarray(values_in, dtype=np.float64)
    second = np.asarray(values_out, dtype=np.float64)
    here_in, here_out = windows_in == window, windows_out == window
    median = np.median(np.concatenate([first[here_in], second[here_out]]))
    pairs = (first, second), (np.abs(first - median), np.abs(second - median))
    return max(standard_errors_apart(_mean(a, here_in), _mean(b, here_out)) for a, b in pairs)


def _mean(values: Array, here: NDArray[np.bool_]) -> tuple[float, float]:
    """Mean in a window, with the larger of its errors in time and along replicas."""
    mine = values[here]
    deviation = np.where(here, values - mine.mean(), 0.0)
    variance = mine.var() / len(mine)
    series = mine, deviation.T.ravel()
    slowest = max((statistical_inefficiency(s) for s in series if np.ptp(s) > 0), default=1.0)
    return float(mine.mean()), float(np.sqrt(variance * slowest))
