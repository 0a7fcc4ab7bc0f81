"""The compiled block network: the same as torch, the same drawn and weighed, and never a crash."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.models.block_weights import unpack
from openmm_genmd.models.circular_b_spline import REACH, bump_heights
from openmm_genmd.native import core
from openmm_genmd.representations.torsion_tokens import TorsionTokens
from openmm_genmd.representations.torsions import TorsionRepresentation

from .block_oracle import SMALL, random_model, single_log_densities

SETS = core.BlockNetwork.instruction_sets()
# Sizes that fill vectors, and sizes that do not.
ODD = BlockTransformerConfig(width=6, heads=3, layers=1, hidden_features=10, nodes=5)
WIDE = BlockTransformerConfig(width=76, heads=4, layers=3, hidden_features=140, nodes=36)
LAST = np.nextafter(1.0, 0.0)


def tokens_of(sequence):
    return TorsionTokens.of(TorsionRepresentation.from_topology(build_peptide(sequence)[0]))


TOKENS = tokens_of("SRG")
N = len(TOKENS)
WEIGHTS = unpack(random_model(), TOKENS)


def split(tokens, block):
    """The block in the order in which it is drawn, and the others."""
    chosen = set(block)
    return [n for n in tokens.order.tolist() if n in chosen], [
        n for n in range(len(tokens)) if n not in chosen
    ]


def random_numbers(n, m, seed=0):
    return np.random.default_rng(seed).random((n, m, 1 + REACH))


@pytest.mark.parametrize(("config", "scale"), [(SMALL, 0.3), (ODD, 0.2), (WIDE, 0.05)])
def test_it_is_the_network_of_torch(config, scale):
    rng = np.random.default_rng(3)
    for seed, sequence in enumerate(("G", "FNKV", "".join(rng.choice(list("ACDEHKRWY"), 3)))):
        tokens, model = tokens_of(sequence), random_model(config, seed=seed, scale=scale)
        weights, n = unpack(model, tokens), len(tokens)
        for size in {1, 2, n // 2, n}:
            order, kept = split(tokens, rng.choice(n, size, replace=False).tolist())
            torsions = np.tile(rng.uniform(-np.pi, np.pi, n), (21, 1))
            uniform, anywhere = random_numbers(21, size, seed), rng.random(21) < 0.3
            found = []
            for instruction_set in SETS:
                network = core.BlockNetwork(weights, instruction_set)
                assert network.instruction_set == instruction_set
                density = network.given(order, kept, torsions[0, kept])
                angles, drawn = density.draw(uniform, anywhere)
                np.testing.assert_allclose(density.weigh(angles), drawn, rtol=0, atol=1e-10)
                found.append((angles, drawn))
            torsions[:, order] = found[0][0]
            expected = single_log_densities(model, tokens, order, torsions).sum(axis=1)
            assert np.ptp(expected) > 0.01
            for angles, drawn in found:
                np.testing.assert_allclose(angles, torsions[:, order], rtol=0, atol=1e-9)
                np.testing.assert_allclose(drawn, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("instruction_set", SETS)
def test_what_else_is_weighed_changes_nothing(instruction_set):
    network = core.BlockNetwork(WEIGHTS, instruction_set)
    order, kept = split(TOKENS, [0, 2, 3, 5, 6])
    density = network.given(order, kept, np.linspace(-2, 2, len(kept)))
    angles, drawn = density.draw(random_numbers(70, 5), np.zeros(70, dtype=bool))
    together = density.weigh(angles)
    assert np.array_equal(together, drawn)
    assert np.array_equal([density.weigh(one[None])[0] for one in angles], together)
    assert len(density.weigh(np.empty((0, 5)))) == 0


def spline_of(weights, instruction_set=SETS[0]):
    """The density of one torsion that does not depend on anything."""
    model = BlockTransformer(SMALL.model_copy(update={"nodes": len(weights)})).double()
    with torch.no_grad():
        model.logits.bias.copy_(torch.as_tensor(np.log(weights)))
    return core.BlockNetwork(unpack(model, TOKENS), instruction_set).given(
        [0], list(range(1, N)), np.zeros(N - 1)
    )


BUMPS = np.exp(np.random.default_rng(0).normal(0.0, 2.0, 12))
EVERYWHERE = np.linspace(-np.pi, np.pi, 4800, endpoint=False)


def test_the_density_is_a_spline_that_is_normalized_and_periodic():
    density = np.exp(spline_of(BUMPS).weigh(EVERYWHERE[:, None]))
    assert density.mean() * 2 * np.pi == pytest.approx(1.0, rel=1e-12)
    left, t = np.divmod((EVERYWHERE + np.pi) * 12 / (2 * np.pi), 1.0)
    nodes = (left.astype(int) + np.arange(-1, 3)[:, None]) % 12
    expected = (np.array(bump_heights(t)) * BUMPS[nodes]).sum(axis=0)
    np.testing.assert_allclose(density, expected * 12 / (2 * np.pi) / BUMPS.sum(), rtol=1e-9)
    turned = np.exp(spline_of(BUMPS).weigh(EVERYWHERE[:, None] + 6 * np.pi))
    np.testing.assert_allclose(turned, density, rtol=1e-9)


def kolmogorov_smirnov_pvalue(drawn, density):
    cumulative = np.concatenate(([0.0], np.cumsum(density))) / density.sum()
    edges = np.linspace(-np.pi, np.pi, len(cumulative))
    return stats.kstest(drawn, lambda x: np.interp(x, edges, cumulative)).pvalue


@pytest.mark.parametrize("instruction_set", SETS)
def test_draws_have_the_density_and_not_that_of_a_spline_beside_it(instruction_set):
    spline = spline_of(BUMPS, instruction_set)
    drawn, _ = spline.draw(random_numbers(20000, 1, 1), np.zeros(20000, dtype=bool))
    density = np.exp(spline.weigh(EVERYWHERE[:, None]))
    assert kolmogorov_smirnov_pvalue(drawn[:, 0], density) > 1e-3
    half_a_node = np.roll(density, len(density) // 24)
    assert kolmogorov_smirnov_pvalue(drawn[:, 0], half_a_node) < 1e-6


def test_a_draw_is_a_node_and_the_sum_of_four_numbers():
    uniform = random_numbers(500, 1, 2)
    uniform[0, 0, 0], uniform[1] = 0.0, LAST
    drawn, _ = spline_of(BUMPS).draw(uniform, np.zeros(500, dtype=bool))
    node = np.searchsorted(np.cumsum(BUMPS) / BUMPS.sum(), uniform[:, 0, 0], side="right")
    place = np.minimum(node, 11) + uniform[:, 0, 1:].sum(axis=1) - 2.0
    distance = np.remainder(drawn[:, 0] - place * (2 * np.pi / 12), 2 * np.pi) - np.pi
    np.testing.assert_allclose(distance, 0.0, atol=1e-12)
    assert drawn.min() >= -np.pi
    assert drawn.max() < np.pi


def test_some_are_drawn_anywhere_and_only_weighed():
    order, kept = split(TOKENS, [1, 4])
    density = core.BlockNetwork(WEIGHTS).given(order, kept, np.zeros(len(kept)))
    uniform, anywhere = random_numbers(40, 2), np.arange(40) % 3 == 0
    angles, log_density = density.draw(uniform, anywhere)
    np.testing.assert_allclose(
        angles[anywhere], 2 * np.pi * uniform[anywhere, :, 0] - np.pi, rtol=0, atol=1e-14
    )
    others, _ = density.draw(uniform, np.zeros(40, dtype=bool))
    assert np.array_equal(angles[~anywhere], others[~anywhere])
    assert not np.any(np.isclose(angles[anywhere], others[anywhere]))
    assert np.array_equal(density.weigh(angles), log_density)


@pytest.mark.parametrize("instruction_set", SETS)
@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_no_density(instruction_set, lost):
    network = core.BlockNetwork(WEIGHTS, instruction_set)
    order, kept = split(TOKENS, [0, 1, 2])
    density = network.given(order, kept, np.zeros(len(kept)))
    angles = np.zeros((9, 3))
    angles[range(3), range(3)] = lost
    log_density = density.weigh(angles)
    assert np.isnan(log_density[:3]).all()
    assert np.isfinite(log_density[3:]).all()
    nowhere = network.given(order, kept, np.full(len(kept), lost))
    drawn, log_density = nowhere.draw(random_numbers(5, 3), np.arange(5) % 2 == 0)
    assert np.isfinite(drawn).all()
    assert np.isnan(log_density).all()


def test_a_density_keeps_its_network():
    order, kept = split(TOKENS, [0, 1])
    density = core.BlockNetwork(WEIGHTS).given(order, kept, np.zeros(len(kept)))
    assert np.isfinite(density.weigh(np.zeros((1, 2)))).all()


KEPT = list(range(2, N))


@pytest.mark.parametrize(
    ("block", "kept", "values", "message"),
    [
        ([], KEPT, N - 2, "a block must have at least one torsion, got none"),
        ([0, 0], KEPT, N - 2, f"different numbers from 0 to {N - 1}, got 0 twice"),
        ([0, 2], KEPT, N - 2, f"different numbers from 0 to {N - 1}, got 2 twice"),
        ([0, -1], KEPT, N - 2, f"different numbers from 0 to {N - 1}, got -1"),
        ([0, 1], [*KEPT[:-1], N], N - 2, f"different numbers from 0 to {N - 1}, got {N}"),
        ([0, 1], KEPT, 3, rf"kept_rad must have shape \({N - 2},\), one value for each torsion"),
    ],
)
def test_torsions_must_exist(block, kept, values, message):
    with pytest.raises(ValueError, match=message):
        core.BlockNetwork(WEIGHTS).given(block, kept, np.zeros(values))


def test_shapes_are_checked():
    density = core.BlockNetwork(WEIGHTS).given([0, 1], KEPT, np.zeros(N - 2))
    with pytest.raises(ValueError, match=r"uniform must have shape \(n, 2, 5\), got \(4, 2, 3\)"):
        density.draw(np.zeros((4, 2, 3)), np.zeros(4, dtype=bool))
    with pytest.raises(ValueError, match=r"anywhere must have shape \(4,\), one for each"):
        density.draw(np.zeros((4, 2, 5)), np.zeros(3, dtype=bool))
    with pytest.raises(ValueError, match=r"angles must have shape \(n, 2\), got \(2,\)"):
        density.weigh(np.zeros(2))


def broken_layer(**changes):
    return {"layers": (replace(WEIGHTS.layers[0], **changes), WEIGHTS.layers[1])}


ZEROS = np.zeros((16, 16)), np.zeros(16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"heads": 0}, "heads of a block network must be positive, got 0"),
        ({"heads": 3}, "width of a block network must be a multiple of heads = 3, got 16"),
        ({"embedding": np.zeros((0, 16))}, "torsions of a block network must be positive, got 0"),
        ({"drawn": np.zeros((N, 1, 24))}, "harmonics of a block network must be positive, got 0"),
        ({"marginal": np.zeros((N, 3))}, "nodes of a block network must be at least 4, got 3"),
        ({"layers": ()}, "layers of a block network must be at least one, got none"),
        ({"embedding": np.zeros(16)}, r"embedding must have 2 dimensions, got shape \(16,\)"),
        ({"unknown": np.zeros(15)}, "unknown of a block network must have 16 numbers, got 15"),
        ({"base": (ZEROS[0], np.zeros(9))}, "the bias of base .* must have 16 numbers, got 9"),
        ({"base": (ZEROS[0][0], ZEROS[1])}, r"shapes \(inputs, outputs\) and \(outputs,\), got"),
        ({"value": ZEROS}, "value .* must have 24 inputs and 16 outputs, got 16 and 16"),
        ({"steps": ((ZEROS, ZEROS),)}, "up of a step .* 16 inputs and 24 outputs, got 16 and 16"),
        (broken_layer(down=ZEROS), "down of a layer .* must have 24 inputs and 16 outputs"),
        (broken_layer(bias=np.zeros((2, 1, 1))), f"bias of a layer .* have {2 * N * N} numbers"),
    ],
)
def test_weights_must_fit_together(changes, message):
    with pytest.raises(ValueError, match=message):
        core.BlockNetwork(replace(WEIGHTS, **changes))


def test_an_instruction_set_must_be_there():
    with pytest.raises(ValueError, match=rf'one of {", ".join(SETS)} .*, got "MMX"'):
        core.BlockNetwork(WEIGHTS, "MMX")
