"""Densities of blocks of torsions: exact, causal, and the same compiled and in torch."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from scipy import stats

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.block_density import MoleculeDensity
from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.representations.torsion_tokens import TorsionTokens
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training.block_batches import ranks_of

from .block_oracle import SMALL, random_model, single_log_densities

TOKENS = TorsionTokens.of(TorsionRepresentation.from_topology(build_peptide("SRG")[0]))
N = len(TOKENS)
GRID = np.linspace(-np.pi, np.pi, 72, endpoint=False)  # a multiple of the nodes: exact


@pytest.fixture(scope="module")
def molecule():
    return MoleculeDensity(random_model(), TOKENS)


def with_fraction(fraction):
    return SMALL.model_copy(update={"uniform_fraction": fraction})


def context_of(block, seed=1):
    kept = [n for n in range(N) if n not in block]
    return np.random.default_rng(seed).uniform(-np.pi, np.pi, (1, len(kept))) if kept else None


def test_a_new_model_is_uniform():
    density = MoleculeDensity(BlockTransformer(SMALL), TOKENS).block([0, 3])
    angles, log_density = density.sample(5, np.random.default_rng(0), context_of([0, 3]))
    np.testing.assert_allclose(log_density, -2 * np.log(2 * np.pi), rtol=1e-12)
    assert np.all(np.abs(angles) <= np.pi)


@pytest.mark.parametrize("fraction", [0.0, 0.1])
def test_one_and_two_torsions_are_normalised(fraction):
    molecule = MoleculeDensity(random_model(with_fraction(fraction)), TOKENS)
    one = molecule.block([3]).log_prob_numpy(GRID[:, None], context_of([3]))
    assert np.exp(one).mean() * 2 * np.pi == pytest.approx(1.0, rel=1e-12)
    assert np.ptp(one) > 0.5
    both = np.stack(np.meshgrid(GRID, GRID), axis=-1).reshape(-1, 2)
    two = molecule.block([6, 1]).log_prob_numpy(both, context_of([6, 1]))
    # The inner integral is exact, the outer one to what the network makes of its angle.
    assert np.exp(two).mean() * (2 * np.pi) ** 2 == pytest.approx(1.0, rel=1e-9)


@pytest.mark.parametrize("block", [[4], [1, 0], [5, 2, 7], list(range(N))])
def test_drawing_weighing_and_the_network_agree(molecule, block):
    density, context = molecule.block(block), context_of(block)
    assert (density.config.n_torsions, density.config.conditional) == (len(block), len(block) < N)
    angles, log_density = density.sample(40, np.random.default_rng(2), context)
    np.testing.assert_allclose(density.log_prob_numpy(angles, context), log_density, atol=1e-12)
    assert np.ptp(log_density) > 0.5
    torsions = np.zeros((40, N))
    torsions[:, block] = angles
    if context is not None:
        torsions[:, [n for n in range(N) if n not in block]] = context
    fraction = molecule.model.config.uniform_fraction
    network = single_log_densities(molecule.model, TOKENS, block, torsions).sum(axis=1)
    floor = np.log(fraction) - len(block) * np.log(2 * np.pi)
    expected = np.logaddexp(np.log(1 - fraction) + network, floor)
    np.testing.assert_allclose(log_density, expected, atol=1e-10)
    turned = density.log_prob_numpy(angles + 2 * np.pi, context)
    np.testing.assert_allclose(turned, log_density, atol=1e-9)


def chi_square_pvalue(drawn, density, context):
    """Of the counts of two angles in cells of 30 degrees."""
    both = np.stack(np.meshgrid(GRID, GRID, indexing="ij"), axis=-1).reshape(-1, 2)
    step = GRID[1] - GRID[0]
    places = density.log_prob_numpy(both + step / 2, context)
    share = np.exp(places).reshape(12, 6, 12, 6).sum(axis=(1, 3)) * step**2
    edges = np.linspace(-np.pi, np.pi, 13)
    counts, *_ = np.histogram2d(*drawn.T, bins=(edges, edges))
    expected = share / share.sum() * len(drawn)
    return stats.chisquare(counts.ravel(), expected.ravel()).pvalue


def test_draws_have_the_density(molecule):
    density, context = molecule.block([3, 0]), context_of([3, 0])
    drawn, _ = density.sample(40000, np.random.default_rng(3), context)
    assert chi_square_pvalue(drawn, density, context) > 1e-3
    assert chi_square_pvalue(drawn[:, ::-1], density, context) < 1e-6  # columns confused
    other = context + 0.7
    assert chi_square_pvalue(drawn, density, other) < 1e-6  # another context


def test_conditionals_see_what_is_kept_and_what_was_drawn_before_and_nothing_else():
    model, block = random_model(), [1, 2, 4, 5]
    order = [n for n in TOKENS.order.tolist() if n in block]
    torsions = np.random.default_rng(4).uniform(-np.pi, np.pi, (1, N))
    before = single_log_densities(model, TOKENS, block, torsions)[0]
    assert np.all(before[[n for n in range(N) if n not in block]] == 0)
    for place, changed in enumerate(order):
        other = torsions.copy()
        other[0, changed] += 1.0
        after = single_log_densities(model, TOKENS, block, other)[0]
        assert np.array_equal(after[order[:place]], before[order[:place]])
        assert np.all(after[order[place + 1 :]] != before[order[place + 1 :]])
    for kept in (0, 7):
        other = torsions.copy()
        other[0, kept] += 1.0
        assert np.all(single_log_densities(model, TOKENS, block, other)[0][block] != before[block])


def test_backbone_comes_before_side_chains():
    kinds = TOKENS.kinds[TOKENS.order]
    assert np.all(np.diff((kinds >= 3).astype(int)) >= 0)
    assert np.all(np.diff(TOKENS.residues[TOKENS.order][kinds < 3]) >= 0)


def test_padding_changes_nothing():
    model = random_model()
    names = ("kinds", "residue_types", "variants", "residues", "from_ends")
    torsions = np.random.default_rng(5).uniform(-np.pi, np.pi, N)
    ranks = ranks_of(TOKENS, [0, 2])

    def evaluate(extra):
        def padded(array):
            widths = [(0, extra)] + [(0, 0)] * (array.ndim - 1)
            return torch.as_tensor(np.pad(array, widths)[None])

        exists = torch.arange(N + extra)[None] < N
        tokens = [padded(getattr(TOKENS, name)) for name in names]
        free = torch.as_tensor(TOKENS.free_ends[None])
        with torch.no_grad():
            return model(padded(torsions), padded(ranks), *tokens, free, exists)[0].numpy()

    np.testing.assert_allclose(evaluate(3)[:N], evaluate(0), atol=1e-13)
    assert np.all(evaluate(3)[N:] == 0)


def test_columns_follow_the_block_and_not_the_order_of_drawing(molecule):
    angles = np.random.default_rng(6).uniform(-np.pi, np.pi, (7, 3))
    context = context_of([2, 3, 0])
    one = molecule.block([2, 3, 0]).log_prob_numpy(angles, context)
    other = molecule.block([0, 2, 3]).log_prob_numpy(angles[:, [2, 0, 1]], context)
    assert np.array_equal(one, other)


def test_randomness_is_that_of_the_generator(molecule):
    density, context = molecule.block([0, 1]), context_of([0, 1])
    rngs = [np.random.default_rng(7) for _ in range(2)]
    torch.manual_seed(1)
    one = density.sample(9, rngs[0], context)
    torch.manual_seed(2)
    other = density.sample(9, rngs[1], context_of([0, 1], seed=8))
    assert np.array_equal(one[0], density.sample(9, np.random.default_rng(7), context)[0])
    assert not np.array_equal(one[0], other[0])
    assert rngs[0].random() == rngs[1].random()  # both have advanced alike


def test_changed_weights_are_read_again(molecule):
    model = random_model()
    density, context = MoleculeDensity(model, TOKENS).block([1]), context_of([1])
    angles, before = density.sample(1, np.random.default_rng(1), context)
    version = density.weights_version()
    assert density.weights_version() == version
    with torch.no_grad():
        model.marginal.weight += torch.linspace(-1, 1, SMALL.nodes, dtype=torch.float64)
    after, log_density = density.sample(4, np.random.default_rng(0), context)
    assert density.weights_version() != version
    assert density.log_prob_numpy(angles, context) != before
    np.testing.assert_allclose(density.log_prob_numpy(after, context), log_density, atol=1e-12)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_have_weights_of_their_own(copied):
    density, context = MoleculeDensity(random_model(), TOKENS).block([2, 0]), context_of([2, 0])
    angles, log_density = density.sample(4, np.random.default_rng(0), context)
    other = copied(density)
    assert np.array_equal(other.log_prob_numpy(angles, context), log_density)
    with torch.no_grad():
        density.molecule.model.logits.bias[0] += 1.0
    assert np.array_equal(other.log_prob_numpy(angles, context), log_density)
    assert not np.array_equal(density.log_prob_numpy(angles, context), log_density)


def test_the_uniform_part_reaches_everything():
    """Also where the network's density is zero in double precision."""
    model = random_model(with_fraction(0.25))
    with torch.no_grad():
        model.logits.bias[: SMALL.nodes // 2] -= 2000.0
    density, context = MoleculeDensity(model, TOKENS).block([0, 1]), context_of([0, 1])
    angles, log_density = density.sample(2000, np.random.default_rng(9), context)
    floor = np.log(0.25) - 2 * np.log(2 * np.pi)
    assert log_density.min() == pytest.approx(floor, abs=1e-12)
    forbidden = np.mean(np.any(angles < -1.0, axis=1))
    everywhere = 1 - (1 - (np.pi - 1.0) / (2 * np.pi)) ** 2
    assert forbidden == pytest.approx(0.25 * everywhere, abs=0.04)


def test_a_nan_has_no_density(molecule):
    density, context = molecule.block([0, 1]), context_of([0, 1])
    log_density = density.log_prob_numpy(np.array([[0.0, np.nan], [0.0, 1.0]]), context)
    assert np.isnan(log_density[0])
    assert np.isfinite(log_density[1])
    lost = np.full_like(context, np.nan)
    assert np.isnan(density.sample(3, np.random.default_rng(0), lost)[1]).all()


@pytest.mark.parametrize("torsions", [[], [0, 0], [N], [-1]])
def test_blocks_must_exist(molecule, torsions):
    with pytest.raises(ValueError, match=f"different torsions from 0 to {N - 1}, got"):
        molecule.block(torsions)


def test_shapes_are_checked(molecule):
    some, everything = molecule.block([0, 1]), molecule.block(range(N))
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=rf"with shape \(1, {N - 2}\), got None"):
        some.sample(1, rng)
    with pytest.raises(ValueError, match=rf"with shape \(1, {N - 2}\), got \(1, 2\)"):
        some.log_prob_numpy(np.zeros((1, 2)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"angles must have shape \(n, 2\), got \(2,\)"):
        some.log_prob_numpy(np.zeros(2), context_of([0, 1]))
    with pytest.raises(ValueError, match="depends on nothing: leave context out"):
        everything.sample(1, rng, np.zeros((1, N)))


def test_width_is_divided_by_heads():
    with pytest.raises(ValueError, match="width must be a multiple of heads = 3, got 16"):
        BlockTransformerConfig(width=16, heads=3)
