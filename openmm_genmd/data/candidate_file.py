"""Recycled candidates of a run on disk: `CandidateHeader`, and rows that are only ever appended."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

_HEADER = "candidates.json"
_ROWS = re.compile(r"candidates-(\d+)\.rows")


class ModelFile(BaseModel):
    """A checkpoint with which a run leaps.

    Attributes
    ----------
    checkpoint
        Name of a bundled one, or a path.
    sha256
        Hexadecimal digest of the file when the run began.

    Examples
    --------
    >>> ModelFile(checkpoint="alanine-dipeptide", sha256="0f...").checkpoint
    'alanine-dipeptide'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str
    sha256: str


class CandidateHeader(BaseModel):
    """What the rows of a run's candidates mean; stored as ``candidates.json`` beside them.

    Attributes
    ----------
    representation
        The torsions, for ``TorsionRepresentation.from_dict``.
    temperature_k
        Of the run.
    models
        With which the run leaps; empty with untrained leaps.
    least_weight
        Candidates with less are left out.
    per_attempt
        At most so many rows of an attempt: those with the largest weights.
    limit
        Beyond so many rows every second attempt is dropped, and from then on not recorded.

    Examples
    --------
    >>> header = CandidateHeader(
    ...     representation={}, temperature_k=300.0, models=(), per_attempt=8, limit=1000
    ... )
    >>> header.least_weight
    0.001
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    representation: dict[str, Any]
    temperature_k: float
    models: tuple[ModelFile, ...]
    least_weight: float = 1e-3
    per_attempt: int = Field(ge=1)
    limit: int = Field(ge=1)

    def save(self, folder: Path) -> None:
        """Write it into the folder of a run, whole or not at all."""
        path = folder / _HEADER
        partial = path.with_suffix(".partial")
        partial.write_text(self.model_dump_json() + "\n")
        os.replace(partial, path)


def read_header(folder: Path) -> CandidateHeader:
    """Header in the folder of a run.

    Raises
    ------
    FileNotFoundError
        If the run did not record its candidates.
    ValueError
        If the header is damaged.
    """
    path = folder / _HEADER
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} has no recorded candidates ({_HEADER} is missing); run again with "
            "genmd run --record-candidates"
        )
    try:
        return CandidateHeader.model_validate_json(path.read_text())
    except (ValidationError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(
            f"{path} is not what genmd run wrote, or damaged: {first}; restore it, or run again "
            "with --record-candidates"
        ) from None


def row_type(n_torsions: int) -> np.dtype[np.void]:
    """One row: number of the attempt from 0, weight, torsions in rad."""
    fields = [("attempt", "<u4"), ("weight", "<f4"), ("torsions_rad", "<f4", (n_torsions,))]
    return np.dtype(fields)


def rows_path(folder: Path, stride: int) -> Path:
    """File of the rows of every `stride`-th attempt."""
    return folder / f"candidates-{stride}.rows"


def rows_files(folder: Path) -> dict[int, Path]:
    """Files with rows by their strides, ascending.

    Two only if the run was killed while it thinned them; then both are complete.

    Examples
    --------
    >>> rows_files(Path("nowhere"))
    {}
    """
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    strides = sorted(int(match[1]) for name in names if (match := _ROWS.fullmatch(name)))
    return {stride: rows_path(folder, stride) for stride in strides}


def read_rows(path: Path, n_torsions: int) -> NDArray[np.void]:
    """All whole rows ``(n,)`` of a file; what a killed run left of another one is left out."""
    kind = row_type(n_torsions)
    data = path.read_bytes()
    return np.frombuffer(data, kind, count=len(data) // kind.itemsize)


def thin_rows(folder: Path, stride: int, n_torsions: int) -> Path:
    """File with every second of the recorded attempts, whole at its place; the old one stays."""
    rows = read_rows(rows_path(folder, stride), n_torsions)
    path = rows_path(folder, 2 * stride)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(rows[rows["attempt"] % (2 * stride) == 0].tobytes())
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    return path
