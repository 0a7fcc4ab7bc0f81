"""Whole evaluations of ensembles whose answers are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from openmm_genmd.analysis.ensemble import Ensemble, Molecule
from openmm_genmd.analysis.evaluation import EvaluationSettings, evaluate
from openmm_genmd.analysis.evaluation_dynamics import (
    compare_dynamics,
    flux_number,
    path_numbers,
    rmsd_over_time_error,
    without_replica,
)
from openmm_genmd.analysis.evaluation_table import METRICS
from openmm_genmd.analysis.metrics_folding import NativeContacts, folding_free_energy_kcal_per_mol
from openmm_genmd.msm.kinetic_features import KineticCoordinates
from openmm_genmd.msm.microstates import Microstates
from openmm_genmd.msm.state_map import StateMap
from openmm_genmd.msm.transition_model import estimate_transition_model

from .switching_dipeptide import NATIVE_NM, TOPOLOGY, chain, positions_nm, torsions

SETTINGS = EvaluationSettings(lag_time_ps=5.0, n_states=2, n_microstates=12, max_frames=60)


def dipeptide(states, lengths, interval_ps=1.0, seed=7):
    molecule = Molecule.of(TOPOLOGY, NATIVE_NM)
    rng = np.random.default_rng(seed)
    phi_psi = torsions(states, rng)
    angles = np.full((len(states), 1, 7), np.nan)
    angles[:, 0, 0], angles[:, 0, 1:3] = np.pi, phi_psi
    heavy = [a.index for a in TOPOLOGY.atoms() if a.element.symbol != "H"]
    frames = molecule.superposed(10 * positions_nm(phi_psi)[:, heavy])
    return Ensemble(molecule, frames, angles.astype(np.float32), lengths, interval_ps)


@pytest.fixture(scope="module")
def reference():
    return dipeptide(chain(6000, np.random.default_rng(1)), (3000, 3000))


def generated_of(n_replicas, seed=2, interval_ps=1.0, start=0):
    rng = np.random.default_rng(seed)
    runs = [chain(1000, rng, start) for _ in range(n_replicas)]
    return dipeptide(np.concatenate(runs), (1000,) * n_replicas, interval_ps, seed)


@pytest.fixture(scope="module")
def evaluation(reference):
    return evaluate(reference, generated_of(4), SETTINGS)


def test_the_same_distribution_is_no_farther_than_halves(evaluation):
    for name in ("torsion_jsd", "tic0_jsd", "state_jsd"):
        found = evaluation.metrics[name]
        assert found.value < 2 * found.between_halves + 0.05
        assert 0 < found.standard_error < 0.1
    assert evaluation.metrics["rmsf_r_heavy"].value > 0.99
    assert evaluation.metrics["macrostate_mae"].value < 0.3
    assert evaluation.metrics["path_valid_rate"].value == 1.0
    # The chain forgets with exp(-D (0.02 + 0.06)) and is below one half after ln 2 / 0.083.
    assert evaluation.metrics["tic0_time_generated"].value == pytest.approx(8.3, abs=3)
    assert evaluation.dynamics.reference.slow_time_ps == pytest.approx(8.3, abs=2)


def test_a_wrong_population_is_seen_as_large_as_it_is(reference):
    stuck = dipeptide(np.zeros(2000, dtype=int), (500,) * 4, None)
    found = evaluate(reference, stuck, SETTINGS).metrics
    p = np.mean(reference.torsions[:, 0] > 0)
    m = np.array([1 - p / 2, p / 2])
    exact = np.sqrt(
        0.5 * ((1 - p) * np.log((1 - p) / m[0]) + p * np.log(p / m[1])) - 0.5 * np.log(m[0])
    )
    assert found["state_jsd"].value == pytest.approx(exact, abs=0.01)
    # F = -kT ln p, with 1 / (2 n) for the state that was never generated.
    error = (abs(np.log(1 - p)) + abs(np.log(p * 4000))) / 2
    assert found["macrostate_mae"].value == pytest.approx(0.0019872 * 300 * error, rel=0.02)
    assert "path_valid_rate" not in found  # no order in time, no dynamics


def test_free_energies_are_exploratory(evaluation):
    content = json.loads(json.dumps(evaluation.as_dict(), allow_nan=False))
    assert content["grade"] == "exploratory"
    assert "exploratory" in content["metrics"]["macrostate_mae"]["label"]
    energies = [
        m.label for m in METRICS.values() if "kcal" in m.unit and "reference" not in m.label
    ]
    assert energies
    assert all("exploratory" in label for label in energies)


def test_json_says_what_was_used(evaluation):
    content = evaluation.as_dict()
    assert content["lag"] == {"time_ps": 5.0, "reference_frames": 5}
    assert content["reference"]["frames_of_replicas"] == [3000, 3000]
    assert content["generated"]["frames"] == 4000
    assert content["error_bars"] == "jackknife over 4 generated replicas"
    assert [row["name"] for row in content["torsions"]] == ["ALA2 phi", "ALA2 psi"]
    assert sum(content["state_populations"]["generated"]) == pytest.approx(1.0)
    assert set(content["metrics"]) <= set(METRICS)


def test_errors_over_replicas_follow_from_their_scatter(reference):
    # In one state or the other of two chains: the second population is 0.44, not 0.25.
    rng = np.random.default_rng(11)
    runs = [chain(1000, rng) | chain(1000, rng) for _ in range(12)]
    generated = dipeptide(np.concatenate(runs), (1000,) * 12, None, 12)
    share = np.mean(generated.torsions[:, 0].reshape(12, 1000) > 0, axis=1)
    found = evaluate(reference, generated, SETTINGS).metrics["macrostate_mae"]
    p = share.mean()
    # MAE = kT (ln p / p_ref + ln (1 - p_ref) / (1 - p)) / 2, so dMAE / dp = kT / (2 p (1 - p)).
    expected = 0.0019872 * 300 / (2 * p * (1 - p)) * share.std(ddof=1) / 12**0.5
    assert found.standard_error == pytest.approx(expected, rel=0.1)


def test_a_reference_without_order_in_time_says_so(reference):
    timeless = replace(reference, frame_interval_ps=None)
    found = evaluate(timeless, generated_of(3), SETTINGS)
    assert "state_jsd" not in found.metrics
    assert "time between frames of the reference is not known" in found.notes[0]
    pick = KineticCoordinates(np.zeros(6), np.eye(6)[:, 1:2], np.ones(1), 1.0)
    states = StateMap(pick, Microstates(np.array([[-1.0], [0.8]])), np.array([0, 1]))
    given = evaluate(timeless, generated_of(3), SETTINGS, state_map=states)
    assert given.metrics["state_jsd"].value < 0.2
    assert given.dynamics is None
    excluded = StateMap(pick, states.microstates, np.array([0, -1]))
    note = evaluate(timeless, generated_of(3), SETTINGS, state_map=excluded).notes[-1]
    assert "of the generated frames are in conformations without a state" in note


def test_an_undersampled_reference_gets_a_reason_and_no_states():
    short = dipeptide(np.zeros(40, dtype=int), (40,))
    found = evaluate(short, short, SETTINGS)
    assert "state_jsd" not in found.metrics
    assert any("no TICA and no states of the reference" in note for note in found.notes)
    assert found.metrics["torsion_jsd"].value == 0.0
    assert any("no fluxes and no paths" in note for note in found.notes)


def test_too_few_frames_are_refused(reference):
    few = dipeptide(np.zeros(5, dtype=int), (5,))
    with pytest.raises(ValueError, match="the generated ensemble needs at least 10 frames, got 5"):
        evaluate(reference, few, SETTINGS)


def test_dynamics_need_times(reference):
    timeless = replace(reference, frame_interval_ps=None)
    with pytest.raises(ValueError, match="dynamics need the time between frames of both"):
        compare_dynamics(
            reference, timeless, None, lag_time_ps=5.0, path_length=5, n_paths=10, seed=1
        )


def test_the_time_between_generated_frames_may_differ(reference):
    rng = np.random.default_rng(3)
    every_fifth = np.concatenate([chain(5000, rng)[::5] for _ in range(3)])
    sparse = dipeptide(every_fifth, (1000,) * 3, 5.0)
    found = evaluate(reference, sparse, SETTINGS).metrics
    assert found["tic0_time_generated"].value == pytest.approx(10.0, abs=5.0)
    assert found["path_valid_rate"].value == 1.0
    assert found["path_jsd"].value < 0.1


def test_fluxes_are_counted_at_the_lag():
    rng = np.random.default_rng(4)
    first, second = rng.integers(1, 50, size=(2, 3, 3)).astype(float)
    off = ~np.eye(3, dtype=bool)
    # pi_i T_ij is the share of all transitions that go from i to j.
    expected = spearmanr((first / first.sum())[off], (second / second.sum())[off]).statistic
    assert flux_number(first, second)["flux_r"] == pytest.approx(expected)


def test_paths_that_the_generated_chain_never_takes(reference):
    model = estimate_transition_model([chain(2000, np.random.default_rng(5))], 2, 5)
    never = np.array([[5.0, 0.0], [0.0, 5.0]])
    found = path_numbers(model, never, length=5, n_paths=20, rng=np.random.default_rng(1))
    assert (found["path_valid_rate"], found["path_probability"]) == (0.0, 0.0)
    assert np.isnan(found["path_jsd"])
    assert found["path_probability_reference"] > 0.01


def test_rmsd_over_time(build):
    topology = build["peptide"](["ACE", *["ALA"] * 5, "NME"])
    rng = np.random.default_rng(6)
    molecule = Molecule.of(topology, rng.normal(size=(topology.getNumAtoms(), 3)))
    native = molecule.native_angstrom

    def stretched(*factors, interval_ps=1.0):
        frames = np.array([f * native for f in factors], dtype=np.float32)
        angles = np.zeros((len(factors), 5, 7), dtype=np.float32)
        return Ensemble(molecule, frames, angles, (len(factors),), interval_ps)

    carbons = native[molecule.alpha_carbons]
    size = np.sqrt(np.mean(np.sum((carbons - carbons.mean(axis=0)) ** 2, axis=1)))
    # The RMSD of a stretched structure from the first is its size times the stretch.
    error = rmsd_over_time_error(stretched(1.0, 1.1, 1.3), stretched(1.0, 1.2, 1.6, 2.0))
    assert error == pytest.approx(size * np.sqrt((0.0 + 0.1**2 + 0.3**2) / 3), rel=1e-4)
    other = stretched(1.0, 1.1, interval_ps=2.0)
    assert np.isnan(rmsd_over_time_error(stretched(1.0, 1.1), other))


def test_without_replica(reference):
    rest = without_replica(reference, 0)
    assert rest.lengths == (3000,)
    assert np.array_equal(rest.torsions, reference.torsions[3000:])


def compact_protein(build):
    """Twelve alanines on a tight spiral, so that distant residues touch."""
    topology = build["peptide"](["ACE", *["ALA"] * 12, "NME"])
    n = topology.getNumAtoms()
    t = np.linspace(0, 1, n)[:, None]
    spiral = np.hstack((np.cos(40 * t), np.sin(40 * t), 1.2 * t)) * 0.5
    return Molecule.of(topology, spiral + 0.02 * np.random.default_rng(1).normal(size=(n, 3)))


def test_proteins_get_contacts_exposure_shape_and_folding(build):
    molecule = compact_protein(build)
    rng = np.random.default_rng(2)

    def ensemble(scale, spread, n=60):
        native = molecule.native_angstrom
        frames = scale * native + spread * rng.normal(size=(n, len(native), 3))
        angles = rng.uniform(-3, 3, size=(n, 12, 7))
        shape = np.column_stack((scale * rng.normal(1.0, 0.1, n), *rng.uniform(0, 0.5, (2, n))))
        return Ensemble(molecule, frames.astype(np.float32), angles, (n,), None, shape)

    folded, swollen = ensemble(1.0, 0.2), ensemble(1.24, 0.2)
    found = evaluate(folded, swollen, EvaluationSettings(max_area_frames=20)).metrics
    contacts = NativeContacts.of(molecule.native_angstrom, molecule.residue_of_atom)
    energies = [
        folding_free_energy_kcal_per_mol(contacts.fractions(e.heavy_angstrom), 300.0)
        for e in (folded, swollen)
    ]
    assert energies[0] < energies[1]
    error = found["folding_free_energy_error"]
    assert error.value == pytest.approx(energies[1] - energies[0])
    assert error.standard_error > 0
    assert found["folding_free_energy_reference"].standard_error is None
    assert found["radius_kl"].value > 1.0
    assert found["secondary_structure_jsd"].value < 0.83
    assert {"weak_contacts", "transient_contacts", "exposed_residues"} <= set(found)
    same = evaluate(folded, folded, EvaluationSettings(max_area_frames=20, max_frames=20)).metrics
    assert same["pca_w2"].value == pytest.approx(0.0, abs=1e-4)
    assert same["pc1_cosine"].value == pytest.approx(1.0)
    assert same["pairwise_rmsd_generated"].value == same["pairwise_rmsd_reference"].value
    assert (
        "weak_contacts" not in evaluate(folded, folded, EvaluationSettings(kind="peptide")).metrics
    )
