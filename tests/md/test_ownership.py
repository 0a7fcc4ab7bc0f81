"""Whose the inner integrator is, and what happens when construction or a jump fails half-way."""

import numpy as np
import openmm
import pytest
from openmm import amd

from openmm_genmd import GenerativeJumpIntegrator, JumpReporter, Proposal, Proposer


class Mirror(Proposer):
    particles, grade = (0,), "exact"

    def propose(self, positions, box, rng):
        return Proposal(-positions, 0.0)


def one_particle():
    system = openmm.System()
    system.addParticle(12.0)
    return system


def context_of(integrator):
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(one_particle(), integrator, platform)
    context.setPositions([[0.1, 0.2, 0.3]])
    return context


@pytest.mark.parametrize(
    "wrong",
    [
        {},  # no temperature
        {"temperature": -1},
        {"temperature": 300, "seed": "x"},
        {"temperature": 300, "jumpInterval": 0},
        {"temperature": 300, "triesPerJump": 1.5},
        {"temperature": 300, "grade": "path"},
    ],
)
def test_a_failed_construction_leaves_the_inner_integrator_usable(wrong):
    inner = openmm.VerletIntegrator(0.001)
    with pytest.raises(ValueError, match=r"temperature|seed|jumpInterval|triesPerJump|grade"):
        GenerativeJumpIntegrator(inner, Mirror(), **({"jumpInterval": 5} | wrong))
    assert inner.thisown
    integrator = GenerativeJumpIntegrator(inner, Mirror(), 5, temperature=300)
    context = context_of(integrator)
    integrator.step(5)
    assert integrator.getNumJumpsAttempted() == 1
    del context


@pytest.mark.parametrize(
    "make",
    [
        lambda: amd.AMDIntegrator(0.001, 1.0, 0.0),
        lambda: amd.AMDForceGroupIntegrator(0.001, 0, 1.0, 0.0),
        lambda: amd.DualAMDIntegrator(0.001, 0, 1.0, 0.0, 1.0, 0.0),
    ],
)
def test_boosted_dynamics_is_refused(make):
    with pytest.raises(ValueError, match="its MD samples a boosted energy"):
        GenerativeJumpIntegrator(make(), Mirror(), 5, temperature=300)


def test_an_exception_in_a_later_try_leaves_the_earlier_ones():
    class SecondFails(Mirror):
        calls = 0

        def propose(self, positions, box, rng):
            self.calls += 1
            if self.calls == 2:
                raise LookupError("second")
            return Proposal(-positions, 0.0)

    integrator = GenerativeJumpIntegrator(
        openmm.VerletIntegrator(1e-9), SecondFails(), 1, triesPerJump=3, temperature=300
    )
    context = context_of(integrator)
    with pytest.raises(LookupError, match="second"):
        integrator.step(1)
    assert integrator.getNumJumpsAccepted() == 1
    positions = context.getState(positions=True).getPositions(asNumpy=True)._value
    np.testing.assert_allclose(positions, [[-0.1, -0.2, -0.3]], atol=1e-7)


@pytest.mark.parametrize("steps", [5.0, "5", None, 2**33])
def test_steps_must_be_an_integer(steps):
    integrator = GenerativeJumpIntegrator(openmm.BrownianIntegrator(300, 1, 0.001), Mirror(), 5)
    context = context_of(integrator)
    with pytest.raises(ValueError, match=r"steps must be an integer below 2\*\*31, got"):
        integrator.step(steps)
    del context


@pytest.mark.parametrize(
    ("particles", "message"),
    [([True, False], "not a mask"), (np.array([True]), "not a mask"), ([2**40], "than any System")],
)
def test_particles_that_are_no_indices(particles, message):
    proposer = Mirror()
    proposer.particles = particles
    with pytest.raises(ValueError, match=message):
        GenerativeJumpIntegrator(openmm.BrownianIntegrator(300, 1, 0.001), proposer, 5)


def test_a_log_ratio_may_be_an_array_without_dimensions():
    class Squeezed(Mirror):
        def propose(self, positions, box, rng):
            return Proposal(-positions, np.array(-1.5))

    integrator = GenerativeJumpIntegrator(openmm.BrownianIntegrator(300, 1, 0.001), Squeezed(), 1)
    context = context_of(integrator)
    integrator.step(1)
    assert integrator.getLastJump().log_ratio == -1.5
    del context


def test_closing_the_reporter_writes_the_last_attempts(tmp_path):
    integrator = GenerativeJumpIntegrator(openmm.BrownianIntegrator(300, 1, 0.001), Mirror(), 5)
    platform = openmm.Platform.getPlatformByName("Reference")
    topology = openmm.app.Topology()
    simulation = openmm.app.Simulation(topology, one_particle(), integrator, platform)
    simulation.context.setPositions([[0.1, 0.2, 0.3]])
    reporter = JumpReporter(tmp_path / "jumps.csv", 20)
    simulation.reporters.append(reporter)
    simulation.step(30)
    assert len((tmp_path / "jumps.csv").read_text().splitlines()) == 2 + 4
    reporter.close()
    reporter.close()
    assert len((tmp_path / "jumps.csv").read_text().splitlines()) == 2 + 6


@pytest.mark.parametrize("interval", [10.0, "10", None, 0])
def test_the_report_interval_is_checked(tmp_path, interval):
    with pytest.raises(ValueError, match="reportInterval must be a positive integer"):
        JumpReporter(tmp_path / "jumps.csv", interval)
    with pytest.raises(FileNotFoundError):
        JumpReporter(tmp_path / "missing" / "jumps.csv", 10)
