"""One self-contained HTML page on a hybrid run, to be opened offline."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from openmm_genmd.analysis.doctor import diagnose, verdict
from openmm_genmd.analysis.figures import acceptance_figure, png_bytes, rejection_figure
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
class TextTable:
    """A table of texts, as they are to be read.

    Attributes
    ----------
    headings
        One for each column after the first.
    rows
        Name of the row, then one text for each heading.

    Examples
    --------
    >>> TextTable(("hybrid", "plain MD"), [("wall time", "60 s", "60 s")]).headings
    ('hybrid', 'plain MD')
    """

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        """Check that every row is complete.

        Raises
        ------
        ValueError
            If a row has not one text for each heading and its name.
        """
        for row in self.rows:
            if len(row) != len(self.headings) + 1:
                raise ValueError(
                    f"expected {len(self.headings) + 1} texts in the row {row[0]!r}, got {len(row)}"
                )


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
        _section("What ran", _table(TextTable(("",), list(report.settings.items())))),
        *(_section(name, _table(rows)) for name, rows in report.results.items()),
        *(_section(caption, _image(png, caption)) for caption, png in report.figures),
        _leaps(report.log),
        _notes(report.notes),
    ]
    return _PAGE.format(title=escape(report.title), style=_STYLE, body="\n".join(body))


def _heading(report: RunReport) -> str:
    grade = report.log.grade
    return (
        f"<header><h1>{escape(report.title)}</h1>"
        f'<p class="grade {grade.replace(" ", "-")}"><strong>Grade: {grade}.</strong> '
        f"{escape(GRADE_MEANING[grade])}</p></header>"
    )


def _leaps(log: JumpLog) -> str:
    if not len(log):
        return _section("Leaps", f"<p>{escape(verdict(log.acceptance))}</p>")
    parts = [
        f"<p>{len(log):,} attempts. {escape(verdict(log.acceptance))}</p>",
        _image(png_bytes(acceptance_figure(log)), "Share of accepted leaps over the run"),
        _table(_cost(log)),
    ]
    rejections = log.rejections()
    if rejections:
        parts.append(_image(png_bytes(rejection_figure(log)), "Rejections by reason"))
        rows = [
            (d.reason, f"{d.share:.1%}", d.meaning, d.remedy)
            for d in diagnose(rejections, n_attempts=len(log))
        ]
        parts.append("<h3>Rejection doctor</h3>")
        headings = ("share of attempts", "why", "which knob to turn")
        parts.append(_table(TextTable(headings, rows)))
    return _section("Leaps", "".join(parts))


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


def _notes(notes: Sequence[str]) -> str:
    if not notes:
        return ""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return _section("Before you quote a number", f"<ul>{items}</ul>")


def _section(heading: str, content: str) -> str:
    return f"<section><h2>{escape(heading)}</h2>{content}</section>"


def _table(table: TextTable) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in table.headings)
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(text)}</td>" for text in texts)
        + "</tr>"
        for name, *texts in table.rows
    )
    top = f"<thead><tr><td></td>{head}</tr></thead>" if any(table.headings) else ""
    return f"<table>{top}<tbody>{lines}</tbody></table>"


def _image(png: bytes, description: str) -> str:
    data = base64.b64encode(png).decode("ascii")
    text = escape(description, quote=True)
    return (
        f'<figure><img alt="{text}" src="data:image/png;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


_STYLE = """
:root { color-scheme: light; }
body { font: 1rem/1.55 system-ui, sans-serif; color: #1b1f24; background: #f5f6f8; margin: 0; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
section { background: #fff; border: 1px solid #d7dce2; border-radius: .6rem;
  padding: 0 1.4rem 1.2rem; margin: 1.2rem 0; }
h1 { font-size: 1.7rem; margin: .4rem 0; }
h2 { font-size: 1.2rem; padding-top: .9rem; margin: 0 0 .6rem; }
.grade { padding: .8rem 1.1rem; border-left: .4rem solid #0072b2; background: #e8f2f9; }
.grade.exploratory { border-color: #b54000; background: #fdeee4; }
table { border-collapse: collapse; width: 100%; margin: .6rem 0; }
h3 { font-size: 1rem; margin: 1rem 0 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0;
  border-top: 1px solid #e4e8ec; font-variant-numeric: tabular-nums; }
tbody th { font-weight: 500; color: #48515b; } thead th { border-top: 0; }
thead td { border-top: 0; }
figure { margin: .8rem 0; } img { max-width: 100%; height: auto; }
figcaption { color: #48515b; font-size: .9rem; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><main>
{body}
</main></body></html>
"""
