"""What the speed of batches is measured with."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def speed(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("batched_energy_speed")


def test_batches_beat_single_energies(speed, monkeypatch):
    monkeypatch.setattr(speed, "MIN_SECONDS", 0.0)
    monkeypatch.setattr(speed, "MIN_PAIRS", 9)
    topology, system, positions_nm = speed.implicit_peptide("A")
    leaps = speed.leaps(topology, positions_nm, 64)
    row = speed.candidates_per_energy(system, positions_nm, conformations=leaps)
    assert row["candidates"] == 64
    ratios = [row[f"{name}_ratio"] for name in ("Reference", "CPU")]
    assert row["candidates_per_energy"] == min(ratios)
    assert row["candidates_per_energy"] > 1  # slow machines have narrow vectors


def test_a_device_is_measured_alone(speed, monkeypatch, opencl):
    monkeypatch.setattr(speed, "MIN_SECONDS", 0.0)
    monkeypatch.setattr(speed, "MIN_PAIRS", 3)
    _, system, positions_nm = speed.implicit_peptide("A")
    row = speed.candidates_per_energy(system, positions_nm, candidates=64, device="OpenCL")
    assert row["candidates"] == 64
    assert row["candidates_per_energy"] == row["OpenCL_ratio"] > 0
    assert "CPU_ratio" not in row
