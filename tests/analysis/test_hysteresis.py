"""Verdicts on free energies, on systems with and without a hidden slow coordinate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from openmm_genmd.analysis.hysteresis import Verdict, judge
from openmm_genmd.analysis.soft_springs import spring_flags
from openmm_genmd.analysis.suspected_coordinate import suspected_coordinate
from openmm_genmd.analysis.window_convergence import convergence_in_time
from openmm_genmd.analysis.window_free_energy import window_free_energies

from .exchanged_windows import exchanged, free_energies, metropolis

CENTERS, SPRING = np.linspace(0, 1, 8), 60.0
TEMPERATURE_K = 300.0
KT_KJ_PER_MOL = 2.494338785445972


def energy(x):
    """Progress x, and a hidden y: +1 is favored inside, -1 outside, with 5 kT between them."""
    progress, y = x.T
    return 5 * (y**2 - 1) ** 2 + 2 * progress - 2 * y * (1 - 2 * progress)


@dataclass
class Direction:
    estimate: tuple[float, float]
    overlap: float
    halves: tuple[tuple[float, float], tuple[float, float]]
    observables: dict
    windows: np.ndarray


def direction(y, iterations, steps, rng):
    """Windows that were all seeded with the same y, as a ligand that was pulled out or in."""
    walk = metropolis(energy, SPRING, np.array([0.15, 0.2]), steps, rng)
    start = np.column_stack([CENTERS, np.full(8, y)])
    run = exchanged(walk, start, CENTERS, SPRING, iterations, rng)
    energies = run.energies(CENTERS, SPRING)
    result = window_free_energies(energies, run.windows)
    parts = convergence_in_time(energies, run.windows, 0, 7, parts=2)
    progress, hidden = np.moveaxis(run.coordinates, 2, 0)
    return Direction(
        result.difference(0, 7),
        result.smallest_overlap,
        (parts.first_half, parts.second_half),
        {"progress": progress, "tilt of the ligand": hidden},
        run.windows,
    )


def both(iterations, steps, seed):
    rng = np.random.default_rng(seed)
    out, in_ = (direction(y, iterations, steps, rng) for y in (1.0, -1.0))
    suspect = suspected_coordinate(in_.observables, out.observables, in_.windows, out.windows)
    verdict = judge(
        out.estimate,
        in_.estimate,
        overlaps=[out.overlap, in_.overlap],
        halves={"out": out.halves, "in": in_.halves},
        suspect=suspect,
        # Here in kT: the system has no unit.
        most_error_kcal_per_mol=2.0,
    )
    return verdict, out, in_


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_hidden_slow_coordinate_is_found_and_named(seed):
    verdict, _, _ = both(100, 1, seed)
    assert not verdict.converged
    assert str(verdict).startswith("hysteresis, not converged: out- and in-started estimates ")
    assert verdict.suspect is not None
    assert verdict.suspect.startswith("tilt of the ligand (window ")
    assert f"suspected slow coordinate: {verdict.suspect}" in verdict.reasons[0]


def test_the_same_system_sampled_long_enough_is_converged():
    verdict, out, in_ = both(2000, 10, 5)
    assert verdict == Verdict(True, (), None), str(verdict)
    grid = np.meshgrid(np.linspace(-1.5, 2.5, 300), np.linspace(-3, 3, 300), indexing="ij")
    exact = free_energies(energy, CENTERS, SPRING, np.reshape(grid, (2, -1)).T)[7]
    for run in (out, in_):
        assert abs(run.estimate[0] - exact) < 4 * run.estimate[1] < 2.5


def test_one_direction_alone_is_never_converged():
    # The broken twin: of a short run each direction alone looks flawless.
    _, out, in_ = both(100, 1, 0)
    good = {"overlaps": [out.overlap, in_.overlap], "most_error_kcal_per_mol": 2.0}
    only_out, only_in = judge(out.estimate, None, **good), judge(None, in_.estimate, **good)
    assert only_out.reasons == (
        "there is no in-started run: one direction alone cannot show hysteresis; run both",
    )
    assert "there is no out-started run" in str(only_in)
    assert "no out- and in-started run" in str(judge(None, None, **good))
    assert not only_out.converged
    assert not only_in.converged


def test_reasons():
    good = (12.0, 0.4)
    assert judge(good, (13.0, 0.4), overlaps=[0.03]).converged
    assert "disagree by 3.5 standard errors; suspected slow coordinate: none of those" in str(
        judge(good, (14.0, 0.4), overlaps=[0.3])
    )
    assert str(judge((12.0, 1.2), good, overlaps=[0.3])) == (
        "not converged: the standard error of the out-started estimate, 1.20 kcal/mol, is above "
        "1; run longer"
    )
    assert "the in-started estimate has no error bar" in str(
        judge(good, (12.0, np.inf), overlaps=[0.3])
    )
    assert "the in-started estimate has no error bar" in str(
        judge(good, (np.nan, np.inf), overlaps=[0.3])
    )
    assert "2 of 3 neighbors overlap by less than 0.03, windows 2 and 3 by 0.001; put" in str(
        judge(good, good, overlaps=[0.3, 0.02, 0.001])
    )
    assert "overlap by less than 0.03, windows 0 and 1 by nan" in str(
        judge(good, good, overlaps=[np.nan])
    )
    halves = {"out": ((10.0, 0.3), (12.0, 0.4)), "in": ((12.0, 0.3), (np.nan, np.inf))}
    assert judge(good, good, overlaps=[0.3], halves=halves).reasons == (
        "the out-started run drifts: its halves, 10.0(0.3) and 12.0(0.4) kcal/mol, disagree by "
        "4.0 standard errors; run longer",
    )
    assert judge(good, good, overlaps=[0.3], spring_flags=["soft"]).reasons == ("soft",)
    exact = judge((1.0, 0.0), (1.0, 0.0), overlaps=[0.3])
    assert exact.converged
    assert not judge((1.0, 0.0), (2.0, 0.0), overlaps=[0.3]).converged


def test_judge_refuses():
    with pytest.raises(ValueError, match="needs the overlaps of neighboring windows, got none"):
        judge((1.0, 0.1), (1.0, 0.1), overlaps=[])
    with pytest.raises(ValueError, match=r"error of out must be at least 0, got -0.1 of 1.0"):
        judge((1.0, -0.1), (1.0, 0.1), overlaps=[0.3])
    with pytest.raises(ValueError, match="error of second half of in must be at least 0, got nan"):
        judge(
            (1.0, 0.1),
            (1.0, 0.1),
            overlaps=[0.3],
            halves={"in": ((1.0, 0.1), (1.0, np.nan))},
        )


def correlated(rng, n, memory=0.9):
    x = rng.normal(size=(n, 4))
    for t in range(1, n):
        x[t] = memory * x[t - 1] + np.sqrt(1 - memory**2) * x[t]
    return x


def test_runs_of_the_same_raise_no_suspicion():
    rng, windows = np.random.default_rng(7), np.tile(np.arange(4), (200, 1))
    pairs = [
        [{"a": correlated(rng, 200), "b": correlated(rng, 200)} for _ in "io"] for _ in range(25)
    ]
    found = [suspected_coordinate(*pair, windows, windows) for pair in pairs]
    assert sum(name is not None for name in found) <= 1
    # The broken twin: the same numbers as if they were independent.
    shuffled = [[{"a": rng.permuted(run["a"], axis=0)} for run in pair] for pair in pairs]
    found = [suspected_coordinate(*pair, windows, windows) for pair in shuffled]
    assert sum(name is not None for name in found) > 5


def test_a_coordinate_that_differs_in_its_spread_or_never_moved_is_found():
    rng, windows = np.random.default_rng(8), np.tile(np.arange(4), (200, 1))
    same = correlated(rng, 200, 0.5)
    wide = same.copy()
    wide[:, 2] = np.sign(same[:, 2]) * 5 + same[:, 2]
    assert suspected_coordinate({"a": same}, {"a": wide}, windows, windows) == "a (window 2)"
    still, other = np.zeros((200, 4)), np.zeros((200, 4))
    other[:, 1] = 1.0
    assert suspected_coordinate({"a": still}, {"a": still}, windows, windows) is None
    assert suspected_coordinate({"a": still}, {"a": other}, windows, windows) == "a (window 1)"


def test_what_replicas_carry_from_window_to_window_is_in_the_errors():
    # Exchanged at random, windows see four values in turn: few, however often each was seen.
    rng = np.random.default_rng(11)

    def run():
        windows = rng.permuted(np.tile(np.arange(4), (200, 1)), axis=1)
        return {"a": correlated(rng, 200, 0.99)}, windows

    found = 0
    for _ in range(25):
        (first, windows_in), (second, windows_out) = run(), run()
        found += suspected_coordinate(first, second, windows_in, windows_out) is not None
    assert found <= 2


def test_what_differs_in_all_windows_counts_before_what_differs_most_in_one():
    rng, windows = np.random.default_rng(12), np.tile(np.arange(4), (200, 1))
    first, second = ({name: rng.normal(size=(200, 4)) for name in "ab"} for _ in "io")
    second["a"] += 1.0
    second["b"][:, 2] += 1.6
    assert suspected_coordinate(first, second, windows, windows).startswith("a (window ")
    del first["a"], second["a"]
    assert suspected_coordinate(first, second, windows, windows) == "b (window 2)"


def test_suspected_coordinate_refuses():
    windows, good = np.zeros((5, 2), dtype=int), np.zeros((5, 2))
    with pytest.raises(ValueError, match=r"the same coordinates, got \['a'\] and \['b'\]"):
        suspected_coordinate({"a": good}, {"b": good}, windows, windows)
    with pytest.raises(ValueError, match=r"'a' must be of the shape .* \(5, 2\), got \(5, 3\)"):
        suspected_coordinate({"a": good}, {"a": np.zeros((5, 3))}, windows, windows)


def barrier_samples(spring_kt, n, rng):
    """A spring on top of a barrier of curvature -40 kT that ends in two wells."""
    grid = np.linspace(-2, 2, 20_001)
    share = np.cumsum(np.exp(-(10 * (grid**2 - 1) ** 2 + 0.5 * spring_kt * grid**2)))
    return np.interp(rng.random(n), share / share[-1], grid)


def test_springs_softer_than_the_curvature_are_flagged():
    rng = np.random.default_rng(9)
    springs = {0: 15.0, 1: 50.0, 2: 300.0}
    samples = {k: barrier_samples(spring, 600, rng) for k, spring in springs.items()}
    energies = {k: spring * KT_KJ_PER_MOL for k, spring in springs.items()}
    flags = spring_flags(samples, energies, TEMPERATURE_K)
    assert list(flags) == [0, 1]
    assert flags[0].startswith("spring softer than the curvature in window 0: the variance is ")
    # The broken twin: were the springs said to be a hundred times softer, nothing would be flagged
    # by the variance, and the peaks alone give the softest away.
    alone = spring_flags(samples, {k: e / 100 for k, e in energies.items()}, TEMPERATURE_K)
    assert list(alone) == [0]
    assert "window 0: the samples have two separate peaks; stiffen it" in alone[0]


def test_springs_that_hold_are_hardly_ever_flagged():
    rng = np.random.default_rng(10)
    samples = dict(enumerate(correlated(rng, 300, 0.8).T))
    for _ in range(50):
        samples |= {len(samples) + k: x for k, x in enumerate(correlated(rng, 300, 0.8).T)}
    springs = dict.fromkeys(samples, KT_KJ_PER_MOL)
    assert len(spring_flags(samples, springs, TEMPERATURE_K)) <= 4
    assert spring_flags({0: np.zeros(9)}, {0: 1.0}, TEMPERATURE_K) == {}


def test_spring_flags_refuse():
    with pytest.raises(ValueError, match=r"window 3 must have a spring above 0, got 0\.0"):
        spring_flags({3: np.zeros(9)}, {}, TEMPERATURE_K)
    for bad in (np.zeros(3), np.full(9, np.nan), np.zeros((9, 2))):
        with pytest.raises(ValueError, match="window 3 must have at least 4 finite samples"):
            spring_flags({3: bad}, {3: 1.0}, TEMPERATURE_K)
