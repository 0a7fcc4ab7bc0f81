"""Transformer layers against formulas written out, and against what must not matter."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from openmm_genmd.models.residue_transformer import (
    AdaptiveResidual,
    FeedForward,
    SelfAttention,
    TransformerBlock,
    modulate,
    rotary,
)

WIDTH, HEADS = 12, 2


def random(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


@pytest.fixture(scope="module")
def attention(randomised):
    return randomised(SelfAttention(WIDTH, HEADS), scale=0.5)


def oracle(attention, x):
    """Attention of one sequence; a position turns pairs of channels as complex numbers."""
    w = {k: v.detach().numpy() for k, v in attention.named_parameters()}
    channels = WIDTH // HEADS
    y = (x @ w["project.weight"].T + w["project.bias"]).reshape(len(x), 3, HEADS, channels)
    half = channels // 2
    turn = np.exp(1j * np.arange(len(x))[:, None] * 10000.0 ** (-np.arange(half) / half))
    out = np.zeros((len(x), HEADS, channels))
    for h in range(HEADS):
        q, k = ((y[:, i, h, :half] + 1j * y[:, i, h, half:]) * turn for i in (0, 1))
        a = np.exp((q @ k.conj().T).real / np.sqrt(channels))
        out[:, h] = a / a.sum(axis=1, keepdims=True) @ y[:, 2, h]
    return out.reshape(len(x), WIDTH) @ w["output.weight"].T + w["output.bias"]


def test_attention_with_positions_agrees_with_complex_numbers(attention):
    x, mask = random(2, 5, WIDTH), torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    with torch.no_grad():
        update = attention(x, mask, rotary(5, WIDTH // HEADS, x)).numpy()
    for n, length in enumerate((5, 3)):
        expected = oracle(attention, x[n, :length].numpy())
        np.testing.assert_allclose(update[n, :length], expected, atol=1e-12)


def test_only_differences_of_positions_matter(attention):
    x, later = random(1, 4, WIDTH), random(1, 7, WIDTH, seed=1)
    later[:, 3:] = x
    mask = torch.arange(7)[None] >= 3
    table = rotary(7, WIDTH // HEADS, x)
    with torch.no_grad():
        first = attention(x, mask[:, 3:], tuple(t[:4] for t in table))
        shifted = attention(later, mask, table)[:, 3:]
        swapped = attention(x.flip(1), mask[:, 3:], tuple(t[:4] for t in table)).flip(1)
    torch.testing.assert_close(shifted, first, atol=1e-12, rtol=0)
    assert (swapped - first).abs().max() > 1e-2  # the order does matter


def test_without_positions_the_order_does_not_matter(attention):
    x, mask = random(1, 4, WIDTH), torch.ones(1, 4, dtype=torch.bool)
    with torch.no_grad():
        torch.testing.assert_close(attention(x.flip(1), mask).flip(1), attention(x, mask))


def test_any_axis_can_be_attended_to(attention):
    x = random(2, 3, 4, WIDTH)  # molecules, frames, residues
    mask = torch.arange(3) < torch.tensor([3, 2])[:, None]  # frames that exist
    table = rotary(3, WIDTH // HEADS, x)
    with torch.no_grad():
        along_time = attention(x.transpose(1, 2), mask[:, None], table).transpose(1, 2)
        each = [attention(x[:, :, r], mask, table) for r in range(4)]
    torch.testing.assert_close(along_time, torch.stack(each, dim=2), atol=1e-12, rtol=0)


def test_adaptive_residual_is_its_formula(randomised):
    layer = randomised(AdaptiveResidual(FeedForward(WIDTH), WIDTH))
    x, condition = random(2, 3, WIDTH), random(2, 1, WIDTH, seed=1)
    with torch.no_grad():
        after = layer(x, condition).numpy()
        shift, scale, gate = np.split(layer.modulation(condition).numpy(), 3, axis=-1)
        values = x.numpy()
        spread = np.sqrt(values.var(axis=-1, keepdims=True) + 1e-5)
        normalised = (values - values.mean(axis=-1, keepdims=True)) / spread
        inner = layer.layer(torch.from_numpy(normalised * (1 + scale) + shift)).numpy()
    np.testing.assert_allclose(after, values + gate * inner, atol=1e-12)
    assert np.abs(gate).min() > 1e-3


def test_zero_modulation_is_a_layer_norm():
    x = random(3, WIDTH)
    expected = (x - x.mean(-1, keepdim=True)) / (
        x.var(-1, correction=0, keepdim=True) + 1e-5
    ).sqrt()
    zero = torch.zeros(3, WIDTH, dtype=torch.float64)
    torch.testing.assert_close(modulate(x, zero, zero), expected, atol=1e-12, rtol=0)


def test_a_new_block_passes_everything_on_but_learns():
    block, x = TransformerBlock(WIDTH, HEADS).double(), random(2, 3, WIDTH)
    mask, condition = torch.ones(2, 3, dtype=torch.bool), random(2, 1, WIDTH, seed=1)
    after = block(x, condition, mask, None)
    assert torch.equal(after, x)
    after.square().sum().backward()
    gate = block.attention.modulation.weight.grad[2 * WIDTH :]
    assert gate.abs().min() > 0
