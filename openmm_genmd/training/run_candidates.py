"""What a run tried, as training data: `read_run_candidates`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.data.candidate_file import ModelFile, read_header, read_rows, rows_files
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RunCandidates:
    """Recycled candidates of a run; weighted, they are Boltzmann-distributed.

    Attributes
    ----------
    torsions_rad
        ``(n, n_torsions)`` float64, in the order of time.
    weights
        ``(n,)`` float64, positive; those of one attempt sum to nearly one.
    attempts
        ``(n,)`` int64, number of the attempt that each belongs to.
    representation
        What the torsions mean.
    folder
        Of the run.
    temperature_k
        Of the run.
    models
        Checkpoints with which the run leapt; empty for untrained leaps.
    sha256
        Hexadecimal digest of the numbers, recorded in checkpoints.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> representation = TorsionRepresentation.from_topology(load_structure("alanine-dipeptide")[0])
    >>> candidates = RunCandidates(
    ...     np.zeros((3, 2)), np.array([0.5, 0.5, 1.0]), np.array([0, 0, 1]), representation,
    ...     Path("run1"), 300.0, (), "0f..."
    ... )
    >>> candidates.names, candidates.effective_number
    (('phi ALA 2', 'psi ALA 2'), 2.7)
    """

    torsions_rad: Array
    weights: Array
    attempts: NDArray[np.int64]
    representation: TorsionRepresentation
    folder: Path
    temperature_k: float
    models: tuple[ModelFile, ...]
    sha256: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the torsions."""
        return tuple(torsion.name for torsion in self.representation.torsions)

    @property
    def topology_path(self) -> Path:
        """Structure file of the run."""
        return self.folder / "topology.pdb"

    @property
    def effective_number(self) -> float:
        """How many candidates of equal weight would say as much; Kish (1965), (sum w)^2/sum w^2."""
        return round(float(self.weights.sum() ** 2 / np.sum(self.weights**2)), 1)

    def require_same_torsions(self, other: TorsionRepresentation, what: str) -> None:
        """None if another representation has the same molecule and torsions, wherever it is.

        Parameters
        ----------
        other
            The one at hand.
        what
            What it belongs to, for the error message.

        Raises
        ------
        ValueError
            If it has not.
        """
        self.representation.fingerprint.require_match(
            other.fingerprint, f"the run in {self.folder}, compared with {what},"
        )
        mine = self.representation.relocated(range(len(self.representation.particles)))
        if mine.torsions != other.relocated(range(len(other.particles))).torsions:
            names = ", ".join(torsion.name for torsion in other.torsions)
            raise ValueError(
                f"the run in {self.folder} recorded the torsions {', '.join(self.names)}, but "
                f"{what} has {names}; use a model of the same torsions, or run again with it"
            )


def read_run_candidates(run_folder: str | Path) -> RunCandidates:
    """Candidates that ``genmd run --record-candidates`` kept, also of a run that still goes on.

    Parameters
    ----------
    run_folder
        Folder of the run.

    Raises
    ------
    FileNotFoundError
        If there is no such run, or it recorded nothing.
    ValueError
        If its files are damaged, or no attempt has been recorded yet.
    """
    folder = Path(run_folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no run in {folder}: no such folder")
    header = read_header(folder)
    representation = TorsionRepresentation.from_dict(header.representation)
    files = rows_files(folder)
    # Of two, the run was about to replace the first by the second, which is complete.
    rows = read_rows(files[max(files)], len(representation.torsions)) if files else None
    if rows is None or len(rows) == 0:
        raise ValueError(
            f"the run in {folder} has recorded no candidates yet; let it run until its first "
            "checkpoint after a jump"
        )
    torsions, weights = rows["torsions_rad"].astype(np.float64), rows["weight"].astype(np.float64)
    if not (np.isfinite(torsions).all() and np.isfinite(weights).all() and (weights > 0).all()):
        raise ValueError(
            f"the candidates in {folder} are damaged: torsions must be finite and weights "
            "positive; run again with --record-candidates"
        )
    return RunCandidates(
        torsions_rad=torsions,
        weights=weights,
        attempts=rows["attempt"].astype(np.int64),
        representation=representation,
        folder=folder,
        temperature_k=header.temperature_k,
        models=header.models,
        sha256=hashlib.sha256(rows.tobytes()).hexdigest(),
    )
