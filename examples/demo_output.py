"""The table, the JSON file, the figure and the page of the demo."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from alanine_dipeptide_samplers import RECORD_STEPS, SETTLE_PS
from alanine_dipeptide_system import FORCE_FIELD, PLATFORM, TEMPERATURE_K, TIME_STEP_PS
from demo_findings import Findings, Sampled
from numpy.typing import NDArray
from reference import Reference
from rich.table import Table

from openmm_genmd.analysis.crossings import MIN_CROSSINGS, CrossingRate
from openmm_genmd.analysis.figures import free_energy_figure
from openmm_genmd.analysis.free_energy import free_energy_profile, free_energy_surface
from openmm_genmd.analysis.html_page import TextTable
from openmm_genmd.analysis.jump_log import JumpLog
from openmm_genmd.analysis.report import RunReport
from openmm_genmd.analysis.statistics import Population

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TARGET_NOTE = (
    "The target is judged by the 95 % lower limit, crossings_hybrid_over_md_at_least in "
    "summary.json, not by the ratio itself."
)


def summary_json(findings: Findings) -> str:
    """Format the findings as the text of ``summary.json``; null where there is no number."""
    f = findings
    summary = {
        "grade": f.grade,
        "acceptance": f.acceptance,
        "crossings_per_minute": {"hybrid": _rate(f.leaps), "md": _rate(f.md)},
        "crossings_per_minute_standard_error": {
            "hybrid": f.leaps.rate.standard_error if f.leaps.rate else None,
            "md": f.md.rate.standard_error if f.md.rate else None,
        },
        "crossings_hybrid_over_md": f.speedup,
        "crossings_hybrid_over_md_at_least": f.speedup_at_least,
        "md_rate_from": f.md.rate.source if f.md.rate else None,
        "md_exits": {
            "n": f.exits.n_exits,
            "entries_followed": f.exits.n_entries,
            "entries_that_stay": f.exits.n_stays,
            "recrossing_factor": 1 / f.exits.stay_probability[0],
            "total_time_ps": f.exits.total_time_ps,
            "wall_seconds": 60 * f.exit_minutes,
        },
        "population_alpha_left": {
            "hybrid": f.leaps.population.as_pair(),
            "md": f.md.population.as_pair(),
            "reference": list(f.reference),
        },
        "deviation_in_standard_errors": f.deviation,
        "ess_per_minute": {"hybrid": f.leaps.ess_per_minute, "md": f.md.ess_per_minute},
        "crossings": {
            "hybrid": f.leaps.population.n_crossings,
            "md": f.md.population.n_crossings,
        },
        "wall_seconds": {"hybrid": 60 * f.leaps.minutes, "md": 60 * f.md.minutes},
        "steps": {"hybrid": f.leaps.steps, "md": f.md.steps},
        "jump_interval": f.settings.jump_interval,
        "tries_per_jump": f.settings.tries_per_jump,
        "platform": PLATFORM,
        "seed": f.settings.seed,
        "versions": {name: version(name) for name in ("openmm", "openmm-genmd", "numpy")},
    }
    return json.dumps(summary, indent=1, allow_nan=False) + "\n"


def table(findings: Findings) -> Table:
    """Lay the findings out for the terminal."""
    f = findings
    result = Table(
        title=f"Alanine dipeptide, 300 K, grade: {f.grade}",
        caption=f"{rate_remark(f)} {TARGET_NOTE}",
    )
    for heading in ("", "hybrid", "plain MD", "reference"):
        result.add_column(heading)
    for name, *values in _lines(f):
        result.add_row(name, *values)
    return result


def rate_remark(findings: Findings) -> str:
    """Say how the rate of plain MD was obtained."""
    seen = findings.md.population.n_crossings
    if findings.md.rate is None:
        return f"Plain MD crossed {seen} times and never ran in alpha-left: its rate is unknown."
    if findings.md.rate.source == "counted":
        return "Both rates were counted."
    if findings.md.rate.source == "upper limit":
        return (
            f"Plain MD crossed {seen} times and did not leave alpha-left in "
            f"{findings.exits.total_time_ps:.0f} ps of runs started there: its rate is a 95 % "
            "upper limit, in which an entry is as likely to leave at once as to stay."
        )
    exits = findings.exits
    return (
        f"Plain MD crossed {seen} times, fewer than {MIN_CROSSINGS}. Its rate is 2 p / (tau s): p "
        f"the reference population, tau = {exits.total_time_ps / exits.n_exits:.0f} ps the mean "
        f"time to the first exit of plain MD started in alpha-left, with {exits.n_exits} exits "
        f"seen, s = {exits.stay_probability[0]:.2f} the probability that an entry stays "
        f"{SETTLE_PS:g} ps ({exits.n_stays} of {exits.n_entries} did), so that quick recrossings "
        "count as they do in the hybrid run."
    )


def draw(
    findings: Findings,
    leaps_rad: NDArray[np.float64],
    md_rad: NDArray[np.float64],
    reference: Reference,
) -> Figure:
    """Draw the surfaces of both runs and F(phi) of both with the reference."""
    runs = {"hybrid": leaps_rad, "plain MD": md_rad}
    surfaces = {
        name: free_energy_surface(*angles.T, temperature_k=TEMPERATURE_K)
        for name, angles in runs.items()
    }
    profiles = {
        name: free_energy_profile(angles[:, 0], temperature_k=TEMPERATURE_K)
        for name, angles in runs.items()
    }
    profiles["reference"] = reference.profile
    notes = [f"plain MD: {findings.md.population.note}"] if findings.md.population.note else []
    return free_energy_figure(
        surfaces, profiles, grade=findings.grade, zero_of="reference", unavailable=notes
    )


def page(findings: Findings, log: JumpLog, figure: bytes, reference: Reference) -> RunReport:
    """Compose the report."""
    f = findings
    rows = TextTable(("hybrid", "plain MD", "reference"), _lines(f))
    return RunReport(
        title="Alanine dipeptide: leaps against plain MD",
        settings={
            "molecule": "Ace-Ala-Nme, 22 atoms, implicit solvent",
            "force field": " + ".join(FORCE_FIELD) + ", HBonds constraints, no cutoff",
            "inner integrator": "LangevinMiddle, 300 K, 1/ps, "
            f"{1000 * TIME_STEP_PS:g} fs, platform {PLATFORM}, for both runs",
            "leaps": f"{f.settings.tries_per_jump} tries after every "
            f"{f.settings.jump_interval} MD steps",
            "wall time": f"hybrid {60 * f.leaps.minutes:.0f} s, plain MD {60 * f.md.minutes:.0f} s,"
            " in turns on one core; the hybrid's counts model, energies and bookkeeping",
            "seed": str(f.settings.seed),
        },
        log=log,
        results={"Hybrid run and what it is compared with": rows},
        figures=[("Free energy of phi and psi; dotted: alpha-left, 0.3 < phi < 2.2 rad", figure)],
        notes=[
            rate_remark(f),
            TARGET_NOTE,
            "Crossings are counted between phi < 0 and 0.3 < phi < 2.2 rad; staying in between "
            f"counts for nothing. Both runs are looked at every {RECORD_STEPS} MD steps.",
            "Leaps give populations, never kinetics: the hybrid's crossings are not the molecule's "
            "rate. They hardly visit barriers, where its error band is wide.",
            f"Reference: {reference.method}.",
            "Errors of populations: block averages, one standard error. A run with fewer than "
            f"{MIN_CROSSINGS} crossings gets none.",
        ],
    )


def _lines(f: Findings) -> list[tuple[str, str, str, str]]:
    leaps, md = f.leaps, f.md
    deviation = "" if f.deviation is None else f"{f.deviation:+.1f} standard errors from reference"
    value, error = f.reference
    speedup = "unknown"
    if f.speedup is not None:
        limit = f"at least {f.speedup_at_least:,.0f}"
        if md.rate.source != "upper limit":
            speedup = f"{f.speedup:,.0f} ({limit}), from {f.exits.n_exits} exits of plain MD"
        else:
            speedup = limit
    return [
        ("leaps accepted", f"{f.acceptance:.1%}", "", ""),
        ("crossings per minute", _text(leaps.rate), _text(md.rate), ""),
        ("hybrid over plain MD", speedup, "1", ""),
        ("crossings seen", *(f"{s.population.n_crossings}" for s in (leaps, md)), ""),
        (
            "population of alpha-left",
            _share(leaps.population),
            _share(md.population),
            f"{value:.4f} ± {error:.4f}",
        ),
        ("deviation", deviation, "", ""),
        ("effective samples per minute", *(_optional(s.ess_per_minute) for s in (leaps, md)), ""),
        ("MD steps", f"{leaps.steps:,}", f"{md.steps:,}", ""),
        ("wall time", f"{60 * leaps.minutes:.0f} s", f"{60 * md.minutes:.0f} s", ""),
    ]


def _rate(sampled: Sampled) -> float | None:
    return sampled.rate.per_minute if sampled.rate else None


def _text(rate: CrossingRate | None) -> str:
    if rate is None:
        return "unknown"
    if rate.source == "upper limit":
        return f"below {rate.upper_per_minute:.3g} (95 %)"
    return f"{rate.per_minute:.3g} ± {rate.standard_error:.2g}"


def _share(share: Population) -> str:
    if share.standard_error is None:
        return f"{share.value:.4f}, no error bar ({share.n_crossings} crossings)"
    return f"{share.value:.4f} ± {share.standard_error:.4f}"


def _optional(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.0f}"
