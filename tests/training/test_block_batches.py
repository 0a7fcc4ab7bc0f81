"""Frames and random blocks that a model of torsions learns from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.residue_data import open_residue_data
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training import block_batches
from openmm_genmd.training.block_batches import BlockBatches, ranks_of
from openmm_genmd.training.block_sources import BlockSource, source_of_residues

from .dipeptide_folder import BASINS_RAD, write_folder


def source_of(sequence, n_frames=50, seed=0) -> BlockSource:
    representation = TorsionRepresentation.from_topology(build_peptide(sequence)[0])
    shape = (n_frames, len(representation.torsions))
    values = np.random.default_rng(seed).uniform(-np.pi, np.pi, shape)
    return BlockSource.of(sequence, representation, [values[:20], values[20:]])


@pytest.fixture(scope="module")
def sources():
    return [source_of("SF"), source_of("GA"), source_of("RE", seed=1)]


def test_rows_do_not_depend_on_others(sources):
    batches = BlockBatches(sources, batch_size=16, seed=0, jitter_rad=0.1, hidden_residues=0.3)
    whole, part = batches.draw(5, range(16)), batches.draw(5, range(4, 9))
    for name, array in part.items():
        assert np.array_equal(array, whole[name][4:9]), name
    other = batches.draw(6, range(16))["torsions_rad"]
    assert not np.array_equal(other, whole["torsions_rad"])


def test_blocks_are_those_of_the_molecule_and_random_ones(sources):
    source = sources[0]
    batches = BlockBatches([source], batch_size=400, seed=0)
    seen = {tuple(np.flatnonzero(ranks >= 0)) for ranks in batches.draw(0, range(400))["ranks"]}
    expected = {numbers for groups in source.blocks.values() for numbers in groups}
    assert expected <= seen
    assert set(source.blocks) == {
        "phi/psi",
        "psi/phi",
        "side chain",
        "residue",
        "neighbours",
        "all",
    }
    assert len(seen - expected) > 10
    assert () not in seen


def test_ranks_follow_the_order_of_drawing(sources):
    tokens = sources[0].tokens
    assert tokens.order.tolist() == [0, 1, 3, 4, 2, 5, 6]
    assert ranks_of(tokens, [6, 2, 4]).tolist() == [-1, -1, 1, -1, 0, -1, 2]


def test_values_are_those_of_frames_with_noise_and_half_turns(sources):
    source = sources[0]
    quiet = BlockBatches([source], batch_size=200, seed=0).draw(0, range(200))["torsions_rad"]
    phenyl = np.flatnonzero(source.tokens.symmetric)
    assert len(phenyl) == 1
    differences = quiet[:, None] - source.torsions_rad
    rest = np.delete(differences, phenyl, axis=2)
    frame = np.abs(rest).max(axis=2).argmin(axis=1)
    assert np.abs(rest[np.arange(200), frame]).max() < 1e-6
    turns = differences[np.arange(200), frame][:, phenyl[0]]
    assert set(np.round(turns / np.pi, 5)) == {0.0, 1.0}
    assert 0.35 < np.mean(turns > 1) < 0.65
    noisy = BlockBatches([source], batch_size=200, seed=0, jitter_rad=0.1).draw(0, range(200))
    assert np.std(noisy["torsions_rad"] - quiet) == pytest.approx(0.1, rel=0.05)


def test_molecules_count_alike(sources):
    batches = BlockBatches([sources[0], source_of("SY", 2000)], batch_size=600, seed=0)
    types = batches.draw(0, range(600))["residue_types"]
    assert 0.4 < np.mean((types == types[0]).all(axis=1)) < 0.6


def test_states_are_flattened():
    representation = TorsionRepresentation.from_topology(build_peptide("A")[0])
    values = np.full((100, 2), -1.0)
    values[:4, 0] = 1.0
    source = BlockSource.of("A", representation, [values])
    for power, share in ((1.0, 0.04), (0.5, 0.2 / (0.2 + 0.96**0.5)), (0.0, 0.5)):
        assert source.frame_weights(power)[:4].sum() == pytest.approx(share, rel=1e-12)
    batches = BlockBatches([source], batch_size=2000, seed=0, population_power=0.0)
    phi = batches.draw(0, range(2000))["torsions_rad"][:, 0]
    assert np.mean(phi > 0) == pytest.approx(0.5, abs=0.05)


def test_residues_are_hidden_as_a_whole(sources):
    source = sources[2]
    batches = BlockBatches([source], batch_size=300, seed=0, hidden_residues=0.4)
    hidden = batches.draw(0, range(300))["residue_types"] == block_batches._UNKNOWN
    assert hidden.mean() == pytest.approx(0.4, abs=0.06)
    for residue in np.unique(source.tokens.residues):
        columns = hidden[:, source.tokens.residues == residue]
        assert np.array_equal(columns.any(axis=1), columns.all(axis=1))


def test_what_determines_the_batches_is_in_the_digest(sources):
    options = ({}, {"jitter_rad": 0.1}, {"population_power": 0.5}, {"hidden_residues": 0.1})
    digests = {BlockBatches(sources, batch_size=8, seed=0, **o).sha256 for o in options}
    digests.add(BlockBatches(sources[:2], batch_size=8, seed=0).sha256)
    assert len(digests) == 5


def test_frames_are_held_out_in_blocks(sources):
    training, held_out = sources[0].divide(0.2, np.random.default_rng(0))
    assert len(training.torsions_rad) + len(held_out.torsions_rad) == 50
    assert 5 <= len(held_out.torsions_rad) <= 20
    together = np.concatenate((training.torsions_rad, held_out.torsions_rad))
    assert len(np.unique(together, axis=0)) == 50
    assert sources[0].divide(0.0, np.random.default_rng(0)) == (sources[0], None)


def test_folders_of_genmd_msm(tmp_path):
    source = source_of_residues(open_residue_data(write_folder(tmp_path)))
    assert (source.name, source.lengths) == ("A", (300, 300))
    distance = np.abs(source.torsions_rad[:, None] - BASINS_RAD).max(axis=2).min(axis=1)
    assert np.median(distance) < 0.4


def test_torsions_without_values_are_named(tmp_path):
    data = open_residue_data(write_folder(tmp_path))
    nothing = replace(data.layout, torsion_atoms=np.full_like(data.layout.torsion_atoms, -1))
    data = replace(data, layout=nothing)
    with pytest.raises(ValueError, match="has no values of phi ALA 2, which turns"):
        source_of_residues(data)


def test_broken_frames_and_no_molecules_are_refused():
    representation = TorsionRepresentation.from_topology(build_peptide("A")[0])
    with pytest.raises(ValueError, match="got 3 frames, of which 1 have one that is not a number"):
        BlockSource.of("A", representation, [np.array([[0, 0], [0, np.nan], [1, 1]])])
    with pytest.raises(ValueError, match="finite torsions, got 0 frames"):
        BlockSource.of("A", representation, [np.empty((0, 2))])
    with pytest.raises(ValueError, match="at least one molecule to learn from, got none"):
        BlockBatches([], batch_size=1, seed=0)
