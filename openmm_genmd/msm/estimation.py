"""Markov state models from features: TICA, k-means, PCCA+, and every check on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from deeptime.markov.msm import MarkovStateModel
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from openmm_genmd.msm.chapman_kolmogorov import ChapmanKolmogorovTest, chapman_kolmogorov
from openmm_genmd.msm.diagnosis import (
    SamplingError,
    check_lengths,
    choose_set,
)
from openmm_genmd.msm.kinetic_features import (
    AnyFloats,
    KineticCoordinates,
    fit_tica,
    standardize,
)
from openmm_genmd.msm.microstates import Microstates, cluster
from openmm_genmd.msm.resampling import (
    MIN_RESAMPLES,
    BlockBootstrap,
    count_transitions,
    row_normalize,
)
from openmm_genmd.msm.state_map import StateMap
from openmm_genmd.msm.timescales import (
    TimescaleScan,
    default_lags,
    scan_timescales,
    stationary_distribution,
)
from openmm_genmd.msm.transition_model import (
    TransitionModel,
    estimate_transition_model,
    reversible_model,
)
from openmm_genmd.msm.weak_cuts import check_crossings

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_PROCESSES = 5


class MsmConfig(BaseModel):
    """How a Markov state model is made.

    Attributes
    ----------
    lag_frames
        Lag of TICA and of the Markov model, in frames.
    coordinates
        tica: for many features, such as torsions. standardized: for few, such as the radius of
        gyration and secondary structure, which are clustered as they are.
    variance_cutoff
        TICA coordinates are kept until they have more than this share of the kinetic variance.
    n_microstates
        k-means clusters; fewer if there are not 20 frames for each.
    n_states
        Metastable states of PCCA+; fewer if there are not so many microstates.
    min_fraction
        Share of the frames that the largest connected set must hold.
    keep_largest_set
        Model the largest connected set, however small it is.
    min_crossings
        A group of states that was entered or left less often is told if it holds at most
        ``1 - min_fraction`` of the frames, and refused otherwise; 0 accepts everything.
    seed
        Of k-means and of the bootstrap.

    Examples
    --------
    >>> MsmConfig(lag_frames=100).n_states
    10
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lag_frames: int = Field(ge=1)
    coordinates: Literal["tica", "standardized"] = "tica"
    variance_cutoff: float = Field(default=0.95, gt=0, lt=1)
    n_microstates: int = Field(default=100, ge=2)
    n_states: int = Field(default=10, ge=2, le=16)
    min_fraction: float = Field(default=0.95, gt=0.5, le=1)
    keep_largest_set: bool = False
    min_crossings: float = Field(default=3.0, ge=0)
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True)
class MsmEstimate:
    """A Markov state model and what speaks for or against it.

    Attributes
    ----------
    model
        States of all frames, and transitions between them.
    state_map
        Assigns states to other frames.
    lengths
        Frames of each replica.
    population_error
        ``(n_states,)`` float64, standard errors of the equilibrium populations; NaN if too few
        resamples of the data connect all states.
    microstate_scan, state_scan
        Implied timescales over lags, of microstates and of states.
    chapman_kolmogorov
        The test at the lag of the model.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> state = (rng.random(4000) < 0.02).cumsum() % 2
    >>> positions = (2.0 * state + 0.1 * rng.normal(size=4000))[:, None]
    >>> config = MsmConfig(lag_frames=5, n_microstates=10, n_states=2)
    >>> estimate = estimate_msm([positions], config)
    >>> len(np.unique(2 * state + estimate.model.labels))  # one label for each state
    2
    >>> estimate.chapman_kolmogorov.passed
    True
    """

    model: TransitionModel
    state_map: StateMap
    lengths: tuple[int, ...]
    population_error: Array
    microstate_scan: TimescaleScan
    state_scan: TimescaleScan
    chapman_kolmogorov: ChapmanKolmogorovTest


def estimate_msm(features: Sequence[AnyFloats], config: MsmConfig) -> MsmEstimate:
    """The Markov state model of some replicas.

    Parameters
    ----------
    features
        One ``(n_frames, n_features)`` array for each continuous replica; each is asked for several
        times and may be made on demand.
    config
        Lag and resolution.

    Raises
    ------
    SamplingError
        If the data do not determine a model: too short, disconnected, or undersampled.
    ValueError
        If features are not finite.

    References
    ----------
    Prinz et al., J. Chem. Phys. 134, 174105 (2011); Röblitz & Weber, Adv. Data Anal. Classif. 7,
    147 (2013), PCCA+.
    """
    lengths = tuple(_checked_length(part, replica) for replica, part in enumerate(features))
    check_lengths(lengths, config.lag_frames, config.n_states)
    coordinates = _fit_coordinates(features, config)
    slow = [coordinates.transform(part) for part in features]
    microstates = cluster(slow, config.n_microstates, seed=config.seed)
    discrete = [microstates.assign(part) for part in slow]
    notes: list[str] = []
    state_map = StateMap(coordinates, microstates, _group(discrete, microstates, config, notes))
    labels = [state_map.state_of_microstate[part] for part in discrete]
    model, test = _estimate_and_check(labels, config, notes)
    lags = default_lags(config.lag_frames, lengths)
    return MsmEstimate(
        model,
        state_map,
        lengths,
        _population_error(labels, model.n_states, config),
        _scan(discrete, microstates.n_microstates, lags),
        _scan(labels, model.n_states, lags, n_resamples=50),
        test,
    )


