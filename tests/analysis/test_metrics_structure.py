"""Contacts, folding and clashes of made-up structures, and of a peptide by mdtraj."""

from __future__ import annotations

import mdtraj
import numpy as np
import pytest

from openmm_genmd.analysis.metrics_clashes import count_clashes, excluded_pairs
from openmm_genmd.analysis.metrics_contacts import (
    contact_frequencies,
    exposed_residues,
    jaccard,
    transient_contacts,
    weak_contacts,
)
from openmm_genmd.analysis.metrics_folding import (
    NativeContacts,
    folded_probability,
    folding_free_energy_kcal_per_mol,
)


def on_a_line(*x):
    return np.array(x, dtype=float)[:, None] * [1.0, 0.0, 0.0]


def test_contacts_that_come_and_go():
    native = on_a_line(0.0, 7.0, 20.0)
    apart, together = on_a_line(0.0, 9.0, 20.0), on_a_line(0.0, 7.0, 14.0)
    frames = np.array([apart] * 2 + [native] * 6 + [together] * 2)
    frequencies = contact_frequencies(frames)  # pairs 01, 02, 12
    assert frequencies.tolist() == [0.8, 0.0, 0.2]
    pairs = contact_frequencies(native[None])
    assert pairs.tolist() == [1.0, 0.0, 0.0]
    assert weak_contacts(pairs, frequencies).tolist() == [True, False, False]
    assert transient_contacts(pairs, frequencies).tolist() == [False, False, True]
    # 90 % and 10 % are not yet weak or transient.
    assert not weak_contacts(pairs, np.array([0.9, 0.0, 0.0])).any()
    assert not transient_contacts(pairs, np.array([1.0, 0.0, 0.1])).any()


def test_contacts_are_those_of_mdtraj():
    frames = np.random.default_rng(1).uniform(0, 20, size=(9, 12, 3))
    pairs = np.array(np.triu_indices(12, 1)).T
    trajectory = mdtraj.Trajectory(frames.astype(np.float32), None)
    distances = mdtraj.compute_distances(trajectory, pairs, periodic=False)
    assert contact_frequencies(frames) == pytest.approx(np.mean(distances < 8.0, axis=0))


def test_exposed_residues_were_buried():
    native = [0.0, 0.0, 50.0]
    areas = np.zeros((10, 3))
    areas[:2, 0], areas[:1, 1], areas[:, 2] = 30.0, 30.0, 50.0
    assert exposed_residues(native, areas).tolist() == [True, False, False]


def test_jaccard_of_two_empty_sets_is_unknown():
    none = np.zeros(3, dtype=bool)
    assert np.isnan(jaccard(none, none))
    assert jaccard(none, ~none) == 0.0


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_native_contacts_by_hand():
    # Four residues apart or more, closer than 10: only (0, 4) at 8 and (0, 5) at 9.9.
    native = on_a_line(0.0, 1.0, 2.0, 3.0, 8.0, 9.9)
    contacts = NativeContacts.of(native, [0, 1, 2, 3, 4, 5])
    assert contacts.pairs.tolist() == [[0, 4], [0, 5], [1, 5]]
    assert contacts.distances_angstrom == pytest.approx([8.0, 9.9, 8.9])
    stretched = 1.3 * native
    expected = np.mean([sigmoid(-5 * (1.3 - 1.2) * d) for d in (8.0, 9.9, 8.9)])
    assert contacts.fractions(stretched[None]) == pytest.approx([expected])
    assert contacts.fractions(native[None])[0] == pytest.approx(1.0, abs=1e-3)


def test_residues_count_not_atoms():
    native = on_a_line(0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    with pytest.raises(ValueError, match="no two heavy atoms 4 residues apart"):
        NativeContacts.of(native, [0, 0, 1, 1, 2, 3])


def test_folding_is_averaged_before_the_logarithm():
    fractions = [0.9, 0.1, 0.5]
    f = np.mean([sigmoid(8.0), sigmoid(-8.0), 0.5])
    assert folded_probability(fractions) == pytest.approx(f)
    # Half folded: no free energy, whatever the temperature.
    assert folding_free_energy_kcal_per_mol([0.5], 300.0) == pytest.approx(0.0)
    f = sigmoid(20 * (0.6 - 0.5))
    kt = 0.0019872041 * 450.0
    assert folding_free_energy_kcal_per_mol([0.6], 450.0) == pytest.approx(
        -kt * np.log(f / (1 - f)), rel=1e-6
    )


def test_bonds_and_angles_are_no_clashes():
    assert excluded_pairs([(1, 0), (1, 2), (2, 3)], 4).tolist() == [1, 2, 6, 7, 11]
    assert excluded_pairs([], 3).tolist() == []


def test_clashes_by_hand():
    bonds = [(0, 1), (1, 2), (2, 3), (3, 4)]
    # Pairs more than two bonds apart: 03, 04, 14.
    straight = on_a_line(0.0, 1.5, 3.0, 4.5, 6.0)
    bent = straight.copy()
    bent[4] = [1.5, 1.0, 0.0]  # 1.0 from atom 1, 1.8 from atom 0
    clashes = count_clashes([straight, bent], bonds=bonds, radii_angstrom=np.full(5, 1.7))
    assert clashes.close_pairs.tolist() == [0, 1]
    assert clashes.overlap_fraction == pytest.approx([0.0, 2 / 3])
    assert clashes.clashing_share == 0.5


def test_close_pairs_are_those_of_mdtraj():
    frames = np.random.default_rng(2).uniform(0, 6, size=(5, 30, 3))
    pairs = np.array(np.triu_indices(30, 1)).T
    trajectory = mdtraj.Trajectory(frames.astype(np.float32), None)
    distances = mdtraj.compute_distances(trajectory, pairs, periodic=False)
    clashes = count_clashes(frames, bonds=[], radii_angstrom=np.linspace(1.0, 2.0, 30))
    radii = np.linspace(1.0, 2.0, 30)[pairs].sum(axis=1)
    assert clashes.close_pairs.tolist() == np.sum(distances < 1.1, axis=1).tolist()
    assert clashes.overlap_fraction == pytest.approx(np.mean(distances < 0.75 * radii, axis=1))


def test_errors():
    with pytest.raises(ValueError, match="expected frames of at least two residues"):
        contact_frequencies(np.zeros((3, 1, 3)))
    with pytest.raises(ValueError, match="expected areas of 2 residues in each frame"):
        exposed_residues([0.0, 0.0], np.zeros((4, 3)))
    with pytest.raises(ValueError, match="expected sets of one size"):
        jaccard(np.zeros(2, dtype=bool), np.zeros(3, dtype=bool))
    with pytest.raises(ValueError, match="expected a fraction for each frame"):
        folded_probability([])
    with pytest.raises(ValueError, match="a radius for each of the n atoms"):
        count_clashes(np.zeros((1, 3, 3)), bonds=[], radii_angstrom=np.ones(2))
