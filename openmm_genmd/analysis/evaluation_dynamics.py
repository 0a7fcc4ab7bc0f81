"""Metrics of generated frames that follow each other in time, as those of the reference do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.comparison import Comparison, are_replicas, jackknife_error
from openmm_genmd.analysis.ensemble import Ensemble, superposed_on
from openmm_genmd.analysis.evaluation_statistics import MIN_CARBONS
from openmm_genmd.analysis.metrics_dynamics import (
    decorrelation_time,
    mean_log_ratio,
    series_correlation,
    torsion_correlation,
)
from openmm_genmd.analysis.metrics_flexibility import rmsd_to, series_rmse
from openmm_genmd.analysis.metrics_paths import (
    flux_correlation,
    flux_matrix,
    path_scores,
    rarest_transition,
    sample_paths,
    visited_states_jsd,
)
from openmm_genmd.analysis.reference_states import ReferenceStates, lag_in_frames
from openmm_genmd.msm.resampling import row_normalize
from openmm_genmd.msm.transition_model import TransitionModel

Array = NDArray[np.float64]
Numbers = dict[str, float]

_TORSION_THRESHOLD = float(np.exp(-1.0))
_SLOW_THRESHOLD = 0.5
_NAN = float("nan")


@dataclass(frozen=True)
class Memory:
    """Decorrelation of one ensemble.

    Attributes
    ----------
    torsion_times_ps
        First time below 1/e for each torsion; None where it is never reached.
    lags_ps
        ``(n,)`` of the correlation below, ps.
    slow_correlation
        ``(n,)`` of the slowest TICA coordinate; None without one.
    slow_time_ps
        First time below 0.5; None where it is never reached, or without a slow coordinate.

    Examples
    --------
    >>> Memory((1.5, None), np.arange(3.0), None, None).torsion_times_ps[0]
    1.5
    """

    torsion_times_ps: tuple[float | None, ...]
    lags_ps: Array
    slow_correlation: Array | None
    slow_time_ps: float | None


@dataclass(frozen=True)
class Dynamics:
    """What the order in time of both ensembles tells.

    Attributes
    ----------
    numbers
        Metrics by name.
    reference, generated
        Their decorrelation.
    notes
        What could not be computed, and why.

    Examples
    --------
    >>> memory = Memory((), np.arange(1.0), None, None)
    >>> Dynamics({}, memory, memory, ("no Markov model",)).notes
    ('no Markov model',)
    """

    numbers: dict[str, Comparison]
    reference: Memory
    generated: Memory
    notes: tuple[str, ...] = ()


def compare_dynamics(
    reference: Ensemble,
    generated: Ensemble,
    states: ReferenceStates | None,
    *,
    lag_time_ps: float,
    path_length: int,
    n_paths: int,
    seed: int,
) -> Dynamics:
    """All metrics of dynamics.

    Parameters
    ----------
    reference, generated
        Both with a time between frames.
    states
        States of the reference; without them, or without their Markov model, no fluxes and paths.
    lag_time_ps
        Lag of fluxes and of the steps of paths, ps.
    path_length, n_paths
        States in a path, and number of paths.
    seed
        Of the paths.

    Raises
    ------
    ValueError
        If an ensemble has no time between frames, or the lag is not a multiple of it.
    """
    intervals = [ensemble.frame_interval_ps for ensemble in (reference, generated)]
    if intervals[0] is None or intervals[1] is None:
        raise ValueError(
            f"dynamics need the time between frames of both ensembles, got {intervals} ps"
        )
    with_slow = states is not None and states.has_slow_coordinates
    slow = states.slow(reference)[:, 0] if states is not None and with_slow else None
    ours = memory_of(reference, None if slow is None else (slow, slow), intervals[0])
    has_model = states is not None and states.model is not None
    lags = [lag_in_frames(lag_time_ps, interval) for interval in intervals if interval]

    def memory(ensemble: Ensemble) -> Memory:
        other = None
        if states is not None and slow is not None:
            other = (slow, states.slow(ensemble)[:, 0])
        return memory_of(ensemble, other, intervals[1] or 0.0)

    def numbers_of(ensemble: Ensemble) -> Numbers:
        numbers = memory_numbers(ours, memory(ensemble))
        if len(reference.molecule.alpha_carbons) >= MIN_CARBONS:
            numbers["rmsd_over_time_error"] = rmsd_over_time_error(reference, ensemble)
        if states is None or states.model is None:
            return numbers
        counts = states.counts(ensemble, lags[1])
        numbers |= flux_number(states.counts(reference, lags[0]), counts)
        rng = np.random.default_rng(seed)
        return numbers | path_numbers(
            states.model, counts, length=path_length, n_paths=n_paths, rng=rng
        )

    notes = () if has_model else ("no Markov model of the reference: no fluxes and no paths",)
    return Dynamics(with_errors(numbers_of, generated), ours, memory(generated), notes)


def memory_of(ensemble: Ensemble, slow: tuple[Array, Array] | None, interval_ps: float) -> Memory:
    """Decorrelation times of all torsions and of the slowest coordinate.

    Parameters
    ----------
    ensemble
        Frames in order of time.
    slow
        The slowest coordinate ``(F,)`` of the reference and ``(F',)`` of the ensemble; None without
        one. Mean and variance are those of the reference.
    interval_ps
        Time between frames of the ensemble, ps.
    """
    # Beyond half of a replica, correlations are noise.
    max_lag = max(1, max(ensemble.lengths) // 2)
    torsions = np.asarray(ensemble.torsions, dtype=np.float64)
    times = [
        decorrelation_time(
            torsion_correlation(ensemble.replicas(angle), max_lag), _TORSION_THRESHOLD
        )
        for angle in torsions.T
    ]
    in_ps = tuple(None if t is None else t * interval_ps for t in times)
    lags_ps = np.asarray(interval_ps * np.arange(max_lag + 1), dtype=np.float64)
    if slow is None:
        return Memory(in_ps, lags_ps, None, None)
    correlation = series_correlation(
        ensemble.replicas(slow[1]),
        max_lag,
        mean=float(slow[0].mean()),
        variance=float(slow[0].var()),
    )
    time = decorrelation_time(correlation, _SLOW_THRESHOLD)
    return Memory(in_ps, lags_ps, correlation, None if time is None else time * interval_ps)


def memory_numbers(reference: Memory, generated: Memory) -> Numbers:
    """How much the decorrelation times differ."""
    ratio, _ = mean_log_ratio(reference.torsion_times_ps, generated.torsion_times_ps)
    numbers = {"torsion_time_ratio": ratio}
    if reference.slow_correlation is None:
        return numbers
    return numbers | {
        "tic0_time_reference": _number(reference.slow_time_ps),
        "tic0_time_generated": _number(generated.slow_time_ps),
    }


def flux_number(reference_counts: Array, generated_counts: Array) -> Numbers:
    """Rank correlation of the fluxes, both from transition counts as they are."""
    fluxes = []
    for counts in (reference_counts, generated_counts):
        starts = counts.sum(axis=1)
        fluxes.append(flux_matrix(row_normalize(counts), starts / max(1.0, starts.sum())))
    return {"flux_r": flux_correlation(*fluxes)}


def path_numbers(
    model: TransitionModel,
    generated_counts: Array,
    *,
    length: int,
    n_paths: int,
    rng: np.random.Generator,
) -> Numbers:
    """Scores of paths of the generated chain along the rarest transition of the reference."""
    matrix = model.reversible_transition_matrix
    start, end = rarest_transition(flux_matrix(matrix, model.stationary))

    def paths_of(chain: Array) -> NDArray[np.int64]:
        return sample_paths(chain, start, end, length=length, n_paths=n_paths, rng=rng)

    expected = paths_of(matrix)
    numbers = {"path_probability_reference": path_scores(expected, matrix).mean_probability}
    try:
        paths = paths_of(row_normalize(generated_counts))
    except ValueError:  # the generated chain never gets there
        return numbers | {"path_valid_rate": 0.0, "path_probability": 0.0, "path_jsd": _NAN}
    scores = path_scores(paths, matrix)
    return numbers | {
        "path_valid_rate": scores.valid_rate,
        "path_probability": scores.mean_probability,
        "path_jsd": visited_states_jsd(expected, paths, model.n_states),
    }


def rmsd_over_time_error(reference: Ensemble, generated: Ensemble) -> float:
    """Mean over pairs of replicas of the t-RMSD error, Angstrom; NaN if intervals differ.

    The RMSD of alpha carbons to the first frame of the replica, each frame superposed on it.
    """
    first, second = reference.frame_interval_ps, generated.frame_interval_ps
    if first is None or second is None or abs(first - second) > 1e-3 * first:
        return _NAN
    pairs = zip(_rmsd_series(reference), _rmsd_series(generated), strict=False)
    return float(np.mean([series_rmse(one, other) for one, other in pairs]))


def with_errors(
    numbers_of: Callable[[Ensemble], Numbers], generated: Ensemble
) -> dict[str, Comparison]:
    """Numbers with jackknife errors over generated replicas, if there are enough of them."""
    values = numbers_of(generated)
    errors: dict[str, float | None] = {}
    if are_replicas(generated.lengths):
        n = len(generated.lengths)
        left_out = [numbers_of(without_replica(generated, i)) for i in range(n)]
        errors = {name: jackknife_error(part[name] for part in left_out) for name in values}
    return {name: Comparison(value, errors.get(name)) for name, value in values.items()}


def without_replica(ensemble: Ensemble, replica: int) -> Ensemble:
    """The ensemble without one of its replicas."""

    def rest(values: NDArray[Any]) -> NDArray[Any]:
        parts = ensemble.replicas(values)
        return np.concatenate([part for i, part in enumerate(parts) if i != replica])

    return replace(
        ensemble,
        heavy_angstrom=rest(ensemble.heavy_angstrom),
        torsions_rad=rest(ensemble.torsions_rad),
        shape=None if ensemble.shape is None else rest(np.asarray(ensemble.shape)),
        lengths=tuple(n for i, n in enumerate(ensemble.lengths) if i != replica),
    )


def _rmsd_series(ensemble: Ensemble) -> list[NDArray[Any]]:
    carbons = ensemble.molecule.alpha_carbons
    parts = [part[:, carbons] for part in ensemble.replicas(ensemble.heavy_angstrom)]
    return [rmsd_to(superposed_on(part, part[0]), part[0]) for part in parts]


def _number(value: float | None) -> float:
    return _NAN if value is None else value
