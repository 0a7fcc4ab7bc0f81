"""The score of noisy torsions: what changes it, what must not, and what its loss asks for."""

from __future__ import annotations

import math
import re

import pytest
import torch
from pydantic import ValidationError

from openmm_genmd.models.mars_fm_torsions import (
    MarsFMTorsions,
    MarsFMTorsionsConfig,
    typical_score,
)
from openmm_genmd.models.wrapped_normal import wrapped_normal_score

SMALL = MarsFMTorsionsConfig(width=24, heads=3, ipa_layers=2, transformer_layers=2)


@pytest.fixture(scope="module")
def model(randomised):
    return randomised(MarsFMTorsions(SMALL)).eval()


def torsions_of(batch):
    return math.pi * torch.tanh(batch.tokens[..., :7]), batch.token_mask[..., 7::2]


def score(model, batch, torsions=None, sigma=None):
    given, mask = torsions_of(batch)
    sigma = torch.linspace(0.1, 2.0, len(given), dtype=torch.float64) if sigma is None else sigma
    with torch.no_grad():
        encoding = model.encode(
            batch.rotations, batch.translations_angstrom, batch.residue_types, batch.residue_mask
        )
        torsions = given if torsions is None else torsions
        return model.score(torsions, sigma, encoding, mask, batch.residue_mask)


def test_it_is_periodic(model, batches):
    batch = batches((6, 4))
    torsions, mask = torsions_of(batch)
    turned = torsions + 2 * math.pi * torch.randint(-2, 3, torsions.shape).double()
    still = score(model, batch)
    assert still[mask].abs().mean() > 0.1
    torch.testing.assert_close(score(model, batch, turned), still, atol=1e-10, rtol=1e-10)


def test_common_motion_of_all_frames_changes_nothing(model, batches, rotations):
    batch = batches((6, 4))
    turn = rotations(2, 1, generator=torch.Generator().manual_seed(5))
    moved = batch.but(
        rotations=turn @ batch.rotations,
        translations_angstrom=(turn @ batch.translations_angstrom[..., None])[..., 0] + 50.0,
    )
    torch.testing.assert_close(score(model, moved), score(model, batch), atol=1e-9, rtol=1e-9)
    apart = batch.translations_angstrom.clone()
    apart[:, 2] += 2.0
    change = score(model, batch.but(translations_angstrom=apart)) - score(model, batch)
    assert change.abs().amax(dim=2)[batch.residue_mask].min() > 1e-5  # all residues hear of it


def test_masked_torsions_and_residues_have_no_effect_and_no_score(model, batches):
    batch = batches((5, 3), seed=3)
    torsions, mask = torsions_of(batch)
    exists = mask & batch.residue_mask[..., None]
    still = score(model, batch)
    filled = torsions.masked_fill(~exists, torch.nan)
    assert torch.equal(score(model, batch, filled), still)
    assert (still[~exists] == 0).all()
    assert (still[exists] != 0).all()
    alone = batch.molecule(1, 3)
    found = score(model, alone, torsions[1:, :3], torch.tensor([2.0], dtype=torch.float64))
    torch.testing.assert_close(still[1:, :3], found, atol=1e-10, rtol=1e-10)


def test_one_encoding_serves_many_samples_and_levels(model, batches):
    batch = batches((5,), seed=6)
    torsions, _ = torsions_of(batch)
    many = torch.cat([torsions, 0.5 * torsions, -torsions])
    sigma = torch.tensor([0.05, 0.5, 3.0], dtype=torch.float64)
    together = score(model, batch, many, sigma)
    for k in range(3):
        alone = score(model, batch, many[k : k + 1], sigma[k : k + 1])
        torch.testing.assert_close(together[k : k + 1], alone, atol=1e-10, rtol=1e-10)


def test_scaled_scores_are_of_order_one():
    noise = torch.randn(4000, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for width in (0.03, 0.4, 1.5, math.pi):
        sigma = torch.tensor(width, dtype=torch.float64)
        found = wrapped_normal_score(sigma * noise, sigma) / typical_score(sigma)
        assert float(found.square().mean()) == pytest.approx(1.0, abs=0.1)


class Answers(MarsFMTorsions):
    """A network that knows where the data are: all torsions at 2 rad."""

    wrong = 1.0

    def _scaled_score(self, torsions_rad, sigma_rad, encoding, mask, residue_mask):
        width = sigma_rad[:, None, None]
        exact = self.wrong * wrapped_normal_score(torsions_rad - 2.0, width)
        return torch.where(mask, exact / typical_score(sigma_rad)[:, None, None], 0.0)


@pytest.mark.parametrize(("wrong", "expected"), [(1.0, 0.0), (-1.0, 4.0), (0.0, 1.0)])
def test_the_loss_is_least_for_the_true_score(batches, wrong, expected):
    # With data at one point the score of the noise is that of the noisy data's density.
    model = Answers(SMALL).double()
    model.wrong = wrong
    batch = batches((40,) * 64)
    _, mask = torsions_of(batch)
    generator = torch.Generator().manual_seed(2)
    shape = mask.shape
    loss = model.loss(
        torch.full(shape, 2.0, dtype=torch.float64),
        torch.zeros(64, 40, 24, dtype=torch.float64),
        mask,
        batch.residue_mask,
        noise=torch.randn(shape, generator=generator, dtype=torch.float64),
        time=torch.rand(64, generator=generator, dtype=torch.float64),
    )
    assert float(loss) == pytest.approx(expected, abs=0.15)


def test_noise_levels_go_from_the_greatest_to_the_least():
    model = MarsFMTorsions(SMALL)
    found = model.sigma_at(torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64))
    expected = [math.pi, math.sqrt(0.03 * math.pi), 0.03]
    assert found.tolist() == pytest.approx(expected)


def test_impossible_architectures_are_refused():
    message = "width must be a multiple of 2 x heads = 6, got 20"
    with pytest.raises(ValidationError, match=message):
        MarsFMTorsionsConfig(width=20, heads=3, ipa_layers=1, transformer_layers=1)
    message = "sigma_min_rad must be below sigma_max_rad, got 1.0 and 0.5"
    with pytest.raises(ValidationError, match=re.escape(message)):
        MarsFMTorsionsConfig(**SMALL.model_dump() | {"sigma_min_rad": 1.0, "sigma_max_rad": 0.5})


@pytest.mark.parametrize(("name", "millions"), [("tiny", 0.53), ("paper", 34.3)])
def test_number_of_parameters(name, millions):
    with torch.device("meta"):
        model = MarsFMTorsions(getattr(MarsFMTorsionsConfig, name)())
    assert sum(p.numel() for p in model.parameters()) / 1e6 == pytest.approx(millions, rel=0.05)
