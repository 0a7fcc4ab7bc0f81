"""How the benchmark in explicit solvent counts, on attempts and frames that are known."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
from alanine_dipeptide_box import KT_KJ
from explicit_solvent import REFERENCE, findings, load_starts, make_protocol, rate
from explicit_solvent_attempts import Attempts
from explicit_solvent_combine import draw_left, draw_right, exit_rate, left_population
from explicit_solvent_population import GRID, bias_at, hill
from explicit_solvent_reference import CENTER_RAD, WIDTH_RAD, bias_kt

RIGHT, LEFT = (-1.3, 2.4), (0.9, 0.6)


def attempts(torsions: list[tuple[tuple[float, float], ...]], probability: list[float]) -> Attempts:
    """Attempts from two starts, each at the price of 400 steps, with 100 of MD before."""
    n = len(torsions)
    return Attempts(
        start=np.arange(n) % 2,
        torsions=np.array(torsions),
        probability=np.array(probability),
        work_kt=np.zeros(n),
        log_ratio=np.zeros(n),
        switching_steps=np.full(n, 400.0),
        md_steps=100 * n,
        grade="exact",
    )


def test_far_is_the_norm_of_the_shortest_arc():
    near_across_the_border = ((3.1, 3.1), (-3.1, -3.1))
    moved = attempts([(RIGHT, LEFT), near_across_the_border, ((0, 0), (0.8, 0.8))], [0, 0, 0])
    np.testing.assert_array_equal(moved.far(), [True, False, True])


def test_acceptance_counts_every_step_of_a_switch():
    moved = attempts([(RIGHT, LEFT)] * 4, [0.2, 0.0, 0.0, 0.0])
    value, error = rate(moved, moved.far(), moved.switching_steps)
    assert value == pytest.approx(1000 * 0.2 / (4 * 400))
    # Two starts, of which one was accepted: the jackknife sees all there is.
    assert error == pytest.approx(value)


def test_findings_weigh_both_basins_and_count_the_md_between_leaps():
    right = attempts([(RIGHT, LEFT)] * 2 + [(RIGHT, RIGHT)] * 2, [0.1, 0.1, 0.3, 0.3])
    left = attempts([(LEFT, RIGHT)] * 4, [0.5] * 4)
    reference = {"left_population": [0.1, 0.01], "md_flux_per_1000_steps": [0.01, 0.002]}
    found = findings(right, left, reference)
    per_attempt = 0.5 / 500  # 400 steps of the switch, 100 of MD
    hybrid, md = (found["flux_per_1000_md_steps"][name] for name in ("hybrid", "md"))
    assert hybrid[0] == pytest.approx(1000 * 2 * 0.1 * per_attempt)
    assert md == [0.01, 0.002]
    assert found["flux_ratio"][0] == pytest.approx(hybrid[0] / 0.01)
    assert found["flux_from_the_frequent_basin"][0] == pytest.approx(1000 * 2 * 0.9 * 0.05 / 500)
    far = 0.9 * 1000 * 0.1 / 400 + 0.1 * 1000 * 0.5 / 400
    assert found["far_acceptance_per_1000_md_steps"][0] == pytest.approx(far)


def test_the_bias_of_hyperdynamics_vanishes_inside_the_basin():
    assert bias_kt(CENTER_RAD, 5.0) == 5.0
    assert bias_kt(CENTER_RAD + WIDTH_RAD, 5.0) == pytest.approx(4.5)
    assert bias_kt(CENTER_RAD + 2 * np.pi, 5.0) == pytest.approx(5.0)
    assert bias_kt(0.4, 5.0) == bias_kt(2.0, 5.0) == 0.0


def test_boosted_time_counts_in_the_rate():
    runs = [{"exits": [1, 2], "boosted_ps": 1500.0, "steps": 10}] * 2
    assert exit_rate(runs)["per_ps"] == pytest.approx(4 / 3000)
    assert exit_rate(runs)["standard_error"] == pytest.approx(2 / 3000)


def test_reweighting_takes_the_bias_out():
    rng = np.random.default_rng(3)
    share, bias = 0.05, 3.0  # the rare basin was raised by 3 kT in frequency
    odds = share / (1 - share) * np.exp(bias)
    phi = np.where(rng.random(20_000) < odds / (1 + odds), 0.9, -1.3)
    frames = np.stack([phi, 0 * phi], axis=1)
    weights = np.where(phi > 0, -bias, 0.0)
    value, error = left_population([frames], [weights])
    assert abs(value - share) < 4 * error < 0.02
    starts = draw_right(frames, weights, frames[:, None], rng)
    assert np.all(starts[..., 0] < 0)
    assert len(np.unique(draw_left(np.arange(50), rng))) == 12


def test_the_bias_on_the_grid_is_what_the_hills_were():
    hills = hill(np.array([3.0, -1.0]))
    assert bias_at(hills, np.array([[GRID[3], GRID[7]]]))[0] == pytest.approx(hills[3, 7])
    np.testing.assert_array_equal(hills[0], hills[-1])
    assert pytest.approx(2.494, abs=1e-3) == KT_KJ


def test_the_stored_reference_is_complete():
    reference = json.loads(REFERENCE.read_text())
    flux, error = reference["md_flux_per_1000_steps"]
    assert 0 < error < 0.2 * flux
    for basin in ("right", "left"):
        assert load_starts(basin).shape[1:] == (652, 3)
    assert make_protocol().rule == "total work"
