"""Pulls do the work that is exact for a harmonic well, reverse themselves, follow the receptor."""

import dataclasses

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.straight_pull import PullSettings, StraightPull, random_direction
from openmm_genmd.units import thermal_energy_kj_per_mol

from .small_complex import small_complex

WELL, SPRING, MASS = 600.0, 400.0, 12.0
KT = thermal_energy_kj_per_mol(300.0)
Z = np.array([0.0, 0.0, 1.0])
SETTINGS = PullSettings(
    steps=200, length_nm=0.2, spring_kj_per_mol_nm2=SPRING, exit_nm=5.0, friction_per_ps=5.0
)


def harmonic(well=WELL):
    """A receptor that is held, and one particle in a harmonic well around the origin."""
    topology, system = app.Topology(), openmm.System()
    for name, masses in (("REC", [0.0] * 4), ("LIG", [MASS])):
        residue = topology.addResidue(name, topology.addChain())
        for n, mass in enumerate(masses):
            topology.addAtom(f"C{n}", app.element.carbon, residue)
            system.addParticle(mass)
    force = openmm.CustomExternalForce(f"{0.5 * well}*(x^2+y^2+z^2)")
    force.addParticle(4)
    system.addForce(force)
    corners = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    x = np.concatenate([0.3 * corners, np.zeros((1, 3))])
    parts = (np.array([4]), np.arange(4), np.arange(4))
    return BoundComplex("well", topology, system, x, *parts, temperature_k=300.0)


def phase(bound, x, v, centre=None):
    positions = bound.positions_nm.copy()
    velocities = np.zeros_like(positions)
    positions[4], velocities[4] = x, v
    return Phase(positions, velocities, None if centre is None else np.array([centre]))


def equilibrated(bound, n, seed):
    """Moments of equilibrium with the spring tight at the origin."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        x = rng.normal(scale=np.sqrt(KT / (WELL + SPRING)), size=3)
        yield phase(bound, x, rng.normal(scale=np.sqrt(KT / MASS), size=3), np.zeros(3))


class HalfAStepLate(StraightPull):
    """Broken on purpose: shares (k + 1) / n instead of (k + 1/2) / n, along +z or -z."""

    sign = 1.0

    def _move(self, x, place_nm):
        n = self.settings.steps // self.settings.steps_per_change
        return super()._move(x, place_nm + self.sign * 0.5 * self.settings.length_nm / n * Z)


def jarzynski_z_score(work):
    """Deviation of <exp(-(W - dF) / kT)> from 1 in standard errors, dF being exact."""
    free_energy = 0.5 * WELL * SPRING / (WELL + SPRING) * SETTINGS.length_nm**2
    weights = np.exp(-(work - free_energy) / KT)
    return abs(weights.mean() - 1) / (weights.std(ddof=1) / np.sqrt(len(weights)))


def test_work_obeys_jarzynski():
    bound = harmonic()
    pull = StraightPull(bound, SETTINGS, platform="Reference", seed=3)
    starts = list(equilibrated(bound, 150, 5))
    done = [pull.pull(start, Z) for start in starts]
    assert jarzynski_z_score(np.array([each.work_kj_per_mol for each in done])) < 4
    # Broken on purpose: what the spring gains from beginning to end is taken for the work.
    held = np.array([0.5 * SPRING * (start.positions_nm[4] ** 2).sum() for start in starts])
    assert jarzynski_z_score(np.array([each.held_kj_per_mol for each in done]) - held) > 6


def exact_mean_work(settings):
    """Of a pull from rest at the origin: forces are linear, so the mean moves as if at 0 K."""
    n, m = settings.steps // settings.steps_per_change, settings.steps_per_change
    dt, decay = 2e-3, np.exp(-settings.friction_per_ps * 2e-3)
    x = v = work = centre = 0.0
    for share in [*((np.arange(n) + 0.5) / n), 1.0]:
        moved = share * settings.length_nm
        work += 0.5 * SPRING * ((x - moved) ** 2 - (x - centre) ** 2)
        centre = moved
        for _ in range(m):
            v += dt * (-WELL * x - SPRING * (x - centre)) / MASS
            x += 0.5 * dt * v
            v *= decay
            x += 0.5 * dt * v
    return work


def test_mean_work_from_rest_is_exact():
    bound = harmonic()
    pull = StraightPull(bound, SETTINGS, platform="Reference", seed=4)
    start = phase(bound, np.zeros(3), np.zeros(3))
    work = np.array([pull.pull(start, Z).work_kj_per_mol for _ in range(100)])
    error = work.std(ddof=1) / np.sqrt(len(work))
    assert abs(work.mean() - exact_mean_work(SETTINGS)) < 4 * error
    # Broken on purpose: 10 % longer.
    longer = SETTINGS.model_copy(update={"length_nm": 0.22})
    assert abs(work.mean() - exact_mean_work(longer)) > 6 * error


def there_and_back(kind):
    """Works of a pull without friction and of its reverse, and how far that ends from the start."""
    bound = harmonic()
    settings = SETTINGS.model_copy(update={"friction_per_ps": 0.0, "steps_per_change": 25})
    start = phase(bound, np.array([0.01, 0.0, 0.03]), np.array([0.0, 0.2, 0.1]), np.zeros(3))
    pull = kind(bound, settings, platform="Reference")
    there = pull.pull(start, Z)
    n = settings.steps // settings.steps_per_change
    x, v = there.end.positions_nm[4], there.end.velocities_nm_per_ps[4]
    # Leapfrog: velocities are half a step behind, so the reverse starts half a step ahead.
    last = (n - 0.5) / n * settings.length_nm * Z
    v = v + 2e-3 * (-WELL * x - SPRING * (x - last)) / MASS
    pull.sign = -1.0
    back = pull.pull(phase(bound, x, -v, there.end.centres_nm[0]), -Z)
    missed = np.abs(back.end.positions_nm - start.positions_nm).max()
    return there.work_kj_per_mol, back.work_kj_per_mol, missed


def test_a_pull_reverses_itself():
    there, back, missed = there_and_back(StraightPull)
    # Not exactly: at a move, the force of that step is the new one, whichever way it goes.
    assert there > 1.0
    assert back == pytest.approx(-there, rel=0.015)
    assert missed < 2e-3


def test_moves_that_are_late_do_not():
    there, back, missed = there_and_back(HalfAStepLate)
    assert abs(there + back) > 0.03 * there
    assert missed > 6e-3


def test_no_way_no_work():
    bound = harmonic()
    settings = SETTINGS.model_copy(update={"length_nm": 0.0})
    done = StraightPull(bound, settings, platform="Reference").pull(
        phase(bound, np.array([0.02, 0, 0]), np.ones(3)), Z
    )
    assert abs(done.work_kj_per_mol) < 1e-9
    assert done.held_kj_per_mol > 0
    assert (done.steps, len(done.frames_nm)) == (200, 8)


def test_the_line_turns_with_the_receptor():
    bound = harmonic(well=0.0)
    quarter_turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turned = bound.positions_nm @ quarter_turn.T + 1.0
    cold = dataclasses.replace(bound, temperature_k=1e-6)
    settings = PullSettings(
        steps=2000, length_nm=0.3, spring_kj_per_mol_nm2=SPRING, exit_nm=5.0, friction_per_ps=20
    )
    done = StraightPull(cold, settings, platform="Reference").pull(
        Phase(turned, np.zeros_like(turned)), np.array([5.0, 0, 0])
    )
    assert done.end.centres_nm[0] - turned[4] == pytest.approx([0, 0.3, 0], abs=1e-9)
    moved = done.end.positions_nm[4] - turned[4]
    assert np.abs(moved[[0, 2]]).max() < 1e-4
    assert 0.25 < moved[1] < 0.3


def test_it_ends_where_the_ligand_is_out():
    bound = small_complex()
    start = Phase(bound.positions_nm, np.zeros_like(bound.positions_nm))
    settings = PullSettings(steps=1000, exit_nm=0.5)
    done = StraightPull(bound, settings, platform="Reference", seed=2).pull(start, Z)
    assert 0.5 < done.least_distance_nm < 0.62
    assert done.steps < 1000
    assert done.steps % settings.steps_per_frame == 0
    assert len(done.frames_nm) == done.steps // settings.steps_per_frame
    assert np.array_equal(done.frames_nm[-1], done.end.positions_nm)
    stretch = done.end.positions_nm[8:].mean(axis=0) - done.end.centres_nm[0]
    assert done.held_kj_per_mol == pytest.approx(500.0 * stretch @ stretch)


def test_the_work_is_the_energy_that_openmm_gains():
    """Without heat bath or MD in between, the Context's energy changes by the work alone."""
    bound = harmonic()
    pull = StraightPull(bound, SETTINGS, platform="Reference")
    start = phase(bound, np.array([0.05, 0.02, 0]), np.zeros(3))
    begin, context = pull._tighten(start), pull._dynamics.context

    def energy():
        return context.getState(energy=True).getPotentialEnergy()._value

    before = energy()
    work = pull._move(start.positions_nm, begin + np.array([0.1, 0.0, -0.2]))
    assert work == pytest.approx(0.5 * SPRING * 0.05)
    assert energy() - before == pytest.approx(work)


