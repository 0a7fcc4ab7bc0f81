"""Tables of an evaluation, and one self-contained HTML page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from openmm_genmd.analysis.evaluation_table import EXPLORATORY, METRICS
from openmm_genmd.analysis.html_page import (
    TextTable,
    html_table,
    image,
    notes_section,
    page,
    section,
)

Json = Mapping[str, Any]

_GRADE = (
    "No one has weighed the generated frames: shares of states and free energies tell how close "
    "the model comes to the reference, not what the molecule does."
)


def metric_tables(
    evaluation: Json, beside: Mapping[str, Json] | None = None
) -> dict[str, TextTable]:
    """One table for each group of metrics, by its heading.

    Parameters
    ----------
    evaluation
        `Evaluation.as_dict`.
    beside
        More of them against the same reference, by the name to print, such as replicate MD.

    Examples
    --------
    >>> one = {"metrics": {"tic0_jsd": {"value": 0.21, "standard_error": 0.016,
    ...                                 "between_halves_of_reference": 0.05}}}
    >>> metric_tables(one)["Distributions"].rows
    [('JSD, TICA-0', '0.210 ± 0.016', '0.050')]
    """
    others = beside or {}
    headings = ("generated", "halves of the reference", *others)
    tables: dict[str, TextTable] = {}
    for group in dict.fromkeys(metric.group for metric in METRICS.values()):
        rows = [
            (
                _label(name),
                _value(evaluation, name),
                _between_halves(evaluation, name),
                *(_value(other, name) for other in others.values()),
            )
            for name, metric in METRICS.items()
            if metric.group == group and name in evaluation["metrics"]
        ]
        if rows:
            tables[group] = TextTable(headings, rows)
    return tables


def summary_table(summary: Json) -> TextTable:
    """Medians and means over targets.

    Parameters
    ----------
    summary
        From `summarize`.
    """
    rows = [
        (
            _label(name),
            _number(found["median"]),
            _with_error(found["mean"], found["standard_error"]),
            str(found["targets"]),
        )
        for name, found in summary["metrics"].items()
    ]
    rows += [
        (_OVER_TARGETS.get(name, name), _number(value), "", str(len(summary["targets"])))
        for name, value in summary["over_targets"].items()
    ]
    return TextTable(("median", "mean ± standard error", "targets"), rows)


_OVER_TARGETS = {
    "pairwise_rmsd_r": "pairwise RMSD, r over targets",
    "similar_first_components": "share of targets with |cos| of first PCs > 0.5",
    "rmsf_global_r_heavy_atoms": "global RMSF r, heavy atoms",
    "rmsf_per_target_r_heavy_atoms": "per-target RMSF r, heavy atoms",
    "rmsf_global_r_alpha_carbons": "global RMSF r, alpha carbons",
    "rmsf_per_target_r_alpha_carbons": "per-target RMSF r, alpha carbons",
}


def write_json(content: Json, path: Path) -> None:
    """Write numbers to a file, replacing it at once."""
    part = path.with_name(path.name + ".part")
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)


def read_evaluation(path: Path) -> dict[str, Any]:
    """What `genmd evaluate` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an evaluation.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no evaluation at {path}")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"cannot read {path} as JSON: {error}") from error
    if not isinstance(content, dict) or "metrics" not in content:
        raise ValueError(f"{path} has no metrics; expected a JSON file of genmd evaluate")
    return content


def render_evaluation(
    evaluation: Json,
    figures: Sequence[tuple[str, bytes]],
    *,
    beside: Mapping[str, Json] | None = None,
) -> str:
    """The page as HTML text without any reference to other files.

    Parameters
    ----------
    evaluation
        `Evaluation.as_dict`.
    figures
        Captions and PNG files.
    beside
        As for `metric_tables`.
    """
    title = f"Evaluation of {evaluation['name']}"
    tables = metric_tables(evaluation, beside)
    body = [
        f"<header><h1>{escape(title)}</h1>"
        f'<p class="grade {EXPLORATORY}"><strong>Generated ensemble: {EXPLORATORY}.</strong> '
        f"{escape(_GRADE)}</p></header>",
        section("What was compared", html_table(TextTable(("",), facts_rows(evaluation)))),
        *(section(name, html_table(table)) for name, table in tables.items()),
        section("Torsions", html_table(_torsions(evaluation["torsions"]))),
        *(section(caption, image(png, caption)) for caption, png in figures),
        notes_section(evaluation["notes"]),
    ]
    return page(title, body)


def facts_rows(evaluation: Json) -> list[tuple[str, str]]:
    """What the numbers rest on: name and value."""
    lag = evaluation["lag"]
    frames = lag["reference_frames"]
    rows = [
        ("sequence", str(evaluation["sequence"])),
        *((which, _size(evaluation[which])) for which in ("reference", "generated")),
        ("lag", f"{lag['time_ps']:g} ps" + (f", {frames} frames" if frames else ", not used")),
        ("error bars", evaluation["error_bars"]),
    ]
    return rows


def _size(size: Json) -> str:
    interval = size["frame_interval_ps"]
    order = f"{interval:g} ps between frames" if interval else "no order in time"
    files = ", ".join(size.get("files", ()))
    return f"{size['frames']:,} frames in {size['replicas']} replica(s), {order}" + (
        f": {files}" if files else ""
    )


def _torsions(rows: Sequence[Json]) -> TextTable:
    times = [name for name in _TIMES if rows and name in rows[0]]
    headings = ("JSD", *(_TIMES[name] for name in times))
    body = [(row["name"], _number(row["jsd"]), *(_number(row[n]) for n in times)) for row in rows]
    return TextTable(headings, body)


_TIMES = {
    "decorrelation_reference_ps": "decorrelation (ps), reference",
    "decorrelation_generated_ps": "generated",
}


def _label(name: str) -> str:
    metric = METRICS[name]
    return f"{metric.label}, {metric.unit}" if metric.unit else metric.label


def _value(evaluation: Json, name: str) -> str:
    found = evaluation["metrics"].get(name)
    if found is None:
        return ""
    return _with_error(found["value"], found.get("standard_error"))


def _between_halves(evaluation: Json, name: str) -> str:
    value = evaluation["metrics"][name].get("between_halves_of_reference")
    return "" if value is None else _number(value)


def _with_error(value: float | None, error: float | None) -> str:
    return _number(value) if error is None else f"{_number(value)} ± {_number(error)}"


def _number(value: float | None) -> str:
    if value is None:
        return "undefined"
    small = value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e4)
    return f"{value:.2e}" if small else f"{value:.3f}"
