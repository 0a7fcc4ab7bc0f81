"""Metastable states from torsion trajectories: TICA, k-means, Markov model, PCCA+."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from deeptime.clustering import ClusterModel, KMeans
from deeptime.decomposition import TICA
from deeptime.markov import TransitionCountEstimator, TransitionCountModel
from deeptime.markov.msm import MaximumLikelihoodMSM
from deeptime.numeric import ZeroRankError
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_FRAMES_PER_CLUSTER = 20
"""With fewer on average, clusters and then states would be single frames."""


class StateConfig(BaseModel):
    """How `find_states` divides conformations.

    Attributes
    ----------
    lag_frames
        Lag of TICA and of the Markov model, in frames of the given trajectories.
    tica_components
        Slow coordinates in which frames are clustered.
    clusters
        Microstates; fewer if there are not 20 frames for each.
    max_states
        Limit per connected set of microstates.
    slowness
        A process counts as slow if its implied timescale exceeds this many lags.
    min_fraction
        Connected sets with fewer than this fraction of frames join the nearest larger one.
    seed
        Of k-means.

    Examples
    --------
    >>> config = StateConfig(lag_frames=20)
    >>> config.slowness * config.lag_frames  # frames; slower processes divide states
    60.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lag_frames: int = Field(default=10, ge=1)
    tica_components: int = Field(default=4, ge=1)
    clusters: int = Field(default=60, ge=1)
    max_states: int = Field(default=6, ge=1)
    slowness: float = Field(default=3.0, gt=0)
    min_fraction: float = Field(default=0.005, ge=0, lt=0.5)
    seed: int = Field(default=0, ge=0)


@dataclass(frozen=True)
class States:
    """A state for each frame.

    Attributes
    ----------
    labels
        ``(n_frames,)`` int64, all trajectories one after the other, from 0 to ``n_states - 1``,
        the most populated first.
    n_states
        Number of states; each has at least one frame.
    notes
        What was done other than TICA, k-means, PCCA+ on one connected set, in words for the user.

    Examples
    --------
    >>> states = States(np.array([0, 0, 1, 0]), 2, notes=())
    >>> states.populations.tolist()
    [0.75, 0.25]
    """

    labels: Integers
    n_states: int
    notes: tuple[str, ...]

    @property
    def populations(self) -> Array:
        """Fractions of frames ``(n_states,)``: how often visited, not Boltzmann weights."""
        return np.bincount(self.labels, minlength=self.n_states) / len(self.labels)


def find_states(trajectories: Sequence[Array], config: StateConfig) -> States:
    """Metastable states of all frames.

    Microstates between which the trajectories never go there and back make separate sets. Each set
    is divided by PCCA+ on its own, since the time that connects them is unknown, and none is
    dropped: the rarest basin is often such a set.

    Parameters
    ----------
    trajectories
        Torsions ``(n_frames, n_torsions)``, float64, rad, of continuous pieces of dynamics.
    config
        Lag and resolution.

    Raises
    ------
    ValueError
        If there are no frames, or torsions are not finite.

    References
    ----------
    Pérez-Hernández et al., J. Chem. Phys. 139, 015102 (2013), TICA; Röblitz & Weber, Adv. Data
    Anal. Classif. 7, 147 (2013), PCCA+. Slow processes: t_i = -lag / ln(lambda_i), Prinz et al.,
    J. Chem. Phys. 134, 174105 (2011), eq. 12.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> one, other = rng.normal(-1.5, 0.1, (500, 1)), rng.normal(1.5, 0.1, (50, 1))
    >>> find_states([one, other], StateConfig(clusters=4)).populations.round(2).tolist()
    [0.91, 0.09]
    """
    if sum(len(t) for t in trajectories) == 0:
        raise ValueError("cannot find states without frames; got empty trajectories")
    if not all(np.isfinite(t).all() for t in trajectories):
        raise ValueError("torsions must be finite; check the trajectory for broken frames")
    notes: list[str] = []
    features = [np.concatenate((np.cos(t), np.sin(t)), axis=1) for t in trajectories]
    slow = _slow_coordinates(features, config, notes)
    clustering = _cluster(np.concatenate(slow), config)
    discrete = [np.asarray(clustering.transform(part)) for part in slow]
    micro = _label_microstates(discrete, clustering.cluster_centers, config, notes)
    # Most populated first, and no gaps.
    visited = micro[np.concatenate(discrete)]
    names, counts = np.unique(visited, return_counts=True)
    rank = np.empty(names.max() + 1, dtype=np.int64)
    rank[names[np.argsort(-counts, kind="stable")]] = np.arange(len(names))
    return States(rank[visited], len(names), tuple(notes))


