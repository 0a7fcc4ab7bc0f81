"""What an accepted switch leaves behind: constraints, sites, velocities, box, time and steps."""

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd import (
    AlchemicalSwitching,
    GenerativeJumpIntegrator,
    Proposal,
    Proposer,
    SoftCoordinates,
    SteeredSwitching,
    UniformTorsionProposer,
)
from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.units import GAS_CONSTANT_KJ_PER_MOL_K

from ..correctness.running import start
from ..correctness.test_rejected_runs import KELVIN, start_nm, system_of_waters

KT_KJ = GAS_CONSTANT_KJ_PER_MOL_K * KELVIN
TRICLINIC = np.array([[1.6, 0.0, 0.0], [0.4, 1.6, 0.0], [-0.3, 0.5, 1.6]])
MOVED = [0, 1, 2, 3, 8, 9]
SHORT = {"steps": 10, "time_step_ps": 0.001}


class Shift(Proposer):
    """Shifts a water with its site and the diatomic to and fro, with a ratio that decides."""

    particles, grade = MOVED, "exact"

    def __init__(self, log_ratio=1e9, context=None):
        self.log_ratio, self.sign, self.before = log_ratio, 1.0, []
        self.context = context

    def propose(self, positions, box, rng):
        self.sign *= -1.0
        if self.context is not None:
            self.before.append(velocities_of(self.context))
        return Proposal(positions + self.sign * np.array([0.02, -0.01, 0.015]), self.log_ratio)


def morph(system):
    return SteeredSwitching(**SHORT)


def springs(system):
    coordinates = SoftCoordinates(points=MOVED, position_width_nm=0.005)
    return SteeredSwitching(coordinates=coordinates, variant="springs", **SHORT)


def alchemical(system):
    scaled = openmm.XmlSerializer.clone(system)
    pull = openmm.CustomBondForce("pull*100*(r-0.15)^2")
    pull.addGlobalParameter("pull", 0.0)
    pull.addBond(8, 9, [])
    scaled.addForce(pull)
    return AlchemicalSwitching(system=scaled, parameters={"pull": [0.0, 1.0]}, **SHORT)


PROTOCOLS = [morph, springs, alchemical]


def velocities_of(context):
    return np.array(context.getState(velocities=True).getVelocities(asNumpy=True)._value)


def waters(make_protocol, log_ratio=1e9, shifts=None, triclinic=True):
    """Simulation of waters with sites, and its proposer; a jump after every step."""
    system = system_of_waters()
    if triclinic:
        system.setDefaultPeriodicBoxVectors(*TRICLINIC)
    proposer = Shift(log_ratio)
    integrator = GenerativeJumpIntegrator(
        openmm.VerletIntegrator(0.001),
        proposer,
        1,
        protocol=make_protocol(system),
        temperature=KELVIN,
        seed=3,
    )
    integrator.getIntegrator(0).setConstraintTolerance(1e-7)
    positions = start_nm() + (0.0 if shifts is None else shifts)
    context = start(system, integrator, positions)
    context.computeVirtualSites()
    proposer.context = context
    return system, context, integrator, proposer


def constraint_errors(system, context):
    """Largest relative error of a constrained distance, and largest velocity along one (nm/ps)."""
    state = context.getState(positions=True, velocities=True)
    x, v = (
        getattr(state, f"get{name}")(asNumpy=True)._value for name in ("Positions", "Velocities")
    )
    errors = []
    for index in range(system.getNumConstraints()):
        i, j, distance = system.getConstraintParameters(index)
        delta = x[i] - x[j]
        length = np.linalg.norm(delta)
        errors.append((abs(length / distance._value - 1), abs(delta @ (v[i] - v[j])) / length))
    return np.max(errors, axis=0)


@pytest.mark.parametrize("make_protocol", PROTOCOLS)
def test_constraints_and_sites_hold_after_an_accepted_switch(make_protocol, positions_of):
    system, context, integrator, _ = waters(make_protocol)
    for jump in range(1, 11):
        integrator.step(1)
        assert integrator.getNumJumpsAccepted() == jump
        assert np.all(constraint_errors(system, context) < [1e-7, 1e-5])
        x = positions_of(context)
        context.computeVirtualSites()
        np.testing.assert_allclose(positions_of(context), x, rtol=0, atol=1e-12)
        state = context.getState(energy=True)
        fresh = start(system, openmm.VerletIntegrator(0.001), x)
        expected = fresh.getState(energy=True).getPotentialEnergy()._value
        assert state.getPotentialEnergy()._value == pytest.approx(expected, abs=1e-9)
        assert (context.getStepCount(), state.getTime()._value) == (
            jump,
            pytest.approx(jump * 1e-3),
        )
        np.testing.assert_array_equal(state.getPeriodicBoxVectors(asNumpy=True)._value, TRICLINIC)


