"""Periodic boxes, barostats and virtual sites, and the CPU platform."""

import math

import numpy as np
import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator, Proposal

TRICLINIC = np.array([[3.0, 0.0, 0.0], [0.7, 3.2, 0.0], [-0.4, 0.9, 3.5]])


def gas(box=TRICLINIC, n_particles=20) -> tuple[openmm.System, np.ndarray]:
    """Lennard-Jones particles in a periodic box."""
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*box)
    force = openmm.NonbondedForce()
    force.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    for _ in range(n_particles):
        system.addParticle(40.0)
        force.addParticle(0.0, 0.3, 1.0)
    system.addForce(force)
    grid = np.stack(np.meshgrid(*[np.arange(3)] * 3), -1).reshape(-1, 3)[:n_particles]
    return system, (grid / 3) @ box


def box_of(context) -> np.ndarray:
    return np.array(context.getState().getPeriodicBoxVectors(asNumpy=True)._value)


BAROSTATS = {
    "none": lambda: None,
    "isotropic": lambda: openmm.MonteCarloBarostat(10.0, 300.0, 3),
    "anisotropic": lambda: openmm.MonteCarloAnisotropicBarostat(
        [10.0] * 3, 300.0, True, True, True, 3
    ),
    "flexible": lambda: openmm.MonteCarloFlexibleBarostat(10.0, 300.0, 3),
}


@pytest.mark.parametrize("name", BAROSTATS)
def test_the_proposer_sees_the_current_box(name, proposing, langevin, in_context):
    seen = []

    def look(positions, box, rng):
        assert box.shape == (3, 3)
        np.testing.assert_array_equal(box, box_of(context))
        seen.append(box)
        return Proposal(positions + box.sum(axis=0), 0.0)

    system, positions_nm = gas()
    barostat = BAROSTATS[name]()
    if barostat is not None:
        barostat.setRandomNumberSeed(1)
        system.addForce(barostat)
    integrator = GenerativeJumpIntegrator(langevin(), proposing(look, range(20)), 5, seed=1)
    context = in_context(system, integrator, positions_nm)
    integrator.step(100)
    assert len(seen) == 20
    if name == "none":
        np.testing.assert_allclose(seen[0], TRICLINIC, atol=1e-12)  # rows are the vectors
    assert (len({box.tobytes() for box in seen}) == 1) == (name == "none")
    # A translation by lattice vectors changes nothing: every jump is accepted.
    works = [abs(record.work_kj_per_mol) for record in integrator.getRecords()]
    assert max(works) < 1e-6
    assert integrator.getAcceptanceRate() > 0.9


def test_without_periodicity_there_is_no_box(proposing, well, jumping, in_context):
    boxes = []
    integrator = jumping(proposing(lambda x, box, rng: boxes.append(box) or Proposal(x, 0.0)))
    in_context(well(), integrator)
    integrator.step(10)
    assert boxes == [None, None]


def with_virtual_sites() -> openmm.System:
    """Particles 0-2 in wells; 3 is between 0 and 1, 4 lies out of the plane of 0, 1, 2."""
    system = openmm.System()
    force = openmm.CustomExternalForce("50*(x*x+y*y+z*z)")
    for index in range(5):
        system.addParticle(12.0 if index < 3 else 0.0)
        force.addParticle(index, [])
    system.setVirtualSite(3, openmm.TwoParticleAverageSite(0, 1, 0.3, 0.7))
    system.setVirtualSite(4, openmm.OutOfPlaneSite(0, 1, 2, 0.2, 0.3, 4.0))
    system.addForce(force)
    return system


SITES = [[0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("particles", [[0, 1, 2, 3, 4], [4, 0, 3], [1]])
@pytest.mark.parametrize("returned", [math.nan, 1e9, 0.0])
def test_virtual_sites_are_recomputed(
    particles, returned, proposing, verlet_jumping, in_context, positions_of
):
    seen = []

    def move(positions, box, rng):
        seen.append(positions.copy())
        positions += 0.01 * rng.normal(size=positions.shape)
        positions[[index > 2 for index in particles]] = returned
        return Proposal(positions, 0.0)

    integrator = verlet_jumping(proposing(move, particles), interval=1)
    system = with_virtual_sites()
    context = in_context(system, integrator, SITES)
    other = in_context(system, openmm.VerletIntegrator(0.001), SITES)
    context.computeVirtualSites()
    accepted = 0
    for _ in range(40):
        integrator.step(1)
        now = positions_of(context)
        other.setPositions(now)
        other.computeVirtualSites()
        np.testing.assert_array_equal(now, positions_of(other))
        jump = integrator.getLastJump()
        if jump.accepted:
            accepted += 1
            energy_y = 50 * np.sum(now**2)
            x = now.copy()
            x[particles] = seen[-1]
            other.setPositions(x)
            other.computeVirtualSites()
            energy_x = 50 * np.sum(positions_of(other) ** 2)
            assert jump.work_kj_per_mol == pytest.approx(energy_y - energy_x, abs=1e-9)
    assert 0 < accepted <= 40
    assert integrator.getRejections()["not finite"] == 0


def shift_back_and_forth():
    """Deterministic moves of the ACE oxygen that are always accepted."""
    sign = [1.0]

    def move(positions, box, rng):
        sign[0] *= -1
        return Proposal(positions + sign[0] * np.array([0.002, -0.001, 0.003]), 1e6)

    return move


def test_cpu_and_reference_make_the_same_accepted_jumps(
    alanine, proposing, verlet_jumping, in_context, positions_of
):
    _, system, positions_nm = alanine
    results = {}
    for platform in ("Reference", "CPU"):
        integrator = verlet_jumping(proposing(shift_back_and_forth(), [5]))
        context = in_context(system, integrator, positions_nm, platform)
        integrator.step(20)
        assert integrator.getNumJumpsAccepted() == 4
        results[platform] = (positions_of(context), integrator.getRecords())
    np.testing.assert_allclose(results["CPU"][0], results["Reference"][0], atol=1e-6)
    for cpu, reference in zip(results["CPU"][1], results["Reference"][1], strict=True):
        assert cpu.work_kj_per_mol == pytest.approx(reference.work_kj_per_mol, abs=0.02)


@pytest.mark.parametrize("log_ratio", [-math.inf, -1e9])
def test_rejections_on_the_cpu_platform_leave_no_trace(
    log_ratio, alanine, proposing, verlet_jumping, in_context, snapshot
):
    _, system, positions_nm = alanine
    held = []

    def leap(positions, box, rng):
        held.append(snapshot(context))
        return Proposal(positions + 0.1, log_ratio)

    integrator = verlet_jumping(proposing(leap, [5, 6]), interval=1)
    context = in_context(system, integrator, positions_nm, "CPU")
    for _ in range(10):
        integrator.step(1)
        assert snapshot(context) == held[-1]
    assert integrator.getNumJumpsAccepted() == 0


def test_exceptions_on_the_cpu_platform(alanine, proposing, verlet_jumping, in_context, snapshot):
    _, system, positions_nm = alanine
    held = []

    def fail(positions, box, rng):
        held.append(snapshot(context))
        raise ZeroDivisionError("my own")

    integrator = verlet_jumping(proposing(fail, [5]))
    context = in_context(system, integrator, positions_nm, "CPU")
    with pytest.raises(ZeroDivisionError, match="my own"):
        integrator.step(5)
    assert [snapshot(context)] == held
