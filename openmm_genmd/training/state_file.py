"""State of an unfinished fit on disk, whole at any moment."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from openmm_genmd.training.trainer_state import replace_file, write_trainer_state


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
    rows = "".join(json.dumps(dict(row)) + "\n" for row in log)
    replace_file(path.with_suffix(".jsonl"), lambda file: file.write(rows.encode()))
    write_trainer_state(path, state)


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
