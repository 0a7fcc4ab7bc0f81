"""A free energy of unbinding with its verdict: `FreeEnergyResult`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.hysteresis import Verdict, judge
from openmm_genmd.analysis.suspected_coordinate import suspected_coordinate
from openmm_genmd.unbinding.free_energy_estimate import DirectionEstimate, soft_springs
from openmm_genmd.unbinding.window_observables import TILT
from openmm_genmd.unbinding.window_samples import WindowSamples
from openmm_genmd.unbinding.window_sampling import Direction, WindowPlan

Array = NDArray[np.float64]
Value = tuple[float, float]


@dataclass(frozen=True, eq=False)
class FreeEnergyResult:
    """Free energy of unbinding along a path, from both ends.

    Attributes
    ----------
    plan
        Windows and settings.
    path_number
        Of the walker whose path they follow.
    estimates
        By direction.
    verdict
        Whether they are to be believed.
    tilt_rad
        By direction, ``(n_iterations, n_windows)``: how far the ligand is turned from each
        window's orientation.
    renamed
        Relabellings of equivalent atoms that were accepted, in both directions.
    leaps
        Of the ligand, tried and accepted, in both directions.

    Examples
    --------
    Made by `run_free_energy`.
    """

    plan: WindowPlan
    path_number: int
    estimates: Mapping[Direction, DirectionEstimate]
    verdict: Verdict
    tilt_rad: Mapping[Direction, Array]
    renamed: int
    leaps: tuple[int, int]

    @classmethod
    def of(
        cls, plan: WindowPlan, samples: Mapping[Direction, WindowSamples], path_number: int
    ) -> Self:
        """Result of samples of both directions.

        Raises
        ------
        ValueError
            If there are too few of them.
        """
        estimates = {d: DirectionEstimate.of(plan, part) for d, part in samples.items()}
        found = {d: estimate.unbinding_kcal_per_mol for d, estimate in estimates.items()}
        verdict = judge(
            found.get("out"),
            found.get("in"),
            overlaps=_overlaps(estimates),
            spring_flags=list(_soft(plan, samples, estimates).values()),
            halves={d: estimate.halves_kcal_per_mol for d, estimate in estimates.items()},
            suspect=_suspect(samples, estimates),
            most_error_kcal_per_mol=plan.settings.most_error_kcal_per_mol,
            least_overlap=plan.settings.least_overlap,
        )
        tilts = {d: _by_window(part.observables[TILT], part) for d, part in samples.items()}
        parts = samples.values()
        renamed = sum(part.renamed for part in parts)
        leaps = sum(part.leaps_tried for part in parts), sum(part.leaps_accepted for part in parts)
        return cls(plan, path_number, estimates, verdict, tilts, renamed, leaps)

    @property
    def grade(self) -> str:
        """``exact`` if, and only if, it is converged, ``exploratory`` otherwise."""
        return "exact" if self.verdict.converged else "exploratory"

    @property
    def mean_kcal_per_mol(self) -> Value:
        """Mean of both directions by their inverse variances, and its standard error."""
        values, errors = np.array([e.unbinding_kcal_per_mol for e in self.estimates.values()]).T
        weights = 1.0 / np.maximum(errors, 1e-9) ** 2
        return float(weights @ values / weights.sum()), float(weights.sum() ** -0.5)

    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` says of it; a mean only if it is converged."""
        found: dict[str, Any] = {
            d: list(self.estimates[d].unbinding_kcal_per_mol) for d in ("out", "in")
        }
        converged = self.verdict.converged
        found |= {"converged": converged, "mean": None, "grade": self.grade}
        if converged:
            found["mean"] = list(self.mean_kcal_per_mol)
        found |= {
            "verdict": str(self.verdict),
            "reasons": list(self.verdict.reasons),
            "suspect": self.verdict.suspect,
            "path": self.path_number,
            "windows": len(self.plan.path.windows),
            "least_overlap": float(_overlaps(self.estimates).min()),
            "window_ps": float(self.plan.settings.iterations * self.plan.settings.iteration_ps),
            "leaps": dict(zip(("tried", "accepted"), self.leaps, strict=True)),
            "core_seconds": sum(e.core_seconds for e in self.estimates.values()),
            "force_evaluations": sum(e.steps for e in self.estimates.values()),
        }
        return {"dG_kcal_per_mol": found}


def _overlaps(estimates: Mapping[Direction, DirectionEstimate]) -> Array:
    """Of neighbors ``(n_windows - 1,)``, the smallest of both directions and both windows."""
    found = [e.windows.overlap for e in estimates.values()]
    return np.asarray(np.min([[np.diag(o, 1), np.diag(o, -1)] for o in found], axis=(0, 1)))


def _soft(
    plan: WindowPlan,
    samples: Mapping[Direction, WindowSamples],
    estimates: Mapping[Direction, DirectionEstimate],
) -> dict[int, str]:
    skip = max(estimate.windows.discarded for estimate in estimates.values())
    return soft_springs(plan, list(samples.values()), skip)


def _suspect(
    samples: Mapping[Direction, WindowSamples], estimates: Mapping[Direction, DirectionEstimate]
) -> str | None:
    if set(samples) != {"in", "out"}:
        return None
    used = {d: slice(estimates[d].windows.discarded, None) for d in samples}
    cut = {
        d: {name: values[used[d]] for name, values in part.observables.items()}
        for d, part in samples.items()
    }
    return suspected_coordinate(
        cut["in"],
        cut["out"],
        samples["in"].windows[used["in"]],
        samples["out"].windows[used["out"]],
    )


def _by_window(values: Array, samples: WindowSamples) -> Array:
    """Values ``(n_iterations, n_windows)`` of ``(n_iterations, n_replicas)``."""
    return np.take_along_axis(values, np.argsort(samples.windows, axis=1), axis=1)
