"""Torsions drawn from a model that is conditional on those that stay: `KeptContextLeap`."""

from __future__ import annotations

import math
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.proposers.blocks import Block
from openmm_genmd.proposers.candidate_pool import model_version
from openmm_genmd.proposers.proposer import Proposal
from openmm_genmd.proposers.torsion_leap import TorsionLeap, in_images_of, require_candidates
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]


class KeptContextLeap(TorsionLeap):
    """A block's torsions leap to values drawn from a density given all the others.

    The others do not change, so that the density is the same function before and after the leap:
    log ratio = log q(x's values | others) - log q(y's values | others).

    Parameters
    ----------
    representation
        The molecule and all its torsions.
    block
        Which of them leap, with a conditional model whose context are the others, ``(1, n_others)``
        in rad.

    Raises
    ------
    ValueError
        If the model is not conditional, or there are no others.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> representation = TorsionRepresentation.from_topology(topology)
    >>> class PsiNearPhi:
    ...     config = SimpleNamespace(n_torsions=1, conditional=True)
    ...     def sample(self, n, rng, context):
    ...         psi = rng.vonmises(context, 2.0, (n, 1))
    ...         return psi, self.log_prob_numpy(psi, context)
    ...     def log_prob_numpy(self, psi, context):
    ...         return (2 * np.cos(psi - context) - np.log(2 * np.pi * np.i0(2.0)))[:, 0]
    >>> leap = KeptContextLeap(representation, Block("psi", (1,), PsiNearPhi(), given="kept"))
    >>> leap.sample(positions_nm, None, np.random.default_rng(1), 5)[0].shape
    (5, 22, 3)
    """

    conditional = False

    def __init__(self, representation: TorsionRepresentation, block: Block) -> None:
        super().__init__(representation)
        self._block = list(block.torsions)
        self._others = [n for n in range(len(representation.torsions)) if n not in block.torsions]
        if block.model is None or not block.model.config.conditional or not self._others:
            raise ValueError(
                f"block {block.name!r} has given='kept', which needs a conditional model and "
                "torsions that are not in the block; leave given out for any other model"
            )
        self._model = block.model
        self._subset = representation.subset(block.torsions)
        self._measured: tuple[Hashable, Array] = None, np.empty(0)

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Proposed conformation with its log ratio; see `Proposer.propose`.

        Raises
        ------
        ValueError
            If the positions have the wrong shape.
        """
        whole = self._whole(positions, box)
        torsions = self._torsions(whole)
        if not np.isfinite(torsions).all():
            return Proposal(np.full_like(positions, math.nan), math.nan)
        others = torsions[None, self._others]
        angles, log_q_y = self._model.sample(1, rng, others)
        log_q_x = self._model.log_prob_numpy(torsions[None, self._block], others)
        turned = self._subset.turn(angles[0] - torsions[self._block], whole)
        return Proposal(in_images_of(positions, whole, turned), float(log_q_x[0] - log_q_y[0]))

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
        torsions = self._torsions(whole)
        angles, log_densities = self._model.sample(k, rng, torsions[None, self._others])
        turned = self._subset.turn(angles - torsions[self._block], whole)
        return in_images_of(positions, whole, turned), log_densities

    def log_density(self, candidates: Array, given: Array, box: Array | None) -> Array:
        """Log densities ``(k,)`` of candidates ``(k, n_moved, 3)`` in nm, given a conformation.

        Whether the candidates have all other coordinates in common with ``given`` is not checked.

        Raises
        ------
        ValueError
            If an array has the wrong shape.
        """
        others = self._torsions(self._whole(given, box))[None, self._others]
        whole = self._whole(candidates, box)
        one = whole.ndim == 3 and len(whole) == 1
        angles = self._torsions(whole[0])[None, self._block] if one else self._subset.encode(whole)
        return self._model.log_prob_numpy(angles, others)

    def _torsions(self, whole: Array) -> Array:
        """All torsions; an attempt asks three times for those of one conformation."""
        key = whole.shape, whole.tobytes()
        if key != self._measured[0]:
            self._measured = key, self.representation.encode(whole)
        return self._measured[1]

    def frozen_version(self) -> Hashable:
        """Version of the model's weights; see `Proposer.frozen_version`."""
        return model_version(self._model)
