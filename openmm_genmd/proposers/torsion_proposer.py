"""Leaps of torsion angles with an exactly known density: `TorsionProposer`."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.proposers.candidate_pool import CandidatePool, TorsionModel, model_version
from openmm_genmd.proposers.proposer import Proposal
from openmm_genmd.proposers.torsion_leap import TorsionLeap, in_images_of, require_candidates
from openmm_genmd.proposers.torsion_state import TorsionState, pack, unpack
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]


class TorsionProposer(TorsionLeap):
    """Draws all torsions anew from a model and carries everything else over.

    The density of a proposed conformation y is that of its torsions, since the representation's
    Jacobian is 1, so that log ratio = log q(x) - log q(y), or log q(x|y) - log q(y|x) for a model
    that is conditional on the current torsions.

    With an unconditional model candidates come from a pool, and the density of the current
    conformation is remembered while it does not change: an attempt costs one evaluation of the
    density of one point.

    Parameters
    ----------
    representation
        The molecule and its torsions.
    model
        A density on the torus of these torsions, for instance `TorusFlow`.
    pool_size
        Candidates drawn in one batch; unused with a conditional model.
    checkpoint_path, sha256
        The file from which the model was read, and its hash; None if it was not.

    Attributes
    ----------
    particles
        All particles of the molecule.
    conditional
        Whether the model is.

    Raises
    ------
    ValueError
        If model and representation have different numbers of torsions; if ``pool_size`` is not
        positive.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> proposer = TorsionProposer(representation, TorusFlow(TorusFlowConfig(n_torsions=2)))
    >>> proposal = proposer.propose(positions_nm, None, np.random.default_rng(1))
    >>> proposal.positions.shape, proposer.grade
    ((22, 3), 'exact')
    """

    def __init__(
        self,
        representation: TorsionRepresentation,
        model: TorsionModel,
        *,
        pool_size: int = 1000,
        checkpoint_path: str | None = None,
        sha256: str | None = None,
    ) -> None:
        if model.config.n_torsions != len(representation.torsions):
            raise ValueError(
                f"the model has {model.config.n_torsions} torsions but the representation "
                f"{len(representation.torsions)}; train a model for this representation"
            )
        super().__init__(representation)
        self.conditional = model.config.conditional
        self.checkpoint_path = checkpoint_path
        self.sha256 = sha256
        self.pool_size = pool_size
        self._model = model
        self._pool = None if self.conditional else CandidatePool(model, pool_size)
        self._known: dict[bytes, float] = {}

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Proposed conformation with its log ratio; see `Proposer.propose`.

        Raises
        ------
        ValueError
            If the positions have the wrong shape.
        """
        whole = self._whole(positions, box)
        if self._pool is None:
            torsions, log_ratio = self._draw_conditional(whole, rng)
            return Proposal(self._turned(torsions, positions, whole), log_ratio)
        key, log_q_x = self._current(positions, whole)
        torsions, log_q_y = self._pool.draw(rng)
        proposed = self._turned(torsions, positions, whole)
        # The next attempt starts from one of these two if no MD comes in between.
        self._known = {key: log_q_x, proposed.tobytes(): log_q_y}
        return Proposal(proposed, log_q_x - log_q_y)

    def sample(
        self, positions: Array, box: Array | None, rng: np.random.Generator, k: int
    ) -> tuple[Array, Array]:
        """Candidates ``(k, n_moved, 3)`` in nm and their log densities ``(k,)``.

        Raises
        ------
        ValueError
            If ``k`` is not positive or the positions have the wrong shape.
        """
        require_candidates(k)
        whole = self._whole(positions, box)
        if self._pool is None:
            torsions, log_densities = self._model.sample(
                k, rng, self.representation.encode(whole)[None]
            )
            return self._turned(torsions, positions, whole), log_densities
        key, log_q_x = self._current(positions, whole)
        torsions, log_densities = self._pool.draw_many(rng, k)
        candidates = self._turned(torsions, positions, whole)
        # The density of the current conformation is asked for next, or that of one of these.
        keys = [candidate.tobytes() for candidate in candidates]
        self._known = {key: log_q_x} | dict(zip(keys, log_densities.tolist(), strict=True))
        return candidates, log_densities

    def log_density(self, candidates: Array, given: Array, box: Array | None) -> Array:
        """Log densities ``(k,)`` of candidates ``(k, n_moved, 3)`` in nm, given a conformation.

        They are those of the candidates' torsions: whether their other coordinates are those of
        ``given`` is not checked.

        Raises
        ------
        ValueError
            If an array has the wrong shape.
        """
        if self._known and len(candidates) == 1 and (key := candidates[0].tobytes()) in self._known:
            return np.array([self._known[key]])
        torsions = self.representation.encode(self._whole(candidates, box))
        return self._model.log_prob_numpy(torsions, *self._context(self._whole(given, box)))

    def get_state(self) -> bytes:
        """Candidates not yet used and the densities remembered; see `Proposer.get_state`."""
        if self._pool is None:
            return b""
        return pack(TorsionState(*self._pool.remaining, self._known))

    def set_state(self, data: bytes) -> None:
        """Continue as the proposer that gave these bytes by `get_state` would.

        Raises
        ------
        ValueError
            If the data are damaged or come from another kind of proposer.
        """
        if not data:
            self._known = {}
            if self._pool is not None:
                self._pool.clear()
            return
        state = unpack(data)
        n_torsions = len(self.representation.torsions)
        if self._pool is None or state.angles_rad.shape[1] != n_torsions:
            kind = "conditional" if self._pool is None else f"for {n_torsions} torsions"
            raise ValueError(
                f"the state holds candidates with {state.angles_rad.shape[1]} torsions, but this "
                f"proposer is {kind}; restart with the proposer that wrote it"
            )
        self._require_same_model(state)
        self._pool.fill(state.angles_rad, state.log_densities)
        self._known = state.known

    def _require_same_model(self, state: TorsionState) -> None:
        """A stored density of another model would make wrong ratios: compare one of them."""
        if len(state.angles_rad) == 0:
            return
        density = float(self._model.log_prob_numpy(state.angles_rad[:1])[0])
        if not math.isclose(density, state.log_densities[0], rel_tol=1e-6, abs_tol=1e-6):
            raise ValueError(
                "the candidates in the state were drawn from another model (log density "
                f"{state.log_densities[0]:.6g}, this model gives {density:.6g}); restart with the "
                "checkpoint file with which the run began"
            )

    def frozen_version(self) -> Hashable:
        """Version of the model's weights; see `Proposer.frozen_version`."""
        return model_version(self._model)

    def describe(self) -> dict[str, Any]:
        """Return JSON types for `proposer_from_description`; nothing without a checkpoint."""
        if self.checkpoint_path is None:
            return {}
        return {
            "class": type(self).__name__,
            "checkpoint": self.checkpoint_path,
            "sha256": self.sha256,
            "pool_size": self.pool_size,
            "representation": self.representation.to_dict(),
        }

    def _turned(self, torsions_rad: Array, positions: Array, whole: Array) -> Array:
        return in_images_of(positions, whole, self.representation.decode(torsions_rad, whole))

    def _current(self, positions: Array, whole: Array) -> tuple[bytes, float]:
        key = positions.tobytes()
        return key, self._known[key] if key in self._known else self._log_q(whole)

    def _log_q(self, whole: Array) -> float:
        torsions = self.representation.encode(whole)
        # A model may well give a finite density to a NaN; a conformation with one must not pass.
        if not all(map(math.isfinite, torsions.tolist())):
            return math.nan
        return float(self._model.log_prob_numpy(torsions[None])[0])

    def _draw_conditional(self, whole: Array, rng: np.random.Generator) -> tuple[Array, float]:
        current = self.representation.encode(whole)[None]
        if not np.isfinite(current).all():
            return np.full(current.shape[1], math.nan), math.nan
        proposed, forward = self._model.sample(1, rng, current)
        backward = self._model.log_prob_numpy(current, proposed)
        return proposed[0], float(backward[0] - forward[0])

    def _context(self, whole: Array) -> tuple[Array, ...]:
        return (self.representation.encode(whole)[None],) if self.conditional else ()
