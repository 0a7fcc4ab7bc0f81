"""The untrained proposer that learned ones must beat: `UniformTorsionProposer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from openmm_genmd.proposers.block_proposer import BlockProposer
from openmm_genmd.proposers.blocks import Block, default_blocks, torsion_blocks
from openmm_genmd.representations.torsions import TorsionRepresentation


class UniformTorsionProposer(BlockProposer):
    """Draws the torsions of a random block uniformly on the torus; all else is carried.

    It knows nothing about the molecule, and its log ratio is 0. It is the baseline that every
    learned model has to beat. With a share of 10 to 20 % in a `MixtureProposer` it keeps a learned
    model from forgetting any conformation.

    Parameters
    ----------
    representation
        The molecule and its torsions.
    blocks
        ``"default"``: phi and psi of each residue, the torsions on both sides of each peptide
        bond, each side chain, single torsions that are in none of these, and all torsions. Or
        one kind or several as for `torsion_blocks`, or blocks without models.
    weights
        How often each block is chosen, relative to the others; by default the blocks' own weights.

    Raises
    ------
    ValueError
        If a block has a model; if blocks or weights are not what `BlockProposer` and
        `torsion_blocks` demand.

    Examples
    --------
    >>> import numpy as np
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> proposer = UniformTorsionProposer(representation, blocks=["single", "all"])
    >>> [block.name for block in proposer.blocks]
    ['phi ALA 2', 'psi ALA 2', 'all']
    >>> proposer.propose(positions_nm, None, np.random.default_rng(1)).log_ratio
    0.0
    """

    def __init__(
        self,
        representation: TorsionRepresentation,
        *,
        blocks: str | Sequence[str] | Mapping[str, float] | Sequence[Block] = "default",
        weights: Sequence[float] | None = None,
    ) -> None:
        made = _blocks(representation, blocks)
        for block in made:
            if block.model is not None:
                raise ValueError(
                    f"block {block.name!r} has a model; a uniform proposer has none: use "
                    "BlockProposer for models"
                )
        super().__init__(representation, made, weights)


def _blocks(
    representation: TorsionRepresentation,
    blocks: str | Sequence[str] | Mapping[str, float] | Sequence[Block],
) -> Sequence[Block]:
    if isinstance(blocks, str) and blocks == "default":
        return default_blocks(representation)
    if isinstance(blocks, str | Mapping):
        return torsion_blocks(representation, [blocks] if isinstance(blocks, str) else blocks)
    ready = [block for block in blocks if isinstance(block, Block)]
    kinds = [kind for kind in blocks if isinstance(kind, str)]
    if len(ready) == len(blocks):
        return ready
    if len(kinds) == len(blocks):
        return torsion_blocks(representation, kinds)
    raise TypeError(
        "blocks must be 'default', kinds as for torsion_blocks(), or all be of class Block, got "
        f"{blocks!r}"
    )
