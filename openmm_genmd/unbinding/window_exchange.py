"""Replica exchange between windows: `WindowExchange`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

Array = NDArray[np.float64]
Integers = NDArray[np.intp]


class WindowExchange(app.ReplicaExchangeSampler):  # type: ignore[misc]
    """OpenMM's replica exchange, with random numbers of its own and relabelled ligands.

    Before its MD, each replica may have equivalent atoms of its ligand renamed, by a permutation
    that hardly changes the System's energy: accepted by the change of all energies, its window's
    restraint included, this is an exact move between orientations that MD hardly reaches.

    Parameters
    ----------
    states
        Parameters of the restraint in each window; the rest of the energy is the same in all.
    simulation
        Of the System with the restraint.
    steps
        Of MD between exchanges.
    energies_kj_per_mol
        Restraint energies ``(n, n_windows)``, kJ/mol, at positions ``(n, n_particles, 3)``, nm: a
        Context would have to be asked n_windows^2 times for them.
    rng
        Of exchanges and names.
    symmetries
        Permutations ``(n_particles,)`` of all particles, the identity left out, closed under
        inversion; see `ligand_symmetries`.
    leap
        Called with a Context and the number of its window before the MD of each replica: a move
        that keeps that window's distribution.

    Attributes
    ----------
    exchanged, attempted
        ``(n_windows, n_windows)``, exchanges between each pair.

    References
    ----------
    Sugita and Okamoto, Chem. Phys. Lett. 314, 141 (1999). Chodera and Shirts, J. Chem. Phys. 135,
    194110 (2011): many exchanges at a time.

    Examples
    --------
    Made by `sample_windows`.
    """

    def __init__(
        self,
        states: list[dict[str, float]],
        simulation: app.Simulation,
        steps: int,
        energies_kj_per_mol: Callable[[Array], Array],
        rng: np.random.Generator,
        symmetries: Sequence[Integers] = (),
        leap: Callable[[openmm.Context, int], None] = lambda context, window: None,
    ) -> None:
        super().__init__(states, simulation, steps)
        self.replicaStateIndex: list[int]
        self.rng, self.symmetries, self._renamed = rng, symmetries, 0
        self._leap = leap
        self._energies_kj_per_mol = energies_kj_per_mol
        self.exchanged = np.zeros((len(states), len(states)), dtype=np.int64)
        self.attempted = np.zeros_like(self.exchanged)
        kt = unit.MOLAR_GAS_CONSTANT_R * simulation.integrator.getTemperature()
        self._kt_kj_per_mol = kt.value_in_unit(unit.kilojoule_per_mole)

    def simulate(self, iterations: int) -> None:
        """Do so many rounds of MD in all windows and exchanges between them."""
        for _ in range(iterations):
            for index in range(len(self.states)):
                self.simulateReplica(index)
            energies = self._energies_kj_per_mol(positions_nm(self.replicaConformation))
            self.replicaStateEnergy = list(energies * unit.kilojoule_per_mole)
            self.currentIteration += 1
            for reporter in self.reporters:
                reporter(self)
            self.exchangeReplicas()

    def simulateReplica(self, index: int, steps: int | None = None) -> None:  # noqa: N802
        """Simulate a replica in its window, after a relabelling and a leap are tried."""
        context = self.simulation.context
        context.setState(self.replicaConformation[index])
        self._sampler.applyState(self.replicaStateIndex[index])
        if self.symmetries:
            self._relabel(context)
        self._leap(context, self.replicaStateIndex[index])
        self.simulation.integrator.step(self.stepsPerIteration if steps is None else steps)
        self.replicaConformation[index] = context.getState(
            positions=True, velocities=True, parameters=True, integratorParameters=True
        )

    def exchangeReplicas(self) -> None:  # noqa: N802
        """Try exchanges between random pairs of replicas, many times."""
        energies = self._reduced_energies()
        window = np.array(self.replicaStateIndex)
        n = len(window)
        if n < 2:
            return
        pairs = self.rng.integers(0, n, (self.exchangesPerIteration, 2))
        draws = self.rng.random(len(pairs))
        for (i, j), draw in zip(pairs, draws, strict=True):
            if i == j:
                continue
            a, b = window[i], window[j]
            log_ratio = energies[i, a] + energies[j, b] - energies[i, b] - energies[j, a]
            self.attempted[a, b] += 1
            if log_ratio >= 0 or draw < np.exp(log_ratio):
                window[i], window[j] = b, a
                self.exchanged[a, b] += 1
        self.replicaStateIndex = window.tolist()

    def take_renamed(self) -> int:
        """Relabellings accepted since this was last called."""
        renamed, self._renamed = self._renamed, 0
        return renamed

    def _reduced_energies(self) -> Array:
        """Energies ``(n_replicas, n_windows)`` of restraints, kT."""
        assert self.replicaStateEnergy is not None
        rows = [row.value_in_unit(unit.kilojoule_per_mole) for row in self.replicaStateEnergy]
        return np.asarray(np.array(rows) / self._kt_kj_per_mol)

    def _relabel(self, context: openmm.Context) -> None:
        """Rename by a random permutation, with Metropolis' probability."""
        order = self.symmetries[int(self.rng.integers(len(self.symmetries)))]
        before = context.getState(positions=True, velocities=True, energy=True)
        x, v = before.getPositions(asNumpy=True), before.getVelocities(asNumpy=True)
        context.setPositions(x[order])
        after = context.getState(energy=True)
        change = _kj_per_mol(after) - _kj_per_mol(before)
        change /= self._kt_kj_per_mol
        if change <= 0 or self.rng.random() < np.exp(-change):
            context.setVelocities(v[order])
            self._renamed += 1
        else:
            context.setPositions(x)


def positions_nm(states: Sequence[openmm.State]) -> Array:
    """Positions ``(n, n_particles, 3)``, nm, of some states."""
    found = [state.getPositions(asNumpy=True).value_in_unit(unit.nanometer) for state in states]
    return np.array(found, dtype=np.float64)


def _kj_per_mol(state: openmm.State) -> float:
    return float(state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole))
