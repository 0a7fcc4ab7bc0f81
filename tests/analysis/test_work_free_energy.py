"""Free energies from works in both directions, against exact ones."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from openmm_genmd.analysis.work_free_energy import (
    bennett_difference,
    crooks_free_energy,
    work_overlap,
)

REPEATS = 60
HIGHEST, LOWEST = 1 + 4 * np.sqrt(2 / REPEATS), 1 - 4 * np.sqrt(2 / REPEATS)


def gaussian_works(rng, n, m, dissipated_kt=2.0, difference_kt=3.0):
    spread = np.sqrt(2 * dissipated_kt)
    forward = difference_kt + dissipated_kt + spread * rng.normal(size=n)
    return forward, -difference_kt + dissipated_kt + spread * rng.normal(size=m)


def switching_works(rng, n, springs):
    """Works of a spring that moves by 1 and changes its strength, between exact relaxations."""
    steps, memory = 20, 0.8
    k, center = np.linspace(*springs, steps + 1), np.linspace(0, 1, steps + 1)
    x, work = rng.normal(size=n) / np.sqrt(k[0]), np.zeros(n)
    for i in range(steps):
        after = 0.5 * k[i + 1] * (x - center[i + 1]) ** 2
        work += after - 0.5 * k[i] * (x - center[i]) ** 2
        noise = rng.normal(size=n) * np.sqrt((1 - memory**2) / k[i + 1])
        x = center[i + 1] + memory * (x - center[i + 1]) + noise
    return work


def squared_scores(pairs, exact):
    z = np.array([(value - exact) / error for value, error in pairs])
    assert abs(z.mean()) < 4 / np.sqrt(len(z))
    return np.mean(z**2)


def test_gaussian_works():
    rng = np.random.default_rng(1)
    pairs = [crooks_free_energy(*gaussian_works(rng, 150, 60)) for _ in range(REPEATS)]
    assert LOWEST < squared_scores(pairs, 3.0) < HIGHEST


def test_driven_oscillator():
    rng, pairs = np.random.default_rng(2), []
    for _ in range(REPEATS):
        forward, reverse = (switching_works(rng, 200, s) for s in ((2.0, 8.0), (8.0, 2.0)))
        assert forward.mean() > 0.5 * np.log(4) + 0.3
        pairs.append(crooks_free_energy(forward, reverse))
    assert LOWEST < squared_scores(pairs, 0.5 * np.log(4)) < HIGHEST


def test_mean_work_is_not_the_free_energy():
    # The broken twin: half the difference of the mean works, right for Gaussian works alone.
    rng = np.random.default_rng(2)
    forward, reverse = (switching_works(rng, 20_000, s) for s in ((2.0, 8.0), (8.0, 2.0)))
    value, error = crooks_free_energy(forward, reverse)
    assert abs(value - 0.5 * np.log(4)) < 4 * error
    assert abs(0.5 * (forward.mean() - reverse.mean()) - 0.5 * np.log(4)) > 10 * error


def test_same_as_pymbar():
    from pymbar import bar, bar_overlap

    forward, reverse = gaussian_works(np.random.default_rng(3), 300, 200)
    known = bar(forward, reverse)
    value, error = crooks_free_energy(forward, reverse)
    assert value == pytest.approx(known["Delta_f"], abs=1e-8)
    assert error == pytest.approx(known["dDelta_f"], rel=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        overlap = bar_overlap(forward, reverse)
    assert work_overlap(forward, reverse) == pytest.approx(overlap, abs=1e-6)


def test_overlap_falls_with_dissipation():
    rng = np.random.default_rng(4)
    overlaps = [work_overlap(*gaussian_works(rng, 2000, 2000, d)) for d in (0.01, 1.0, 4.0, 8.0)]
    assert overlaps == sorted(overlaps, reverse=True)
    assert overlaps[0] > 0.95
    assert overlaps[-1] < 0.15


def test_there_is_an_answer_where_all_terms_underflow():
    far = np.full(5, 5000.0)
    assert bennett_difference(far + 10, far - 10) == pytest.approx(10.0, abs=1e-6)


@pytest.mark.parametrize(
    ("forward", "reverse", "message"),
    [
        (np.ones(4), np.ones(9), r"at least 5 forward works in an array \(n,\), got shape \(4,\)"),
        (np.ones(9), np.ones((9, 1)), r"at least 5 reverse works .* got shape \(9, 1\)"),
        (np.ones(9), np.full(9, np.nan), "9 of 9 reverse works are not finite"),
        (np.full(9, 40.0), np.full(9, 40.0), "do not overlap: all forward works are above 40.0 kT"),
        (np.ones(9), np.full(9, -5.0), "add up to -4.0 kT, and must not be negative"),
    ],
)
@pytest.mark.parametrize("function", [crooks_free_energy, work_overlap])
def test_refused(function, forward, reverse, message):
    with pytest.raises(ValueError, match=message):
        function(forward, reverse)
