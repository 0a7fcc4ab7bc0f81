"""Basins from the densities of single torsions."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.msm.torsion_wells import WellConfig, find_wells

RNG = np.random.default_rng(0)


def normal(n, centres, width=0.2):
    return RNG.normal(centres, width, (n, len(centres)))


def test_combinations_of_wells_are_states():
    """Four places; one torsion has a well across the end of the circle."""
    parts = [normal(400, [3.1, 0.0]), normal(300, [3.1, 2.0]), normal(200, [0.5, 0.0])]
    parts.append(normal(100, [0.5, 2.0]))
    torsions = np.angle(np.exp(1j * np.concatenate(parts)))
    states = find_wells(torsions, np.ones(1000))
    np.testing.assert_allclose(states.populations, [0.4, 0.3, 0.2, 0.1], atol=0.004)
    assert (states.labels == np.repeat(range(4), [400, 300, 200, 100])).mean() > 0.995


def test_noise_makes_no_wells():
    for torsions in (RNG.uniform(-np.pi, np.pi, (3000, 3)), normal(3000, [1.0, -2.0], 0.6)):
        assert find_wells(torsions, np.ones(3000)).n_states == 1
    assert find_wells(np.zeros((5, 2)), np.ones(5)).n_states == 1


def test_weights_decide_where_to_cut_but_not_how_many_frames_a_state_has():
    """A shoulder is no well, unless what lies between weighs less."""
    torsions = np.concatenate([normal(1000, [centre], 0.25) for centre in (-0.7, 0.0, 0.7)])
    middle = np.repeat([False, True, False], 1000)
    assert find_wells(torsions, np.ones(3000)).n_states == 1
    assert find_wells(torsions, np.where(middle, 0.02, 1.0)).n_states == 2


def test_rare_combinations_join_the_nearest():
    torsions = np.concatenate([normal(900, [-1.5]), normal(95, [1.5]), normal(3, [0.2], 0.01)])
    states = find_wells(torsions, np.ones(998), WellConfig(min_fraction=0.01))
    assert states.n_states == 2
    assert set(states.labels[-3:]) == {1}
    every = find_wells(torsions, np.ones(998), WellConfig(min_fraction=0.0))
    assert every.populations.min() > 0


def test_bad_frames_are_refused():
    with pytest.raises(ValueError, match="cannot find wells without frames"):
        find_wells(np.empty((0, 2)), np.empty(0))
    with pytest.raises(ValueError, match="torsions must be finite"):
        find_wells(np.full((3, 2), np.nan), np.ones(3))
