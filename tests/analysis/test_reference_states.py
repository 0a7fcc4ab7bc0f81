"""States of a reference whose states are known."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.analysis.ensemble import Ensemble, Molecule
from openmm_genmd.analysis.reference_states import (
    features_of,
    fit_reference_states,
    lag_in_frames,
    reuse_states,
)
from openmm_genmd.msm.estimation import MsmConfig
from openmm_genmd.msm.kinetic_features import KineticCoordinates
from openmm_genmd.msm.microstates import Microstates
from openmm_genmd.msm.state_map import StateMap

from .switching_dipeptide import LEAVE, NATIVE_NM, TOPOLOGY, chain, torsions

CONFIG = MsmConfig(lag_frames=5, n_microstates=12, n_states=2)


@pytest.fixture(scope="module")
def molecule():
    return Molecule.of(TOPOLOGY, NATIVE_NM)


def ensemble_of(states, molecule, interval_ps=1.0, seed=5):
    """All atoms at rest, torsions of the states; residues and torsions as in the layout."""
    rng = np.random.default_rng(seed)
    angles = np.full((len(states), 1, 7), np.nan, dtype=np.float32)
    angles[:, 0, 0] = 3.1
    angles[:, 0, 1:3] = torsions(states, rng)
    still = np.repeat(molecule.native_angstrom[None].astype(np.float32), len(states), axis=0)
    return Ensemble(molecule, still, angles, (len(states) // 2, -(-len(states) // 2)), interval_ps)


def same_division(found, known):
    share = np.mean(found == known)
    return max(share, 1 - share)


def test_states_are_found_and_given_to_other_frames(molecule):
    known = chain(4000, np.random.default_rng(1))
    reference = ensemble_of(known, molecule)
    states = fit_reference_states(reference, CONFIG, "torsions")
    assert states.n_states == 2
    assert states.has_slow_coordinates
    assert same_division(states.states(reference), known) > 0.99
    assert np.array_equal(states.states(reference), states.model.labels)
    other = chain(500, np.random.default_rng(2), start=1)
    assert same_division(states.states(ensemble_of(other, molecule, seed=6)), other) > 0.99
    # The slowest coordinate separates the two states by more than their widths.
    slow = states.slow(reference)[:, 0]
    gap = abs(slow[known == 0].mean() - slow[known == 1].mean())
    assert gap > 4 * max(slow[known == 0].std(), slow[known == 1].std())


def test_transition_probabilities_are_those_of_the_chain(molecule):
    known = chain(20_000, np.random.default_rng(3))
    states = fit_reference_states(ensemble_of(known, molecule), CONFIG, "torsions")
    step = np.array([[1 - LEAVE[0], LEAVE[0]], [LEAVE[1], 1 - LEAVE[1]]])
    exact = np.linalg.matrix_power(step, 5)
    assert states.model.reversible_transition_matrix == pytest.approx(exact, abs=0.03)
    counts = states.counts(ensemble_of(known, molecule), 5)
    assert counts.sum() == 2 * (10_000 - 5)


def test_states_of_a_given_map(molecule):
    known = chain(2000, np.random.default_rng(4))
    reference = ensemble_of(known, molecule)
    # Features: sines, then cosines, of pre-omega, phi and psi; the sine of phi tells the states.
    pick = KineticCoordinates(np.zeros(6), np.eye(6)[:, 1:2], np.ones(1), 1.0)
    cells = Microstates(np.array([[-1.0], [0.8]]))
    given = StateMap(pick, cells, np.array([1, 0]))
    states = reuse_states(given, reference, None)
    assert states.model is None
    assert states.features == "all torsions"
    assert np.mean(states.states(reference) == 1 - known) > 0.99
    assert reuse_states(given, reference, 5).model.n_states == 2
    # Never there and back: no Markov model, and the reason.
    stuck = ensemble_of(np.repeat([0, 1], 30), molecule)
    refused = reuse_states(given, stuck, 5)
    assert refused.model is None
    assert "no fluxes: expected 2 states that are connected" in refused.notes[-1]


def test_maps_of_other_molecules_are_refused(molecule):
    reference = ensemble_of(np.zeros(20, dtype=int), molecule)
    wrong = KineticCoordinates(np.zeros(9), np.eye(9), np.ones(1), 1.0)
    state_map = StateMap(wrong, Microstates(np.zeros((2, 9))), np.array([0, 1]))
    with pytest.raises(ValueError, match="the states take 9 features, but this molecule has 6"):
        reuse_states(state_map, reference, None)


def test_features(molecule):
    reference = ensemble_of(np.array([0, 1, 0, 1]), molecule)
    parts = features_of(reference, "torsions")
    assert [part.shape for part in parts] == [(2, 4), (2, 4)]
    phi = reference.torsions[:2, 0]
    assert parts[0][:, 0] == pytest.approx(np.sin(phi), abs=1e-6)
    with pytest.raises(ValueError, match="the ensemble was read without its shape"):
        features_of(reference, "shape")


@pytest.mark.parametrize(("lag_ps", "interval_ps"), [(1.0, 3.0), (100.0, 30.0)])
def test_lags_are_multiples_of_the_interval(lag_ps, interval_ps):
    assert lag_in_frames(100.0, 0.1) == 1000
    with pytest.raises(ValueError, match="the lag must be a multiple of the"):
        lag_in_frames(lag_ps, interval_ps)
