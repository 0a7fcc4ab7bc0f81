"""The torus density: normalised, periodic, sampled as it says, and the same in NumPy and torch."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import stats

from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig, wrap

PI = np.pi


def make(n: int = 2, *, conditional: bool = False, scale: float = 0.2, **config) -> TorusFlow:
    """A model with random weights, far from uniform, smooth enough for quadrature on a grid."""
    model = TorusFlow(TorusFlowConfig(n_torsions=n, conditional=conditional, **config))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(scale * noise)
    return model


def torch_log_prob(model: TorusFlow, angles, context=None) -> np.ndarray:
    given = None if context is None else torch.as_tensor(context)
    with torch.no_grad():
        return model.log_prob(torch.as_tensor(angles), given).numpy()


def grid(n: int) -> np.ndarray:
    """Midpoints of n x n cells on the two-dimensional torus."""
    axis = -PI + 2 * PI * (np.arange(n) + 0.5) / n
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("conditional", [False, True])
def test_density_is_normalised(conditional):
    model = make(conditional=conditional, scale=0.12)
    context = np.array([[0.3, -2.0]]) if conditional else None
    density = np.exp(torch_log_prob(model, grid(300), context))
    assert density.max() / density.min() > 10  # not a trivial case
    assert density.mean() * (2 * PI) ** 2 == pytest.approx(1, abs=1e-4)


def test_density_in_one_dimension_is_normalised():
    x = -PI + 2 * PI * (np.arange(20000) + 0.5) / 20000
    density = np.exp(torch_log_prob(make(1), x[:, None]))
    assert density.max() / density.min() > 2
    assert density.mean() * 2 * PI == pytest.approx(1, abs=1e-6)


def test_density_is_periodic_and_has_no_seam():
    model = make(3)
    angles = np.random.default_rng(1).uniform(-PI, PI, (200, 3))
    turned = angles + 2 * PI * np.random.default_rng(2).integers(-2, 3, angles.shape)
    np.testing.assert_allclose(
        torch_log_prob(model, turned), torch_log_prob(model, angles), atol=1e-9
    )
    left, right = angles.copy(), angles.copy()
    left[:, 1], right[:, 1] = -PI + 1e-9, PI - 1e-9
    np.testing.assert_allclose(torch_log_prob(model, left), torch_log_prob(model, right), atol=1e-6)


@pytest.mark.parametrize("context", [None, [[0.4, -3.1]]])
def test_samples_follow_the_density(context):
    model = make(conditional=context is not None)
    context = None if context is None else np.array(context)
    n, cells, fine = 20000, 12, 240
    angles, _ = model.sample(n, np.random.default_rng(3), context)
    density = np.exp(torch_log_prob(model, grid(fine), context)).reshape(fine, fine)
    blocks = density.reshape(cells, fine // cells, cells, fine // cells).sum(axis=(1, 3))
    edges = np.linspace(-PI, PI, cells + 1)
    observed, _, _ = np.histogram2d(angles[:, 0], angles[:, 1], bins=[edges, edges])
    assert stats.chisquare(observed.ravel(), (n * blocks / blocks.sum()).ravel()).pvalue > 1e-3


def test_sampled_moments_follow_the_density():
    model = make()
    points, n = grid(200), 40000
    weights = np.exp(torch_log_prob(model, points))
    weights /= weights.sum()
    angles, _ = model.sample(n, np.random.default_rng(4))
    for moment in (lambda a: np.cos(a[:, 0]), lambda a: np.sin(a[:, 0] - 2 * a[:, 1])):
        values = moment(angles)
        exact = np.sum(weights * moment(points))
        assert abs(values.mean() - exact) < 4 * values.std() / np.sqrt(n)


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_sample_returns_its_own_density(n, conditional):
    model = make(n, conditional=conditional)
    one_for_all = np.full((1, n), 1.0)
    for context in (one_for_all, np.random.default_rng(1).uniform(-PI, PI, (500, n))):
        given = context if conditional else None
        angles, log_prob = model.sample(500, np.random.default_rng(0), given)
        assert ((angles >= -PI) & (angles < PI)).all()
        expected = torch_log_prob(model, angles, given)
        np.testing.assert_allclose(log_prob, expected, atol=1e-9, rtol=0)
        assert np.ptp(log_prob) > 0.1


def test_flow_inverse_is_accurate():
    model = make(uniform_fraction=0.0, scale=0.6)
    rng, replay = np.random.default_rng(6), np.random.default_rng(6)
    angles, _ = model.sample(500, rng)
    replay.random(500)
    base = replay.uniform(-PI, PI, (500, 2))
    y = torch.as_tensor(angles)
    with torch.no_grad():
        for layer in model.layers:
            y = layer(None)(y)
    assert np.abs(wrap(y.numpy() - base)).max() < 1e-9


def test_the_numpy_generator_is_the_only_randomness():
    model = make()
    torch.manual_seed(1)
    first, _ = model.sample(20, np.random.default_rng(8))
    torch.manual_seed(2)
    second, _ = model.sample(20, np.random.default_rng(8))
    np.testing.assert_array_equal(first, second)
    state = torch.get_rng_state()
    TorusFlow(TorusFlowConfig(n_torsions=2), seed=3)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_numpy_agrees_with_torch(n, conditional):
    model = make(n, conditional=conditional, scale=0.3)
    rng = np.random.default_rng(9)
    angles = rng.uniform(-PI, PI, (1000, n))
    near = rng.random(angles.shape) < 0.3
    angles[near] = rng.choice([-PI, PI, 0.0, PI - 1e-12, -PI + 1e-12, 3 * PI, -7.0], near.sum())
    context = rng.uniform(-PI, PI, angles.shape) if conditional else None
    expected = torch_log_prob(model, angles, context)
    single = [
        model.log_prob_numpy(angles[[i]], context[[i]] if conditional else None)[0]
        for i in range(len(angles))
    ]
    np.testing.assert_allclose(single, expected, atol=1e-9, rtol=0)
    batch = model.log_prob_numpy(angles, context)
    np.testing.assert_allclose(batch, expected, atol=1e-9, rtol=0)
    one_context = None if context is None else context[:1]
    np.testing.assert_allclose(
        model.log_prob_numpy(angles, one_context),
        torch_log_prob(model, angles, one_context),
        atol=1e-9,
        rtol=0,
    )


def test_numpy_follows_changed_weights():
    model, angles = make(), np.array([[0.2, -1.0]])
    before = model.log_prob_numpy(angles)
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.mul_(0.5)
    np.testing.assert_allclose(
        twin.log_prob_numpy(angles), torch_log_prob(twin, angles), atol=1e-12
    )
    assert abs(twin.log_prob_numpy(angles) - before) > 1e-3
    assert model.log_prob_numpy(angles) == before
    twin.load_state_dict(model.state_dict())
    assert twin.log_prob_numpy(angles) == before


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("n_points", [1, 50])
def test_values_that_are_not_finite_have_no_density(bad, n_points):
    angles = np.zeros((n_points, 2))
    angles[0, 1] = bad
    log_prob = make().log_prob_numpy(angles)
    assert np.isnan(log_prob).tolist() == [True] + [False] * (n_points - 1)


def test_uniform_floor_bounds_the_density_from_below():
    model = make(uniform_fraction=0.2, scale=1.0)
    log_prob = torch_log_prob(model, grid(60))
    assert log_prob.min() >= np.log(0.2) - 2 * np.log(2 * PI)
    flat = make(uniform_fraction=1.0, scale=1.0)
    np.testing.assert_allclose(torch_log_prob(flat, grid(5)), -2 * np.log(2 * PI), atol=1e-12)
    np.testing.assert_allclose(flat.log_prob_numpy(grid(1)), -2 * np.log(2 * PI), atol=1e-12)


def test_gradient_without_a_floor_is_finite():
    model = make(uniform_fraction=0.0)
    model.log_prob(torch.zeros(3, 2, dtype=torch.float64)).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


def test_new_model_is_uniform_and_seeded():
    config = TorusFlowConfig(n_torsions=2)
    a, b, c = TorusFlow(config, seed=1), TorusFlow(config, seed=1), TorusFlow(config, seed=2)
    np.testing.assert_allclose(torch_log_prob(a, grid(4)), -2 * np.log(2 * PI), atol=1e-12)
    weights = [m.layers[0].hyper[0].weight for m in (a, b, c)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_wrap_stays_inside():
    angles = np.array([PI, -PI, 3 * PI, np.nextafter(-PI, -4), 0.5 - 2 * PI, -1e-17])
    wrapped = wrap(angles)
    assert ((wrapped >= -PI) & (wrapped < PI)).all()
    np.testing.assert_allclose(np.exp(1j * wrapped), np.exp(1j * angles), atol=1e-14)


def test_wrong_shapes_and_contexts_are_refused():
    plain, conditional = make(), make(conditional=True)
    with pytest.raises(ValueError, match=r"angles must have shape \(n, 2\), got \(3,\)"):
        plain.log_prob_numpy(np.zeros(3))
    with pytest.raises(ValueError, match="this model is conditional: pass the current torsions"):
        conditional.sample(4, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"got \(3, 2\)"):
        conditional.log_prob(torch.zeros(4, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="this model is unconditional: leave context out"):
        plain.log_prob_numpy(np.zeros((1, 2)), np.zeros((1, 2)))


def test_config_refuses_nonsense():
    for bad in ({"n_torsions": 0}, {"n_torsions": 2, "uniform_fraction": 1.5}, {"widgets": 1}):
        with pytest.raises(ValidationError):
            TorusFlowConfig(**bad)
