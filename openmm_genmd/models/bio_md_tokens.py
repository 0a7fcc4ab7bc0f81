"""Complexes as tensors, several of different size in one batch: `ComplexTokens`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from openmm_genmd.representations.complex_atoms import (
    FEATURE_SIZES,
    OTHER_MOLECULE,
    ComplexAtoms,
)


@dataclass(frozen=True, eq=False)
class ComplexTokens:
    """What a network is told of B complexes of N atoms at most.

    Attributes
    ----------
    features
        int64 ``(B, N, 7)``: classes, columns as in `FEATURE_SIZES`. The last is 1 for the ligand.
    separations
        ``(B, N, N)``, any integer type: bonds between two atoms, see `ComplexAtoms`.
    mask
        Bool ``(B, N)``: which atoms there are.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> topology, _ = build_peptide("GF")
    >>> last = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    >>> atoms = ComplexAtoms.of(topology, last)
    >>> tokens = ComplexTokens.of([atoms, atoms])
    >>> tokens.mask.shape, int(tokens.is_ligand.sum())
    (torch.Size([2, 20]), 22)
    """

    features: Tensor
    separations: Tensor
    mask: Tensor

    @classmethod
    def of(cls, complexes: Sequence[ComplexAtoms]) -> ComplexTokens:
        """Tensors of complexes, padded to the largest."""
        longest = max(len(atoms) for atoms in complexes)
        features = torch.zeros(len(complexes), longest, len(FEATURE_SIZES), dtype=torch.int64)
        separations = torch.full((len(complexes), longest, longest), OTHER_MOLECULE)
        mask = torch.zeros(len(complexes), longest, dtype=torch.bool)
        for row, atoms in enumerate(complexes):
            n = len(atoms)
            features[row, :n] = torch.from_numpy(atoms.features)
            separations[row, :n, :n] = torch.from_numpy(atoms.separations)
            mask[row, :n] = True
        return cls(features, separations, mask)

    @property
    def is_ligand(self) -> Tensor:
        """Bool ``(B, N)``."""
        return self.features[..., -1].bool() & self.mask

    def to(self, device: torch.device) -> ComplexTokens:
        """Return the same on a device."""
        return ComplexTokens(
            self.features.to(device), self.separations.to(device), self.mask.to(device)
        )


class TokenEmbedding(nn.Module):
    """Sum of embeddings of all features of each atom.

    Parameters
    ----------
    width
        Channels.

    Examples
    --------
    >>> TokenEmbedding(8)(torch.zeros(2, 5, 7, dtype=torch.int64)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = torch.tensor(tuple(FEATURE_SIZES.values()), device="cpu")
        self.offsets = (sizes.cumsum(0) - sizes).tolist()
        self.table = nn.Embedding(int(sizes.sum()), width)

    def forward(self, features: Tensor) -> Tensor:
        """Embedding ``(..., width)`` of classes ``(..., 7)``."""
        rows = features + torch.tensor(self.offsets, device=features.device)
        embedded: Tensor = functional.embedding(rows, self.table.weight).sum(dim=-2)
        return embedded
