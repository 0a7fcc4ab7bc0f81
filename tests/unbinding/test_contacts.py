"""Distances and contacts against loops over pairs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from openmm_genmd.unbinding import contacts
from openmm_genmd.unbinding.contacts import BoundContacts, heavy_atoms, minimum_distances_nm

from .made_up import made_up

RECEPTOR, LIGAND = np.arange(12), np.arange(12, 16)


@pytest.fixture
def frames():
    rng = np.random.default_rng(0)
    return made_up().positions_nm + rng.normal(size=(7, 16, 3)) * 0.2


def by_hand(x, box_nm=None):
    shifts = [np.zeros(3)]
    if box_nm is not None:
        shifts = [np.array(n) @ box_nm for n in product((-1, 0, 1), repeat=3)]
    return min(
        np.linalg.norm(x[j] - x[i] + shift) for i in RECEPTOR for j in LIGAND for shift in shifts
    )


@pytest.mark.parametrize("chunk", [1, 100, 10**6])
def test_minimum_distances(monkeypatch, frames, chunk):
    monkeypatch.setattr(contacts, "_DISTANCES_PER_CHUNK", chunk)
    found = minimum_distances_nm(frames, RECEPTOR, LIGAND)
    np.testing.assert_allclose(found, [by_hand(x) for x in frames], rtol=1e-12)
    assert minimum_distances_nm(frames[0], RECEPTOR, LIGAND).shape == (1,)
    assert minimum_distances_nm(frames[:0], RECEPTOR, LIGAND).shape == (0,)


@pytest.mark.parametrize(
    "box", [np.diag([4.0, 3.0, 3.5]), np.array([[4.0, 0, 0], [1.5, 3.0, 0], [-1.8, 1.2, 3.5]])]
)
def test_nearest_images(frames, box):
    """A ligand that leaves through the boundary comes near the next image of the receptor."""
    frames[:, LIGAND] += box[2] + [0.0, 0.5, -0.4]
    found = minimum_distances_nm(frames, RECEPTOR, LIGAND, box_nm=box)
    np.testing.assert_allclose(found, [by_hand(x, box) for x in frames], rtol=1e-12)
    assert (minimum_distances_nm(frames, RECEPTOR, LIGAND) > found + 0.5).all()


def test_no_atoms(frames):
    with pytest.raises(ValueError, match="expected atoms of receptor and ligand, got 0 and 4"):
        minimum_distances_nm(frames, RECEPTOR[:0], LIGAND)


def test_bound_contacts(frames):
    given = made_up()
    bound = BoundContacts.of(given.topology, given.positions_nm, RECEPTOR, LIGAND)
    x = given.positions_nm
    expected = {(i, j) for i in RECEPTOR for j in LIGAND if np.linalg.norm(x[i] - x[j]) < 0.45}
    assert {tuple(pair) for pair in bound.pairs.tolist()} == expected
    assert len(bound) == len(expected) > 4
    kept = [[np.linalg.norm(y[i] - y[j]) < 0.45 for i, j in bound.pairs] for y in frames]
    np.testing.assert_array_equal(bound.kept(frames), kept)
    np.testing.assert_allclose(bound.fraction(frames), np.mean(kept, axis=1))
    assert 0 < bound.fraction(frames).mean() < 1
    by_residue = bound.broken_by_residue(frames)
    assert list(by_residue) == ["1:REC 1", "1:REC 2", "1:REC 3"]
    first = [n for n, (i, _) in enumerate(bound.pairs) if i < 2]
    assert by_residue["1:REC 1"] == pytest.approx(1 - np.mean(np.array(kept)[:, first]))
    assert bound.broken_by_residue(x) == dict.fromkeys(by_residue, 0.0)


def test_no_contacts():
    given = made_up(gap_nm=1.0)
    bound = BoundContacts.of(given.topology, given.positions_nm, RECEPTOR, LIGAND)
    assert len(bound) == 0
    assert bound.broken_by_residue(given.positions_nm) == {}
    assert np.isnan(bound.fraction(given.positions_nm)).all()


def test_hydrogens_are_not_looked_at(build):
    topology = build["alkane"](3)
    assert heavy_atoms(topology, [5, 2, 0, 9]).tolist() == [0, 2]
