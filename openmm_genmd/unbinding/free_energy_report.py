"""What a report says on the free energy along a path: `free_energy_section`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.figures import png_bytes
from openmm_genmd.analysis.free_energy_figures import (
    coordinate_figure,
    hysteresis_figure,
    overlap_figure,
    profile_figure,
)
from openmm_genmd.analysis.html_page import TextTable, html_table, image, section
from openmm_genmd.unbinding.free_energy_result import FreeEnergyResult
from openmm_genmd.unbinding.window_sampling import DIRECTIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_STARTED = {"in": "in-started", "out": "out-started"}
_MEANING = {
    True: (
        "Both directions agree within their errors, neighboring windows overlap, halves agree: the "
        "value is of grade exact, for this force field and within its errors. A slow motion that "
        "no simulation here has seen at all cannot be seen by any of these tests."
    ),
    False: (
        "Do not quote a value: the profile below is what was found so far, and it is wrong by an "
        "unknown amount. The same command with more --iterations goes on from here; leaps of the "
        "ligand (--leap-steps) help where its tilt or its bonds are slow, and twice the "
        "--place-spring-kj-per-mol-nm2 where a spring is too soft."
    ),
}


def free_energy_section(result: FreeEnergyResult) -> str:
    """Section of a page, HTML, with verdict, profile, overlap, hysteresis and time series."""
    converged = result.verdict.converged
    css = "exact" if converged else "exploratory"
    parts = [
        f'<p class="grade {css}"><strong>Grade: {escape(result.grade)}; '
        f"{escape(str(result.verdict))}.</strong> {escape(_MEANING[converged])}</p>",
        f"<p>{escape(leap_sentence(*result.leaps))}</p>",
        html_table(_table(result)),
        _picture(
            _profile(result),
            "Free energies of the windows; beyond the last one the ligand "
            "is taken to infinite distance, and its restraints are released",
        ),
        _picture(_overlap(result), "Overlap of windows, the smaller of both directions"),
        _picture(_hysteresis(result), "Free energy of unbinding against time per window"),
        _picture(_tilt(result), "How far the ligand is turned from the orientation of each window"),
    ]
    return section(f"Free energy along path {result.path_number}", "".join(parts))


def leap_sentence(tried: int, accepted: int) -> str:
    """What leaps of the ligand, or that there were none, mean for a value."""
    if not tried:
        return (
            "The ligand did not leap: ways to bind that MD does not reach from this one, turned "
            "over or with another bond turned, are not in this value. If there may be some, use "
            "--leap-steps."
        )
    return f"Leaps of the ligand: {tried:,d} tried, {accepted:,d} accepted."


def _table(result: FreeEnergyResult) -> TextTable:
    rows = []
    for direction in DIRECTIONS:
        found = result.estimates[direction]
        halves = "; ".join(
            f"{value:.1f} ± {error:.1f}" for value, error in found.halves_kcal_per_mol
        )
        rows.append(
            (
                _STARTED[direction],
                "{:.2f} ± {:.2f}".format(*found.unbinding_kcal_per_mol),
                "{:.2f} ± {:.2f}".format(*found.by_pairs_kcal_per_mol),
                halves,
                "{:.2f} ± {:.2f}".format(*found.correction_kcal_per_mol),
                f"{found.volume_kcal_per_mol:.2f}",
                f"{found.windows.smallest_overlap:.3f}",
                f"{found.core_seconds:,.0f}",
                f"{found.steps:,d}",
            )
        )
    headings = (
        *("free energy of unbinding, kcal/mol, 1 mol/L", "by BAR of neighbors", "its halves"),
        *("of it: to infinite distance", "of it: restraints to standard state"),
        *("least overlap", "core seconds", "force evaluations"),
    )
    return TextTable(headings, rows)


def _profile(result: FreeEnergyResult) -> Figure:
    temperature_k = result.plan.bound.temperature_k
    profiles = {
        _STARTED[d]: result.estimates[d].profile_kcal_per_mol(temperature_k) for d in DIRECTIONS
    }
    standard = result.mean_kcal_per_mol if result.verdict.converged else None
    windows = np.arange(len(result.plan.path.windows))
    label = f"window (on the path from {result.plan.path.first_on_path} on)"
    return profile_figure(
        windows, profiles, grade=result.grade, standard=standard, progress_label=label
    )


def _overlap(result: FreeEnergyResult) -> Figure:
    overlap = np.min([e.windows.overlap for e in result.estimates.values()], axis=0)
    return overlap_figure(overlap, grade=result.grade, least=result.plan.settings.least_overlap)


def _hysteresis(result: FreeEnergyResult) -> Figure:
    found = {_STARTED[d]: result.estimates[d] for d in DIRECTIONS}
    return hysteresis_figure(
        {name: 1e-3 * e.time_ps for name, e in found.items()},
        {name: e.forward_kcal_per_mol for name, e in found.items()},
        result.verdict,
        grade=result.grade,
        backward={name: e.reverse_kcal_per_mol for name, e in found.items()},
    )


def _tilt(result: FreeEnergyResult) -> Figure:
    """Means in all windows, and the course in that where the directions differ most."""
    cut = {
        d: np.degrees(result.tilt_rad[d][result.estimates[d].windows.discarded :])
        for d in DIRECTIONS
    }
    means = {d: (tilt.mean(axis=0), _errors(result, d, tilt)) for d, tilt in cut.items()}
    apart = np.abs(means["in"][0] - means["out"][0])
    window = int(np.argmax(apart / np.hypot(means["in"][1], means["out"][1]).clip(1e-9)))
    return coordinate_figure(
        "tilt of the ligand (degrees)",
        {_STARTED[d]: mean for d, mean in means.items()},
        {_STARTED[d]: tilt[:, window] for d, tilt in cut.items()},
        window=window,
        time_step_ps=result.plan.settings.iteration_ps,
        grade=result.grade,
    )


def _errors(result: FreeEnergyResult, direction: str, values: Array) -> Array:
    """Standard errors ``(n_windows,)`` of means, by the windows' statistical inefficiencies."""
    slowness = result.estimates[direction].windows.inefficiency  # type: ignore[index]
    return np.asarray(values.std(axis=0) * np.sqrt(slowness / len(values)))


def _picture(figure: Figure, caption: str) -> str:
    return image(png_bytes(figure), caption)
