"""Numbers that BioMD generates for the frames of a trajectory, `abs` or `rel`: `FrameNumbers`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

Parameterisation = Literal["rel", "abs"]
"""``rel``: displacement from the last known frame over its RMS. ``abs``: coordinates / 10 A."""

Stage = Literal["coarse", "fine"]
"""``coarse``: every k-th frame, from a history. ``fine``: those between two coarse ones."""

ANGSTROM_PER_UNIT = 10.0
"""Of coordinates, where the network sees them, and of the numbers of ``abs``."""

Table = tuple[tuple[float, float, float], ...]


class DisplacementScales(BaseModel):
    """How far atoms go: RMS of a coordinate's displacement from the last known frame, Angstrom.

    Attributes
    ----------
    coarse, fine
        Receptor, ligand, and what is left of the ligand's beside its best rigid motion, for each
        offset of 1, 2, ... frames of the stage. Frames before count as those after.

    Examples
    --------
    >>> scales = DisplacementScales(coarse=((0.5, 1.0, 0.25), (0.75, 2.0, 0.5)))
    >>> ligand = torch.tensor([False, True])
    >>> scales.of("coarse", torch.tensor([-1, 0, 2]), ligand).tolist()
    [[0.5, 1.0], [1.0, 1.0], [0.75, 2.0]]
    >>> scales.inner("coarse", torch.tensor([-1, 0, 2]), ligand).tolist()
    [[0.5, 0.25], [1.0, 1.0], [0.75, 0.5]]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    coarse: Table = Field(default=((1.0, 1.0, 1.0),) * 16, min_length=1)
    fine: Table = Field(default=((1.0, 1.0, 1.0),) * 16, min_length=1)

    def of(self, stage: Stage, offsets: Tensor, is_ligand: Tensor) -> Tensor:
        """Scales ``(..., F, N)``, Angstrom, of frames and atoms; 1 at offset 0.

        Parameters
        ----------
        stage
            Whose frames.
        offsets
            int64 ``(..., F)`` from the last known frame. Beyond the table its last entry holds.
        is_ligand
            Bool ``(..., N)``.
        """
        return self._column(stage, offsets, is_ligand, 1)

    def inner(self, stage: Stage, offsets: Tensor, is_ligand: Tensor) -> Tensor:
        """The same, but for the ligand beside its rigid motion; see `of`."""
        return self._column(stage, offsets, is_ligand, 2)

    def _column(self, stage: Stage, offsets: Tensor, is_ligand: Tensor, number: int) -> Tensor:
        table = torch.tensor(((1.0, 1.0, 1.0), *getattr(self, stage)), device=offsets.device)
        rows = table[offsets.abs().clamp(max=len(table) - 1)]
        ligand = rows[..., number : number + 1]
        return torch.where(is_ligand[..., None, :], ligand, rows[..., :1])


@dataclass(frozen=True, eq=False)
class FrameNumbers:
    """The map between coordinates and the numbers y that a flow generates, ``y = (x - c) / s``.

    Attributes
    ----------
    base
        The last known frame, ``(..., 1, N, 3)``, Angstrom.
    rms
        RMS of the displacement from it, ``(..., F, N, 1)``, Angstrom.
    inner_rms
        The same beside rigid motions of the ligand.
    parameterisation
        ``rel``: c is the base and s the RMS. ``abs``: c is 0 and s is 10 Angstrom.

    Examples
    --------
    >>> base, rms = torch.ones(1, 4, 3), torch.full((2, 4, 1), 0.5)
    >>> numbers = FrameNumbers(base, rms, rms, "rel")
    >>> numbers.encode(torch.full((2, 4, 3), 2.0))[0, 0].tolist()
    [2.0, 2.0, 2.0]
    """

    base: Tensor
    rms: Tensor
    inner_rms: Tensor
    parameterisation: Parameterisation

    def encode(self, positions_angstrom: Tensor) -> Tensor:
        """Numbers of frames ``(..., F, N, 3)``."""
        if self.parameterisation == "rel":
            return (positions_angstrom - self.base) / self.rms
        return positions_angstrom / ANGSTROM_PER_UNIT

    def decode(self, numbers: Tensor) -> Tensor:
        """Frames ``(..., F, N, 3)``, Angstrom, of numbers."""
        if self.parameterisation == "rel":
            return self.base + self.rms * numbers
        return ANGSTROM_PER_UNIT * numbers

    @property
    def mean(self) -> Tensor:
        """Numbers of frames that stay as the last known one, ``(..., 1, N, 3)``."""
        if self.parameterisation == "rel":
            return torch.zeros_like(self.base)
        return self.base / ANGSTROM_PER_UNIT

    @property
    def spread(self) -> Tensor:
        """RMS of the numbers about `mean`, ``(..., F, N, 1)``."""
        if self.parameterisation == "rel":
            return torch.ones_like(self.rms)
        return self.rms / ANGSTROM_PER_UNIT


def noised(numbers: Tensor, noise: Tensor, tau: Tensor) -> Tensor:
    """``tau y + (1 - tau) eps``: a frame with tau = 1 is known, one with tau = 0 is noise.

    Parameters
    ----------
    numbers, noise
        y and standard normal eps, ``(..., F, N, 3)``.
    tau
        ``(..., F)`` in [0, 1].
    """
    known = tau[..., None, None]
    return known * numbers + (1.0 - known) * noise
