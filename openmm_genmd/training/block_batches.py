"""Random blocks of torsions of random frames, to be learned: `BlockBatches`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.representations.residue_types import RESIDUE_TYPES
from openmm_genmd.representations.torsion_tokens import TorsionTokens
from openmm_genmd.training.batch_digest import batches_sha256
from openmm_genmd.training.block_sources import BlockSource
from openmm_genmd.training.length_groups import draw_group, length_groups

BLOCK_SHARES = {
    "phi/psi": 0.15,
    "psi/phi": 0.1,
    "side chain": 0.15,
    "residue": 0.15,
    "neighbours": 0.15,
    "all": 0.15,
    "random": 0.15,
}
"""How often a block of each kind is learned: those of `torsion_groups`, and any subset."""

_UNKNOWN = RESIDUE_TYPES.index("UNK")


class BlockBatches:
    """Training examples of a `BlockTransformer`; a `Batches`.

    Each row is a frame of one molecule, all molecules alike, with a random block of its torsions. A
    batch has molecules of similar numbers of torsions. Arrays of n rows with L torsions at most are
    named like the arguments of `BlockTransformer.forward`.

    Parameters
    ----------
    sources
        The molecules.
    batch_size
        Rows of all processes together.
    seed
        Of everything drawn.
    jitter_rad
        Standard deviation of normal noise on all values. Blurs the density by so much, and keeps
        the model from learning frames by heart.
    population_power
        See `BlockSource.frame_weights`.
    hidden_residues
        Share of residues whose type is hidden, so that single peptides are not learned by heart.

    Raises
    ------
    ValueError
        If there is no molecule.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> from openmm_genmd.representations.torsions import TorsionRepresentation
    >>> representation = TorsionRepresentation.from_topology(build_peptide("SG")[0])
    >>> source = BlockSource.of("SG", representation, [np.zeros((4, 5))])
    >>> batch = BlockBatches([source], batch_size=2, seed=0).draw(0, range(2))
    >>> batch["torsions_rad"].shape, bool((batch["ranks"].max(axis=1) >= 0).all())
    ((2, 5), True)
    """

    def __init__(
        self,
        sources: Sequence[BlockSource],
        *,
        batch_size: int,
        seed: int,
        jitter_rad: float = 0.0,
        population_power: float = 1.0,
        hidden_residues: float = 0.0,
    ) -> None:
        if not sources:
            raise ValueError("expected at least one molecule to learn from, got none")
        self._sources = list(sources)
        self._batch_size, self._seed, self._jitter_rad = batch_size, seed, jitter_rad
        self._hidden_residues = hidden_residues
        self._groups = length_groups([len(source.tokens) for source in sources])
        self._cumulative = [np.cumsum(source.frame_weights(population_power)) for source in sources]
        settings = (batch_size, seed, jitter_rad, population_power, hidden_residues, BLOCK_SHARES)
        self.sha256 = batches_sha256(str(settings), sources)

    def draw(self, step: int, rows: range) -> dict[str, NDArray[Any]]:
        """Arrays by name: some rows of the batch of a step, counted from 0.

        Parameters
        ----------
        step
            Which batch.
        rows
            Which of its rows; each is the same whatever the others are.
        """
        rng = np.random.default_rng((self._seed, step))
        group = draw_group(self._groups, rng)
        chosen = group[rng.integers(len(group), size=self._batch_size)]
        longest = max(len(self._sources[number].tokens) for number in group)
        batch = self._empty(longest)
        for number in np.unique(chosen):
            here = np.flatnonzero(chosen == number)
            self._fill(batch, here, int(number), rng)
        return {name: array[rows.start : rows.stop] for name, array in batch.items()}

    def _empty(self, longest: int) -> dict[str, NDArray[Any]]:
        shape = (self._batch_size, longest)
        integers = ("kinds", "residue_types", "variants", "residues")
        return {
            "torsions_rad": np.zeros(shape, dtype=np.float32),
            "ranks": np.full(shape, -1, dtype=np.int64),
            **{name: np.zeros(shape, dtype=np.int64) for name in integers},
            "from_ends": np.zeros((*shape, 2), dtype=np.int64),
            "free_ends": np.zeros((self._batch_size, 2), dtype=np.bool_),
            "exists": np.zeros(shape, dtype=np.bool_),
        }

    def _fill(
        self,
        batch: dict[str, NDArray[Any]],
        rows: NDArray[np.int64],
        number: int,
        rng: np.random.Generator,
    ) -> None:
        source, cumulative = self._sources[number], self._cumulative[number]
        tokens, n = source.tokens, len(rows)
        length = len(tokens)
        frames = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
        values = source.torsions_rad[np.minimum(frames, len(cumulative) - 1)]
        turned = tokens.symmetric & (rng.random((n, length)) < 0.5)
        noise = self._jitter_rad * rng.standard_normal((n, length))
        batch["torsions_rad"][rows, :length] = values + np.pi * turned + noise
        batch["ranks"][rows, :length] = _random_ranks(source, n, rng)
        for name in ("kinds", "variants", "residues", "from_ends"):
            batch[name][rows, :length] = getattr(tokens, name)
        hidden = rng.random((n, tokens.residues.max() + 1)) < self._hidden_residues
        batch["residue_types"][rows[:, None], np.arange(length)] = np.where(
            hidden[:, tokens.residues], _UNKNOWN, tokens.residue_types
        )
        batch["free_ends"][rows] = tokens.free_ends
        batch["exists"][rows, :length] = True


def ranks_of(tokens: TorsionTokens, block: Sequence[int]) -> NDArray[np.int64]:
    """Places ``(n,)`` of the torsions of a block in the order in which they are drawn, or -1.

    Parameters
    ----------
    tokens
        All torsions.
    block
        Numbers of some.
    """
    ranks = np.full(len(tokens), -1, dtype=np.int64)
    ordered = [n for n in tokens.order.tolist() if n in set(block)]
    ranks[ordered] = np.arange(len(ordered))
    return ranks


def _random_ranks(source: BlockSource, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Ranks ``(n, n_torsions)`` of random blocks."""
    names = [name for name in BLOCK_SHARES if name == "random" or source.blocks.get(name)]
    shares = np.array([BLOCK_SHARES[name] for name in names])
    kinds = rng.choice(len(names), size=n, p=shares / shares.sum())
    picks, lots = rng.random(n), rng.random((n, len(source.tokens)))
    share = rng.random(n)
    ranks = np.empty((n, len(source.tokens)), dtype=np.int64)
    for row in range(n):
        name = names[kinds[row]]
        if name == "random":
            block = tuple(np.flatnonzero(lots[row] <= max(share[row], lots[row].min())).tolist())
        else:
            found = source.blocks[name]
            block = found[int(picks[row] * len(found))]
        ranks[row] = ranks_of(source.tokens, block)
    return ranks
