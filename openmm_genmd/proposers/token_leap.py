"""Leaps of residue frames and torsions by a network of tokens: `TokenLeap`."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from openmm_genmd.models.mars_fm import MarsFM
from openmm_genmd.models.path_space import Field
from openmm_genmd.models.token_auxiliaries import TokenAuxiliaries, TokenParts
from openmm_genmd.proposers.network_leap import network_frames, without_graph
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.residue_frames import (
    ResidueFrames,
    backbone_of,
    frames_of,
    torsions_of,
)

Array = NDArray[np.float64]


class TokenLeap:
    """Leaps of all residues' frames and the torsions that they leave open; the rest is carried.

    Tokens are relative to the conformation where a leap starts, so that on the way back they are
    those of x as seen from y. Torsions that frames determine, and those that nothing turns, are in
    the tokens too: they are auxiliary variables around their true values.

    Parameters
    ----------
    model
        Copied.
    representation
        Of a peptide.
    radius_width, repeated_width_rad
        See `TokenAuxiliaries`.
    dtype
        Of the network.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.models.mars_fm import MarsFMConfig
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> config = MarsFMConfig(width=8, heads=1, ipa_layers=1, transformer_layers=1)
    >>> leap = TokenLeap(MarsFM(config), FrameRepresentation.from_topology(topology))
    >>> x, rng = positions_nm[None], np.random.default_rng(1)
    >>> tokens = leap.numbers(x, x, rng)  # a frame and three torsions that stay where they are
    >>> leap.size, bool(np.allclose(leap.conformations(tokens, x), x))
    (13, True)
    """

    def __init__(
        self,
        model: MarsFM,
        representation: FrameRepresentation,
        *,
        radius_width: float = 0.1,
        repeated_width_rad: float = 0.1,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        self.representation, self.layout, self.dtype = representation, representation.layout, dtype
        self._model = copy.deepcopy(model).to(dtype).eval()
        self._residues, self._columns = representation.token_columns.T
        repeated = self.layout.torsion_mask.copy()
        repeated[self._residues, self._columns] = False
        self.auxiliaries = TokenAuxiliaries(
            self.layout.torsion_mask,
            repeated,
            radius_width=radius_width,
            repeated_width_rad=repeated_width_rad,
        )
        self._mask = torch.from_numpy(self.auxiliaries.mask)

    @property
    def size(self) -> int:
        """Numbers of all tokens."""
        return int(self._mask.sum())

    def field(self, current: Array) -> Field:
        """Velocity of the tokens, given n current conformations."""
        rotations, translations = network_frames(self._frames(current), self.dtype)
        types = torch.from_numpy(self.layout.types)

        def velocity(numbers: Tensor, time: Tensor) -> Tensor:
            n, times = len(numbers), len(numbers) // len(rotations)
            tokens = torch.zeros(n, *self._mask.shape, dtype=self.dtype)
            tokens[:, self._mask] = numbers.to(self.dtype)
            found: Tensor = self._model(
                tokens,
                time.to(self.dtype),
                rotations.repeat_interleave(times, dim=0),
                translations.repeat_interleave(times, dim=0),
                types.expand(n, -1),
                self._mask.expand(n, -1, -1),
                torch.ones(n, len(types), dtype=torch.bool),
            )
            return found[:, self._mask].to(numbers.dtype)

        return without_graph(velocity)

    def numbers(self, new: Array, current: Array, rng: np.random.Generator) -> Tensor:
        """Tokens of new conformations as seen from current ones, lengths and noise drawn."""
        torsions = self._torsions(new)
        parts = TokenParts.between(self._frames(current), self._frames(new), torsions)
        return torch.from_numpy(self.auxiliaries.extend(parts, rng))

    def conformations(self, numbers: Tensor, current: Array) -> Array:
        """Conformations that tokens lead to; NaN where tokens are not finite or have no length."""
        parts = self.auxiliaries.split(numbers.numpy())
        good = np.isfinite(numbers.numpy()).all(axis=1)
        good &= np.isfinite(parts.quaternions).all(axis=(1, 2))
        found = np.full(np.broadcast_shapes(current.shape, (len(good), 1, 1)), np.nan)
        kept = TokenParts(
            parts.quaternions[good], parts.translations_angstrom[good], parts.torsions_rad[good]
        )
        start = np.broadcast_to(current, found.shape)[good]
        own = kept.torsions_rad[:, self._residues, self._columns]
        found[good] = self.representation.decode(kept.placed(self._frames(start)), own, start)
        return found

    def open_log_density(self, numbers: Tensor, new: Array) -> Tensor:
        """Log density of lengths and of noise on torsions that conformations determine."""
        density = self.auxiliaries.log_density(numbers.numpy(), self._torsions(new))
        return torch.from_numpy(density)

    def _frames(self, positions: Array) -> ResidueFrames:
        return frames_of(backbone_of(positions, self.layout))

    def _torsions(self, positions: Array) -> Array:
        """Torsions ``(n, L, 7)``; those that leap as the representation measures them."""
        torsions = torsions_of(positions, self.layout, dtype=np.float64)
        _, own = self.representation.encode(positions)
        torsions[:, self._residues, self._columns] = own
        return torsions
