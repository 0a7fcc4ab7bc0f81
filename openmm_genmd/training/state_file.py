"""State of an unfinished fit on disk, whole at any moment."""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch


def write_state(path: Path, state: Mapping[str, Any], log: Sequence[Mapping[str, float]]) -> None:
    """Write the state at ``path`` and its log at ``*.jsonl``, each whole or not at all.

    Parameters
    ----------
    path
        Replaced.
    state
        Tensors, numbers, strings, and lists and dicts of these.
    log
        One row per line.
    """
    _replace(
        path.with_suffix(".jsonl"), "".join(json.dumps(dict(row)) + "\n" for row in log).encode()
    )
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    _replace(path, buffer.getvalue())


def read_state(path: Path, identity: str) -> dict[str, Any]:
    """Return the state in a file that `write_state` wrote.

    Parameters
    ----------
    path
        The file.
    identity
        What the state's ``identity`` must be.

    Raises
    ------
    ValueError
        If the file is damaged, or belongs to a fit with other data or settings.
    """
    try:
        # weights_only: tensors and plain values, no code.
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError, OSError) as error:
        raise ValueError(
            f"cannot resume from {path}: {error}; delete it to train from the beginning"
        ) from None
    if not isinstance(state, dict) or state.get("identity") != identity:
        raise ValueError(
            f"cannot resume from {path}: it belongs to a fit with other data or settings; use the "
            "same ones, or train without --resume"
        )
    return state


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        # Without it a power cut could leave a renamed but empty file.
        os.fsync(file.fileno())
    os.replace(partial, path)
