"""Crossings, exit times and rates against two-state chains with known rates."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.analysis.crossings import (
    BETWEEN,
    COMMON,
    RARE,
    Exits,
    basin_labels,
    count_crossings,
    counted_rate,
    crossing_rate,
    exits_of_trajectory,
    in_rare_basin,
    last_basin,
    poisson_upper_limit,
    pooled,
    rate_from_exits,
)


def jumps(rng: np.random.Generator, mean_common: float, mean_rare: float, n: int) -> np.ndarray:
    """Phi of a two-state chain with exponential dwell times, in frames."""
    common = rng.geometric(1 / mean_common, size=n)
    rare = rng.geometric(1 / mean_rare, size=n)
    lengths = np.column_stack([common, rare]).ravel()
    return np.repeat(np.tile([-1.3, 1.0], n), lengths)


def test_labels() -> None:
    phi = [-3.0, -0.1, 0.0, 0.2, 0.31, 2.19, 2.3, np.pi]
    assert basin_labels(phi).tolist() == [COMMON] * 2 + [BETWEEN] * 2 + [RARE] * 2 + [BETWEEN] * 2
    assert in_rare_basin([0.3, 1.0, 2.2]).tolist() == [False, True, False]


def test_last_basin_waits_for_the_first_visit() -> None:
    assert last_basin([0.1, 2.5, 1.0, 0.1, -1.0]).tolist() == [BETWEEN] * 2 + [RARE] * 2 + [COMMON]


def test_recrossings_of_no_mans_land_do_not_count() -> None:
    assert count_crossings([-1.0, 0.1, 0.29, -0.1, 0.2, -1.0]) == 0
    assert count_crossings([-1.0, 0.1, 1.0, 0.2, 1.0, 3.0, -3.0]) == 2
    assert count_crossings([0.1, 0.2]) == 0


def test_counts_and_exits_of_a_known_chain() -> None:
    phi = jumps(np.random.default_rng(1), 300, 30, 400)
    assert count_crossings(phi) == 2 * 400 - 1
    exits = exits_of_trajectory(phi, frame_ps=0.1)
    assert exits.n_exits == 399
    assert exits.total_time_ps / exits.n_exits == pytest.approx(3.0, rel=4 / np.sqrt(400))


def test_exit_rate_matches_the_counted_rate() -> None:
    phi = jumps(np.random.default_rng(2), 300, 30, 2000)
    exits = exits_of_trajectory(phi, frame_ps=0.1)
    share = float(in_rare_basin(phi).mean())
    ps_per_minute = 0.1 * len(phi)  # the whole run took a minute
    counted = counted_rate(count_crossings(phi), 1.0)
    derived = rate_from_exits(exits, (share, 0.0), ps_per_minute)
    assert derived.per_minute == pytest.approx(counted.per_minute, rel=1e-3)
    assert derived.standard_error == pytest.approx(derived.per_minute / np.sqrt(1999))


def test_censored_visits_do_not_bias_the_exit_time() -> None:
    rng = np.random.default_rng(3)
    times = rng.exponential(100.0, size=4000)
    visits = [Exits(min(float(t), 50.0), int(t < 50.0)) for t in times]
    exits = pooled(visits)
    error = 100.0 / np.sqrt(exits.n_exits)
    assert exits.total_time_ps / exits.n_exits == pytest.approx(100.0, abs=4 * error)


def test_error_holds_that_of_the_population() -> None:
    rate = rate_from_exits(Exits(1000.0, 25), (0.02, 0.002), 1000.0)
    assert rate.per_minute == pytest.approx(2 * 0.02 / 40 * 1000)
    assert rate.standard_error / rate.per_minute == pytest.approx(np.hypot(0.2, 0.1))


def test_few_crossings_take_the_rate_from_exits() -> None:
    keywords = {"exits": Exits(1000.0, 10), "population": (0.02, 0.001), "ps_per_minute": 1000.0}
    assert crossing_rate(9, 2.0, **keywords).source == "exit times and population"
    assert crossing_rate(10, 2.0, **keywords) == counted_rate(10, 2.0)


def test_no_crossings_counted_is_not_certainty() -> None:
    assert counted_rate(0, 2.0).standard_error == 0.5


def test_without_exits_there_is_an_upper_limit() -> None:
    rate = rate_from_exits(Exits(1000.0, 0), (0.02, 0.0), 1000.0)
    # exp(-n) = .05
    assert rate.per_minute == pytest.approx(2 * 0.02 * np.log(20))
    assert rate.source == "upper limit"


def test_upper_limits_hold_as_often_as_they_say() -> None:
    counts = np.random.default_rng(4).poisson(3.0, size=4000)
    limits = {int(n): poisson_upper_limit(int(n)) for n in np.unique(counts)}
    held = np.mean([limits[int(n)] > 3.0 for n in counts])
    assert held > 0.95 - 4 * np.sqrt(0.05 * 0.95 / 4000)
    rate = rate_from_exits(Exits(1000.0, 3), (0.02, 0.002), 1000.0)
    assert rate.upper_per_minute == pytest.approx(
        2 * 0.02 * poisson_upper_limit(3) * (1 + 1.645 * 0.1)
    )


def test_broken_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"numpy\.deg2rad"):
        basin_labels([10.0, 120.0])
    with pytest.raises(ValueError, match=r"rad within \[-pi, pi\]"):
        basin_labels([np.nan])
    with pytest.raises(ValueError, match="frame_ps must be positive"):
        exits_of_trajectory([1.0, -1.0], frame_ps=0.0)
    with pytest.raises(ValueError, match="positive time"):
        counted_rate(3, 0.0)
    with pytest.raises(ValueError, match="no time was spent in the rare basin"):
        rate_from_exits(Exits(0.0, 0), (0.02, 0.0), 1.0)
    with pytest.raises(ValueError, match="positive population and speed"):
        rate_from_exits(Exits(10.0, 1), (0.0, 0.0), 1.0)
