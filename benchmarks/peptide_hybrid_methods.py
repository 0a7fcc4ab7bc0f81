"""Chains of plain MD, metadynamics and leaps on a peptide, which take turns on one core."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import openmm
from alanine_dipeptide_system import (
    PLATFORM,
    TEMPERATURE_K,
    current_positions_nm,
    make_thermostat,
    torsion_force,
)
from metadynamics import (
    BIAS_FACTOR,
    BURN_IN,
    GRID_POINTS,
    HEIGHT_KJ_PER_MOL,
    HILL_STEPS,
    OFFSET_STEPS,
    WIDTH_RAD,
    offset_kj_per_mol,
)
from numpy.typing import NDArray
from openmm import app, unit
from tetrapeptide_reference import start_of

from openmm_genmd import (
    BatchedEnergy,
    GenerativeJumpIntegrator,
    Instantaneous,
    MixtureProposer,
    MultipleTry,
    Proposer,
    UniformTorsionProposer,
    load_proposer,
)
from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.units import thermal_energy_kj_per_mol

Array = NDArray[np.float64]
Record = Callable[[Array], dict[str, Array]]

RECORD_STEPS = 50
DISCARDED = 0.1
"""Share of a chain before it counts: it starts from a conformation that nobody drew."""

UNIFORM_SHARE = 0.15
"""Of the leaps of the hybrid that are uniform: what keeps it ergodic."""

UNTRAINED = "untrained"
"""In place of a model: uniform leaps, so that the hybrid must be as good as the baseline."""


@dataclass(frozen=True)
class Leaps:
    """How often and how hybrid and uniform leap: both alike.

    Attributes
    ----------
    interval, tries, candidates
        MD steps between jumps, attempts at each, candidates of each attempt; a single candidate
        needs no surrogate energy.
    """

    interval: int = 25
    tries: int = 4
    candidates: int = 32


class Chain:
    """A running Simulation and what was measured on its frames, one every 50 steps.

    The wall time counts MD, model, acceptance, hills and reading positions; observables are
    measured off the clock, for all methods.

    Parameters
    ----------
    simulation
        Plain MD, or with leaps.
    record
        Values ``(n,)`` by name, from positions ``(n, n_atoms, 3)`` in nm.
    """

    discarded = DISCARDED

    def __init__(self, simulation: app.Simulation, record: Record) -> None:
        self.simulation = simulation
        self.seconds = 0.0
        self._record = record
        self._measured: list[dict[str, Array]] = []
        self._advance(RECORD_STEPS)  # what is set up at the first step is not sampling

    def run_for(self, seconds: float) -> None:
        """Sample until this much wall time has passed, at least one frame."""
        began, frames = time.perf_counter(), []
        while not frames or time.perf_counter() - began < seconds:
            self._advance(RECORD_STEPS)
            frames.append(current_positions_nm(self.simulation.context))
        self.seconds += time.perf_counter() - began
        self._measured.append(self._record(np.array(frames)))

    def _advance(self, steps: int) -> None:
        self.simulation.step(steps)

    def values(self) -> dict[str, Array]:
        """Observables ``(n,)`` of the frames that count, by name."""
        whole = {
            name: np.concatenate([part[name] for part in self._measured])
            for name in self._measured[0]
        }
        return {name: series[self._first(len(series)) :] for name, series in whole.items()}

    def weights(self) -> Array | None:
        """Weights ``(n,)`` of the frames that count; None: all alike."""
        return None

    def _first(self, n_frames: int) -> int:
        return int(self.discarded * n_frames)

    @property
    def minutes(self) -> float:
        """Wall time so far."""
        return self.seconds / 60


class MetadynamicsChain(Chain):
    """Well-tempered metadynamics on two torsions, with the settings of `metadynamics.py`.

    Parameters
    ----------
    given, start_nm, record, seed
        As for the other methods.
    quads
        Atoms of the two torsions.
    """

    discarded = BURN_IN

    def __init__(
        self,
        given: SystemInput,
        start_nm: Array,
        record: Record,
        seed: int,
        quads: Sequence[Sequence[int]],
    ) -> None:
        system = copy.deepcopy(given.system)
        variables = [
            app.BiasVariable(
                torsion_force(np.array(quad)), -np.pi, np.pi, WIDTH_RAD, True, GRID_POINTS
            )
            for quad in quads
        ]
        self._metadynamics = app.Metadynamics(
            *(system, variables, TEMPERATURE_K * unit.kelvin),
            *(BIAS_FACTOR, HEIGHT_KJ_PER_MOL, HILL_STEPS),
        )
        self._log_weights: list[float] = []
        self._offset_kj_per_mol = 0.0
        self._group = 1 << max(force.getForceGroup() for force in system.getForces())
        simulation = make_simulation(replace(given, system=system), start_nm, seed)
        # Frames then fall midway between hills, see MetadynamicsTrajectory.
        self._metadynamics.step(simulation, HILL_STEPS // 4)
        super().__init__(simulation, record)
        self._log_weights.clear()

    def _advance(self, steps: int) -> None:
        self._metadynamics.step(self.simulation, steps)
        state = self.simulation.context.getState(energy=True, groups=self._group)
        if len(self._log_weights) % (OFFSET_STEPS // RECORD_STEPS) == 0:
            self._offset_kj_per_mol = offset_kj_per_mol(self._metadynamics)
        above = state.getPotentialEnergy()._value - self._offset_kj_per_mol
        self._log_weights.append(above / thermal_energy_kj_per_mol(TEMPERATURE_K))

    def weights(self) -> Array | None:
        """exp((V - c(t)) / kT) of the frames that count, ``(n,)``, the largest being 1."""
        log_weights = np.array(self._log_weights)[self._first(len(self._log_weights)) :]
        return np.asarray(np.exp(log_weights - log_weights.max()))


def make_simulation(
    given: SystemInput,
    start_nm: Array,
    seed: int,
    integrator: openmm.Integrator | None = None,
) -> app.Simulation:
    """Simulation of plain MD, or with another integrator, from a conformation."""
    platform = openmm.Platform.getPlatformByName(PLATFORM)
    simulation = app.Simulation(
        given.topology, given.system, integrator or make_thermostat(seed), platform
    )
    simulation.context.setPositions(start_nm)
    simulation.context.setVelocitiesToTemperature(TEMPERATURE_K, seed)
    return simulation


def uniform_proposer(given: SystemInput) -> UniformTorsionProposer:
    """The baseline: random blocks of torsions, uniform on the torus."""
    return UniformTorsionProposer(TorsionRepresentation.from_topology(given.topology, given.system))


def learned_proposer(given: SystemInput, model: str) -> Proposer:
    """The hybrid's mixture: a model, by name or path, and some uniform leaps.

    Raises
    ------
    FileNotFoundError
        If there is no such model.
    ValueError
        If it does not fit the peptide.
    """
    if model == UNTRAINED:
        learned: Proposer = uniform_proposer(given)
    else:
        learned = load_proposer(model, given.topology, given.system)
    return MixtureProposer(
        [learned, uniform_proposer(given)], weights=[1 - UNIFORM_SHARE, UNIFORM_SHARE]
    )


def leaping_simulation(
    given: SystemInput, start_nm: Array, seed: int, proposer: Proposer, leaps: Leaps
) -> app.Simulation:
    """The same MD with leaps in between."""
    protocol = Instantaneous()
    if leaps.candidates > 1:
        surrogate = BatchedEnergy(given.system, proposer.particles, threads=1)
        protocol = MultipleTry(leaps.candidates, surrogate)
    integrator = GenerativeJumpIntegrator(
        make_thermostat(seed), proposer, leaps.interval, leaps.tries, protocol, seed=seed
    )
    return make_simulation(given, start_nm, seed, integrator)


def make_chains(
    given: SystemInput,
    record: Record,
    variables: tuple[int, int],
    *,
    model: str,
    leaps: Leaps,
    chains: int,
    seed: int,
) -> dict[str, list[Chain]]:
    """All chains by method. The first of each method starts extended, the others at random."""
    torsions = TorsionRepresentation.from_topology(given.topology, given.system).torsions
    quads = [torsions[n].atoms for n in variables]
    found: dict[str, list[Chain]] = {"hybrid": [], "uniform": [], "md": [], "metadynamics": []}
    for n in range(chains):
        start_nm, own = start_of(given, n), 1000 * seed + n + 1
        for method, proposer in (
            ("hybrid", learned_proposer(given, model)),
            ("uniform", uniform_proposer(given)),
        ):
            simulation = leaping_simulation(given, start_nm, own, proposer, leaps)
            found[method].append(Chain(simulation, record))
        found["md"].append(Chain(make_simulation(given, start_nm, own), record))
        found["metadynamics"].append(MetadynamicsChain(given, start_nm, record, own, quads))
    return found
