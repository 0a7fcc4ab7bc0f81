"""The Python half of the bridge between the C++ integrator and a `Proposer`."""

from __future__ import annotations

import json
import operator
import struct
from collections.abc import Iterable
from numbers import Real
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.proposers.proposer import GRADES, Grade, Proposal, Proposer

_LENGTH = struct.Struct("<Q")
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
        self.type_name = f"{type(proposer).__module__}.{type(proposer).__qualname__}"
        self._rng = np.random.Generator(np.random.PCG64(0))
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
        self._parked_state = self.initial_state
        if _active.get(id(self.proposer)) is self:
            del _active[id(self.proposer)]

    def propose(
        self, positions: NDArray[np.float64], box: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.float64], float]:
        """Return the checked answer: positions ``(n_moved, 3)`` in nm, and the log ratio.

        Raises
        ------
        ValueError
            If the answer has the wrong type, shape or dtype.
        RuntimeError
            If another session used the proposer at the same time.
        """
        if _active.get(id(self.proposer)) is not self:
            self._activate()
        n_moved = len(positions)
        proposal = self.proposer.propose(positions, box, self._rng)
        if _active.get(id(self.proposer)) is not self:
            raise RuntimeError(
                "the proposer was used by another simulation while it proposed for this one, which "
                "mixes their states; give each thread its own proposer (copy.deepcopy)"
            )
        return checked_proposal(proposal, n_moved)

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


def checked_particles(particles: Any) -> list[int]:
    """Particle indices as a list of int.

    Raises
    ------
    ValueError
        If they are missing, empty, repeated, negative or not integers.
    """
    if not isinstance(particles, Iterable) or isinstance(particles, str | bytes):
        raise ValueError(f"proposer.particles must be a sequence of indices, got {particles!r}")
    given = list(particles)
    if any(isinstance(particle, bool | np.bool_) for particle in given):
        raise ValueError("proposer.particles must be indices, not a mask; use np.flatnonzero(mask)")
    try:
        indices = [operator.index(particle) for particle in given]
    except TypeError as error:
        raise ValueError(f"proposer.particles must be integers: {error}") from None
    if not indices:
        raise ValueError("proposer.particles is empty; expected at least one particle index")
    if min(indices) < 0:
        raise ValueError(f"proposer.particles contains a negative index ({min(indices)})")
    if max(indices) >= 2**31:
        raise ValueError(f"proposer.particles contains {max(indices)}, more than any System has")
    if len(set(indices)) != len(indices):
        raise ValueError("proposer.particles contains an index twice; expected each particle once")
    return indices


def checked_grade(grade: Any) -> Grade:
    """Return the grade if it is one.

    Raises
    ------
    ValueError
        If it is not.
    """
    for known in GRADES:
        if grade == known:
            return known
    raise ValueError(f"proposer.grade must be one of {', '.join(GRADES)}; got {grade!r}")


def checked_proposal(proposal: Any, n_moved: int) -> tuple[NDArray[np.float64], float]:
    """Positions ``(n_moved, 3)`` float64 in nm and log ratio of a proposal.

    Raises
    ------
    ValueError
        If the proposal is not a `Proposal`, or has the wrong shape or dtype.
    """
    if not isinstance(proposal, Proposal):
        raise ValueError(f"propose() must return a Proposal, got {type(proposal).__name__}")
    positions, log_ratio = proposal.positions, proposal.log_ratio
    if not isinstance(positions, np.ndarray) or positions.dtype != np.float64:
        name = type(positions).__name__
        got = f"dtype {positions.dtype}" if isinstance(positions, np.ndarray) else f"a {name}"
        raise ValueError(f"Proposal.positions must be a NumPy array of float64 (nm), got {got}")
    if positions.shape != (n_moved, 3):
        raise ValueError(
            f"Proposal.positions must have shape ({n_moved}, 3), one row for each of the "
            f"proposer's particles, got {positions.shape}"
        )
    if isinstance(log_ratio, np.ndarray) and log_ratio.ndim == 0:
        log_ratio = log_ratio.item()
    if not isinstance(log_ratio, Real) or isinstance(log_ratio, bool):
        raise ValueError(f"Proposal.log_ratio must be a number, got {log_ratio!r}")
    return positions, float(log_ratio)
