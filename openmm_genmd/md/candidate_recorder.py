"""The candidates of a run, kept for the next training: `CandidateRecorder`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.candidate_file import (
    CandidateHeader,
    ModelFile,
    row_type,
    rows_files,
    rows_path,
    thin_rows,
)
from openmm_genmd.md.run_settings import RunSettings
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]

_ROWS_IN_MEMORY = 4096


class CandidateRecorder:
    """Writes torsions and weights of the recycled candidates into the folder of a run.

    Give it to ``integrator.setCandidateObserver()``. Rows are appended to ``candidates-S.rows``, S
    being every how many attempts one is recorded. At a checkpoint, if there are more rows than
    the limit, every second recorded attempt is dropped and S doubles: into a new file, while the
    old one stays until the checkpoint that names the new one is on disk. All attempts that are
    left have the same total weight, but for what was dropped for being small, so that averages
    over the rows are averages over the run.

    Parameters
    ----------
    folder
        Of the run.
    header
        Of the rows; its numbers say how much is kept.
    representation
        Its torsions are recorded; its particles are those that the observer sees.
    first_attempt
        Number of attempts that the run has made so far.
    box_nm
        Returns the box vectors ``(3, 3)``, nm, in a periodic system.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_genmd.data.candidate_file import read_rows
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> header = CandidateHeader(
    ...     representation={}, temperature_k=300.0, models=(), per_attempt=8, limit=1000
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recorder = CandidateRecorder(Path(folder), header, representation)
    ...     recorder(np.stack([positions_nm, positions_nm]), np.array([0.75, 0.25]))
    ...     path = recorder.write()
    ...     recorder.close()
    ...     rows = read_rows(path, 2)
    >>> rows["attempt"].tolist(), rows["weight"].tolist()
    ([0, 0], [0.75, 0.25])
    """

    def __init__(
        self,
        folder: Path,
        header: CandidateHeader,
        representation: TorsionRepresentation,
        *,
        first_attempt: int = 0,
        box_nm: Callable[[], Array] | None = None,
    ) -> None:
        self._folder, self._header, self._box_nm = folder, header, box_nm
        self._representation = representation
        self._type = row_type(len(representation.torsions))
        self._attempt = first_attempt
        self._waiting: list[NDArray[np.void]] = []
        self._n_waiting = 0
        self._stride = next(iter(rows_files(folder)), 1)
        self._file = rows_path(folder, self._stride).open("ab")

    def __call__(self, positions: Array, weights: Array) -> None:
        """Record an attempt: positions ``(k, n_moved, 3)`` in nm and weights ``(k,)``."""
        attempt, self._attempt = self._attempt, self._attempt + 1
        if attempt % self._stride:
            return
        # Heaviest first; in a tie the first one, which is the current conformation.
        heaviest = np.argsort(-weights, kind="stable")[: self._header.per_attempt]
        kept = np.sort(heaviest[weights[heaviest] >= self._header.least_weight])
        rows = np.empty(len(kept), self._type)
        rows["attempt"], rows["weight"] = attempt, weights[kept]
        rows["torsions_rad"] = self._torsions(positions[kept])
        self._waiting.append(rows)
        self._n_waiting += len(rows)
        if self._n_waiting >= _ROWS_IN_MEMORY:
            self._flush()

    def write(self) -> Path:
        """Write everything, thin it if there is too much, and return the file to be marked."""
        self._flush()
        while self._file.tell() > self._header.limit * self._type.itemsize:
            self._file.close()
            n_torsions = len(self._representation.torsions)
            path = thin_rows(self._folder, self._stride, n_torsions)
            self._stride *= 2
            self._file = path.open("ab")
        return rows_path(self._folder, self._stride)

    def keep_one_file(self) -> None:
        """Remove files of smaller strides, once a checkpoint names the present one."""
        remove_rows(self._folder, {rows_path(self._folder, self._stride).name})

    def close(self) -> None:
        """Close the file. What came after the last `write` will be recorded again."""
        self._file.close()

    def _flush(self) -> None:
        for rows in self._waiting:
            self._file.write(rows.tobytes())
        self._file.flush()
        self._waiting, self._n_waiting = [], 0

    def _torsions(self, positions: Array) -> Array:
        if self._box_nm is not None:
            positions = self._representation.make_whole(positions, self._box_nm())
        return self._representation.encode(positions)


def remove_rows(folder: Path, kept: Collection[str]) -> None:
    """Remove the files with rows whose names are not among those given."""
    for path in rows_files(folder).values():
        if path.name not in kept:
            path.unlink()


def recorded_torsions(
    proposer: Proposer, topology: app.Topology, system: openmm.System
) -> TorsionRepresentation:
    """Torsions to record: the proposer's, or else all that turn in the molecule that it moves.

    Raises
    ------
    ValueError
        If the proposer moves more than one molecule, or not all of it.
    """
    representation = proposer.representation
    if not isinstance(representation, TorsionRepresentation):
        representation = TorsionRepresentation.from_topology(
            topology, system, atoms=list(proposer.particles)
        )
    if tuple(proposer.particles) != representation.particles:
        raise ValueError(
            f"the proposer moves {len(proposer.particles)} particles, but the molecule whose "
            f"torsions would be recorded has {len(representation.particles)}; run without "
            "record_candidates"
        )
    return representation


def candidate_header(
    settings: RunSettings, representation: TorsionRepresentation, proposer: Proposer | None
) -> CandidateHeader:
    """What the rows of a run mean that begins: its torsions, and the models it leaps with."""
    description = {} if proposer is None else proposer.describe()
    return CandidateHeader(
        representation=representation.to_dict(),
        temperature_k=settings.temperature_k,
        models=tuple(dict.fromkeys(_models_in(description))),
        per_attempt=settings.recorded_per_attempt,
        limit=settings.recorded_rows,
    )


def _models_in(description: Any) -> Iterator[ModelFile]:
    if isinstance(description, Mapping):
        if description.get("checkpoint") and description.get("sha256"):
            yield ModelFile(checkpoint=description["checkpoint"], sha256=description["sha256"])
        for value in description.values():
            yield from _models_in(value)
    elif isinstance(description, list):
        for value in description:
            yield from _models_in(value)
