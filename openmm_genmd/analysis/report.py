"""One self-contained HTML page on a hybrid run, to be opened offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from openmm_genmd.analysis.doctor import diagnose, verdict
from openmm_genmd.analysis.figures import acceptance_figure, png_bytes, rejection_figure
from openmm_genmd.analysis.html_page import (
    TextTable,
    html_table,
    image,
    notes_section,
    page,
    section,
)
from openmm_genmd.analysis.jump_log import JumpLog
from openmm_genmd.proposers.proposer import UP_TO_TIME_STEP

_EXACT = "The density of every leap is known to rounding."
_PATH = "Leaps are exact on an extended space of auxiliary random numbers."
_BOLTZMANN = (
    "Frames follow the Boltzmann distribution of the force field, as those of plain MD at the same "
    "time step do."
)
_BOLTZMANN_UP_TO_TIME_STEP = (
    "Switches were decided by their protocol work alone: frames follow the Boltzmann distribution "
    "of the force field up to an error of the switches' time step, which vanishes with it."
)

GRADE_MEANING = {
    "exact": f"{_EXACT} {_BOLTZMANN}",
    "path": f"{_PATH} {_BOLTZMANN}",
    "exact" + UP_TO_TIME_STEP: f"{_EXACT} {_BOLTZMANN_UP_TO_TIME_STEP}",
    "path" + UP_TO_TIME_STEP: f"{_PATH} {_BOLTZMANN_UP_TO_TIME_STEP}",
    "exploratory": "Leaps have no density ratio. Frames do NOT follow the Boltzmann distribution: "
    "use them as ideas for conformations, never for populations or free energies.",
}


@dataclass(frozen=True)
class RunReport:
    """What a report says. Any text may hold any character: it is escaped.

    Attributes
    ----------
    title
        Heading of the page.
    settings
        What ran: name and value.
    log
        The attempts.
    results
        Tables of Boltzmann averages by heading; must be empty for an exploratory run.
    figures
        PNG files with a caption each, of Boltzmann averages; must be empty for an exploratory run.
    notes
        Sentences that a reader should know before quoting a number.

    Examples
    --------
    >>> import numpy as np
    >>> none, no = np.zeros(0), np.zeros(0, dtype=np.int64)
    >>> log = JumpLog("exact", no, none > 0, none, none, none, (), none, none, none, none, none)
    >>> "No leap was attempted" in render_report(RunReport("Test", {"steps": "0"}, log))
    True
    """

    title: str
    settings: Mapping[str, str]
    log: JumpLog
    results: Mapping[str, TextTable] = field(default_factory=dict)
    figures: Sequence[tuple[str, bytes]] = ()
    notes: Sequence[str] = ()


def write_report(report: RunReport, path: str | Path) -> None:
    """Write `render_report` to a file.

    Raises
    ------
    ValueError
        As `render_report`.
    """
    Path(path).write_text(render_report(report), encoding="utf-8")


def render_report(report: RunReport) -> str:
    """The page as HTML text without any reference to other files.

    Raises
    ------
    ValueError
        If an exploratory run comes with populations or free energies.
    """
    if report.log.grade == "exploratory" and (report.results or report.figures):
        raise ValueError(
            "an exploratory run is not Boltzmann-distributed: leave out its populations and free "
            "energies, or use a proposer with a density"
        )
    body = [
        _heading(report),
        section("What ran", html_table(TextTable(("",), list(report.settings.items())))),
        *(section(name, html_table(rows)) for name, rows in report.results.items()),
        *(section(caption, image(png, caption)) for caption, png in report.figures),
        _leaps(report.log),
        notes_section(report.notes),
    ]
    return page(report.title, body)


def _heading(report: RunReport) -> str:
    grade = report.log.grade
    return (
        f"<header><h1>{escape(report.title)}</h1>"
        f'<p class="grade {grade.replace(" ", "-")}"><strong>Grade: {grade}.</strong> '
        f"{escape(GRADE_MEANING[grade])}</p></header>"
    )


def _leaps(log: JumpLog) -> str:
    if not len(log):
        return section("Leaps", f"<p>{escape(verdict(log.acceptance))}</p>")
    parts = [
        f"<p>{len(log):,} attempts. {escape(verdict(log.acceptance))}</p>",
        image(png_bytes(acceptance_figure(log)), "Share of accepted leaps over the run"),
        html_table(_cost(log)),
    ]
    rejections = log.rejections()
    if rejections:
        parts.append(image(png_bytes(rejection_figure(log)), "Rejections by reason"))
        rows = [
            (d.reason, f"{d.share:.1%}", d.meaning, d.remedy)
            for d in diagnose(rejections, n_attempts=len(log))
        ]
        parts.append("<h3>Rejection doctor</h3>")
        headings = ("share of attempts", "why", "which knob to turn")
        parts.append(html_table(TextTable(headings, rows)))
    return section("Leaps", "".join(parts))


def _cost(log: JumpLog) -> TextTable:
    parts = {
        "model": log.model_seconds,
        "energies": log.energy_seconds,
        "bookkeeping": log.bookkeeping_seconds,
    }
    rows = [(name, f"{1e3 * float(times.mean()):.3f} ms") for name, times in parts.items()]
    return TextTable(("mean of an attempt",), rows + _switching(log))


def _switching(log: JumpLog) -> list[tuple[str, str]]:
    rows = []
    if np.any(log.switching_steps > 0):
        rows.append(("switching steps", f"{float(log.switching_steps.mean()):.0f}"))
    known = log.shadow_work_kj_per_mol[np.isfinite(log.shadow_work_kj_per_mol)]
    if len(known):
        rows.append(("shadow work, where known", f"{float(known.mean()):.2f} kJ/mol"))
    return rows
