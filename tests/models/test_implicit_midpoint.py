"""Flows against the Jacobian of the whole map, their own inverse, and integrals of densities."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from openmm_genmd.models.exact_flow import flow_of_velocity, torus_flow_of_score
from openmm_genmd.models.implicit_midpoint import ImplicitMidpoint

MIX = torch.tensor([[0.9, -0.4, 0.2], [0.3, 0.5, -0.7], [-0.2, 0.6, 0.8]], dtype=torch.float64)


def twisted(x, time):
    """A periodic field with a full Jacobian."""
    return torch.sin(x @ MIX.T + time[:, None]) + 0.5 * torch.cos(2 * x)


def times(steps, end=1.5):
    return torch.linspace(0.0, end, steps + 1, dtype=torch.float64)


def points(n=6, size=3, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, size)))


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("steps", [1, 4, 20])
def test_the_way_back_is_the_inverse(steps, periodic):
    flow = ImplicitMidpoint(twisted, times(steps, 0.6 if steps == 1 else 1.5), periodic=periodic)
    there = flow.forward(points())
    back = flow.backward(there.positions)
    assert (back.positions - points()).abs().max() <= 2e-13
    assert (back.log_det + there.log_det).abs().max() <= 2e-14 * 3
    assert there.log_det.abs().max() > 0.1


def unrolled(start, grid):
    """The same map with so many iterations that autograd sees the exact derivative."""
    position = start[None]
    for begin, end in pairwise(grid):
        middle = position
        for _ in range(80):
            middle = position + 0.5 * (end - begin) * twisted(middle, (0.5 * (begin + end))[None])
        position = 2 * middle - position
    return position[0]


def test_volume_is_the_determinant_of_the_whole_map():
    there = ImplicitMidpoint(twisted, times(5)).forward(points())
    for start, end, log_det in zip(points(), there.positions, there.log_det, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda x: unrolled(x, times(5)), start)
        torch.testing.assert_close(unrolled(start, times(5)), end, atol=1e-12, rtol=0)
        assert abs(float(torch.linalg.slogdet(jacobian)[1] - log_det)) < 1e-12


def test_order_of_the_rule_is_two():
    """Without an exact answer in closed form: halving the steps quarters the change."""
    ends = [ImplicitMidpoint(twisted, times(n)).forward(points()).positions for n in (8, 16, 32)]
    ratio = (ends[0] - ends[1]).norm() / (ends[1] - ends[2]).norm()
    assert 3.5 < ratio < 4.5


def peaks(angles, sigma):
    """Score of something with two torsions that are coupled."""
    a, b = angles.T
    pull = torch.stack((-torch.sin(a) + torch.sin(a - b), torch.cos(b) - torch.sin(a - b)), dim=1)
    return 0.4 * pull * torch.exp(-0.25 * sigma[:, None] ** 2)


def test_density_integrates_to_one_on_the_torus():
    """Few steps are a bad integration, but the density is that of what the steps do."""
    line = (torch.arange(48, dtype=torch.float64) + 0.5) * 2 * math.pi / 48
    grid = torch.cartesian_prod(line, line)
    density = torus_flow_of_score(peaks, 2, 8, sigma_min_rad=0.3).log_density(grid).exp()
    assert density.max() > 5 * density.min()
    assert abs(float(density.mean()) * (2 * math.pi) ** 2 - 1) < 1e-7


def test_samples_have_the_density():
    """The mean of f / q over samples is the integral of f over the torus."""
    flow = torus_flow_of_score(peaks, 2, 8, sigma_min_rad=0.3)
    angles, log_density = flow.sample(4000, np.random.default_rng(1))
    torch.testing.assert_close(flow.log_density(angles), log_density, atol=1e-11, rtol=0)
    for f, integral in (
        (lambda x: torch.cos(x[:, 0]), 0.0),
        (lambda x: torch.sin(x[:, 1]) + 1, 1.0),
    ):
        values = (f(angles) / log_density.exp()).numpy() / (2 * math.pi) ** 2
        assert abs(values.mean() - integral) < 4 * values.std() / math.sqrt(4000)


def test_a_linear_flow_has_the_known_density():
    """Implicit midpoint multiplies by (1 + h a/2)/(1 - h a/2) in every step."""
    data = points()
    factor = ((1 + 0.1 * -0.6) / (1 - 0.1 * -0.6)) ** 5
    density = flow_of_velocity(lambda x, t: -0.6 * x, 3, 5).log_density(data)
    expected = (
        torch.distributions.Normal(0.0, torch.tensor(factor, dtype=torch.float64))
        .log_prob(data)
        .sum(dim=1)
    )
    torch.testing.assert_close(density, expected, atol=1e-12, rtol=0)


def test_a_field_without_slope_moves_all_alike():
    flow = ImplicitMidpoint(lambda x, t: torch.ones_like(x), times(3))
    end = flow.forward(points())
    torch.testing.assert_close(end.positions, points() + 1.5)
    assert torch.equal(end.log_det, torch.zeros(6, dtype=torch.float64))


def test_where_there_is_no_inverse_there_is_no_density():
    """One long step of a field that folds space: found on the way back is another point."""
    flow = ImplicitMidpoint(lambda x, t: 6.0 * torch.sin(3 * x), times(1, 2.0))
    start = torch.linspace(-3.0, 3.0, 200, dtype=torch.float64)[:, None]
    end, unchecked = flow.forward(start), flow.one_way(start)
    lost = torch.isnan(end.log_det)
    assert 0 < int(lost.sum()) < 200
    assert torch.isnan(end.positions[lost]).all()
    returned = flow.one_way(unchecked.positions, backward=True).positions
    elsewhere = ~((returned - start).abs().amax(dim=1) < 1e-9)
    assert torch.equal(elsewhere | torch.isnan(unchecked.log_det), lost)
    kept = flow.backward(end.positions[~lost])
    assert (kept.positions - start[~lost]).abs().max() < 1e-9


def test_a_field_that_is_not_finite_spoils_its_own_row_only():
    def broken(x, t):
        return torch.where(x > 5.0, torch.nan, 0.3 * x)

    start = torch.tensor([[1.0], [9.0], [2.0]], dtype=torch.float64)
    end = ImplicitMidpoint(broken, times(3)).forward(start)
    assert torch.isnan(end.log_det).tolist() == [False, True, False]
    alone = ImplicitMidpoint(broken, times(3)).forward(start[:1])
    torch.testing.assert_close(end.positions[:1], alone.positions, atol=1e-13, rtol=0)


def test_without_convergence_there_is_no_density():
    flow = ImplicitMidpoint(twisted, times(1), iterations=2)
    assert torch.isnan(flow.forward(points()).log_det).all()


def test_flows_without_steps_are_refused():
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        flow_of_velocity(twisted, 3, 0)
    with pytest.raises(ValueError, match="expected 0 < sigma_min_rad < sigma_max_rad, got 5"):
        torus_flow_of_score(peaks, 2, 3, sigma_min_rad=5.0)