def test_random_directions_are_uniform_on_the_sphere():
    def z_score(drawn):
        fourth = drawn[:, 2] ** 4  # 1/5 on the sphere
        return abs(fourth.mean() - 0.2) / (fourth.std() / np.sqrt(len(drawn)))

    rng = np.random.default_rng(2)
    directions = np.array([random_direction(rng) for _ in range(4000)])
    assert np.abs(np.linalg.norm(directions, axis=1) - 1).max() < 1e-12
    assert np.abs(directions.mean(axis=0)).max() < 4 / np.sqrt(3 * 4000)
    assert z_score(directions) < 4
    # Broken on purpose: corners of a cube come too often.
    cube = rng.uniform(-1, 1, size=(4000, 3))
    assert z_score(cube / np.linalg.norm(cube, axis=1, keepdims=True)) > 4


@pytest.mark.parametrize("direction", [np.zeros(3), np.array([np.nan, 0, 1]), [np.inf, 0, 0]])
def test_a_direction_needs_a_length(direction):
    bound = harmonic()
    pull = StraightPull(bound, SETTINGS, platform="Reference")
    with pytest.raises(ValueError, match="expected a direction of three finite numbers, not all 0"):
        pull.pull(phase(bound, np.zeros(3), np.zeros(3)), np.asarray(direction))


def test_settings_that_do_not_fit():
    with pytest.raises(ValueError, match=r"steps_per_frame must be a multiple of .* = 10, got 25"):
        PullSettings(steps_per_change=10)
    with pytest.raises(
        ValueError, match=r"steps must be a multiple of steps_per_frame = 25, got 3"
    ):
        PullSettings(steps=3)
    with pytest.raises(ValueError, match=r"platform must be one of .*, got 'Abacus'"):
        StraightPull(harmonic(), SETTINGS, platform="Abacus")


def test_unstable_md_is_said():
    bound = bundled_complex("cb7-b2")
    pull = StraightPull(bound, PullSettings(steps=500, time_step_fs=50.0), platform="Reference")
    start = Phase(bound.positions_nm, np.zeros_like(bound.positions_nm))
    with pytest.raises(RuntimeError, match=r"the MD became unstable: .*; use a smaller time step"):
        pull.pull(start, Z)
