"""The CSV file of a `JumpReporter`, one row per attempted leap."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.md.jump_reporter import JUMP_COLUMNS
from openmm_genmd.proposers.proposer import RUN_GRADES

# Columns that hold numbers, besides the step.
_NUMBERS = (2, 3, 4, 6, 7, 8, 9, 10)
_TRUTH = {"1": True, "true": True, "0": False, "false": False}


@dataclass(frozen=True)
class JumpLog:
    """All attempts of a run, in order.

    Attributes
    ----------
    grade
        What the run claims about its distribution.
    step
        ``(n,)`` int64: MD steps done before the attempt.
    accepted
        ``(n,)`` bool.
    probability
        ``(n,)`` float64: acceptance probability.
    work_kj_per_mol
        ``(n,)`` float64, kJ/mol; may be NaN or infinite for a rejected attempt.
    log_ratio
        ``(n,)`` float64; may be NaN or infinite for a rejected attempt.
    reason
        Why each attempt was rejected; empty where it was accepted.
    model_seconds, energy_seconds, bookkeeping_seconds
        ``(n,)`` float64: where the wall time of each attempt went.
    switching_steps
        ``(n,)`` float64: evaluations of a switch, in MD steps; 0 without one.
    shadow_work_kj_per_mol
        ``(n,)`` float64, kJ/mol; NaN where it is not known.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "jumps.csv"
    ...     _ = path.write_text("# grade: exact" + chr(10) + ",".join(JUMP_COLUMNS) + chr(10)
    ...                         + "250,1,0.8,1.2,0.3,,0.001,0.0002,0.0001,0,nan" + chr(10))
    ...     read_jump_log(path).acceptance
    1.0
    """

    grade: str
    step: NDArray[np.int64]
    accepted: NDArray[np.bool_]
    probability: NDArray[np.float64]
    work_kj_per_mol: NDArray[np.float64]
    log_ratio: NDArray[np.float64]
    reason: tuple[str, ...]
    model_seconds: NDArray[np.float64]
    energy_seconds: NDArray[np.float64]
    bookkeeping_seconds: NDArray[np.float64]
    switching_steps: NDArray[np.float64]
    shadow_work_kj_per_mol: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of attempts."""
        return len(self.step)

    @property
    def acceptance(self) -> float:
        """Share of attempts that were accepted; NaN without attempts."""
        return float(self.accepted.mean()) if len(self) else float("nan")

    def rejections(self) -> dict[str, int]:
        """Number of rejections by reason, the most frequent first."""
        rejected = (r for r, ok in zip(self.reason, self.accepted, strict=True) if not ok)
        return dict(Counter(rejected).most_common())

    def acceptance_over_time(
        self, windows: int = 50
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean step and acceptance of consecutive windows of attempts, two ``(windows,)`` arrays.

        There are fewer windows than asked for where the log has fewer attempts.

        Raises
        ------
        ValueError
            If the log is empty.
        """
        if not len(self):
            raise ValueError("the log holds no attempts; run longer than one jump interval")
        parts = np.array_split(np.arange(len(self)), min(windows, len(self)))
        steps = np.array([self.step[p].mean() for p in parts])
        return steps, np.array([self.accepted[p].mean() for p in parts])


def read_jump_log(path: str | Path) -> JumpLog:
    """The attempts written by `JumpReporter`.

    Parameters
    ----------
    path
        A CSV file whose first line is ``# grade: exact`` (or another one of `RUN_GRADES`), followed
        by a header and one row per attempt. A last line that was cut off by a crash is left out.

    Raises
    ------
    ValueError
        If the grade, the header or a row is not what `JumpReporter` writes.
    """
    text = Path(path).read_text(encoding="utf-8")
    lines = text.splitlines()
    if text and not text.endswith("\n"):
        lines = lines[:-1]
    grade = _grade(lines[0] if lines else "", path)
    header = lines[1].split(",") if len(lines) > 1 else []
    if tuple(header) != JUMP_COLUMNS:
        raise ValueError(
            f"{path}, line 2: expected the columns {','.join(JUMP_COLUMNS)}, got {header}"
        )
    rows = [_row(row, number, path) for number, row in enumerate(csv.reader(lines[2:]), start=3)]
    return _log(grade, rows)


def _grade(line: str, path: str | Path) -> str:
    for grade in RUN_GRADES:
        if line.strip() == f"# grade: {grade}":
            return grade
    raise ValueError(
        f"{path}, line 1: expected '# grade: ' and one of {', '.join(RUN_GRADES)}, got {line!r}; "
        "is this a file of JumpReporter?"
    )


def _row(row: list[str], number: int, path: str | Path) -> list[str]:
    expected = f"{path}, line {number}: expected {len(JUMP_COLUMNS)} values as in the header"
    if len(row) != len(JUMP_COLUMNS):
        raise ValueError(f"{expected}, got {len(row)}")
    try:
        int(row[0])
        for index in _NUMBERS:
            float(row[index])
    except ValueError as error:
        raise ValueError(f"{expected}: {error}") from None
    if row[1].lower() not in _TRUTH:
        raise ValueError(f"{expected}: accepted must be 0 or 1, got {row[1]!r}")
    if not _TRUTH[row[1].lower()] and not row[5]:
        raise ValueError(f"{expected}: a rejected attempt has no reason")
    return row


def _log(grade: str, rows: list[list[str]]) -> JumpLog:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in JUMP_COLUMNS]
    numbers = {i: np.array(columns[i], dtype=np.float64) for i in _NUMBERS}
    return JumpLog(
        grade=grade,
        step=np.array(columns[0], dtype=np.int64),
        accepted=np.array([_TRUTH[value.lower()] for value in columns[1]], dtype=np.bool_),
        probability=numbers[2],
        work_kj_per_mol=numbers[3],
        log_ratio=numbers[4],
        reason=tuple(columns[5]),
        model_seconds=numbers[6],
        energy_seconds=numbers[7],
        bookkeeping_seconds=numbers[8],
        switching_steps=numbers[9],
        shadow_work_kj_per_mol=numbers[10],
    )
