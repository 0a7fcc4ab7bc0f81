import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm

from openmm_genmd.models.wrapped_normal import (
    shortest_difference,
    wrapped_normal_log_density,
    wrapped_normal_score,
)

WIDTHS = [0.02, 0.3, 1.0, 1.999999, 2.0, 2.000001, math.pi, 10.0]


@pytest.mark.parametrize("sigma_rad", WIDTHS)
def test_density_integrates_to_one(sigma_rad):
    """The midpoint rule is exact to rounding for smooth periodic functions."""
    grid = (np.arange(4000) + 0.5) * 2 * np.pi / 4000 - np.pi
    density = np.exp(wrapped_normal_log_density(grid, sigma_rad))
    assert abs(density.sum() * 2 * np.pi / 4000 - 1) < 1e-12


@pytest.mark.parametrize("sigma_rad", WIDTHS)
def test_density_is_the_sum_over_many_images(sigma_rad):
    angles = np.linspace(-np.pi, np.pi, 41)
    images = angles[:, None] + 2 * np.pi * np.arange(-40, 41)
    expected = logsumexp(norm.logpdf(images, scale=sigma_rad), axis=1)
    found = wrapped_normal_log_density(angles, sigma_rad)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("sigma_rad", WIDTHS)
def test_score_is_the_gradient(sigma_rad):
    angles = torch.linspace(-9.0, 9.0, 37, dtype=torch.float64).requires_grad_()
    density = wrapped_normal_log_density(angles, sigma_rad)
    (gradient,) = torch.autograd.grad(density.sum(), angles)
    score = wrapped_normal_score(angles.detach(), sigma_rad)
    torch.testing.assert_close(score, gradient, atol=1e-12, rtol=1e-12)


def test_arrays_and_tensors_get_the_same_numbers_for_each_width():
    angles, sigma = np.linspace(-7, 7, 15)[:, None], np.array(WIDTHS)
    for formula in (wrapped_normal_log_density, wrapped_normal_score):
        of_tensor = formula(torch.from_numpy(angles), torch.from_numpy(sigma))
        of_array = formula(angles, sigma)
        assert of_array.shape == (15, len(WIDTHS))
        np.testing.assert_allclose(of_tensor.numpy(), of_array, rtol=1e-13, atol=1e-14)
        turned = formula(angles + 2 * np.pi, sigma)
        np.testing.assert_allclose(turned, of_array, rtol=1e-9, atol=1e-13)


def test_drawn_angles_have_this_density():
    rng = np.random.default_rng(1)
    angles = shortest_difference(0.7 + 1.5 * rng.standard_normal(100_000))
    assert np.abs(angles).max() <= np.pi
    score = wrapped_normal_score(angles - 0.7, 1.5)
    # The mean of the score is 0, and by parts that of (angle - 0.7)-periodic functions is known.
    assert abs(score.mean()) < 4 * score.std() / math.sqrt(100_000)
    means = np.cos(angles - 0.7)
    assert abs(means.mean() - math.exp(-(1.5**2) / 2)) < 4 * means.std() / math.sqrt(100_000)
