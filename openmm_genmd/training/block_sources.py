"""Torsions of a peptide's frames, and which of them belong together: `BlockSource`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.representations.residue_data import ResidueData
from openmm_genmd.representations.torsion_groups import TORSION_KINDS, torsion_groups
from openmm_genmd.representations.torsion_tokens import TOKEN_KINDS, TorsionTokens
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training.dataset import validation_mask
from openmm_genmd.training.run_candidates import RunCandidates

Array = NDArray[np.float64]

_PHI = TOKEN_KINDS.index("phi")


@dataclass(frozen=True, eq=False)
class BlockSource:
    """Torsions of the frames of one molecule, and which of them belong together.

    Attributes
    ----------
    name
        For people: its sequence.
    tokens
        What its torsions are.
    torsions_rad
        ``(n_frames, n_torsions)`` float32, rad.
    lengths
        Frames of each continuous piece, one after the other.
    blocks
        Numbers of torsions, by kind; see `torsion_groups`.
    weights
        ``(n_frames,)`` float64, of recycled candidates; None for frames that count alike.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> representation = TorsionRepresentation.from_topology(build_peptide("SG")[0])
    >>> source = BlockSource.of("SG", representation, [np.zeros((4, 5)), np.ones((2, 5))])
    >>> source.lengths, source.blocks["side chain"], source.blocks["neighbours"]
    ((4, 2), ((2,),), ((0, 1, 2, 3, 4),))
    """

    name: str
    tokens: TorsionTokens
    torsions_rad: NDArray[np.float32]
    lengths: tuple[int, ...]
    blocks: Mapping[str, tuple[tuple[int, ...], ...]]
    weights: Array | None = None

    @classmethod
    def of(
        cls, name: str, representation: TorsionRepresentation, trajectories: Sequence[NDArray[Any]]
    ) -> Self:
        """Source of torsions ``(n_frames, n_torsions)`` in rad, one array for each piece.

        Raises
        ------
        ValueError
            If there are no frames, or a torsion is not a number.
        """
        torsions = np.concatenate([np.asarray(part, dtype=np.float32) for part in trajectories])
        if len(torsions) == 0 or not np.isfinite(torsions).all():
            raise ValueError(
                f"expected frames of {name} with finite torsions, got {len(torsions)} frames, of "
                f"which {int((~np.isfinite(torsions).all(axis=1)).sum())} have one that is not a "
                "number; look for broken frames"
            )
        return cls(
            name,
            TorsionTokens.of(representation),
            torsions,
            tuple(len(part) for part in trajectories),
            _blocks(representation),
        )

    @cached_property
    def sha256(self) -> str:
        """Hexadecimal digest of molecule and frames."""
        digest = hashlib.sha256(self.name.encode())
        for array in (self.tokens.kinds, self.tokens.residue_types, self.torsions_rad):
            digest.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
        if self.weights is not None:
            digest.update(self.weights.tobytes())
        return digest.hexdigest()

    def divide(
        self, fraction: float, rng: np.random.Generator
    ) -> tuple[BlockSource, BlockSource | None]:
        """Frames to train on, and about a share of them, in blocks of time, that are held out.

        Raises
        ------
        ValueError
            If there are too few frames to divide.
        """
        if fraction == 0.0:
            return self, None
        mask = validation_mask(self.lengths, fraction, rng)
        return self._part(~mask), self._part(mask)

    def _part(self, mask: NDArray[np.bool_]) -> BlockSource:
        return replace(
            self,
            torsions_rad=self.torsions_rad[mask],
            lengths=(int(mask.sum()),),
            weights=None if self.weights is None else self.weights[mask],
        )

    def frame_weights(self, population_power: float) -> Array:
        """Probabilities ``(n_frames,)``; the sign of every phi tells states apart.

        Parameters
        ----------
        population_power
            The weight of a state is its share of the frames to this power: 0, all states alike; 1,
            all frames alike.
        """
        signs = self.torsions_rad[:, self.tokens.kinds == _PHI] > 0
        state = np.unique(signs, axis=0, return_inverse=True)[1].reshape(-1)
        own = np.ones(len(state)) if self.weights is None else self.weights
        shares = np.bincount(state, own) / own.sum()
        weights = own * shares[state] ** (population_power - 1.0)
        return np.asarray(weights / weights.sum())


def _blocks(representation: TorsionRepresentation) -> dict[str, tuple[tuple[int, ...], ...]]:
    kinds = [kind for kind in TORSION_KINDS if kind != "single"]
    return {
        kind: tuple(numbers for _, numbers in torsion_groups(representation, kind))
        for kind in kinds
    }


def source_of_candidates(candidates: RunCandidates, name: str) -> BlockSource:
    """Torsions that a run has tried, each with its weight.

    Parameters
    ----------
    candidates
        Of the run, in the order of time: one continuous piece.
    name
        For people: the sequence.

    Raises
    ------
    ValueError
        If there are none, or a torsion is not a number.
    """
    source = BlockSource.of(name, candidates.representation, [candidates.torsions_rad])
    return replace(source, weights=candidates.weights)


def source_of_residues(data: ResidueData) -> BlockSource:
    """Torsions that turn, of all that are in a folder of ``genmd msm``.

    Raises
    ------
    ValueError
        If a torsion that turns is not among those that the folder has.
    """
    representation = TorsionRepresentation.from_topology(data.topology())
    atoms = data.layout.torsion_atoms
    place = {
        tuple(sorted((four[0], four[-1]))) + tuple(sorted(four[1:3])): (residue, torsion)
        for residue, row in enumerate(atoms.tolist())
        for torsion, four in enumerate(row)
    }
    found = []
    for torsion in representation.torsions:
        i, j, k, l = torsion.atoms  # noqa: E741
        key = (min(i, l), max(i, l), min(j, k), max(j, k))
        if key not in place:
            raise ValueError(
                f"{data.folder} has no values of {torsion.name}, which turns; expected phi, psi "
                "and chi of standard amino acids: train on the folder of genmd simulate instead"
            )
        found.append(place[key])
    residues, torsions = zip(*found, strict=True)
    values = np.asarray(data.torsions_rad[:, residues, torsions])
    return BlockSource.of(
        data.layout.sequence, representation, [values[piece] for piece in data.replicas]
    )
