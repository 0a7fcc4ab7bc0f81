"""Files of a training: the state from which it resumes, and its log."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import torch


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let ``write`` fill a file that appears whole at ``path``, or not at all."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        write(file)
        file.flush()
        # Without it a power cut could leave a renamed but empty file.
        os.fsync(file.fileno())
    os.replace(partial, path)


def write_trainer_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write tensors, numbers, strings, and lists and dicts of these, whole or not at all."""
    replace_file(path, lambda file: torch.save(dict(state), file))


class TrainingLog:
    """One JSON object per line, appended while a training goes on.

    Parameters
    ----------
    path
        The file.
    resumed_step
        Rows of later steps are dropped, for they will be written again; all if it is 0.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.jsonl"
    ...     log = TrainingLog(path)
    ...     for step in (10, 20, 30):
    ...         log.write({"step": step})
    ...     TrainingLog(path, resumed_step=20).write({"step": 30, "again": True})
    ...     print(path.read_text(), end="")
    {"step": 10}
    {"step": 20}
    {"step": 30, "again": true}
    """

    def __init__(self, path: Path, resumed_step: int = 0) -> None:
        self.path = path
        kept = [line for line in self._lines() if self._step(line) <= resumed_step]
        replace_file(path, lambda file: file.write("".join(kept).encode()))

    def write(self, row: Mapping[str, Any]) -> None:
        """Append a row, which has a ``step``."""
        with self.path.open("a") as file:
            file.write(json.dumps(dict(row)) + "\n")

    def _lines(self) -> list[str]:
        if not self.path.exists():
            return []
        lines = self.path.read_text().splitlines(keepends=True)
        # The end of a row is missing if the process was killed while it wrote.
        return lines[:-1] if lines and not lines[-1].endswith("\n") else lines

    @staticmethod
    def _step(line: str) -> int:
        return int(json.loads(line)["step"])
