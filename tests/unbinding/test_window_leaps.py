"""Leaps between modes of a ligand, against their populations as integrals."""

import copy

import numpy as np
import openmm
import pytest
from pydantic import ValidationError

from openmm_genmd.proposers.proposer import Proposal
from openmm_genmd.proposers.rigid_turn_proposer import RigidTurnProposer
from openmm_genmd.proposers.uniform_torsion_proposer import UniformTorsionProposer
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.pose_restraint import PoseWindow
from openmm_genmd.unbinding.window_leaps import LeapCounts, WindowLeaps

from .complexes_with_modes import (
    BARRIER_KJ_PER_MOL,
    twisted_complex,
    two_way_complex,
    two_way_share,
)
from .gated_complex import KT

SETTINGS = FreeEnergySettings(leap_steps=20, hydrogen_mass_da=None)
FREE = PoseWindow(np.zeros(3), np.eye(3), 0.0, 0.0)
HELD = PoseWindow(np.zeros(3), np.eye(3), 1000.0, 80.0)


def leaps_and_md(bound, seed=1):
    """Leaps, and a Context with MD, of a ligand that is held near the middle of its ring."""
    system = copy.deepcopy(bound.system)
    held = openmm.CustomCentroidBondForce(2, "500*distance(g1,g2)^2")
    for group in (list(range(8)), [8, 9, 10, 11]):
        held.addGroup(group)
    held.addBond([0, 1])
    system.addForce(held)
    made = WindowLeaps(bound, system, SETTINGS, platform="Reference", seed=seed)
    md = openmm.LangevinMiddleIntegrator(300.0, 5.0, 0.004)
    md.setRandomNumberSeed(seed)
    context = openmm.Context(system, md, openmm.Platform.getPlatformByName("Reference"))
    context.setPositions(bound.positions_nm)
    context.setVelocitiesToTemperature(300.0, seed)
    return made, context


def visited(leaps, context, window, rounds, steps=20):
    """Positions after each round of MD and a leap, of which ``(rounds, n, 3)``."""
    frames = []
    for _ in range(rounds):
        leaps.leap(context, window)
        context.getIntegrator().step(steps)
        frames.append(context.getState(positions=True).getPositions(asNumpy=True)._value)
    return np.array(frames)


def standard_error(values, blocks=20):
    """Of a mean, by means of blocks."""
    means = values[: len(values) // blocks * blocks].reshape(blocks, -1).mean(axis=1)
    return means.std(ddof=1) / np.sqrt(blocks)


def excess_of_second_way(bound, deeper_kj_per_mol, rounds=3000):
    """How much more often than it should a ligand binds the second way, in standard errors."""
    leaps, context = leaps_and_md(bound)
    context.setParameter("deeper", deeper_kj_per_mol)
    x = visited(leaps, context, FREE, rounds)
    ring, ligand = x[:, :8].mean(axis=1), x[:, 8:12].mean(axis=1)
    turned = ((x[:, 8] - ligand) * (x[:, 0] - ring)).sum(axis=1) < 0
    share = two_way_share(deeper_kj_per_mol, np.linalg.norm(ligand - ring, axis=1))
    excess = turned - share
    return excess.mean() / standard_error(excess), leaps.take_counts()


def test_turns_give_both_ways_to_bind_their_population():
    excess, counts = excess_of_second_way(two_way_complex(2.0), 2.0)
    assert abs(excess) < 4
    assert counts.tried == 3000
    assert counts.accepted > 100
    assert 20 * counts.tried < counts.steps < 50 * counts.tried


def test_leaps_are_judged_with_the_parameters_of_the_window():
    # In the Contexts that leap are made with, both ways are alike.
    excess, _ = excess_of_second_way(two_way_complex(0.0), 6.0)
    assert abs(excess) < 4


def test_without_leaps_one_way_is_never_seen(monkeypatch):
    monkeypatch.setattr(WindowLeaps, "leap", lambda *_: None)
    bound = two_way_complex(2.0)
    leaps, context = leaps_and_md(bound)
    x = visited(leaps, context, FREE, 1000)
    ligand = x[:, 8:12].mean(axis=1)
    assert ((x[:, 8] - ligand) * (x[:, 0] - x[:, :8].mean(axis=1))).sum(axis=1).min() > 0


def test_turns_that_are_accepted_too_often_would_be_seen(monkeypatch):
    right = RigidTurnProposer.propose

    def wrong(self, positions, box, rng):
        return Proposal(right(self, positions, box, rng).positions, 3.0)

    monkeypatch.setattr(RigidTurnProposer, "propose", wrong)
    excess, _ = excess_of_second_way(two_way_complex(6.0), 6.0)
    assert excess < -6


def excess_of_turned_bond(rounds=2000):
    """How much more often than it should a bond is turned over, in standard errors."""
    bound = twisted_complex(well_kj_per_mol=4.0)
    leaps, context = leaps_and_md(bound)
    assert leaps.has_torsions
    x = visited(leaps, context, HELD, rounds)
    distance = np.linalg.norm(x[:, :8].mean(axis=1) - x[:, 8:12].mean(axis=1), axis=1)
    depth = 0.5 * 4.0 * np.exp(-0.5 * (distance / 0.15) ** 2)
    angle = np.linspace(-np.pi, np.pi, 2001)
    energy = BARRIER_KJ_PER_MOL * np.sin(angle) ** 2 - depth[:, None] * (1 + np.cos(angle))
    weights = np.exp(-energy / KT)
    share = weights[:, np.cos(angle) < 0].sum(axis=1) / weights.sum(axis=1)
    toward, arm = x[:, 9] - x[:, 8], x[:, 13] - x[:, 12]
    axis = x[:, 12] - x[:, 8]
    axis /= np.linalg.norm(axis, axis=1)[:, None]
    across = [v - (v * axis).sum(axis=1)[:, None] * axis for v in (toward, arm)]
    turned = (across[0] * across[1]).sum(axis=1) < 0
    excess = turned - share
    return excess.mean() / standard_error(excess), leaps.take_counts()


def test_torsions_leap_where_the_orientation_is_held():
    excess, counts = excess_of_turned_bond()
    assert abs(excess) < 4
    assert counts.tried == 2000
    assert counts.accepted > 100


def test_torsions_that_are_accepted_too_often_would_be_seen(monkeypatch):
    right = UniformTorsionProposer.propose

    def wrong(self, positions, box, rng):
        return Proposal(right(self, positions, box, rng).positions, 3.0)

    monkeypatch.setattr(UniformTorsionProposer, "propose", wrong)
    assert excess_of_turned_bond()[0] > 6


def test_a_ligand_that_is_held_and_has_no_torsions_does_not_leap():
    leaps, context = leaps_and_md(two_way_complex())
    assert not leaps.has_torsions
    before = context.getState(positions=True).getPositions(asNumpy=True)._value
    leaps.leap(context, HELD)
    after = context.getState(positions=True).getPositions(asNumpy=True)._value
    np.testing.assert_array_equal(after, before)
    assert leaps.take_counts() == LeapCounts(0, 0, 0)


def test_counts_begin_anew_when_taken():
    leaps, context = leaps_and_md(two_way_complex())
    visited(leaps, context, FREE, 3)
    assert leaps.take_counts().tried == 3
    assert leaps.take_counts() == LeapCounts(0, 0, 0)


@pytest.mark.parametrize("name", ["leap_steps", "iterations_per_leap", "leap_time_step_fs"])
def test_settings_out_of_range_are_refused(name):
    with pytest.raises(ValidationError, match=name):
        FreeEnergySettings(**{name: -1})
