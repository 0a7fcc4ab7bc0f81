"""Random block networks, and what torch itself says of their densities."""

from __future__ import annotations

import numpy as np
import torch

from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.training.block_batches import ranks_of

SMALL = BlockTransformerConfig(width=16, heads=2, layers=2, hidden_features=24, nodes=12)


def random_model(config=SMALL, *, seed: int = 0, scale: float = 0.3) -> BlockTransformer:
    """Weights far from those of a new model, which is uniform."""
    model = BlockTransformer(config).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(scale * torch.randn(weight.shape, generator=generator, dtype=weight.dtype))
    return model


def single_log_densities(model, tokens, block, torsions_rad):
    """What the network itself says of each torsion, ``(n, n_torsions)``; 0 for those kept."""
    n = len(torsions_rad)

    def rows(array):
        return torch.as_tensor(np.broadcast_to(array, (n, *array.shape)).copy())

    names = ("kinds", "residue_types", "variants", "residues", "from_ends", "free_ends")
    with torch.no_grad():
        return model(
            torch.as_tensor(torsions_rad),
            rows(ranks_of(tokens, block)),
            *(rows(getattr(tokens, name)) for name in names),
            rows(np.ones(len(tokens), dtype=bool)),
        ).numpy()
