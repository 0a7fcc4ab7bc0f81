"""Settings of switching protocols: units, and what is refused with which message."""

import math

import numpy as np
import openmm
import pytest
from openmm import OpenMMException, unit

from openmm_genmd import (
    AlchemicalSwitching,
    LocalRelaxation,
    SoftCoordinates,
    SteeredSwitching,
)
from openmm_genmd.md.switching_settings import sigmoid_table

from .switching_systems import alchemical_pair

POINT = SoftCoordinates(points=[0])


def steered(**settings):
    return SteeredSwitching(coordinates=POINT, **settings)


def alchemical(parameters=("lambda_bond",), **settings):
    return AlchemicalSwitching(system=alchemical_pair(), parameters=parameters, **settings)


@pytest.mark.parametrize("make", [steered, alchemical])
def test_quantities_become_numbers_in_md_units(make):
    protocol = make(
        steps=100,
        time_step_ps=4 * unit.femtoseconds,
        friction_per_ps=5 / unit.nanosecond,
        hydrogen_mass_da=3e-3 * unit.kilogram / unit.mole,
    )
    assert protocol.time_step_ps == pytest.approx(0.004, rel=1e-12)
    assert protocol.friction_per_ps == pytest.approx(0.005, rel=1e-12)
    assert protocol.hydrogen_mass_da == pytest.approx(3.0, rel=1e-6)
    assert protocol.time_ps == pytest.approx(0.4)
    native = protocol.native_settings()
    for name in ("time_step_ps", "friction_per_ps", "hydrogen_mass_da"):
        assert getattr(native, name) == getattr(protocol, name)


def test_widths_become_numbers_in_md_units():
    coordinates = SoftCoordinates(
        points=[0],
        torsion_width_rad=10 * unit.degrees,
        position_width_nm=0.2 * unit.angstrom,
        rotation_width_rad=0.3 * unit.radians,
    )
    expected = (math.radians(10), 0.02, 0.3)
    assert tuple(coordinates.to_native().widths) == pytest.approx(expected, rel=1e-12)


def test_local_relaxation_takes_quantities():
    protocol = LocalRelaxation(
        time_step_ps=1 * unit.femtoseconds, friction_per_ps=2 / unit.picoseconds
    )
    assert (protocol.time_step_ps, protocol.friction_per_ps) == pytest.approx((0.001, 2.0))


@pytest.mark.parametrize("make", [steered, alchemical])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
        ({"steps": 10.0}, "steps must be an integer of at least 1, got 10.0"),
        ({"steps": 2**31}, "steps must be an integer of at least 1, got 2147483648"),
        ({"steps_per_change": 0}, "steps_per_change must be an integer of at least 1, got 0"),
        ({"blocks_per_check": -1}, "blocks_per_check must be an integer of at least 0, got -1"),
        ({"steps": 10, "steps_per_change": 4}, "steps_per_change must divide steps=10, got 4"),
        ({"time_step_ps": 0}, "time_step_ps must be positive, got 0.0"),
        ({"time_step_ps": -0.001}, "time_step_ps must be positive, got -0.001"),
        ({"time_step_ps": math.nan}, "time_step_ps must be finite, got nan"),
        ({"time_step_ps": 1 * unit.nanometer}, "time_step_ps must be in picosecond or convert"),
        ({"friction_per_ps": -1}, "friction_per_ps must be zero or positive, got -1.0"),
        ({"friction_per_ps": math.inf}, "friction_per_ps must be finite, got inf"),
        ({"friction_per_ps": 1 * unit.picosecond}, "friction_per_ps must be in /picosecond or"),
        ({"hydrogen_mass_da": -2}, "hydrogen_mass_da must be zero or positive, got -2.0"),
        ({"hydrogen_mass_da": "3 Da"}, "hydrogen_mass_da must be a number in dalton, got '3 Da'"),
        ({"rule": "work"}, "rule must be one of protocol work, total work, metropolized steps; "),
        ({"work_limit_kt": 0.0, "blocks_per_check": 1}, "work_limit_kt must be positive, got 0.0"),
        ({"work_limit_kt": math.nan}, "work_limit_kt must be positive, got nan"),
        ({"work_limit_kt": 5.0}, "belong together: give both or neither, got 5.0 and 0"),
        ({"blocks_per_check": 5}, "belong together: give both or neither, got inf and 5"),
        ({"schedule": "cubic"}, "must be 'linear', 'sigmoid' or a table .* got 'cubic'"),
        ({"schedule": [0.0]}, "Schedule: a table needs at least two values, got 1"),
        ({"schedule": [0.0, math.nan, 1.0]}, "the table contains a value that is not finite"),
        ({"schedule": [0.1, 1.0]}, "must begin with 0 and end with 1, got 0.1 and 1"),
        ({"schedule": [0.0, 0.5]}, "must begin with 0 and end with 1, got 0 and 0.5"),
    ],
)
def test_settings_out_of_range_are_refused(make, settings, message):
    with pytest.raises((ValueError, openmm.OpenMMException), match=message):
        make(**settings)


SQUARES = [u**2 for u in np.linspace(0, 1, 5)]


