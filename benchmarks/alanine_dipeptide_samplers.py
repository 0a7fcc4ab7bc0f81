"""Samplers of alanine dipeptide that take turns on one core and record phi and psi alike."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from alanine_dipeptide_system import (
    TEMPERATURE_K,
    TIME_STEP_PS,
    current_positions_nm,
    make_simulation,
    make_system,
    make_thermostat,
    phi_psi_rad,
    torsion_atoms,
)
from numpy.typing import NDArray
from openmm import app

from openmm_genmd import GenerativeJumpIntegrator, Proposer
from openmm_genmd.analysis.crossings import Exits, followed_entries, in_rare_basin
from openmm_genmd.data.structures import load_structure

RECORD_STEPS = 20
FRAME_PS = RECORD_STEPS * TIME_STEP_PS
# An entry into alpha-left stays if it lasts this long, far below the mean exit time of ~1 ns.
SETTLE_PS = 5.0
FOLLOW_PS = 10.0
BACKWARD_RUNS = 4


class Sampler(Protocol):
    """Whatever can be given turns of wall time."""

    def run_for(self, seconds: float) -> None:
        """Sample until this much wall time has passed."""


class TorsionTrajectory:
    """A running Simulation with the phi and psi of every 20th step.

    The wall time counts everything: MD, model, acceptance, reporters and this recording.

    Parameters
    ----------
    simulation
        Plain MD, hybrid, or biased.
    """

    frame_ps = FRAME_PS

    def __init__(self, simulation: app.Simulation) -> None:
        self.simulation = simulation
        self.seconds = 0.0
        self._quads = torsion_atoms(simulation.topology)
        self._positions: list[NDArray[np.float64]] = []

    def run_for(self, seconds: float) -> None:
        """Sample until this much wall time has passed."""
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            self._advance(RECORD_STEPS)
            self._positions.append(current_positions_nm(self.simulation.context))
        self.seconds += time.perf_counter() - began

    def _advance(self, steps: int) -> None:
        self.simulation.step(steps)

    @property
    def minutes(self) -> float:
        """Wall time so far."""
        return self.seconds / 60

    @property
    def n_frames(self) -> int:
        """Recorded frames so far."""
        return len(self._positions)

    @property
    def steps(self) -> int:
        """MD steps so far."""
        return self.n_frames * RECORD_STEPS

    @property
    def time_ps(self) -> float:
        """Simulated time so far, ps."""
        return self.n_frames * self.frame_ps

    @property
    def positions_nm(self) -> NDArray[np.float64]:
        """Frames so far, ``(n, n_atoms, 3)`` float64, nm."""
        return np.array(self._positions)

    def phi_psi_rad(self) -> NDArray[np.float64]:
        """Angles of the frames so far, ``(n, 2)`` float64, rad."""
        return phi_psi_rad(self.positions_nm, self._quads)


class ExitTrajectories:
    """Plain MD from frames of alpha-left until each run reaches phi < 0, again and again.

    Each exit is followed: on in time, and several times with reversed velocities and new noise,
    which by microscopic reversibility are runs that set out from phi < 0 for alpha-left. The
    entries that they make tell how many crossings are quick recrossings. Following does not count
    as time in alpha-left.

    Parameters
    ----------
    rng
        Draws the start of each run and the seed of its velocities.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        topology, _ = load_structure("alanine-dipeptide")
        self._quads = torsion_atoms(topology)[:1]
        seed = int(rng.integers(1, 2**31))
        self._simulation = make_simulation(make_system(topology), make_thermostat(seed), seed)
        self._rng = rng
        self._starts: NDArray[np.float64] = np.empty((0, topology.getNumAtoms(), 3))
        self._inside = False
        self.exits = Exits(0.0, 0, 0, 0)
        self.seconds = 0.0

    def add_starts(self, positions_nm: NDArray[np.float64]) -> None:
        """Take frames ``(n, n_atoms, 3)``, nm, of the equilibrium inside alpha-left."""
        self._starts = np.concatenate([self._starts, positions_nm])

    def run_for(self, seconds: float) -> None:
        """Go on until this much wall time has passed; without a start there is nothing to do."""
        began = time.perf_counter()
        while len(self._starts) and time.perf_counter() - began < seconds:
            if not self._inside:
                self._enter()
            self._inside = self._next_phi_rad() > 0
            self._add(Exits(FRAME_PS, int(not self._inside), 0, 0))
            if not self._inside:
                self._follow()
        self.seconds += time.perf_counter() - began

    def _add(self, new: Exits) -> None:
        old = self.exits
        self.exits = Exits(
            old.total_time_ps + new.total_time_ps,
            old.n_exits + new.n_exits,
            old.n_entries + new.n_entries,
            old.n_stays + new.n_stays,
        )

    def _next_phi_rad(self) -> float:
        self._simulation.step(RECORD_STEPS)
        positions = current_positions_nm(self._simulation.context)[None]
        return float(phi_psi_rad(positions, self._quads)[0, 0])

    def _enter(self) -> None:
        start = self._starts[self._rng.integers(len(self._starts))]
        self._simulation.context.setPositions(start)
        seed = int(self._rng.integers(1, 2**31))
        self._simulation.context.setVelocitiesToTemperature(TEMPERATURE_K, seed)

    def _follow(self) -> None:
        context = self._simulation.context
        state = context.getState(positions=True, velocities=True)
        velocities = state.getVelocities(asNumpy=True)
        for direction in (1, *[-1] * BACKWARD_RUNS):
            context.setPositions(state.getPositions())
            context.setVelocities(direction * velocities)
            phi = [self._next_phi_rad() for _ in range(round(FOLLOW_PS / FRAME_PS))]
            # The exit itself comes first: every run starts in the common basin.
            entries, stays = followed_entries([-1.0, *phi], round(SETTLE_PS / FRAME_PS))
            self._add(Exits(0.0, 0, entries, stays))


def plain_md(seed: int) -> TorsionTrajectory:
    """Start plain MD of the main job."""
    topology, _ = load_structure("alanine-dipeptide")
    return TorsionTrajectory(make_simulation(make_system(topology), make_thermostat(seed), seed))


def hybrid(
    proposer: Proposer, *, jump_interval: int, tries_per_jump: int, seed: int
) -> TorsionTrajectory:
    """Start the same MD with leaps in between."""
    topology, _ = load_structure("alanine-dipeptide")
    integrator = GenerativeJumpIntegrator(
        make_thermostat(seed),
        proposer,
        jumpInterval=jump_interval,
        triesPerJump=tries_per_jump,
        seed=seed,
    )
    return TorsionTrajectory(make_simulation(make_system(topology), integrator, seed))


def take_turns(samplers: Iterable[tuple[Sampler, float]]) -> None:
    """Give each sampler its seconds of wall time, one after the other."""
    for sampler, seconds in samplers:
        sampler.run_for(seconds)


def rare_frames(trajectory: TorsionTrajectory, first: int) -> NDArray[np.float64]:
    """Pick the frames of alpha-left from frame ``first`` on, ``(n, n_atoms, 3)``, nm."""
    return trajectory.positions_nm[first:][in_rare_basin(trajectory.phi_psi_rad()[first:, 0])]
