"""Attention among frames against loops over points, and what must not change it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from openmm_genmd.models.invariant_point_attention import InvariantPointAttention

HEADS, CHANNELS, POINTS, WIDTH = 2, 5, 3, 12


@pytest.fixture(scope="module")
def attention(randomised):
    return randomised(
        InvariantPointAttention(WIDTH, HEADS, channels=CHANNELS, points=POINTS), scale=0.4
    )


@pytest.fixture(scope="module")
def case(rotations):
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(2, 6, WIDTH, generator=generator, dtype=torch.float64)
    translations = torch.randn(2, 6, 3, generator=generator, dtype=torch.float64)
    mask = torch.arange(6) < torch.tensor([6, 4])[:, None]
    return features, rotations(2, 6, generator=generator), translations, mask


def oracle(attention, x, rotations, translations):
    """Supplementary algorithm 22 of Jumper et al. without pairs, for one molecule, in loops."""
    w = {k: v.detach().numpy() for k, v in attention.named_parameters()}
    y = x @ w["project.weight"].T + w["project.bias"]
    n, split = len(x), 3 * HEADS * CHANNELS
    q, k, v = y[:, :split].reshape(n, 3, HEADS, CHANNELS).swapaxes(0, 1)
    local = y[:, split:].reshape(n, 3, 3, HEADS, POINTS)  # x y z, then query key value
    gamma = np.log1p(np.exp(w["point_weight"]))
    w_points, w_terms = np.sqrt(2 / (9 * POINTS)), np.sqrt(1 / 2)

    def placed(i, what, h, p):
        return rotations[i] @ local[i, :, what, h, p] + translations[i]

    rows = []
    for i in range(n):
        scalar, points = [], np.zeros((3, HEADS, POINTS))
        for h in range(HEADS):
            logits = np.zeros(n)
            for j in range(n):
                squares = sum(
                    np.sum((placed(i, 0, h, p) - placed(j, 1, h, p)) ** 2) for p in range(POINTS)
                )
                logits[j] = w_terms * (
                    q[i, h] @ k[j, h] / np.sqrt(CHANNELS) - gamma[h] * w_points / 2 * squares
                )
            a = np.exp(logits) / np.exp(logits).sum()
            scalar.extend(sum(a[j] * v[j, h] for j in range(n)))
            for p in range(POINTS):
                mean = sum(a[j] * placed(j, 2, h, p) for j in range(n))
                points[:, h, p] = np.linalg.inv(rotations[i]) @ (mean - translations[i])
        lengths = np.sqrt((points**2).sum(axis=0) + 1e-8)
        rows.append(np.concatenate([scalar, points.ravel(), lengths.ravel()]))
    return np.array(rows) @ w["output.weight"].T + w["output.bias"]


def test_agrees_with_loops_over_points(attention, case):
    features, rotations, translations, mask = case
    with torch.no_grad():
        update = attention(*case).numpy()
    for n, length in enumerate((6, 4)):
        arrays = (part[n, :length].numpy() for part in (features, rotations, translations))
        expected = oracle(attention, *arrays)
        np.testing.assert_allclose(update[n, :length], expected, atol=1e-12)
        assert np.ptp(expected, axis=0).min() > 0.1
    assert mask.sum() == 10


def test_points_matter(attention, case):
    features, rotations, translations, mask = case
    with torch.no_grad():
        moved = translations.clone()
        moved[:, 2] += 0.5
        change = attention(features, rotations, moved, mask) - attention(*case)
        turned = rotations.clone()
        turned[:, 2] = turned[:, 2] @ rotations[:, 0]
        turn = attention(features, turned, translations, mask) - attention(*case)
    assert change.abs().amax(dim=(0, 2)).min() > 1e-3  # every residue notices the one that moved
    assert turn.abs().amax(dim=(0, 2)).min() > 1e-3


def test_common_motion_changes_nothing(attention, case, rotations):
    features, frames, translations, mask = case
    turn = rotations(1, generator=torch.Generator().manual_seed(8))
    shift = torch.tensor([3.0, -2.0, 5.0], dtype=torch.float64)
    with torch.no_grad():
        moved = attention(features, turn @ frames, translations @ turn[0].T + shift, mask)
        torch.testing.assert_close(moved, attention(*case), atol=1e-11, rtol=0)


def test_gradients_are_finite_where_points_coincide():
    attention = InvariantPointAttention(WIDTH, HEADS, channels=CHANNELS, points=POINTS)
    with torch.no_grad():
        attention.project.weight.zero_()
        attention.project.bias.zero_()
        attention.output.weight.fill_(0.1)
    frames = torch.eye(3).expand(1, 2, 3, 3), torch.zeros(1, 2, 3)
    update = attention(torch.ones(1, 2, WIDTH), *frames, torch.ones(1, 2, dtype=torch.bool))
    update.square().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in attention.parameters())


def test_distances_stay_in_full_precision_under_autocast(case):
    features, rotations, translations, mask = (
        part.float() if part.is_floating_point() else part for part in case
    )
    attention = InvariantPointAttention(WIDTH, HEADS, channels=CHANNELS, points=POINTS)
    torch.nn.init.eye_(attention.output.weight)
    # Points at the origins of the frames and 60 units away: bfloat16 would not tell them apart.
    with torch.no_grad():
        attention.project.weight.zero_()
        attention.project.bias.zero_()
        far = translations + 60.0
        exact = attention(features, rotations, far, mask)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = attention(features, rotations, far, mask)
    assert mixed.dtype == torch.bfloat16
    torch.testing.assert_close(mixed.float(), exact, atol=0.02, rtol=0.01)