def test_a_schedule_that_is_not_symmetric_is_for_alchemical_switching_only():
    message = (
        r"it must be that of the reverse move, f\(1-u\) = 1-f\(u\), but values 1 and 3 of the "
        r"table are 0.0625 and 0.5625. Such a switch would not sample the Boltzmann distribution"
    )
    with pytest.raises((ValueError, openmm.OpenMMException), match=message):
        steered(schedule=SQUARES)
    assert alchemical(schedule=SQUARES).schedule == tuple(SQUARES)


def test_the_sigmoid_is_symmetric_and_logistic():
    table = np.array(sigmoid_table())
    np.testing.assert_allclose(table + table[::-1], 1, atol=1e-14)
    u = np.linspace(-0.5, 0.5, len(table))
    logistic = 1 / (1 + np.exp(-6 * u))
    expected = (logistic - logistic[0]) / (logistic[-1] - logistic[0])
    np.testing.assert_allclose(table, expected, atol=1e-14)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({}, ValueError, "need at least one torsion, frame or point, got none"),
        ({"points": [0], "torsion_width_rad": 0}, ValueError, "torsion_width_rad must be positive"),
        ({"points": [0], "position_width_nm": -1}, ValueError, "width_nm must be positive, got -1"),
        ({"points": [0], "rotation_width_rad": 0}, ValueError, "rotation_width_rad must be posit"),
        (
            {"points": [0], "position_width_nm": 1 * unit.radian},
            ValueError,
            "position_width_nm must be in nanometer or convertible to it, got radian",
        ),
        (
            {"torsions": [((0, 1, 2, 3), (0, 3))]},
            (ValueError, openmm.OpenMMException),
            "exactly one of the particles 1 and 2 of the bond must be among those that turn",
        ),
        (
            {"torsions": [((0, 1, 2, 3), (1, 2, 3))]},
            (ValueError, openmm.OpenMMException),
            "exactly one of the particles 1 and 2 of the bond must be among those that turn",
        ),
        (
            {"frames": [((0, 1, 0), (0, 1))]},
            (ValueError, openmm.OpenMMException),
            "a frame needs three different particles",
        ),
    ],
)
def test_coordinates_that_are_none_are_refused(settings, error, message):
    with pytest.raises(error, match=message):
        SoftCoordinates(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": [0, 0]}, "particle 0 follows more than one coordinate"),
        (
            {"points": [3], "torsions": [((0, 1, 2, 3), (2, 3))]},
            "particle 3 follows more than one coordinate",
        ),
        (
            {"frames": [((0, 1, 2), (0, 1, 2, 3)), ((3, 4, 5), (3, 4, 5))]},
            "particle 3 follows more than one coordinate",
        ),
        ({"frames": [((0, 1, 2), (0, 1))]}, "particle 2 of a frame is not in the group"),
        ({"points": [0], "superpose": True}, "only torsions superpose"),
    ],
)
def test_soft_coordinates_have_to_be_independent(settings, message):
    with pytest.raises(OpenMMException, match=message):
        SoftCoordinates(**settings)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"variant": "pull"}, ValueError, "variant must be one of morph, springs; got 'pull'"),
        ({"coordinates": [0]}, TypeError, r"must be SoftCoordinates or None, got \[0\]"),
        (
            {
                "coordinates": SoftCoordinates(torsions=[((0, 1, 2, 3), (2, 3))], superpose=True),
                "variant": "springs",
            },
            ValueError,
            "superpose=True is for variant='morph'; with springs the molecule finds its own way",
        ),
    ],
)
def test_steered_switching_refuses(settings, error, message):
    with pytest.raises(error, match=message):
        SteeredSwitching(**settings)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ([], "must name at least one Context parameter"),
        ({}, "must name at least one Context parameter"),
        ({"lambda_bond": [1.0]}, "each with two or more finite values; got {'lambda_bond'"),
        ({"lambda_bond": [1.0, math.inf]}, "each with two or more finite values"),
        ("lambda_bond", "parameters must be a list of names or a mapping, got 'lambda_bond'"),
    ],
)
def test_parameters_that_cannot_be_switched_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        alchemical(parameters)


def test_alchemical_switching_needs_a_middle_and_a_system():
    with pytest.raises(ValueError, match=r"so steps / steps_per_change must be even, got 30 / 10"):
        alchemical(steps=30, steps_per_change=10)
    with pytest.raises(TypeError, match=r"system must be an openmm.System, got Context"):
        AlchemicalSwitching(system=_context(), parameters=["a"])


def _context():
    system = openmm.System()
    system.addParticle(1.0)
    reference = openmm.Platform.getPlatformByName("Reference")
    return openmm.Context(system, openmm.VerletIntegrator(0.001), reference)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": -1}, "steps must be an integer of at least 0, got -1"),
        ({"max_iterations": 1.5}, "max_iterations must be an integer of at least 0, got 1.5"),
        ({"time_step_ps": 0}, "must be positive and friction_per_ps zero or positive, got 0.0"),
        ({"friction_per_ps": -1}, "positive and friction_per_ps zero or positive, got 0.002 and -"),
        ({"time_step_ps": 1 * unit.dalton}, "time_step_ps must be in picosecond or convertible"),
    ],
)
def test_local_relaxation_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        LocalRelaxation(**settings)
