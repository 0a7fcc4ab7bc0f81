"""Training on what a run tried, besides the data from before: `continue_torsions`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.models.torus_flow import TorusFlow
from openmm_genmd.msm.states import States
from openmm_genmd.msm.torsion_wells import find_wells
from openmm_genmd.training.dataset import TorsionData
from openmm_genmd.training.run_candidates import RunCandidates
from openmm_genmd.training.sampler import FitData
from openmm_genmd.training.torsions import (
    TorsionTrainingConfig,
    TrainedTorsions,
    choose_validation,
    fit_checkpoint,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MOST_KEPT = 0.5
_REPLAYED = 20_000
"""Draws of the old model that stand for its data, where these are not given."""


@dataclass(frozen=True)
class SelfTrainingData:
    """Frames from before and candidates of a run, in one division into basins.

    Attributes
    ----------
    torsions
        ``(n, n_torsions)`` float64, rad: old ones first, then those of the run.
    weights
        ``(n,)``: one for old frames, the recycled weights for candidates.
    from_run
        ``(n,)``, True for candidates.
    states
        The basin of each.
    replayed
        Whether the old frames were drawn from a model.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old = [rng.normal(-1.5, 0.1, (300, 1)), rng.normal(1.5, 0.1, (100, 1))]
    >>> run = rng.normal(-1.5, 0.1, (400, 1))
    >>> data = SelfTrainingData.of(old, run, np.full(400, 0.5))
    >>> weights = data.frame_weights(population_power=0.0, old_share=0.5)
    >>> [float(weights[data.states.labels == k].sum().round(3)) for k in (0, 1)]
    [0.5, 0.5]
    """

    torsions: Array
    weights: Array
    from_run: Mask
    states: States
    replayed: bool = False

    @classmethod
    def of(
        cls, old: Sequence[Array], run: Array, run_weights: Array, *, replayed: bool = False
    ) -> SelfTrainingData:
        """Join old trajectories and the candidates of a run, and find the basins of both."""
        n_old = sum(map(len, old))
        torsions = np.concatenate([*old, run])
        from_run = np.arange(len(torsions)) >= n_old
        weights = np.concatenate([np.ones(n_old), run_weights])
        # Each side counts as much as the other when the circles are cut.
        totals = np.where(from_run, weights[from_run].sum(), max(n_old, 1))
        states = find_wells(torsions, weights / totals)
        return cls(torsions, weights, from_run, states, replayed)

    def frame_weights(
        self, population_power: float, old_share: float, *, within: Mask | None = None
    ) -> Array:
        """Probability ``(n,)`` of each frame to be drawn.

        A basin counts by its share among the candidates, which are Boltzmann-distributed, to a
        power. One that the run never tried keeps the weight that it had, as far as such ones have
        no more than half together, or `old_share`: by its share among the
        old frames to the same power, or, of frames that an old model drew, to the first, since
        they are weighted already, and since a few stray ones are no basin. Inside a basin old
        frames keep `old_share` of the weight, more if the run has little of it, and all if it has
        nothing. Over all basins they keep `old_share` at least.

        Parameters
        ----------
        population_power
            0: all basins alike; 1: as in the run.
        old_share
            Between 0 and 1.
        within
            ``(n,)``, the frames that may be drawn; all by default.

        Raises
        ------
        ValueError
            If no frame may be drawn.
        """
        allowed = np.ones(len(self.weights), dtype=bool) if within is None else within
        if not allowed.any():
            raise ValueError("no frame may be drawn; within must be True for at least one")
        old, run = (self._sums(allowed & side) for side in (~self.from_run, self.from_run))
        new_part = np.minimum(1 - old_share, self._run_part(allowed))
        new_part = np.where(old == 0, 1.0, np.where(run == 0, 0.0, new_part))
        target = self._targets(population_power, old_share) * ((old > 0) | (run > 0))
        masses = np.stack([target * (1 - new_part), target * new_part]) / target.sum()
        masses = _with_share(masses, old_share)
        per_weight = masses / np.maximum([old, run], 1e-300)
        chosen = per_weight[self.from_run.astype(int), self.states.labels]
        return np.asarray(np.where(allowed, self.weights * chosen, 0.0))

    def _sums(self, chosen: Mask, power: int = 1) -> Array:
        labels, weights = self.states.labels[chosen], self.weights[chosen] ** power
        return np.bincount(labels, weights, minlength=self.states.n_states).astype(np.float64)

    def _targets(self, population_power: float, old_share: float) -> Array:
        old, run = self._sums(~self.from_run), self._sums(self.from_run)
        old, run = old / max(old.sum(), 1e-300), run / run.sum()
        known = run > 0
        kept = np.where(old > 0, old ** (1.0 if self.replayed else population_power), 0.0)
        kept = np.where(known, 0.0, kept / max(kept.sum(), 1e-300))
        kept *= min(1.0, max(old_share, _MOST_KEPT) / max(kept.sum(), 1e-300))
        counted = np.where(known, run**population_power, 0.0)
        return np.asarray(kept + (1 - kept.sum()) * counted / counted.sum())

    def _run_part(self, allowed: Mask) -> Array:
        """Share of the run among the frames of each basin, counted by effective numbers."""
        run = allowed & self.from_run
        effective = self._sums(run) ** 2 / np.maximum(self._sums(run, 2), 1e-300)
        old = self._sums(allowed & ~self.from_run)
        if self.replayed and old.sum() > 0:  # how many were drawn says nothing
            old *= effective.sum() / old.sum()
        total = effective + old
        return np.asarray(effective / np.maximum(total, 1e-300))


def _with_share(masses: Array, old_share: float) -> Array:
    """Masses ``(2, n_states)`` of old frames and candidates, with at least a share for the old."""
    old, new = masses.sum(axis=1)
    if old == 0 or new == 0 or old >= old_share:
        return masses
    return np.asarray(masses * np.array([[old_share / old], [(1 - old_share) / new]]))


def replayed(model: TorusFlow, rng: np.random.Generator, n: int = _REPLAYED) -> Array:
    """Torsions ``(n, d)``, rad, that stand for the data of a model: draws without its uniform part.

    A draw x comes from the uniform part, of weight f, with probability f u / q(x), u being the
    uniform density; with that probability it is drawn anew. Of a conditional model the context is
    drawn uniformly.

    Parameters
    ----------
    model
        The model.
    rng
        The only source of randomness.
    n
        How many.
    """
    config = model.config
    d, kept, missing = config.n_torsions, [np.empty((0, config.n_torsions))], n
    log_floor = np.log(max(config.uniform_fraction, 1e-300)) - d * np.log(2 * np.pi)
    while missing > 0 and config.uniform_fraction < 1:
        context = rng.uniform(-np.pi, np.pi, (missing, d)) if config.conditional else None
        torsions, log_density = model.sample(missing, rng, context)
        kept.append(torsions[rng.random(missing) >= np.exp(log_floor - log_density)])
        missing -= len(kept[-1])
    return np.concatenate(kept)


def continue_torsions(
    candidates: RunCandidates,
    old: TorsionData | None,
    initial: TorusFlow | None,
    config: TorsionTrainingConfig,
    out: Path,
    *,
    old_share: float | None = None,
    notes: dict[str, Any] | None = None,
    resume: bool = False,
    spent_seconds: float = 0.0,
    on_states: Callable[[States], None] = lambda states: None,
    on_step: Callable[[int, float], None] = lambda step, best: None,
) -> TrainedTorsions:
    """Fit to old data and what a run tried, beginning with given weights; checkpoint.

    Candidates are held out in blocks of time, and what is returned is never worse on these than the
    model from which the fit began. Old frames are not: that model knows them already, or made them.

    Parameters
    ----------
    candidates
        Of the run.
    old
        Torsions of the trajectories from before; None draws them from `initial`.
    initial
        The model to begin with; None for a new one.
    config
        Settings; the architecture is that of `initial`.
    out, resume, spent_seconds, on_states, on_step
        See `train_torsions`.
    old_share
        Weight that old data keep at least, see `SelfTrainingData.frame_weights`; by default 0.5, or
        0.2 for draws of `initial`, which say less.
    notes
        More to store in the checkpoint.

    Raises
    ------
    ValueError
        If `old_share` is outside [0, 1], there are too few frames, or the model has another
        number of torsions or another architecture.
    """
    began = time.perf_counter() - spent_seconds
    if old_share is None:
        old_share = 0.2 if old is None else 0.5
    if not 0 <= old_share <= 1:
        raise ValueError(f"old_share must be between 0 and 1, got {old_share}")
    if initial is not None and initial.config != config.model:
        raise ValueError(
            f"config.model must be that of the initial model, {initial.config}, got {config.model}"
        )
    frames = _old_frames(old, initial, config.training.seed)
    data = SelfTrainingData.of(
        frames, candidates.torsions_rad, candidates.weights, replayed=old is None
    )
    on_states(data.states)
    training = config.training
    held_out = _held_out(data, training.validation_fraction, training.seed)
    weights = data.frame_weights(config.population_power, old_share, within=~held_out)
    if held_out.any():  # otherwise the fit says what is missing
        weights = weights + data.frame_weights(config.population_power, old_share, within=held_out)
    more = {
        **(notes or {}),
        "data_sha256": None if old is None else old.sha256,
        "candidates_sha256": candidates.sha256,
        "candidates": len(candidates.weights),
        "effective_candidates": candidates.effective_number,
        "old_share": old_share,
    }
    return fit_checkpoint(
        FitData(data.torsions, weights, held_out),
        data.states,
        candidates.representation,
        config,
        out,
        initial=initial,
        notes=more,
        resume=resume,
        spent_seconds=time.perf_counter() - began,
        on_step=on_step,
    )


def _held_out(data: SelfTrainingData, fraction: float, seed: int) -> Mask:
    labels = data.states.labels[data.from_run]
    run = States(labels, data.states.n_states, ())
    chosen = choose_validation(run, [len(labels)], fraction, np.random.default_rng((seed, 0)))
    return np.concatenate([np.zeros(len(data.weights) - len(labels), dtype=bool), chosen])


def _old_frames(old: TorsionData | None, initial: TorusFlow | None, seed: int) -> tuple[Array, ...]:
    if old is not None:
        return old.trajectories
    if initial is None:
        return ()
    return (replayed(initial, np.random.default_rng((seed, 3))),)
