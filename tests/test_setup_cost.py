"""The benchmark finds what the bundled checkpoint cost."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.proposers.load import find_checkpoint

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def test_benchmark_reads_the_set_up_cost(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    benchmark = importlib.import_module("alanine_dipeptide")
    metadata = load_checkpoint(find_checkpoint("alanine-dipeptide")).metadata
    seconds = metadata["data_seconds"] + metadata["training_seconds"]
    assert benchmark.setup_minutes("alanine-dipeptide") == pytest.approx(seconds / 60)
    assert seconds > 30
