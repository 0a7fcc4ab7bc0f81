"""The velocity of frames: what changes it, what must not, and that it learns."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_frames import DisplacementScales, FrameNumbers, noised
from openmm_genmd.models.bio_md_tokens import ComplexTokens
from openmm_genmd.representations.complex_atoms import ComplexAtoms

from ..representations.small_complexes import heavy_positions_nm, small_complex, small_topology

SMALL = {"width": 16, "pair_width": 4, "heads": 2, "encoder_layers": 1, "trajectory_layers": 2}
SCALES = DisplacementScales(
    coarse=((0.3, 1.0, 0.2), (0.4, 2.0, 0.5)), fine=((0.1, 0.2, 0.1), (0.2, 0.4, 0.1))
)


@pytest.fixture(scope="module", params=["rel", "abs"])
def model(request, randomised):
    config = BioMDConfig(**SMALL, parameterisation=request.param, scales=SCALES)
    return randomised(BioMD(config)).eval()


@pytest.fixture(scope="module")
def pair():
    """A complex, and a smaller one of the same atoms without the last of the guest."""
    atoms = small_complex()
    part = ComplexAtoms.of(small_topology(), [18, 19, 20], receptor=range(6))
    return atoms, part


@pytest.fixture(scope="module")
def host_that_leaves():
    """The ring as the ligand, whose six atoms can do more than linear motions."""
    return ComplexAtoms.of(small_topology(), range(18), receptor=range(18, 29))


def start(n=10, copies=1):
    """Angstrom, (copies, n, 3)."""
    positions = torch.from_numpy(10.0 * heavy_positions_nm()[:n])
    return positions.expand(copies, n, 3).clone()


def given(frames=4, copies=2, n=10, seed=0):
    """Numbers, flow times and offsets."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.randn(copies, frames, n, 3, generator=generator, dtype=torch.float64)
    tau = torch.rand(copies, frames, generator=generator, dtype=torch.float64)
    return numbers, tau, torch.arange(frames).expand(copies, frames)


def velocity(model, atoms, base, numbers, tau, offsets, stage="coarse", mask=None):
    with torch.no_grad():
        encoding = model.encode(ComplexTokens.of(atoms), base)
        return model(numbers, tau, offsets, encoding, stage, mask)


def test_everything_that_is_given_matters(model, pair):
    atoms = [pair[0]] * 2
    numbers, tau, offsets = given()
    still = velocity(model, atoms, start(copies=2), numbers, tau, offsets)
    assert still.abs().mean() > 0.1
    moved = start(copies=2)
    moved[:, 7] += 0.5
    other = dataclasses.replace(pair[0], elements=(pair[0].elements + 1) % 5)
    bonded = dataclasses.replace(pair[0], separations=np.full((10, 10), 4, dtype=np.int8))
    shaken = numbers.clone()
    shaken[:, 1, 3] += 1.0
    for changed in (
        velocity(model, atoms, moved, numbers, tau, offsets),
        velocity(model, [other] * 2, start(copies=2), numbers, tau, offsets),
        velocity(model, [bonded] * 2, start(copies=2), numbers, tau, offsets),
        velocity(model, atoms, start(copies=2), shaken, tau, offsets),
        velocity(model, atoms, start(copies=2), numbers, tau.flip(1), offsets),
        velocity(model, atoms, start(copies=2), numbers, tau, offsets.flip(1)),
        velocity(model, atoms, start(copies=2), numbers, tau, offsets, "fine"),
    ):
        # Every atom of every frame hears of it.
        assert (changed - still).abs().amax(dim=3).min() > 1e-6


def test_padding_changes_nothing(model, pair):
    numbers, tau, offsets = given()
    base = start(copies=2)
    tokens = ComplexTokens.of(pair)
    gone = ~tokens.mask
    assert gone.sum() == 1
    base = base.masked_fill(gone[..., None], torch.nan)
    numbers = numbers.masked_fill(gone[:, None, :, None], torch.inf)
    together = velocity(model, pair, base, numbers, tau, offsets)
    for row, atoms in enumerate(pair):
        n, rows = len(atoms), slice(row, row + 1)
        alone = velocity(model, [atoms], start(n), numbers[rows, :, :n], tau[rows], offsets[rows])
        torch.testing.assert_close(together[rows, :, :n], alone, atol=1e-12, rtol=0)
    assert (together[1, :, 9] == 0).all()