@pytest.mark.parametrize("make_protocol", PROTOCOLS)
def test_velocities_are_drawn_afresh(make_protocol):
    """Maxwellian, without memory of those before; rejected switches keep them."""
    for log_ratio in (1e9, -1e9):
        _, context, integrator, proposer = waters(make_protocol, log_ratio)
        kinetic, correlation = [], []
        for _ in range(300):
            integrator.step(1)
            old, new = proposer.before[-1].ravel(), velocities_of(context).ravel()
            correlation.append(old @ new / np.sqrt((old @ old) * (new @ new)))
            kinetic.append(context.getState(energy=True).getKineticEnergy()._value / KT_KJ)
        if log_ratio < 0:
            assert np.min(correlation) > 0.999
        else:
            assert abs(np.mean(correlation)) < 4 * np.std(correlation) / np.sqrt(300)
            # 18 degrees of freedom: KE/kT has mean 9 and variance 9.
            assert abs(np.mean(kinetic) - 9) < 4 * np.sqrt(9 / 300)
            assert abs(np.var(kinetic) - 9) < 4 * 9 * np.sqrt((2 + 6 / 9) / 300)


@pytest.mark.parametrize("make_protocol", PROTOCOLS)
def test_molecules_several_boxes_away_do_the_same(make_protocol, positions_of):
    """Each molecule is elsewhere by lattice vectors: the trajectories differ by these alone."""
    shifts = np.zeros((10, 3))
    for molecule, cells in (
        (slice(0, 4), (3, -2, 1)),
        (slice(4, 8), (-5, 0, 4)),
        ([8, 9], (0, 7, -1)),
    ):
        shifts[molecule] = np.array(cells) @ TRICLINIC
    ends, works = [], []
    for shift in (0 * shifts, shifts):
        _, context, integrator, _ = waters(make_protocol, log_ratio=1e9, shifts=shift)
        integrator.step(6)
        assert integrator.getNumJumpsAccepted() == 6
        ends.append(positions_of(context) - shift)
        works.append([record.work_kj_per_mol for record in integrator.getRecords()])
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-7)
    np.testing.assert_allclose(works[0], works[1], atol=1e-4)


class Forced(UniformTorsionProposer):
    """Uniform torsions that are accepted; remembers what it saw and proposed."""

    def propose(self, positions, box, rng):
        self.shown, proposal = positions, super().propose(positions, box, rng)
        self.proposed = proposal.positions
        return Proposal(proposal.positions, 1e9)


def dipeptide(in_system_da, **settings):
    """Alanine dipeptide in vacuum with heavy hydrogens or without, after one accepted jump."""
    topology, positions_nm = load_structure("alanine-dipeptide")
    mass = in_system_da * unit.dalton if in_system_da else None
    system = app.ForceField("amber99sbildn.xml").createSystem(
        topology, constraints=app.HBonds, hydrogenMass=mass
    )
    proposer = Forced(TorsionRepresentation.from_topology(topology, system))
    integrator = GenerativeJumpIntegrator(
        openmm.LangevinMiddleIntegrator(KELVIN, 1.0, 0.001),
        proposer,
        5,
        protocol=SteeredSwitching(**settings),
        seed=3,
    )
    integrator.getIntegrator(0).setConstraintTolerance(1e-7)
    context = start(system, integrator, positions_nm)
    context.applyConstraints(1e-8)
    integrator.step(5)
    assert integrator.getNumJumpsAccepted() == 1
    return system, context, proposer


@pytest.mark.parametrize("in_system_da", [0, 4.0])
def test_a_morph_ends_where_the_proposer_said_but_for_a_rigid_motion(in_system_da, positions_of):
    system, context, proposer = dipeptide(in_system_da, steps=8)
    end = positions_of(context)
    encode = proposer.representation.encode
    difference = np.remainder(encode(end) - encode(proposer.proposed) + np.pi, 2 * np.pi) - np.pi
    assert np.max(np.abs(difference)) < 1e-9
    assert np.max(np.abs(encode(proposer.proposed) - encode(proposer.shown))) > 0.5
    assert np.all(constraint_errors(system, context) < [1e-6, 1e-5])
    moved = [np.linalg.norm(y - proposer.shown) for y in (end, proposer.proposed)]
    assert moved[0] < moved[1]


@pytest.mark.parametrize(("in_system_da", "in_switch_da"), [(0, 0), (4.0, 0), (0, 3.0), (4.0, 3.0)])
def test_springs_take_a_constrained_molecule_along(in_system_da, in_switch_da, positions_of):
    settings = {"steps": 400, "time_step_ps": 0.002, "friction_per_ps": 20.0}
    system, context, proposer = dipeptide(
        in_system_da, variant="springs", hydrogen_mass_da=in_switch_da, **settings
    )
    encode, end = proposer.representation.encode, positions_of(context)
    difference = np.remainder(encode(end) - encode(proposer.proposed) + np.pi, 2 * np.pi) - np.pi
    assert np.max(np.abs(difference)) < 0.5  # five widths
    assert np.all(constraint_errors(system, context) < [1e-6, 1e-5])


def test_a_hydrogen_mass_that_leaves_too_little_for_the_heavy_atom_is_refused():
    message = r"a hydrogen mass of 8 Da would leave particle \d+ with .* Da; choose a smaller one"
    with pytest.raises(openmm.OpenMMException, match=message):
        dipeptide(0, steps=4, hydrogen_mass_da=8.0, variant="springs")
