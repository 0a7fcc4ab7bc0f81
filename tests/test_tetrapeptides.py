"""Which tetrapeptides are learned from, and when two runs of a reference agree."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.proposers.load import find_checkpoint
from openmm_genmd.representations.torsions import TorsionRepresentation

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_every_residue_occurs_about_equally_often_and_no_peptide_twice(benchmark):
    lists = benchmark("tetrapeptides")
    assert len(lists.TRAINING) >= 30
    assert len(lists.HELD_OUT) >= 5
    everything = lists.TRAINING + lists.HELD_OUT
    assert len(set(everything)) == len(everything)
    assert {len(sequence) for sequence in everything} == {4}
    counts = Counter("".join(lists.TRAINING))
    assert len(counts) == 20
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize(
    ("model", "lists"),
    [
        ("tetrapeptides", ["TRAINING"]),
        ("tetrapeptide-leaps", ["TRAINING"]),
        ("tetrapeptide-blocks", ["TRAINING", "MORE"]),
    ],
)
def test_bundled_models_have_seen_what_the_lists_say(benchmark, model, lists):
    known = benchmark("tetrapeptides")
    metadata = load_checkpoint(find_checkpoint(model), torch.nn.Module).metadata
    expected = [sequence for name in lists for sequence in getattr(known, name)]
    assert sorted(metadata["sequences"]) == sorted(expected)
    assert not {*known.HELD_OUT, "AAAA"} & set(metadata["sequences"])
    assert set(known.HELD_OUT) <= set(metadata["held_out_sequences"])


def test_block_errors_are_those_of_independent_repetitions(benchmark):
    rng = np.random.default_rng(1)
    means, errors = [], []
    for _ in range(200):
        noise, series = rng.normal(size=2000), np.zeros((2000, 1))
        for i in range(1, 2000):
            series[i] = 0.8 * series[i - 1] + noise[i]
        mean, error = benchmark("tetrapeptide_reference").block_average(series)
        means.append(mean[0])
        errors.append(error[0])
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.15)


def test_runs_that_sample_another_basin_do_not_agree(benchmark):
    topology, positions_nm = build_peptide("A")
    representation = TorsionRepresentation.from_topology(topology)
    moved, rng = list(representation.particles), np.random.default_rng(2)
    phi = [torsion.name.startswith("phi") for torsion in representation.torsions].index(True)

    def run(share):
        angles = representation.encode(positions_nm[None, moved]).repeat(2000, axis=0)
        angles += 0.3 * rng.normal(size=angles.shape)
        angles[:, phi] = np.where(rng.random(2000) < share, 1.0, -1.3)
        frames = positions_nm[None].repeat(2000, axis=0)
        frames[:, moved] = representation.decode(angles, positions_nm[moved])
        return frames

    compare = benchmark("tetrapeptide_reference").compare
    alike, other = (compare(topology, [run(0.2), run(share)]) for share in (0.2, 0.3))
    assert alike["largest_score"] < 4
    assert other["largest_score"] > 5
    assert "phi" in other["largest_score_of"]
    (name,) = other["populations"]
    for (value, error), share in zip(other["populations"][name], (0.2, 0.3), strict=True):
        assert abs(value - share) < 4 * error < 0.1


def test_histograms_count_every_frame_once(benchmark):
    topology, positions_nm = build_peptide("A")
    representation = TorsionRepresentation.from_topology(topology)
    names, counts = benchmark("tetrapeptide_reference").histograms(
        topology, [positions_nm[None].repeat(n, axis=0) for n in (3, 5)]
    )
    assert names == [torsion.name for torsion in representation.torsions]
    assert counts.sum(axis=2).tolist() == [[3] * len(names), [5] * len(names)]
    angles = representation.encode(positions_nm[None, list(representation.particles)])[0]
    centres = -np.pi + (np.argmax(counts[0], axis=1) + 0.5) * 2 * np.pi / 100
    assert np.abs(angles - centres).max() < np.pi / 100


def test_speed_is_printed_for_both_sizes(benchmark, monkeypatch, tmp_path):
    program, file = benchmark("marsfm_speed"), tmp_path / "speed.json"
    monkeypatch.setattr(program, "BATCH", {"tiny": 2, "paper": 1})
    monkeypatch.setattr(program, "MD_STEPS", 10)
    program.main(json_file=file, rounds=1, steps=1)
    rates = json.loads(file.read_text())["per_second"]
    assert set(rates) == {"MD steps", "structures, tiny", "structures, paper"}
    assert all(rate > 0 for rate in rates.values())
