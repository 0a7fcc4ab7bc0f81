"""The folder of a run: what survives when the process is killed at any moment."""

from __future__ import annotations

import fcntl
import json
import os
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import openmm

_MAGIC = b"GENMDRUN"
_LENGTHS = struct.Struct("<8sQQ")
_HEAD_BYTES = 512
"""DCD files keep their number of frames in the first bytes, so these belong to a mark too."""


@dataclass(frozen=True)
class FileMark:
    r"""How far an output file had got.

    Attributes
    ----------
    name
        File name inside the folder.
    size
        Length in bytes.
    head_hex
        First bytes, in hexadecimal digits.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     path = Path(name) / "jumps.csv"
    ...     size = path.write_text("step\n10\n")
    ...     mark = mark_file(path)
    ...     size = path.write_text("step\n10\n20\nhalf a ro")
    ...     return_to_mark(Path(name), mark)
    ...     path.read_text()
    'step\n10\n'
    """

    name: str
    size: int
    head_hex: str


def mark_file(path: Path) -> FileMark:
    """Mark of a file as it is on disk now."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        head = file.read(_HEAD_BYTES)
        return FileMark(path.name, file.seek(0, os.SEEK_END), head.hex())


def return_to_mark(folder: Path, mark: FileMark) -> None:
    """Cut a file back to its mark: what was written later will be written again.

    Raises
    ------
    ValueError
        If the file is missing or shorter than its mark.
    """
    path = folder / mark.name
    size = path.stat().st_size if path.exists() else 0
    if size < mark.size:
        raise ValueError(
            f"{path} has {size} bytes, but had {mark.size} at the last checkpoint; "
            "the run cannot be resumed without it. Restore the file, or start in a new folder"
        )
    with open(path, "r+b") as file:
        file.truncate(mark.size)
        file.write(bytes.fromhex(mark.head_hex))


def save_restart(path: Path, checkpoint: bytes, files: Sequence[Path]) -> None:
    """Write a restart file in one step: at any moment there is the old one or the new one.

    Parameters
    ----------
    path
        The restart file.
    checkpoint
        What ``Context.createCheckpoint()`` returned.
    files
        Output files, flushed, that belong to the same moment.
    """
    marks = json.dumps([asdict(mark_file(file)) for file in files]).encode()
    new = path.with_suffix(".new")
    with open(new, "wb") as out:
        out.write(_LENGTHS.pack(_MAGIC, len(marks), len(checkpoint)) + marks + checkpoint)
        out.flush()
        os.fsync(out.fileno())
    os.replace(new, path)


def load_restart(path: Path) -> tuple[bytes, list[FileMark]]:
    """Checkpoint and marks from a restart file.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"there is no checkpoint {path}; the run ended before its first one. "
            "Remove the folder and start again without --resume"
        )
    data = path.read_bytes()
    try:
        magic, n_marks, n_checkpoint = _LENGTHS.unpack_from(data)
        if magic != _MAGIC or len(data) != _LENGTHS.size + n_marks + n_checkpoint:
            raise ValueError("wrong length or first bytes")
        marks = json.loads(data[_LENGTHS.size : _LENGTHS.size + n_marks])
        return data[_LENGTHS.size + n_marks :], [FileMark(**mark) for mark in marks]
    except (struct.error, ValueError, TypeError) as error:
        raise ValueError(
            f"{path} is not a restart file of genmd run, or damaged: {error}"
        ) from None


def remember_system(path: Path, system: openmm.System) -> None:
    """Write the System into the folder, so that a later change of the force field is noticed."""
    path.write_text(openmm.XmlSerializer.serialize(system))


def require_same_system(path: Path, system: openmm.System) -> None:
    """Return if the System is the one in the folder.

    Raises
    ------
    ValueError
        If masses, constraints or forces differ, or the file is missing.
    """
    stored = path.read_text() if path.exists() else ""
    if openmm.XmlSerializer.serialize(system) != stored:
        raise ValueError(
            f"the System is no longer the one in {path}: the force field, the structure or OpenMM "
            "has changed since the run began. Restore them, or start in a new folder"
        )


def lock_folder(folder: Path) -> IO[str]:
    """Lock of a folder, held as long as the returned file is open.

    Raises
    ------
    RuntimeError
        If another process holds it.
    """
    file = open(folder / ".lock", "w")  # noqa: SIM115 (the lock lives as long as the file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise RuntimeError(
            f"another process is running in {folder}; wait for it or stop it"
        ) from None
    return file
