"""Whether a free energy along windows can be believed: `judge`, and what to suspect if not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Estimate = tuple[float, float]

MOST_STANDARD_ERRORS = 3.0
"""Difference of two estimates of the same free energy above which they disagree."""


@dataclass(frozen=True)
class Verdict:
    """Whether a free energy is converged, and why not.

    Attributes
    ----------
    converged
        Whether nothing speaks against it.
    reasons
        What does, in sentences; hysteresis first.
    suspect
        The slow coordinate that the two directions disagree in, if one was found.

    Examples
    --------
    >>> verdict = judge((12.1, 0.4), (15.3, 0.5), overlaps=[0.2, 0.1], suspect="tilt (window 7)")
    >>> print(verdict)
    hysteresis, not converged: out- and in-started estimates 12.1(0.4) and 15.3(0.5) kcal/mol \
disagree by 5.0 standard errors; suspected slow coordinate: tilt (window 7)
    >>> print(judge((12.1, 0.4), (12.5, 0.5), overlaps=[0.2, 0.1]))
    converged
    """

    converged: bool
    reasons: tuple[str, ...]
    suspect: str | None

    def __str__(self) -> str:
        """The verdict and its reasons in one line."""
        if self.converged:
            return "converged"
        text = ". ".join(self.reasons)
        if text.startswith("hysteresis: "):
            return f"hysteresis, not converged: {text.removeprefix('hysteresis: ')}"
        return f"not converged: {text}"


def judge(
    out_kcal_per_mol: Estimate | None,
    in_kcal_per_mol: Estimate | None,
    *,
    overlaps: ArrayLike,
    spring_flags: Sequence[str] = (),
    halves: Mapping[str, tuple[Estimate, Estimate]] | None = None,
    suspect: str | None = None,
    most_error_kcal_per_mol: float = 1.0,
    least_overlap: float = 0.03,
) -> Verdict:
    """Verdict on a free energy from runs whose windows were seeded on the way out and in.

    Parameters
    ----------
    out_kcal_per_mol, in_kcal_per_mol
        Value and standard error of the runs seeded outward from the bound state and inward from
        the unbound one, kcal/mol. None: there was no such run, and the result is not converged.
    overlaps
        ``(n,)`` overlaps of neighboring windows, the smaller of both directions and of all runs.
    spring_flags
        From `spring_flags`.
    halves
        By the name of a run, value and standard error of its first and of its second half,
        kcal/mol; see `convergence_in_time`. Halves too short for an estimate are NaN, with an
        infinite error, and say nothing.
    suspect
        From `suspected_coordinate`.
    most_error_kcal_per_mol
        Largest standard error of a run.
    least_overlap
        Smallest overlap of neighbors.

    Raises
    ------
    ValueError
        If the error of an estimate is negative or NaN, or there are no overlaps.
    """
    runs = {"out": out_kcal_per_mol, "in": in_kcal_per_mol}
    done = {name: estimate for name, estimate in runs.items() if estimate is not None}
    overlap = np.asarray(overlaps, dtype=np.float64).ravel()
    if not len(overlap):
        raise ValueError(
            "judge needs the overlaps of neighboring windows, got none; pass those of each run"
        )
    for name, pair in (halves or {}).items():
        _require_estimates({f"first half of {name}": pair[0], f"second half of {name}": pair[1]})
    _require_estimates(done)
    reasons = [
        *_hysteresis(out_kcal_per_mol, in_kcal_per_mol, suspect),
        *_large_errors(done, most_error_kcal_per_mol),
        *_small_overlaps(overlap, least_overlap),
        *_drifts(halves or {}),
        *spring_flags,
    ]
    return Verdict(not reasons, tuple(reasons), suspect)


def _hysteresis(out: Estimate | None, in_: Estimate | None, suspect: str | None) -> list[str]:
    if out is None or in_ is None:
        missing = (
            "out- and in-started" if out is in_ else "out-started" if out is None else "in-started"
        )
        return [f"there is no {missing} run: one direction alone cannot show hysteresis; run both"]
    apart = standard_errors_apart(out, in_)
    if not apart > MOST_STANDARD_ERRORS:
        return []
    advice = suspect or "none of those recorded, record more"
    return [
        f"hysteresis: out- and in-started estimates {_text(out)} and {_text(in_)} kcal/mol "
        f"disagree by {apart:.1f} standard errors; suspected slow coordinate: {advice}"
    ]


def _large_errors(runs: Mapping[str, Estimate], most: float) -> list[str]:
    reasons = []
    for name, (value, error) in runs.items():
        if not np.isfinite(value + error):
            reasons.append(
                f"the {name}-started estimate has no error bar: the run is too short for its "
                "correlation time, or nothing links its windows"
            )
        elif error > most:
            reasons.append(
                f"the standard error of the {name}-started estimate, {error:.2f} kcal/mol, is "
                f"above {most:g}; run longer"
            )
    return reasons


def _small_overlaps(overlaps: Array, least: float) -> list[str]:
    few = np.flatnonzero(~(overlaps >= least))
    if not len(few):
        return []
    worst = int(np.nanargmin(overlaps)) if np.any(np.isfinite(overlaps)) else int(few[0])
    return [
        f"{len(few)} of {len(overlaps)} neighbors overlap by less than {least:g}, windows {worst} "
        f"and {worst + 1} by {overlaps[worst]:.3g}; put windows between them"
    ]


def _drifts(halves: Mapping[str, tuple[Estimate, Estimate]]) -> list[str]:
    return [
        f"the {name}-started run drifts: its halves, {_text(first)} and {_text(second)} kcal/mol, "
        f"disagree by {standard_errors_apart(first, second):.1f} standard errors; run longer"
        for name, (first, second) in halves.items()
        if standard_errors_apart(first, second) > MOST_STANDARD_ERRORS
    ]


def standard_errors_apart(first: Estimate, second: Estimate) -> float:
    """Difference of two values with their standard errors, in standard errors of the difference.

    Examples
    --------
    >>> standard_errors_apart((1.0, 0.3), (2.0, 0.4)), standard_errors_apart((1.0, 0.0), (2.0, 0.0))
    (2.0, inf)
    """
    apart, error = abs(first[0] - second[0]), float(np.hypot(first[1], second[1]))
    if error > 0:
        return apart / error
    return float("inf") if apart else 0.0


def _text(estimate: Estimate) -> str:
    return f"{estimate[0]:.1f}({estimate[1]:.1f})"


def _require_estimates(estimates: Mapping[str, Estimate]) -> None:
    for name, (value, error) in estimates.items():
        if not error >= 0:
            raise ValueError(f"the error of {name} must be at least 0, got {error} of {value}")
