"""The sampler's order of convergence, and exact samples of a flow known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from openmm_genmd.models import ode
from openmm_genmd.models.flow_paths import FlowPath

MEAN, WIDTH = 1.5, 0.4


def gaussian_field(x, time):
    """Velocity of the trigonometric path from N(0, 1) to N(MEAN, WIDTH^2)."""
    c = FlowPath("trigonometric").coefficients(time)
    variance = (c.alpha * WIDTH) ** 2 + c.sigma**2
    slope = (c.alpha * c.alpha_rate * WIDTH**2 + c.sigma * c.sigma_rate) / variance
    return c.alpha_rate * MEAN + slope * (x - c.alpha * MEAN)


def error(steps, method, **tolerances) -> float:
    start = torch.linspace(-2, 2, 9, dtype=torch.float64)
    end = ode.integrate(gaussian_field, start, steps=steps, method=method, **tolerances)
    return float((end - (MEAN + WIDTH * start)).abs().max())


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2)])
def test_order_of_convergence(method, order):
    errors = [error(steps, method) for steps in (40, 80, 160)]
    measured = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(measured, order, atol=0.15)
    assert errors[-1] < 0.02


def test_adaptive_steps_meet_their_tolerance():
    errors = [error(1, "dopri5", rtol=tol, atol=tol) for tol in (1e-4, 1e-6, 1e-9)]
    assert errors[0] < 2e-3
    assert errors[1] < 1e-5
    assert errors[2] < 1e-8
    assert errors[0] > errors[1] > errors[2]


@pytest.mark.parametrize(("method", "per_step"), [("euler", 1), ("midpoint", 2)])
def test_evaluations_per_step(method, per_step):
    times = []

    def field(x, time):
        times.append(float(time))
        return x

    end = ode.integrate(field, torch.ones(1, dtype=torch.float64), steps=5, method=method)
    growth = {"euler": 1.2, "midpoint": 1.22}[method]  # 1 + h (+ h^2 / 2)
    assert float(end) == pytest.approx(growth**5, rel=1e-12)
    assert len(times) == 5 * per_step
    assert times[0] == 0.0
    assert max(times) < 1.0


def test_unknown_method_and_steps():
    with pytest.raises(ValueError, match="one of euler, midpoint, dopri5; got 'rk4'"):
        ode.integrate(gaussian_field, torch.zeros(1), method="rk4")
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        ode.integrate(gaussian_field, torch.zeros(1), steps=0)


@pytest.mark.parametrize("method", ["euler", "midpoint", "dopri5"])
def test_a_flow_that_explodes(method):
    with pytest.raises(FloatingPointError, match="velocity field is too steep"):
        ode.integrate(lambda x, s: 1e30 * x * x, torch.ones(3), method=method)


@pytest.mark.parametrize("method", ["euler", "dopri5"])
def test_assertions_of_a_model_are_passed_on(method):
    def field(x, time):
        raise AssertionError("mine")

    with pytest.raises(AssertionError, match="mine"):
        ode.integrate(field, torch.ones(3), method=method)


class GaussianModel(torch.nn.Module):
    """Stands in for a network: the known velocity where tokens exist."""

    def forward(self, tokens, time, rotations, translations, types, token_mask, residue_mask):
        s = time.reshape(-1, 1, 1, 1)
        return torch.where(token_mask[:, None], gaussian_field(tokens, s), 0.0)


@pytest.mark.parametrize("method", ["midpoint", "dopri5"])
def test_samples_are_the_known_map_of_the_noise(method, batches):
    batch, n = batches((4, 2)), 500
    arguments = {"n_samples": n, "steps": 50, "method": method, "rtol": 1e-6}
    tokens = ode.sample(GaussianModel(), *batch.given, rng=np.random.default_rng(7), **arguments)
    noise = np.random.default_rng(7).standard_normal((2, n, 4, 21), dtype=np.float32)
    mask = np.broadcast_to(batch.token_mask[:, None].numpy(), noise.shape)
    expected = np.where(mask, MEAN + WIDTH * noise.astype(float), 0.0)
    assert not mask.all()
    np.testing.assert_allclose(tokens.numpy(), expected, atol=2e-3)
    assert tokens.dtype == torch.float64
    values = tokens.numpy()[mask]
    assert values.mean() == pytest.approx(MEAN, abs=4 * WIDTH / np.sqrt(values.size))
    assert values.std() == pytest.approx(WIDTH, rel=4 / np.sqrt(2 * values.size))


def test_samples_of_a_network_do_not_depend_on_the_others(mars_fm, batches):
    batch = batches((5, 3), seed=4)
    rng = np.random.default_rng
    both = ode.sample(mars_fm, *batch.given, rng=rng(1), n_samples=2, steps=3)
    noise = rng(1).standard_normal((2, 2, 5, 21), dtype=np.float32)
    alone = batch.molecule(1, 3)
    start = torch.from_numpy(noise[1, :, :3]).double()
    each = [
        ode.integrate(
            lambda x, s: mars_fm(x, s[None], *alone.given),
            torch.where(alone.token_mask, start[k : k + 1], 0.0),
            steps=3,
        )
        for k in range(2)
    ]
    torch.testing.assert_close(both[1, :, :3], torch.cat(each).detach(), atol=1e-11, rtol=0)
    assert both.abs().max() > 0.1
    assert not both.requires_grad
