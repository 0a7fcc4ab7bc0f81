"""What the report on a Markov state model shows, and the numbers in its JSON."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from openmm_genmd.analysis.msm_figures import (
    chapman_kolmogorov_figure,
    population_figure,
    state_figure,
    timescale_figure,
    transition_figure,
)
from openmm_genmd.analysis.msm_report import (
    MsmReport,
    render_msm_report,
    state_table,
    write_msm_report,
)
from openmm_genmd.msm.estimation import MsmConfig, estimate_msm
from tests.msm.chains import emit, metropolis_matrix, simulate_chains

MATRIX = metropolis_matrix([0.5, 0.3, 0.2], step=0.05)


@pytest.fixture(scope="module")
def estimate():
    chains = simulate_chains(MATRIX, 10, 1000, seed=0)
    features = [emit(c, [[0, 0], [1, 0], [1, 1]], 0.05, i) for i, c in enumerate(chains)]
    features.append(np.random.default_rng(1).normal(5.0, 0.05, (60, 2)))
    config = MsmConfig(lag_frames=2, n_microstates=15, n_states=3, coordinates="standardized")
    return estimate_msm(features, config)


@pytest.fixture(scope="module")
def report(estimate):
    return MsmReport("A <dipeptide>", {"replicas": "11"}, estimate, frame_interval_ps=0.5)


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    written = tmp_path_factory.mktemp("report")
    write_msm_report(report, written)
    return written


def failing(estimate):
    """The same estimate with a test that fails for state 1."""
    test = estimate.chapman_kolmogorov
    predicted = test.predicted.copy()
    predicted[:, 1, 1] += 0.5
    return replace(estimate, chapman_kolmogorov=replace(test, predicted=predicted))


def test_json_has_times_in_ps_and_all_populations(folder, estimate):
    numbers = json.loads((folder / "msm.json").read_text())
    assert numbers["lag_time_ps"] == 1.0
    exact = -0.5 / np.log(np.sort(np.linalg.eigvals(MATRIX).real)[::-1][1:])
    np.testing.assert_allclose(numbers["timescales_ps"], exact, rtol=0.2)
    np.testing.assert_allclose(numbers["populations"], [0.5, 0.3, 0.2], atol=0.06)
    np.testing.assert_array_equal(numbers["transition_matrix"], estimate.model.transition_matrix)
    assert numbers["excluded_frames"] == 60
    assert numbers["lengths"] == [1000] * 10 + [60]
    assert numbers["chapman_kolmogorov"]["passed"] is True
    assert "60 frames" in " ".join(numbers["notes"])


def test_page_is_self_contained_and_says_what_it_should(folder):
    page = (folder / "report.html").read_text()
    assert "A &lt;dipeptide&gt;" in page
    assert "<dipeptide>" not in page
    assert page.count('src="data:image/png;base64,') == 5
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "3 states at a lag of 1 ps." in page
    assert "Chapman-Kolmogorov test passed" in page
    assert "60 frames (0.60%) are excluded, label -1" in page
    for heading in ("Implied timescales", "States", "Transitions", "Before you quote a number"):
        assert f"<h2>{heading}</h2>" in page


def test_a_failed_test_stands_at_the_top(report):
    page = render_msm_report(replace(report, estimate=failing(report.estimate)))
    assert '<p class="grade exploratory"><strong>3 states' in page
    assert page.index("test FAILED (largest deviation +0.5") < page.index("<section>")


def test_without_longer_lags_there_is_no_figure_of_the_test(report):
    test = report.estimate.chapman_kolmogorov
    nothing = {
        name: getattr(test, name)[:0]
        for name in ("multiples", "predicted", "estimated", "deviation_error")
    }
    short = replace(report.estimate, chapman_kolmogorov=replace(test, **nothing))
    page = render_msm_report(replace(report, estimate=short))
    assert "Chapman-Kolmogorov test not possible" in page
    assert page.count("<img") == 4


def test_unknown_errors_are_no_numbers(report):
    unknown = replace(report.estimate, population_error=np.array([0.1, np.nan, np.nan]))
    changed = replace(report, estimate=unknown)
    assert changed.summary()["population_errors"] == [0.1, None, None]
    assert "NaN" not in json.dumps(changed.summary())
    assert state_table(changed).rows[1][1].endswith("± unknown")
    assert len(population_figure(unknown).axes[0].patches) == 6


def test_table_has_a_row_for_each_state(report, estimate):
    table = state_table(report)
    assert [row[0] for row in table.rows] == ["0", "1", "2"]
    populations = [float(row[1].split(" ± ")[0]) for row in table.rows]
    np.testing.assert_allclose(populations, estimate.model.stationary, atol=1e-4)
    # Of 10,000 frames half are in state 0, of which 1 in 33 leaves in each: some 150 times.
    assert 100 < float(table.rows[0][4]) < 200


def test_timescales_are_drawn_in_ps_with_two_errors(estimate):
    figure = timescale_figure(estimate.microstate_scan, estimate.state_scan, 2, 0.5)
    (axes,) = figure.axes
    scan = estimate.state_scan
    np.testing.assert_allclose(
        axes.lines[0].get_ydata(), 0.5 * estimate.microstate_scan.timescales_frames[:, 0]
    )
    points = axes.containers[0]
    np.testing.assert_allclose(points.lines[0].get_ydata(), 0.5 * scan.timescales_frames[:, 0])
    top = [segment[1, 1] for segment in points.lines[2][0].get_segments()]
    expected = scan.timescales_frames[:, 0] + 2 * scan.standard_error_frames[:, 0]
    np.testing.assert_allclose(top, 0.5 * expected)
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_chapman_kolmogorov_panels_mark_failures(estimate):
    figure = chapman_kolmogorov_figure(failing(estimate).chapman_kolmogorov, 0.5)
    assert [axes.get_title() for axes in figure.axes] == ["state 0", "state 1 fails", "state 2"]
    test = estimate.chapman_kolmogorov
    np.testing.assert_array_equal(figure.axes[2].lines[0].get_xdata(), [2.0, 3.0, 4.0, 5.0])
    np.testing.assert_allclose(figure.axes[2].lines[0].get_ydata(), test.predicted[:, 2, 2])


def test_bars_points_and_map_show_the_numbers(estimate):
    bars = population_figure(estimate).axes[0].patches
    np.testing.assert_allclose([b.get_height() for b in bars[:3]], estimate.model.stationary)
    np.testing.assert_allclose([b.get_height() for b in bars[3:]], estimate.model.populations)
    (axes,) = state_figure(estimate).axes
    out = estimate.state_map.state_of_microstate < 0
    excluded, kept = (len(points.get_offsets()) for points in axes.collections)
    assert (excluded, kept) == (np.count_nonzero(out), np.count_nonzero(~out))
    texts = [
        t.get_text() for t in transition_figure(np.array([[0.75, 0.25], [0, 1]])).axes[0].texts
    ]
    assert texts == ["0.75", "0.25", "1"]
