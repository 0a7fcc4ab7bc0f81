"""Kinetic temperatures of alanine dipeptide, of which all is turned again and again.

Rotating the whole molecule costs no energy, so every jump is accepted and stiff bonds point
elsewhere each time. What a wrong velocity rule does to them accumulates into heat, since every jump
adds some and friction takes it away within 1/gamma.

LangevinMiddle keeps v(t - dt/2) exactly Maxwellian, constraints included (Zhang et al., J. Phys.
Chem. A 123, 6056 (2019)). A constraint cluster of n atoms with c constraints has 3n - 3 - c
internal degrees of freedom, and the velocity of its centre is Maxwellian with the mass of the
cluster: along a bond between two heavy atoms those of the centres differ by kT (1/M + 1/M').
"""

from types import SimpleNamespace

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd import GenerativeJumpIntegrator
from openmm_genmd.data.structures import load_structure

from .bad_proposers import RigidRotation
from .exact_models import kt
from .oracle import Oracle
from .running import langevin, start
from .scores import LIMIT, agrees, block_scores, disagrees

KT, STEP_PS, INTERVAL = kt(300.0), 0.002, 20
SAMPLE_AFTER = (1, 10)


def constraint_clusters(system) -> np.ndarray:
    """Return a label ``(n,)`` per particle, equal for particles that constraints connect."""
    label = np.arange(system.getNumParticles())
    for index in range(system.getNumConstraints()):
        first, second, _ = system.getConstraintParameters(index)
        label[label == label[first]] = label[second]
    return label


def molecule():
    """System, start positions, and who belongs to which cluster and bond."""
    topology, positions = load_structure("alanine-dipeptide")
    field = app.ForceField("amber99sbildn.xml", "amber99_obc.xml")
    system = field.createSystem(
        topology, nonbondedMethod=app.NoCutoff, constraints=app.HBonds, removeCMMotion=False
    )
    n = system.getNumParticles()
    masses = np.array([system.getParticleMass(i)._value for i in range(n)])
    labels, cluster = np.unique(constraint_clusters(system), return_inverse=True)
    belongs = (cluster == np.arange(len(labels))[:, None]).astype(float)
    bonds = [(b.atom1.index, b.atom2.index) for b in topology.bonds()]
    heavy = np.array([b for b in bonds if min(masses[list(b)]) > 2.0])
    return SimpleNamespace(
        system=system,
        positions=positions,
        masses=masses,
        cluster=cluster,
        belongs=belongs,
        cluster_masses=belongs @ masses,
        heavy=heavy,
        n_internal=3 * n - 3 * len(labels) - system.getNumConstraints(),
        n_total=3 * n - system.getNumConstraints(),
    )


def temperatures(m, positions, velocities) -> list[float]:
    """Temperature over target: of everything, inside X-H clusters, along heavy bonds."""
    twice_kinetic = np.sum(m.masses[:, None] * velocities**2)
    centres = m.belongs @ (m.masses[:, None] * velocities) / m.cluster_masses[:, None]
    inside = twice_kinetic - np.sum(m.cluster_masses[:, None] * centres**2)
    first, second = m.heavy.T
    bond = positions[second] - positions[first]
    one, other = m.cluster[first], m.cluster[second]
    along = np.einsum("bi,bi->b", centres[other] - centres[one], bond) ** 2 / np.sum(bond**2, 1)
    reduced = 1 / (1 / m.cluster_masses[one] + 1 / m.cluster_masses[other])
    return [
        twice_kinetic / m.n_total / KT,
        inside / m.n_internal / KT,
        np.mean(reduced * along) / KT,
    ]


def run(how, n_jumps, broken=None) -> np.ndarray:
    """Temperatures ``(n, 3)`` some steps after each jump, by engine, oracle, or without jumps."""
    m, inner = molecule(), langevin(time_step_ps=STEP_PS)
    proposer = RigidRotation(range(len(m.masses)))
    integrator = inner
    if how == "engine":
        integrator = GenerativeJumpIntegrator(inner, proposer, INTERVAL, seed=3)
    context = start(m.system, integrator, m.positions)
    openmm.LocalEnergyMinimizer.minimize(context)
    context.setVelocitiesToTemperature(300.0, 2)
    oracle = Oracle(context, proposer, KT, 0.5 * STEP_PS, broken=broken)
    jump = oracle.jump if how == "oracle" else lambda: None
    integrator.step(50 * INTERVAL)
    return np.array([between_jumps(m, context, integrator, jump) for _ in range(n_jumps)])


def between_jumps(m, context, integrator, jump) -> np.ndarray:
    rows, done = [], 0
    for step in SAMPLE_AFTER:
        integrator.step(step - done)
        done = step
        state = context.getState(positions=True, velocities=True)
        arrays = state.getPositions(asNumpy=True)._value, state.getVelocities(asNumpy=True)._value
        rows.append(temperatures(m, *arrays))
    integrator.step(INTERVAL - done)
    jump()
    return np.mean(rows, axis=0)


def test_jumps_keep_the_temperature():
    samples = run("engine", 7000)
    assert agrees(block_scores(samples, np.ones(3)))
    # The check resolves one per cent of the total.
    assert LIMIT * samples[:, 0].std() / np.sqrt(len(samples)) < 0.01


def test_plain_md_passes_the_same_check():
    assert agrees(block_scores(run("plain", 3000), np.ones(3)))


def test_the_oracle_passes_the_same_check():
    assert agrees(block_scores(run("oracle", 1500), np.ones(3)))


def test_the_force_at_y_with_a_fresh_velocity_heats():
    """Stiff modes get the covariance kT/m, not that of the scheme: total and X-H clusters heat."""
    scores = block_scores(run("oracle", 1500, "fresh with the force at y"), np.ones(3))
    assert scores[:2].min() > LIMIT


@pytest.mark.parametrize("broken", ["stored kept", "on-step kept"])
def test_kept_velocities_fail_the_check(broken):
    """Stiff bonds heat; constrained ones cool, when the next step projects what was kept."""
    assert disagrees(block_scores(run("oracle", 1500, broken), np.ones(3)))