def test_frames_that_are_not_there_change_nothing(model, pair):
    atoms, base = [pair[0]] * 2, start(copies=2)
    numbers, tau, offsets = given(frames=5)
    mask = torch.tensor([[True] * 3 + [False] * 2] * 2)
    masked = velocity(model, atoms, base, numbers, tau, offsets, mask=mask)
    short = velocity(model, atoms, base, numbers[:, :3], tau[:, :3], offsets[:, :3])
    torch.testing.assert_close(masked[:, :3], short, atol=1e-12, rtol=0)
    # The twin without a mask sees them.
    seen = velocity(model, atoms, base, numbers, tau, offsets)
    assert (seen[:, :3] - short).abs().max() > 1e-3


def test_the_future_does_not_leak_where_it_is_masked(model, pair):
    atoms, base = [pair[0]] * 2, start(copies=2)
    numbers, tau, offsets = given(frames=4)
    past = torch.ones(4, 4, dtype=torch.bool).tril().expand(2, 4, 4)
    still = velocity(model, atoms, base, numbers, tau, offsets, mask=past)
    later = numbers.clone()
    later[:, 2:] += 1.0
    after = velocity(model, atoms, base, later, tau, offsets, mask=past)
    torch.testing.assert_close(after[:, :2], still[:, :2], atol=1e-12, rtol=0)
    assert (after[:, 2:] - still[:, 2:]).abs().amax(dim=(2, 3)).min() > 1e-3
    open_ended = velocity(model, atoms, base, later, tau, offsets)
    assert (open_ended - velocity(model, atoms, base, numbers, tau, offsets))[:, 0].abs().max() > (
        1e-6
    )


def test_turned_coordinates_are_not_answered_with_turned_velocities(model, pair):
    """Not equivariant, as documented: the sampler therefore turns every start alike."""
    numbers, tau, offsets = given(copies=1)
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.float64)
    still = velocity(model, [pair[0]], start(), numbers, tau, offsets)
    turned = velocity(model, [pair[0]], start() @ turn.T, numbers @ turn.T, tau, offsets)
    assert (turned - still @ turn.T).abs().max() > 1e-2


def test_an_encoding_serves_many_candidates(model, pair):
    numbers, tau, offsets = given(copies=6)
    encoding = model.encode(ComplexTokens.of([pair[0]] * 2), start(copies=2))
    with torch.no_grad():
        together = model(numbers, tau, offsets, encoding.repeated(3), "coarse")
    alone = velocity(model, [pair[0]] * 6, start(copies=6), numbers, tau, offsets)
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)


def test_a_new_model_gives_the_best_guess_for_atoms_that_vibrate(pair):
    """Of the receptor; a regression on samples is the oracle."""
    for parameterisation in ("rel", "abs"):
        config = BioMDConfig(
            **SMALL, parameterisation=parameterisation, scales=SCALES, vibration_angstrom=0.3
        )
        rng = np.random.default_rng(0)
        base, tau, n = 10.0 * heavy_positions_nm(), 0.7, 40_000
        moved = 0.3 * rng.standard_normal(n)
        # The receptor's RMS at offset 2 is 0.4 Angstrom.
        data = moved / 0.4 if parameterisation == "rel" else (base[3, 0] + moved) / 10.0
        eps = rng.standard_normal(n)
        slope, shift = np.polyfit(tau * data + (1 - tau) * eps, data - eps, 1)
        numbers = torch.zeros(1, 3, 10, 3, dtype=torch.float64)
        numbers[0, 2, 3, 0] = 0.4
        times = torch.tensor([[1.0, tau, tau]], dtype=torch.float64)
        found = velocity(
            *(BioMD(config).double(), pair[:1], torch.from_numpy(base)[None], numbers, times),
            torch.arange(3)[None],
        )
        assert float(found[0, 2, 3, 0]) == pytest.approx(slope * 0.4 + shift, abs=0.03)


