"""One self-contained HTML page on unbinding paths: `UnbindingReport`, `write_unbinding_report`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from openmm_genmd.analysis.evaluation_table import EXPLORATORY
from openmm_genmd.analysis.figures import png_bytes
from openmm_genmd.analysis.html_page import (
    TextTable,
    html_table,
    image,
    notes_section,
    page,
    section,
)
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.channel_scene import CONTENT_SECURITY_POLICY, scene, viewer_html
from openmm_genmd.unbinding.channels import THRESHOLD_NM, Channel, find_channels
from openmm_genmd.unbinding.found_path import FoundPath
from openmm_genmd.unbinding.residue_contacts import residue_contacts
from openmm_genmd.unbinding.unbinding_figures import (
    break_even,
    break_even_figure,
    channel_colors,
    contact_figure,
    residue_figure,
    shooting_figure,
    success_figure,
    work_figure,
)
from openmm_genmd.unbinding.unbinding_tables import (
    METHODS,
    channel_table,
    method_table,
    outcome_table,
)
from openmm_genmd.unbinding.verification import Shots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEANING = (
    "A path shows a way that the ligand can take and the work it cost to take it. It carries no "
    "Boltzmann weight and no rate, and leaps carry no physical time: shares of channels are shares "
    "of this search, not of the molecule's own exits, and no free energy follows from them."
)
"""What the grade means."""

_REMINDER = "Exploratory: paths carry no Boltzmann weight and no rate."
_MOST_RESIDUES = 40


@dataclass(frozen=True, eq=False)
class UnbindingReport:
    """What a report says. Any text may hold any character: it is escaped.

    Attributes
    ----------
    bound
        The complex; its name is the report's.
    paths
        All walkers' paths, those that gave up included.
    settings
        What ran: name and value.
    summary
        As `method_table` takes it. Success@1 and its interval come from the paths.
    baselines
        The same of other methods, by the keys of `METHODS`.
    shooting
        Number of a path -> its shots.
    charged_core_seconds
        What data and training of the model cost; None: not known.
    threshold_nm
        Between channels, see `find_channels`.
    notes
        Sentences that a reader should know before quoting a number.
    sections
        More of the page, as HTML that is taken as it is.

    Raises
    ------
    ValueError
        If there are no paths, two have one number, or there are shots of a path that is not there.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> import numpy as np
    >>> bound = bundled_complex("cb7-b2")
    >>> frames = np.repeat(bound.positions_nm[None], 2, axis=0).astype(np.float32)
    >>> stays = FoundPath(0, frames, np.array([0, 1]), np.zeros(2), "gave up")
    >>> "Grade: exploratory" in render_unbinding_report(UnbindingReport(bound, [stays]))
    True
    """

    bound: BoundComplex
    paths: Sequence[FoundPath]
    settings: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shooting: Mapping[int, Sequence[Shots]] = field(default_factory=dict)
    charged_core_seconds: float | None = None
    threshold_nm: float = THRESHOLD_NM
    notes: Sequence[str] = ()
    sections: Sequence[str] = ()

    def __post_init__(self) -> None:
        numbers = [path.number for path in self.paths]
        if not numbers:
            raise ValueError("a report needs at least one path, got none; let walkers finish first")
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"every path needs a number of its own, got {sorted(numbers)}")
        if unknown := sorted(set(self.shooting) - set(numbers)):
            raise ValueError(f"there are shots from paths {unknown}, but no such paths")


def write_unbinding_report(report: UnbindingReport, path: str | Path) -> None:
    """Write `render_unbinding_report` to a file, replacing it at once.

    Raises
    ------
    ValueError
        As `find_channels`.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(render_unbinding_report(report), encoding="utf-8")
    os.replace(partial, path)


def render_unbinding_report(report: UnbindingReport) -> str:
    """The page as HTML text, without any reference to other files.

    Raises
    ------
    ValueError
        As `find_channels`.
    """
    bound = report.bound
    channels = find_channels(report.paths, bound, threshold_nm=report.threshold_nm)
    title = f"Unbinding paths of {bound.name}"
    body = [
        f'<header><h1>{escape(title)}</h1><p class="grade {EXPLORATORY}">'
        f"<strong>Grade: {EXPLORATORY}.</strong> {escape(MEANING)}</p></header>",
        _success(report),
        _channels(report, channels),
        _work(report, channels),
        _contacts(report, channels),
        *_shooting(report),
        *report.sections,
        *_settings(report),
        notes_section(report.notes),
    ]
    return page(title, body, head=CONTENT_SECURITY_POLICY)


