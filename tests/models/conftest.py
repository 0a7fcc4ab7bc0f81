"""Random molecules as arrays, and networks whose weights are far from zero."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig


@dataclass(frozen=True)
class Batch:
    """Arguments of `MarsFM.forward` in order, and `given`, those after tokens and time."""

    tokens: Tensor
    time: Tensor
    rotations: Tensor
    translations_angstrom: Tensor
    residue_types: Tensor
    token_mask: Tensor
    residue_mask: Tensor

    @property
    def given(self) -> tuple[Tensor, ...]:
        return tuple(vars(self).values())[2:]

    def velocity(self, model: nn.Module) -> Tensor:
        with torch.no_grad():
            return model(*vars(self).values())

    def molecule(self, n: int, length: int) -> Batch:
        """One molecule without padding."""
        parts = {k: v[n : n + 1] if k == "time" else v[n : n + 1, :length] for k, v in self.items()}
        return Batch(**parts)

    def items(self):
        return vars(self).items()

    def but(self, **changes: Tensor) -> Batch:
        return replace(self, **changes)


def random_rotations(*shape: int, generator: torch.Generator) -> Tensor:
    """Proper rotations (*shape, 3, 3), float64."""
    q, r = torch.linalg.qr(torch.randn(*shape, 3, 3, generator=generator, dtype=torch.float64))
    q = q * r.diagonal(dim1=-2, dim2=-1).sign()[..., None, :]
    return q * torch.linalg.det(q)[..., None, None]


def random_batch(lengths: tuple[int, ...], seed: int = 0) -> Batch:
    """Chains with steps of 3.8 Angstrom in float64; a fifth of the torsions undefined."""
    generator = torch.Generator().manual_seed(seed)
    n, length = len(lengths), max(lengths)
    steps = torch.randn(n, length, 3, generator=generator, dtype=torch.float64)
    defined = torch.rand(n, length, 7, generator=generator) > 0.2
    exists = torch.arange(length) < torch.tensor(lengths)[:, None]
    always = torch.ones(n, length, 7, dtype=torch.bool)
    return Batch(
        tokens=torch.randn(n, length, 21, generator=generator, dtype=torch.float64),
        time=torch.rand(n, generator=generator, dtype=torch.float64),
        rotations=random_rotations(n, length, generator=generator),
        translations_angstrom=(3.8 / math.sqrt(3)) * steps.cumsum(dim=1),
        residue_types=torch.randint(0, 21, (n, length), generator=generator),
        token_mask=torch.cat((always, defined.repeat_interleave(2, -1)), -1) & exists[..., None],
        residue_mask=exists,
    )


def away_from_zero(module: nn.Module, scale: float = 0.2, seed: int = 1) -> nn.Module:
    """The module in float64 with noise on all weights."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(scale * noise)
    return module


@pytest.fixture(scope="session")
def mars_fm() -> MarsFM:
    config = MarsFMConfig(width=24, heads=3, ipa_layers=2, transformer_layers=2)
    return away_from_zero(MarsFM(config)).eval()


@pytest.fixture(scope="session")
def batches():
    return random_batch


@pytest.fixture(scope="session")
def randomised():
    return away_from_zero


@pytest.fixture(scope="session")
def rotations():
    return random_rotations