def test_the_ligand_bends_less_than_it_moves(host_that_leaves):
    """What single atoms add has the scale of what is left beside rigid motions."""
    rng = np.random.default_rng(0)
    tau = torch.zeros(1, 3, dtype=torch.float64)
    numbers, _, offsets = given(copies=1, frames=3)

    def added(scales):
        model = BioMD(BioMDConfig(**SMALL, scales=scales)).double()
        arguments = [host_that_leaves], start(), numbers, tau, offsets
        still = velocity(model, *arguments)
        with torch.no_grad():
            model.output.output.bias.copy_(torch.from_numpy(rng.permutation([1.0, 1.0, 1.0])))
        return velocity(model, *arguments) - still

    ligand = torch.from_numpy(host_that_leaves.is_ligand)
    found = added(SCALES)
    # 0.5 of 2 Angstrom for the ligand, and all of it for the receptor.
    torch.testing.assert_close(found[0, 2, ligand], torch.full((6, 3), 0.25).double())
    torch.testing.assert_close(found[0, 2, ~ligand], torch.full((4, 3), 1.0).double())


def test_late_predictions_of_the_ligand_are_rigid(model, pair):
    """Whatever a network says: close to tau = 1 bonds keep their lengths but for vibrations."""
    scales = DisplacementScales(coarse=((0.3, 1.0, 1e-4), (0.4, 2.0, 1e-4)))
    config = model.config.model_copy(update={"scales": scales, "vibration_angstrom": 1e-4})
    stiff = BioMD(config).double()
    stiff.load_state_dict(model.state_dict())
    numbers, _, offsets = given(copies=1, frames=3)
    with torch.no_grad():
        encoding = stiff.encode(ComplexTokens.of(pair[:1]), start())
        frames = stiff.frame_numbers(encoding, offsets, "coarse")
        numbers = frames.mean + frames.spread * numbers

        def bends(at):
            tau = torch.full((1, 3), at, dtype=torch.float64)
            clean = numbers + (1 - at) * stiff(numbers, tau, offsets, encoding, "coarse")
            positions = frames.decode(clean)[0, 2, 6:]
            return torch.cdist(positions, positions) - torch.cdist(start()[0, 6:], start()[0, 6:])

        assert bends(0.98).abs().max() < 0.02
        assert bends(0.3).abs().max() > 0.2  # not so while nothing is clear


def test_numbers_and_coordinates_are_the_same_thing(model, pair):
    encoding = model.encode(ComplexTokens.of([pair[0]]), start())
    frames = model.frame_numbers(encoding, torch.tensor([[-1, 0, 2, 7]]), "coarse")
    positions = start()[:, None] + torch.randn(1, 4, 10, 3, dtype=torch.float64)
    numbers = frames.encode(positions)
    torch.testing.assert_close(frames.decode(numbers), positions, atol=1e-12, rtol=0)
    scale = torch.tensor([1.0, 1.0, 2.0, 2.0]) if model.config.parameterisation == "rel" else 10.0
    shift = start()[0, 8, 0] if model.config.parameterisation == "rel" else 0.0
    torch.testing.assert_close(numbers[0, :, 8, 0], (positions[0, :, 8, 0] - shift) / scale)
    mean = frames.decode(frames.mean.expand_as(numbers))
    torch.testing.assert_close(mean, start()[:, None].expand_as(mean))
    # In either, the spread is the RMS displacement.
    unit = frames.decode(frames.mean + frames.spread) - start()[:, None]
    assert unit[0, :, 8, 0].tolist() == pytest.approx([1.0, 1.0, 2.0, 2.0])
    assert unit[0, :, 0, 0].tolist() == pytest.approx([0.3, 1.0, 0.4, 0.4])


def test_noise_is_a_mask():
    numbers, eps = torch.randn(2, 3, 4, 3), torch.randn(2, 3, 4, 3)
    mixed = noised(numbers, eps, torch.tensor([[1.0, 0.0, 0.25]] * 2))
    assert torch.equal(mixed[:, 0], numbers[:, 0])
    assert torch.equal(mixed[:, 1], eps[:, 1])
    torch.testing.assert_close(mixed[:, 2], 0.25 * numbers[:, 2] + 0.75 * eps[:, 2])
    with pytest.raises(ValidationError, match="at least 1 item"):
        DisplacementScales(coarse=())
    assert FrameNumbers(numbers[:, :1], *[torch.ones(2, 3, 4, 1)] * 2, "rel").spread.max() == 1.0


