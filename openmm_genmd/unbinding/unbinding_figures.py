"""Figures of a report on unbinding paths. Each says its grade, and what that means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.evaluation_table import EXPLORATORY
from openmm_genmd.analysis.figures import COLOURS, graded_figure
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.channels import Channel
from openmm_genmd.unbinding.found_path import FoundPath
from openmm_genmd.unbinding.residue_contacts import residue_contacts
from openmm_genmd.unbinding.success import share_interval, success_at_k, success_interval
from openmm_genmd.unbinding.verification import Shots

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

GRADE = f"{EXPLORATORY} (a path has no Boltzmann weight and no rate)"
"""Stands in every figure."""

_GREY = "0.7"
_PLACES = np.linspace(0.0, 1.0, 51)


def channel_colors(channels: Sequence[Channel]) -> list[str]:
    """A color for each channel, the same in all figures; the smallest channels share them."""
    return [COLOURS[k % len(COLOURS)] for k in range(len(channels))]


def work_figure(paths: Sequence[FoundPath], channels: Sequence[Channel]) -> Figure:
    """Cumulated work against progress: each path thin, the median of each channel thick.

    Parameters
    ----------
    paths
        All; those in no channel are gray.
    channels
        From `find_channels`.
    """
    figure = graded_figure(GRADE, 7.0, 3.6)
    axes = figure.add_subplot()
    _draw_by_channel(axes, channels, {path.number: path.work_at(_PLACES) for path in paths})
    axes.set(xlabel="progress (0 bound, 1 end of the path)", ylabel="work so far (kcal/mol)")
    return figure


def contact_figure(
    paths: Sequence[FoundPath], channels: Sequence[Channel], bound: BoundComplex
) -> Figure:
    """Contacts as a share of the bound state's against progress, as for `work_figure`.

    Parameters
    ----------
    paths, channels
        As for `work_figure`.
    bound
        The complex.
    """
    figure = graded_figure(GRADE, 7.0, 3.6)
    axes = figure.add_subplot()
    most = max(1, int(residue_contacts(bound.positions_nm[None], bound).sum()))
    curves = {
        path.number: np.interp(
            _PLACES, path.progress, residue_contacts(path.frames_nm, bound).sum(axis=1) / most
        )
        for path in paths
    }
    _draw_by_channel(axes, channels, curves)
    axes.set(xlabel="progress (0 bound, 1 end of the path)", ylabel="contacts (bound structure: 1)")
    axes.set_ylim(bottom=0)
    return figure


def residue_figure(
    paths: Sequence[FoundPath], channels: Sequence[Channel], bound: BoundComplex
) -> Figure:
    """Share of each residue's contacts that is left against progress, mean of each channel.

    Parameters
    ----------
    paths, channels, bound
        As for `contact_figure`; there must be a channel.
    """
    in_bound = residue_contacts(bound.positions_nm[None], bound)[0]
    labels = [f"{r.name} {r.id}" for r in bound.topology.residues() if in_bound[r.index]]
    figure = graded_figure(GRADE, 3.4 * len(channels) + 1.6, 1.4 + 0.2 * len(labels))
    panels = figure.subplots(1, len(channels), squeeze=False)[0]
    by_number = {path.number: path for path in paths}
    for axes, channel in zip(panels, channels, strict=True):
        grids = [_left_by_residue(by_number[number], bound, in_bound) for number in channel.paths]
        mesh = axes.pcolormesh(
            _PLACES, np.arange(len(labels)), np.mean(grids, axis=0), vmin=0, vmax=1, cmap="viridis"
        )
        axes.set(title=f"channel {channel.number}", xlabel="progress")
        axes.set_yticks(range(len(labels)), labels, fontsize=7)
        axes.invert_yaxis()
    figure.colorbar(mesh, ax=panels[-1], label="contacts left")
    return figure


def success_figure(tries: int, successes: int) -> Figure:
    """Success@k for all k, with its 95 % interval.

    Parameters
    ----------
    tries, successes
        Walkers, and those whose exit counts.
    """
    figure = graded_figure(GRADE, 7.0, 3.2)
    axes = figure.add_subplot()
    k = np.arange(1, tries + 1)
    intervals = np.array([success_interval(tries, successes, int(n)) for n in k])
    axes.plot(k, [success_at_k(tries, successes, int(n)) for n in k], ".-", color=COLOURS[0])
    axes.fill_between(k, *intervals.T, color=COLOURS[0], alpha=0.2, linewidth=0, label="95 %")
    axes.set(xlabel="walkers started, k", ylabel="success@k", ylim=(0, 1.03))
    axes.legend(frameon=False, loc="lower right")
    return figure


def break_even_figure(
    charged_core_seconds: float, own_core_seconds: float, others: Mapping[str, float]
) -> Figure:
    """Core seconds against the number of stable exits, what was spent before included.

    Parameters
    ----------
    charged_core_seconds
        For data and training.
    own_core_seconds
        Of a stable exit.
    others
        The same of other methods, by the name to print, which need nothing before.
    """
    figure = graded_figure(GRADE, 7.0, 3.2)
    axes = figure.add_subplot()
    crossings = [break_even(charged_core_seconds, own_core_seconds, x) for x in others.values()]
    known = [crossing for crossing in crossings if crossing is not None]
    n = np.linspace(0, 1.3 * max(known, default=100.0), 101)
    axes.plot(n, charged_core_seconds + own_core_seconds * n, color=COLOURS[0], label="this model")
    for color, (name, seconds) in zip(COLOURS[1:] * len(others), others.items(), strict=False):
        axes.plot(n, seconds * n, "--", color=color, label=name)
    axes.set(xlabel="stable exits", ylabel="core seconds, in all")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def break_even(charged: float, own: float, other: float) -> float | None:
    """Number of exits after which both cost the same in all; None if that is never so.

    Examples
    --------
    >>> break_even(charged=400.0, own=4.0, other=44.0), break_even(400.0, 44.0, 4.0)
    (10.0, None)
    """
    return charged / (other - own) if other > own else None


def shooting_figure(shooting: Mapping[int, Sequence[Shots]]) -> Figure:
    """Share of shots that ended out against progress, with Wilson's 95 % intervals.

    Parameters
    ----------
    shooting
        Number of a path -> its shots.
    """
    figure = graded_figure(GRADE, 7.0, 3.4)
    axes = figure.add_subplot()
    for k, (number, shots) in enumerate(shooting.items()):
        share = np.array([s.out / s.shots for s in shots])
        ends = np.array([share_interval(s.shots, s.out) for s in shots])
        # Paths are shot from the same places: a little apart their bars can be told apart.
        places = np.array([s.progress for s in shots]) + 0.008 * (k - 0.5 * (len(shooting) - 1))
        bars = np.clip([share - ends[:, 0], ends[:, 1] - share], 0.0, None)
        axes.errorbar(
            *(places, share),
            bars,
            fmt=".-",
            color=COLOURS[k % len(COLOURS)],
            label=f"path {number}",
        )
    axes.set(xlabel="progress", ylabel="share of shots that end out", ylim=(-0.03, 1.03))
    if len(shooting) <= 8:
        axes.legend(frameon=False, fontsize=8)
    return figure


def _left_by_residue(path: FoundPath, bound: BoundComplex, in_bound: NDArray[np.int64]) -> Array:
    """Share ``(n_residues, n_places)`` of contacts that is left, of residues that have some."""
    near = in_bound > 0
    left = np.minimum(residue_contacts(path.frames_nm, bound)[:, near] / in_bound[near], 1.0)
    return np.array([np.interp(_PLACES, path.progress, row) for row in left.T])


def _draw_by_channel(
    axes: Axes, channels: Sequence[Channel], curves: Mapping[int, NDArray[np.floating]]
) -> None:
    in_channels = {number for channel in channels for number in channel.paths}
    others = [curve for number, curve in curves.items() if number not in in_channels]
    for k, curve in enumerate(others):
        label = "did not count" if k == 0 else None
        axes.plot(_PLACES, curve, color=_GREY, linewidth=0.6, linestyle=":", label=label)
    for color, channel in zip(channel_colors(channels), channels, strict=True):
        own = np.array([curves[number] for number in channel.paths])
        axes.plot(_PLACES, own.T, color=color, linewidth=0.6, alpha=0.5)
        label = f"{channel.name}, median of {len(own)}"
        axes.plot(_PLACES, np.median(own, axis=0), color=color, linewidth=2.5, label=label)
    if curves:
        axes.legend(frameon=False, fontsize=8)
