"""`JumpReporter`: one CSV row for every attempted jump."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, TextIO

from openmm_genmd.md.integrator import GenerativeJumpIntegrator

JUMP_COLUMNS = (
    "step",
    "accepted",
    "probability",
    "work_kj_per_mol",
    "log_ratio",
    "reason",
    "model_seconds",
    "energy_seconds",
    "bookkeeping_seconds",
)
"""Columns of the file: attributes of a jump's record."""


class JumpReporter:
    """A reporter that writes one CSV row per attempted jump.

    The first line is ``# grade: exact`` (or path, exploratory), the second names the columns
    (`JUMP_COLUMNS`). No attempt is lost, however often it reports.

    Parameters
    ----------
    file
        Path of the file, or an open text file.
    reportInterval
        Number of MD steps between writing.
    append
        Continue a file that exists instead of replacing it.

    Raises
    ------
    ValueError
        If the interval is not positive; at the first report, if the Simulation's integrator is
        not a `GenerativeJumpIntegrator`.

    Examples
    --------
    >>> reporter = JumpReporter("jumps.csv", 1000)                    # doctest: +SKIP
    >>> simulation.reporters.append(reporter)                         # doctest: +SKIP
    """

    def __init__(self, file: str | Path | TextIO, reportInterval: int, append: bool = False) -> None:
        if reportInterval <= 0:
            raise ValueError(f"reportInterval must be positive, got {reportInterval}")
        self._interval = reportInterval
        self._opened = isinstance(file, str | Path)
        self._out: TextIO = (
            open(file, "a" if append else "w", newline="") if isinstance(file, str | Path) else file
        )
        self._writer = csv.writer(self._out, lineterminator="\n")
        self._needs_header = not (append and self._out.tell() > 0)
        self._next_index: int | None = None

    def describeNextReport(self, simulation: Any) -> dict[str, Any]:
        """Return when the next report is due and that it needs nothing from the State."""
        integrator = GenerativeJumpIntegrator.fromIntegrator(_jump_integrator(simulation))
        steps = self._interval - simulation.currentStep % self._interval
        if self._next_index is None:
            self._next_index = integrator.getNumJumpsAttempted()
        per_jump = integrator.getTriesPerJump()
        integrator.reserveRecords(2 * per_jump * (steps // integrator.getJumpInterval() + 1))
        return {"steps": steps, "periodic": None, "include": []}

    def report(self, simulation: Any, state: Any) -> None:
        """Write the attempts since the last report."""
        self.write(_jump_integrator(simulation))

    def write(self, integrator: GenerativeJumpIntegrator) -> None:
        """Write the attempts of `integrator` since the last report, and flush the file."""
        if self._needs_header:
            self._out.write(f"# grade: {integrator.getGrade()}\n")
            self._writer.writerow(JUMP_COLUMNS)
            self._needs_header = False
        attempted = integrator.getNumJumpsAttempted()
        first = min(self._next_index or 0, attempted)
        for record in integrator.getRecords(first):
            self._writer.writerow(_row(record))
        self._next_index = attempted
        self._out.flush()

    def close(self) -> None:
        """Close the file if this reporter opened it."""
        if self._opened:
            self._out.close()

    def __del__(self) -> None:
        """Close the file."""
        if getattr(self, "_opened", False):
            self._out.close()


def _row(record: Any) -> list[Any]:
    values = [getattr(record, column) for column in JUMP_COLUMNS]
    return [
        f"{value:.3e}" if column.endswith("_seconds") else int(value) if value is True or value is False else value
        for column, value in zip(JUMP_COLUMNS, values, strict=True)
    ]


def _jump_integrator(simulation: Any) -> GenerativeJumpIntegrator:
    integrator = simulation.integrator
    if not isinstance(integrator, GenerativeJumpIntegrator):
        raise ValueError(
            "JumpReporter needs a Simulation whose integrator is a GenerativeJumpIntegrator, "
            f"got {type(integrator).__name__}"
        )
    return integrator
