"""Populations of several chains with errors that do not pretend, and whether methods agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from openmm_genmd.analysis.statistics import average

Array = NDArray[np.float64]

SIGNIFICANCE = 0.05
"""Chance that anything at all differs by chance, among all that is compared."""

MIN_EFFECTIVE = 10.0
"""Effective samples of TIC-0 below which a chain proves nothing."""


@dataclass(frozen=True)
class Estimate:
    """Mean of an observable over some chains.

    Attributes
    ----------
    value, error
        The mean of the chains' means, and its standard error.
    deviation
        Standard deviation of the observable itself.
    chains
        Mean and standard error of each chain.
    """

    value: float
    error: float
    deviation: float
    chains: tuple[tuple[float, float], ...]

    def as_pair(self) -> list[float]:
        """``[value, standard error]``, for a JSON file."""
        return [self.value, self.error]


def estimate(
    series: Sequence[Array], weights: Sequence[Array | None], effective: Sequence[float]
) -> Estimate:
    """Mean over independent chains with its standard error.

    The error of a chain is that of `average`, but never less than what so many effective samples
    allow: sqrt(p (1 - p) / (n + 2)) with Laplace's p = (sum + 1) / (n + 2) for a share, so that one
    that was never seen has an error, too; for other observables deviation / sqrt(n) where `average`
    has no error to give. The error of the mean is the larger of what the chains' errors give and
    of what their scatter gives.

    Parameters
    ----------
    series
        ``(n,)`` of each chain.
    weights
        ``(n,)`` of each chain, or None.
    effective
        Effective samples of TIC-0 in each chain.
    """
    deviation = float(np.concatenate(series).std())
    chains = tuple(
        _of_chain(*each, deviation) for each in zip(series, weights, effective, strict=True)
    )
    values, errors = np.array(chains).T
    n = len(values)
    scatter = float(values.std(ddof=1)) / n**0.5 if n > 1 else 0.0
    error = max(float(np.sqrt(np.sum(errors**2))) / n, scatter)
    return Estimate(float(values.mean()), error, deviation, chains)


def _of_chain(
    values: Array, weights: Array | None, effective: float, deviation: float
) -> tuple[float, float]:
    found = average(values, weights)
    if np.isin(values, (0.0, 1.0)).all():
        likely = (found.value * effective + 1) / (effective + 2)
        least = (likely * (1 - likely) / (effective + 2)) ** 0.5
        return found.value, max(found.standard_error or 0.0, least)
    if found.standard_error is None:
        return found.value, deviation / max(1.0, effective) ** 0.5
    return found.value, found.standard_error


def disagreements(
    methods: Mapping[str, Mapping[str, Estimate]], effective: Mapping[str, Sequence[float]]
) -> dict[str, str]:
    """What has not converged, by the name of the observable, and why; nothing if all has.

    Compared are all pairs of chains of each method, and all pairs of methods. The threshold is
    that of a normal deviate which all comparisons together exceed by chance with a probability of
    `SIGNIFICANCE` (Bonferroni). A method with a chain of fewer than `MIN_EFFECTIVE` effective
    samples of TIC-0 has not converged in anything, and "TIC-0" says so.

    Parameters
    ----------
    methods
        Estimates by method and observable.
    effective
        Effective samples of TIC-0 of the chains of each method.
    """
    few = [m for m in methods if min(effective[m]) < MIN_EFFECTIVE]
    found = {}
    if few:
        least = ", ".join(f"{min(effective[m]):.1f} in a chain of {m}" for m in few)
        found["TIC-0"] = f"only {least} effective samples, {MIN_EFFECTIVE:.0f} needed"
    scores = list(_scores(methods))
    threshold = float(norm.isf(SIGNIFICANCE / 2 / max(1, len(scores))))
    for name, what, score in sorted(scores, key=lambda each: each[2]):
        if score > threshold:  # the largest comes last and stays
            found[name] = f"{what} differ by {score:.1f} standard errors, {threshold:.1f} allowed"
    return found


def largest_score(one: Mapping[str, Estimate], other: Mapping[str, Estimate]) -> tuple[str, float]:
    """The observable in which two methods differ most, and by how many standard errors."""
    scores = {name: _apart(one[name].as_pair(), other[name].as_pair()) for name in one}
    worst = max(scores, key=lambda name: scores[name])
    return worst, scores[worst]


def _scores(
    methods: Mapping[str, Mapping[str, Estimate]],
) -> Iterator[tuple[str, str, float]]:
    for method, estimates in methods.items():
        for name, each in estimates.items():
            for (a, one), (b, other) in combinations(enumerate(each.chains), 2):
                yield name, f"chains {a} and {b} of {method}", _apart(one, other)
    for two in combinations(methods, 2):
        for name in methods[two[0]]:
            pairs = [methods[method][name].as_pair() for method in two]
            yield name, " and ".join(two), _apart(*pairs)


def _apart(one: Sequence[float], other: Sequence[float]) -> float:
    difference = abs(one[0] - other[0])
    return difference / max(float(np.hypot(one[1], other[1])), 1e-12)
