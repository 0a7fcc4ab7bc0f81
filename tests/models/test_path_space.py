"""Chains whose network knows the data exactly are reversible; wrong ones have densities still."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from openmm_genmd.models.flow_paths import FlowPath
from openmm_genmd.models.path_space import GaussianChain
from openmm_genmd.models.token_path import token_chain
from openmm_genmd.models.torus_path import torus_chain

CENTER = torch.tensor([0.8, -0.4, 0.1], dtype=torch.float64)
WIDTH = torch.tensor([0.3, 0.05, 1.2], dtype=torch.float64)


def log_normal(x, center, width):
    return torch.distributions.Normal(center, width).log_prob(x).sum(dim=-1)


def exact_velocity(path: FlowPath):
    """Velocity of the flow to normal data."""

    def velocity(x, time):
        at = path.coefficients(time[:, None])
        variance = at.alpha**2 * WIDTH**2 + at.sigma**2
        data = CENTER + at.alpha * WIDTH**2 / variance * (x - at.alpha * CENTER)
        noise = at.sigma / variance * (x - at.alpha * CENTER)
        return at.alpha_rate * data + at.sigma_rate * noise

    return velocity


@pytest.mark.parametrize("name", ["linear", "trigonometric"])
@pytest.mark.parametrize("steps", [2, 3, 9])
def test_an_exact_network_on_normal_data_is_reversible(name, steps):
    """pi(y) B(z|y) = F(z, y) for each path, so that every leap is accepted."""
    path = FlowPath(name)
    chain = token_chain(path, steps, data_width=WIDTH)
    rng = np.random.default_rng(1)
    there = chain.draw(exact_velocity(path), 50, 3, rng)
    target = log_normal(there.ends, CENTER, WIDTH)
    difference = target + chain.log_noising(there.points) - there.log_density
    assert difference.abs().max() < 1e-9
    back = chain.noise(CENTER + WIDTH * torch.from_numpy(rng.standard_normal((50, 3))), rng)
    ratio = chain.log_ratio(there, back, exact_velocity(path))
    ratio += target - log_normal(back[:, -1], CENTER, WIDTH)
    assert ratio.abs().max() < 1e-9


def test_the_exact_score_of_narrow_data_on_the_torus_is_reversible_after_the_first_point():
    """Where nothing wraps, p(z_0) F(z_1.. | z_0) = pi(y) B(z | y); only the prior differs."""
    width = torch.tensor([0.05, 0.03, 0.1], dtype=torch.float64)
    # Levels end exactly where they are said to, within the rounding of logspace.
    chain = torus_chain(6, sigma_max_rad=0.35, sigma_min_rad=0.02, data_width_rad=width)

    def score(angles, sigma):
        return -(angles - CENTER) / (width**2 + sigma[:, None] ** 2)

    rng = np.random.default_rng(2)
    ends = CENTER + width * torch.from_numpy(rng.standard_normal((50, 3)))
    points = chain.noise(ends, rng)
    prior = log_normal(points[:, 0], CENTER, (width**2 + chain.levels[0] ** 2).sqrt())
    forward = chain.log_forward(points, score) + 3 * np.log(2 * np.pi) + prior
    backward = log_normal(ends, CENTER, width) + chain.log_noising(points)
    torch.testing.assert_close(forward, backward, atol=1e-9, rtol=0)


def wrong_network(conditions):
    """Rows of a condition follow each other."""

    def field(x, level):
        of_row = conditions.repeat_interleave(len(x) // len(conditions), dim=0)
        return 0.3 * torch.sin(x + of_row) / (0.5 + level[:, None])

    return field


@pytest.mark.parametrize("chain", [torus_chain(5), token_chain(FlowPath("linear"), 5)])
def test_density_of_a_drawn_path_is_that_of_one_batch(chain):
    conditions = torch.from_numpy(np.random.default_rng(3).normal(size=(7, 4)))
    there = chain.draw(wrong_network(conditions), 7, 4, np.random.default_rng(4))
    again = chain.log_forward(there.points, wrong_network(conditions))
    torch.testing.assert_close(again, there.log_density, atol=1e-11, rtol=0)
    one = chain.log_forward(there.points[2:3], wrong_network(conditions[2:3]))
    torch.testing.assert_close(one, there.log_density[2:3], atol=1e-11, rtol=0)


@pytest.mark.parametrize("chain", [torus_chain(3), token_chain(FlowPath("linear"), 3)])
def test_noising_and_drawing_have_the_densities_that_they_claim(chain):
    """The mean of another chain's density over a chain's own is 1 over the paths of the latter."""
    rng = np.random.default_rng(5)
    narrow = replace(chain, width=0.7 * chain.width, noising_width=0.8 * chain.noising_width)
    field = wrong_network(torch.full((1, 1), 0.4, dtype=torch.float64))
    there = chain.draw(field, 40_000, 1, rng)
    points = chain.noise(torch.full((40_000, 1), 0.3, dtype=torch.float64), rng)
    forward = (narrow.log_forward(there.points, field) - there.log_density).exp()
    backward = (narrow.log_noising(points) - chain.log_noising(points)).exp()
    for weights in (forward.numpy(), backward.numpy()):
        assert abs(weights.mean() - 1) < 4 * weights.std() / 200 < 0.03


def test_steps_are_drawn_from_the_given_generator_alone():
    chain, field = torus_chain(4), wrong_network(torch.zeros(1, 1, dtype=torch.float64))
    a, b = (chain.draw(field, 2, 3, np.random.default_rng(6)).points for _ in range(2))
    assert torch.equal(a, b)
    assert a.abs().max() <= np.pi


def test_a_network_that_gives_nan_makes_the_ratio_nan():
    chain = torus_chain(3)
    there = chain.draw(lambda x, s: x * torch.nan, 2, 3, np.random.default_rng(1))
    assert torch.isnan(there.log_density).all()


def test_chains_without_densities_are_refused():
    chain = torus_chain(3)
    with pytest.raises(ValueError, match="every transition must have a positive width"):
        replace(chain, width=torch.zeros(3, 1, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"width must have shape \(3, 1\) or \(3, d\), got \(3,\)"):
        replace(chain, width=torch.ones(3, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"gain must have shape \(3,\) like levels, got \(4,\)"):
        replace(chain, gain=torch.ones(4, dtype=torch.float64))
    assert isinstance(chain, GaussianChain)


def test_chains_of_no_use_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 2, one for each end of the lev"):
        torus_chain(1)
    with pytest.raises(ValueError, match="expected 0 < sigma_min_rad < sigma_max_rad, got 4"):
        torus_chain(3, sigma_min_rad=4.0)
    with pytest.raises(ValueError, match=r"data_width_rad must be positive, got \[0.0\]"):
        torus_chain(3, data_width_rad=0.0)
    path = FlowPath("linear")
    with pytest.raises(ValueError, match="steps must be at least 2, one for each end of the path"):
        token_chain(path, 1)
    with pytest.raises(ValueError, match="expected 0 < last_noise < first_noise, got 9"):
        token_chain(path, 3, last_noise=9.0)
    with pytest.raises(ValueError, match=r"data_width must be positive, got \[-1.0\]"):
        token_chain(path, 3, data_width=-1.0)
