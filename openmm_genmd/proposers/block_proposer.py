"""Leaps of a random subset of torsions given the others: `BlockProposer`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from openmm_genmd.proposers.blocks import Block
from openmm_genmd.proposers.candidate_pool import model_version
from openmm_genmd.proposers.kept_context_leap import KeptContextLeap
from openmm_genmd.proposers.parts import ComposedProposer
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.proposers.uniform_leap import UniformLeap
from openmm_genmd.proposers.weighted_choice import WeightedChoice
from openmm_genmd.representations.torsions import TorsionRepresentation


class BlockProposer(ComposedProposer):
    """Chooses a block of torsions and draws these from the block's density; all else is carried.

    A leap of few torsions is accepted where one of all of them hardly ever is. Each block's move
    is a Metropolis-Hastings step for the block's torsions given all others: exact
    Metropolis-within-Gibbs with random scan.

    Parameters
    ----------
    representation
        The molecule and its torsions.
    blocks
        Which torsions leap together, and their densities; see `Block` and `torsion_blocks`.
    weights
        How often each block is chosen, relative to the others; by default the blocks' own weights.
    pool_size
        Candidates drawn in one batch from each unconditional model.

    Attributes
    ----------
    blocks
        With the weights used.
    parts
        The proposers of the blocks, in their order.

    Raises
    ------
    ValueError
        If there is no block, or one is repeated, or a model does not fit its block; if a weight
        is negative or not finite, or all are zero, or their number is wrong.

    References
    ----------
    Tierney, Ann. Stat. 22, 1701 (1994): mixtures of kernels.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> psi = Block("psi", (1,), TorusFlow(TorusFlowConfig(n_torsions=1)))
    >>> proposer = BlockProposer(representation, [Block("all", (0, 1)), psi], weights=[1, 3])
    >>> proposer.probabilities
    (0.25, 0.75)
    """

    grade = "exact"
    representation: TorsionRepresentation

    def __init__(
        self,
        representation: TorsionRepresentation,
        blocks: Sequence[Block],
        weights: Sequence[float] | None = None,
        *,
        pool_size: int = 1000,
    ) -> None:
        _require_different(blocks)
        if weights is None:
            weights = [block.weight for block in blocks]
        choice = WeightedChoice(weights, len(blocks), "blocks")
        parts = [_part(representation, block, pool_size) for block in blocks]
        super().__init__(parts, choice)
        self.representation = representation
        self.pool_size = pool_size
        self.blocks = tuple(
            replace(block, weight=float(weight))
            for block, weight in zip(blocks, weights, strict=True)
        )
        models = [getattr(block.model, "shared", block.model) for block in blocks]
        self._models = tuple({id(model): model for model in models}.values())

    def frozen_version(self) -> Hashable:
        """Versions of the models, of which many blocks may share one."""
        return tuple(model_version(model) for model in self._models)

    def describe(self) -> dict[str, Any]:
        """Return JSON types for `proposer_from_description`; nothing if a model has no file."""
        if any(not block.describe() for block in self.blocks):
            return {}
        return {
            "class": type(self).__name__,
            "representation": self.representation.to_dict(),
            "pool_size": self.pool_size,
            "blocks": [block.describe() for block in self.blocks],
        }


def _require_different(blocks: Sequence[Block]) -> None:
    if not blocks:
        raise ValueError("a proposer needs at least one block, got none")
    seen = set()
    for block in blocks:
        identity = frozenset(block.torsions), id(block.model)
        if identity in seen:
            raise ValueError(
                f"block {block.name!r} repeats an earlier one with the same torsions; keep one of "
                "them, with a larger weight"
            )
        seen.add(identity)


def _part(representation: TorsionRepresentation, block: Block, pool_size: int) -> Proposer:
    subset = representation.subset(block.torsions)
    if block.model is None:
        return UniformLeap(subset)
    if block.model.config.n_torsions != len(block.torsions):
        raise ValueError(
            f"block {block.name!r} has {len(block.torsions)} torsions but its model "
            f"{block.model.config.n_torsions}; train a model for this block"
        )
    if block.given == "kept":
        return KeptContextLeap(representation, block)
    return TorsionProposer(subset, block.model, pool_size=pool_size)
