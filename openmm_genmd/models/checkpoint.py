"""Trained models on disk: one safetensors file with the whole configuration as JSON, no pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from pydantic import ValidationError

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig

FORMAT_VERSION = 1
"""Raised when a reader of the previous version would misread the file."""

_KEY = "openmm_genmd"
_KIND = "torus_flow"


@dataclass(frozen=True)
class Checkpoint:
    """A trained model and everything needed to use it as a proposal.

    Attributes
    ----------
    model
        In evaluation mode, float64.
    config
        The model's architecture.
    fingerprint
        The molecule for which it was trained.
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
    >>> checkpoint.config.n_torsions, checkpoint.metadata["temperature_k"]
    (2, 300.0)
    """

    model: TorusFlow
    config: TorusFlowConfig
    fingerprint: TopologyFingerprint
    representation: dict[str, Any]
    metadata: dict[str, Any]
    sha256: str


def save_checkpoint(
    path: str | Path,
    model: TorusFlow,
    fingerprint: TopologyFingerprint,
    representation: Mapping[str, Any],
    metadata: Mapping[str, Any],
) -> str:
    """Sha256 of the file written at ``path``, which appears whole or not at all.

    Parameters
    ----------
    path
        Usually ``*.safetensors``. An existing file is replaced.
    model
        Only its weights and configuration are stored.
    fingerprint
        The molecule that it was trained for.
    representation, metadata
        Anything that JSON can hold.
    """
    header = {
        "format_version": FORMAT_VERSION,
        "kind": _KIND,
        "config": model.config.model_dump(mode="json"),
        "fingerprint": fingerprint.model_dump(mode="json"),
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


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Return the checkpoint in a file that `save_checkpoint` wrote.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, is not a checkpoint of this package, or was written by a newer
        version.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; `genmd train torsions --out` makes one")
    data = path.read_bytes()
    try:
        tensors = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path} is not a complete safetensors file ({error}); copy or train it again"
        ) from None
    header = _header(path, data)
    try:
        config = TorusFlowConfig.model_validate(header["config"])
        fingerprint = TopologyFingerprint.model_validate(header["fingerprint"])
        representation, metadata = header["representation"], header["metadata"]
    except (KeyError, ValidationError) as error:
        raise ValueError(f"{path} has a damaged header: {error}; train it again") from None
    return Checkpoint(
        model=_restore(path, config, tensors),
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
    if header["kind"] != _KIND:
        raise ValueError(
            f"{path} holds a model of kind {header['kind']!r}, expected {_KIND!r}; "
            "upgrade openmm-genmd or choose another checkpoint"
        )
    return header


def _restore(path: Path, config: TorusFlowConfig, tensors: Mapping[str, torch.Tensor]) -> TorusFlow:
    model = TorusFlow(config)
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
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[name])
    return model.eval()
