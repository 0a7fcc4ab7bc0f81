"""What BioMD is trained on: the velocity, and the physics of the frames that it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_frames import Stage, noised
from openmm_genmd.models.bio_md_tokens import ComplexTokens

OVERLAP = 0.75
"""Share of the sum of two van der Waals radii below which atoms collide."""

_LATE = 0.1
"""Within so much of tau = 1 the velocity's error counts less: it has no time left to act."""

_NEAREST_SEPARATION = 3
"""Atoms fewer bonds apart do not collide."""


class LossWeights(BaseModel):
    """Weights of the terms of the loss.

    Attributes
    ----------
    ligand
        Share of the ligand in the velocity's error, whatever its number of atoms.
    bonds, collisions, centre
        Of the physical terms, each of which has the weight tau^2 besides.

    Examples
    --------
    >>> LossWeights().collisions
    0.1
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ligand: float = Field(default=0.5, ge=0, le=1)
    bonds: float = Field(default=1.0, ge=0)
    collisions: float = Field(default=0.1, ge=0)
    centre: float = Field(default=1.0, ge=0)


@dataclass(frozen=True, eq=False)
class TrajectoryWindow:
    """Frames to learn from; the fields of a batch of `ComplexBatches`.

    Attributes
    ----------
    tokens
        B complexes.
    positions_angstrom
        ``(B, F, N, 3)``, in the orientation of the receptor; padding may hold anything.
    offsets
        int64 ``(B, F)`` from the last known frame, which has 0.
    noise
        Standard normal, ``(B, F, N, 3)``.
    tau
        ``(B, F)`` in [0, 1]; 1 for known frames, which do not count.
    ligand_bonds
        int64 ``(B, n_bonds, 2)``; padded by pairs of an atom with itself.
    radii_angstrom
        ``(B, N)``.

    Examples
    --------
    Made by `complex_loss`.
    """

    tokens: ComplexTokens
    positions_angstrom: Tensor
    offsets: Tensor
    noise: Tensor
    tau: Tensor
    ligand_bonds: Tensor
    radii_angstrom: Tensor

    @property
    def base_angstrom(self) -> Tensor:
        """The last known frame, ``(B, N, 3)``."""
        last = (self.offsets == 0).to(torch.int64).argmax(dim=1)
        rows = torch.arange(len(last), device=last.device)
        return self.positions_angstrom[rows, last]


def bio_md_loss(
    model: BioMD, window: TrajectoryWindow, stage: Stage, weights: LossWeights
) -> Tensor:
    """Loss of each row, ``(B,)``: means over its frames that are not known.

    Parameters
    ----------
    model
        The network.
    window
        What to learn.
    stage
        Whose frames they are.
    weights
        Of the terms.

    References
    ----------
    Feng et al., arXiv 2509.02642 (velocity, bonds, collisions, geometric centre).
    """
    mask = window.tokens.mask
    exists = mask[:, None, :, None]
    encoding = model.encode(window.tokens, window.base_angstrom)
    frames = model.frame_numbers(encoding, window.offsets, stage)
    positions = torch.where(exists, window.positions_angstrom, 0.0)
    numbers = torch.where(exists, frames.encode(positions), 0.0)
    noisy = torch.where(exists, noised(numbers, window.noise, window.tau), 0.0)
    velocity = model(noisy, window.tau, window.offsets, encoding, stage)

    ligand = encoding.is_ligand
    squares = torch.where(exists, velocity - (numbers - window.noise), 0.0).square().mean(dim=-1)
    errors = (1.0 - weights.ligand) * _mean(squares, mask & ~ligand)
    errors = errors + weights.ligand * _mean(squares, ligand)
    errors = errors * ((1.0 - window.tau) / _LATE).clamp(max=1.0).square()

    # Known frames predict themselves; no gradient comes of them.
    clean = noisy + (1.0 - window.tau)[..., None, None] * velocity
    predicted = frames.decode(clean)
    physics = weights.bonds * bond_errors(predicted, positions, window.ligand_bonds)
    physics = physics + weights.centre * centre_errors(clean, numbers, ligand)
    physics = physics + weights.collisions * collision_errors(
        predicted, ligand, mask, window.tokens.separations, window.radii_angstrom
    )
    unknown = (window.tau < 1.0).to(errors.dtype)
    total = (errors + window.tau.square() * physics) * unknown
    return total.sum(dim=1) / unknown.sum(dim=1).clamp(min=1.0)


def bond_errors(predicted: Tensor, true: Tensor, bonds: Tensor) -> Tensor:
    """Mean squared errors of bond lengths, ``(B, F)``, square Angstrom.

    Parameters
    ----------
    predicted, true
        ``(B, F, N, 3)``, Angstrom.
    bonds
        int64 ``(B, n_bonds, 2)``; a pair of an atom with itself is none.
    """
    real = (bonds[..., 0] != bonds[..., 1])[:, None]
    found, expected = (_lengths(positions, bonds) for positions in (predicted, true))
    squares = torch.where(real, found - expected, 0.0).square()
    return squares.sum(dim=-1) / real.sum(dim=-1).clamp(min=1)


def centre_errors(predicted: Tensor, true: Tensor, is_ligand: Tensor) -> Tensor:
    """Mean squared errors of the coordinates of the ligand's geometric centre, ``(B, F)``.

    Parameters
    ----------
    predicted, true
        Numbers or coordinates ``(B, F, N, 3)``.
    is_ligand
        Bool ``(B, N)``.
    """
    share = is_ligand / is_ligand.sum(dim=1, keepdim=True).clamp(min=1)
    difference = ((predicted - true) * share[:, None, :, None]).sum(dim=2)
    return difference.square().mean(dim=-1)


def collision_errors(
    predicted: Tensor,
    is_ligand: Tensor,
    mask: Tensor,
    separations: Tensor,
    radii_angstrom: Tensor,
) -> Tensor:
    """Squared depths of collisions of the ligand, per atom of it, ``(B, F)``, square Angstrom.

    A pair collides that is closer than `OVERLAP` times the sum of its radii; pairs one or two bonds
    apart do not count, nor do pairs within the receptor.

    Parameters
    ----------
    predicted
        ``(B, F, N, 3)``, Angstrom.
    is_ligand, mask
        Bool ``(B, N)``.
    separations
        ``(B, N, N)``: bonds between atoms.
    radii_angstrom
        ``(B, N)``.
    """
    # The ligand's rows alone, padded with its first atom to the largest of the batch.
    size = int(is_ligand.sum(dim=1).max())
    order = is_ligand.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :size]
    counts = is_ligand.gather(1, order)
    index = order[:, None, :, None].expand(-1, predicted.shape[1], -1, 3)
    ligand = predicted.gather(2, index)
    squares = (ligand[:, :, :, None] - predicted[:, :, None]).square().sum(dim=-1)
    rows = order[..., None].expand(-1, -1, mask.shape[1])
    near = separations.gather(1, rows) < _NEAREST_SEPARATION
    pairs = counts[..., None] & mask[:, None] & ~near
    reach = OVERLAP * (radii_angstrom.gather(1, order)[..., None] + radii_angstrom[:, None])
    # Pairs within the ligand are met twice.
    twice = 1.0 - 0.5 * is_ligand[:, None].to(squares.dtype)
    depth = (reach[:, None] - (squares + 1e-6).sqrt()).clamp(min=0.0).square() * twice[:, None]
    total = torch.where(pairs[:, None], depth, 0.0).sum(dim=(2, 3))
    return total / is_ligand.sum(dim=1, keepdim=True).clamp(min=1)


def _lengths(positions: Tensor, bonds: Tensor) -> Tensor:
    index = bonds[:, None, :, :, None].expand(-1, positions.shape[1], -1, -1, 3)
    ends = positions[:, :, :, None].expand(-1, -1, -1, 2, -1).gather(2, index)
    # Away from zero, where a root has no derivative.
    return ((ends[:, :, :, 0] - ends[:, :, :, 1]).square().sum(dim=-1) + 1e-6).sqrt()


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Means ``(B, F)`` over the atoms of a mask ``(B, N)``."""
    chosen = torch.where(mask[:, None], values, 0.0).sum(dim=-1)
    return chosen / mask.sum(dim=1)[:, None].clamp(min=1)
