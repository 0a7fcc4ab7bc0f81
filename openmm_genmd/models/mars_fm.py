"""MarS-FM: velocity of residue tokens, given the current conformation's frames."""

from __future__ import annotations

from typing import Self

import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor, nn

from openmm_genmd.models.flow_paths import FlowPath, PathName, flow_matching_loss
from openmm_genmd.models.invariant_point_attention import FrameBlock
from openmm_genmd.models.residue_transformer import (
    AdaptiveOutput,
    Rotary,
    TimeEmbedding,
    TransformerBlock,
    rotary,
)

TOKEN_SIZE = 21
"""Quaternion, translation in Angstrom, and (sin, cos) of seven torsions."""

RESIDUE_TYPE_COUNT = 21
"""The standard amino acids, and one for all others."""

_ANGSTROM_PER_UNIT = 10.0
"""Distances between frames reach the network in nm, where they are of order one."""


class TrunkConfig(BaseModel):
    """Architecture that all networks of residues have in common.

    Attributes
    ----------
    width
        Channels of a residue.
    heads
        Of all attention layers; divides the width into an even number of channels.
    ipa_layers
        Blocks with invariant point attention, which see the frames.
    transformer_layers
        Blocks that see what is generated.

    Examples
    --------
    >>> TrunkConfig(width=20, heads=3, ipa_layers=1, transformer_layers=1)
    Traceback (most recent call last):
        ...
    pydantic_core._pydantic_core.ValidationError: 1 validation error for TrunkConfig
      Value error, width must be a multiple of 2 x heads = 6, got 20 ...
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(ge=2)
    heads: int = Field(ge=1)
    ipa_layers: int = Field(ge=1)
    transformer_layers: int = Field(ge=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of 2 x heads = {2 * self.heads}, got {self.width}"
            )
        return self


TINY = {"width": 64, "heads": 4, "ipa_layers": 2, "transformer_layers": 3}
"""Half a million parameters: trains on two CPU cores."""

PAPER = {"width": 384, "heads": 16, "ipa_layers": 5, "transformer_layers": 5}
"""34 million parameters, the published size."""


class MarsFMConfig(TrunkConfig):
    """Architecture of a `MarsFM`; stored in its checkpoint.

    Attributes
    ----------
    path
        From noise to data; see `FlowPath`.

    Examples
    --------
    >>> MarsFMConfig.tiny().width, MarsFMConfig.paper().heads
    (64, 16)
    """

    path: PathName = "linear"

    @classmethod
    def tiny(cls, path: PathName = "linear") -> Self:
        """Half a million parameters: trains on two CPU cores."""
        return cls(**TINY, path=path)

    @classmethod
    def paper(cls, path: PathName = "linear") -> Self:
        """34 million parameters, the published size."""
        return cls(**PAPER, path=path)


class MarsFM(nn.Module):
    """Velocity field over the residue tokens of a new conformation, given the current one.

    The frames of the current conformation pass through invariant point attention, which nothing
    but their relative placement enters; the result is added to the embedded tokens, which pass
    through transformer blocks. Both are conditioned on the flow time. Since tokens are relative
    to the current frames, the velocity does not change when all frames are moved together.

    Parameters
    ----------
    config
        The architecture.
    seed
        Of the initial weights. A new model's velocity is zero whatever the seed.

    References
    ----------
    Jing et al., Generative Modeling of Molecular Dynamics Trajectories, NeurIPS 2024, appendix
    A (the network, here for a single frame).

    Examples
    --------
    >>> model = MarsFM(MarsFMConfig(width=8, heads=2, ipa_layers=1, transformer_layers=1))
    >>> frames = torch.eye(3).expand(1, 4, 3, 3), torch.zeros(1, 4, 3)
    >>> types, mask = torch.zeros(1, 4, dtype=torch.int64), torch.ones(1, 4, dtype=torch.bool)
    >>> tokens, token_mask = torch.zeros(1, 4, 21), torch.ones(1, 4, 21, dtype=torch.bool)
    >>> velocity = model(tokens, torch.zeros(1), *frames, types, token_mask, mask)
    >>> velocity.shape, velocity.abs().max().item()  # untrained: nothing moves
    (torch.Size([1, 4, 21]), 0.0)
    """

    def __init__(self, config: MarsFMConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.path = FlowPath(config.path)
        width, heads = config.width, config.heads
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.time = TimeEmbedding(width)
            self.residue_type = nn.Embedding(RESIDUE_TYPE_COUNT, width)
            self.token = nn.Linear(2 * TOKEN_SIZE, width)
            self.frame_blocks = nn.ModuleList(
                FrameBlock(width, heads) for _ in range(config.ipa_layers)
            )
            self.token_blocks = nn.ModuleList(
                TransformerBlock(width, heads) for _ in range(config.transformer_layers)
            )
            self.output = AdaptiveOutput(width, TOKEN_SIZE)

    def forward(
        self,
        tokens: Tensor,
        time: Tensor,
        rotations: Tensor,
        translations_angstrom: Tensor,
        residue_types: Tensor,
        token_mask: Tensor,
        residue_mask: Tensor,
    ) -> Tensor:
        """Velocity of the tokens, of their shape; zero where masked.

        Parameters
        ----------
        tokens
            x_s, ``(B, L, 21)``; or ``(B, n, L, 21)``, n samples of each molecule, whose frames
            are then encoded once.
        time
            Flow times in [0, 1], ``(B,)``.
        rotations, translations_angstrom
            Frames of the current conformation, ``(B, L, 3, 3)`` and ``(B, L, 3)``. Float32, or
            float64 in a model of that dtype.
        residue_types
            int64 ``(B, L)``, from 0 to 20.
        token_mask
            Bool ``(B, L, 21)``: which numbers of the tokens exist.
        residue_mask
            Bool ``(B, L)``: which residues exist, at least one of each molecule. What is masked
            may hold any value, NaN included.

        Raises
        ------
        ValueError
            If the shape of tokens or token_mask does not fit residue_mask.
        """
        _check_shapes(tokens, token_mask, residue_mask)
        condition = self.time(time)[:, None]
        positions = rotary(
            residue_mask.shape[1], self.config.width // self.config.heads, translations_angstrom
        )
        encoding = self.encode(
            condition, rotations, translations_angstrom, residue_types, residue_mask, positions
        )
        mask = token_mask & residue_mask[..., None]
        velocity = self.decode(
            tokens if tokens.ndim == 4 else tokens[:, None],
            condition[:, None],
            encoding[:, None],
            mask[:, None],
            residue_mask[:, None],
            positions,
        )
        return velocity.reshape(tokens.shape)

    def encode(
        self,
        condition: Tensor,
        rotations: Tensor,
        translations_angstrom: Tensor,
        residue_types: Tensor,
        residue_mask: Tensor,
        positions: Rotary,
    ) -> Tensor:
        """What tokens need to know of the current conformation, ``(B, L, width)``."""
        frames = clean_frames(rotations, translations_angstrom, residue_mask)
        features: Tensor = self.residue_type(torch.where(residue_mask, residue_types, 0))
        for block in self.frame_blocks:
            features = block(features, condition, frames, residue_mask, positions)
        return features

    def decode(
        self,
        tokens: Tensor,
        condition: Tensor,
        encoding: Tensor,
        token_mask: Tensor,
        residue_mask: Tensor,
        positions: Rotary,
    ) -> Tensor:
        """Velocity of the tokens ``(..., L, 21)``; leading axes of the rest broadcast to theirs."""
        known = torch.where(token_mask, tokens, 0.0)
        exists = token_mask.to(known.dtype).expand_as(known)
        features = self.token(torch.cat((known, exists), dim=-1)) + encoding
        for block in self.token_blocks:
            features = block(features, condition, residue_mask, positions)
        velocity = self.output(features, condition).to(tokens.dtype)
        return torch.where(token_mask, velocity, 0.0)

    def loss(
        self,
        tokens: Tensor,
        rotations: Tensor,
        translations_angstrom: Tensor,
        residue_types: Tensor,
        token_mask: Tensor,
        residue_mask: Tensor,
        *,
        noise: Tensor,
        time: Tensor,
    ) -> Tensor:
        """Flow-matching loss, a scalar: masked mean of |v - dx_s/ds|^2.

        Parameters
        ----------
        tokens
            x1, the data, ``(B, L, 21)``.
        rotations, translations_angstrom, residue_types, token_mask, residue_mask
            See `forward`.
        noise
            x0, standard normal, ``(B, L, 21)``.
        time
            Flow times, uniform in [0, 1], ``(B,)``.
        """
        frames = rotations, translations_angstrom
        return flow_matching_loss(
            lambda x, s: self(x, s, *frames, residue_types, token_mask, residue_mask),
            self.path,
            noise=noise,
            data=tokens,
            time=time,
            mask=token_mask & residue_mask[..., None],
        )


def _check_shapes(tokens: Tensor, token_mask: Tensor, residue_mask: Tensor) -> None:
    expected = (*residue_mask.shape, TOKEN_SIZE)
    shape = tuple(tokens.shape)
    if (shape[:1] + shape[-2:], tokens.ndim in (3, 4)) != (expected, True):
        raise ValueError(
            f"tokens must have shape {expected}, or with an axis of samples after the first, to "
            f"fit residue_mask; got {shape}"
        )
    if tuple(token_mask.shape) != expected:
        raise ValueError(
            f"token_mask must have shape {expected} to fit residue_mask, got "
            f"{tuple(token_mask.shape)}"
        )


def clean_frames(
    rotations: Tensor, translations_angstrom: Tensor, mask: Tensor
) -> tuple[Tensor, Tensor]:
    """Frames around the centre of the molecule, in nm; the identity for missing residues.

    Parameters
    ----------
    rotations, translations_angstrom
        ``(B, L, 3, 3)`` and ``(B, L, 3)``.
    mask
        Bool ``(B, L)``: which residues exist.
    """
    identity = torch.eye(3, dtype=rotations.dtype, device=rotations.device)
    rotations = torch.where(mask[..., None, None], rotations, identity)
    positions = torch.where(mask[..., None], translations_angstrom, 0.0)
    # Attention among frames is invariant anyway, but squares of small numbers are more accurate.
    centre = positions.sum(dim=1, keepdim=True) / mask.sum(dim=1)[:, None, None].clamp(min=1)
    return rotations, (positions - centre) / _ANGSTROM_PER_UNIT
