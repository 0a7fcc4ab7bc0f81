"""Proposers from what stands about them in an XML: `proposer_from_description`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from openmm_genmd.proposers.block_proposer import BlockProposer
from openmm_genmd.proposers.blocks import Block
from openmm_genmd.proposers.load import find_checkpoint, portable_path
from openmm_genmd.proposers.mixture_proposer import MixtureProposer
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.proposers.uniform_torsion_proposer import UniformTorsionProposer
from openmm_genmd.representations.torsions import TorsionRepresentation

if TYPE_CHECKING:
    from openmm_genmd.models.torus_flow import TorusFlow

Description = Mapping[str, Any]


def proposer_from_description(description: Description) -> Proposer:
    """Proposer that gave a dictionary by its ``describe()``; no Topology is needed.

    Parameters
    ----------
    description
        As it stands in an integrator's XML.

    Raises
    ------
    FileNotFoundError
        If a checkpoint is not there any more.
    ValueError
        If the description is incomplete or of another class, or a checkpoint has changed.
    """
    maker = _MAKERS.get(str(description.get("class")))
    if maker is None:
        raise ValueError(
            f"cannot make a proposer of class {description.get('class')!r} from its description; "
            "make it yourself and pass it to setProposer()"
        )
    return maker(description)


def _torsion_proposer(description: Description) -> Proposer:
    _require(description, "checkpoint", "sha256", "pool_size", "representation")
    model, path = _model(description["checkpoint"], description["sha256"])
    return TorsionProposer(
        TorsionRepresentation.from_dict(description["representation"]),
        model,
        pool_size=description["pool_size"],
        checkpoint_path=path,
        sha256=description["sha256"],
    )


def _block_proposer(description: Description) -> Proposer:
    _require(description, "blocks", "pool_size", "representation")
    return BlockProposer(
        TorsionRepresentation.from_dict(description["representation"]),
        [_block(block) for block in description["blocks"]],
        pool_size=description["pool_size"],
    )


def _uniform_torsion_proposer(description: Description) -> Proposer:
    _require(description, "blocks", "representation")
    return UniformTorsionProposer(
        TorsionRepresentation.from_dict(description["representation"]),
        blocks=[_block(block) for block in description["blocks"]],
    )


def _mixture_proposer(description: Description) -> Proposer:
    _require(description, "proposers", "weights")
    parts = [proposer_from_description(part) for part in description["proposers"]]
    return MixtureProposer(parts, description["weights"])


def _block(description: Description) -> Block:
    _require(description, "name", "torsions", "given", "weight", "checkpoint", "sha256")
    model = path = None
    if description["checkpoint"] is not None:
        model, path = _model(description["checkpoint"], description["sha256"])
    return Block(
        description["name"],
        tuple(description["torsions"]),
        model,
        given=description["given"],
        weight=description["weight"],
        checkpoint_path=path,
        sha256=description["sha256"],
    )


def _require(description: Description, *names: str) -> None:
    missing = set(names) - description.keys()
    if missing:
        raise ValueError(f"the description of the proposer lacks {', '.join(sorted(missing))}")


def _model(name_or_path: str, sha256: str) -> tuple[TorusFlow, str]:
    """Model of a checkpoint that is still the same, and the path to store."""
    from openmm_genmd.models.checkpoint import load_checkpoint

    path = find_checkpoint(name_or_path)
    checkpoint = load_checkpoint(path)
    if checkpoint.sha256 != sha256:
        raise ValueError(
            f"checkpoint {path} has changed since the proposer was stored: expected sha256 "
            f"{sha256}, got {checkpoint.sha256}; restore the file, or load the new "
            "one with load_proposer() and pass it to setProposer()"
        )
    return checkpoint.model, portable_path(path)


_MAKERS: dict[str, Callable[[Description], Proposer]] = {
    TorsionProposer.__name__: _torsion_proposer,
    BlockProposer.__name__: _block_proposer,
    UniformTorsionProposer.__name__: _uniform_torsion_proposer,
    MixtureProposer.__name__: _mixture_proposer,
}
