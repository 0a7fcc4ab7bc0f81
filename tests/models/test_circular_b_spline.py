"""Circular B-splines: a density by construction, and draws that have it."""

import numpy as np
import pytest
from scipy import stats

from openmm_genmd.models.circular_b_spline import bump_heights, draw_spline, spline_density

RNG = np.random.default_rng(0)
WEIGHTS = np.exp(RNG.normal(0.0, 2.0, (1, 12)))
EVERYWHERE = np.linspace(-np.pi, np.pi, 4800, endpoint=False)


def test_bumps_add_up_to_one_and_meet_smoothly():
    heights = np.array(bump_heights(np.linspace(0, 1, 11)))
    np.testing.assert_allclose(heights.sum(axis=0), 1.0, rtol=1e-15)
    # What a bump is at the end of one interval, it is at the beginning of the next.
    np.testing.assert_allclose(heights[:-1, 0], heights[1:, -1], atol=1e-15)


def test_a_bump_is_the_density_of_a_sum_of_four_uniform_numbers():
    """Irwin-Hall, as scipy has it."""
    place = np.linspace(0.0, 3.999, 50)
    heights = np.array(bump_heights(place % 1))
    ours = heights[3 - place.astype(int), np.arange(50)]
    np.testing.assert_allclose(ours, stats.irwinhall(4).pdf(place), atol=1e-12)


def test_density_is_normalised_positive_and_periodic():
    density = spline_density(WEIGHTS, EVERYWHERE)
    assert density.mean() * 2 * np.pi == pytest.approx(1.0, rel=1e-12)
    assert density.min() > 0
    shifted = spline_density(WEIGHTS, EVERYWHERE + 4 * np.pi)
    np.testing.assert_allclose(shifted, density, rtol=1e-9)


def test_draws_have_the_density():
    uniform = np.random.default_rng(1).random((20000, 5))
    drawn = np.remainder(draw_spline(WEIGHTS, uniform) + np.pi, 2 * np.pi)
    density = spline_density(WEIGHTS, EVERYWHERE)
    cumulative = np.concatenate(([0.0], np.cumsum(density))) / density.sum()
    edges = np.linspace(0, 2 * np.pi, len(cumulative))
    assert stats.kstest(drawn, lambda x: np.interp(x, edges, cumulative)).pvalue > 1e-3
    # The same draws, against another density.
    other = np.interp(np.remainder(drawn + 0.2, 2 * np.pi), edges, cumulative)
    assert stats.kstest(other, "uniform").pvalue < 1e-6


def test_each_point_may_have_its_own_weights():
    weights = np.exp(RNG.normal(size=(3, 12)))
    angles = np.array([0.1, -2.0, 3.1])
    together = spline_density(weights, angles)
    alone = [spline_density(weights[n : n + 1], angles[n : n + 1])[0] for n in range(3)]
    np.testing.assert_allclose(together, alone, rtol=1e-15)


def test_a_place_that_is_no_number_has_no_density():
    density = spline_density(WEIGHTS, np.array([np.nan, 0.0]))
    assert np.isnan(density[0])
    assert np.isfinite(density[1])


def test_the_last_random_number_stays_on_the_circle():
    most = np.full((1, 5), np.nextafter(1.0, 0.0))
    weights = np.array([[0.1, 0.7, 0.1, 0.1]])
    assert draw_spline(weights, most)[0] <= np.pi + 2 * np.pi / 4
