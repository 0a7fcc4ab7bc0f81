"""The velocity of residue tokens: what changes it, what must not, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from openmm_genmd.models import ode
from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig


def moved(batch, rotations, seed=5):
    """The same conformations after a common motion of all frames of a molecule."""
    generator = torch.Generator().manual_seed(seed)
    turn = rotations(len(batch.time), 1, generator=generator)
    shift = 50.0 * torch.randn(len(batch.time), 1, 3, generator=generator, dtype=torch.float64)
    return batch.but(
        rotations=turn @ batch.rotations,
        translations_angstrom=(turn @ batch.translations_angstrom[..., None])[..., 0] + shift,
    )


class AbsoluteTwin(MarsFM):
    """Wrong on purpose: it sees where the residues are, not only how they are placed."""

    def encode(self, condition, rotations, translations_angstrom, *rest):
        features = super().encode(condition, rotations, translations_angstrom, *rest)
        features = features.clone()
        features[..., :3] += 0.01 * translations_angstrom
        return features


def test_common_motion_of_all_frames_changes_nothing(mars_fm, batches, rotations):
    batch = batches((6, 4, 1))
    still, after = batch.velocity(mars_fm), moved(batch, rotations).velocity(mars_fm)
    assert still.abs().mean() > 0.1
    torch.testing.assert_close(after, still, atol=1e-10, rtol=0)


def test_a_twin_that_sees_absolute_positions_is_found_out(mars_fm, batches, rotations):
    twin = AbsoluteTwin(mars_fm.config).double()
    twin.load_state_dict(mars_fm.state_dict())
    batch = batches((6, 4, 1))
    change = moved(batch, rotations).velocity(twin) - batch.velocity(twin)
    assert change.abs().max() > 1e-2


def test_relative_placement_matters(mars_fm, batches, rotations):
    batch = batches((6,))
    still = batch.velocity(mars_fm)
    apart, turned = batch.translations_angstrom.clone(), batch.rotations.clone()
    apart[:, 2] += 2.0
    turned[:, 2] = turned[:, 2] @ rotations(1, generator=torch.Generator().manual_seed(1))
    for changed in (batch.but(translations_angstrom=apart), batch.but(rotations=turned)):
        change = (changed.velocity(mars_fm) - still).abs()
        assert change.amax(dim=2).min() > 1e-4  # all residues hear of it


def test_tokens_types_and_time_matter(mars_fm, batches):
    batch = batches((5, 5))
    still = batch.velocity(mars_fm)
    tokens = torch.where(torch.arange(5)[:, None] == 1, batch.tokens + 1.0, batch.tokens)
    types = (batch.residue_types + (torch.arange(5) == 3)) % 21
    for changed in (
        batch.but(tokens=tokens),
        batch.but(residue_types=types),
        batch.but(time=batch.time.flip(0)),
    ):
        change = (changed.velocity(mars_fm) - still).abs()
        assert change.amax(dim=2).min() > 1e-4


def test_padding_changes_nothing(mars_fm, batches):
    lengths = (7, 3, 5)
    batch = batches(lengths, seed=2)
    gone = ~batch.residue_mask
    padded = batch.but(
        tokens=batch.tokens.masked_fill(gone[..., None], torch.nan),
        rotations=batch.rotations.masked_fill(gone[..., None, None], torch.nan),
        translations_angstrom=batch.translations_angstrom.masked_fill(gone[..., None], torch.inf),
        residue_types=batch.residue_types.masked_fill(gone, -1),
        token_mask=batch.token_mask | gone[..., None],  # the residue mask is enough
    )
    together = padded.velocity(mars_fm)
    for n, length in enumerate(lengths):
        alone = batch.molecule(n, length).velocity(mars_fm)[0]
        torch.testing.assert_close(together[n, :length], alone, atol=1e-12, rtol=0)
    assert (together[gone] == 0).all()


def test_masked_numbers_have_no_effect_and_no_velocity(mars_fm, batches):
    batch = batches((5, 4), seed=3)
    still = batch.velocity(mars_fm)
    filled = batch.but(tokens=batch.tokens.masked_fill(~batch.token_mask, torch.nan))
    assert torch.equal(filled.velocity(mars_fm), still)
    assert (still[~batch.token_mask] == 0).all()
    assert (still[batch.token_mask] != 0).all()
    assert (~batch.token_mask & batch.residue_mask[..., None]).any()


def test_which_numbers_are_masked_is_known_to_the_network(mars_fm, batches):
    batch = batches((3,), seed=3).but(token_mask=torch.ones(1, 3, 21, dtype=torch.bool))
    zero = batch.but(tokens=batch.tokens.masked_fill(torch.arange(21) > 18, 0.0))
    undefined = zero.but(token_mask=batch.token_mask & (torch.arange(21) <= 18))
    change = (undefined.velocity(mars_fm) - zero.velocity(mars_fm))[..., :19]
    assert change.abs().max() > 1e-3


def test_samples_of_one_molecule_share_its_encoding(mars_fm, batches):
    batch = batches((5, 3), seed=6)
    samples = torch.stack([batch.tokens, 2 * batch.tokens, batch.tokens.flip(0)], dim=1)
    together = batch.but(tokens=samples).velocity(mars_fm)
    for k in range(3):
        alone = batch.but(tokens=samples[:, k]).velocity(mars_fm)
        torch.testing.assert_close(together[:, k], alone, atol=1e-12, rtol=0)


def test_single_precision_is_close_to_double(mars_fm, batches):
    batch = batches((30, 12), seed=7)
    exact = batch.velocity(mars_fm)
    single = MarsFM(mars_fm.config)
    single.load_state_dict(mars_fm.state_dict())
    rounded = batch.but(**{k: v.float() for k, v in batch.items() if v.is_floating_point()})
    far = rounded.but(translations_angstrom=rounded.translations_angstrom + 1000.0)
    # 1000 Angstrom in float32 are known to 6e-5 Angstrom; nothing worse may come of it.
    for given, tolerance in ((rounded, 1e-4), (far, 1e-3)):
        velocity = given.velocity(single)
        assert velocity.dtype == torch.float32
        torch.testing.assert_close(velocity.double(), exact, atol=tolerance, rtol=0)


def test_bfloat16_autocast_is_close(mars_fm, batches):
    batch = batches((10, 6), seed=8)
    exact = batch.velocity(mars_fm)
    single = MarsFM(mars_fm.config)
    single.load_state_dict(mars_fm.state_dict())
    rounded = batch.but(**{k: v.float() for k, v in batch.items() if v.is_floating_point()})
    with torch.autocast("cpu", dtype=torch.bfloat16):
        velocity = rounded.velocity(single)
    assert velocity.dtype == torch.float32
    error = (velocity.double() - exact)[batch.token_mask].square().mean().sqrt()
    assert 1e-4 < error / exact[batch.token_mask].square().mean().sqrt() < 0.05


@pytest.mark.parametrize(("name", "millions"), [("tiny", 0.56), ("paper", 34.0)])
def test_number_of_parameters(name, millions):
    with torch.device("meta"):
        model = MarsFM(getattr(MarsFMConfig, name)())
    count = sum(p.numel() for p in model.parameters()) / 1e6
    assert count == pytest.approx(millions, rel=0.1)


def test_a_new_model_is_still_and_seeded(batches):
    config = MarsFMConfig(width=8, heads=2, ipa_layers=1, transformer_layers=1)
    state = torch.get_rng_state()
    a, b, c = (MarsFM(config, seed=s) for s in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(a.token.weight, b.token.weight)
    assert not torch.equal(a.token.weight, c.token.weight)
    assert batches((4,)).velocity(a.double()).abs().max() == 0


def test_loss_of_a_still_model_is_the_mean_square_of_the_targets(batches):
    batch = batches((5, 3), seed=9)
    model = MarsFM(MarsFMConfig(width=8, heads=2, ipa_layers=1, transformer_layers=1)).double()
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 5, 21)))
    data = batch.tokens.masked_fill(~batch.token_mask, torch.nan)
    loss = model.loss(data, *batch.given, noise=noise, time=batch.time)
    expected = ((batch.tokens - noise)[batch.token_mask] ** 2).mean()
    assert loss.item() == pytest.approx(float(expected), rel=1e-12)


def test_learns_a_handful_of_pairs(batches):
    # Six starts, each with one target: samples from each start must find its own.
    batch = batches((4, 4, 4, 3, 3, 2), seed=10)
    batch = batch.but(**{k: v.float() for k, v in batch.items() if v.is_floating_point()})
    model = MarsFM(MarsFMConfig(width=32, heads=2, ipa_layers=1, transformer_layers=1))
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    rng = torch.Generator().manual_seed(0)
    repeated = [part.repeat(8, *[1] * (part.ndim - 1)) for part in (batch.tokens, *batch.given)]
    losses = []
    for _ in range(250):
        noise = torch.randn(repeated[0].shape, generator=rng)
        loss = model.loss(*repeated, noise=noise, time=torch.rand(48, generator=rng))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-20:]) < 0.25 * losses[0]
    arguments = {"rng": np.random.default_rng(1), "n_samples": 20, "steps": 20}
    samples = ode.sample(model.eval(), *batch.given, **arguments)
    squares = torch.where(batch.token_mask[:, None], samples - batch.tokens[:, None], 0.0) ** 2
    rms = (squares.sum((1, 2, 3)) / (20 * batch.token_mask.sum((1, 2)))).sqrt()
    assert rms.max() < 0.35  # the targets of different starts are 1.4 apart


def test_shapes_that_do_not_fit(mars_fm, batches):
    batch = batches((4,))
    with pytest.raises(ValueError, match=r"tokens must have shape \(1, 4, 21\).*got \(1, 4, 20\)"):
        batch.but(tokens=batch.tokens[..., :20]).velocity(mars_fm)
    with pytest.raises(ValueError, match=r"token_mask must have shape \(1, 4, 21\).*\(1, 3, 21\)"):
        batch.but(token_mask=batch.token_mask[:, :3]).velocity(mars_fm)


def test_config_refuses_nonsense():
    sizes = {"width": 8, "heads": 2, "ipa_layers": 1, "transformer_layers": 1}
    assert MarsFMConfig(**sizes).path == "linear"
    with pytest.raises(ValidationError, match=r"multiple of 2 x heads = 6, got 8"):
        MarsFMConfig(**{**sizes, "heads": 3})
    for bad in ({"path": "cubic"}, {"ipa_layers": 0}, {"wings": 2}):
        with pytest.raises(ValidationError):
            MarsFMConfig(**sizes | bad)
