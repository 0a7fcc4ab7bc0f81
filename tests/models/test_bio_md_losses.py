"""Losses against ten lines each."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_losses import (
    LossWeights,
    TrajectoryWindow,
    bio_md_loss,
    bond_errors,
    centre_errors,
    collision_errors,
)
from openmm_genmd.models.bio_md_tokens import ComplexTokens
from openmm_genmd.representations.complex_atoms import ComplexAtoms

from ..representations.small_complexes import heavy_positions_nm, small_complex, small_topology

CONFIG = BioMDConfig(width=16, pair_width=4, heads=2, encoder_layers=1, trajectory_layers=1)


def frames(seed=0, scale=1.5, count=3):
    noise = np.random.default_rng(seed).normal(size=(1, count, 10, 3))
    return torch.from_numpy(10.0 * heavy_positions_nm() + scale * noise)


def window(seed=0, tau=(1.0, 0.3, 0.6), atoms=None):
    atoms = atoms or small_complex()
    n = len(atoms)
    rng = np.random.default_rng(seed + 1)
    return TrajectoryWindow(
        tokens=ComplexTokens.of([atoms]),
        positions_angstrom=frames(seed, 0.5)[:, :, :n],
        offsets=torch.arange(3)[None],
        noise=torch.from_numpy(rng.normal(size=(1, 3, n, 3))),
        tau=torch.tensor([tau], dtype=torch.float64),
        ligand_bonds=torch.from_numpy(atoms.ligand_bonds)[None],
        radii_angstrom=torch.from_numpy(atoms.radii_angstrom.astype(float))[None],
    )


def test_bonds():
    predicted, true = frames(0), frames(1)
    bonds = small_complex().ligand_bonds
    found = bond_errors(predicted, true, torch.from_numpy(np.vstack([bonds, [[0, 0]]]))[None])
    for f in range(3):
        p, t = predicted[0, f].numpy(), true[0, f].numpy()
        errors = [
            (np.linalg.norm(p[a] - p[b]) - np.linalg.norm(t[a] - t[b])) ** 2 for a, b in bonds
        ]
        assert float(found[0, f]) == pytest.approx(np.mean(errors), rel=1e-5)


def test_centre():
    predicted, true = frames(0), frames(1)
    ligand = small_complex().is_ligand
    found = centre_errors(predicted, true, torch.from_numpy(ligand)[None])
    difference = predicted[0, :, ligand].mean(dim=1) - true[0, :, ligand].mean(dim=1)
    torch.testing.assert_close(found[0], difference.square().mean(dim=-1))


def collisions(atoms, positions):
    return collision_errors(
        positions,
        torch.from_numpy(atoms.is_ligand)[None],
        torch.ones(1, len(atoms), dtype=torch.bool),
        torch.from_numpy(atoms.separations).long()[None],
        torch.from_numpy(atoms.radii_angstrom.astype(float))[None],
    )


def test_collisions():
    atoms, positions = small_complex(), 0.5 * frames(2, scale=2.5)
    found = collisions(atoms, positions)
    for f in range(3):
        total, x = 0.0, positions[0, f].numpy()
        for a, b in itertools.combinations(range(10), 2):
            of_ligand = atoms.is_ligand[a] or atoms.is_ligand[b]
            if of_ligand and atoms.separations[a, b] > 2:
                reach = 0.75 * (atoms.radii_angstrom[a] + atoms.radii_angstrom[b])
                total += max(0.0, reach - np.linalg.norm(x[a] - x[b])) ** 2
        assert total > 0.1
        assert float(found[0, f]) == pytest.approx(total / 4, rel=1e-4)
    assert collisions(atoms, frames(0, 0.0)).abs().max() == 0.0  # the start has none


def test_collisions_of_padded_complexes():
    atoms = small_complex()
    part = ComplexAtoms.of(small_topology(), [18, 19, 20], receptor=range(6))
    tokens = ComplexTokens.of([atoms, part])
    positions = frames(3, 2.5).expand(2, -1, -1, -1)
    radii = torch.ones(2, 10)
    radii[0], radii[1, :9] = (torch.from_numpy(a.radii_angstrom) for a in (atoms, part))
    found = collision_errors(positions, tokens.is_ligand, tokens.mask, tokens.separations, radii)
    alone = collisions(part, positions[:1, :, :9])
    torch.testing.assert_close(found[1], alone[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found[0], collisions(atoms, positions[:1])[0], atol=1e-5, rtol=1e-5)


def test_the_loss_by_hand(randomised):
    """All but the velocity, which the model is asked for."""
    example, weights = window(), LossWeights(ligand=0.4, bonds=2.0, collisions=0.3, centre=0.7)
    atoms = small_complex()
    model = randomised(BioMD(CONFIG))
    loss = bio_md_loss(model, example, "coarse", weights)
    x = example.positions_angstrom[0].numpy()
    tau = example.tau[..., None, None]
    numbers = example.positions_angstrom - example.positions_angstrom[:, :1]
    noisy = tau * numbers + (1 - tau) * example.noise  # scales are 1 Angstrom
    with torch.no_grad():
        encoding = model.encode(example.tokens, example.positions_angstrom[:, 0])
        velocity = model(noisy, example.tau, example.offsets, encoding, "coarse")[0].numpy()
    total = 0.0
    for f, tau in ((1, 0.3), (2, 0.6)):
        y, eps, v = x[f] - x[0], example.noise[0, f].numpy(), velocity[f]
        squares = ((v - (y - eps)) ** 2).mean(axis=1)
        total += 0.6 * squares[:6].mean() + 0.4 * squares[6:].mean()
        clean = tau * y + (1 - tau) * (eps + v)
        predicted = torch.from_numpy(x[0] + clean)[None, None]
        true = example.positions_angstrom[:, f : f + 1]
        physics = 2.0 * bond_errors(predicted, true, example.ligand_bonds)
        physics = physics + 0.3 * collisions(atoms, predicted)
        centre = (clean[6:].mean(axis=0) - y[6:].mean(axis=0)) ** 2
        total += tau**2 * (float(physics) + 0.7 * centre.mean())
    assert float(loss[0].detach()) == pytest.approx(total / 2, rel=1e-5)


def test_known_frames_do_not_count(randomised):
    model = randomised(BioMD(CONFIG))
    example = window(tau=(1.0, 0.5, 1.0))
    loss = bio_md_loss(model, example, "coarse", LossWeights())
    changed = window(tau=(1.0, 0.5, 1.0))
    changed.noise[:, [0, 2]] += 100.0  # of frames without noise
    assert torch.equal(bio_md_loss(model, changed, "coarse", LossWeights()), loss)
    nothing = bio_md_loss(model, window(tau=(1.0,) * 3), "coarse", LossWeights())
    assert nothing.tolist() == [0.0]


def test_the_base_is_the_last_known_frame():
    example = window()
    shifted = torch.tensor([[-1, 0, 1]])
    moved = TrajectoryWindow(**{**vars(example), "offsets": shifted})
    assert torch.equal(example.base_angstrom, example.positions_angstrom[:, 0])
    assert torch.equal(moved.base_angstrom, example.positions_angstrom[:, 1])


def test_gradients_are_finite_where_atoms_coincide(randomised):
    model = randomised(BioMD(CONFIG))
    example = window()
    example.positions_angstrom[:, :, 7] = example.positions_angstrom[:, :, 6]
    bio_md_loss(model, example, "coarse", LossWeights()).sum().backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
