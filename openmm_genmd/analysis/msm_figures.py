"""Figures of Markov state models: timescales, Chapman-Kolmogorov test, populations, states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.chapman_kolmogorov import ChapmanKolmogorovTest
from openmm_genmd.msm.estimation import MsmEstimate
from openmm_genmd.msm.timescales import TimescaleScan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with every common kind of color vision.
_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
_COLUMNS = 5


def timescale_figure(
    microstates: TimescaleScan, states: TimescaleScan, lag_frames: int, frame_interval_ps: float
) -> Figure:
    """Implied timescales over lags, of microstates (lines) and of states (points with errors).

    Timescales in the gray area are shorter than their lag and mean nothing. Where lines are flat
    the model is Markovian; where points lie below lines, the division into states hides slowness.

    Parameters
    ----------
    microstates, states
        Of one data set.
    lag_frames
        Lag of the model, marked.
    frame_interval_ps
        Time between frames, ps.
    """
    figure = _figure(7.0, 4.0)
    axes = figure.add_subplot()
    lags = microstates.lags_frames * frame_interval_ps
    for k, color in zip(range(microstates.timescales_frames.shape[1]), _COLORS, strict=False):
        axes.plot(lags, microstates.timescales_frames[:, k] * frame_interval_ps, color=color)
    for k, color in zip(range(states.timescales_frames.shape[1]), _COLORS, strict=False):
        axes.errorbar(
            states.lags_frames * frame_interval_ps,
            states.timescales_frames[:, k] * frame_interval_ps,
            yerr=_lower_than_value(states, k) * frame_interval_ps,
            fmt="o",
            markersize=4,
            color=color,
            label=f"process {k + 1}",
        )
    axes.fill_between(lags, lags, color="0.85", zorder=0)
    axes.axvline(lag_frames * frame_interval_ps, color="0.4", linestyle=":")
    axes.set(xlabel="lag (ps)", ylabel="implied timescale (ps)", xscale="log", yscale="log")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def chapman_kolmogorov_figure(test: ChapmanKolmogorovTest, frame_interval_ps: float) -> Figure:
    """Probability to be in a state again after several lags, predicted and estimated.

    Bands and bars are two standard errors. States of which any entry fails have a red title.

    Parameters
    ----------
    test
        With at least one multiple of the lag.
    frame_interval_ps
        Time between frames, ps.
    """
    n = test.predicted.shape[1]
    rows = -(-n // _COLUMNS)
    figure = _figure(2.0 * min(n, _COLUMNS) + 0.6, 2.0 * rows + 0.5)
    grid = figure.subplots(rows, min(n, _COLUMNS), squeeze=False, sharex=True, sharey=True)
    times = test.multiples * test.lag_frames * frame_interval_ps
    for axes in grid.flat[n:]:
        axes.set_axis_off()
    for state, axes in enumerate(grid.flat[:n]):
        _draw_test(axes, test, state, times)
    figure.supxlabel("time (ps)")
    figure.supylabel("probability to be there")
    return figure


def population_figure(estimate: MsmEstimate) -> Figure:
    """Equilibrium populations with two standard errors, beside the shares of frames."""
    model = estimate.model
    figure = _figure(7.0, 3.0)
    axes = figure.add_subplot()
    place = np.arange(model.n_states)
    axes.bar(
        place - 0.2,
        model.stationary,
        0.4,
        yerr=2.0 * np.nan_to_num(estimate.population_error),
        capsize=3,
        color=_COLORS[0],
        label="equilibrium (± 2 standard errors)",
    )
    axes.bar(place + 0.2, model.populations, 0.4, color=_COLORS[4], label="frames")
    axes.set(xlabel="state", ylabel="population", xticks=place)
    axes.legend(frameon=False, loc="upper right")
    return figure


def transition_figure(transition_matrix: NDArray[np.float64]) -> Figure:
    """The transition matrix as a map, with its numbers."""
    n = len(transition_matrix)
    figure = _figure(1.5 + 0.55 * n, 1.0 + 0.5 * n)
    axes = figure.add_subplot()
    image = axes.imshow(transition_matrix, cmap="viridis", vmin=0.0, vmax=1.0)
    for (i, j), value in np.ndenumerate(transition_matrix):
        if value > 0:
            color = "white" if value < 0.6 else "black"
            axes.text(j, i, f"{value:.2g}", ha="center", va="center", fontsize=7, color=color)
    axes.set(xlabel="to state", ylabel="from state", xticks=range(n), yticks=range(n))
    figure.colorbar(image, ax=axes, label="probability")
    return figure


def state_figure(estimate: MsmEstimate) -> Figure:
    """Microstates in the two slowest coordinates, colored by state; crosses are excluded."""
    centers = estimate.state_map.microstates.centers
    states = estimate.state_map.state_of_microstate
    second = centers[:, 1] if centers.shape[1] > 1 else np.zeros(len(centers))
    figure = _figure(6.0, 4.5)
    axes = figure.add_subplot()
    out = states < 0
    axes.scatter(centers[out, 0], second[out], marker="x", color="0.5")
    points = axes.scatter(
        centers[~out, 0], second[~out], c=states[~out], cmap="tab20", vmin=-0.5, vmax=19.5
    )
    axes.set(xlabel="coordinate 1", ylabel="coordinate 2" if centers.shape[1] > 1 else "")
    names = [str(state) for state in range(estimate.model.n_states)]
    handles, _ = points.legend_elements(num=list(range(estimate.model.n_states)))
    axes.legend(handles, names, title="state", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _draw_test(axes: Axes, test: ChapmanKolmogorovTest, state: int, times: NDArray[Any]) -> None:
    entry = (slice(None), state, state)
    predicted, error = test.predicted[entry], 2.0 * test.predicted_error[entry]
    axes.plot(times, predicted, color=_COLORS[0], label="model")
    axes.fill_between(times, predicted - error, predicted + error, color=_COLORS[0], alpha=0.25)
    axes.errorbar(
        times,
        test.estimated[entry],
        yerr=2.0 * test.estimated_error[entry],
        fmt="o",
        markersize=4,
        color=_COLORS[1],
        label="trajectories",
    )
    if test.failed[:, state].any():
        axes.set_title(f"state {state} fails", color="#b00000")
    else:
        axes.set_title(f"state {state}")
    axes.set(ylim=(-0.02, 1.05))
    if state == 0:
        axes.legend(frameon=False, fontsize=7, loc="lower left")


def _lower_than_value(scan: TimescaleScan, process: int) -> NDArray[np.float64]:
    """Errors ``(2, n_lags)``, below and above: a bar to zero would fill a logarithmic axis."""
    error = 2.0 * np.nan_to_num(scan.standard_error_frames[:, process])
    return np.stack((np.minimum(error, 0.9 * scan.timescales_frames[:, process]), error))


def _figure(width_inch: float, height_inch: float) -> Figure:
    # Figure without pyplot: no global state, no window system, nothing to close.
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inch, height_inch), layout="constrained")
