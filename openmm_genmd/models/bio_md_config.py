"""Architecture of BioMD: `BioMDConfig`."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from openmm_genmd.models.bio_md_frames import DisplacementScales, Parameterisation


class BioMDConfig(BaseModel):
    """Architecture of a `BioMD` and what its numbers mean; stored in its checkpoint.

    Attributes
    ----------
    width, pair_width
        Channels of atoms and of pairs of atoms.
    heads
        Of all attention layers; divides the width into an even number of channels.
    encoder_layers, trajectory_layers
        Blocks that see the last known frame, and that see all frames.
    parameterisation
        See `FrameNumbers`.
    coarse_factor
        Frames of the data per coarse frame.
    history_frames
        Known coarse frames at most, the last one included, from which others are generated.
    block_frames
        Coarse frames that are generated at once in training, and by default.
    scales
        Measured on the training data.
    vibration_angstrom
        Motion of single atoms, RMS of a coordinate, beside that of all together. Numbers are taken
        from the noise within it, and beyond it from what the network predicts.
    checkpoint_activations
        Whether activations of the blocks are computed again in the backward pass instead of kept.

    Examples
    --------
    >>> BioMDConfig.tiny().width, BioMDConfig.paper().trajectory_layers
    (64, 20)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(ge=2)
    pair_width: int = Field(ge=1)
    heads: int = Field(ge=1)
    encoder_layers: int = Field(ge=1)
    trajectory_layers: int = Field(ge=1)
    parameterisation: Parameterisation = "rel"
    coarse_factor: int = Field(default=10, ge=2)
    history_frames: int = Field(default=2, ge=1)
    block_frames: int = Field(default=5, ge=1)
    scales: DisplacementScales = DisplacementScales()
    vibration_angstrom: float = Field(default=0.05, gt=0)
    checkpoint_activations: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width must be a multiple of 2 x heads = {2 * self.heads}, got {self.width}"
            )
        return self

    @classmethod
    def tiny(cls, parameterisation: Parameterisation = "rel") -> Self:
        """Half a million parameters: for about 128 atoms, trains on a CPU core."""
        return cls(
            width=64,
            pair_width=16,
            heads=4,
            encoder_layers=2,
            trajectory_layers=3,
            parameterisation=parameterisation,
        )

    @classmethod
    def paper(cls, parameterisation: Parameterisation = "rel") -> Self:
        """342 million parameters, about the published size."""
        return cls(
            width=768,
            pair_width=128,
            heads=16,
            encoder_layers=6,
            trajectory_layers=20,
            parameterisation=parameterisation,
            checkpoint_activations=True,
        )
