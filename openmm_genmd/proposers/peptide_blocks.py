"""Leaps of blocks of torsions of any peptide with one model: `peptide_block_proposer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openmm
from openmm import app

from openmm_genmd.proposers.block_proposer import BlockProposer
from openmm_genmd.proposers.blocks import Block, torsion_blocks
from openmm_genmd.representations.torsion_tokens import TOKEN_KINDS, TorsionTokens
from openmm_genmd.representations.torsions import TorsionRepresentation

if TYPE_CHECKING:
    from openmm_genmd.models.block_density import MoleculeDensity
    from openmm_genmd.models.block_transformer import BlockTransformer

_OTHER = TOKEN_KINDS.index("other")

LEARNED_KINDS = {"residue": 0.6, "neighbours": 0.1, "phi/psi": 0.15, "side chain": 0.15}
"""Weights of kinds of blocks: those of four or so torsions gain most over uniform leaps."""

_ALL, _MOST_IN_ALL = 0.4, 10
"""Weight of the block of all torsions, and the most torsions with which it is accepted."""


def peptide_block_proposer(
    model: BlockTransformer,
    molecule: app.Topology | TorsionRepresentation,
    system: openmm.System | None = None,
    *,
    atoms: Sequence[int] | None = None,
    kinds: str | Sequence[str] | Mapping[str, float] = "default",
    checkpoint_path: str | None = None,
    sha256: str | None = None,
) -> BlockProposer:
    """Proposer whose blocks have the densities of one model, each given all other torsions.

    Parameters
    ----------
    model
        Of `genmd train blocks`.
    molecule
        Topology with one peptide, or its representation.
    system
        Of the Topology: leaps are then checked against constraints and frozen particles.
    atoms
        Atoms of the peptide, if the Topology has several.
    kinds
        Of blocks: ``"default"`` for `LEARNED_KINDS`, and all torsions together if they are few; one
        kind; or as for `torsion_blocks`. A block with a torsion that is not one of a peptide leaps
        uniformly.
    checkpoint_path, sha256
        The file from which the model was read, and its hash; None if it was not.

    Raises
    ------
    ValueError
        If there is no rotatable bond, or several molecules have some, or a kind of block is
        unknown; if a leap would change a constraint or move a frozen particle.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
    >>> topology, _ = build_peptide("SG")
    >>> untrained = BlockTransformer(BlockTransformerConfig())
    >>> proposer = peptide_block_proposer(untrained, topology, kinds={"residue": 3.0, "all": 1.0})
    >>> [(block.name, block.weight, block.given) for block in proposer.blocks]
    [('residue SER 2', 1.5, 'kept'), ('residue GLY 3', 1.5, 'kept'), ('all', 1.0, 'own')]
    """
    representation = (
        molecule
        if isinstance(molecule, TorsionRepresentation)
        else TorsionRepresentation.from_topology(molecule, system, atoms=atoms)
    )
    if isinstance(kinds, str):
        kinds = _default_kinds(representation) if kinds == "default" else [kinds]
    blocks = torsion_blocks(representation, kinds)
    density = molecule_density(model, representation)
    learned = [with_density(block, density, checkpoint_path, sha256) for block in blocks]
    return BlockProposer(representation, learned)


def _default_kinds(representation: TorsionRepresentation) -> dict[str, float]:
    few = len(representation.torsions) <= _MOST_IN_ALL
    return LEARNED_KINDS | ({"all": _ALL} if few else {})


def molecule_density(
    model: BlockTransformer, representation: TorsionRepresentation
) -> MoleculeDensity:
    """Densities of all blocks of a molecule, which share the model."""
    from openmm_genmd.models.block_density import MoleculeDensity

    return MoleculeDensity(model, TorsionTokens.of(representation))


def with_density(
    block: Block, density: MoleculeDensity, checkpoint_path: str | None, sha256: str | None
) -> Block:
    """Block with its density given all other torsions, or itself if that says nothing about it.

    Parameters
    ----------
    block
        Uniform.
    density
        Of the molecule.
    checkpoint_path, sha256
        The file of the model, if any.
    """
    if (density.tokens.kinds[list(block.torsions)] == _OTHER).any():
        return block
    model = density.block(block.torsions)
    given: Any = "kept" if model.config.conditional else "own"
    return replace(block, model=model, given=given, checkpoint_path=checkpoint_path, sha256=sha256)
