"""Proposers made of others, one of which makes each leap: `ComposedProposer`."""

from __future__ import annotations

import struct
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.proposers.proposer import Proposal, Proposer
from openmm_genmd.proposers.weighted_choice import WeightedChoice

Array = NDArray[np.float64]

_MAGIC = b"GCP1"
_LENGTH = struct.Struct("<Q")


class ComposedProposer(Proposer):
    """Chooses one of its parts by fixed probabilities; that one makes the leap.

    The choice depends on nothing but the random numbers, so that each part's own kernel, which is
    reversible by its own ratio, is applied with a constant probability. A combination of kernels
    with constant weights keeps what each of them keeps.

    Parameters
    ----------
    parts
        Proposers with the same particles in the same order.
    choice
        Their probabilities.

    References
    ----------
    Tierney, Ann. Stat. 22, 1701 (1994): mixtures of kernels.
    """

    def __init__(self, parts: Sequence[Proposer], choice: WeightedChoice) -> None:
        self.parts = tuple(parts)
        self.particles = self.parts[0].particles
        self.conditional = any(part.conditional for part in self.parts)
        self.soft_only = all(part.soft_only for part in self.parts)
        self.adapts = any(part.adapts for part in self.parts)
        self._choice = choice

    @property
    def probabilities(self) -> tuple[float, ...]:
        """How often each part makes the leap."""
        return self._choice.probabilities

    def choose(self, rng: np.random.Generator) -> Proposer:
        """Return the part that makes the next leap, chosen whatever the conformation."""
        return self.parts[self._choice.draw(rng)].choose(rng)

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Proposal of a part, with the part's own log ratio; see `Proposer.propose`."""
        return self.choose(rng).propose(positions, box, rng)

    def sample(
        self, positions: Array, box: Array | None, rng: np.random.Generator, k: int
    ) -> tuple[Array, Array]:
        """All candidates of a leap come from one part; see `choose`.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            f"the candidates of one leap of a {type(self).__name__} must come from one part: "
            "call sample() of choose(rng)"
        )

    def log_density(self, candidates: Array, given: Array, box: Array | None) -> Array:
        """A leap has the density of the part that makes it; see `choose`.

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError(
            f"a leap of a {type(self).__name__} has the density of one part: "
            "call log_density() of what choose(rng) gave"
        )

    def frozen_version(self) -> Hashable:
        """Versions of all parts; see `Proposer.frozen_version`."""
        return tuple(part.frozen_version() for part in self.parts)

    def get_state(self) -> bytes:
        """States of all parts; see `Proposer.get_state`."""
        states = [part.get_state() for part in self.parts]
        if not any(states):
            return b""
        return _MAGIC + b"".join(_LENGTH.pack(len(state)) + state for state in states)

    def set_state(self, data: bytes) -> None:
        """Continue as the proposer that gave these bytes by `get_state` would.

        Raises
        ------
        ValueError
            If the data are damaged, or come from a proposer with other parts.
        """
        states = _split(data) if data else [b""] * len(self.parts)
        if len(states) != len(self.parts):
            raise ValueError(
                f"the state is that of a proposer with {len(states)} parts, but this one has "
                f"{len(self.parts)}; restart with the proposer that wrote it"
            )
        before = [part.get_state() for part in self.parts]
        try:
            self._set_states(states)
        except Exception:
            self._set_states(before)
            raise

    def _set_states(self, states: list[bytes]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.set_state(state)


def _split(data: bytes) -> list[bytes]:
    states, start = [], len(_MAGIC)
    while start + _LENGTH.size <= len(data):
        (length,) = _LENGTH.unpack_from(data, start)
        start += _LENGTH.size
        states.append(data[start : start + length])
        start += length
    if data[: len(_MAGIC)] != _MAGIC or start != len(data):
        raise ValueError(
            "not the state of a proposer with parts, or damaged; expected what get_state() returned"
        )
    return states
