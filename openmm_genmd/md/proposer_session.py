"""The Python half of the bridge between the C++ integrator and a `Proposer`."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Hashable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.md.proposer_answers import (
    checked_candidates,
    checked_density,
    checked_grade,
    checked_particles,
    checked_proposal,
    require_frozen,
)
from openmm_genmd.proposers.proposer import Proposal, Proposer
from openmm_genmd.proposers.tensors import beside, from_memory, to_numpy

Array = NDArray[np.float64]
_Answer = TypeVar("_Answer")

_LENGTH = struct.Struct("<Q")
_UNKNOWN = object()
_active: WeakValueDictionary[int, ProposerSession] = WeakValueDictionary()
"""The session whose state a proposer (by id) holds at the moment."""


class ProposerSession:
    """One integrator's use of a proposer: random numbers, state, and a check of every answer.

    A proposer may serve several integrators. Each session has a state of its own, which is put
    into the proposer when its turn comes.

    Parameters
    ----------
    proposer
        The proposer.
    initial_state
        State in which every run begins. None means the one that the proposer has now, or, if
        another session is using it, the one in which that session began: two runs never start
        from the same candidates.

    Raises
    ------
    ValueError
        If its particles or its grade are not what they must be.
    TypeError
        If it is not a proposer, or its state is not bytes.

    Examples
    --------
    >>> from openmm_genmd import Proposal, Proposer
    >>> class Step(Proposer):
    ...     particles, grade = (0,), "exact"
    ...     def propose(self, positions, box, rng):
    ...         return Proposal(positions + rng.normal(size=(1, 3)), 0.0)
    >>> session, again = ProposerSession(Step()), ProposerSession(Step())
    >>> session.begin_run(7), again.begin_run(7)
    (None, None)
    >>> first, log_ratio = session.propose(np.zeros((1, 3)), None)
    >>> bool((first == again.propose(np.zeros((1, 3)), None)[0]).all())  # the seed decides
    True
    """

    def __init__(self, proposer: Proposer, initial_state: bytes | None = None) -> None:
        if not isinstance(proposer, Proposer):
            raise TypeError(
                "expected an instance of a subclass of openmm_genmd.Proposer, got "
                f"{type(proposer).__name__}"
            )
        self.proposer = proposer
        self.particles = checked_particles(getattr(proposer, "particles", None))
        self.grade = checked_grade(getattr(proposer, "grade", None))
        self.adapts = bool(proposer.adapts)
        if self.adapts:
            self.grade = "exploratory"
        self.must_stay_frozen = self.grade != "exploratory"
        self._version: Hashable = _UNKNOWN
        self.tensors = bool(getattr(proposer, "tensors", False))
        self.type_name = f"{type(proposer).__module__}.{type(proposer).__qualname__}"
        self._rng = np.random.Generator(np.random.PCG64(0))
        self._part = proposer
        self._last_shown: Any = None
        self.initial_state = self._find_initial_state() if initial_state is None else initial_state
        self._parked_state = self.initial_state

    @property
    def description(self) -> str:
        """JSON from which the proposer can be made again, or an empty string."""
        describe = getattr(self.proposer, "describe", None)
        described = describe() if callable(describe) else {}
        return json.dumps(described) if described else ""

    def begin_run(self, seed: int) -> None:
        """Return to the initial state, with the random numbers that belong to a seed."""
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._version = _UNKNOWN
        self._parked_state = self.initial_state
        if _active.get(id(self.proposer)) is self:
            del _active[id(self.proposer)]

    def propose(self, positions: Array, box: Array | None) -> tuple[Array, float]:
        """Return the checked answer: positions ``(n_moved, 3)`` in nm, and the log ratio.

        Parameters
        ----------
        positions
            ``(n_moved, 3)`` float64, nm: an array, or a DLPack capsule for one that wants tensors.
        box
            ``(3, 3)`` float64, nm, or None.

        Raises
        ------
        ValueError
            If the answer has the wrong type, shape or dtype.
        RuntimeError
            If another session used the proposer at the same time, or the model's weights have
            changed since the first leap of a run that is not exploratory.
        """
        self._check_frozen()
        shown = self._shown(positions)
        answer = self._ask(lambda: self.proposer.propose(shown, box, self._rng))
        if self.tensors and isinstance(answer, Proposal):
            answer = Proposal(*map(to_numpy, (answer.positions, answer.log_ratio)))
        return checked_proposal(answer, len(self.particles))

    def _shown(self, positions: Any) -> Any:
        """Return positions as the proposer wants them; tensors beside the last one shown."""
        if not self.tensors:
            return positions
        if isinstance(positions, np.ndarray):
            return beside(positions, self._last_shown)
        self._last_shown = from_memory(positions)
        return self._last_shown

    def candidates(
        self, positions: Array, box: Array | None, k: int
    ) -> tuple[Array, Array, float, bool]:
        """Return candidates of one part of the proposer, chosen for this attempt.

        Returns
        -------
        Positions ``(k, n_moved, 3)`` in nm, log densities ``(k,)``, the log density of the current
        conformation (NaN if the part is conditional), and whether the part is conditional.

        Raises
        ------
        NotImplementedError
            If the proposer does not draw batches.
        ValueError
            If an answer has the wrong shape or dtype, or the part moves other particles.
        RuntimeError
            If another session used the proposer at the same time.
        """
        self._check_frozen()
        n_moved, shown = len(self.particles), self._shown(positions)
        part = self._part = self._ask(lambda: self.proposer.choose(self._rng))
        if list(part.particles) != self.particles:
            raise ValueError(
                f"{type(self.proposer).__name__}.choose() returned a part that moves other "
                "particles; expected the same particles in the same order"
            )
        candidates, log_densities = checked_candidates(self._sample(shown, box, k), k, n_moved)
        if part.conditional:
            return candidates, log_densities, float("nan"), True
        return candidates, log_densities, self._log_density(shown, shown, box), False

    def _check_frozen(self) -> None:
        version = self.proposer.frozen_version()
        if self.must_stay_frozen and self._version is not _UNKNOWN:
            require_frozen(self._version, version, self.type_name)
        self._version = version

    def _sample(self, given: Any, box: Array | None, k: int) -> Any:
        """Return what the part draws; it gets a copy, since the density of these is asked next."""
        copied = given.clone() if self.tensors else given.copy()
        drawn = self._ask(lambda: self._part.sample(copied, box, self._rng, k))
        return tuple(map(to_numpy, drawn)) if isinstance(drawn, tuple) else drawn

    def references(
        self, picked: Array, current: Array, box: Array | None, k: int
    ) -> tuple[Array, Array, float]:
        """Return what the part that drew the last candidates draws from one of them.

        Returns
        -------
        Positions ``(k, n_moved, 3)`` in nm, log densities ``(k,)`` given ``picked``, and that of
        ``current`` given ``picked``.

        Raises
        ------
        ValueError, RuntimeError
            As `candidates`.
        """
        n_moved, given, of = len(picked), self._shown(picked), self._shown(current)
        if k == 0:
            return np.empty((0, n_moved, 3)), np.empty(0), self._log_density(of, given, box)
        drawn = self._sample(given, box, k)
        return *checked_candidates(drawn, k, n_moved), self._log_density(of, given, box)

    def _log_density(self, of: Any, given: Any, box: Array | None) -> float:
        answer = self._ask(lambda: self._part.log_density(of[None], given, box))
        return checked_density(to_numpy(answer))

    def _ask(self, question: Callable[[], _Answer]) -> _Answer:
        """Ask the proposer, with this session's state in it."""
        if _active.get(id(self.proposer)) is not self:
            self._activate()
        answer = question()
        if _active.get(id(self.proposer)) is not self:
            raise RuntimeError(
                "the proposer was used by another simulation while it proposed for this one, which "
                "mixes their states; give each thread its own proposer (copy.deepcopy)"
            )
        return answer

    def get_state(self) -> bytes:
        """Random numbers and state of the proposer."""
        is_active = _active.get(id(self.proposer)) is self
        state = self._proposer_state() if is_active else self._parked_state
        rng = json.dumps(self._rng.bit_generator.state).encode()
        return _LENGTH.pack(len(rng)) + rng + state

    def set_state(self, data: bytes) -> None:
        """Continue from what `get_state` returned.

        Raises
        ------
        ValueError
            If the data are damaged.
        """
        try:
            (length,) = _LENGTH.unpack_from(data)
            if length > len(data) - _LENGTH.size:
                raise ValueError("it is truncated")
            rng_state = json.loads(data[_LENGTH.size : _LENGTH.size + length])
            self._rng.bit_generator.state = rng_state
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                "the stored random number state of the proposer is damaged; "
                f"expected what get_state() wrote ({error})"
            ) from error
        self._parked_state = data[_LENGTH.size + length :]
        self._activate(park_previous=_active.get(id(self.proposer)) is not self)

    def _activate(self, park_previous: bool = True) -> None:
        previous = _active.get(id(self.proposer))
        if previous is not None and park_previous:
            previous._parked_state = previous._proposer_state()
        self.proposer.set_state(self._parked_state)
        _active[id(self.proposer)] = self

    def _find_initial_state(self) -> bytes:
        user = _active.get(id(self.proposer))
        return self._proposer_state() if user is None else user.initial_state

    def _proposer_state(self) -> bytes:
        state = self.proposer.get_state()
        if not isinstance(state, bytes):
            raise TypeError(
                f"{self.type_name}.get_state() must return bytes, got {type(state).__name__}"
            )
        return state
