"""Trees: how many conformations, whose children they are, and the same ones from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.proposers.tree_sampler import TreePlan, TreeSampler


class Nearby:
    """Children within 1 of their parent; remembers the sizes of its batches."""

    def __init__(self):
        self.batches = []

    def sample(self, positions_nm, n, rng):
        self.batches.append(len(positions_nm) * n)
        shape = (len(positions_nm), n, *positions_nm.shape[1:])
        return positions_nm[:, None] + rng.uniform(-1, 1, shape)


STARTS = 100.0 * np.arange(2)[:, None, None] + np.zeros((2, 4, 3))


def grow(plan, seed=0, starts=STARTS[:1], sound=None, sampler=None):
    nodes = list(TreeSampler(sampler or Nearby(), plan, seed=seed, sound=sound).iterate(starts))
    positions = np.concatenate([n.positions_nm for n in nodes])
    parents = np.concatenate([n.parents for n in nodes])
    depth = np.concatenate([np.full(len(n.parents), n.depth) for n in nodes])
    return positions, parents, depth, np.concatenate([n.sound for n in nodes])


def test_default_tree_has_1110_conformations_each_near_its_parent():
    sampler = Nearby()
    positions, parents, depth, sound = grow(TreePlan(), sampler=sampler)
    assert len(positions) == TreePlan().count(1) == 1110
    assert np.bincount(depth).tolist() == [0, 10, 100, 1000]
    assert sound.all()
    assert max(sampler.batches) <= 250
    assert (parents[:10] == -1).all()
    assert np.bincount(parents[10:], minlength=110).tolist() == [10] * 110
    assert (depth[parents[10:]] == depth[10:] - 1).all()
    before = np.where((parents < 0)[:, None, None], 0.0, positions[parents])
    steps = np.abs(positions - before)
    assert steps.max() <= 1.0 + 1e-5
    assert steps.mean() == pytest.approx(0.5, abs=0.01)  # of the parent, not of a random one


@pytest.mark.parametrize("batch_size", [1, 7, 10, 64, 5000])
def test_batches_are_as_large_as_allowed_and_no_larger(batch_size):
    sampler = Nearby()
    _, parents, _, _ = grow(TreePlan(branching=(20, 5), batch_size=batch_size), sampler=sampler)
    assert np.bincount(parents[20:]).tolist() == [5] * 20
    assert sum(sampler.batches) == 120
    assert max(sampler.batches) == {1: 1, 7: 7, 10: 10, 64: 60, 5000: 100}[batch_size]


def test_budget_cuts_the_last_generation_evenly():
    _, parents, depth, _ = grow(TreePlan(budget=500))
    assert np.bincount(depth).tolist() == [0, 10, 100, 390]
    children = np.bincount(parents[110:], minlength=110)[10:]
    assert children.sum() == 390
    assert set(children.tolist()) == {3, 4}


def test_budget_below_a_generation_ends_there():
    _, _, depth, _ = grow(TreePlan(budget=7))
    assert depth.tolist() == [1] * 7


def test_larger_budgets_grow_trees_from_the_starts_in_turn():
    positions, parents, depth, _ = grow(TreePlan(branching=(2, 3), budget=20), starts=STARTS)
    assert depth.tolist() == ([1] * 2 + [2] * 6) * 2 + [1] * 2 + [2] * 2
    assert parents.tolist()[:8] == [-1, -1, 0, 0, 0, 1, 1, 1]
    assert parents.tolist()[8:16] == [-2, -2, 8, 8, 8, 9, 9, 9]
    assert parents.tolist()[16:] == [-1, -1, 16, 17]
    assert (positions.mean(axis=(1, 2)).round(-2) == [0] * 8 + [100] * 8 + [0] * 4).all()
    assert not np.array_equal(positions[:2], positions[16:18])


def test_without_a_budget_each_start_has_a_tree():
    _, parents, _, _ = grow(TreePlan(branching=(3,)), starts=STARTS)
    assert parents.tolist() == [-1] * 3 + [-2] * 3


def test_a_chain_is_a_tree():
    _, parents, depth, _ = grow(TreePlan(branching=(1,) * 50))
    assert parents.tolist() == list(range(-1, 49))
    assert depth.tolist() == list(range(1, 51))


def test_seed_decides():
    plan = TreePlan(branching=(4, 4))
    one, again, other = (grow(plan, seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def right(positions_nm):
    return positions_nm[:, 0, 0] > positions_nm[:, 1, 0]


def test_broken_conformations_are_drawn_again():
    once = grow(TreePlan(branching=(400,), tries=1), sound=right)[3].mean()
    thrice = grow(TreePlan(branching=(400,), tries=3), sound=right)[3].mean()
    assert once == pytest.approx(1 / 2, abs=4 * 0.5 / 20)
    assert thrice == pytest.approx(7 / 8, abs=4 * 0.33 / 20)
    positions, _, _, sound = grow(TreePlan(branching=(400,), tries=3), sound=right)
    assert np.array_equal(right(positions), sound)


def test_broken_conformations_have_no_children():
    _, parents, depth, sound = grow(TreePlan(branching=(20, 5), tries=1), sound=right)
    assert (depth == 2).sum() == 100
    assert 0 < sound[:20].sum() < 20
    children = np.bincount(parents[20:], minlength=20)
    assert (children[~sound[:20]] == 0).all()
    assert np.ptp(children[sound[:20]]) <= 1


def test_if_none_is_sound_the_tree_still_grows():
    plan = TreePlan(branching=(3, 2), tries=2)
    _, parents, _, sound = grow(plan, sound=lambda positions_nm: np.zeros(len(positions_nm), bool))
    assert parents.tolist() == [-1] * 3 + [0, 0, 1, 1, 2, 2]
    assert not sound.any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"branching": ()}, r"branching must be at least 1, got \(\)"),
        ({"branching": (3, 0)}, r"branching must be at least 1, got \(3, 0\)"),
        ({"budget": 0}, "budget must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"tries": 0}, "tries must be at least 1, got 0"),
    ],
)
def test_nonsense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TreePlan(**changes)
