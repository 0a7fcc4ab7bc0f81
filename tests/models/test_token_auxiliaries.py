import numpy as np
import pytest

from openmm_genmd.models.token_auxiliaries import TokenAuxiliaries, TokenParts
from openmm_genmd.representations.residue_frames import ResidueFrames
from openmm_genmd.representations.residue_tokens import decode, encode, rotations_of

TORSIONS = np.array([[0, 1, 1, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0, 0]], dtype=bool)
REPEATED = np.array([[0, 1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0]], dtype=bool)


def random_parts(n, rng):
    quaternions = rng.standard_normal((n, 2, 4))
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    quaternions *= np.sign(quaternions[..., :1])
    torsions = np.where(TORSIONS, rng.uniform(-np.pi, np.pi, (n, 2, 7)), np.nan)
    return TokenParts(quaternions, rng.standard_normal((n, 2, 3)), torsions)


def test_split_gives_back_what_was_extended():
    rng = np.random.default_rng(1)
    parts = random_parts(50, rng)
    auxiliaries = TokenAuxiliaries(TORSIONS, REPEATED, radius_width=0.3)
    tokens = auxiliaries.extend(parts, rng)
    assert tokens.shape == (50, 2 * 7 + 2 * 4)
    again = auxiliaries.split(tokens)
    np.testing.assert_allclose(again.quaternions, parts.quaternions, atol=1e-14)
    np.testing.assert_array_equal(again.translations_angstrom, parts.translations_angstrom)
    own = TORSIONS & ~REPEATED
    np.testing.assert_allclose(again.torsions_rad[:, own], parts.torsions_rad[:, own], atol=1e-13)
    noise = np.cos(again.torsions_rad - parts.torsions_rad)[:, REPEATED]
    assert abs(np.sqrt(2 * (1 - noise).mean()) - 0.1) < 0.03
    assert np.isnan(again.torsions_rad[:, ~TORSIONS]).all()


def test_density_is_that_of_what_was_drawn():
    """The means of g / density over extended tokens are the integrals of g, normal densities.

    The measure is that of the tokens' numbers; a uniform density of rotations on the half sphere
    (area pi^2) and one of the torsion complete it.
    """
    rng = np.random.default_rng(2)
    torsions, repeated = np.zeros((1, 7), bool), np.zeros((1, 7), bool)
    torsions[0, [2, 3]] = repeated[0, 2] = True
    auxiliaries = TokenAuxiliaries(torsions, repeated, radius_width=0.4, repeated_width_rad=0.7)
    none = np.zeros((1, 7), bool)
    bare = TokenAuxiliaries(none, none, radius_width=0.4)
    n = 200_000
    quaternions = rng.standard_normal((n, 1, 4))
    quaternions /= np.linalg.norm(quaternions, axis=-1, keepdims=True)
    quaternions *= np.sign(quaternions[..., :1])
    truth = np.full((n, 1, 7), np.nan)
    truth[:, 0, 3] = rng.uniform(-np.pi, np.pi, n)
    truth[:, 0, 2] = 2 * truth[:, 0, 3] + quaternions[:, 0, 1]
    tokens = auxiliaries.extend(TokenParts(quaternions, np.zeros((n, 1, 3)), truth), rng)
    of_frame = bare.log_density(tokens[:, :7], truth) - np.log(np.pi**2)
    of_pairs = auxiliaries.log_density(tokens, truth) - np.log(np.pi**2 * 2 * np.pi) - of_frame
    around = truth[:, 0, 2:4] + np.array([0.4, 0.0])
    pairs = 0.9 * np.stack((np.sin(around), np.cos(around)), axis=-1).reshape(n, 4)
    pairs[:, 2:] = [0.9, 0.2]  # a torsion that nothing else determines
    for log_density, numbers, center in (
        (of_frame, tokens[:, :4], np.array([0.9, 0.3, 0.0, 0.0])),
        (of_pairs, tokens[:, 7:], pairs),
    ):
        log_g = -0.5 * ((numbers - center) / 0.2) ** 2 - np.log(0.2 * np.sqrt(2 * np.pi))
        weights = np.exp(log_g.sum(axis=1) - log_density)
        assert abs(weights.mean() - 1) < 4 * weights.std() / np.sqrt(n) < 0.12


def test_a_quaternion_of_the_other_sign_has_no_density():
    rng = np.random.default_rng(3)
    auxiliaries = TokenAuxiliaries(TORSIONS, REPEATED)
    parts = random_parts(2, rng)
    tokens = auxiliaries.extend(parts, rng)
    tokens[1, :4] *= -1
    density = auxiliaries.log_density(tokens, parts.torsions_rad)
    assert np.isfinite(density[0])
    assert density[1] == -np.inf
    other = TokenParts(-parts.quaternions, parts.translations_angstrom, parts.torsions_rad)
    assert (auxiliaries.extend(other, rng)[:, 0] > 0).all()


def test_lengths_of_zero_and_nan_have_no_density():
    auxiliaries = TokenAuxiliaries(TORSIONS, REPEATED)
    parts = random_parts(3, np.random.default_rng(4))
    tokens = auxiliaries.extend(parts, np.random.default_rng(5))
    tokens[0, :4] = 0.0
    tokens[1, 7:9] = 0.0
    tokens[2, 5] = np.nan
    density = auxiliaries.log_density(tokens, parts.torsions_rad)
    assert density[:2].tolist() == [-np.inf, -np.inf]
    assert np.isnan(auxiliaries.split(tokens).quaternions[0, 0]).all()


def test_parts_are_those_of_the_tokens_that_models_are_trained_on():
    rng = np.random.default_rng(6)
    current, new = (
        ResidueFrames(rotations_of(rng.standard_normal((4, 2, 4))), rng.standard_normal((4, 2, 3)))
        for _ in range(2)
    )
    torsions = random_parts(4, rng).torsions_rad
    parts = TokenParts.between(current, new, torsions)
    everything = TokenAuxiliaries(TORSIONS, REPEATED, 1e-9, 1e-9)
    tokens = everything.extend(parts, rng)
    trained_on = encode(current, new, torsions)
    np.testing.assert_allclose(tokens, trained_on[:, everything.mask], atol=3e-7)
    np.testing.assert_allclose(parts.placed(current).rotations, new.rotations, atol=1e-14)
    frames, _ = decode(current, trained_on)
    placed = parts.placed(current).translations_angstrom
    np.testing.assert_allclose(placed, frames.translations_angstrom, atol=1e-6)


def test_quaternions_of_zero_are_refused():
    frames = ResidueFrames(np.eye(3)[None, None], np.zeros((1, 1, 3)))
    parts = TokenParts(np.zeros((1, 1, 4)), np.zeros((1, 1, 3)), np.zeros((1, 1, 7)))
    with pytest.raises(ValueError, match="a quaternion is 0"):
        parts.placed(frames)


def test_masks_and_widths_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match=r"must have shape \(L, 7\), got \(2, 7\) and \(1, 7\)"):
        TokenAuxiliaries(TORSIONS, REPEATED[:1])
    with pytest.raises(ValueError, match="a repeated torsion must be one that the tokens have"):
        TokenAuxiliaries(REPEATED, TORSIONS)
    with pytest.raises(ValueError, match=r"must be positive, got 0.1 and 0.0"):
        TokenAuxiliaries(TORSIONS, REPEATED, repeated_width_rad=0.0)
