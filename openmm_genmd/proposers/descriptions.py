"""Proposers from what stands about them in an XML: `proposer_from_description`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from openmm_genmd.proposers.block_proposer import BlockProposer
from openmm_genmd.proposers.blocks import Block
from openmm_genmd.proposers.load import find_checkpoint, portable_path
from openmm_genmd.proposers.mixture_proposer import MixtureProposer
from openmm_genmd.proposers.peptide_blocks import molecule_density, with_density
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.proposers.uniform_torsion_proposer import UniformTorsionProposer
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.torsions import TorsionRepresentation

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
    representation = TorsionRepresentation.from_dict(description["representation"])
    models = _BlockModels(representation)
    return BlockProposer(
        representation,
        [_block(block, models) for block in description["blocks"]],
        pool_size=description["pool_size"],
    )


def _uniform_torsion_proposer(description: Description) -> Proposer:
    _require(description, "blocks", "representation")
    representation = TorsionRepresentation.from_dict(description["representation"])
    models = _BlockModels(representation)
    return UniformTorsionProposer(
        representation,
        blocks=[_block(block, models) for block in description["blocks"]],
    )


def _mixture_proposer(description: Description) -> Proposer:
    _require(description, "proposers", "weights")
    parts = [proposer_from_description(part) for part in description["proposers"]]
    return MixtureProposer(parts, description["weights"])


def _mars_fm_proposer(description: Description) -> Proposer:
    from openmm_genmd.proposers.mars_fm_proposer import MarsFMProposer

    widths = ("data_width", "radius_width", "repeated_width_rad")
    options = ("density", "steps", "first_noise", "last_noise", *widths)
    _require(description, "checkpoint", "sha256", "representation", *options)
    _, path = _model(description["checkpoint"], description["sha256"])
    kinds = (TorsionRepresentation, FrameRepresentation)
    kind = {kind.__name__: kind for kind in kinds}[description["representation"]["type"]]
    return MarsFMProposer(
        path,
        kind.from_dict(description["representation"]),
        **{name: description[name] for name in options},
    )


class _BlockModels:
    """Models of the blocks of one molecule; a file is read once for all blocks."""

    def __init__(self, representation: TorsionRepresentation) -> None:
        self._representation = representation
        self._read: dict[tuple[str, str], tuple[Any, str]] = {}

    def with_model(self, block: Block, checkpoint: str, sha256: str) -> Block:
        from openmm_genmd.models.torus_flow import TorusFlow

        key = checkpoint, sha256
        if key not in self._read:
            model, path = _model(checkpoint, sha256)
            if not isinstance(model, TorusFlow):
                model = molecule_density(model, self._representation)
            self._read[key] = model, path
        model, path = self._read[key]
        if isinstance(model, TorusFlow):
            return replace(block, model=model, checkpoint_path=path, sha256=sha256)
        return with_density(block, model, path, sha256)


def _block(description: Description, models: _BlockModels) -> Block:
    _require(description, "name", "torsions", "given", "weight", "checkpoint", "sha256")
    name, torsions = description["name"], tuple(description["torsions"])
    block = Block(name, torsions, weight=description["weight"])
    if description["checkpoint"] is None:
        return block
    block = models.with_model(block, description["checkpoint"], description["sha256"])
    return replace(block, given=description["given"])


def _require(description: Description, *names: str) -> None:
    missing = set(names) - description.keys()
    if missing:
        raise ValueError(f"the description of the proposer lacks {', '.join(sorted(missing))}")


def _model(name_or_path: str, sha256: str) -> tuple[Any, str]:
    """Model of a checkpoint that is still the same, and the path to store."""
    from torch.nn import Module

    from openmm_genmd.models.checkpoint import load_checkpoint

    path = find_checkpoint(name_or_path)
    checkpoint = load_checkpoint(path, Module)
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
    "MarsFMProposer": _mars_fm_proposer,  # imported on demand, with torch
}