def _settings(report: UnbindingReport) -> list[str]:
    if not report.settings:
        return []
    return [section("What ran", html_table(TextTable(("",), list(report.settings.items()))))]


def _success(report: UnbindingReport) -> str:
    tries, exits = len(report.paths), sum(path.counts for path in report.paths)
    counted = {"success_at_1": exits / tries, "tries": tries, "stable_exits": exits}
    parts = [
        "<p>An exit counts if the ligand stays out in unbiased MD. Intervals of success are those "
        "of Clopper and Pearson.</p>",
        html_table(method_table({**report.summary, **counted}, report.baselines)),
        _picture(
            success_figure(tries, exits),
            "Success@k: probability that at least one of k walkers finds an exit that stays",
        ),
        *_break_even(report),
        html_table(outcome_table(report.paths)),
    ]
    return section("Success, and what it cost", "".join(parts))


def _break_even(report: UnbindingReport) -> list[str]:
    charged, own = report.charged_core_seconds, report.summary.get("seconds_per_stable_exit")
    others = {
        METHODS.get(key, key): found["seconds_per_stable_exit"]
        for key, found in report.baselines.items()
        if found.get("seconds_per_stable_exit") is not None
    }
    if charged is None or own is None or not others:
        return []
    sentences = [_break_even_sentence(name, charged, own, other) for name, other in others.items()]
    text = f"Data and training cost {charged:,.0f} core seconds. {' '.join(sentences)}"
    picture = _picture(
        break_even_figure(charged, own, others), "Core seconds in all, data and training charged"
    )
    return [f"<p>{escape(text)}</p>", picture]


def _break_even_sentence(name: str, charged: float, own: float, other: float) -> str:
    crossing = break_even(charged, own, other)
    if crossing is None:
        return f"Against {name} ({other:,.1f} s an exit) they never pay."
    return f"Against {name} ({other:,.1f} s an exit) they pay after {crossing:,.0f} stable exits."


def _channels(report: UnbindingReport, channels: list[Channel]) -> str:
    if not channels:
        return section("Channels", "<p>No path leads out: there are no channels.</p>")
    text = (
        "Ways of the ligand's centre through the receptor, in the receptor's frame, joined while "
        f"their mean distance is below {report.threshold_nm:g} nm. Thin: paths; thick: their mean. "
        f"Shares have Wilson's intervals. {_REMINDER}"
    )
    content = scene(report.bound, report.paths, channels, channel_colors(channels))
    return section(
        "Channels",
        f"<p>{escape(text)}</p>{viewer_html(content)}"
        + html_table(channel_table(channels, report.paths)),
    )


def _work(report: UnbindingReport, channels: list[Channel]) -> str:
    caption = (
        "Work of the springs along the path, less what they hold. Thin: paths; thick: median of "
        "the channel"
    )
    return section("Work", _picture(work_figure(report.paths, channels), caption))


def _contacts(report: UnbindingReport, channels: list[Channel]) -> str:
    bound = report.bound
    by_residue = residue_contacts(bound.positions_nm[None], bound)[0]
    caption = (
        f"Contacts of heavy atoms of ligand and receptor, as a share of the {by_residue.sum()} of "
        "the bound structure"
    )
    parts = [_picture(contact_figure(report.paths, channels, bound), caption)]
    if channels and 1 < np.count_nonzero(by_residue) <= _MOST_RESIDUES:
        drawn = residue_figure(report.paths, channels, bound)
        parts.append(_picture(drawn, "The same by residue, mean of each channel"))
    return section("Contacts", "".join(parts))


def _shooting(report: UnbindingReport) -> list[str]:
    if not report.shooting:
        return []
    text = (
        "Unbiased MD from frames of the paths, with fresh velocities. These shares are no "
        "committors: frames on a path are not drawn from the Boltzmann distribution, and shots "
        "are short."
    )
    drawn = _picture(
        shooting_figure(report.shooting), "Share of shots that end out, with 95 % intervals"
    )
    return [section("Shooting from the paths", f"<p>{escape(text)}</p>{drawn}")]


def _picture(figure: Figure, caption: str) -> str:
    return image(png_bytes(figure), f"{caption}. {_REMINDER}")
