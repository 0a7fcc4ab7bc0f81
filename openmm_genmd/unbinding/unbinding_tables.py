"""Tables of a report on unbinding paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from openmm_genmd.analysis.html_page import TextTable
from openmm_genmd.unbinding.channels import Channel
from openmm_genmd.unbinding.found_path import FoundPath
from openmm_genmd.unbinding.success import success_interval

Json = Mapping[str, Any]

METHODS = {
    "metadynamics": "metadynamics, tuned",
    "metadynamics_fast": "metadynamics, hills that push",
    "metadynamics_naive": "metadynamics, usual settings",
    "pull": "straight pulls of equal length",
    "zero_drift": "control: no drift",
    "random_drift": "control: random drift",
}
"""Keys of baselines in a summary, and what they are called."""

_NONE = "none"


def method_table(summary: Json, baselines: Mapping[str, Json]) -> TextTable:
    """What each method reached and what it cost.

    Parameters
    ----------
    summary
        Of the search: ``success_at_1``, ``success_at_10``, ``seconds_per_stable_exit``,
        ``force_evaluations_per_stable_exit``, ``work_kcal_per_mol`` (median and interquartile
        range), ``clash_score``, ``bond_mae_angstrom``, ``receptor_rmsd_nm`` and ``helix_lost`` (as
        the work); each may be missing or None. With ``tries`` and ``stable_exits`` success@1 gets
        its interval.
    baselines
        The same of other methods, by name; names of `METHODS` are spelt out.
    """
    headings = (
        *("success@1 [95 %]", "success@10", "core seconds per stable exit"),
        *("force evaluations per stable exit", "work, kcal/mol: median (IQR)"),
        *("clash score", "bond MAE, Å", "pocket's backbone RMSD, Å", "helix lost"),
    )
    named = {METHODS.get(key, key): value for key, value in baselines.items()}
    rows = [(name, *_method(found)) for name, found in {"this search": summary, **named}.items()]
    return TextTable(headings, rows)


def channel_table(channels: Sequence[Channel], paths: Sequence[FoundPath]) -> TextTable:
    """Channels with their shares, works, and what they pass.

    Parameters
    ----------
    channels
        From `find_channels`.
    paths
        All paths that they name.
    """
    work = {path.number: path.total_work_kcal_per_mol for path in paths}
    headings = ("paths", "share [95 %]", "work, kcal/mol: median (IQR)", "residues on the way")
    rows = [
        (
            channel.name,
            ", ".join(map(str, channel.paths)),
            "{:.0%} [{:.0%}, {:.0%}]".format(channel.share, *channel.share_interval),
            _spread(*median_and_iqr([work[number] for number in channel.paths])),
            ", ".join(channel.residues) or _NONE,
        )
        for channel in channels
    ]
    return TextTable(headings, rows)


def outcome_table(paths: Sequence[FoundPath]) -> TextTable:
    """What became of the walkers, and why leaps were refused."""
    rows = [
        ("out, and stays out", str(sum(path.counts for path in paths))),
        ("out, but comes back", str(sum(_out(path, False) for path in paths))),
        ("out, not verified", str(sum(_out(path, None) for path in paths))),
        ("gave up", str(sum(path.status == "gave up" for path in paths))),
        ("leaps taken", str(sum(path.leaps for path in paths))),
    ]
    reasons: dict[str, int] = {}
    for path in paths:
        for reason, count in (path.refused_leaps or {}).items():
            reasons[reason] = reasons.get(reason, 0) + count
    rows += [(f"leaps refused: {reason}", str(count)) for reason, count in reasons.items()]
    rows += [
        ("force evaluations", f"{sum(path.steps for path in paths):,}"),
        ("core seconds", f"{sum(path.core_seconds for path in paths):,.1f}"),
    ]
    return TextTable(("",), rows)


def median_and_iqr(values: Sequence[float]) -> tuple[float, float]:
    """Median, and distance between the quartiles.

    Examples
    --------
    >>> median_and_iqr([50.0, 60.0, 70.0, 80.0, 90.0])
    (70.0, 20.0)
    """
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(middle), float(high - low)


def _out(path: FoundPath, stable: bool | None) -> bool:
    return path.status == "out" and path.stable_exit is stable


def _method(found: Json) -> tuple[str, ...]:
    work, rmsd = found.get("work_kcal_per_mol"), found.get("receptor_rmsd_nm")
    return (
        _success(found),
        _number(found.get("success_at_10"), ".2f"),
        _number(found.get("seconds_per_stable_exit"), ",.1f"),
        _number(found.get("force_evaluations_per_stable_exit"), ",.0f"),
        _NONE if work is None else _spread(*work),
        _number(found.get("clash_score"), ".3g"),
        _number(found.get("bond_mae_angstrom"), ".3f"),
        _NONE if rmsd is None else "{:.1f} ({:.1f})".format(*(10.0 * value for value in rmsd)),
        _number((found.get("helix_lost") or [None])[0], ".0%"),
    )


def _success(found: Json) -> str:
    text = _number(found.get("success_at_1"), ".2f")
    tries, exits = found.get("tries"), found.get("stable_exits")
    if not tries or exits is None:
        return text
    low, high = success_interval(tries, exits, 1)
    return f"{text} [{low:.2f}, {high:.2f}], {exits} of {tries}"


def _spread(median: float, iqr: float) -> str:
    return f"{median:.0f} ({iqr:.0f})"


def _number(value: float | None, how: str) -> str:
    return _NONE if value is None else format(value, how)
