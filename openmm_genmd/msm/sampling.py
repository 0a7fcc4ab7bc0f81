"""Frames drawn so that rare states are covered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.states import States


def frame_weights(
    states: States,
    population_power: float = 0.0,
    *,
    within: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Probabilities ``(n_frames,)`` that give each state the weight population ** power.

    Parameters
    ----------
    states
        The state of each frame.
    population_power
        0: uniform over states, so that the rarest basin counts as much as the largest; 1: as in
        the trajectories; up to 2: common states still more, where the trajectories were started
        in rare ones much more often than these are visited at equilibrium.
    within
        ``(n_frames,)``, the frames that may be drawn; all by default. States keep their weights
        however many of their frames are among them, as long as there is one.

    Raises
    ------
    ValueError
        If the power is outside [0, 2], or no frame may be drawn.

    Examples
    --------
    >>> import numpy as np
    >>> frame_weights(States(np.array([0, 0, 0, 1]), 2, ())).round(3).tolist()
    [0.167, 0.167, 0.167, 0.5]
    """
    if not 0.0 <= population_power <= 2.0:
        raise ValueError(f"population_power must be between 0 and 2, got {population_power}")
    allowed = np.ones(len(states.labels), dtype=bool) if within is None else within
    if not allowed.any():
        raise ValueError("no frame may be drawn; within must be True for at least one")
    counts = np.bincount(states.labels[allowed], minlength=states.n_states)
    per_frame = states.populations**population_power / np.maximum(counts, 1)
    weights = np.where(allowed, per_frame[states.labels], 0.0)
    return np.asarray(weights / weights.sum())
