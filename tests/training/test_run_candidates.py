"""Reading what a run kept, and what is said if there is nothing to read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from openmm_genmd.data.candidate_file import CandidateHeader, row_type, rows_path
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training.block_sources import source_of_candidates
from openmm_genmd.training.run_candidates import read_run_candidates

TOPOLOGY, _ = load_structure("alanine-dipeptide")
REPRESENTATION = TorsionRepresentation.from_topology(TOPOLOGY)


def write_run(folder, torsions_rad, weights, *, stride=1, representation=REPRESENTATION):
    folder.mkdir(exist_ok=True)
    CandidateHeader(
        representation=representation.to_dict(),
        temperature_k=310.0,
        models=(),
        per_attempt=8,
        limit=1000,
    ).save(folder)
    rows = np.empty(len(weights), row_type(len(representation.torsions)))
    rows["attempt"], rows["weight"] = stride * np.arange(len(weights)), weights
    rows["torsions_rad"] = torsions_rad
    rows_path(folder, stride).write_bytes(rows.tobytes())
    return folder


def test_what_was_written_is_read(tmp_path):
    torsions = np.random.default_rng(0).uniform(-3, 3, (5, 2))
    weights = np.array([1.0, 0.5, 0.25, 0.5, 0.25])
    folder = write_run(tmp_path / "run", torsions, weights)
    with rows_path(folder, 1).open("ab") as file:
        file.write(b"half a row")
    candidates = read_run_candidates(folder)
    np.testing.assert_allclose(candidates.torsions_rad, torsions, atol=1e-6)
    np.testing.assert_array_equal(candidates.weights, weights)
    assert candidates.names == ("phi ALA 2", "psi ALA 2")
    assert candidates.temperature_k == 310.0
    assert candidates.topology_path == folder / "topology.pdb"
    write_run(tmp_path / "run", torsions[:3], weights[:3], stride=2)  # as if it was being thinned
    thinned = read_run_candidates(folder)
    assert thinned.attempts.tolist() == [0, 2, 4]
    assert thinned.sha256 != candidates.sha256


def test_runs_without_candidates(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no run in .*run: no such folder"):
        read_run_candidates(tmp_path / "run")
    with pytest.raises(FileNotFoundError, match=r"no recorded candidates .*genmd run --record-can"):
        read_run_candidates(tmp_path)
    folder = write_run(tmp_path / "run", np.empty((0, 2)), np.empty(0))
    with pytest.raises(ValueError, match="has recorded no candidates yet; let it run until"):
        read_run_candidates(folder)
    rows_path(folder, 1).unlink()
    with pytest.raises(ValueError, match="has recorded no candidates yet"):
        read_run_candidates(folder)


def test_damaged_files(tmp_path):
    folder = write_run(tmp_path / "run", np.full((3, 2), np.nan), np.ones(3))
    with pytest.raises(ValueError, match=r"are damaged: torsions must be finite and weights pos"):
        read_run_candidates(folder)
    (folder / "candidates.json").write_text('{"temperature_k": "warm"}')
    with pytest.raises(ValueError, match=r"candidates\.json is not what genmd run wrote, or dam"):
        read_run_candidates(folder)


def test_they_are_a_source_for_models_of_blocks(tmp_path):
    torsions = np.random.default_rng(0).uniform(0.5, 3, (40, 2))
    torsions[::4, 0] *= -1
    weights = np.where(np.arange(40) % 4 == 0, 0.9, 0.1)
    candidates = read_run_candidates(write_run(tmp_path / "run", torsions, weights))
    source = source_of_candidates(candidates, "A")
    drawn = source.frame_weights(1.0)
    np.testing.assert_allclose(drawn, weights / weights.sum(), rtol=1e-6)
    flattened = source.frame_weights(0.0)
    np.testing.assert_allclose(flattened[::4].sum(), 0.5)  # phi < 0, which has 3/4 of the weight
    train, held_out = source.divide(0.25, np.random.default_rng(1))
    assert len(train.frame_weights(0.5)) + len(held_out.frame_weights(0.5)) == 40
    np.testing.assert_allclose(held_out.torsions_rad[:, 0] < 0, held_out.weights > 0.5)
    again = source_of_candidates(replace(candidates, weights=candidates.weights[::-1]), "A")
    assert again.sha256 != source.sha256


def test_other_molecules_and_torsions(tmp_path):
    candidates = read_run_candidates(write_run(tmp_path / "run", np.zeros((3, 2)), np.ones(3)))
    shifted = REPRESENTATION.relocated(range(5, 27))
    candidates.require_same_torsions(shifted, "the same molecule elsewhere")
    other = TorsionRepresentation.from_topology(build_peptide("GA")[0])
    with pytest.raises(ValueError, match=r"run in .*, compared with model b, was made for another"):
        candidates.require_same_torsions(other, "model b")
    with pytest.raises(ValueError, match=r"torsions phi ALA 2, psi ALA 2, but model b has psi ALA"):
        candidates.require_same_torsions(REPRESENTATION.subset([1, 0]), "model b")
    fewer = replace(candidates, representation=REPRESENTATION.subset([0]))
    with pytest.raises(ValueError, match="recorded the torsions phi ALA 2, but"):
        fewer.require_same_torsions(REPRESENTATION, "model b")