def _slow_coordinates(features: list[Array], config: StateConfig, notes: list[str]) -> list[Array]:
    long = [part for part in features if len(part) > config.lag_frames]
    n_pairs = sum(len(part) - config.lag_frames for part in long)
    dimension = features[0].shape[1]
    reason = f"only {n_pairs} pairs of frames at a lag of {config.lag_frames} frames"
    if n_pairs > 2 * dimension:
        tica = TICA(lagtime=config.lag_frames, dim=min(config.tica_components, dimension))
        try:
            model = tica.fit_fetch(long)
            return [np.asarray(model.transform(part)) for part in features]
        except ZeroRankError:
            reason = "the torsions do not change"
    notes.append(f"{reason}: clustered in cos and sin of the torsions, not in TICA coordinates")
    return features


def _cluster(points: Array, config: StateConfig) -> ClusterModel:
    enough = max(1, len(points) // _FRAMES_PER_CLUSTER)
    k = min(config.clusters, enough, len(np.unique(points, axis=0)))
    return KMeans(k, max_iter=200, fixed_seed=config.seed, n_jobs=1, progress=None).fit_fetch(
        points
    )


def _label_microstates(
    discrete: list[Integers], centers: Array, config: StateConfig, notes: list[str]
) -> Integers:
    """State ``(n_clusters,)`` of each microstate."""
    n = len(centers)
    frames = np.bincount(np.concatenate(discrete), minlength=n)
    counts = _count(discrete, n, config)
    sets = counts.connected_sets(connectivity_threshold=0.0) if counts is not None else []
    large = [s for s in sets if frames[s].sum() >= config.min_fraction * frames.sum()]
    if not large:
        notes.append("trajectories too short for a Markov model: one state per cluster")
        return np.arange(n)
    if len(large) > 1:
        notes.append(
            f"{len(large)} sets of conformations are not connected by transitions there and back: "
            "each is divided on its own"
        )
    labels = np.full(n, -1, dtype=np.int64)
    for members in large:
        divided = _divide(counts, members, config, notes)
        labels[members] = divided + labels.max() + 1
    known = np.flatnonzero(labels >= 0)
    distances = np.linalg.norm(centers[:, None] - centers[None, known], axis=-1)
    return np.asarray(labels[known[np.argmin(distances, axis=1)]])


def _count(discrete: list[Integers], n: int, config: StateConfig) -> TransitionCountModel | None:
    long = [part for part in discrete if len(part) > config.lag_frames]
    if not long:
        return None
    estimator = TransitionCountEstimator(
        lagtime=config.lag_frames, count_mode="sliding", n_states=n
    )
    return estimator.fit_fetch(long)


def _divide(
    counts: TransitionCountModel, members: Integers, config: StateConfig, notes: list[str]
) -> Integers:
    """State ``(len(members),)``, from 0, of the microstates of one connected set."""
    single = np.zeros(len(members), dtype=np.int64)
    if len(members) < 3:
        return single
    try:
        model = MaximumLikelihoodMSM(reversible=True).fit_fetch(counts.submodel(members))
        slow = np.count_nonzero(model.timescales() > config.slowness * config.lag_frames)
        n_states = min(1 + slow, config.max_states, len(members) - 1)
        return single if n_states == 1 else np.asarray(model.pcca(n_states).assignments)
    except (ValueError, ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:
        notes.append(
            f"PCCA+ failed on a set of {len(members)} microstates ({error}): kept as one state"
        )
        return single
