"""Figures for reports. Every figure states the grade of the run that it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.free_energy import FreeEnergyProfile, FreeEnergySurface
from openmm_genmd.analysis.jump_log import JumpLog

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with every common kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
_MAX_KJ_PER_MOL = 30.0


def acceptance_figure(log: JumpLog) -> Figure:
    """Share of accepted leaps in consecutive windows of the run.

    Raises
    ------
    ValueError
        If the log holds no attempts.
    """
    steps, acceptance = log.acceptance_over_time()
    figure = graded_figure(log.grade, 7.0, 3.0)
    axes = figure.add_subplot()
    axes.plot(steps, acceptance, color=COLOURS[0])
    axes.axhline(log.acceptance, color="0.5", linestyle="--", label=f"mean {log.acceptance:.3f}")
    axes.set(xlabel="MD steps", ylabel="accepted share", ylim=(0, 1))
    axes.legend(frameon=False)
    return figure


def rejection_figure(log: JumpLog) -> Figure:
    """Share of the attempts rejected for each reason, as horizontal bars."""
    rejections = log.rejections()
    figure = graded_figure(log.grade, 7.0, 1.4 + 0.4 * len(rejections))
    axes = figure.add_subplot()
    shares = [count / len(log) for count in rejections.values()]
    bars = axes.barh(list(rejections), shares, color=COLOURS[1])
    axes.bar_label(bars, fmt="{:.1%}", padding=4)
    axes.invert_yaxis()
    axes.set(xlabel="share of all attempts", xlim=(0, 1.15 * max(shares, default=1.0)))
    return figure


def free_energy_figure(
    surfaces: Mapping[str, FreeEnergySurface],
    profiles: Mapping[str, FreeEnergyProfile],
    *,
    grade: str,
    zero_of: str,
    unavailable: Sequence[str] = (),
) -> Figure:
    """Surfaces over phi and psi side by side, and below them the profiles of phi with error bands.

    Parameters
    ----------
    surfaces, profiles
        By the name to print.
    grade
        Grade of the run; an exploratory one has no free energy.
    zero_of
        Name of the profile whose minimum is the zero of all: the one with the smallest errors.
    unavailable
        Sentences to print below, for instance on what plain MD has not seen.

    Raises
    ------
    ValueError
        If the run is exploratory: its frames are not Boltzmann-distributed.
    """
    if grade == "exploratory":
        raise ValueError(
            "an exploratory run is not Boltzmann-distributed and has no free energy; use a "
            "proposer with a density, or reweight"
        )
    figure = graded_figure(grade, 4.2 * max(2, len(surfaces)), 7.6)
    grid = figure.add_gridspec(2, max(1, len(surfaces)), height_ratios=(1.15, 1.0))
    for column, (name, surface) in enumerate(surfaces.items()):
        _draw_surface(figure, figure.add_subplot(grid[0, column]), name, surface)
    axes = figure.add_subplot(grid[1, :])
    zero = float(np.nanmin(profiles[zero_of].free_energy_kj_per_mol))
    for colour, (name, profile) in zip(COLOURS, profiles.items(), strict=False):
        _draw_profile(axes, name, profile, colour, zero)
    axes.set(xlabel="phi (rad)", ylabel="F (kJ/mol)", xlim=(-np.pi, np.pi))
    axes.legend(frameon=False)
    if unavailable:
        figure.text(0.01, -0.01, "\n".join(unavailable), va="top", fontsize=9)
    return figure


def png_bytes(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=130, bbox_inches="tight")
    return buffer.getvalue()


def graded_figure(grade: str, width_inch: float, height_inch: float) -> Figure:
    """An empty figure that says the grade of what it shows."""
    # Figure without pyplot: no global state, no window system, nothing to close.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_inch, height_inch), layout="constrained")
    figure.suptitle(f"grade: {grade}", x=0.99, ha="right", fontsize=9, color="0.35")
    return figure


def _draw_surface(figure: Figure, axes: Axes, name: str, surface: FreeEnergySurface) -> None:
    edges = _edges(surface.centers_rad)
    mesh = axes.pcolormesh(
        edges, edges, surface.free_energy_kj_per_mol.T, cmap="viridis", vmin=0, vmax=_MAX_KJ_PER_MOL
    )
    axes.axvspan(0.3, 2.2, fill=False, edgecolor="0.4", linestyle=":")
    axes.set(title=name, xlabel="phi (rad)", ylabel="psi (rad)", aspect="equal")
    figure.colorbar(mesh, ax=axes, label="F (kJ/mol)", shrink=0.85)


def _draw_profile(
    axes: Axes, name: str, profile: FreeEnergyProfile, colour: str, zero_kj_per_mol: float
) -> None:
    f = profile.free_energy_kj_per_mol - zero_kj_per_mol
    error = profile.standard_error_kj_per_mol
    axes.plot(profile.centers_rad, f, color=colour, label=f"{name} (band: ± 2 standard errors)")
    axes.fill_between(
        profile.centers_rad, f - 2 * error, f + 2 * error, color=colour, alpha=0.25, linewidth=0
    )


def _edges(centers_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linspace(-np.pi, np.pi, len(centers_rad) + 1)
