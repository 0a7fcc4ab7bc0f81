"""Success@k and its intervals, against enumeration."""

import itertools
from math import comb

import numpy as np
import pytest

from openmm_genmd.unbinding.success import share_interval, success_at_k, success_interval


@pytest.mark.parametrize("tries", range(1, 8))
def test_success_at_k_is_the_share_of_draws_with_a_success(tries: int) -> None:
    for successes, k in itertools.product(range(tries + 1), range(1, tries + 1)):
        draws = list(itertools.combinations([n < successes for n in range(tries)], k))
        share = sum(any(draw) for draw in draws) / len(draws)
        assert success_at_k(tries, successes, k) == pytest.approx(share, abs=1e-15)


def test_success_at_k_is_unbiased_and_the_plug_in_estimate_is_not() -> None:
    tries, k, p = 12, 5, 0.2
    weights = [comb(tries, c) * p**c * (1 - p) ** (tries - c) for c in range(tries + 1)]
    truth = 1 - (1 - p) ** k
    mean = sum(w * success_at_k(tries, c, k) for c, w in enumerate(weights))
    plug_in = sum(w * (1 - (1 - c / tries) ** k) for c, w in enumerate(weights))
    assert mean == pytest.approx(truth, abs=1e-14)
    assert abs(plug_in - truth) > 0.03


def test_many_tries_do_not_overflow() -> None:
    assert success_at_k(5000, 1, 2500) == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize("k", [1, 4])
def test_the_exact_interval_covers_at_least_as_often_as_it_says(k: int) -> None:
    tries = 15
    intervals = [success_interval(tries, c, k, confidence=0.9) for c in range(tries + 1)]
    for p in np.linspace(0.01, 0.99, 99):
        truth = 1 - (1 - p) ** k
        covered = sum(
            comb(tries, c) * p**c * (1 - p) ** (tries - c)
            for c, (low, high) in enumerate(intervals)
            if low <= truth <= high
        )
        assert covered >= 0.9


def test_wilson_interval_ends_where_the_score_does() -> None:
    z = 1.959963984540054
    for successes in (1, 7, 20):
        for end in share_interval(20, successes):
            spread = np.sqrt(end * (1 - end) / 20)
            if spread > 1e-9:
                assert abs(successes / 20 - end) / spread == pytest.approx(z, rel=1e-9)
    assert share_interval(20, 0)[0] == 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: success_at_k(0, 0, 1), "at least one try and 0 to that many successes, got 0"),
        (lambda: success_at_k(4, 5, 1), "got 4 and 5"),
        (lambda: success_at_k(4, 2, 0), "k from 1 to the number of tries, 4, got 0"),
        (lambda: success_interval(4, 2, 5), "4, got 5; start more walkers"),
        (lambda: share_interval(4, -1), "got 4 and -1"),
        (lambda: share_interval(4, 1, confidence=1.0), "between 0 and 1, got 1.0"),
    ],
)
def test_what_makes_no_sense_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
