"""From chains to effective samples per minute, populations and a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from peptide_hybrid_agreement import Estimate, disagreements, estimate, largest_score
from peptide_hybrid_ess import effective_samples
from peptide_hybrid_methods import Chain
from peptide_hybrid_reference import Reference

from openmm_genmd import GenerativeJumpIntegrator
from openmm_genmd.analysis.doctor import diagnose

METHODS = ("hybrid", "uniform", "md", "metadynamics")
LEAPING = ("hybrid", "uniform")
SMALL = "AG"
"""A peptide is rich in alanine if at least half of its residues are of these."""

GOALS = {
    True: {"md": (20.0, 40.0, 100.0), "metadynamics": (1.0,), "uniform": (2.0,)},
    False: {"md": (5.0, 10.0, 100.0), "metadynamics": (1.0,), "uniform": (5.0,)},
}
"""Ratios to be reached, for peptides rich in alanine and for others."""


def summarise(
    sequence: str, chains: Mapping[str, list[Chain]], reference: Reference
) -> dict[str, Any]:
    """All that was found, as JSON types."""
    each = {m: _of_chains(chains[m], reference) for m in METHODS}
    rates = {m: _rate(chains[m], reference) for m in METHODS}
    effective = {m: [chain["effective_samples"] for chain in each[m]] for m in METHODS}
    estimates = {m: _estimates(chains[m], effective[m]) for m in METHODS}
    reasons = disagreements({m: estimates[m] for m in LEAPING}, {m: effective[m] for m in LEAPING})
    leaps = {m: _leaps(chains[m]) for m in LEAPING}
    ratios = {m: _ratio(rates["hybrid"], rates[m]) for m in METHODS[1:]}
    at_least = {m: ratio_at_least(rates["hybrid"], rates[m]) for m in METHODS[1:]}
    return {
        "grade": leaps["hybrid"]["grade"],
        "acceptance": leaps["hybrid"]["acceptance"],
        "ess_per_minute": {m: rates[m][0] for m in METHODS},
        "ess_per_minute_error": {m: rates[m][1] for m in METHODS},
        "never_crossed": {m: sum(not chain["crossings"] for chain in each[m]) for m in METHODS},
        "ratios": ratios,
        "ratios_at_least": at_least,
        "goals": _goals(sequence, at_least),
        "populations": {m: _pairs(estimates[m]) for m in METHODS}
        | {"reference": _pairs(reference.estimates)},
        "converged": not reasons,
        "not_converged": reasons,
        "against_reference": {m: _against(estimates[m], reference) for m in METHODS},
        "leaps": leaps,
        "tic": _tic(reference),
        "chains": each,
    }


def _of_chains(chains: list[Chain], reference: Reference) -> list[dict[str, Any]]:
    samples, crossings = _samples(chains, reference)
    return [
        {
            "effective_samples": float(samples[n]),
            "crossings": int(crossings[n]),
            "minutes": chain.minutes,
            "frames": len(chain.values()["TIC-0"]),
            "tic_mean": float(np.average(chain.values()["TIC-0"], weights=chain.weights())),
        }
        for n, chain in enumerate(chains)
    ]


def _samples(chains: list[Chain], reference: Reference) -> tuple[Any, Any]:
    tic = [chain.values()["TIC-0"] for chain in chains]
    return effective_samples(tic, reference.target, [chain.weights() for chain in chains])


def _rate(chains: list[Chain], reference: Reference) -> tuple[float, float]:
    """Effective samples per minute, and their standard error: a jackknife over chains."""
    minutes = np.array([chain.minutes for chain in chains])
    everything = float(np.mean(_samples(chains, reference)[0] / minutes))
    n = len(chains)
    left_out = []
    for which in range(n):
        others = chains[:which] + chains[which + 1 :]
        left_out.append(np.mean(_samples(others, reference)[0] / np.delete(minutes, which)))
    return everything, float(np.sqrt((n - 1) * np.var(left_out)))


def _ratio(one: tuple[float, float], other: tuple[float, float]) -> list[float]:
    """Ratio of two rates and its standard error, to first order."""
    ratio = one[0] / other[0]
    return [ratio, ratio * float(np.hypot(one[1] / one[0], other[1] / other[0]))]


def ratio_at_least(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Ratio of a rate less its standard error and another one plus its own.

    A method that hardly samples has a rate near zero with a large error, for which the error of
    the ratio to first order means nothing; what it may have reached at most does.
    """
    return (one[0] - one[1]) / (other[0] + other[1])


def _goals(sequence: str, at_least: Mapping[str, float]) -> dict[str, Any]:
    """What is asked of the ratios, and whether they are above it by their standard errors."""
    rich = 2 * sum(code in SMALL for code in sequence) >= len(sequence)
    return {
        method: [[goal, at_least[method] >= goal] for goal in goals]
        for method, goals in GOALS[rich].items()
    }


def _estimates(chains: list[Chain], effective: list[float]) -> dict[str, Estimate]:
    values, weights = [chain.values() for chain in chains], [chain.weights() for chain in chains]
    return {
        name: estimate([v[name] for v in values], weights, effective)
        for name in values[0]
        if name != "TIC-0"
    }


def _pairs(estimates: Mapping[str, Estimate]) -> dict[str, list[float]]:
    return {name: each.as_pair() for name, each in estimates.items()}


def _against(estimates: Mapping[str, Estimate], reference: Reference) -> dict[str, Any]:
    name, score = largest_score(estimates, reference.estimates)
    return {"largest_score": score, "largest_score_of": name}


def _leaps(chains: list[Chain]) -> dict[str, Any]:
    integrators = [chain.simulation.integrator for chain in chains]
    assert all(isinstance(each, GenerativeJumpIntegrator) for each in integrators)
    attempted = sum(each.getNumJumpsAttempted() for each in integrators)
    rejections: Counter[str] = Counter()
    for each in integrators:
        rejections.update(each.getRejections())
    return {
        "grade": integrators[0].getGrade(),
        "acceptance": sum(each.getNumJumpsAccepted() for each in integrators) / attempted,
        "attempts_per_minute": attempted / sum(chain.minutes for chain in chains),
        "model_seconds_per_attempt": sum(each.getStatistics().model_seconds for each in integrators)
        / attempted,
        "rejections": [
            {"reason": found.reason, "share": found.share, "remedy": found.remedy}
            for found in diagnose(rejections, n_attempts=attempted)
        ],
    }


def _tic(reference: Reference) -> dict[str, Any]:
    target = reference.target
    return {
        "timescale_ps": reference.timescale_ps,
        "mean": [target.mean, target.mean_error],
        "variance": target.variance,
        "dividing_value": target.middle,
        "cores": [target.low, target.high],
        "explained_by_torsion": reference.explained,
        "reference_frames": list(reference.frames),
        "reference_effective_samples": reference.effective_samples,
    }
