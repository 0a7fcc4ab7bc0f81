"""Motions of a ligand as a whole: `LigandMotion`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class LigandMotion:
    """Shifts and linear maps of the ligand's atoms about their centre; rotations among them.

    A rotation is not linear in the numbers that a flow generates: the mean of several is none. So
    while a frame is mostly noise, the prediction is a linear map; as tau goes to 1 and the answer
    is clear, it becomes the rotation next to that map.

    Attributes
    ----------
    columns
        ``(B, 1, N, 4)``, orthonormal: all alike, and the arms; zero outside the ligand, and for
        directions in which the ligand has no extension.
    arms_angstrom
        ``(B, 1, N, 3)``: the ligand's atoms from their centre, zero outside the ligand.
    shape
        ``(B, 1, 3, 3)``, symmetric: from the arms to their three columns.
    axes
        ``(B, 1, 3, 3)``: principal axes in columns, that of the least extension first.
    n_atoms
        ``(B, 1, 1, 1)``, of the ligand, one at least.

    References
    ----------
    Löwdin, J. Chem. Phys. 18, 365 (1950): symmetric orthonormalisation, which has no signs that
    flip from one conformation to the next.

    Examples
    --------
    >>> base = torch.tensor([[[0.0, 0, 0], [2.0, 0, 0], [0, 3.0, 0], [0, 0, 4.0], [0, 0, 0]]])
    >>> motion = LigandMotion.of(base, torch.tensor([[False, True, True, True, True]]))
    >>> torch.allclose(motion.columns.mT @ motion.columns, torch.eye(4), atol=1e-5)
    True
    """

    columns: Tensor
    arms_angstrom: Tensor
    shape: Tensor
    axes: Tensor
    n_atoms: Tensor

    @classmethod
    def of(cls, base_angstrom: Tensor, is_ligand: Tensor) -> LigandMotion:
        """Motions of the ligands in conformations.

        Parameters
        ----------
        base_angstrom
            ``(B, N, 3)``.
        is_ligand
            Bool ``(B, N)``.
        """
        ligand = is_ligand[..., None].to(base_angstrom.dtype)
        count = ligand.sum(dim=1, keepdim=True).clamp(min=1.0)
        centre = (base_angstrom * ligand).sum(dim=1, keepdim=True) / count
        arms = (base_angstrom - centre) * ligand
        with torch.autocast(base_angstrom.device.type, enabled=False):
            values, vectors = torch.linalg.eigh(arms.mT @ arms)
            flat = values < 1e-3 * values[..., -1:].clamp(min=1e-3)
            scales = torch.where(flat, 0.0, values.clamp(min=1e-12).rsqrt())
            shape = (vectors * scales[..., None, :]) @ vectors.mT
            columns = torch.cat((ligand / count.sqrt(), arms @ shape), dim=-1)
        return cls(
            *(part[:, None] for part in (columns, arms, shape, vectors, count)),
        )

    def coordinates(self, numbers: Tensor) -> Tensor:
        """Coordinates ``(B, F, 4, 3)`` of numbers ``(B, F, N, 3)`` along the columns."""
        return self.columns.mT @ numbers

    def displacements(
        self, unit: Tensor, spread: Tensor, at: Tensor, *, noisy: Tensor, answer: Tensor
    ) -> Tensor:
        """Predicted displacements of the ligand's atoms, ``(B, F, N, 3)``, Angstrom.

        Parameters
        ----------
        unit, spread
            Angstrom per number, and RMS of the ligand's numbers, ``(B, F, 1, 1)``.
        at
            Flow times, ``(B, F, 1, 1)``.
        noisy
            `coordinates` of the noisy numbers.
        answer
            Of the network, ``(B, F, 2, 4, 3)`` of order one: numbers to add to the best linear
            guess, and factors of the noisy ones to add.
        """
        # Four columns hold most of the motion of all atoms.
        square = 0.25 * self.n_atoms * spread.square()
        variance = at.square() * square + (1.0 - at).square()
        added, factor = answer.unbind(dim=2)
        correction = added + factor * noisy * variance.rsqrt()
        guess = at * square / variance * noisy
        found = unit * (guess + (1.0 - at) * (square / variance).sqrt() * correction)
        identity = torch.eye(3, dtype=found.dtype, device=found.device)
        linear = identity + self.shape @ found[..., 1:, :]
        rotation = self._rotation_near(linear)
        matrix = rotation + (1.0 - at).square() * (linear - rotation) - identity
        shift = self.columns[..., :1] @ found[..., :1, :]
        return shift + self.arms_angstrom @ matrix

    def _rotation_near(self, linear: Tensor) -> Tensor:
        """Rotations ``(B, F, 3, 3)`` by which the two longest axes go where a map takes them."""
        third, second, first = self.axes.mT.expand(*linear.shape[:2], 3, 3).unbind(dim=-2)
        x = _unit(_times(first, linear))
        y = _times(second, linear)
        y = _unit(y - (x * y).sum(dim=-1, keepdim=True) * x)
        hand = torch.linalg.cross(first, second)
        z = torch.linalg.cross(x, y) * (hand * third).sum(dim=-1, keepdim=True)
        before, after = torch.stack((first, second, third), -2), torch.stack((x, y, z), -2)
        return before.mT @ after


def _times(vectors: Tensor, matrices: Tensor) -> Tensor:
    return (vectors[..., None, :] @ matrices)[..., 0, :]


def _unit(vectors: Tensor) -> Tensor:
    # Not exactly zero where a map annihilates an axis, which only happens far from tau = 1.
    return vectors * (vectors.square().sum(dim=-1, keepdim=True) + 1e-6).rsqrt()
