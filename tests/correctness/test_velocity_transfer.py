"""Velocities after an accepted leap: what is kept, what is drawn, and with which covariance."""

import numpy as np
import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer

from .bad_proposers import BiasedRotation
from .exact_models import DimerInField, kt
from .oracle import Oracle
from .running import REFERENCE, langevin, start
from .scores import agrees, chi_square_score, disagrees

KT = kt(300.0)
STEP_PS = 0.002


class GoTo(Proposer):
    """Always goes to one place, and is always accepted."""

    grade = "exact"

    def __init__(self, particles, target_nm):
        self.particles, self.target_nm = list(particles), np.array(target_nm, dtype=float)

    def propose(self, positions, box, rng):
        return Proposal(self.target_nm, 1e3)


class StiffPair:
    """Hydrogen and carbon with a harmonic bond of period 10 fs: w^2 dt^2 / 4 = 0.39 at 2 fs."""

    masses = np.array([1.008, 12.0])
    reduced_mass = masses.prod() / masses.sum()
    length_nm, period_ps = 0.11, 0.010
    spring = reduced_mass * (2 * np.pi / period_ps) ** 2
    particles = (0, 1)

    def system(self) -> openmm.System:
        system = openmm.System()
        force = openmm.HarmonicBondForce()
        for mass in self.masses:
            system.addParticle(mass)
        force.addBond(0, 1, self.length_nm, self.spring)
        system.addForce(force)
        return system

    def start_nm(self):
        return np.array([[0.0, 0.0, 0.0], [self.length_nm, 0.0, 0.0]])


def whitened(velocities, masses, direction):
    """Relative velocity along and across a direction, and that of the centre, in thermal units.

    Each of the columns ``(n, 6)`` is standard normal if the velocities are Maxwellian.
    """
    relative = velocities[:, 1] - velocities[:, 0]
    centre = velocities.transpose(0, 2, 1) @ masses / masses.sum()
    frame = np.linalg.qr(np.column_stack([direction, np.eye(3)[:, 1:]]))[0]
    reduced = masses.prod() / masses.sum()
    return np.hstack(
        [relative @ frame * np.sqrt(reduced / KT), centre * np.sqrt(masses.sum() / KT)]
    )


def velocities_by_engine(model, target_nm, n, inner=None):
    """Velocities after n accepted leaps from wherever one step of Langevin dynamics led."""
    inner = langevin(time_step_ps=STEP_PS) if inner is None else inner
    integrator = GenerativeJumpIntegrator(inner, GoTo(model.particles, target_nm), 1, seed=4)
    context = start(model.system(), integrator, target_nm)
    collected = []
    for _ in range(n):
        integrator.step(1)
        collected.append(velocities_of(context))
    return np.array(collected)


def velocities_by_oracle(model, target_nm, n, broken=None):
    integrator = langevin(time_step_ps=STEP_PS)
    context = start(model.system(), integrator, target_nm)
    oracle = Oracle(
        context, GoTo(model.particles, target_nm), KT, 0.5 * STEP_PS, seed=4, broken=broken
    )
    collected = []
    for _ in range(n):
        integrator.step(1)
        assert oracle.jump()["accepted"]
        collected.append(velocities_of(context))
    return np.array(collected)


def velocities_of(context) -> np.ndarray:
    return context.getState(velocities=True).getVelocities(asNumpy=True)._value


def stiff_pair_scores(velocities) -> np.ndarray:
    """Scores of the variances and of the covariances of the stored velocities of a stiff pair.

    For a harmonic bond at rest, w = xi - (h/m) F(y - (h/2) xi) has along the bond the variance
    (kT/mu) (1 - h^2 w^2/2)^2: up to a^2/4, a = h^2 w^2, that of the on-step velocities that the
    leapfrog scheme keeps, kT/mu (1 - a). All other directions are Maxwellian.
    """
    model = StiffPair()
    factor = 1 - 0.5 * (0.5 * STEP_PS * 2 * np.pi / model.period_ps) ** 2
    columns = whitened(velocities, model.masses, np.array([1.0, 0.0, 0.0]))
    columns[:, 0] /= factor
    return covariance_scores(columns)


def covariance_scores(columns) -> np.ndarray:
    """Scores of all second moments of columns that should be independent standard normal."""
    n = len(columns)
    variances = [chi_square_score(column) for column in columns.T]
    upper = np.triu_indices(columns.shape[1], 1)
    products = (columns.T @ columns)[upper] / np.sqrt(n)
    return np.array([*variances, *products, *(columns.sum(axis=0) / np.sqrt(n))])


def test_fresh_velocities_of_a_stiff_bond_have_the_covariance_of_the_scheme():
    model = StiffPair()
    assert agrees(stiff_pair_scores(velocities_by_engine(model, model.start_nm(), 6000)))
    assert agrees(stiff_pair_scores(velocities_by_oracle(model, model.start_nm(), 3000)))


class HiddenStiffPair(StiffPair):
    """The same bond inside a force of which nothing is known."""

    def system(self) -> openmm.System:
        system = super().system()
        hidden = openmm.CustomCVForce("bond")
        hidden.addCollectiveVariable("bond", openmm.XmlSerializer.clone(system.getForce(0)))
        system.removeForce(0)
        system.addForce(hidden)
        return system


class UnintegratedStiffPair(StiffPair):
    """The same bond in a force group that the integrator leaves out: all directions are alike."""

    def system(self) -> openmm.System:
        system = super().system()
        system.getForce(0).setForceGroup(3)
        return system


