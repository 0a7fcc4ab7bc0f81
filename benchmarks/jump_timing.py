"""What a jump costs, in MD steps, and what jumps cost that never happen.

Everything is a ratio of two pieces of one run that take turns. Where a single thread does all the
work, CPU time is the better clock: other programs on the machine disturb it less than wall time,
and on an idle core the two are the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit
from timed_systems import TimedSystem

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer

MIN_PAIRS = 4
NEVER = 2**30
INTERVAL = 2
BLOCK_SECONDS = 0.05
# Displacements: within, and far beyond, what a neighbor list tolerates before it is built anew.
SHORT_NM, LONG_NM = 0.02, 0.5
CERTAIN, HOPELESS = 1e9, -50.0


class Shift(Proposer):
    """Moves its particles to and fro by a fixed displacement, with a ratio that decides."""

    grade = "exact"

    def __init__(self, particles: list[int], shift_nm: float, log_ratio: float) -> None:
        self.particles, self.log_ratio = particles, log_ratio
        self._shift = np.array([shift_nm, 0.0, 0.0])

    def propose(
        self,
        positions: NDArray[np.float64],
        box: NDArray[np.float64] | None,
        rng: np.random.Generator,
    ) -> Proposal:
        """Shift; the next proposal goes the other way."""
        self._shift = -self._shift
        return Proposal(positions + self._shift, self.log_ratio)


class Exchange(Shift):
    """Lets water molecules take each other's places, which costs no energy."""

    def propose(
        self,
        positions: NDArray[np.float64],
        box: NDArray[np.float64] | None,
        rng: np.random.Generator,
    ) -> Proposal:
        """Move each molecule to the place of the next."""
        return Proposal(np.roll(positions, 3, axis=0), self.log_ratio)


@dataclass(frozen=True)
class Jump:
    """A kind of jump to be timed: a proposer for the moved particles, and how many tries."""

    name: str
    make_proposer: Callable[[list[int]], Proposer]
    tries: int = 1


JUMPS = (
    Jump("reject", lambda moved: Shift(moved, SHORT_NM, HOPELESS)),
    Jump("accept", lambda moved: Shift(moved, 0.001, CERTAIN)),
    Jump("four_tries", lambda moved: Shift(moved, SHORT_NM, HOPELESS), 4),
)
LONG_JUMPS = (
    Jump("reject_long_leap", lambda moved: Shift(moved, LONG_NM, HOPELESS)),
    Jump("accept_long_leap", lambda moved: Exchange(moved, 0.0, CERTAIN)),
)


@dataclass(frozen=True)
class Machine:
    """A platform with its properties, and the clock that suits it."""

    platform: str
    properties: tuple[tuple[str, str], ...]
    clock: Callable[[], float]

    def start(self, timed: TimedSystem, integrator: openmm.Integrator) -> openmm.Context:
        """Create a Context with velocities at 300 K."""
        platform = openmm.Platform.getPlatformByName(self.platform)
        context = openmm.Context(timed.system, integrator, platform, dict(self.properties))
        context.setPositions(timed.positions_nm)
        context.setVelocitiesToTemperature(300 * unit.kelvin, 1)
        return context

    def seconds(self, context: openmm.Context, integrator: openmm.Integrator, steps: int) -> float:
        """Time some steps, until the device has done them, which reading positions waits for."""
        start = self.clock()
        integrator.step(steps)
        context.getState(positions=True)
        return self.clock() - start


def thermostat() -> openmm.LangevinMiddleIntegrator:
    """Make the inner integrator."""
    inner = openmm.LangevinMiddleIntegrator(
        300 * unit.kelvin, 1 / unit.picosecond, 2 * unit.femtoseconds
    )
    inner.setRandomNumberSeed(1)
    return inner


