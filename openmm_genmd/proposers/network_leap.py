"""What surrounds a network of MarS-FM that leaps: `NetworkLeap`, and `TorsionScoreLeap`."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.models.mars_fm import MarsFM
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions
from openmm_genmd.models.path_space import Field
from openmm_genmd.proposers.load import find_checkpoint, portable_path
from openmm_genmd.representations.residue_frames import (
    ResidueFrames,
    backbone_of,
    frames_of,
    torsions_of,
)
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_types import TURNED_TORSIONS
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]
Model = MarsFM | MarsFMTorsions


class NetworkLeap(Protocol):
    """Conformations as numbers that a network draws, given a current conformation.

    All positions are ``(n, n_atoms, 3)``, nm, of whole molecules, all numbers ``(n, d)`` float64.

    Attributes
    ----------
    size
        How many numbers, d.

    Examples
    --------
    >>> sorted(name for name in vars(NetworkLeap) if not name.startswith("_"))
    ['conformations', 'field', 'numbers', 'open_log_density', 'size']
    """

    @property
    def size(self) -> int:
        """How many numbers, d."""

    def field(self, current: Array) -> Field:
        """The network conditioned on n conformations: a score or a velocity of their leaps."""

    def numbers(self, new: Array, current: Array, rng: np.random.Generator) -> Tensor:
        """Numbers of new conformations as seen from current ones; what is open is drawn."""

    def conformations(self, numbers: Tensor, current: Array) -> Array:
        """Conformations that numbers lead to; not finite where the numbers make none."""

    def open_log_density(self, numbers: Tensor, new: Array) -> Tensor:
        """Log density ``(n,)`` of what conformations leave open in their numbers."""


class TorsionScoreLeap:
    """Leaps of torsions by a network that knows their score; all else is carried.

    Torsions are measured as in the network's training, between the atoms of the layout, and turned
    about the bonds of the representation, which are the same ones.

    Parameters
    ----------
    model
        Copied.
    representation
        Its torsions that the network does not know stay as they are.
    layout
        Of the representation's molecule alone.
    dtype
        Of the network.

    Raises
    ------
    ValueError
        If the network knows none of the torsions.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.models.mars_fm_torsions import MarsFMTorsionsConfig
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> config = MarsFMTorsionsConfig(width=8, heads=1, ipa_layers=1, transformer_layers=1)
    >>> leap = TorsionScoreLeap(
    ...     MarsFMTorsions(config),
    ...     TorsionRepresentation.from_topology(topology),
    ...     ResidueLayout.from_topology(topology),
    ... )
    >>> leap.size, leap.angles(positions_nm[None]).round(1).tolist()
    (2, [[-2.5, 2.7]])
    """

    def __init__(
        self,
        model: MarsFMTorsions,
        representation: TorsionRepresentation,
        layout: ResidueLayout,
        dtype: torch.dtype = torch.float64,
    ) -> None:
        turned = layout.torsion_mask & np.array(TURNED_TORSIONS)[layout.types]
        columns = _columns(representation, layout, turned)
        if not columns:
            names = ", ".join(torsion.name for torsion in representation.torsions)
            raise ValueError(
                f"the network knows none of the torsions ({names}); expected phi, psi or chi1 to "
                "chi4 of amino acids"
            )
        self.representation = representation.subset(list(columns))
        self.layout, self.dtype = layout, dtype
        self._model = copy.deepcopy(model).to(dtype).eval()
        self._residues, self._columns = np.array(list(columns.values())).T
        mask = np.zeros_like(turned)
        mask[self._residues, self._columns] = True
        self._mask = torch.from_numpy(mask)[None]
        self._exists = torch.ones(1, len(layout), dtype=torch.bool)

    @property
    def size(self) -> int:
        """The number of torsions."""
        return len(self._columns)

    def angles(self, positions: Array) -> Array:
        """Torsions ``(n, d)``, rad, as the network knows them."""
        every = torsions_of(positions, self.layout, dtype=np.float64)
        return np.asarray(every[:, self._residues, self._columns])

    def field(self, current: Array) -> Field:
        """Score of the torsions after a leap, given n current conformations."""
        encoding = self._encoding(current)

        def score(angles: Tensor, sigma_rad: Tensor) -> Tensor:
            torsions = torch.zeros(len(angles), *self._mask.shape[1:], dtype=self.dtype)
            torsions[:, self._residues, self._columns] = angles.to(self.dtype)
            of_row = encoding.repeat_interleave(len(angles) // len(encoding), dim=0)
            found = self._model.score(
                torsions, sigma_rad.to(self.dtype), of_row, self._mask, self._exists
            )
            return found[:, self._residues, self._columns].to(angles.dtype)

        return without_graph(score)

    def numbers(self, new: Array, current: Array, rng: np.random.Generator) -> Tensor:
        """Torsions, whatever they are seen from; nothing is open."""
        return torch.from_numpy(self.angles(new))

    def conformations(self, numbers: Tensor, current: Array) -> Array:
        """Conformations with these torsions and everything else of the current ones."""
        return self.representation.turn(numbers.numpy() - self.angles(current), current)

    def open_log_density(self, numbers: Tensor, new: Array) -> Tensor:
        """Zeros: conformations leave nothing open."""
        return numbers.new_zeros(len(numbers))

    @torch.no_grad()
    def _encoding(self, current: Array) -> Tensor:
        rotations, translations = network_frames(
            frames_of(backbone_of(current, self.layout)), self.dtype
        )
        types = torch.from_numpy(self.layout.types).expand(len(current), -1)
        exists = self._exists.expand(len(current), -1)
        return self._model.encode(rotations, translations, types, exists)


def without_graph(field: Field) -> Field:
    """Return the same field, which is differentiated in its numbers only if these ask for it."""

    def plain(numbers: Tensor, level: Tensor) -> Tensor:
        with torch.set_grad_enabled(numbers.requires_grad):
            return field(numbers, level)

    return plain


def network_frames(frames: ResidueFrames, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Rotations and translations in Angstrom around the molecule's center, as in training."""
    centred = frames.translations_angstrom - frames.translations_angstrom.mean(
        axis=-2, keepdims=True
    )
    return torch.as_tensor(frames.rotations, dtype=dtype), torch.as_tensor(centred, dtype=dtype)