def test_a_stiff_bond_in_an_unknown_force_is_found():
    model = HiddenStiffPair()
    assert agrees(stiff_pair_scores(velocities_by_engine(model, model.start_nm(), 4000)))


def test_forces_that_are_not_integrated_do_not_count():
    model, inner = UnintegratedStiffPair(), langevin(time_step_ps=STEP_PS)
    inner.setIntegrationForceGroups({0, 1})
    velocities = velocities_by_engine(model, model.start_nm(), 4000, inner)
    columns = whitened(velocities, model.masses, np.array([1.0, 0.0, 0.0]))
    assert agrees(covariance_scores(columns))
    assert disagrees(stiff_pair_scores(velocities))


@pytest.mark.parametrize("broken", ["fresh with the force at y", "stored kept"])
def test_broken_draws_fail_the_check(broken):
    model = StiffPair()
    velocities = velocities_by_oracle(model, model.start_nm(), 3000, broken)
    assert disagrees(stiff_pair_scores(velocities))


def dimer_target():
    """The dimer of the field, turned into a general direction."""
    half = 0.5 * DimerInField.length_nm * np.array([2.0, -1.0, 2.0]) / 3
    return np.array([-half, half])


def constrained_scores(velocities) -> np.ndarray:
    """Scores of a rigid dimer: five Maxwellian velocities, and none along the bond.

    The projection on the constraint is orthogonal in the mass metric, so the projected Maxwell
    distribution is the Maxwell distribution of the tangent space. The force adds the mean
    -(h/m) F(y), tangential, which is taken off.
    """
    model, target = DimerInField(), dimer_target()
    masses, bond = np.array(model.masses), target[1] - target[0]
    context = openmm.Context(model.system(), openmm.VerletIntegrator(STEP_PS), REFERENCE)
    oracle = Oracle(context, GoTo([0, 1], target), KT, 0.5 * STEP_PS)
    force = oracle.evaluate(target)[1]
    push = oracle.project(-0.5 * STEP_PS * force * oracle.inverse_masses, target)
    columns = whitened(velocities - push, masses, bond / np.linalg.norm(bond))
    along = np.abs(columns[:, 0]).max()
    return np.append(covariance_scores(columns[:, 1:]), 1e5 * along)


def test_fresh_velocities_of_a_rigid_dimer_lie_in_the_constraints_and_are_maxwellian():
    model = DimerInField()
    assert agrees(constrained_scores(velocities_by_engine(model, dimer_target(), 6000)))
    assert agrees(constrained_scores(velocities_by_oracle(model, dimer_target(), 3000)))


def test_velocities_kept_across_a_rotation_of_the_constraint_fail_the_check():
    """Kept through a turn, they point along the new bond, where no velocity may be."""
    integrator = langevin(time_step_ps=STEP_PS)
    model = DimerInField()
    context = start(model.system(), integrator, model.start_nm())
    proposer = BiasedRotation(model.particles)
    oracle = Oracle(context, proposer, KT, 0.5 * STEP_PS, broken="on-step kept")
    collected = []
    for _ in range(2000):
        integrator.step(1)
        oracle.jump()
        bond = np.diff(context.getState(positions=True).getPositions(asNumpy=True)._value, axis=0)
        relative = np.diff(velocities_of(context), axis=0)
        collected.append(abs(float(np.sum(bond * relative))))
    assert max(collected) > 1e-2


def test_an_integrator_inside_a_compound_one_is_recognized():
    """Time offset and temperature are those of the Integrator that does the steps."""
    model, compound = StiffPair(), openmm.CompoundIntegrator()
    compound.addIntegrator(langevin(time_step_ps=STEP_PS))
    nested = velocities_by_engine(model, model.start_nm(), 20, compound)
    np.testing.assert_array_equal(nested, velocities_by_engine(model, model.start_nm(), 20))


class PairOfMolecules(StiffPair):
    """The same spring between two molecules: a pair force, which makes no bond."""

    def system(self) -> openmm.System:
        system = openmm.System()
        force = openmm.CustomNonbondedForce(f"0.5*{self.spring}*(r-{self.length_nm})^2")
        for mass in self.masses:
            system.addParticle(mass)
            force.addParticle([])
        system.addForce(force)
        return system


def test_other_molecules_keep_their_on_step_velocity():
    """Of two molecules only the hydrogen leaps: the carbon gets v + (h/m) (F(x) - F(y)).

    Verlet dynamics is deterministic, so plain MD beside the run tells the state before the jump.
    """
    model = PairOfMolecules()
    target = np.array([[0.02, 0.0, 0.05]])
    plain = openmm.VerletIntegrator(STEP_PS)
    beside = start(model.system(), plain, model.start_nm())
    integrator = GenerativeJumpIntegrator(
        openmm.VerletIntegrator(STEP_PS), GoTo([0], target), 7, seed=4, temperature=300.0
    )
    context = start(model.system(), integrator, model.start_nm())
    plain.step(7)
    integrator.step(7)
    state = beside.getState(positions=True, velocities=True)
    x, v = (a(asNumpy=True)._value for a in (state.getPositions, state.getVelocities))
    oracle = Oracle(beside, GoTo([0], target), KT, 0.5 * STEP_PS)
    y = np.vstack([target, x[1:]])
    change = oracle.evaluate(x)[1] - oracle.evaluate(y)[1]
    expected = v[1] + 0.5 * STEP_PS / model.masses[1] * change[1]
    np.testing.assert_allclose(velocities_of(context)[1], expected, rtol=1e-12)
    assert np.abs(expected - v[1]).max() > 0.1
    assert np.abs(velocities_of(context)[0] - v[0]).max() > 0.1
