"""Exchanges between windows, and relabelled ligands, against Boltzmann's distribution."""

from typing import Any

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd.unbinding.window_exchange import WindowExchange, positions_nm

KT = 0.00831446261815324 * 300.0
SPRINGS, CENTERS_NM = np.array([400.0, 400.0, 100.0]), np.array([0.0, 0.1, 0.05])


def simulation(n_particles: int = 1) -> app.Simulation:
    """Particles on the x axis, the first held by a spring."""
    topology, system = app.Topology(), openmm.System()
    residue = topology.addResidue("P", topology.addChain())
    spring = openmm.CustomExternalForce("0.5*k*(x-x0)^2+500*(y^2+z^2)")
    for name in ("k", "x0"):
        spring.addGlobalParameter(name, 1.0)
    for n in range(n_particles):
        topology.addAtom(f"C{n}", app.element.carbon, residue)
        system.addParticle(12.0)
    spring.addParticle(0, [])
    system.addForce(spring)
    integrator = openmm.LangevinMiddleIntegrator(300.0, 5.0, 0.004)
    integrator.setRandomNumberSeed(3)
    platform = openmm.Platform.getPlatformByName("Reference")
    made = app.Simulation(topology, system, integrator, platform)
    made.context.setPositions(np.zeros((n_particles, 3)))
    made.context.setVelocitiesToTemperature(300.0, 5)
    return made


def energies_kj_per_mol(x: np.ndarray) -> np.ndarray:
    return 0.5 * SPRINGS * (x[:, 0, :1] - CENTERS_NM) ** 2


def exchange(**options: Any) -> WindowExchange:
    states = [{"k": k, "x0": x} for k, x in zip(SPRINGS, CENTERS_NM, strict=True)]
    rng = np.random.default_rng(4)
    return WindowExchange(states, simulation(), 25, energies_kj_per_mol, rng, **options)


def sampled(exchanger: WindowExchange, iterations: int) -> list[np.ndarray]:
    """Coordinates seen in each window."""
    seen: list[list[float]] = [[], [], []]

    def record(sampler: WindowExchange) -> None:
        x = positions_nm(sampler.replicaConformation)[:, 0, 0]
        for window, value in zip(sampler.replicaStateIndex, x, strict=True):
            seen[window].append(float(value))

    exchanger.reporters.append(record)
    exchanger.simulate(iterations)
    return [np.array(values[20:]) for values in seen]


def deviations(windows: list[np.ndarray]) -> np.ndarray:
    """Means and variances less their exact values, in standard errors of independent samples."""
    found = []
    for x, k, center in zip(windows, SPRINGS, CENTERS_NM, strict=True):
        variance = KT / k
        found.append((x.mean() - center) / np.sqrt(variance / len(x)))
        found.append((x.var() / variance - 1) / np.sqrt(2 / len(x)))
    return np.abs(found)


def test_exchanges_keep_the_distribution_of_every_window() -> None:
    exchanger = exchange()
    windows = sampled(exchanger, 1500)
    assert deviations(windows).max() < 5  # iterations are nearly independent
    assert exchanger.exchanged.sum() > 500
    assert (exchanger.exchanged <= exchanger.attempted).all()


def test_a_twin_that_exchanges_whatever_it_costs_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchanger = exchange()
    monkeypatch.setattr(exchanger, "_reduced_energies", lambda: np.zeros((3, 3)))
    assert deviations(sampled(exchanger, 1500)).max() > 15


def test_energies_that_are_far_apart_do_not_overflow() -> None:
    exchanger = exchange()
    exchanger.replicaStateEnergy = list(
        np.array([[0.0, 1e7, 0], [1e7, 0, 0], [0, 0, 0]]) * unit.kilojoule_per_mole
    )
    exchanger.replicaStateIndex = [1, 0, 2]
    exchanger.exchangeReplicas()
    # Whatever comes after, the first exchange between the two takes both to their wells.
    order = exchanger.replicaStateIndex
    assert sorted(order) == [0, 1, 2]
    assert order[0] != 1
    assert order[1] != 0


def relabelling(broken: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[float, int]:
    """Share of time in which the first of two particles that differ in energy is the left one.

    Particle 0 feels a spring about 0, particle 1 nothing; both rest at +-0.05 nm, held there.
    """
    topology, system = app.Topology(), openmm.System()
    residue = topology.addResidue("P", topology.addChain())
    spring = openmm.CustomExternalForce("0.5*k*(x-x0)^2")
    wells = openmm.CustomExternalForce("20000*(abs(x)-0.05)^2+500*(y^2+z^2)")
    for name in ("k", "x0"):
        spring.addGlobalParameter(name, 0.0)
    for n in range(2):
        topology.addAtom(f"C{n}", app.element.carbon, residue)
        system.addParticle(12.0)
        wells.addParticle(n, [])
    spring.addParticle(0, [])
    for force in (spring, wells):
        system.addForce(force)
    integrator = openmm.LangevinMiddleIntegrator(300.0, 5.0, 0.002)
    integrator.setRandomNumberSeed(5)
    made = app.Simulation(
        topology, system, integrator, openmm.Platform.getPlatformByName("Reference")
    )
    made.context.setPositions([[0.05, 0, 0], [-0.05, 0, 0]])
    made.context.setVelocitiesToTemperature(300.0, 6)
    sampler = WindowExchange(
        [{"k": 200.0, "x0": 0.05}],
        made,
        5,
        lambda x: np.zeros((1, 1)),
        np.random.default_rng(7),
        [np.array([1, 0])],
    )
    if broken:
        monkeypatch.setattr("openmm_genmd.unbinding.window_exchange._kj_per_mol", lambda state: 0.0)
    right = []
    sampler.reporters.append(
        lambda s: right.append(positions_nm(s.replicaConformation)[0, 0, 0] > 0)
    )
    sampler.simulate(3000)
    return float(np.mean(right)), sampler.take_renamed()


def test_relabelling_keeps_the_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.linspace(-0.15, 0.15, 30_001)
    weight = np.exp(-(20_000 * (np.abs(x) - 0.05) ** 2 + 100.0 * (x - 0.05) ** 2) / KT)
    exact = weight[x > 0].sum() / weight.sum()
    share, renamed = relabelling(False, monkeypatch)
    # Relabellings are Metropolis: correlation over a few of them, counted threefold.
    error = np.sqrt(3 * exact * (1 - exact) / 3000)
    assert renamed > 300
    assert abs(share - exact) < 4 * error
    broken, _ = relabelling(True, monkeypatch)
    assert abs(broken - exact) > 6 * error


def test_velocities_go_with_their_renamed_atoms() -> None:
    made = simulation(3)
    rng, order = np.random.default_rng(8), np.array([0, 2, 1])
    sampler = WindowExchange(
        [{"k": 1.0, "x0": 0.0}], made, 1, lambda x: np.zeros((1, 1)), rng, [order]
    )
    x, v = rng.normal(size=(2, 3, 3))
    made.context.setPositions(x)
    made.context.setVelocities(v)
    sampler._relabel(made.context)  # the two feel nothing, so that it is accepted
    state = made.context.getState(positions=True, velocities=True)
    assert sampler.take_renamed() == 1
    np.testing.assert_allclose(state.getPositions(asNumpy=True)._value, x[order])
    np.testing.assert_allclose(state.getVelocities(asNumpy=True)._value, v[order])