def throughput_ratios(machine: Machine, timed: TimedSystem, seconds: float) -> NDArray[np.float64]:
    """Speed ``(n_pairs,)`` of MD with jumps that never fall due, over that of the bare integrator.

    Both follow the same trajectory, from the same seed. They take turns in being first.
    """
    bare = thermostat()
    hybrid = GenerativeJumpIntegrator(
        thermostat(), Shift(timed.moved, SHORT_NM, HOPELESS), NEVER, seed=1
    )
    runs = [(machine.start(timed, integrator), integrator) for integrator in (bare, hybrid)]
    steps = _calibrated_steps(machine, runs, seconds)
    ratios = []
    end = time.perf_counter() + seconds
    while len(ratios) < MIN_PAIRS or time.perf_counter() < end:
        order = (0, 1) if len(ratios) % 2 == 0 else (1, 0)
        spent = {which: machine.seconds(*runs[which], steps) for which in order}
        ratios.append(spent[0] / spent[1])
    return np.array(ratios)


def _calibrated_steps(
    machine: Machine, runs: list[tuple[openmm.Context, openmm.Integrator]], seconds: float
) -> int:
    """Steps per turn: about 20 pairs in the time there is; everything is warm afterwards."""
    for context, integrator in runs:
        machine.seconds(context, integrator, 2)
    each = max(machine.seconds(context, integrator, 4) / 4 for context, integrator in runs)
    return max(1, int(seconds / 40 / max(each, 1e-6)))


def jump_costs(
    machine: Machine, timed: TimedSystem, jumps: tuple[Jump, ...], seconds: float
) -> dict[str, NDArray[np.float64]]:
    """Costs ``(n_pairs,)`` of every kind of jump, in MD steps.

    Blocks of MD steps with a jump in their middle take turns with blocks of as many steps without
    one; what a jump makes dearer after it, such as a neighbor list, is counted.
    """
    runs = {jump.name: _Blocks(machine, timed, jump) for jump in jumps}
    costs: dict[str, list[float]] = {name: [] for name in runs}
    end = time.perf_counter() + seconds
    while len(costs[jumps[0].name]) < MIN_PAIRS or time.perf_counter() < end:
        for name, blocks in runs.items():
            costs[name].append(blocks.cost())
    for blocks in runs.values():
        blocks.require_outcome()
    return {name: np.array(values) for name, values in costs.items()}


class _Blocks:
    """A run in which every other block of MD steps contains jumps."""

    def __init__(self, machine: Machine, timed: TimedSystem, jump: Jump) -> None:
        self.jump, self.machine = jump, machine
        proposer = jump.make_proposer(timed.moved)
        self.integrator = GenerativeJumpIntegrator(
            thermostat(), proposer, INTERVAL, jump.tries, seed=1
        )
        self.context = machine.start(timed, self.integrator)
        self.n_jumps = 1
        self.cost()
        # One jump per block where steps are slow, many where one could not be timed.
        self.n_jumps = int(np.clip(BLOCK_SECONDS / self._seconds(NEVER), 1, 500))

    def cost(self) -> float:
        """Time one block of each kind; the cost of a jump in MD steps."""
        plain, with_jumps = self._seconds(NEVER), self._seconds(INTERVAL)
        return (with_jumps - plain) / plain * INTERVAL

    def _seconds(self, interval: int) -> float:
        """Time a block; its jumps fall due in the middle of each interval."""
        self.integrator.setJumpInterval(interval)
        self.context.setStepCount(INTERVAL // 2)
        return self.machine.seconds(self.context, self.integrator, INTERVAL * self.n_jumps)

    def require_outcome(self) -> None:
        """Raise RuntimeError if jumps were not decided as they should be."""
        accepted = self.integrator.getNumJumpsAccepted()
        expected = self.integrator.getNumJumpsAttempted() if "accept" in self.jump.name else 0
        if accepted != expected:
            raise RuntimeError(
                f"of the jumps {self.jump.name!r} {expected} should have been accepted, "
                f"{accepted} were"
            )
