"""Paths against autograd, and the loss against a flow that is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from openmm_genmd.models.flow_paths import FlowPath, flow_matching_loss

PATHS = ["linear", "trigonometric"]
MEAN = torch.tensor([1.5, -2.0, 0.0], dtype=torch.float64)
WIDTH = torch.tensor([0.3, 1.0, 2.0], dtype=torch.float64)


def gaussian_field(path: FlowPath, x, time):
    """Velocity that carries N(0, 1) to N(MEAN, WIDTH^2): E[dx_s/ds | x_s = x]."""
    c = path.coefficients(time.reshape(-1, 1))
    variance = (c.alpha * WIDTH) ** 2 + c.sigma**2
    slope = (c.alpha * c.alpha_rate * WIDTH**2 + c.sigma * c.sigma_rate) / variance
    return c.alpha_rate * MEAN + slope * (x - c.alpha * MEAN)


def pairs(n: int, seed: int):
    rng = np.random.default_rng(seed)
    noise, data = (torch.from_numpy(rng.standard_normal((n, 3))) for _ in range(2))
    return {
        "noise": noise,
        "data": MEAN + WIDTH * data,
        "time": torch.from_numpy(rng.random(n)),
        "mask": torch.ones(n, 3, dtype=torch.bool),
    }


@pytest.mark.parametrize("name", PATHS)
def test_rates_are_derivatives(name):
    time = torch.linspace(0, 1, 11, dtype=torch.float64, requires_grad=True)
    c = FlowPath(name).coefficients(time)
    for value, rate in ((c.alpha, c.alpha_rate), (c.sigma, c.sigma_rate)):
        (expected,) = torch.autograd.grad(value.sum(), time, retain_graph=True)
        torch.testing.assert_close(rate.detach(), expected, atol=1e-14, rtol=0)


@pytest.mark.parametrize("name", PATHS)
def test_velocity_is_the_derivative_of_the_position(name):
    p = pairs(5, 0)
    time = p["time"].requires_grad_()
    at = FlowPath(name).between(p["noise"], p["data"], time)
    for column in range(3):
        total = at.position[:, column].sum()
        (rate,) = torch.autograd.grad(total, time, retain_graph=True)
        torch.testing.assert_close(at.velocity[:, column].detach(), rate, atol=1e-14, rtol=0)


@pytest.mark.parametrize("name", PATHS)
def test_ends_are_noise_and_data(name):
    p, path = pairs(4, 1), FlowPath(name)
    for time, expected in ((0.0, p["noise"]), (1.0, p["data"])):
        s = torch.full((4,), time, dtype=torch.float64)
        at = path.between(p["noise"], p["data"], s).position
        torch.testing.assert_close(at, expected, atol=1e-15, rtol=0)


def test_known_weights():
    third = torch.tensor(1 / 3, dtype=torch.float64)
    linear, trigonometric = (FlowPath(n).coefficients(third) for n in PATHS)
    assert float(linear.alpha) == pytest.approx(1 / 3)
    assert float(trigonometric.alpha) == pytest.approx(0.5)  # sin 30 degrees
    assert float(trigonometric.sigma) == pytest.approx(3**0.5 / 2)


def test_unknown_path():
    with pytest.raises(ValueError, match="path must be 'linear' or 'trigonometric', got 'cubic'"):
        FlowPath("cubic")


@pytest.mark.parametrize("name", PATHS)
def test_least_squares_at_one_time_finds_the_known_velocity(name):
    # The loss is a regression: its best linear field at s = 0.6 is compared with the closed form.
    path, p = FlowPath(name), pairs(200_000, 2)
    s = torch.full_like(p["time"], 0.6)
    at = path.between(p["noise"], p["data"], s)
    grid = torch.linspace(-2, 2, 5, dtype=torch.float64)[:, None].expand(-1, 3)
    exact = gaussian_field(path, grid, torch.tensor([0.6], dtype=torch.float64))
    for i in range(3):
        x, u = at.position[:, i].numpy(), at.velocity[:, i].numpy()
        fit, covariance = np.polyfit(x, u, 1, cov=True)
        error = np.sqrt([[g, 1] @ covariance @ [g, 1] for g in grid[:, i].numpy()])
        assert (np.abs(np.polyval(fit, grid[:, i]) - exact[:, i].numpy()) < 4 * error).all()


@pytest.mark.parametrize("name", PATHS)
def test_the_known_velocity_is_the_minimum_of_the_loss(name):
    path, p = FlowPath(name), pairs(100_000, 3)

    def loss(change):
        return float(
            flow_matching_loss(lambda x, s: gaussian_field(path, x, s) + change(x), path, **p)
        )

    least = loss(lambda x: 0.0)
    at = path.between(p["noise"], p["data"], p["time"])
    residual = (gaussian_field(path, at.position, p["time"]) - at.velocity).numpy()
    # |v + h - u|^2 exceeds |v - u|^2 by |h|^2 on average, whatever h(x, s) is.
    for h in (lambda x: 0.3 * x.sin(), lambda x: -0.2 * x, lambda x: torch.full_like(x, 0.1)):
        wrong = h(at.position).numpy()
        error = 2 * (wrong * residual).mean(axis=1).std() / np.sqrt(len(wrong))
        assert loss(h) - least == pytest.approx((wrong**2).mean(), abs=4 * error)
        assert loss(h) > least


@pytest.mark.parametrize("name", PATHS)
def test_least_loss_is_the_conditional_variance(name):
    path, p = FlowPath(name), pairs(100_000, 4)
    measured = flow_matching_loss(lambda x, s: gaussian_field(path, x, s), path, **p)
    c = path.coefficients(torch.linspace(0, 1, 2001, dtype=torch.float64)[:, None])
    # Var(u | x) of two Gaussian variables: determinant of their covariance over Var(x).
    determinant = (WIDTH * (c.alpha_rate * c.sigma - c.sigma_rate * c.alpha)) ** 2
    exact = torch.trapezoid(
        determinant / ((c.alpha * WIDTH) ** 2 + c.sigma**2), dx=1 / 2000, dim=0
    ).mean()
    assert float(measured) == pytest.approx(float(exact), rel=0.01)


def test_the_loss_is_the_mean_over_what_exists():
    path = FlowPath("linear")
    p = pairs(2, 5)
    p["mask"] = torch.tensor([[True, False, False], [True, True, False]])
    p["data"] = torch.where(p["mask"], p["data"], torch.nan)

    def field(x, s):
        return torch.where(p["mask"], torch.full_like(x, 2.0), torch.inf)

    u = (p["data"] - p["noise"])[p["mask"]].numpy()
    measured = float(flow_matching_loss(field, path, **p))
    assert measured == pytest.approx(np.mean((2.0 - u) ** 2), rel=1e-14)


def test_missing_numbers_have_finite_gradients():
    path, p = FlowPath("linear"), pairs(2, 6)
    p["mask"] = torch.tensor([[True, False, True], [False, False, True]])
    p["data"] = torch.where(p["mask"], p["data"], torch.nan)
    factor = torch.ones(3, dtype=torch.float64, requires_grad=True)
    flow_matching_loss(lambda x, s: factor * x, path, **p).backward()
    assert torch.isfinite(factor.grad).all()
    assert factor.grad[1] == 0
