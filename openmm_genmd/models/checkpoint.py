"""Trained models on disk: one safetensors file with the whole configuration as JSON, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, cast, overload

import safetensors
import safetensors.torch
import torch
from pydantic import BaseModel, ValidationError
from typing_extensions import TypeVar

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions, MarsFMTorsionsConfig
from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig

FORMAT_VERSION = 1
"""Raised when a reader of the previous version would misread the file."""

_COMPACT = (torch.float16, torch.bfloat16)
_KEY = "openmm_genmd"

ModelT = TypeVar("ModelT", bound=torch.nn.Module, default=TorusFlow)
MoleculeT = TypeVar("MoleculeT", bound=TopologyFingerprint | None, default=TopologyFingerprint)


@dataclass(frozen=True)
class ModelKind:
    """A kind of model that a checkpoint can hold.

    Attributes
    ----------
    name
        As written in the file.
    model
        The class, made from its configuration alone.
    config
        The class of its configuration.
    of_one_molecule
        Whether a model belongs to one molecule, whose fingerprint is then stored with it.

    Examples
    --------
    >>> [(kind.name, kind.of_one_molecule) for kind in KINDS[:2]]
    [('torus_flow', True), ('mars_fm', False)]
    """

    name: str
    model: type[torch.nn.Module]
    config: type[BaseModel]
    of_one_molecule: bool


KINDS = (
    ModelKind("torus_flow", TorusFlow, TorusFlowConfig, of_one_molecule=True),
    ModelKind("mars_fm", MarsFM, MarsFMConfig, of_one_molecule=False),
    ModelKind("mars_fm_torsions", MarsFMTorsions, MarsFMTorsionsConfig, of_one_molecule=False),
    ModelKind("torsion_blocks", BlockTransformer, BlockTransformerConfig, of_one_molecule=False),
    ModelKind("bio_md", BioMD, BioMDConfig, of_one_molecule=False),
)
"""All kinds; the names are for ever."""


@dataclass(frozen=True)
class Checkpoint(Generic[ModelT, MoleculeT]):
    """A trained model and everything needed to use it as a proposal.

    Attributes
    ----------
    model
        In evaluation mode, with the numbers and the dtype that were saved; half precision, which
        only makes files small, becomes single.
    config
        The model's architecture.
    fingerprint
        The molecule for which it was trained; None for a kind that takes any molecule.
    representation
        What the model's numbers mean; for the ``from_dict`` of a representation.
    metadata
        How it was made: data hash, seed, validation likelihood, temperature and so on.
    sha256
        Hexadecimal digest of the file; recorded with each run.

    Examples
    --------
    >>> from importlib.resources import files
    >>> bundled = files("openmm_genmd") / "proposers/checkpoints/alanine-dipeptide.safetensors"
    >>> checkpoint = load_checkpoint(str(bundled))
    >>> checkpoint.model.config.n_torsions, checkpoint.metadata["temperature_k"]
    (2, 300.0)
    """

    model: ModelT
    config: BaseModel
    fingerprint: MoleculeT
    representation: dict[str, Any]
    metadata: dict[str, Any]
    sha256: str


def save_checkpoint(
    path: str | Path,
    model: torch.nn.Module,
    fingerprint: TopologyFingerprint | None,
    representation: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> str:
    """Sha256 of the file written at ``path``, which appears whole or not at all.

    Parameters
    ----------
    path
        Usually ``*.safetensors``. An existing file is replaced.
    model
        Of one of the `KINDS`. Only its weights and configuration are stored.
    fingerprint
        The molecule that it was trained for; None for a kind that takes any molecule.
    representation, metadata
        Anything that JSON can hold.

    Raises
    ------
    TypeError
        If the model is of no such kind, for instance a wrapper around one.
    ValueError
        If a fingerprint is missing or given needlessly.
    """
    kind = _kind_of(model)
    _check_fingerprint(kind, fingerprint)
    header = {
        "format_version": FORMAT_VERSION,
        "kind": kind.name,
        "config": cast(Any, model).config.model_dump(mode="json"),
        "fingerprint": None if fingerprint is None else fingerprint.model_dump(mode="json"),
        "representation": dict(representation),
        "metadata": dict(metadata),
    }
    # Parameters alone: the masks follow from the configuration.
    tensors = {name: p.detach().cpu().contiguous() for name, p in model.named_parameters()}
    data = safetensors.torch.save(tensors, metadata={_KEY: json.dumps(header, allow_nan=False)})
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    os.replace(partial, path)
    return hashlib.sha256(data).hexdigest()


@overload
def load_checkpoint(path: str | Path) -> Checkpoint[TorusFlow, TopologyFingerprint]: ...


@overload
def load_checkpoint(path: str | Path, model: type[MarsFM]) -> Checkpoint[MarsFM, None]: ...


@overload
def load_checkpoint(path: str | Path, model: type[BioMD]) -> Checkpoint[BioMD, None]: ...


@overload
def load_checkpoint(
    path: str | Path, model: type[BlockTransformer]
) -> Checkpoint[BlockTransformer, None]: ...


@overload
def load_checkpoint(
    path: str | Path, model: type[torch.nn.Module]
) -> Checkpoint[torch.nn.Module, TopologyFingerprint | None]: ...


def load_checkpoint(
    path: str | Path, model: type[torch.nn.Module] = TorusFlow
) -> Checkpoint[Any, Any]:
    """Return the checkpoint in a file that `save_checkpoint` wrote.

    Parameters
    ----------
    path
        The file.
    model
        The class of model that is expected; ``torch.nn.Module`` takes any of the `KINDS`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, is not a checkpoint of this package, holds another kind of model,
        or was written by a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; `genmd train` with --out makes one")
    data = path.read_bytes()
    try:
        tensors = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path} is not a complete safetensors file ({error}); copy or train it again"
        ) from None
    header = _header(path, data)
    kind = _stored_kind(path, header["kind"], model)
    try:
        config = kind.config.model_validate(header["config"])
        fingerprint = _fingerprint(kind, header["fingerprint"])
        representation, metadata = header["representation"], header["metadata"]
    except (KeyError, ValidationError) as error:
        raise ValueError(f"{path} has a damaged header: {error}; train it again") from None
    return Checkpoint(
        model=_restore(path, kind.model(config), tensors),
        config=config,
        fingerprint=fingerprint,
        representation=representation,
        metadata=metadata,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _header(path: Path, data: bytes) -> dict[str, Any]:
    # The layout of safetensors: eight bytes with the header's length, then the header as JSON.
    stored = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
    if _KEY not in stored:
        raise ValueError(
            f"{path} is a safetensors file, but not an openmm-genmd checkpoint; "
            "expected a file written by `genmd train`"
        )
    header: dict[str, Any] = json.loads(stored[_KEY])
    if header["format_version"] > FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {header['format_version']}, this openmm-genmd reads up to "
            f"{FORMAT_VERSION}; upgrade openmm-genmd"
        )
    return header


