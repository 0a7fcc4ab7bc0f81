"""Frames drawn so that rare states are covered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.states import States


def frame_weights(states: States, population_power: float = 0.0) -> NDArray[np.float64]:
    """Probabilities ``(n_frames,)`` that give state s the weight population_s ** power.

    Parameters
    ----------
    states
        The state of each frame.
    population_power
        0: uniform over states, so that the rarest basin counts as much as the largest; 1: as in
        the trajectories; up to 2: common states still more, where the trajectories were started
        in rare ones much more often than these are visited at equilibrium.

    Raises
    ------
    ValueError
        If the power is outside [0, 2].

    Examples
    --------
    >>> import numpy as np
    >>> frame_weights(States(np.array([0, 0, 0, 1]), 2, ())).round(3).tolist()
    [0.167, 0.167, 0.167, 0.5]
    """
    if not 0.0 <= population_power <= 2.0:
        raise ValueError(f"population_power must be between 0 and 2, got {population_power}")
    populations = states.populations
    total = np.sum(populations**population_power)
    per_frame = populations ** (population_power - 1.0) / (total * len(states.labels))
    return np.asarray(per_frame[states.labels])
