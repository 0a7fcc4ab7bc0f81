"""Bumps of circular B-splines; densities made of them are tested with the network."""

import numpy as np
from scipy import stats

from openmm_genmd.models.circular_b_spline import bump_heights


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
