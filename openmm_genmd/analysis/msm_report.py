"""One self-contained HTML page on a Markov state model, and the same numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from openmm_genmd.analysis.figures import png_bytes
from openmm_genmd.analysis.html_page import (
    TextTable,
    html_table,
    image,
    notes_section,
    page,
    section,
)
from openmm_genmd.analysis.msm_figures import (
    chapman_kolmogorov_figure,
    population_figure,
    state_figure,
    timescale_figure,
    transition_figure,
)
from openmm_genmd.msm.estimation import MsmEstimate
from openmm_genmd.msm.resampling import count_transitions
from openmm_genmd.msm.weak_cuts import crossings


@dataclass(frozen=True)
class MsmReport:
    """What a report on a Markov state model says. Any text may hold any character: it is escaped.

    Attributes
    ----------
    title
        Heading of the page, such as the name of the molecule.
    settings
        What the model was made from: name and value.
    estimate
        The model and its tests.
    frame_interval_ps
        Time between frames, ps.

    Examples
    --------
    >>> from openmm_genmd.msm.estimation import MsmConfig, estimate_msm
    >>> rng = np.random.default_rng(0)
    >>> positions = (rng.random(2000) < 0.05).cumsum() % 2 + 0.01 * rng.normal(size=2000)
    >>> estimate = estimate_msm(
    ...     [positions[:, None]], MsmConfig(lag_frames=2, n_microstates=4, n_states=2)
    ... )
    >>> report = MsmReport("a switch", {"frames": "2000"}, estimate, frame_interval_ps=0.5)
    >>> report.summary()["states"], report.summary()["lag_time_ps"]
    (2, 1.0)
    """

    title: str
    settings: Mapping[str, str]
    estimate: MsmEstimate
    frame_interval_ps: float

    def summary(self) -> dict[str, Any]:
        """Numbers of the report, for JSON; times in ps; null for an error that is not known."""
        estimate, ps = self.estimate, self.frame_interval_ps
        model, test = estimate.model, estimate.chapman_kolmogorov
        errors = estimate.population_error.tolist()
        return {
            "title": self.title,
            "settings": dict(self.settings),
            "states": model.n_states,
            "lag_time_ps": model.lag_frames * ps,
            "frame_interval_ps": ps,
            "lengths": list(estimate.lengths),
            "excluded_frames": int(np.count_nonzero(model.labels < 0)),
            "populations": model.stationary.tolist(),
            "population_errors": [e if np.isfinite(e) else None for e in errors],
            "shares_of_frames": model.populations.tolist(),
            "transition_matrix": model.transition_matrix.tolist(),
            "reversible_transition_matrix": model.reversible_transition_matrix.tolist(),
            "timescales_ps": (model.timescales_frames * ps).tolist(),
            "coordinates": estimate.state_map.coordinates.n_coordinates,
            "kinetic_variance": estimate.state_map.coordinates.kinetic_variance,
            "microstates": estimate.state_map.microstates.n_microstates,
            "chapman_kolmogorov": {
                "passed": test.passed,
                "tested": bool(len(test.multiples)),
                "text": test.describe(),
            },
            "notes": list(model.notes),
        }


def write_msm_report(report: MsmReport, folder: Path) -> None:
    """Write ``msm.json`` and ``report.html`` into a folder.

    Parameters
    ----------
    report
        What to write.
    folder
        An existing one; files of these names are replaced.
    """
    text = json.dumps(report.summary(), indent=2) + "\n"
    (folder / "msm.json").write_text(text, encoding="utf-8")
    (folder / "report.html").write_text(render_msm_report(report), encoding="utf-8")


def render_msm_report(report: MsmReport) -> str:
    """The page as HTML text without any reference to other files."""
    body = [
        _heading(report),
        section(
            "What it was made from", html_table(TextTable(("",), list(report.settings.items())))
        ),
        notes_section(report.estimate.model.notes),
        section("States", html_table(state_table(report)) + _populations(report)),
        section("Implied timescales", _timescales(report)),
        section("Chapman-Kolmogorov test", _chapman_kolmogorov(report)),
        section(
            "Transitions",
            image(
                png_bytes(transition_figure(report.estimate.model.transition_matrix)),
                "Transition probabilities of one lag, counts divided by the sum of their row",
            ),
        ),
    ]
    return page(report.title, body)


def state_table(report: MsmReport) -> TextTable:
    """Population, stability and number of crossings of each state."""
    estimate = report.estimate
    model = estimate.model
    parts = np.split(model.labels, np.cumsum(estimate.lengths)[:-1])
    counts = count_transitions(parts, model.n_states, model.lag_frames)
    seen = crossings(counts, model.lag_frames)
    rows = [
        (
            str(i),
            f"{model.stationary[i]:.4f} ± {_error(estimate.population_error[i])}",
            f"{model.populations[i]:.2%}",
            f"{model.transition_matrix[i, i]:.3f}",
            f"{seen[i]:.1f}",
        )
        for i in range(model.n_states)
    ]
    headings = (
        "equilibrium population ± standard error",
        "share of frames",
        "still there after one lag",
        "entered or left, times",
    )
    return TextTable(headings, rows)


def _error(value: float) -> str:
    return f"{value:.4f}" if np.isfinite(value) else "unknown"


def _heading(report: MsmReport) -> str:
    model, test = report.estimate.model, report.estimate.chapman_kolmogorov
    kind = "grade" if test.passed else "grade exploratory"
    return (
        f"<header><h1>{escape(report.title)}</h1>"
        f'<p class="{kind}"><strong>{model.n_states} states at a lag of '
        f"{model.lag_frames * report.frame_interval_ps:g} ps.</strong> "
        f"{escape(test.describe())}.</p></header>"
    )


def _populations(report: MsmReport) -> str:
    populations = png_bytes(population_figure(report.estimate))
    states = png_bytes(state_figure(report.estimate))
    return image(populations, "Populations of the states, in equilibrium and in the data") + image(
        states, "Microstates in the slowest coordinates, colored by state; crosses are excluded"
    )


def _timescales(report: MsmReport) -> str:
    estimate, ps = report.estimate, report.frame_interval_ps
    figure = timescale_figure(
        estimate.microstate_scan, estimate.state_scan, estimate.model.lag_frames, ps
    )
    slowest = ", ".join(f"{t * ps:.4g}" for t in estimate.model.timescales_frames[:5])
    return f"<p>Slowest processes at the lag of the model: {slowest} ps.</p>" + image(
        png_bytes(figure),
        "Lines: microstates. Points: states, with two standard errors. Dotted: lag of the model. "
        "The lag should be where lines have become flat, and above the gray area",
    )


def _chapman_kolmogorov(report: MsmReport) -> str:
    test = report.estimate.chapman_kolmogorov
    text = f"<p>{escape(test.describe())}.</p>"
    if not len(test.multiples):
        return text
    figure = chapman_kolmogorov_figure(test, report.frame_interval_ps)
    return text + image(
        png_bytes(figure),
        "Probability to be in a state again: powers of the model's matrix, and matrices of longer "
        "lags from the trajectories; bands and bars are two standard errors",
    )