def _columns(
    representation: TorsionRepresentation, layout: ResidueLayout, turned: NDArray[np.bool_]
) -> dict[int, tuple[int, int]]:
    """Residue and column of each torsion that turns a bond known to the network."""
    place = {particle: n for n, particle in enumerate(representation.particles)}
    known = {}
    for residue, column in np.argwhere(turned).tolist():
        _, j, k, _ = layout.torsion_atoms[residue, column].tolist()
        known[frozenset((j, k))] = residue, column
    bonds = (frozenset(place[atom] for atom in t.atoms[1:3]) for t in representation.torsions)
    return {n: known[bond] for n, bond in enumerate(bonds) if bond in known}


def network_of(model: Model | str | Path) -> tuple[Model, str | None, str | None]:
    """Network, and name and sha256 of the checkpoint from which it came, if it did.

    Raises
    ------
    TypeError
        If it is none of MarsFM.
    FileNotFoundError
        If there is no such checkpoint.
    """
    if isinstance(model, MarsFM | MarsFMTorsions):
        return model, None, None
    if not isinstance(model, str | Path):
        raise TypeError(
            "model must be a MarsFM, a MarsFMTorsions or a checkpoint of one, got a "
            f"{type(model).__name__}"
        )
    path = find_checkpoint(model)
    checkpoint = load_checkpoint(path, torch.nn.Module)
    if not isinstance(checkpoint.model, MarsFM | MarsFMTorsions):
        raise TypeError(
            f"{path} holds a {type(checkpoint.model).__name__}; expected a MarsFM or a "
            "MarsFMTorsions, of `genmd train marsfm`"
        )
    return checkpoint.model, portable_path(path), checkpoint.sha256
