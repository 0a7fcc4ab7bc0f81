"""What is missing when trajectories do not determine a Markov model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_PAIRS_PER_FEATURE = 10
"""With fewer, TICA finds slow coordinates in noise: spurious autocorrelations of about 0.6."""

_FRAMES_PER_STATE = 20
_LISTED = 6


class SamplingError(ValueError):
    """Raised when the trajectories do not determine a Markov model; the text says what is missing.

    Examples
    --------
    >>> issubclass(SamplingError, ValueError)
    True
    """


def check_lengths(lengths: Sequence[int], lag_frames: int, n_states: int) -> None:
    """Refuse trajectories that are too short for a lag, or too few for a number of states.

    Parameters
    ----------
    lengths
        Frames of each continuous replica.
    lag_frames
        Lag of the Markov model, in frames.
    n_states
        Metastable states that are asked for.

    Raises
    ------
    SamplingError
        If no replica is longer than the lag, or there are fewer than 20 frames for each state.
    """
    if max(lengths, default=0) <= lag_frames:
        raise SamplingError(
            f"expected at least one replica of more than {lag_frames} frames, the lag of the "
            f"Markov model, got at most {max(lengths, default=0)}; simulate longer, write frames "
            "more often, or choose a shorter lag"
        )
    if sum(lengths) < _FRAMES_PER_STATE * n_states:
        raise SamplingError(
            f"expected at least {_FRAMES_PER_STATE * n_states} frames for {n_states} states, got "
            f"{sum(lengths)}; simulate longer, or ask for fewer states"
        )


def check_pairs(n_pairs: int, n_features: int, lag_frames: int) -> None:
    """Refuse fewer pairs of frames than TICA needs for its number of features.

    Parameters
    ----------
    n_pairs
        Pairs of frames one lag apart, over all replicas.
    n_features, lag_frames
        What TICA is asked for.

    Raises
    ------
    SamplingError
        If there are fewer than ten pairs for each feature.
    """
    if n_pairs < _PAIRS_PER_FEATURE * n_features:
        raise SamplingError(
            f"undersampled: TICA of {n_features} features needs at least "
            f"{_PAIRS_PER_FEATURE * n_features} pairs of frames {lag_frames} frames apart, got "
            f"{n_pairs}; simulate longer, choose a shorter lag, or use fewer features (shape: "
            "radius of gyration and secondary structure)"
        )


def connected_sets(counts: Array) -> list[Integers]:
    """Sets of states that the trajectories connect there and back, most counts first.

    Parameters
    ----------
    counts
        ``(n, n)`` transition counts.

    Examples
    --------
    >>> counts = np.array([[9.0, 1, 0], [1, 5, 1], [0, 0, 3]])
    >>> [members.tolist() for members in connected_sets(counts)]  # from 2 there is no way back
    [[0, 1], [2]]
    """
    n_sets, names = connected_components(counts > 0, directed=True, connection="strong")
    sets = [np.flatnonzero(names == name) for name in range(n_sets)]
    inside = [counts[np.ix_(members, members)].sum() for members in sets]
    return [sets[i] for i in np.argsort(-np.asarray(inside), kind="stable")]


def choose_set(
    counts: Array,
    labels: Sequence[Integers],
    *,
    min_fraction: float,
    keep_largest: bool = False,
) -> tuple[Integers, str]:
    """The connected set to model ``(n_members,)``, and why other frames are left out.

    Parameters
    ----------
    counts
        ``(n, n)`` transition counts between microstates at the lag.
    labels
        Microstate of each frame, one array ``(n_frames,)`` for each replica.
    min_fraction
        Share of the frames that the largest set must hold.
    keep_largest
        Take the largest set however small it is.

    Raises
    ------
    SamplingError
        If the largest connected set holds fewer frames, with the sets and their replicas.
    """
    frames = np.array([np.bincount(part, minlength=len(counts)) for part in labels])
    sets = [s for s in connected_sets(counts) if frames[:, s].any()]
    sets.sort(key=lambda members: -int(frames[:, members].sum()))
    outside = 1.0 - frames[:, sets[0]].sum() / frames.sum()
    if outside == 0.0:
        return sets[0], ""
    described = describe_sets(sets, frames)
    if 1.0 - outside < min_fraction and not keep_largest:
        raise SamplingError(
            f"disconnected: the trajectories do not connect {len(sets)} sets of conformations "
            f"there and back at this lag, expected one with at least {min_fraction:.0%} of the "
            f"frames, got {described}. Their relative populations are unknown. Add trajectories "
            "that cross between them (longer, hotter, or with leaps), choose another lag, or "
            "model the largest set alone (--keep-largest-set)"
        )
    n_outside = int(frames.sum() - frames[:, sets[0]].sum())
    return sets[0], (
        f"{n_outside:,} frames ({outside:.2%}) are excluded, label -1: their microstates are not "
        f"connected there and back with the largest set ({described})"
    )


def describe_sets(sets: Sequence[Integers], frames: Integers) -> str:
    """Share of the frames and replicas of each set, in words.

    Parameters
    ----------
    sets
        Members of each set.
    frames
        ``(n_replicas, n)``, frames of each replica in each microstate.

    Examples
    --------
    >>> frames = np.array([[8, 0], [0, 2]])
    >>> describe_sets([np.array([0]), np.array([1])], frames)
    '80.0 % in replica 0; 20.0 % in replica 1'
    """
    texts = [_describe(frames[:, members].sum(axis=1), frames.sum()) for members in sets[:_LISTED]]
    more = f"; {len(sets) - _LISTED} more" if len(sets) > _LISTED else ""
    return "; ".join(texts) + more


def _describe(inside: Integers, total: int) -> str:
    replicas = np.flatnonzero(inside)
    names = ", ".join(str(i) for i in replicas[:_LISTED])
    names += f" and {len(replicas) - _LISTED} more" if len(replicas) > _LISTED else ""
    many = "s" if len(replicas) > 1 else ""
    return f"{100 * inside.sum() / total:.1f} % in replica{many} {names}"
