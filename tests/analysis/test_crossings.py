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
    followed_entries,
    in_rare_basin,
    last_basin,
    poisson_upper_limit,
    rate_from_exits,
)

# Enough followed entries, none of which left at once.
SETTLED = (10**9, 10**9)

# A row of states: deep and edge of the common basin, edge and deep of the rare one. Edges exchange
# quickly; the recrossings of the two sides are not alike.
PHI = np.array([-1.3, -0.1, 0.4, 1.0])
ROW = np.array(
    [
        [0.9999, 0.0001, 0.0, 0.0],
        [0.1, 0.7, 0.2, 0.0],
        [0.0, 0.25, 0.7, 0.05],
        [0.0, 0.0, 0.001, 0.999],
    ]
)


def stationary(matrix: np.ndarray) -> np.ndarray:
    """Stationary distribution of a chain of neighbours, by detailed balance."""
    up, down = np.diag(matrix, 1), np.diag(matrix, -1)
    weights = np.cumprod(np.append(1.0, up / down))
    return weights / weights.sum()


def walk(rng: np.random.Generator, matrix: np.ndarray, start: int, n: int) -> np.ndarray:
    """States ``(n,)`` int of the chain after the start."""
    edges, noise, state = np.cumsum(matrix, axis=1).tolist(), rng.random(n).tolist(), start
    states = []
    for uniform in noise:
        row = edges[state]
        state = sum(uniform > edge for edge in row[:-1])
        states.append(state)
    return np.array(states)


def exits_of_chain(rng: np.random.Generator, n_exits: int, settle: int, follow: int) -> Exits:
    """Run from equilibrium inside the rare basin to the first exit, and follow it, ``n`` times."""
    inside = stationary(ROW)[2:]
    starts = rng.choice([2, 3], p=inside / inside.sum(), size=n_exits)
    total = entries = stays = 0
    for start in starts:
        state = int(start)
        while state >= 2:
            states = walk(rng, ROW, state, 500)
            steps = 1 + int(np.argmax(states < 2)) if np.any(states < 2) else 500
            state, total = int(states[steps - 1]), total + steps
        phi = PHI[[state, *walk(rng, ROW, state, follow)]]
        seen = followed_entries(phi, settle)
        entries, stays = entries + seen[0], stays + seen[1]
    return Exits(float(total), n_exits, entries, stays)


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


def test_followed_entries_stay_or_leave() -> None:
    stays, leaves = [-1.0, 0.1, 1.0, 2.5, 1.0], [-1.0, 1.0, 0.1, -1.0]
    assert followed_entries(stays, 2) == (1, 1)
    assert followed_entries(leaves, 2) == (1, 0)
    assert followed_entries(leaves, 1) == (1, 1)
    assert followed_entries([*leaves, *stays, 1.0, 1.0], 2) == (2, 1)
    assert followed_entries(stays, 3) == (0, 0)  # too late to be followed
    assert followed_entries([1.0, 1.0, 1.0, -1.0], 1) == (0, 0)  # starts inside: no entry


def test_rate_of_a_chain_with_fast_recrossings_is_exact() -> None:
    """The crossing rate of the row of states is known: 2 pi(edge) T(edge, other edge)."""
    rng, shares = np.random.default_rng(1), stationary(ROW)
    exact = 2 * shares[2] * ROW[2, 1]
    exits = exits_of_chain(rng, 400, settle=60, follow=120)
    rate = rate_from_exits(exits, (float(shares[2:].sum()), 0.0), 1.0)
    assert abs(rate.per_minute - exact) < 4 * rate.standard_error
    assert rate.standard_error < 0.12 * exact
    # Without the followed entries, bursts count as one and the rate is several times too low.
    plain = Exits(exits.total_time_ps, exits.n_exits, *SETTLED)
    naive = rate_from_exits(plain, (float(shares[2:].sum()), 0.0), 1.0)
    assert naive.per_minute + 4 * naive.standard_error < 0.5 * exact


