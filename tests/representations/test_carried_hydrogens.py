"""Hydrogens follow their heavy atoms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.carried_hydrogens import CarriedHydrogens

from .small_complexes import last_residue, openmmtools_topology, small_topology, topology_of

MOLECULES = {
    "small": small_topology(),
    "cb7": openmmtools_topology("cb7-b2"),
    # One heavy neighbour alone, none at all, and neighbours in line.
    "ethane": topology_of(
        ("ETH", ["C", "C"] + ["H"] * 6, [(0, 1), *((n // 3, 2 + n) for n in range(6))])
    ),
    "water": topology_of(("HOH", ["O", "H", "H"], [(0, 1), (0, 2)])),
    "propyne": topology_of(
        (
            "PRY",
            ["C", "C", "C"] + ["H"] * 4,
            [(0, 1), (1, 2), (0, 3), (2, 4), (2, 5), (2, 6)],
        )
    ),
}


def of(name):
    topology = MOLECULES[name]
    heavy = [a.index for a in topology.atoms() if a.element.symbol != "H"]
    return CarriedHydrogens.of(topology, heavy), topology.getNumAtoms()


def conformation(name, n, seed):
    """Random positions (n, 3), nm; the carbons of propyne are in line."""
    positions = np.random.default_rng(seed).normal(scale=0.3, size=(n, 3))
    if name == "propyne":
        positions[:3] = positions[:1] + np.arange(3.0)[:, None] * 0.13 * np.array([0.6, 0.0, 0.8])
    return positions


def least_bend(carried, positions):
    """Sine of the smallest angle by which two bonds that define a plane differ from a line."""
    root, axis, plane = (positions[carried.particles][part] for part in carried.anchors.T)
    across = np.cross(axis - root, plane - root)
    lengths = np.linalg.norm(axis - root, axis=1) * np.linalg.norm(plane - root, axis=1)
    return (np.linalg.norm(across, axis=1) / lengths).min()


seeds = st.integers(0, 2**32 - 1)
names = st.sampled_from(sorted(MOLECULES))


@settings(max_examples=40, deadline=None)
@given(name=names, seed=seeds)
def test_heavy_atoms_that_stay_keep_their_hydrogens(name, seed):
    carried, n = of(name)
    now = conformation(name, n, seed)
    rebuilt = carried.rebuild(now, np.repeat(now[carried.particles][None], 2, axis=0))
    np.testing.assert_allclose(rebuilt, np.repeat(now[None], 2, axis=0), atol=1e-12, rtol=0)


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(["small", "cb7"]), seed=seeds)
def test_rigid_motions_are_carried(name, seed):
    carried, n = of(name)
    now = conformation(name, n, seed)
    assume(least_bend(carried, now) > 0.1)
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    moved = now @ turn.T + 5.0
    rebuilt = carried.rebuild(now, moved[carried.particles][None])[0]
    np.testing.assert_allclose(rebuilt, moved, atol=1e-10, rtol=0)


@settings(max_examples=40, deadline=None)
@given(name=names, seed=seeds)
def test_bonds_to_hydrogens_keep_their_lengths(name, seed):
    carried, n = of(name)
    now, other = conformation(name, n, seed), conformation("small", n, seed + 1)
    rebuilt = carried.rebuild(now, other[carried.particles][None])[0]
    around = BondGraph.of(MOLECULES[name]).neighbours
    for hydrogen in carried.hydrogens.tolist():
        (parent,) = around[hydrogen]
        before = np.linalg.norm(now[hydrogen] - now[parent])
        assert np.linalg.norm(rebuilt[hydrogen] - rebuilt[parent]) == pytest.approx(before)
    np.testing.assert_array_equal(rebuilt[carried.particles], other[carried.particles])


def test_each_conformation_is_rebuilt_for_itself():
    carried, n = of("cb7")
    now = conformation("cb7", n, 0)
    heavy = np.stack([conformation("cb7", n, seed)[carried.particles] for seed in (1, 2, 3)])
    together = carried.rebuild(now, heavy)
    for k in range(3):
        np.testing.assert_array_equal(together[k], carried.rebuild(now, heavy[k : k + 1])[0])


@pytest.mark.parametrize("name", ["ethane", "propyne"])
def test_an_axis_alone_turns_the_shortest_way(name):
    carried, n = of(name)
    now = conformation(name, n, 4)
    turn = Rotation.from_rotvec(np.pi / 2 * np.array([0.0, 0.0, 1.0])).as_matrix()
    axis = now[1] - now[0]
    heavy = now[carried.particles] @ turn.T
    rebuilt = carried.rebuild(now, heavy[None])[0]
    # The turn in question has the normal of both axes as its axis.
    shortest, _ = Rotation.align_vectors(
        np.stack([turn @ axis, np.cross(axis, turn @ axis)]),
        np.stack([axis, np.cross(axis, turn @ axis)]),
    )
    arms = now[carried.hydrogens] - now[carried.particles[carried.anchors[:, 0]]]
    found = rebuilt[carried.hydrogens] - rebuilt[carried.particles[carried.anchors[:, 0]]]
    np.testing.assert_allclose(found, shortest.apply(arms), atol=1e-7)


def test_an_axis_may_turn_round_completely():
    carried, n = of("ethane")
    now = conformation("ethane", n, 5)
    heavy = now[[1, 0]]  # the carbons change places
    rebuilt = carried.rebuild(now, heavy[None])[0]
    assert np.isfinite(rebuilt).all()
    axis = now[1] - now[0]
    for hydrogen, parent in zip(range(2, 8), [0] * 3 + [1] * 3, strict=True):
        before = (now[hydrogen] - now[parent]) @ axis
        after = (rebuilt[hydrogen] - rebuilt[parent]) @ -axis
        assert after == pytest.approx(before)


def test_chirality_survives():
    carried, n = of("small")
    now = conformation("small", n, 6)
    bent = now[carried.particles] + np.random.default_rng(1).normal(scale=0.02, size=(10, 3))
    rebuilt = carried.rebuild(now, bent[None])[0]

    def handedness(x):
        return np.sign(np.linalg.det(np.stack([x[5] - x[0], x[1] - x[0], x[6] - x[0]])))

    assert handedness(rebuilt) == handedness(now)


def test_what_is_not_in_the_model_stays():
    topology = MOLECULES["cb7"]
    ligand = last_residue(topology)
    heavy = [a.index for a in topology.atoms() if a.index in ligand and a.element.symbol != "H"]
    carried = CarriedHydrogens.of(topology, heavy)
    now = conformation("cb7", 156, 7)
    rebuilt = carried.rebuild(now, now[heavy][None] + 1.0)[0]
    np.testing.assert_array_equal(rebuilt[:126], now[:126])
    np.testing.assert_allclose(rebuilt[126:], now[126:] + 1.0)


def test_errors():
    topology = MOLECULES["small"]
    for bad in (6, 29, -1):
        with pytest.raises(ValueError, match=rf"heavy atoms of the Topology.*29 atoms, got {bad}"):
            CarriedHydrogens.of(topology, [0, bad])
    carried, n = of("small")
    with pytest.raises(ValueError, match=r"more than 28 atoms .*\(28, 3\) and \(1, 10, 3\)"):
        carried.rebuild(np.zeros((28, 3)), np.zeros((1, 10, 3)))
    with pytest.raises(ValueError, match=r"heavy atoms \(k, 10, 3\).*\(29, 3\) and \(10, 3\)"):
        carried.rebuild(np.zeros((n, 3)), np.zeros((10, 3)))
