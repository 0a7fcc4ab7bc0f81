"""Evaluations of several molecules in one table: medians, means, and correlations over targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from openmm_genmd.analysis.comparison import finite_or_none
from openmm_genmd.analysis.evaluation_table import EXPLORATORY, METRICS
from openmm_genmd.analysis.metrics_flexibility import pearson

Json = Mapping[str, Any]

_SIMILAR = 0.5
_MIN_TARGETS = 2


def summarize(evaluations: Sequence[Json]) -> dict[str, Any]:
    """Numbers over several targets, for a JSON file.

    Each metric gets its median, and its mean with the standard error from the scatter of the
    targets. ``over_targets`` has what only several targets define: Pearson's r of the mean pairwise
    RMSD, the RMSF correlation of all atoms of all targets together (global) and the median of those
    of single targets, and the share of targets with similar first principal components.

    Parameters
    ----------
    evaluations
        `Evaluation.as_dict` of each target, as `genmd evaluate` writes it.

    Raises
    ------
    ValueError
        If there are fewer than two, or one is not an evaluation.

    Examples
    --------
    >>> one, other = ({"metrics": {"torsion_jsd": {"value": v}}} for v in (0.1, 0.3))
    >>> found = summarize([one, other])["metrics"]["torsion_jsd"]
    >>> round(found["mean"], 6), round(found["standard_error"], 6), found["targets"]
    (0.2, 0.1, 2)
    """
    if len(evaluations) < _MIN_TARGETS:
        raise ValueError(
            f"a summary needs at least {_MIN_TARGETS} evaluations, got {len(evaluations)}"
        )
    for i, evaluation in enumerate(evaluations):
        if "metrics" not in evaluation:
            raise ValueError(
                f"evaluation {i + 1} has no metrics; expected JSON files of genmd evaluate"
            )
    return {
        "grade": EXPLORATORY,
        "targets": [evaluation.get("name", "") for evaluation in evaluations],
        "metrics": {
            name: _over_targets(name, values)
            for name in METRICS
            if (values := _values(evaluations, name))
        },
        "over_targets": _only_together(evaluations),
    }


def _values(evaluations: Sequence[Json], name: str) -> list[float]:
    found = [evaluation["metrics"].get(name, {}).get("value") for evaluation in evaluations]
    return [float(value) for value in found if value is not None]


def _over_targets(name: str, values: Sequence[float]) -> dict[str, Any]:
    n = len(values)
    return {
        "label": METRICS[name].label,
        "unit": METRICS[name].unit,
        "better": METRICS[name].better,
        "median": float(np.median(values)),
        "mean": float(np.mean(values)),
        "standard_error": float(np.std(values, ddof=1) / n**0.5) if n > 1 else None,
        "targets": n,
    }


def _only_together(evaluations: Sequence[Json]) -> dict[str, float | None]:
    pairs = [
        [evaluation["metrics"].get(f"pairwise_rmsd_{which}", {}).get("value") for which in _BOTH]
        for evaluation in evaluations
    ]
    complete = np.array([pair for pair in pairs if None not in pair], dtype=np.float64)
    complete = complete.reshape(-1, 2)
    cosines = _values(evaluations, "pc1_cosine")
    numbers = {
        "pairwise_rmsd_r": pearson(complete[:, 0], complete[:, 1]),
        "similar_first_components": _share_above(cosines, _SIMILAR),
    }
    for atoms in ("heavy_atoms", "alpha_carbons"):
        numbers |= _fluctuations(evaluations, atoms)
    return {name: finite_or_none(value) for name, value in numbers.items()}


_BOTH = ("reference", "generated")


def _fluctuations(evaluations: Sequence[Json], atoms: str) -> dict[str, float]:
    pairs = [
        [evaluation[atoms][f"rmsf_{which}_angstrom"] for which in _BOTH]
        for evaluation in evaluations
        if atoms in evaluation
    ]
    if not pairs:
        return {}
    together = [np.concatenate([pair[k] for pair in pairs]) for k in range(2)]
    each = [pearson(first, second) for first, second in pairs]
    return {
        f"rmsf_global_r_{atoms}": pearson(together[0], together[1]),
        f"rmsf_per_target_r_{atoms}": float(np.median(each)),
    }


def _share_above(values: Sequence[float], threshold: float) -> float:
    return float(np.mean(np.array(values) > threshold)) if values else float("nan")
