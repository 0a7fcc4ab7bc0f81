"""BioMD: velocity of the frames of a trajectory of a receptor and its ligand, all heavy atoms."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_encoding import (
    PAIR_GEOMETRY_SIZE,
    ComplexEncoding,
    pair_geometry,
)
from openmm_genmd.models.bio_md_frames import ANGSTROM_PER_UNIT, FrameNumbers, Stage
from openmm_genmd.models.bio_md_layers import EncoderBlock, TrajectoryBlock
from openmm_genmd.models.bio_md_motion import LigandMotion
from openmm_genmd.models.bio_md_tokens import ComplexTokens, TokenEmbedding
from openmm_genmd.models.residue_transformer import AdaptiveOutput, TimeEmbedding
from openmm_genmd.representations.complex_atoms import OTHER_MOLECULE

STAGES: tuple[Stage, ...] = ("coarse", "fine")
_OFFSET_UNIT = 0.1
"""Offsets of frames reach `TimeEmbedding`, which is made for [0, 1], in these units."""


class BioMD(nn.Module):
    """Velocity field over the heavy atoms of all frames of a piece of a trajectory.

    The last known frame is encoded once, atoms and pairs. Blocks then alternate attention among
    the atoms of a frame, biased by the pairs, and among the frames of an atom. Each frame has its
    own flow time tau: 1 marks a known frame, 0 is noise, so that which frames are known decides
    whether trajectories are continued or filled in.

    The network predicts clean frames: a displacement of each atom, and for the ligand besides a
    linear map of where its atoms are (`LigandMotion`), twelve numbers of which the noisy ones tell
    most, and which turns into a rotation as tau goes to 1, so that bonds keep their lengths. From
    that and the noisy numbers follows the velocity, the best one if atoms vibrate about the
    prediction by `BioMDConfig.vibration_angstrom`: their noise need not pass through the network.

    Coordinates are Angstrom in the receptor's own orientation (`receptor_frames`): turned
    coordinates are *not* answered with turned velocities, so whoever calls this turns them back.

    Parameters
    ----------
    config
        The architecture.
    seed
        Of the initial weights.

    References
    ----------
    Feng et al., BioMD: All-atom Generative Model for Biomolecular Dynamics Simulation, arXiv
    2509.02642 (noise as masking, two stages, layers); Karras et al., Elucidating the Design Space
    of Diffusion-Based Generative Models, NeurIPS 2022, section 5 (scaling of the output).

    Examples
    --------
    >>> import numpy as np
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> from openmm_genmd.representations.complex_atoms import ComplexAtoms
    >>> topology, positions = build_peptide("GF")
    >>> last = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    >>> atoms = ComplexAtoms.of(topology, last)
    >>> config = BioMDConfig(
    ...     width=8, pair_width=4, heads=2, encoder_layers=1, trajectory_layers=1
    ... )
    >>> model = BioMD(config)
    >>> start = torch.from_numpy(10.0 * positions[None, atoms.particles]).float()
    >>> encoding = model.encode(ComplexTokens.of([atoms]), start)
    >>> offsets, tau = torch.tensor([[0, 1, 2]]), torch.tensor([[1.0, 0.2, 0.2]])
    >>> model(torch.randn(1, 3, 20, 3), tau, offsets, encoding, "coarse").shape
    torch.Size([1, 3, 20, 3])
    """

    def __init__(self, config: BioMDConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        width, pair, heads = config.width, config.pair_width, config.heads
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.time = TimeEmbedding(width)
            self.offset = TimeEmbedding(width)
            self.stage = nn.Embedding(len(STAGES), width)
            self.token = TokenEmbedding(width)
            self.position = nn.Linear(3, width)
            self.separation = nn.Embedding(OTHER_MOLECULE + 1, pair)
            self.distance = nn.Linear(PAIR_GEOMETRY_SIZE, pair)
            self.query, self.key = nn.Linear(width, pair), nn.Linear(width, pair)
            self.pair_update = nn.Linear(pair, pair)
            self.encoder_blocks = nn.ModuleList(
                EncoderBlock(width, pair, heads) for _ in range(config.encoder_layers)
            )
            self.pair_bias = nn.Linear(pair, heads * config.trajectory_layers, bias=False)
            self.numbers = nn.Linear(9, width)
            self.trajectory_blocks = nn.ModuleList(
                TrajectoryBlock(width, heads) for _ in range(config.trajectory_layers)
            )
            self.output = AdaptiveOutput(width, 3)
            self.motion = AdaptiveOutput(width, 24)

    def encode(self, tokens: ComplexTokens, base_angstrom: Tensor) -> ComplexEncoding:
        """What the velocity needs to know of the last known frame.

        Parameters
        ----------
        tokens
            The complexes.
        base_angstrom
            Their last known frames ``(B, N, 3)``; padding may hold anything.

        Raises
        ------
        ValueError
            If the shape does not fit the tokens.
        """
        if tuple(base_angstrom.shape) != (*tokens.mask.shape, 3):
            raise ValueError(
                f"positions must have shape {(*tokens.mask.shape, 3)} to fit the tokens, got "
                f"{tuple(base_angstrom.shape)}"
            )
        mask = tokens.mask
        base = torch.where(mask[..., None], base_angstrom, 0.0)
        single = self.token(tokens.features) + self.position(base / ANGSTROM_PER_UNIT)
        pair = self._pairs(tokens.separations.long(), base, single)
        key_bias = torch.zeros_like(base[..., 0]).masked_fill(~mask, -torch.inf)
        for block in self.encoder_blocks:
            single = self._run(block, single, pair, key_bias)
        heads = self.config.heads
        biases = self.pair_bias(pair).movedim(-1, 1) + key_bias[:, None, None, :]
        return ComplexEncoding(
            single[:, None],
            tuple(part[:, None] for part in biases.split(heads, dim=1)),
            base[:, None],
            LigandMotion.of(base, tokens.is_ligand),
            tokens.is_ligand,
            mask,
        )

    def _pairs(self, separations: Tensor, base: Tensor, single: Tensor) -> Tensor:
        """Features of pairs, ``(B, N, N, pair_width)``."""
        pair: Tensor = self.separation(separations) + self.distance(pair_geometry(base))
        pair = pair + self.query(single)[:, :, None] + self.key(single)[:, None]
        update: Tensor = self.pair_update(functional.silu(pair))
        return pair + update

    def frame_numbers(
        self, encoding: ComplexEncoding, offsets: Tensor, stage: Stage
    ) -> FrameNumbers:
        """The map between coordinates of frames and the numbers that are generated.

        Parameters
        ----------
        encoding
            From `encode`.
        offsets
            int64 ``(B, F)``: how many frames of the stage after the last known one.
        stage
            Whose frames.
        """
        scales, ligand, base = self.config.scales, encoding.is_ligand, encoding.base_angstrom
        rms, inner = (
            part(stage, offsets, ligand)[..., None].to(base.dtype)
            for part in (scales.of, scales.inner)
        )
        return FrameNumbers(base, rms, inner, self.config.parameterisation)

    def forward(
        self,
        numbers: Tensor,
        tau: Tensor,
        offsets: Tensor,
        encoding: ComplexEncoding,
        stage: Stage,
        frame_mask: Tensor | None = None,
    ) -> Tensor:
        """Velocity dy/dtau of the numbers, ``(B, F, N, 3)``; zero where atoms are absent.

        Parameters
        ----------
        numbers
            y^tau, ``(B, F, N, 3)``, see `noised`.
        tau
            ``(B, F)`` in [0, 1].
        offsets
            int64 ``(B, F)``: how many frames of the stage after the last known one.
        encoding
            From `encode`, B complexes.
        stage
            Whose frames.
        frame_mask
            Bool ``(B, F)``: which frames there are; by default all. Or ``(B, F, F)``: which frame
            (first axis) may look at which.

        Raises
        ------
        ValueError
            If shapes do not fit.
        """
        _check_shapes(numbers, tau, offsets, encoding)
        exists = encoding.mask[:, None, :, None]
        frames = self.frame_numbers(encoding, offsets, stage)
        at, spread = tau[..., None, None], frames.spread
        centred = torch.where(exists, numbers - at * frames.mean, 0.0)
        features = self._frames_in(centred, at, frames, encoding)
        condition = self._condition(tau, offsets, stage)
        if frame_mask is not None and frame_mask.ndim == 2:
            frame_mask = frame_mask[:, None]
        for block, atom_bias in zip(self.trajectory_blocks, encoding.biases, strict=True):
            features = self._run(block, features, condition, atom_bias, frame_mask)
        clean = self._clean(centred, at, features, condition, frames, encoding)
        # For y = m + g + s n with a known g, a normal n, and y^tau - tau m = c, the mean of y - eps
        # is m + ((tau s^2 - (1 - tau)) c + (1 - tau) g) / (tau^2 s^2 + (1 - tau)^2).
        square = (spread * (self.config.vibration_angstrom / frames.rms).clamp(max=1.0)).square()
        variance = at.square() * square + (1.0 - at).square()
        pull = (at * square - (1.0 - at)) * centred + (1.0 - at) * clean
        return torch.where(exists, frames.mean + pull / variance, 0.0)

    def _clean(
        self,
        centred: Tensor,
        at: Tensor,
        features: Tensor,
        condition: Tensor,
        frames: FrameNumbers,
        encoding: ComplexEncoding,
    ) -> Tensor:
        """Predicted numbers about their mean, ``(B, F, N, 3)``."""
        ligand = encoding.is_ligand
        share = ligand / ligand.sum(dim=1, keepdim=True).clamp(min=1)
        common = (features * share[:, None, :, None].to(features.dtype)).sum(dim=2, keepdim=True)
        motion: Tensor = self.motion(common, condition)
        unit = frames.rms / frames.spread  # Angstrom
        moved = encoding.motion.displacements(
            _of_ligand(unit, ligand),
            _of_ligand(frames.spread, ligand),
            at,
            noisy=encoding.motion.coordinates(centred),
            answer=motion.reshape(*motion.shape[:2], 2, 4, 3).to(centred.dtype),
        )
        single: Tensor = self.output(features, condition)
        return (frames.inner_rms * single.to(centred.dtype) + moved) / unit

    def _frames_in(
        self, centred: Tensor, at: Tensor, frames: FrameNumbers, encoding: ComplexEncoding
    ) -> Tensor:
        """Features of all atoms of all frames."""
        scale = frames.rms / frames.spread
        where = (encoding.base_angstrom + scale * centred) / ANGSTROM_PER_UNIT
        variance = (at * frames.spread).square() + (1.0 - at).square()
        scaled = centred * variance.rsqrt()
        together = encoding.motion.columns @ encoding.motion.coordinates(scaled)
        numbers = torch.cat((scaled, together, where), dim=-1)
        features: Tensor = self.numbers(numbers) + encoding.single
        return features

    def _condition(self, tau: Tensor, offsets: Tensor, stage: Stage) -> Tensor:
        """What modulates each frame, ``(B, F, 1, width)``."""
        number = torch.full_like(offsets, STAGES.index(stage))
        steps = _OFFSET_UNIT * offsets.to(tau.dtype)
        condition: Tensor = self.time(tau) + self.offset(steps) + self.stage(number)
        return condition[:, :, None]

    def _run(self, block: nn.Module, *arguments: object) -> Tensor:
        after: Tensor
        if self.config.checkpoint_activations and torch.is_grad_enabled():
            after = checkpoint(block, *arguments, use_reentrant=False)
        else:
            after = block(*arguments)
        return after


def _of_ligand(values: Tensor, is_ligand: Tensor) -> Tensor:
    """The ligand's of values ``(B, F, N, 1)`` that all its atoms share: ``(B, F, 1, 1)``."""
    chosen = torch.where(is_ligand[:, None, :, None], values, 0.0).amax(dim=2, keepdim=True)
    return torch.where(chosen > 0.0, chosen, 1.0)


def _check_shapes(numbers: Tensor, tau: Tensor, offsets: Tensor, encoding: ComplexEncoding) -> None:
    batch, atoms = encoding.mask.shape
    frames = tau.shape[-1]
    expected = (batch, frames, atoms, 3)
    if tuple(numbers.shape) != expected or tuple(tau.shape) != (batch, frames):
        raise ValueError(
            f"expected numbers {expected} and tau {(batch, frames)} for {batch} encoded complexes "
            f"of {atoms} atoms, got {tuple(numbers.shape)} and {tuple(tau.shape)}"
        )
    if tuple(offsets.shape) != (batch, frames):
        raise ValueError(
            f"offsets must have shape {(batch, frames)} like tau, got {tuple(offsets.shape)}"
        )
