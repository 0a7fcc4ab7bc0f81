"""MarS-FM for leaps: the score of noisy torsions, given the current conformation's frames."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn

from openmm_genmd.models.invariant_point_attention import FrameBlock
from openmm_genmd.models.mars_fm import (
    PAPER,
    RESIDUE_TYPE_COUNT,
    TINY,
    TrunkConfig,
    clean_frames,
)
from openmm_genmd.models.residue_transformer import (
    AdaptiveOutput,
    TimeEmbedding,
    TransformerBlock,
    rotary,
)
from openmm_genmd.models.wrapped_normal import wrapped_normal_score

TORSION_COUNT = 7
"""Pre-omega, phi, psi and chi1 to chi4 of a residue."""


class MarsFMTorsionsConfig(TrunkConfig):
    """Architecture of a `MarsFMTorsions`; stored in its checkpoint.

    Attributes
    ----------
    sigma_min_rad, sigma_max_rad
        Least and greatest width of the noise. At pi the wrapped normal density is uniform to 2 %.

    Examples
    --------
    >>> MarsFMTorsionsConfig.tiny().width, MarsFMTorsionsConfig.paper().heads
    (64, 16)
    """

    sigma_min_rad: float = Field(default=0.03, gt=0)
    sigma_max_rad: float = Field(default=math.pi, gt=0)

    @model_validator(mode="after")
    def _check_noise(self) -> Self:
        if self.sigma_min_rad >= self.sigma_max_rad:
            raise ValueError(
                f"sigma_min_rad must be below sigma_max_rad, got {self.sigma_min_rad} and "
                f"{self.sigma_max_rad}"
            )
        return self

    @classmethod
    def tiny(cls) -> Self:
        """Half a million parameters: trains on two CPU cores."""
        return cls(**TINY)

    @classmethod
    def paper(cls) -> Self:
        """34 million parameters, as many as the published network of tokens."""
        return cls(**PAPER)


class MarsFMTorsions(nn.Module):
    """Score of the torsions of a new conformation under noise, given the current one.

    The new torsions are theta = theta1 + sigma eps, wrapped; the score is the gradient of the log
    density of theta. The network sees sines and cosines, so that it is periodic, and the current
    conformation through its frames alone, which are encoded once for all levels of noise.

    Parameters
    ----------
    config
        The architecture.
    seed
        Of the initial weights. A new model's score is zero whatever the seed.

    References
    ----------
    Jing et al., Torsional Diffusion for Molecular Conformer Generation, NeurIPS 2022, section
    3.2 (noise on the torus, scaling of the score).

    Examples
    --------
    >>> config = MarsFMTorsionsConfig(width=8, heads=2, ipa_layers=1, transformer_layers=1)
    >>> model = MarsFMTorsions(config)
    >>> frames = torch.eye(3).expand(1, 4, 3, 3), torch.zeros(1, 4, 3)
    >>> types, residues = torch.zeros(1, 4, dtype=torch.int64), torch.ones(1, 4, dtype=torch.bool)
    >>> encoding = model.encode(*frames, types, residues)
    >>> torsions, mask = torch.zeros(5, 4, 7), torch.ones(5, 4, 7, dtype=torch.bool)
    >>> score = model.score(torsions, torch.ones(5), encoding, mask, residues)
    >>> score.shape, score.abs().max().item()  # untrained: flat
    (torch.Size([5, 4, 7]), 0.0)
    """

    def __init__(self, config: MarsFMTorsionsConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        width, heads = config.width, config.heads
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.noise = TimeEmbedding(width)
            self.residue_type = nn.Embedding(RESIDUE_TYPE_COUNT, width)
            self.torsion = nn.Linear(3 * TORSION_COUNT, width)
            self.frame_blocks = nn.ModuleList(
                FrameBlock(width, heads) for _ in range(config.ipa_layers)
            )
            self.torsion_blocks = nn.ModuleList(
                TransformerBlock(width, heads) for _ in range(config.transformer_layers)
            )
            self.output = AdaptiveOutput(width, TORSION_COUNT)
            # The frames are encoded once for all levels of noise, so that this is a constant.
            self.frame_condition = nn.Parameter(torch.randn(width))

    def encode(
        self,
        rotations: Tensor,
        translations_angstrom: Tensor,
        residue_types: Tensor,
        residue_mask: Tensor,
    ) -> Tensor:
        """What the torsions need to know of the current conformation, ``(B, L, width)``.

        Parameters
        ----------
        rotations, translations_angstrom
            Frames of the current conformation, ``(B, L, 3, 3)`` and ``(B, L, 3)``. Float32, or
            float64 in a model of that dtype.
        residue_types
            int64 ``(B, L)``, from 0 to 20.
        residue_mask
            Bool ``(B, L)``: which residues exist, at least one of each molecule. What is masked
            may hold any value.
        """
        frames = clean_frames(rotations, translations_angstrom, residue_mask)
        condition = self.frame_condition.expand(len(rotations), 1, -1)
        positions = self._positions(residue_mask, translations_angstrom)
        features: Tensor = self.residue_type(torch.where(residue_mask, residue_types, 0))
        for block in self.frame_blocks:
            features = block(features, condition, frames, residue_mask, positions)
        return features

    def score(
        self,
        torsions_rad: Tensor,
        sigma_rad: Tensor,
        encoding: Tensor,
        torsion_mask: Tensor,
        residue_mask: Tensor,
    ) -> Tensor:
        """Score ``(B, L, 7)`` in 1/rad; zero where masked.

        Parameters
        ----------
        torsions_rad
            With noise, ``(B, L, 7)``, rad; any value where masked.
        sigma_rad
            Width of the noise of each, ``(B,)``, rad.
        encoding
            Of the current conformations, from `encode`; its first axis and those of the masks
            broadcast to B.
        torsion_mask
            Bool ``(B, L, 7)``: which torsions are generated.
        residue_mask
            Bool ``(B, L)``.
        """
        mask = (torsion_mask & residue_mask[..., None]).expand(torsions_rad.shape)
        scaled = self._scaled_score(torsions_rad, sigma_rad, encoding, mask, residue_mask)
        return scaled * typical_score(sigma_rad)[:, None, None]

    def loss(
        self,
        torsions_rad: Tensor,
        encoding: Tensor,
        torsion_mask: Tensor,
        residue_mask: Tensor,
        *,
        noise: Tensor,
        time: Tensor,
    ) -> Tensor:
        """Denoising loss, a scalar: masked mean of (score - score of the noise)^2, both scaled.

        Parameters
        ----------
        torsions_rad
            The data, ``(B, L, 7)``, rad.
        encoding, torsion_mask, residue_mask
            See `score`.
        noise
            Standard normal, ``(B, L, 7)``.
        time
            Uniform in [0, 1], ``(B,)``: where between the greatest (0) and the least noise (1).

        References
        ----------
        Jing et al., NeurIPS 2022, eq. 2, with the weight that makes all levels count alike.
        """
        mask = torsion_mask & residue_mask[..., None]
        sigma_rad = self.sigma_at(time)
        shift = sigma_rad[:, None, None] * noise
        noisy = torch.where(mask, torsions_rad, 0.0) + shift
        found = self._scaled_score(noisy, sigma_rad, encoding, mask, residue_mask)
        wanted = wrapped_normal_score(shift, sigma_rad[:, None, None])
        residual = found - wanted / typical_score(sigma_rad)[:, None, None]
        return torch.where(mask, residual, 0.0).square().sum() / mask.sum().clamp(min=1)

    def sigma_at(self, time: Tensor) -> Tensor:
        """Width of the noise in rad at times from 0, the greatest, to 1, the least."""
        low, high = math.log(self.config.sigma_min_rad), math.log(self.config.sigma_max_rad)
        return torch.exp(high + (low - high) * time)

    def _scaled_score(
        self,
        torsions_rad: Tensor,
        sigma_rad: Tensor,
        encoding: Tensor,
        mask: Tensor,
        residue_mask: Tensor,
    ) -> Tensor:
        low, high = math.log(self.config.sigma_min_rad), math.log(self.config.sigma_max_rad)
        condition = self.noise((sigma_rad.log() - high) / (low - high))[:, None]
        angles = torch.where(mask, torsions_rad, 0.0)
        exists = mask.to(angles.dtype)
        seen = torch.cat((angles.sin() * exists, angles.cos() * exists, exists), dim=-1)
        features = self.torsion(seen) + encoding
        positions = self._positions(residue_mask, angles)
        for block in self.torsion_blocks:
            features = block(features, condition, residue_mask, positions)
        scaled: Tensor = self.output(features, condition)
        return torch.where(mask, scaled.to(angles.dtype), 0.0)

    def _positions(self, residue_mask: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        return rotary(residue_mask.shape[1], self.config.width // self.config.heads, like)


def typical_score(sigma_rad: Tensor) -> Tensor:
    """Root mean square of a wrapped normal density's score in 1/rad, shape of the widths in rad.

    Examples
    --------
    >>> typical_score(torch.tensor([0.1])).round(decimals=1).item()  # narrow: 1 / sigma
    10.0
    """
    log_widths, log_scores = _score_table()
    given = sigma_rad.detach().log().double().cpu().numpy()
    found = np.exp(np.interp(given, log_widths, log_scores))
    return torch.as_tensor(found, dtype=sigma_rad.dtype, device=sigma_rad.device)


@lru_cache(maxsize=1)
def _score_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logs of widths in rad and of root mean square scores in 1/rad."""
    widths = torch.logspace(-3, math.log10(2 * math.pi), 200, dtype=torch.float64)
    # Means over the normal noise by the midpoint rule in its quantiles.
    quantiles = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    noise = torch.special.ndtri(quantiles)
    scores = wrapped_normal_score(widths[:, None] * noise, widths[:, None])
    means = scores.square().mean(dim=1).sqrt()
    return widths.log().numpy(), means.log().numpy()
