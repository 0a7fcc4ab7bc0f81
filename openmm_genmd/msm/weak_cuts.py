"""Groups of states whose populations rest on a few transitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.diagnosis import SamplingError

Array = NDArray[np.float64]

_LISTED = 6


@dataclass(frozen=True)
class WeakCut:
    """A group of states that is joined to the rest by few transitions.

    Attributes
    ----------
    states
        The smaller of the two groups, by frames.
    crossings
        How often the group was entered or left, whichever is rarer.
    share
        Its share of the frames.

    Examples
    --------
    >>> print(WeakCut((3, 4), 1.0, 0.2))
    states 3, 4 with 20.0 % of the frames entered and left 1 time
    """

    states: tuple[int, ...]
    crossings: float
    share: float

    def __str__(self) -> str:
        """The group in words."""
        names, times = ", ".join(map(str, self.states)), f"{self.crossings:.2g}"
        return (
            f"state{'s' * (len(self.states) > 1)} {names} with {100 * self.share:.1f} % of the "
            f"frames entered and left {times} time{'s' * (times != '1')}"
        )


def crossings(counts: Array, lag_frames: int) -> Array:
    """How often each state was entered or left, whichever is rarer, ``(n_states,)``.

    Parameters
    ----------
    counts
        ``(n_states, n_states)`` transition counts of sliding windows.
    lag_frames
        Their lag. A lasting transition is counted once for each frame of the lag.

    Examples
    --------
    >>> crossings(np.array([[90.0, 10], [5, 50]]), lag_frames=5).tolist()
    [1.0, 1.0]
    """
    off = counts - np.diag(np.diag(counts))
    return np.asarray(np.minimum(off.sum(axis=0), off.sum(axis=1)) / lag_frames)


def weak_cuts(counts: Array, lag_frames: int, min_crossings: float) -> list[WeakCut]:
    """Groups of states that the trajectories entered or left too rarely, smallest groups first.

    Every division of the states into two groups is looked at: two well sampled halves that are
    joined by a single transition are found, although each of their states is left often. Groups
    made up of smaller ones that are listed already are not repeated.

    Parameters
    ----------
    counts
        ``(n_states, n_states)`` transition counts of sliding windows; at most 16 states.
    lag_frames
        Their lag, as for `crossings`.
    min_crossings
        A group that was entered or left less often has a population with a relative error of
        ``min_crossings ** -0.5`` or more.

    Examples
    --------
    >>> cut, = weak_cuts(np.array([[90.0, 10], [5, 50]]), lag_frames=5, min_crossings=3)
    >>> cut.states, cut.crossings, round(cut.share, 2)
    ((1,), 1.0, 0.35)
    """
    n = len(counts)
    # All groups without the last state: each with its complement is one division.
    inside = (np.arange(1, 2 ** (n - 1))[:, None] >> np.arange(n)) % 2 == 1
    leaving = np.einsum("gi,ij,gj->g", inside, counts, ~inside) / lag_frames
    entering = np.einsum("gi,ij,gj->g", ~inside, counts, inside) / lag_frames
    seen = np.minimum(leaving, entering)
    share = inside @ counts.sum(axis=1) / counts.sum()
    smaller = np.where((share <= 0.5)[:, None], inside, ~inside)
    cuts: list[WeakCut] = []
    listed: set[int] = set()
    weak = np.flatnonzero(seen < min_crossings)
    for g in weak[np.argsort(smaller[weak].sum(axis=1), kind="stable")]:
        states = tuple(np.flatnonzero(smaller[g]).tolist())
        if not listed.issuperset(states):
            listed.update(states)
            cuts.append(WeakCut(states, float(seen[g]), float(min(share[g], 1.0 - share[g]))))
    return cuts


def check_crossings(
    counts: Array, lag_frames: int, *, min_crossings: float, min_fraction: float
) -> list[str]:
    """Sentences on states whose populations rest on too few transitions; none if all is well.

    Parameters
    ----------
    counts, lag_frames, min_crossings
        As for `weak_cuts`.
    min_fraction
        Share of frames up to which such states are only told.

    Raises
    ------
    SamplingError
        If a group that was crossed too rarely holds more than this share of frames, so that the
        model would be wrong as a whole.
    """
    cuts = weak_cuts(counts, lag_frames, min_crossings)
    worst = max(cuts, key=lambda cut: cut.share, default=None)
    if worst is not None and worst.share > min_fraction:
        raise SamplingError(
            f"undersampled: expected every group of states to be entered and left at least "
            f"{min_crossings:g} times, got {worst}; populations and timescales would be guesses. "
            "Simulate longer or more replicas, start some in the rare states, ask for fewer "
            "states, or accept fewer crossings (--min-crossings)"
        )
    return [
        f"few transitions: {cut}, fewer than {min_crossings:g}; this population is uncertain"
        for cut in cuts[:_LISTED]
    ]