def loss_gradients(model, pair):
    numbers, tau, offsets = given()
    encoding = model.encode(ComplexTokens.of([pair[0]] * 2), start(copies=2))
    model(numbers, tau, offsets, encoding, "coarse").square().sum().backward()
    gradients = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    model.zero_grad(set_to_none=True)
    return gradients


def test_activations_computed_again_give_the_same_gradients(model, pair):
    config = model.config.model_copy(update={"checkpoint_activations": True})
    again = BioMD(config).double()
    again.load_state_dict(model.state_dict())
    kept = []
    handle = again.trajectory_blocks[0].register_forward_pre_hook(lambda *_: kept.append(1))
    expected, found = loss_gradients(model, pair), loss_gradients(again, pair)
    handle.remove()
    assert len(kept) == 2  # once forward, once again backward
    assert len(expected) == len(found) == len(list(model.parameters()))
    for a, b in zip(expected, found, strict=True):
        torch.testing.assert_close(a, b, atol=1e-10, rtol=1e-10)


def test_number_of_parameters():
    with torch.device("meta"):
        tiny, paper = BioMD(BioMDConfig.tiny()), BioMD(BioMDConfig.paper())
    assert sum(p.numel() for p in tiny.parameters()) == pytest.approx(0.47e6, rel=0.05)
    assert sum(p.numel() for p in paper.parameters()) == pytest.approx(341e6, rel=0.01)
    assert paper.config.checkpoint_activations


def test_a_new_model_is_seeded_and_leaves_the_generator_alone():
    state = torch.get_rng_state()
    a, b, c = (BioMD(BioMDConfig(**SMALL), seed=s) for s in (1, 1, 2))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(a.numbers.weight, b.numbers.weight)
    assert not torch.equal(a.numbers.weight, c.numbers.weight)


def test_single_precision_is_close_to_double(model, pair):
    numbers, tau, offsets = given()
    exact = velocity(model, [pair[0]] * 2, start(copies=2), numbers, tau, offsets)
    single = BioMD(model.config)
    single.load_state_dict(model.state_dict())
    rounded = velocity(
        single,
        [pair[0]] * 2,
        start(copies=2).float(),
        numbers.float(),
        tau.float(),
        offsets,
    )
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded.double(), exact, atol=1e-4, rtol=1e-4)


def test_bfloat16_autocast_is_close(model, pair):
    numbers, tau, offsets = given()
    exact = velocity(model, [pair[0]] * 2, start(copies=2), numbers, tau, offsets)
    single = BioMD(model.config)
    single.load_state_dict(model.state_dict())
    arguments = (start(copies=2).float(), numbers.float(), tau.float(), offsets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = velocity(single, [pair[0]] * 2, *arguments)
    assert rounded.dtype == torch.float32
    error = (rounded.double() - exact).square().mean().sqrt() / exact.square().mean().sqrt()
    assert 1e-5 < error < 0.05


def test_shapes_that_do_not_fit(model, pair):
    numbers, tau, offsets = given(copies=1)
    with pytest.raises(ValueError, match=r"positions must have shape \(1, 10, 3\).*\(1, 9, 3\)"):
        velocity(model, [pair[0]], start(9), numbers, tau, offsets)
    with pytest.raises(ValueError, match=r"numbers \(1, 4, 10, 3\).*got \(1, 4, 9, 3\)"):
        velocity(model, [pair[0]], start(), numbers[:, :, :9], tau, offsets)
    with pytest.raises(ValueError, match=r"offsets must have shape \(1, 4\).*got \(1, 3\)"):
        velocity(model, [pair[0]], start(), numbers, tau, offsets[:, :3])


def test_config_refuses_nonsense():
    with pytest.raises(ValidationError, match=r"multiple of 2 x heads = 6, got 16"):
        BioMDConfig(**SMALL | {"heads": 3})
    for bad in ({"parameterisation": "both"}, {"encoder_layers": 0}, {"wings": 2}):
        with pytest.raises(ValidationError):
            BioMDConfig(**SMALL | bad)
