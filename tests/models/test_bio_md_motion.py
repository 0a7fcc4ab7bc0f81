"""Rigid motions of a ligand, from linear maps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from openmm_genmd.models.bio_md_motion import LigandMotion

LIGAND = torch.tensor([[False] * 5 + [True] * 6])
SHAPES = {"body": (1.0, 1.0, 1.0), "plane": (1.0, 1.0, 0.0), "line": (1.0, 0.0, 0.0)}


def conformation(shape="body", seed=0):
    """Positions (1, 11, 3), Angstrom; the ligand is a body, a plane or a line."""
    positions = np.random.default_rng(seed).normal(scale=2.0, size=(1, 11, 3))
    turn = Rotation.random(rng=np.random.default_rng(9)).as_matrix()
    positions[:, 5:] = (positions[:, 5:] * SHAPES[shape]) @ turn.T + 4.0
    return torch.from_numpy(positions)


def rigid(base, seed=1):
    """Displacements (1, 1, 11, 3) of the ligand by a turn and a shift."""
    rng = np.random.default_rng(seed)
    turn = torch.from_numpy(Rotation.random(rng=rng).as_matrix())
    arms = base[:, 5:] - base[:, 5:].mean(dim=1, keepdim=True)
    moved = torch.zeros(1, 1, 11, 3, dtype=torch.float64)
    moved[0, 0, 5:] = (arms @ turn.T - arms)[0] + torch.from_numpy(rng.normal(size=3))
    return moved


def times(value):
    return torch.full((1, 1, 1, 1), value, dtype=torch.float64)


NOTHING = torch.zeros(1, 1, 2, 4, 3, dtype=torch.float64)


@pytest.mark.parametrize("shape", list(SHAPES))
def test_columns_are_orthonormal_and_hold_rigid_motions(shape):
    base = conformation(shape)
    motion = LigandMotion.of(base, LIGAND)
    columns = motion.columns[0, 0]
    rank = 1 + int(sum(SHAPES[shape]))
    values = torch.linalg.eigvalsh(columns.T @ columns)
    torch.testing.assert_close(values[-rank:], torch.ones(rank).double(), atol=1e-9, rtol=0)
    assert values[:-rank].abs().sum() < 1e-9
    assert columns[:5].abs().max() == 0.0
    moved = rigid(base)
    again = motion.columns @ motion.coordinates(moved)
    torch.testing.assert_close(again, moved, atol=1e-9, rtol=0)


def test_columns_turn_with_the_ligand():
    base = conformation()
    turn = torch.from_numpy(Rotation.random(rng=np.random.default_rng(3)).as_matrix())
    columns = LigandMotion.of(base, LIGAND).columns
    turned = LigandMotion.of(base @ turn.T, LIGAND).columns
    torch.testing.assert_close(turned[..., 1:], columns[..., 1:] @ turn.T, atol=1e-9, rtol=0)


@pytest.mark.parametrize("shape", list(SHAPES))
@pytest.mark.parametrize("seed", range(4))
def test_a_rigid_motion_without_noise_is_found_again(shape, seed):
    base = conformation(shape, seed)
    motion, moved = LigandMotion.of(base, LIGAND), rigid(base, seed)
    unit, spread = times(2.0), times(1.0)
    noisy = motion.coordinates(moved / unit)
    found = motion.displacements(unit, spread, times(1.0), noisy=noisy, answer=NOTHING)
    torch.testing.assert_close(found, moved, atol=1e-5, rtol=0)


def test_a_linear_map_that_is_no_rotation_becomes_one():
    base = conformation()
    motion = LigandMotion.of(base, LIGAND)
    rng = np.random.default_rng(4)
    noisy = torch.from_numpy(rng.normal(size=(1, 1, 4, 3)))
    answer = torch.from_numpy(rng.normal(size=(1, 1, 2, 4, 3)))

    def bend(at):
        found = motion.displacements(
            *(times(3.0), times(1.0), times(at)), noisy=noisy, answer=answer
        )
        after = (base + found[:, 0])[0, 5:]
        return (torch.cdist(after, after) - torch.cdist(base[0, 5:], base[0, 5:])).abs().max()

    late, later, early = bend(0.9), bend(0.99), bend(0.2)
    assert early > 1.0 > 10 * late > 100 * later


def test_the_linear_guess_at_early_times():
    """Ten lines: what is added to the columns comes out, and what is noisy is believed by half."""
    base = conformation()
    motion = LigandMotion.of(base, LIGAND)
    rng = np.random.default_rng(5)
    noisy, added, factor = torch.from_numpy(rng.normal(size=(3, 1, 1, 4, 3)))
    answer = torch.stack((added, factor), dim=2)
    at, square = 1e-4, 0.25 * 6 * 0.7**2
    found = motion.displacements(times(3.0), times(0.7), times(at), noisy=noisy, answer=answer)
    variance = at**2 * square + (1 - at) ** 2
    clean = at * square / variance * noisy
    clean = clean + (1 - at) * (square / variance) ** 0.5 * (added + factor * noisy / variance**0.5)
    torch.testing.assert_close(found, 3.0 * motion.columns @ clean, atol=5e-3, rtol=0)


def test_gradients_are_finite_where_a_map_annihilates_an_axis():
    base = conformation()
    motion = LigandMotion.of(base, LIGAND)
    answer = torch.zeros(1, 1, 2, 4, 3, dtype=torch.float64, requires_grad=True)
    arms = motion.arms_angstrom
    noisy = motion.coordinates(-arms)  # all atoms to the centre
    found = motion.displacements(times(1.0), times(1e3), times(0.5), noisy=noisy, answer=answer)
    found.sum().backward()
    assert answer.grad.isfinite().all()


def test_ligands_of_a_batch_do_not_mix():
    both = torch.cat((conformation(seed=1), conformation(seed=2)))
    ligand = torch.cat((LIGAND, ~LIGAND))
    together = LigandMotion.of(both, ligand)
    for row in range(2):
        alone = LigandMotion.of(both[row : row + 1], ligand[row : row + 1])
        torch.testing.assert_close(together.columns[row], alone.columns[0])
        torch.testing.assert_close(together.arms_angstrom[row], alone.arms_angstrom[0])
