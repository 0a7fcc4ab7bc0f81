"""Slow coordinates and metastable states of the reference, given to frames of any ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.ensemble import Ensemble
from openmm_genmd.msm.diagnosis import SamplingError
from openmm_genmd.msm.estimation import MsmConfig, estimate_msm
from openmm_genmd.msm.kinetic_features import TorsionFeatures
from openmm_genmd.msm.resampling import count_transitions
from openmm_genmd.msm.state_map import StateMap
from openmm_genmd.msm.transition_model import TransitionModel, estimate_transition_model

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

Features = Literal["torsions", "all torsions", "shape"]
"""What states are made of: phi, psi and side chains; pre-omega too, as by ``genmd msm``; shape."""

_LAG_TOLERANCE = 0.01


@dataclass(frozen=True)
class ReferenceStates:
    """The map from frames to slow coordinates and to states.

    Attributes
    ----------
    state_map
        Of `openmm_genmd.msm`.
    features
        What it takes.
    model
        Markov model of the reference; None if its frames have no order in time.
    notes
        What a reader should know, in words.

    Examples
    --------
    A model of dynamics that are too short is refused:

    >>> from openmm_genmd.analysis.ensemble import Molecule
    >>> from openmm_genmd.data.structures import load_structure
    >>> molecule = Molecule.of(*load_structure("alanine-dipeptide"))
    >>> short = Ensemble(molecule, np.zeros((5, 10, 3)), np.zeros((5, 1, 7)), (5,), 1.0)
    >>> try:
    ...     fit_reference_states(short, MsmConfig(lag_frames=10), "torsions")
    ... except SamplingError:
    ...     print("too short")
    too short
    """

    state_map: StateMap
    features: Features
    model: TransitionModel | None
    notes: tuple[str, ...] = ()

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.state_map.state_of_microstate.max()) + 1

    @property
    def has_slow_coordinates(self) -> bool:
        """Whether the coordinates are those of TICA."""
        return len(self.state_map.coordinates.timescales_frames) > 0

    def slow(self, ensemble: Ensemble) -> Array:
        """Slow coordinates of all frames, ``(F, k)`` float64, the slowest first."""
        parts = features_of(ensemble, self.features)
        return np.concatenate([self.state_map.coordinates.transform(part) for part in parts])

    def states(self, ensemble: Ensemble) -> Integers:
        """State of all frames, ``(F,)`` int64; -1 in conformations that the model excludes."""
        parts = features_of(ensemble, self.features)
        return np.concatenate([self.state_map.assign(part) for part in parts])

    def counts(self, ensemble: Ensemble, lag_frames: int) -> Array:
        """Transition counts ``(n_states, n_states)`` between the states of an ensemble."""
        replicas = ensemble.replicas(self.states(ensemble))
        return count_transitions(replicas, self.n_states, lag_frames)


def fit_reference_states(
    reference: Ensemble, config: MsmConfig, features: Features
) -> ReferenceStates:
    """States of the reference: TICA, k-means, PCCA+, as `genmd msm` does.

    Parameters
    ----------
    reference
        Frames in order of time.
    config
        Lag and resolution.
    features
        What states are made of.

    Raises
    ------
    SamplingError
        If the reference is too short or disconnected for a Markov model.
    """
    estimate = estimate_msm(features_of(reference, features), config)
    return ReferenceStates(estimate.state_map, features, estimate.model, estimate.model.notes)


def reuse_states(
    state_map: StateMap, reference: Ensemble, lag_frames: int | None
) -> ReferenceStates:
    """States that were made of other trajectories, for a reference without an order in time.

    Parameters
    ----------
    state_map
        From `genmd msm`.
    reference
        The reference.
    lag_frames
        Lag of its Markov model, frames; None: it has no dynamics.

    Raises
    ------
    ValueError
        If the map takes other features than those of this molecule.
    """
    features = _features_taken(state_map, reference)
    states = ReferenceStates(state_map, features, None, ("states are those of a given model",))
    if lag_frames is None:
        return states
    labels = reference.replicas(states.states(reference))
    try:
        model = estimate_transition_model(labels, states.n_states, lag_frames)
    except SamplingError as error:
        return ReferenceStates(state_map, features, None, (*states.notes, f"no fluxes: {error}"))
    return ReferenceStates(state_map, features, model, states.notes)


def features_of(ensemble: Ensemble, features: Features) -> Sequence[NDArray[Any]]:
    """Features ``(n, d)`` of each replica, float32.

    Raises
    ------
    ValueError
        If the ensemble was read without the shape that is asked for.
    """
    if features == "shape":
        if ensemble.shape is None:
            raise ValueError(
                "the ensemble was read without its shape; read it with with_shape=True, or "
                "--features shape"
            )
        return ensemble.replicas(np.asarray(ensemble.shape))
    torsions = ensemble.torsions if features == "torsions" else ensemble.torsions_rad
    return TorsionFeatures(np.asarray(torsions, dtype=np.float32), ensemble.lengths)


def lag_in_frames(lag_time_ps: float, frame_interval_ps: float) -> int:
    """Lag in frames.

    Raises
    ------
    ValueError
        If the lag is not a multiple of the time between frames.

    Examples
    --------
    >>> lag_in_frames(100.0, 0.5)
    200
    """
    frames = lag_time_ps / frame_interval_ps
    if round(frames) < 1 or abs(frames - round(frames)) > _LAG_TOLERANCE:
        raise ValueError(
            f"the lag must be a multiple of the {frame_interval_ps:g} ps between frames, got "
            f"{lag_time_ps:g} ps; give another lag, or the right time between frames"
        )
    return round(frames)


def _features_taken(state_map: StateMap, ensemble: Ensemble) -> Features:
    n_taken = len(state_map.coordinates.mean)
    known: dict[Features, int] = {
        "all torsions": 2 * int(ensemble.molecule.layout.torsion_mask.sum()),
        "shape": 3,
        "torsions": 2 * int(ensemble.molecule.torsion_mask.sum()),
    }
    for features, n_features in known.items():
        if n_features == n_taken:
            return features
    raise ValueError(
        f"the states take {n_taken} features, but this molecule has "
        f"{known['all torsions']} of torsions and 3 of shape; give a model of the same molecule"
    )
