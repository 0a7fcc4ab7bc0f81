"""`JumpReporter`: one CSV row for every attempted jump."""

from __future__ import annotations

import csv
import weakref
from pathlib import Path
from typing import Any, TextIO

from openmm import OpenMMException

from openmm_genmd.md.integrator import GenerativeJumpIntegrator
from openmm_genmd.md.integrator_arguments import checked_count

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
    "switching_steps",
    "shadow_work_kj_per_mol",
)
"""Columns of the file: attributes of a jump's record."""


class JumpReporter:
    """A reporter that writes one CSV row per attempted jump.

    The first line is ``# grade: exact`` (or path, exploratory), the second names the columns
    (`JUMP_COLUMNS`). No attempt is lost, however often it
    reports; those after the last full interval are written by `close`.

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
        not a `GenerativeJumpIntegrator`, or the file to append to is from a run of another grade.

    Examples
    --------
    >>> import io, openmm
    >>> from openmm_genmd import GenerativeJumpIntegrator, JumpReporter, Proposal, Proposer
    >>> class Mirror(Proposer):
    ...     particles, grade = [0], "exact"
    ...     def propose(self, positions, box, rng):
    ...         return Proposal(-positions, 0.0)
    >>> system = openmm.System()
    >>> index = system.addParticle(12.0)
    >>> inner = openmm.LangevinMiddleIntegrator(300, 1, 0.002)
    >>> simulation = openmm.app.Simulation(
    ...     openmm.app.Topology(), system, GenerativeJumpIntegrator(inner, Mirror(), 5),
    ...     openmm.Platform.getPlatformByName("Reference"))
    >>> simulation.context.setPositions([[0.1, 0.0, 0.0]])
    >>> file = io.StringIO()  # or the path of a file
    >>> simulation.reporters.append(JumpReporter(file, 10))
    >>> simulation.step(10)
    >>> grade, columns, *rows = file.getvalue().splitlines()
    >>> grade, [row.split(",")[:5] for row in rows]
    ('# grade: exact', [['5', '1', '1.0', '0.0', '0.0'], ['10', '1', '1.0', '0.0', '0.0']])
    """

    def __init__(
        self, file: str | Path | TextIO, reportInterval: int, append: bool = False
    ) -> None:
        self._opened = False
        self._integrator: weakref.ref[GenerativeJumpIntegrator] | None = None
        self._interval = checked_count(reportInterval, "reportInterval")
        self._out: TextIO = (
            open(file, "a+" if append else "w", newline="")  # noqa: SIM115 (close() and __del__)
            if isinstance(file, str | Path)
            else file
        )
        self._opened = isinstance(file, str | Path)
        self._writer = csv.writer(self._out, lineterminator="\n")
        self._first_line = _first_line(self._out) if append else ""
        self._next_index: int | None = None

    def describeNextReport(self, simulation: Any) -> dict[str, Any]:
        """Return when the next report is due and that it needs nothing from the State."""
        integrator = _jump_integrator(simulation)
        self._integrator = weakref.ref(integrator)
        steps = self._interval - simulation.currentStep % self._interval
        if not self._records_are_kept(integrator):
            self._next_index = integrator.getNumJumpsAttempted()
        per_jump = integrator.getTriesPerJump()
        integrator.reserveRecords(2 * per_jump * (steps // integrator.getJumpInterval() + 1))
        return {"steps": steps, "periodic": None, "include": []}

    def report(self, simulation: Any, state: Any) -> None:
        """Write the attempts since the last report."""
        self.write(_jump_integrator(simulation))

    def write(self, integrator: GenerativeJumpIntegrator) -> None:
        """Write the attempts of `integrator` since the last report, and flush the file."""
        self._require_header(f"# grade: {integrator.getGrade()}\n")
        attempted = integrator.getNumJumpsAttempted()
        first = min(self._next_index or 0, attempted)
        for record in integrator.getRecords(first):
            self._writer.writerow(_row(record))
        self._next_index = attempted
        self._out.flush()

    def _records_are_kept(self, integrator: GenerativeJumpIntegrator) -> bool:
        """Whether the next row is still known: not so after resetStatistics() or a checkpoint."""
        if self._next_index is None or self._next_index > integrator.getNumJumpsAttempted():
            return False
        try:
            integrator.getRecords(self._next_index)
        except OpenMMException:
            return False
        return True

    def _require_header(self, grade_line: str) -> None:
        if not self._first_line:
            self._out.write(grade_line)
            self._writer.writerow(JUMP_COLUMNS)
            self._first_line = grade_line
        if self._first_line != grade_line:
            raise ValueError(
                f"the file to append to begins with {self._first_line.rstrip()!r}, but this run "
                f"would write {grade_line.rstrip()!r}; use another file"
            )

    def close(self) -> None:
        """Write the attempts after the last report; close the file if this reporter opened it."""
        integrator = self._integrator() if self._integrator is not None else None
        if integrator is not None and not self._out.closed and self._records_are_kept(integrator):
            self.write(integrator)
        if self._opened:
            self._out.close()

    def __del__(self) -> None:
        """Close the file."""
        if getattr(self, "_opened", False):
            self._out.close()


def _first_line(file: TextIO) -> str:
    file.seek(0)
    line = file.readline()
    file.seek(0, 2)
    return line


def _row(record: Any) -> list[Any]:
    return [_cell(column, getattr(record, column)) for column in JUMP_COLUMNS]


def _cell(column: str, value: Any) -> Any:
    if column == "accepted":
        return int(value)
    return f"{value:.3e}" if column.endswith("_seconds") else value


def _jump_integrator(simulation: Any) -> GenerativeJumpIntegrator:
    integrator = simulation.integrator
    if not isinstance(integrator, GenerativeJumpIntegrator):
        raise ValueError(
            "JumpReporter needs a Simulation whose integrator is a GenerativeJumpIntegrator, "
            f"got {type(integrator).__name__}"
        )
    return integrator