def _kind_of(model: torch.nn.Module) -> ModelKind:
    for kind in KINDS:
        if type(model) is kind.model:
            return kind
    raise TypeError(
        f"model must be a {' or a '.join(kind.model.__name__ for kind in KINDS)}, got "
        f"{type(model).__name__}; pass the model itself, not what compiles or distributes it"
    )


def _stored_kind(path: Path, name: str, model: type[torch.nn.Module]) -> ModelKind:
    expected = [kind for kind in KINDS if issubclass(kind.model, model)]
    for kind in expected:
        if kind.name == name:
            return kind
    raise ValueError(
        f"{path} holds a model of kind {name!r}, expected "
        f"{' or '.join(repr(kind.name) for kind in expected)}; "
        "choose another checkpoint, or upgrade openmm-genmd if the kind is a new one"
    )


def _check_fingerprint(kind: ModelKind, fingerprint: TopologyFingerprint | None) -> None:
    if kind.of_one_molecule and fingerprint is None:
        raise ValueError(
            f"a {kind.name} belongs to one molecule: pass its TopologyFingerprint, got None"
        )
    if fingerprint is not None and not kind.of_one_molecule:
        raise ValueError(
            f"a {kind.name} takes any molecule: expected None as fingerprint, got one of "
            f"{len(fingerprint)} atoms; name the training molecules in the metadata"
        )


def _fingerprint(kind: ModelKind, stored: object) -> TopologyFingerprint | None:
    return TopologyFingerprint.model_validate(stored) if kind.of_one_molecule else None


def _restore(
    path: Path, model: torch.nn.Module, tensors: Mapping[str, torch.Tensor]
) -> torch.nn.Module:
    expected = {name: tuple(p.shape) for name, p in model.named_parameters()}
    stored = {name: tuple(t.shape) for name, t in tensors.items()}
    if stored != expected:
        differing = sorted(
            n for n in expected.keys() | stored.keys() if expected.get(n) != stored.get(n)
        )
        raise ValueError(
            f"{path}: the weights do not fit the stored configuration (at {differing[0]}: expected "
            f"{expected.get(differing[0])}, got {stored.get(differing[0])}); train it again"
        )
    stored_in = next(iter(tensors.values())).dtype
    model = model.to(torch.float32 if stored_in in _COMPACT else stored_in)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[name])
    return model.eval()
