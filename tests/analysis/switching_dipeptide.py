"""Trajectories of alanine dipeptide whose torsions are those of a known two-state chain."""

from __future__ import annotations

import numpy as np

from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.trajectory_source import TrajectorySource
from openmm_genmd.representations.torsions import TorsionRepresentation

TOPOLOGY, NATIVE_NM = load_structure("alanine-dipeptide")
CENTERS_RAD = np.array([[-1.4, 1.2], [1.0, 0.6]])  # phi, psi
WIDTH_RAD = 0.25
LEAVE = np.array([0.02, 0.06])  # of either state, each frame: populations 3/4 and 1/4


def chain(n, rng, start=0):
    """States ``(n,)`` of the two-state Markov chain."""
    states = np.empty(n, dtype=np.int64)
    states[0] = start
    leaves = rng.random(n)
    for t in range(1, n):
        here = states[t - 1]
        states[t] = 1 - here if leaves[t] < LEAVE[here] else here
    return states


def torsions(states, rng):
    """phi and psi ``(n, 2)`` rad, normally distributed about the center of each state."""
    angles = CENTERS_RAD[states] + WIDTH_RAD * rng.normal(size=(len(states), 2))
    return (angles + np.pi) % (2 * np.pi) - np.pi


def positions_nm(angles_rad):
    """Conformations ``(n, 22, 3)`` with these torsions."""
    representation = TorsionRepresentation.from_topology(TOPOLOGY)
    return representation.decode(angles_rad, NATIVE_NM)


def source(frames_nm, interval_ps=1.0, **more):
    return TrajectorySource.of_array(
        frames_nm, more.pop("topology", TOPOLOGY), frame_interval_ps=interval_ps, **more
    )