def test_exact_rate_of_the_chain_is_what_is_counted() -> None:
    states = walk(np.random.default_rng(2), ROW, 0, 1_000_000)
    shares = stationary(ROW)
    exact = 2 * shares[2] * ROW[2, 1] * len(states)
    # Visits come in bursts: their number, exact / (crossings of each), is what scatters.
    bursts = 0.0001 * shares[0] * len(states)
    assert count_crossings(PHI[states]) == pytest.approx(exact, rel=8 / np.sqrt(bursts))


def test_without_recrossings_the_rate_is_that_of_exits() -> None:
    rate = rate_from_exits(Exits(1000.0, 25, *SETTLED), (0.02, 0.0), 1000.0)
    assert rate.per_minute == pytest.approx(2 * 0.02 / 40 * 1000)
    assert rate.standard_error == pytest.approx(rate.per_minute / 5, rel=1e-6)


def test_the_probability_to_stay_is_never_certain() -> None:
    assert Exits(10.0, 1, 0, 0).stay_probability == pytest.approx((0.5, (1 / 12) ** 0.5))
    # Posterior of a binomial with a uniform prior: Beta(16, 6).
    assert Exits(10.0, 1, 20, 15).stay_probability == pytest.approx(
        (16 / 22, (16 * 6 / (22**2 * 23)) ** 0.5)
    )


def test_error_holds_that_of_the_population() -> None:
    rate = rate_from_exits(Exits(1000.0, 25, *SETTLED), (0.02, 0.002), 1000.0)
    assert rate.per_minute == pytest.approx(2 * 0.02 / 40 * 1000)
    assert rate.standard_error / rate.per_minute == pytest.approx(np.hypot(0.2, 0.1))


def test_few_crossings_take_the_rate_from_exits() -> None:
    exits = Exits(1000.0, 10, *SETTLED)
    keywords = {"exits": exits, "population": (0.02, 0.001), "ps_per_minute": 1000.0}
    assert crossing_rate(9, 2.0, **keywords).source == "exit times and population"
    assert crossing_rate(10, 2.0, **keywords) == counted_rate(10, 2.0)


def test_no_crossings_counted_is_not_certainty() -> None:
    assert counted_rate(0, 2.0).standard_error == 0.5


def test_without_exits_there_is_an_upper_limit() -> None:
    rate = rate_from_exits(Exits(1000.0, 0, *SETTLED), (0.02, 0.0), 1000.0)
    # exp(-n) = .05
    assert rate.per_minute == pytest.approx(2 * 0.02 * np.log(20))
    assert rate.source == "upper limit"


def test_upper_limits_hold_as_often_as_they_say() -> None:
    counts = np.random.default_rng(4).poisson(3.0, size=4000)
    limits = {int(n): poisson_upper_limit(int(n)) for n in np.unique(counts)}
    held = np.mean([limits[int(n)] > 3.0 for n in counts])
    assert held > 0.95 - 4 * np.sqrt(0.05 * 0.95 / 4000)
    rate = rate_from_exits(Exits(1000.0, 3, *SETTLED), (0.02, 0.002), 1000.0)
    assert rate.upper_per_minute == pytest.approx(
        2 * 0.02 * poisson_upper_limit(3) * (1 + 1.645 * 0.1)
    )


def test_broken_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"numpy\.deg2rad"):
        basin_labels([10.0, 120.0])
    with pytest.raises(ValueError, match=r"rad within \[-pi, pi\]"):
        basin_labels([np.nan])
    with pytest.raises(ValueError, match="settle_frames must be at least 1"):
        followed_entries([1.0, -1.0], 0)
    with pytest.raises(ValueError, match="positive time"):
        counted_rate(3, 0.0)
    with pytest.raises(ValueError, match="no time was spent in the rare basin"):
        rate_from_exits(Exits(0.0, 0, 0, 0), (0.02, 0.0), 1.0)
    with pytest.raises(ValueError, match="positive population and speed"):
        rate_from_exits(Exits(10.0, 1, 0, 0), (0.0, 0.0), 1.0)
