"""Markov models of labelled trajectories: transition matrices, populations, timescales."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from deeptime.markov.msm import MarkovStateModel, MaximumLikelihoodMSM
from numpy.typing import NDArray

from openmm_genmd.msm.array_file import read_arrays, write_arrays
from openmm_genmd.msm.diagnosis import SamplingError, connected_sets
from openmm_genmd.msm.resampling import count_transitions, row_normalize

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class TransitionModel:
    """States of all frames of some replicas, and transitions between them at one lag.

    Attributes
    ----------
    labels
        ``(n_frames,)`` int64, all replicas one after the other, from 0 to ``n_states - 1``, the
        most populated first; -1: excluded, for a reason in `notes`.
    n_states
        Number of states; each has at least one frame.
    transition_matrix
        ``(n_states, n_states)`` float64, transition counts divided by the sum of their row.
    reversible_transition_matrix
        ``(n_states, n_states)`` float64, the maximum-likelihood estimate with detailed balance.
    stationary
        ``(n_states,)`` float64, equilibrium populations: stationary under the reversible matrix.
    lag_frames
        Lag, in frames.
    timescales_frames
        ``(n_states - 1,)`` float64, implied timescales of the reversible matrix, frames, longest
        first.
    notes
        What a reader should know, in words.

    References
    ----------
    Prinz et al., J. Chem. Phys. 134, 174105 (2011), eqs. 12 and 24.

    Examples
    --------
    >>> labels = np.array([0, 0, 0, 1, 1, 0, 0, 0, 1, 0])
    >>> model = estimate_transition_model([labels], 2, lag_frames=1)
    >>> model.transition_matrix.round(3).tolist()
    [[0.667, 0.333], [0.667, 0.333]]
    >>> model.stationary.round(3).tolist()
    [0.667, 0.333]
    """

    labels: Integers
    n_states: int
    transition_matrix: Array
    reversible_transition_matrix: Array
    stationary: Array
    lag_frames: int
    timescales_frames: Array
    notes: tuple[str, ...] = ()

    @property
    def populations(self) -> Array:
        """Shares of the labelled frames ``(n_states,)``: how often visited, not equilibrium."""
        counts = np.bincount(self.labels[self.labels >= 0], minlength=self.n_states)
        return np.asarray(counts / counts.sum())

    def save(self, path: str | Path) -> None:
        """Write the model to an ``.npz`` file.

        Parameters
        ----------
        path
            The file; one that exists is replaced.
        """
        arrays: dict[str, Any] = {
            name: np.asarray(getattr(self, name)) for name in _FIELDS if name != "notes"
        }
        write_arrays(path, notes=np.array(self.notes, dtype=str), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> TransitionModel:
        """Read what `save` has written.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        ValueError
            If the file is not one of a transition model.
        """
        values: dict[str, Any] = dict(read_arrays(path, _FIELDS, "a transition model"))
        for name in ("n_states", "lag_frames"):
            values[name] = int(values[name])
        return cls(**values | {"notes": tuple(str(note) for note in values["notes"])})


_FIELDS = tuple(TransitionModel.__dataclass_fields__)


def estimate_transition_model(
    labels: Sequence[Integers], n_states: int, lag_frames: int, *, notes: Sequence[str] = ()
) -> TransitionModel:
    """The Markov model of labelled trajectories.

    Parameters
    ----------
    labels
        State of each frame, one ``(n_frames,)`` array for each continuous replica; -1: excluded.
    n_states
        Number of states.
    lag_frames
        Lag, in frames.
    notes
        Sentences to keep with the model.

    Raises
    ------
    SamplingError
        If the states are not connected there and back.
    """
    counts = count_transitions(labels, n_states, lag_frames)
    reversible, stationary = reversible_matrix(counts)
    return TransitionModel(
        np.concatenate(labels),
        n_states,
        row_normalize(counts),
        reversible,
        stationary,
        lag_frames,
        implied_timescales(reversible, lag_frames),
        tuple(notes),
    )


def reversible_matrix(counts: Array) -> tuple[Array, Array]:
    """The most likely reversible transition matrix ``(n, n)`` and its stationary vector ``(n,)``.

    Parameters
    ----------
    counts
        ``(n, n)`` transition counts of connected states.

    Raises
    ------
    SamplingError
        If the states are not connected there and back, or the estimate does not converge.
    """
    model = reversible_model(counts)
    return np.asarray(model.transition_matrix), np.asarray(model.stationary_distribution)


def reversible_model(counts: Array) -> MarkovStateModel:
    """Model of deeptime for `reversible_matrix`.

    Parameters
    ----------
    counts
        ``(n, n)`` transition counts of connected states.

    Raises
    ------
    SamplingError
        As `reversible_matrix`.
    """
    sets = connected_sets(counts)
    if len(sets) != 1 or not counts.any():
        raise SamplingError(
            f"expected {len(counts)} states that are connected there and back by transitions, got "
            f"{len(sets)} separate sets; exclude all but one set, or add trajectories between them"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return MaximumLikelihoodMSM(reversible=True).fit_from_counts(counts).fetch_model()
        except (Warning, ValueError, ArithmeticError, RuntimeError) as error:
            raise SamplingError(
                f"expected a reversible transition matrix of {len(counts)} states, got no estimate "
                f"({error}); use fewer microstates, or simulate longer"
            ) from error


def implied_timescales(transition_matrix: Array, lag_frames: int) -> Array:
    """Relaxation times ``(n_states - 1,)`` in frames, longest first: ``-lag / ln |lambda_i|``.

    Parameters
    ----------
    transition_matrix
        ``(n_states, n_states)``.
    lag_frames
        Lag, in frames.

    Examples
    --------
    >>> matrix = np.array([[0.9, 0.1], [0.1, 0.9]])
    >>> implied_timescales(matrix, 1).round(3).tolist()  # -1 / ln 0.8
    [4.481]
    """
    moduli = np.sort(np.abs(np.linalg.eigvals(transition_matrix)))[::-1][1:]
    return np.asarray(-lag_frames / np.log(np.clip(moduli, 1e-300, 1 - 1e-15)))
