"""Batches of pairs (x, x1) from several molecules of different lengths: `PairBatches`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.pairs import PairSampler
from openmm_genmd.representations.residue_frames import frames_of
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_tokens import encode, token_mask
from openmm_genmd.representations.superposition import superpose
from openmm_genmd.training.batch_digest import batches_sha256
from openmm_genmd.training.flow_times import spread_times
from openmm_genmd.training.length_groups import draw_group, length_groups

Arrays = dict[str, NDArray[Any]]

_BLOCK = 32
"""Rows whose noise comes from one generator, for making one takes as long as noise for a row."""

_PADDING = np.array([[0.5, 1.4, 0.0], [0.0, 0.0, 0.0], [1.5, 0.0, 0.0]], dtype=np.float32)
"""N, CA and C of a residue that is not there; any that defines a frame."""


@dataclass(frozen=True, eq=False)
class PairSource:
    """Frames of one molecule, and which pairs of them are drawn.

    Attributes
    ----------
    layout
        Its residues.
    backbone_angstrom
        ``(n_frames, n_residues, 3, 3)`` float32, Angstrom: N, CA and C. May be a memory map.
    torsions_rad
        ``(n_frames, n_residues, 7)`` float32, rad, NaN where undefined. May be a memory map.
    pairs
        Draws indices of frames.
    sha256
        Hexadecimal digest of the frames and of what the pairs are drawn by.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.representations.residue_frames import backbone_of, torsions_of
    >>> topology, positions = load_structure("alanine-dipeptide")
    >>> layout = ResidueLayout.from_topology(topology)
    >>> frames = positions[None]  # a single one
    >>> source = PairSource(
    ...     layout,
    ...     backbone_of(frames, layout),
    ...     torsions_of(frames, layout),
    ...     PairSampler(np.zeros(1, dtype=np.int64), np.ones((1, 1))),
    ...     sha256="an example",
    ... )
    >>> batch = PairBatches([source], batch_size=2, seed=0).draw(0, range(2))
    >>> batch["tokens"].shape, np.abs(batch["tokens"][0, 0, :7]).round(3).tolist()
    ((2, 1, 21), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    """

    layout: ResidueLayout
    backbone_angstrom: NDArray[np.float32]
    torsions_rad: NDArray[np.float32]
    pairs: PairSampler
    sha256: str


@dataclass(frozen=True)
class _Pairs:
    """Drawn pairs; the three arrays ``(n,)`` number molecules, current frames and new frames."""

    molecule: NDArray[np.int64]
    current: NDArray[np.int64]
    new: NDArray[np.int64]


class PairBatches:
    """Training examples of MarS-FM; a `Batches`.

    Each row is a pair of one molecule, all molecules alike. A batch has molecules of similar
    length. The new conformation is superposed on the current one by all N, CA and C: where a
    molecule drifted to in its simulation box must not be learned.

    Arrays of a batch of n rows whose longest molecule has L residues, float32 unless said:
    ``tokens`` and ``noise`` ``(n, L, 21)``, ``time`` ``(n,)``, ``rotations`` ``(n, L, 3, 3)``,
    ``translations_angstrom`` ``(n, L, 3)``, ``residue_types`` ``(n, L)`` int64, ``token_mask``
    ``(n, L, 21)`` and ``residue_mask`` ``(n, L)`` bool. Flow times are those of
    `spread_times`.

    Parameters
    ----------
    sources
        The molecules.
    batch_size
        Rows of all processes together.
    seed
        Of pairs, noise and flow times.

    Raises
    ------
    ValueError
        If there is no molecule.

    Examples
    --------
    See `PairSource`.
    """

    def __init__(self, sources: Sequence[PairSource], *, batch_size: int, seed: int) -> None:
        if not sources:
            raise ValueError("expected at least one molecule to draw pairs from, got none")
        self._sources = list(sources)
        self._batch_size, self._seed = batch_size, seed
        self._groups = length_groups([len(source.layout) for source in sources])
        self.sha256 = batches_sha256(f"{batch_size} {seed}", sources)

    def draw(self, step: int, rows: range) -> Arrays:
        """Arrays by name: some rows of the batch of a step, counted from 0.

        Parameters
        ----------
        step
            Which batch.
        rows
            Which of its rows; each is the same whatever the others are, but for the padding.
        """
        rng = np.random.default_rng((self._seed, step))
        group = draw_group(self._groups, rng)
        pairs = self._draw_pairs(group, rng)
        times = spread_times(self._batch_size, rng)
        chosen = slice(rows.start, rows.stop)
        pairs = _Pairs(pairs.molecule[chosen], pairs.current[chosen], pairs.new[chosen])
        arrays = _tokens(*self._gather(pairs))
        exists = arrays["residue_mask"]
        # As for the longest of the group, so that the noise of a row does not depend on others.
        noise = self._noise(step, rows, len(self._sources[group[-1]].layout))[:, : exists.shape[1]]
        return {
            **arrays,
            "noise": np.where(exists[..., None], noise, np.float32(0.0)),
            "time": times[chosen].astype(np.float32),
        }

    def _draw_pairs(self, group: NDArray[np.int64], rng: np.random.Generator) -> _Pairs:
        molecule = group[rng.integers(len(group), size=self._batch_size)]
        current, new = np.zeros((2, self._batch_size), dtype=np.int64)
        for number in np.unique(molecule):
            here = molecule == number
            sampler = self._sources[number].pairs
            current[here], new[here] = sampler.draw(np.count_nonzero(here), rng)
        return _Pairs(molecule, current, new)

    def _noise(self, step: int, rows: range, length: int) -> NDArray[np.float32]:
        """Noise ``(n, length, 21)``: blocks of rows, of which those that are asked for are cut."""
        blocks = range(rows.start // _BLOCK, (rows.stop - 1) // _BLOCK + 1)
        noise = [
            np.random.default_rng((self._seed, step, 1 + block)).standard_normal(
                (_BLOCK, length, 21), dtype=np.float32
            )
            for block in blocks
        ]
        first = rows.start - blocks.start * _BLOCK
        return np.concatenate(noise)[first : first + len(rows)]

    def _gather(self, pairs: _Pairs) -> tuple[NDArray[np.float32], Arrays]:
        """Backbones ``(2, n, L, 3, 3)``, current and new, and the rest of a batch."""
        numbers = np.unique(pairs.molecule)
        n, longest = len(pairs.molecule), max(len(self._sources[m].layout) for m in numbers)
        backbones = np.broadcast_to(_PADDING, (2, n, longest, 3, 3)).copy()
        rest: Arrays = {
            "torsions_rad": np.full((n, longest, 7), np.nan, dtype=np.float32),
            "residue_types": np.zeros((n, longest), dtype=np.int64),
            "token_mask": np.zeros((n, longest, 21), dtype=np.bool_),
            "residue_mask": np.zeros((n, longest), dtype=np.bool_),
        }
        for number in numbers:
            source, here = self._sources[number], np.flatnonzero(pairs.molecule == number)
            length = len(source.layout)
            backbones[0, here, :length] = source.backbone_angstrom[pairs.current[here]]
            backbones[1, here, :length] = source.backbone_angstrom[pairs.new[here]]
            rest["torsions_rad"][here, :length] = source.torsions_rad[pairs.new[here]]
            rest["residue_types"][here, :length] = source.layout.types
            rest["token_mask"][here, :length] = token_mask(source.layout)
            rest["residue_mask"][here, :length] = True
        return backbones, rest


def _tokens(backbones: NDArray[np.float32], rest: Arrays) -> Arrays:
    current, new = backbones
    n, length = current.shape[:2]
    current = current - _centre(current, rest["residue_mask"])
    atoms = np.repeat(rest["residue_mask"], 3, axis=1)
    new = superpose(new.reshape(n, -1, 3), current.reshape(n, -1, 3), atoms)
    frames, targets = frames_of(current), frames_of(new.reshape(n, length, 3, 3))
    torsions_rad = rest.pop("torsions_rad")
    tokens = encode(frames, targets, torsions_rad)
    return {
        "tokens": np.where(rest["token_mask"], tokens, np.float32(0.0)),
        "rotations": frames.rotations.astype(np.float32),
        "translations_angstrom": frames.translations_angstrom.astype(np.float32),
        **rest,
    }


def _centre(backbone: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean CA ``(n, 1, 1, 3)``: far from the origin float32 would lose digits."""
    weights = (mask / mask.sum(axis=1, keepdims=True))[..., None]
    mean = (weights * backbone[:, :, 1]).sum(axis=1)
    return np.asarray(mean[:, None, None, :], dtype=np.float32)
