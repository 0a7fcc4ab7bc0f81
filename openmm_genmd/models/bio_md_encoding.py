"""What frames need to know of the last known one: `ComplexEncoding`, `pair_geometry`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from openmm_genmd.models.bio_md_frames import ANGSTROM_PER_UNIT
from openmm_genmd.models.bio_md_motion import LigandMotion

_DISTANCES_ANGSTROM = (*(1.0 + 0.75 * n for n in range(8)), *(7.0 + 1.5 * n for n in range(8)))

PAIR_GEOMETRY_SIZE = len(_DISTANCES_ANGSTROM) + 3
"""Numbers of `pair_geometry`."""


@dataclass(frozen=True, eq=False)
class ComplexEncoding:
    """What frames need to know of the last known one; the same for all flow times.

    Attributes
    ----------
    single
        ``(B, 1, N, width)``.
    biases
        For each block of the trajectory ``(B, 1, heads, N, N)``, minus infinity for absent keys.
    base_angstrom
        The last known frame, ``(B, 1, N, 3)``.
    motion
        How the ligand can move.
    is_ligand, mask
        Bool ``(B, N)``.

    Examples
    --------
    Made by `BioMD.encode`.
    """

    single: Tensor
    biases: tuple[Tensor, ...]
    base_angstrom: Tensor
    motion: LigandMotion
    is_ligand: Tensor
    mask: Tensor

    def repeated(self, n: int) -> ComplexEncoding:
        """Return each complex n times in a row: ``(n B, ...)``."""

        def repeat(x: Tensor) -> Tensor:
            return x.repeat_interleave(n, dim=0)

        biases = tuple(repeat(bias) for bias in self.biases)
        single, base, ligand, mask = (
            repeat(x) for x in (self.single, self.base_angstrom, self.is_ligand, self.mask)
        )
        motion = LigandMotion.of(base[:, 0], ligand)
        return ComplexEncoding(single, biases, base, motion, ligand, mask)


def pair_geometry(positions_angstrom: Tensor) -> Tensor:
    """Geometry of pairs ``(B, N, N, 19)``: overlapping bells of the distance, then the vector.

    Parameters
    ----------
    positions_angstrom
        ``(B, N, 3)``.

    Examples
    --------
    >>> geometry = pair_geometry(torch.tensor([[[0.0, 0.0, 0.0], [0.0, 0.0, 7.0]]]))
    >>> geometry.shape, geometry[0, 0, 1].argmax().item()  # the bell at 7 Angstrom
    (torch.Size([1, 2, 2, 19]), 8)
    """
    vectors = positions_angstrom[:, None] - positions_angstrom[:, :, None]
    distances = (vectors.square().sum(dim=-1) + 1e-6).sqrt()
    centres = positions_angstrom.new_tensor(_DISTANCES_ANGSTROM)
    bells = torch.exp(-((distances[..., None] - centres) ** 2))
    return torch.cat((bells, vectors / ANGSTROM_PER_UNIT), dim=-1)
