"""Replica exchange along a decoupling, and its free energies: `sample`, `estimate`."""

from __future__ import annotations

import logging
import random
import time
from typing import Any

import numpy as np
from decoupling import Decoupling
from numpy.typing import NDArray
from openmm.app import ReplicaExchangeSampler

from openmm_genmd.units import KJ_PER_KCAL

# It says that it could be faster with JAX.
logging.getLogger("pymbar").setLevel(logging.ERROR)

Floats = NDArray[np.float64]

STEPS_PER_ITERATION = 125
LEAST_ITERATIONS = 8
SEED_STEPS = 500
LOOSE_STEPS = 5000
"""Without interactions, in which the guest turns as it likes."""


class Recorder:
    """Reporter of the sampler: energies and distances of every iteration.

    Attributes
    ----------
    energies
        One ``(n_states, n_states)`` per iteration: of the frame of a state (first) in all, kJ/mol.
    distances
        ``(n_states,)`` per iteration, of the centers in the frame of a state, nm.
    states
        ``(n_replicas,)`` per iteration, in which each replica is.
    """

    def __init__(self, decoupling: Decoupling) -> None:
        self._decoupling = decoupling
        self.energies: list[Floats] = []
        self.distances: list[Floats] = []
        self.states: list[list[int]] = []

    def __call__(self, sampler: ReplicaExchangeSampler) -> None:
        """Record what the sampler has."""
        order = np.argsort(sampler.replicaStateIndex)
        rows = [[e._value for e in sampler.replicaStateEnergy[n]] for n in order]
        self.energies.append(np.array(rows))
        found = [sampler.replicaConformation[n].getPositions(asNumpy=True)._value for n in order]
        self.distances.append(np.array([self._decoupling.distance_nm(x) for x in found]))
        self.states.append(list(sampler.replicaStateIndex))


class Exchange(ReplicaExchangeSampler):  # type: ignore[misc]
    """Replica exchange that leaves out what is zero in a state."""

    def simulateReplica(self, index: int, steps: int | None = None) -> None:  # noqa: N802
        """Simulate a replica, see the base."""
        groups = Decoupling.groups(self.states[self.replicaStateIndex[index]])
        self.simulation.integrator.setIntegrationForceGroups(groups)
        super().simulateReplica(index, steps)


def sample(decoupling: Decoupling, cpu_seconds: float, seed: int, *, inward: bool) -> Recorder:
    """Replica exchange for some time.

    Parameters
    ----------
    decoupling
        Its Hamiltonian.
    cpu_seconds
        Time of one core, starts left out.
    seed
        Of all random numbers.
    inward
        Whether replicas start from a guest that grows into the host, not from the complex.
    """
    # The sampler has no generator of its own.
    random.seed(seed)
    simulation = decoupling.simulation(seed)
    sampler = Exchange(decoupling.states, simulation, STEPS_PER_ITERATION)
    _start(sampler, inward=inward)
    recorder = Recorder(decoupling)
    sampler.reporters.append(recorder)
    end = time.process_time() + cpu_seconds
    while time.process_time() < end or sampler.currentIteration < LEAST_ITERATIONS:
        sampler.simulate(1)
    return recorder


def _start(sampler: Exchange, *, inward: bool) -> None:
    """Bring the guest through all states, each time from where it was in the last one."""
    states = list(range(len(sampler.states)))
    if inward:
        states.reverse()
        sampler.simulateReplica(states[0], LOOSE_STEPS)
    last = sampler.replicaConformation[states[0]]
    for n in states:
        sampler.replicaConformation[n] = last
        sampler.simulateReplica(n, SEED_STEPS)
        last = sampler.replicaConformation[n]


def estimate(decoupling: Decoupling, recorder: Recorder) -> dict[str, Any]:
    """Free energies, kcal/mol, and how they were found."""
    from pymbar import MBAR, timeseries

    energies = np.array(recorder.energies) / decoupling.kt_kj_per_mol
    # What the free energy is a mean of, without the noise of the rest.
    up = np.diagonal(energies, 1, 1, 2) - np.diagonal(energies, 0, 1, 2)[:, :-1]
    series = up.sum(axis=1)
    skip = max(1, len(series) // 50)
    start, inefficiency, _ = timeseries.detect_equilibration(series, nskip=skip)
    kept = start + timeseries.subsample_correlated_data(series[start:], g=inefficiency)
    frames = energies[kept]
    n_states = frames.shape[1]
    # State by state, frame by frame, for each state in which a frame is evaluated.
    reduced = frames.transpose(2, 1, 0).reshape(n_states, -1)
    distances = np.array(recorder.distances)[kept].T.reshape(-1)
    free = reduced[0] - decoupling.wall_kj_per_mol(distances) / decoupling.kt_kj_per_mol
    # The first solver by default has options that SciPy does not know.
    mbar = MBAR(
        np.vstack([reduced, free]),
        np.array([len(kept)] * n_states + [0]),
        solver_protocol=({"method": "adaptive"},),
    )
    found = mbar.compute_free_energy_differences()
    scale = decoupling.kt_kj_per_mol / KJ_PER_KCAL
    to_kcal = scale * found["Delta_f"]
    uncharged = [s["lambda_electrostatics"] for s in decoupling.states].index(0.0)
    standard = decoupling.standard_state_kj_per_mol() / KJ_PER_KCAL
    overlap = mbar.compute_overlap()["matrix"]
    return {
        "unbinding_kcal_per_mol": float(to_kcal[-1, n_states - 1] + standard),
        "error_kcal_per_mol": float(scale * found["dDelta_f"][-1, n_states - 1]),
        "electrostatics_kcal_per_mol": float(to_kcal[0, uncharged]),
        "sterics_kcal_per_mol": float(to_kcal[uncharged, n_states - 1]),
        "standard_state_kcal_per_mol": standard,
        "restraint_kcal_per_mol": float(to_kcal[-1, 0]),
        "overlap": [round(float(overlap[n, n + 1]), 4) for n in range(n_states - 1)],
        "inefficiency": float(inefficiency),
        "equilibration": int(start),
    }


def round_trips(states: list[list[int]], last: int) -> float:
    """Ways of replicas from one end to the other, two to a round trip."""
    ways = 0
    for replica in np.array(states).T:
        ends = replica[(replica == 0) | (replica == last)]
        ways += int(np.count_nonzero(np.diff(ends)))
    return ways / 2
