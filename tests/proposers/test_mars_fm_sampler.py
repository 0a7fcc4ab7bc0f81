"""All-atom conformations from tokens: right when the network is, and moving with their start."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.data.structures import load_structure
from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig
from openmm_genmd.proposers.mars_fm_sampler import MarsFMSampler
from openmm_genmd.representations.residue_frames import backbone_of, frames_of, torsions_of
from openmm_genmd.representations.residue_geometry import check
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_tokens import encode
from openmm_genmd.representations.superposition import superpose
from openmm_genmd.representations.torsions import TorsionRepresentation

SMALL = MarsFMConfig(width=16, heads=2, ipa_layers=1, transformer_layers=1)


class Perfect(torch.nn.Module):
    """The velocity that carries any noise to the tokens that it was given."""

    def __init__(self, tokens):
        super().__init__()
        self.data = torch.from_numpy(tokens)

    def forward(self, tokens, time, *molecule):
        rest = 1.0 - time.reshape(-1, *[1] * (tokens.ndim - 1))
        return torch.where(molecule[-2][:, None], (self.data - tokens) / rest, 0.0)


@pytest.fixture(scope="module")
def dipeptide():
    topology, start_nm = load_structure("alanine-dipeptide")
    representation = TorsionRepresentation.from_topology(topology)
    return topology, start_nm, representation.decode(np.radians([60.0, 40.0]), start_nm)


def random_model(seed: int = 0) -> MarsFM:
    """A network that moves things, unlike an untrained one."""
    model = MarsFM(SMALL)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model


@pytest.mark.parametrize("geometry", ["frames", "torsions"])
def test_the_right_velocity_gives_the_right_conformation(geometry, dipeptide):
    topology, start_nm, target_nm = dipeptide
    layout = ResidueLayout.from_topology(topology)
    current, new = (frames_of(backbone_of(x[None], layout)) for x in (start_nm, target_nm))
    tokens = encode(current, new, torsions_of(target_nm[None], layout))
    # One Euler step is exact for it: at s = 0 the velocity is data - noise.
    settings = {"steps": 1, "method": "euler", "geometry": geometry}
    sampler = MarsFMSampler(Perfect(tokens), topology, **settings)
    drawn = sampler.sample(np.stack([start_nm, start_nm]), 3, np.random.default_rng(0))
    assert drawn.shape == (2, 3, 22, 3)
    assert np.abs(start_nm - target_nm).max() > 0.2
    # All atoms, methyls and amide hydrogen too: bonds and angles are those of the start.
    expected = np.broadcast_to(target_nm, drawn.shape)
    if geometry == "torsions":  # which leave open where the molecule is
        wanted = torsions_of(target_nm[None], layout)[0]
        np.testing.assert_allclose(torsions_of(drawn[0], layout), [wanted] * 3, atol=2e-4)
        everything = np.ones(expected.shape[1:3], dtype=bool)
        drawn = np.stack(
            [superpose(x, y, everything) for x, y in zip(drawn, expected, strict=True)]
        )
    np.testing.assert_allclose(drawn, expected, atol=2e-4)
    assert check(drawn[0], topology).sound.all()


def test_samples_move_with_their_start(dipeptide):
    topology, start_nm, _ = dipeptide
    turn, shift = Rotation.random(random_state=0).as_matrix(), np.array([30.0, -20.0, 5.0])
    sampler = MarsFMSampler(random_model(), topology, steps=4)
    here = sampler.sample(start_nm[None], 4, np.random.default_rng(1))
    there = sampler.sample(start_nm[None] @ turn.T + shift, 4, np.random.default_rng(1))
    np.testing.assert_allclose(there, here @ turn.T + shift, atol=2e-4)
    assert here.std(axis=1).max() > 0.01  # samples differ


def test_each_start_has_its_own_samples(dipeptide):
    topology, start_nm, other_nm = dipeptide
    sampler = MarsFMSampler(random_model(), topology, steps=4)
    both = sampler.sample(np.stack([start_nm, other_nm]), 1, np.random.default_rng(2))
    first = sampler.sample(start_nm[None], 1, np.random.default_rng(2))
    np.testing.assert_allclose(both[0], first[0], atol=1e-4)
    assert not np.allclose(both[1], both[0], atol=0.01)


def test_bfloat16_is_near_float32(dipeptide):
    topology, start_nm, _ = dipeptide
    drawn = [
        MarsFMSampler(random_model(), topology, steps=4, precision=precision).sample(
            start_nm[None], 4, np.random.default_rng(1)
        )
        for precision in ("float32", "bfloat16")
    ]
    difference = np.abs(drawn[0] - drawn[1]).mean()
    assert 1e-7 < difference < 0.02


def test_short_peptides_are_built_from_torsions():
    topology, start_nm = build_peptide("AA")
    drawn = {
        geometry: MarsFMSampler(random_model(), topology, steps=4, geometry=geometry).sample(
            start_nm[None], 30, np.random.default_rng(1)
        )[0]
        for geometry in (None, "torsions", "frames")
    }
    np.testing.assert_array_equal(drawn[None], drawn["torsions"])
    bonds = {name: check(x, topology).bond_deviation_nm for name, x in drawn.items()}
    assert bonds["torsions"].max() < 0.005
    assert bonds["frames"].max() > 0.02


def test_unknown_geometry_is_refused(dipeptide):
    with pytest.raises(ValueError, match="geometry must be one of torsions, frames, got 'x'"):
        MarsFMSampler(MarsFM(SMALL), dipeptide[0], geometry="x")


def test_unknown_precision_is_refused(dipeptide):
    with pytest.raises(ValueError, match="one of float32, tf32, bfloat16, got 'float8'"):
        MarsFMSampler(MarsFM(SMALL), dipeptide[0], precision="float8")
