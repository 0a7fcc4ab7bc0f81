"""Proposers from checkpoints: `load_proposer`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openmm
from openmm import app

from openmm_genmd.data.fingerprint import TopologyFingerprint, summary
from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.representations.constraints import check_system
from openmm_genmd.representations.selection import describe_molecule, molecules_of
from openmm_genmd.representations.torsions import TorsionRepresentation

if TYPE_CHECKING:
    from openmm_genmd.models.checkpoint import Checkpoint

BUNDLED = Path(__file__).parent / "checkpoints"
"""Where the checkpoints that come with the package are."""

_SUFFIX = ".safetensors"
_COMPARED = 20
"""Molecules looked at when searching the nearest one for an error message."""


def load_proposer(
    name_or_path: str | Path,
    topology: Any,
    system: openmm.System | None = None,
    *,
    atoms: Sequence[int] | None = None,
) -> Proposer:
    """Proposer of a checkpoint, for a molecule of a Topology.

    What leaps depends on the kind of model: a `TorsionProposer` for the molecule that a model of
    ``genmd train torsions`` was trained for; for any peptide a `BlockProposer` with a model of
    ``genmd train blocks``, and a `MarsFMProposer` at path density with one of ``genmd train
    marsfm``, best with ``--leaps``.

    Parameters
    ----------
    name_or_path
        Name of a bundled checkpoint, for instance ``"alanine-dipeptide"``, or a path to a file.
    topology
        An OpenMM Topology, or an MDTraj one.
    system
        If given, the leaps are checked against its constraints and frozen particles, and atoms
        without bonds in the Topology get theirs from it.
    atoms
        Indices of atoms of the molecule, if the Topology contains it several times.

    Raises
    ------
    TypeError
        If an argument is of another kind, for instance a PDBFile instead of its Topology, or if
        the order is wrong.
    FileNotFoundError
        If there is no such name and no such file.
    ValueError
        If the file is damaged; if no molecule matches the checkpoint, or several do; if System
        and Topology do not fit; if a leap would change a constraint or move a frozen particle.
    """
    from torch.nn import Module

    from openmm_genmd.models.block_transformer import BlockTransformer
    from openmm_genmd.models.checkpoint import load_checkpoint
    from openmm_genmd.models.mars_fm import MarsFM
    from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions
    from openmm_genmd.models.torus_flow import TorusFlow

    _check_kinds(name_or_path, topology, system)
    path = find_checkpoint(name_or_path)
    checkpoint: Checkpoint[Any, Any] = load_checkpoint(path, Module)
    makers = {
        TorusFlow: _torsion_proposer,
        BlockTransformer: _block_proposer,
        MarsFM: _mars_fm_proposer,
        MarsFMTorsions: _mars_fm_proposer,
    }
    maker = makers[type(checkpoint.model)]
    if not isinstance(topology, app.Topology):
        topology = topology.to_openmm()
    return maker(_Found(path, checkpoint, topology, system, atoms))


@dataclass(frozen=True)
class _Found:
    """A checkpoint and where its molecule is to be looked for."""

    path: Path
    checkpoint: Checkpoint[Any, Any]
    topology: app.Topology
    system: openmm.System | None
    atoms: Sequence[int] | None

    @property
    def origin(self) -> dict[str, Any]:
        """What a stored run needs to find the file again."""
        return {
            "checkpoint_path": portable_path(self.path),
            "sha256": self.checkpoint.sha256,
        }


def _torsion_proposer(found: _Found) -> Proposer:
    stored = _representation(found.path, found.checkpoint)
    molecule = _matching_molecule(
        *(found.path, found.checkpoint.fingerprint, found.topology, found.system, found.atoms)
    )
    representation = stored.relocated(molecule)
    if found.system is not None:
        check_system(found.system, representation.torsions)
    return TorsionProposer(representation, found.checkpoint.model, **found.origin)


def _block_proposer(found: _Found) -> Proposer:
    from openmm_genmd.proposers.peptide_blocks import peptide_block_proposer

    model, molecule = found.checkpoint.model, (found.topology, found.system)
    return peptide_block_proposer(model, *molecule, atoms=found.atoms, **found.origin)


def _mars_fm_proposer(found: _Found) -> Proposer:
    from openmm_genmd.proposers.mars_fm_proposer import MarsFMProposer

    return MarsFMProposer(found.path, found.topology, system=found.system, atoms=found.atoms)


def bundled_names() -> list[str]:
    """Names of the checkpoints that come with the package."""
    return sorted(path.stem for path in BUNDLED.glob(f"*{_SUFFIX}"))


def find_checkpoint(name_or_path: str | Path) -> Path:
    """Path of a bundled checkpoint by its name, or the path itself, absolute.

    Raises
    ------
    FileNotFoundError
        If there is neither.
    """
    if str(name_or_path) in bundled_names():
        return BUNDLED / f"{name_or_path}{_SUFFIX}"
    path = Path(name_or_path)
    if not path.is_file():
        names = ", ".join(bundled_names()) or "none"
        raise FileNotFoundError(
            f"no checkpoint file {path}, and no bundled one of that name (bundled: {names}); "
            "`genmd train` makes one"
        )
    return path.resolve()


def portable_path(path: Path) -> str:
    """Name of a bundled checkpoint, so that stored runs can move between machines; else path."""
    return path.stem if path.parent == BUNDLED else str(path)


def _check_kinds(name_or_path: Any, topology: Any, system: Any) -> None:
    order = "the order is load_proposer(name_or_path, topology, system)"
    if not isinstance(name_or_path, str | os.PathLike):
        raise TypeError(
            "name_or_path must be the name of a bundled checkpoint or a path, got "
            f"{_kind(name_or_path)}; {order}"
        )
    # MDTraj is not imported for this: its Topology is known by what it can do.
    if not isinstance(topology, app.Topology) and not hasattr(topology, "to_openmm"):
        raise TypeError(
            f"topology must be an OpenMM or MDTraj Topology, got {_kind(topology)}; "
            f"{'pass .topology' if hasattr(topology, 'topology') else order}"
        )
    if system is not None and not isinstance(system, openmm.System):
        raise TypeError(
            f"system must be an openmm.System or left out, got {_kind(system)}; "
            f"{'pass .system' if hasattr(system, 'system') else order}"
        )


def _kind(thing: Any) -> str:
    if thing is None:
        return "None"
    return f"{thing!r}" if isinstance(thing, str) else f"a {type(thing).__name__}"


def _representation(path: Path, checkpoint: Checkpoint) -> TorsionRepresentation:
    representation = TorsionRepresentation.from_dict(checkpoint.representation)
    checkpoint.fingerprint.require_match(
        representation.fingerprint, f"checkpoint {path.name} contradicts itself: its model"
    )
    return representation


def _matching_molecule(
    path: Path,
    expected: TopologyFingerprint,
    topology: app.Topology,
    system: openmm.System | None,
    atoms: Sequence[int] | None,
) -> tuple[int, ...]:
    graph = BondGraph.of(topology, system)
    molecules = molecules_of(graph, topology.getNumAtoms(), atoms)
    same_size = [molecule for molecule in molecules if len(molecule) == len(expected)]
    matching = [
        molecule
        for molecule in same_size
        if expected.matches(TopologyFingerprint.of(topology, molecule, graph.bonds))
    ]
    if not matching:
        raise ValueError(_no_match(path, expected, topology, graph, same_size or molecules))
    if len(matching) > 1:
        shown = "; ".join(describe_molecule(topology, molecule) for molecule in matching[:3])
        raise ValueError(
            f"{len(matching)} molecules match checkpoint {path.name} ({shown}"
            f"{'; …' if len(matching) > 3 else ''}); choose one with atoms="
        )
    return matching[0]


def _no_match(
    path: Path,
    expected: TopologyFingerprint,
    topology: app.Topology,
    graph: BondGraph,
    molecules: Sequence[tuple[int, ...]],
) -> str:
    start = f"no molecule of the Topology matches checkpoint {path.name}"
    if not graph.bonds:
        return f"{start}: the Topology has no bonds; pass system= to take them from its forces"
    near = sorted(molecules, key=lambda molecule: abs(len(molecule) - len(expected)))[:_COMPARED]
    differences = {
        molecule: expected.differences(TopologyFingerprint.of(topology, molecule, graph.bonds))
        for molecule in near
    }
    nearest = min(near, key=lambda molecule: len(differences[molecule]))
    return (
        f"{start} (fingerprint {expected.digest}); the nearest is "
        f"{describe_molecule(topology, nearest)}: {summary(differences[nearest])}"
    )
