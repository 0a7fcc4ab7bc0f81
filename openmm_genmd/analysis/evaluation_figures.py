"""Figures of an evaluation: reference and generated, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.evaluation import Evaluation
from openmm_genmd.analysis.evaluation_dynamics import Dynamics
from openmm_genmd.analysis.evaluation_table import EXPLORATORY
from openmm_genmd.analysis.figures import COLOURS, graded_figure, png_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_REFERENCE, _GENERATED = COLOURS[:2]
_MAX_TORSIONS = 24
_COLUMNS = 6
_BINS = 100
_PLANE_BINS = 50


def evaluation_figures(evaluation: Evaluation) -> list[tuple[str, bytes]]:
    """Captions, and PNG files, of all figures that the evaluation has data for."""
    drawn = [(_torsion_caption(evaluation), torsion_figure(evaluation))]
    if "slow" in evaluation.reference.arrays:
        caption = "Slowest coordinates of the reference (TICA): shares of frames"
        drawn.append((caption, slow_figure(evaluation)))
    if "state_populations" in evaluation.details:
        drawn.append(("Shares of frames in metastable states", state_figure(evaluation)))
    if "rmsf_r_alpha_carbons" in evaluation.metrics:
        drawn.append(("Fluctuation of the alpha carbons", fluctuation_figure(evaluation)))
    if "shape" in evaluation.reference.arrays:
        drawn.append(("Shape: shares of frames", shape_figure(evaluation)))
    if evaluation.dynamics is not None:
        drawn.append(("Loss of memory", memory_figure(evaluation.dynamics)))
    return [(caption, png_bytes(figure)) for caption, figure in drawn]


def torsion_figure(evaluation: Evaluation) -> Figure:
    """Histograms of the torsions with the largest distances, at most 24."""
    chosen = _chosen_torsions(evaluation)
    rows = -(-len(chosen) // _COLUMNS)
    figure = graded_figure(EXPLORATORY, 2.0 * min(_COLUMNS, len(chosen)) + 1.0, 1.7 * rows + 0.8)
    for k, i in enumerate(chosen):
        axes = figure.add_subplot(rows, min(_COLUMNS, len(chosen)), k + 1)
        _histograms(axes, evaluation, "torsions", i, limits=(-np.pi, np.pi))
        row = evaluation.details["torsions"][i]
        axes.set_title(f"{row['name']}  {row['jsd']:.2f}", fontsize=8)
        axes.set_yticks([])
    figure.axes[0].legend(frameon=False, fontsize=7)
    figure.supxlabel("torsion (rad); number: Jensen-Shannon distance", fontsize=9)
    return figure


def slow_figure(evaluation: Evaluation) -> Figure:
    """Histogram of the slowest coordinate, and both ensembles in the plane of the two slowest."""
    reference, generated = evaluation.reference["slow"], evaluation.generated["slow"]
    n_panels = 3 if reference.shape[1] > 1 else 1
    figure = graded_figure(EXPLORATORY, 4.0 * n_panels, 3.6)
    axes = figure.add_subplot(1, n_panels, 1)
    both = np.concatenate((reference, generated))
    limits = [(float(c.min()), float(c.max())) for c in both.T]
    _histograms(axes, evaluation, "slow", 0, limits=limits[0])
    axes.set(xlabel="TICA-0", ylabel="share of frames")
    axes.legend(frameon=False)
    if n_panels == 3:
        for k, (name, points) in enumerate((("reference", reference), ("generated", generated))):
            _draw_plane(figure.add_subplot(1, 3, 2 + k), name, points, limits)
    return figure


def state_figure(evaluation: Evaluation) -> Figure:
    """Shares of frames in each state, as bars."""
    shares = evaluation.details["state_populations"]
    figure = graded_figure(EXPLORATORY, 7.0, 3.0)
    axes = figure.add_subplot()
    at = np.arange(len(shares["reference"]))
    axes.bar(at - 0.2, shares["reference"], 0.4, color=_REFERENCE, label="reference")
    axes.bar(at + 0.2, shares["generated"], 0.4, color=_GENERATED, label="generated")
    axes.set(xlabel="state", ylabel="share of frames", xticks=at)
    axes.legend(frameon=False)
    return figure


def fluctuation_figure(evaluation: Evaluation) -> Figure:
    """Root mean square fluctuation over the sequence."""
    fluctuations = evaluation.details["alpha_carbons"]
    figure = graded_figure(EXPLORATORY, 7.0, 3.0)
    axes = figure.add_subplot()
    residues = 1 + np.arange(len(fluctuations["rmsf_reference_angstrom"]))
    for name, color in (("reference", _REFERENCE), ("generated", _GENERATED)):
        values = fluctuations[f"rmsf_{name}_angstrom"]
        axes.plot(residues, values, color=color, marker=".", label=name)
    axes.set(xlabel="residue", ylabel="RMSF (Å)")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def shape_figure(evaluation: Evaluation) -> Figure:
    """Histograms of radius of gyration, and of helix and strand content."""
    figure = graded_figure(EXPLORATORY, 10.0, 3.0)
    both = [data["shape"] for data in (evaluation.reference, evaluation.generated)]
    radii = np.concatenate([shape[:, 0] for shape in both])
    limits = [(float(radii.min()), float(radii.max())), (0.0, 1.0), (0.0, 1.0)]
    names = ("radius of gyration (nm)", "share of residues in helices", "in strands")
    for i, (name, limit) in enumerate(zip(names, limits, strict=True)):
        axes = figure.add_subplot(1, 3, i + 1)
        _histograms(axes, evaluation, "shape", i, limits=limit, bins=50 if i == 0 else 20)
        axes.set(xlabel=name)
    figure.axes[0].set_ylabel("share of frames")
    figure.axes[0].legend(frameon=False)
    return figure


def memory_figure(dynamics: Dynamics) -> Figure:
    """Correlation of the slowest coordinate over time, and decorrelation times of torsions."""
    figure = graded_figure(EXPLORATORY, 9.0, 3.6)
    left, right = figure.subplots(1, 2)
    memories = (("reference", dynamics.reference), ("generated", dynamics.generated))
    for (name, memory), color in zip(memories, (_REFERENCE, _GENERATED), strict=True):
        if memory.slow_correlation is not None:
            left.semilogx(memory.lags_ps[1:], memory.slow_correlation[1:], color=color, label=name)
    left.axhline(0.5, color="0.6", linestyle=":")
    left.set(xlabel="time (ps)", ylabel="correlation of TICA-0")
    if left.lines[1:]:
        left.legend(frameon=False)
    _draw_times(right, dynamics)
    return figure


def _draw_times(axes: Axes, dynamics: Dynamics) -> None:
    pairs = zip(
        dynamics.reference.torsion_times_ps, dynamics.generated.torsion_times_ps, strict=True
    )
    known = np.array([pair for pair in pairs if None not in pair], dtype=np.float64).reshape(-1, 2)
    axes.set(xlabel="reference (ps)", ylabel="generated (ps)", title="torsion decorrelation times")
    axes.tick_params(which="both", labelsize=7)
    if len(known):
        axes.loglog(known[:, 0], known[:, 1], "o", color=_GENERATED)
        ends = [known.min(), known.max()]
        axes.loglog(ends, ends, color="0.6", linestyle=":")


def _histograms(
    axes: Axes,
    evaluation: Evaluation,
    name: str,
    column: int,
    *,
    limits: tuple[float, float],
    bins: int = _BINS,
) -> None:
    for label, data, color in (
        ("reference", evaluation.reference, _REFERENCE),
        ("generated", evaluation.generated, _GENERATED),
    ):
        counts, edges = np.histogram(data[name][:, column], bins, limits)
        axes.stairs(counts / len(data), edges, color=color, label=label)


def _draw_plane(
    axes: Axes, name: str, points: NDArray[np.float64], limits: list[tuple[float, float]]
) -> None:
    counts, x, y = np.histogram2d(points[:, 0], points[:, 1], _PLANE_BINS, limits)
    shares = np.where(counts > 0, counts / len(points), np.nan)
    axes.pcolormesh(x, y, np.log10(shares).T, cmap="viridis", vmin=-5, vmax=-1)
    axes.set(title=f"{name}: log10 of the share", xlabel="TICA-0", ylabel="TICA-1")


def _chosen_torsions(evaluation: Evaluation) -> list[int]:
    distances = [row["jsd"] or 0.0 for row in evaluation.details["torsions"]]
    largest = np.argsort(distances)[::-1][:_MAX_TORSIONS]
    return sorted(int(i) for i in largest)


def _torsion_caption(evaluation: Evaluation) -> str:
    n = len(evaluation.details["torsions"])
    if n > _MAX_TORSIONS:
        return f"The {_MAX_TORSIONS} of {n} torsions that differ most: shares of frames"
    return "Torsions: shares of frames"
