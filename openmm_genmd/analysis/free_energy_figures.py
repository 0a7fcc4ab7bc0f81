"""Figures of free energies along windows. Each says the grade of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from openmm_genmd.analysis.figures import COLOURS, graded_figure
from openmm_genmd.analysis.hysteresis import Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
Estimate = tuple[float, float]

_BAND = "band: ± 2 standard errors"
_BEFORE_LINE_BREAK = 110


def profile_figure(
    progress: ArrayLike,
    profiles: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    grade: str,
    standard: Estimate | None = None,
    progress_label: str = "window",
) -> Figure:
    """Free energies along the windows with their errors.

    Parameters
    ----------
    progress
        ``(K,)``, where the windows stand.
    profiles
        By the name of a run, such as out-started: free energies ``(K,)`` and standard errors
        ``(K,)``, kcal/mol.
    grade
        Of the runs.
    standard
        Free energy of unbinding at 1 mol/L on the same scale, and its standard error, kcal/mol.
    progress_label
        What progress is, with its unit.

    Raises
    ------
    ValueError
        If a profile is not as long as the progress.
    """
    x = np.asarray(progress, dtype=np.float64)
    figure = graded_figure(grade, 7.0, 3.8)
    axes = figure.add_subplot()
    for k, (name, (value, error)) in enumerate(profiles.items()):
        _draw_band(axes, x, value, error, k, f"{name} ({_BAND})")
    if standard is not None:
        level, error = standard
        label = f"unbound, 1 mol/L: {level:.1f} ± {error:.1f}"
        axes.axhline(level, color="0.3", linestyle="--", label=label)
        axes.axhspan(level - 2 * error, level + 2 * error, color="0.3", alpha=0.12, linewidth=0)
    axes.set(xlabel=progress_label, ylabel="free energy (kcal/mol)")
    axes.legend(frameon=False, fontsize=8)
    return figure


def overlap_figure(overlap: ArrayLike, *, grade: str, least: float = 0.03) -> Figure:
    """Overlap matrix, with neighbors that overlap too little in a frame.

    Parameters
    ----------
    overlap
        ``(K, K)``, from `WindowFreeEnergies`.
    grade
        Of the runs.
    least
        Below which neighbors are framed.

    Raises
    ------
    ValueError
        If the matrix is not square.
    """
    from matplotlib.patches import Rectangle

    matrix = np.asarray(overlap, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"an overlap matrix is square, got shape {matrix.shape}")
    figure = graded_figure(grade, 5.6, 4.8)
    axes = figure.add_subplot()
    image = axes.imshow(matrix, cmap="Blues", vmin=0.0, vmax=0.5)
    for k in range(len(matrix) - 1):
        if min(matrix[k, k + 1], matrix[k + 1, k]) < least:
            corner = (k - 0.5, k - 0.5)
            axes.add_patch(Rectangle(corner, 2, 2, fill=False, edgecolor=COLOURS[1], linewidth=1.5))
    axes.set(xlabel="window", ylabel="window", title=f"framed: neighbors below {least:g}")
    figure.colorbar(image, ax=axes, label="overlap", shrink=0.85)
    return figure


def hysteresis_figure(
    time_ns: Mapping[str, ArrayLike],
    estimates: Mapping[str, ArrayLike],
    verdict: Verdict,
    *,
    grade: str,
    backward: Mapping[str, ArrayLike] | None = None,
) -> Figure:
    """Estimates against the simulated time that they rest on, and the verdict.

    Parameters
    ----------
    time_ns
        By the name of a run, such as out-started: ``(n,)`` ns in ascending order.
    estimates
        By the same names: values and standard errors ``(n, 2)`` from the beginning of the run to
        each of these times, kcal/mol.
    verdict
        From `judge`.
    grade
        Of the runs.
    backward
        The same of the last part of the run, as long as these times.

    Raises
    ------
    ValueError
        If names or lengths do not match.
    """
    figure = graded_figure(grade, 7.0, 4.2)
    axes = figure.add_subplot()
    for k, name in enumerate(estimates):
        x, rows = _times(time_ns, name), np.asarray(estimates[name], dtype=np.float64)
        _draw_band(axes, x, rows[:, 0], rows[:, 1], k, f"{name} ({_BAND})")
        if backward is not None:
            last = np.asarray(backward[name], dtype=np.float64)[:, 0]
            axes.plot(x, last, ":", color=COLOURS[k % len(COLOURS)], label=f"{name}, from its end")
    axes.set(xlabel="simulated time (ns)", ylabel="free energy of unbinding (kcal/mol)")
    axes.legend(frameon=False, fontsize=8)
    axes.set_title(_shortened(str(verdict)), fontsize=8, loc="left", wrap=True)
    return figure


def coordinate_figure(
    name: str,
    means: Mapping[str, tuple[ArrayLike, ArrayLike]],
    series: Mapping[str, ArrayLike],
    *,
    window: int,
    time_step_ps: float,
    grade: str,
) -> Figure:
    """A coordinate that may be slow: its mean in each window, and its course in one of them.

    Parameters
    ----------
    name
        Of the coordinate, with its unit.
    means
        By the name of a run: means ``(K,)`` and standard errors ``(K,)`` over the windows.
    series
        By the same names: ``(iterations,)`` in the window to show.
    window
        Index of this window.
    time_step_ps
        Between its samples, ps.
    grade
        Of the runs.

    Raises
    ------
    ValueError
        If a mean and its errors differ in length.
    """
    figure = graded_figure(grade, 8.4, 3.6)
    left, right = figure.subplots(1, 2)
    for k, (run, (mean, error)) in enumerate(means.items()):
        _draw_band(left, np.arange(float(np.size(mean))), mean, error, k, run)
    for k, (run, values) in enumerate(series.items()):
        y = np.asarray(values, dtype=np.float64)
        time_ns = np.arange(len(y)) * time_step_ps / 1000
        right.plot(time_ns, y, color=COLOURS[k % len(COLOURS)], linewidth=0.6, label=run)
    left.axvline(window, color="0.6", linestyle=":")
    left.set(xlabel="window", ylabel=f"mean of {name}", title=_BAND)
    right.set(xlabel="time (ns)", ylabel=name, title=f"window {window}")
    left.legend(frameon=False, fontsize=8)
    return figure


def _draw_band(
    axes: Axes, x: Array, value: ArrayLike, error: ArrayLike, k: int, label: str
) -> None:
    y, e = np.asarray(value, dtype=np.float64), np.asarray(error, dtype=np.float64)
    if not x.shape == y.shape == e.shape:
        raise ValueError(
            f"places, values and errors of {label!r} must be of one shape, got {x.shape}, "
            f"{y.shape} and {e.shape}"
        )
    color = COLOURS[k % len(COLOURS)]
    axes.plot(x, y, ".-", color=color, label=label)
    # Where there is no error bar there is no band either.
    axes.fill_between(
        x, y - 2 * e, y + 2 * e, where=np.isfinite(e), color=color, alpha=0.25, linewidth=0
    )


def _times(time_ns: Mapping[str, ArrayLike], name: str) -> Array:
    if name not in time_ns:
        raise ValueError(f"no times for {name!r}, only for {sorted(time_ns)}")
    return np.asarray(time_ns[name], dtype=np.float64)


def _shortened(text: str) -> str:
    return text if len(text) <= 2 * _BEFORE_LINE_BREAK else f"{text[: 2 * _BEFORE_LINE_BREAK]} ..."
