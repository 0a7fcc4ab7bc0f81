"""The benchmarks of jumps, with settings so small that nothing but their working is shown."""

from __future__ import annotations

import importlib
import json
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Import a program of ``benchmarks/``."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def test_json_has_what_is_promised(benchmark, tmp_path):
    program, file = benchmark("jump_cost"), tmp_path / "cost.json"
    arguments = [
        "--json",
        str(file),
        "--seconds",
        "0.05",
        "--threads",
        "1",
        "--atoms",
        "22",
        "--no-multiple-try",
    ]
    arguments += ["--platform", "Reference", "--platform", "CUDA"]
    result = CliRunner().invoke(program.app, arguments)
    assert result.exit_code == 0, result.output
    written = json.loads(file.read_text())
    reference = written["Reference"]
    assert 0.5 < reference["md_throughput_ratio"] < 2
    # Between the two evaluations that there are and ten times as much.
    assert 1.5 < reference["reject_md_steps"] < 20
    assert 1.5 < reference["accept_md_steps"] < 20
    assert 1 < reference["per_try_md_steps_at_4"] < 20
    assert reference["quartiles"]["reject_md_steps"]["pairs"] >= 4
    cuda = written["CUDA"]
    assert "skipped" in cuda or cuda["accept_md_steps"] > 0
    assert "reject_md_steps" in result.output


def test_help_teaches(benchmark):
    output = CliRunner().invoke(benchmark("jump_cost").app, ["--help"]).output
    assert "neighbor list" in output
    assert "--seconds" in output


def test_leaps_on_a_neighbor_list(benchmark):
    """Water moves as a whole, short and long leaps are decided as announced."""
    timing, systems = benchmark("jump_timing"), benchmark("timed_systems")
    box = systems.water_box(700)
    assert 700 <= len(box.positions_nm) < 1100
    assert len(box.positions_nm) == box.system.getNumParticles()
    machine = timing.Machine("CPU", (("Threads", "1"),), time.process_time)
    costs = timing.jump_costs(machine, box, timing.JUMPS + timing.LONG_JUMPS, 0.01)
    assert set(costs) >= {"reject", "accept", "four_tries", "reject_long_leap"}
    assert np.median(costs["four_tries"]) > np.median(costs["reject"]) > 1


def test_a_jump_that_is_decided_otherwise_is_noticed(benchmark):
    timing, systems = benchmark("jump_timing"), benchmark("timed_systems")
    machine = timing.Machine("Reference", (), time.process_time)
    refused = timing.Jump("accept", lambda moved: timing.Shift(moved, 0.001, timing.HOPELESS))
    with pytest.raises(RuntimeError, match="should have been accepted, 0 were"):
        timing.jump_costs(machine, systems.dipeptide(), (refused,), 0.01)


def test_many_candidates_gain(benchmark):
    program = benchmark("multiple_try")
    name, blocks = program.CASES[0]
    result = program.compare(name, blocks, 2.0)
    assert result["MultipleTry"]["acceptance"] > 4 * result["single tries"]["acceptance"]
    assert result.get("ratio", result.get("ratio_at_least")) > 1


def test_ratio_of_rates(benchmark):
    """Poisson counts: the error of a ratio of rates is ratio * sqrt(1/n1 + 1/n2)."""
    rng = np.random.default_rng(1)
    counts = np.stack([rng.poisson(20, 200), rng.poisson(60, 200)]).astype(float)
    seconds = np.stack([np.full(200, 1.0), np.full(200, 2.0)])
    result = benchmark("multiple_try").ratio_of_rates("gain", counts, seconds)
    n1, n2 = counts.sum(axis=1)
    assert result["gain"] == pytest.approx(n2 / n1 / 2, rel=1e-12)
    assert result["gain_error"] == pytest.approx(
        result["gain"] * np.hypot(n1**-0.5, n2**-0.5), rel=0.2
    )


def test_a_ratio_to_nothing_is_a_limit(benchmark):
    counts, seconds = np.zeros((2, 5)), np.full((2, 5), 2.0)
    counts[1] = 6
    result = benchmark("multiple_try").ratio_of_rates("gain", counts, seconds)
    # 3 per second against less than 3 in 10 seconds
    assert result == {"gain_at_least": pytest.approx(10.0)}
