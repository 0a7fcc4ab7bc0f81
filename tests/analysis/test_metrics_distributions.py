"""Divergences against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from openmm_genmd.analysis.metrics_distributions import (
    fraction_jsd,
    jensen_shannon_distance,
    macrostate_error_kt,
    occupancies,
    occupancy_jsd,
    plane_jsd,
    radius_kl,
    series_jsd,
    torsion_jsd,
)


def by_hand(p, q):
    p, q = p / np.sum(p), q / np.sum(q)
    m = (p + q) / 2
    terms = [np.sum(a[a > 0] * np.log(a[a > 0] / m[a > 0])) for a in (p, q)]
    return np.sqrt(sum(terms) / 2)


def test_jensen_shannon_by_hand():
    p, q = np.array([3.0, 1.0, 0.0]), np.array([1.0, 1.0, 2.0])
    assert jensen_shannon_distance(p, q) == pytest.approx(by_hand(p, q), abs=1e-12)
    assert jensen_shannon_distance(p, 7 * p) == pytest.approx(0.0, abs=1e-9)
    assert jensen_shannon_distance([1, 0], [0, 5]) == pytest.approx(np.sqrt(np.log(2)))


@pytest.mark.parametrize("wrong", [[0.0, 0.0], [1.0, -1.0], [1.0, 2.0, 3.0], [np.nan, 1.0]])
def test_jensen_shannon_refuses_what_is_no_histogram(wrong):
    with pytest.raises(ValueError, match="two sets of non-negative counts over the same bins"):
        jensen_shannon_distance([1.0, 1.0], wrong)


def test_torsions_are_binned_over_the_period():
    rng = np.random.default_rng(1)
    first = rng.vonmises(-1.0, 3.0, 4000)
    second = rng.vonmises(1.5, 3.0, 4000)
    p, q = (np.histogram(a, 100, (-np.pi, np.pi))[0] for a in (first, second))
    assert torsion_jsd(first, second) == pytest.approx(by_hand(p, q), abs=1e-12)
    # The two ends of the period are one angle.
    assert torsion_jsd([np.pi], [-np.pi]) == 0.0


def test_series_of_two_normal_distributions():
    # The distance of the densities, by quadrature, is what fine histograms of many frames give.
    x = np.linspace(-10, 12, 20001)
    exact = by_hand(norm.pdf(x), norm.pdf(x, 2.0))
    at = (np.arange(200_000) + 0.5) / 200_000
    sampled = series_jsd(norm.ppf(at), norm.ppf(at) + 2.0)
    assert sampled == pytest.approx(exact, abs=2e-3)


def test_range_is_joint():
    assert series_jsd([0.0, 1.0], [10.0, 11.0]) == pytest.approx(np.sqrt(np.log(2)))
    assert series_jsd([0.0, 1.0], [0.0, 1.0, 0.0, 1.0]) == pytest.approx(0.0, abs=1e-9)
    assert series_jsd([2.0, 2.0], [2.0]) == pytest.approx(0.0, abs=1e-9)


def test_plane_sees_what_its_margins_hide():
    corner = np.array([[0.0, 0.0], [1.0, 1.0]])
    other = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert series_jsd(corner[:, 0], other[:, 0]) == pytest.approx(0.0, abs=1e-9)
    assert plane_jsd(corner, other) == pytest.approx(np.sqrt(np.log(2)))


def test_plane_has_fifty_bins_of_each():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(500, 2)), rng.normal(0.3, 1.2, size=(700, 2))
    both = np.concatenate((first, second))
    box = [(c.min(), c.max()) for c in both.T]
    p, q = (np.histogram2d(*a.T, bins=50, range=box)[0].ravel() for a in (first, second))
    assert plane_jsd(first, second) == pytest.approx(by_hand(p, q), abs=1e-12)


def test_occupancies_leave_out_excluded_frames():
    assert occupancies([-1, 0, 0, 2, -1, 2], 3).tolist() == [0.5, 0.0, 0.5]
    assert occupancy_jsd([0, 1, -1], [1, 0, 0, 1], 2) == pytest.approx(0.0, abs=1e-9)
    for wrong in ([], [-1], [3]):
        with pytest.raises(ValueError, match="expected states from 0 to 2 and at least one frame"):
            occupancies(wrong, 3)


def test_macrostate_error_floors_what_was_not_seen():
    # p_ref = (3/4, 1/4, 1/8 floored), p_gen = (1, 1/4 floored, 1/4 floored).
    expected = np.mean([np.log(4 / 3), np.log(1.0), np.log(2.0)])
    assert macrostate_error_kt([0, 0, 0, 1], [0, 0], 3) == pytest.approx(expected)
    assert macrostate_error_kt([0, 1, 1], [0, 1, 1, 0, 1, 1], 2) == pytest.approx(0.0)


def test_radius_kl_by_hand():
    reference, generated = [1.0] * 3 + [2.0], [1.0, 2.0]
    p, q = np.zeros(50), np.zeros(50)
    p[[0, -1]], q[[0, -1]] = (0.75, 0.25), (0.5, 0.5)
    p, q = p + 1e-6, q + 1e-6
    p, q = p / p.sum(), q / q.sum()
    assert radius_kl(reference, generated) == pytest.approx(np.sum(p * np.log(p / q)), abs=1e-12)
    # What was not generated costs a finite amount.
    assert radius_kl([0.0, 1.0], [0.0]) == pytest.approx(
        0.5 * np.log(0.5e6) + 0.5 * np.log(0.5), abs=0.01
    )


def test_fractions_are_binned_in_twentieths():
    reference = np.array([[0.02, 0.5], [0.98, 0.5]])
    generated = np.array([[0.04, 0.5], [0.03, 0.9]])
    first = by_hand(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    second = by_hand(np.array([2.0, 0.0]), np.array([1.0, 1.0]))
    expected = (first + second) / 2
    assert fraction_jsd(reference, generated) == pytest.approx(expected, abs=1e-12)
    with pytest.raises(ValueError, match="expected shares between 0 and 1"):
        fraction_jsd(reference, generated + 0.5)


@pytest.mark.parametrize("wrong", [np.zeros((0, 2)), np.zeros((4, 3)), np.zeros(4)])
def test_coordinates_must_have_the_right_shape(wrong):
    with pytest.raises(ValueError, match="expected values of 2 coordinate"):
        plane_jsd(wrong, np.zeros((4, 2)))


def test_coordinates_must_be_finite():
    with pytest.raises(ValueError, match="1 values are not finite"):
        series_jsd([0.0, np.nan], [1.0])
