"""What the figures of free energies along windows show."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.analysis.figures import png_bytes
from openmm_genmd.analysis.free_energy_figures import (
    coordinate_figure,
    hysteresis_figure,
    overlap_figure,
    profile_figure,
)
from openmm_genmd.analysis.hysteresis import judge

X, F, E = np.arange(4.0), np.array([0.0, 2.0, 5.0, 6.0]), np.array([0.0, 0.2, np.inf, 0.4])


def labels(axes):
    return axes.get_legend_handles_labels()[1]


def test_profile():
    figure = profile_figure(
        X, {"out": (F, E), "in": (F + 1, E)}, grade="exact", standard=(7.0, 0.5)
    )
    axes = figure.axes[0]
    assert figure.get_suptitle() == "grade: exact"
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), F + 1)
    assert labels(axes) == [
        "out (band: ± 2 standard errors)",
        "in (band: ± 2 standard errors)",
        "unbound, 1 mol/L: 7.0 ± 0.5",
    ]
    assert list(axes.lines[2].get_ydata()) == [7.0, 7.0]
    assert png_bytes(figure).startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"errors of 'out .* of one shape, got \(4,\), \(3,\) and"):
        profile_figure(X, {"out": (F[1:], E)}, grade="exact")


def test_overlap():
    matrix = np.array([[0.7, 0.3, 0.0], [0.3, 0.69, 0.01], [0.0, 0.2, 0.8]])
    axes = overlap_figure(matrix, grade="exact").axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), matrix)
    assert [frame.get_xy() for frame in axes.patches] == [(0.5, 0.5)]
    with pytest.raises(ValueError, match=r"an overlap matrix is square, got shape \(2, 3\)"):
        overlap_figure(matrix[:2], grade="exact")


def test_hysteresis():
    verdict = judge((6.0, 0.4), (9.0, 0.4), overlaps=[0.3], suspect="tilt (window 2)")
    rows = {"out": np.column_stack([F, E]), "in": np.column_stack([F + 3, E])}
    times = dict.fromkeys(rows, X)
    figure = hysteresis_figure(times, rows, verdict, grade="exact", backward=rows)
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == str(verdict)
    assert labels(axes)[1] == "out, from its end"
    np.testing.assert_array_equal(axes.lines[2].get_ydata(), F + 3)
    assert png_bytes(figure).startswith(b"\x89PNG")
    long = judge((6.0, 0.4), (9.0, 0.4), overlaps=[0.3], spring_flags=["soft " * 99])
    shown = hysteresis_figure(times, rows, long, grade="exact").axes[0].get_title(loc="left")
    assert len(shown) < 230
    assert shown.endswith(" ...")
    with pytest.raises(ValueError, match=r"no times for 'in', only for \['out'\]"):
        hysteresis_figure({"out": X}, rows, verdict, grade="exact")


def test_coordinate():
    series = {"out": np.zeros(50), "in": np.ones(80)}
    means = {"out": (F, E), "in": (F + 1, E)}
    figure = coordinate_figure(
        "tilt (deg)", means, series, window=2, time_step_ps=100.0, grade="exact"
    )
    left, right = figure.axes
    assert right.get_title() == "window 2"
    assert right.lines[1].get_xdata()[-1] == pytest.approx(7.9)
    np.testing.assert_array_equal(left.lines[0].get_ydata(), F)
    with pytest.raises(ValueError, match="errors of 'out' must be of one shape"):
        coordinate_figure(
            "tilt", {"out": (F, E[1:])}, series, window=2, time_step_ps=1.0, grade="exact"
        )
