"""Torsions that leap together: `Block`, `torsion_blocks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from openmm_genmd.proposers.candidate_pool import TorsionModel
from openmm_genmd.representations.torsion_groups import TORSION_KINDS, Group, torsion_groups
from openmm_genmd.representations.torsions import TorsionRepresentation

DEFAULT_KINDS = ("phi/psi", "psi/phi", "side chain", "all")
"""What a uniform proposer leaps in, besides single torsions that are in no block but ``all``."""


@dataclass(frozen=True)
class Block:
    """Some torsions of a representation, a density for them, and how often they leap.

    Attributes
    ----------
    name
        For people.
    torsions
        Numbers of the torsions in the representation.
    model
        Density of their new values; None for the uniform one.
    given
        What a conditional model depends on: ``"own"``, the present values of these torsions, or
        ``"kept"``, those of all others in the order of the representation. The others stay as
        they are during the leap, so that with ``"kept"`` many candidates can be weighed at once.
    weight
        How often this block is chosen, relative to the other blocks. A number, so that the choice
        cannot depend on the conformation.
    checkpoint_path, sha256
        The file from which the model was read, and its hash; None if it was not.

    Examples
    --------
    >>> Block("phi/psi ALA 2", (0, 1)).weight
    1.0
    """

    name: str
    torsions: tuple[int, ...]
    model: TorsionModel | None = None
    given: Literal["own", "kept"] = "own"
    weight: float = 1.0
    checkpoint_path: str | None = None
    sha256: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot leap."""
        if not self.torsions or len(set(self.torsions)) != len(self.torsions):
            raise ValueError(
                f"block {self.name!r} must have at least one torsion and each only once, got "
                f"{list(self.torsions)}"
            )
        if self.given == "kept" and self.model is None:
            raise ValueError(f"block {self.name!r} has given='kept' but no model; leave given out")
        if self.given not in ("own", "kept"):
            raise ValueError(
                f"given of block {self.name!r} must be 'own' or 'kept', got {self.given!r}"
            )

    def describe(self) -> dict[str, Any]:
        """Return JSON types for `proposer_from_description`; nothing if the model has no file."""
        if self.model is not None and self.checkpoint_path is None:
            return {}
        return {
            "name": self.name,
            "torsions": list(self.torsions),
            "given": self.given,
            "weight": self.weight,
            "checkpoint": self.checkpoint_path,
            "sha256": self.sha256,
        }


def torsion_blocks(
    representation: TorsionRepresentation,
    kinds: Sequence[str] | Mapping[str, float] = DEFAULT_KINDS,
) -> list[Block]:
    """Uniform blocks of some kinds; put models into them with `dataclasses.replace`.

    Parameters
    ----------
    representation
        The molecule and its torsions.
    kinds
        See `torsion_groups`. In a sequence of names every block has the weight 1. A mapping gives
        the weight of each kind as a whole, shared equally by its blocks. Kinds that the molecule
        does not have are left out. Blocks of several kinds with the same torsions become one,
        with the sum of their weights.

    Raises
    ------
    ValueError
        If a kind is unknown or repeated, or there is no block at all.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> [(b.name, b.weight) for b in torsion_blocks(representation, {"single": 3.0, "all": 1.0})]
    [('phi ALA 2', 1.5), ('psi ALA 2', 1.5), ('all', 1.0)]
    """
    if isinstance(kinds, str) or len(set(kinds)) != len(kinds):
        raise ValueError(
            f"kinds must be a sequence or mapping of different ones of {', '.join(TORSION_KINDS)}; "
            f"got {kinds!r}"
        )
    weighted = []
    for kind in kinds:
        groups = torsion_groups(representation, kind)
        weight = kinds[kind] / max(1, len(groups)) if isinstance(kinds, Mapping) else 1.0
        weighted += [(group, weight) for group in groups]
    if not weighted:
        raise ValueError(
            f"the molecule has no torsions of the kinds {', '.join(kinds)}; 'single' and 'all' "
            "exist in every molecule"
        )
    return _merged(weighted)


def default_blocks(representation: TorsionRepresentation) -> list[Block]:
    """Blocks of `DEFAULT_KINDS`, and single torsions that would leap with all others only."""
    kinds = [kind for kind in DEFAULT_KINDS if kind != "all"]
    groups = [group for kind in kinds for group in torsion_groups(representation, kind)]
    covered = {n for _, numbers in groups for n in numbers}
    single = torsion_groups(representation, "single")
    groups += [group for group in single if not covered.issuperset(group[1])]
    groups += torsion_groups(representation, "all")
    return _merged([(group, 1.0) for group in groups])


def _merged(weighted: list[tuple[Group, float]]) -> list[Block]:
    blocks: dict[tuple[int, ...], Block] = {}
    for (name, numbers), weight in weighted:
        if numbers in blocks:
            weight += blocks[numbers].weight
            blocks[numbers] = replace(blocks[numbers], weight=weight)
        else:
            blocks[numbers] = Block(name, numbers, weight=weight)
    return list(blocks.values())