def _checked_length(part: AnyFloats, replica: int) -> int:
    good = np.isfinite(part).all(axis=1)
    if not good.all():
        raise ValueError(
            f"expected finite features, got others in frame {int(np.argmin(good))} of replica "
            f"{replica}; check the trajectory for broken frames"
        )
    return len(part)


def _fit_coordinates(features: Sequence[AnyFloats], config: MsmConfig) -> KineticCoordinates:
    if config.coordinates == "standardized":
        return standardize(features)
    return fit_tica(features, config.lag_frames, variance_cutoff=config.variance_cutoff)


def _group(
    discrete: list[Integers], microstates: Microstates, config: MsmConfig, notes: list[str]
) -> Integers:
    """State of each microstate ``(n_microstates,)``, the most populated first; -1: excluded."""
    n = microstates.n_microstates
    if n < config.n_microstates:
        notes.append(f"{n} microstates instead of {config.n_microstates}: few different frames")
    counts = count_transitions(discrete, n, config.lag_frames)
    members, reason = choose_set(
        counts, discrete, min_fraction=config.min_fraction, keep_largest=config.keep_largest_set
    )
    notes += [reason] if reason else []
    if len(members) < 2:
        raise SamplingError(
            "undersampled: expected transitions there and back between microstates, got none; "
            "simulate longer, or choose a shorter lag"
        )
    model = reversible_model(counts[np.ix_(members, members)])
    divided = _pcca(model, len(members), config, notes)
    states = np.full(n, -1, dtype=np.int64)
    states[members] = _by_population(divided, np.asarray(model.stationary_distribution))
    return states


def _pcca(model: MarkovStateModel, n_members: int, config: MsmConfig, notes: list[str]) -> Integers:
    if n_members <= config.n_states:
        notes.append(f"{n_members} states instead of {config.n_states}: one for each microstate")
        return np.arange(n_members)
    try:
        divided = np.asarray(model.pcca(config.n_states).assignments, dtype=np.int64)
    except (ValueError, ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:
        raise SamplingError(
            f"expected PCCA+ to divide {n_members} microstates into {config.n_states} states, got "
            f"{error}; ask for another number of states, or simulate longer"
        ) from error
    n = len(np.unique(divided))
    if n < config.n_states:
        notes.append(f"{n} states instead of {config.n_states}: PCCA+ left the others empty")
    return divided


def _by_population(divided: Integers, stationary: Array) -> Integers:
    """The same division with states numbered by falling population, without gaps."""
    names, compact = np.unique(divided, return_inverse=True)
    order = np.argsort(-np.bincount(compact, stationary), kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return rank[compact]


def _estimate_and_check(
    labels: list[Integers], config: MsmConfig, notes: list[str]
) -> tuple[TransitionModel, ChapmanKolmogorovTest]:
    lag, n_states = config.lag_frames, 1 + max(int(part.max(initial=-1)) for part in labels)
    notes += check_crossings(
        count_transitions(labels, n_states, lag),
        lag,
        min_crossings=config.min_crossings,
        min_fraction=1.0 - config.min_fraction,
    )
    model = estimate_transition_model(labels, n_states, lag)
    if model.timescales_frames[0] < lag:
        notes.append(
            f"no process is slower than the lag (slowest: {model.timescales_frames[0]:.3g} of "
            f"{lag} frames): states are arbitrary cells of one basin; choose a shorter lag"
        )
    test = chapman_kolmogorov(labels, n_states, lag, seed=config.seed)
    if not (test.passed and len(test.multiples)):
        notes.append(test.describe())
    return replace(model, notes=tuple(notes)), test


def _population_error(labels: list[Integers], n_states: int, config: MsmConfig) -> Array:
    bootstrap = BlockBootstrap(
        labels, n_states, min_block_frames=5 * config.lag_frames, seed=config.seed
    )
    matrices = row_normalize(bootstrap.connected_counts(config.lag_frames))
    if len(matrices) < MIN_RESAMPLES:
        return np.full(n_states, np.nan)
    return np.asarray(np.std([stationary_distribution(matrix) for matrix in matrices], axis=0))


def _scan(
    labels: list[Integers], n_states: int, lags: list[int], *, n_resamples: int = 0
) -> TimescaleScan:
    n_processes = min(_PROCESSES, n_states - 1)
    return scan_timescales(labels, n_states, lags, n_processes=n_processes, n_resamples=n_resamples)
