"""Who proposes the leaps of a `GenerativeJumpIntegrator`, how they are decided, who watches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.md.candidate_observer import CandidateObserver
from openmm_genmd.md.integrator_arguments import checked_protocol, require_allowed_grade
from openmm_genmd.md.native import core
from openmm_genmd.md.proposer_session import ProposerSession
from openmm_genmd.md.protocols import Instantaneous, JumpProtocol, MultipleTry
from openmm_genmd.proposers.proposer import Grade, Proposer

Array = NDArray[np.float64]


class JumpDecisions:
    """Proposer, protocol and observer: part of `GenerativeJumpIntegrator`."""

    thisown: bool
    _session: ProposerSession | None
    _protocol: JumpProtocol | None
    _observer: CandidateObserver | None

    def getProposer(self) -> Proposer | None:
        """Return the proposer, or None if it was lost in XML."""
        return self._session.proposer if self._session is not None else None

    def setProposer(self, proposer: Proposer, *, grade: Grade | None = None) -> None:
        """Set the proposer; for `grade` see the class.

        Raises
        ------
        TypeError, ValueError
            If it is not a proposer, or exploratory without `grade` saying so; if it cannot serve
            the protocol.
        """
        session = ProposerSession(proposer)
        require_allowed_grade(session.grade, grade)
        checked_protocol(self.getProtocol(), proposer)
        self._adopt(session)

    def _adopt(self, session: ProposerSession) -> None:
        core.set_proposer(self, session)
        core.set_allow_exploratory(self, session.grade == "exploratory")
        self._session = session
        if self._protocol is not None:
            self._install(self._protocol)
        self._keep_what_outlives()

    def getGrade(self) -> Grade | None:
        """Return the grade of the run: exact, path or exploratory; None without a proposer."""
        return self._session.grade if self._session is not None else None

    def getProtocol(self) -> JumpProtocol:
        """Return what surrounds a leap; of one from XML the surrogate is missing."""
        name, candidates = core.get_protocol(self)
        if self._protocol is not None:
            return self._protocol
        return MultipleTry(candidates) if name == MultipleTry.name else Instantaneous()

    def setProtocol(self, protocol: JumpProtocol) -> None:
        """Set what surrounds a leap.

        Raises
        ------
        TypeError, ValueError
            If it is not a protocol, or one that the proposer cannot serve.
        """
        proposer = self.getProposer()
        if proposer is None:
            raise ValueError("set the proposer before the protocol: there is none")
        self._install(checked_protocol(protocol, proposer))

    def _install(self, protocol: JumpProtocol) -> None:
        protocol.install(self)
        self._protocol = protocol
        self._keep_what_outlives()

    def setCandidateObserver(self, observer: Callable[[Array, Array], object] | None) -> None:
        """Set what sees the conformations among which every attempt decides, or None.

        It is called after each attempt with positions ``(k, n_moved, 3)`` in nm, of which the
        first is the conformation before the attempt, and weights ``(k,)`` that sum to one. The
        average of sum_i weights[i] f(positions[i]) over attempts is the Boltzmann average of f:
        `RecycledObservable` collects it. An observer belongs to this object: it is not copied.

        Raises
        ------
        TypeError
            If it is not callable.
        """
        self._observer = None if observer is None else CandidateObserver(observer)
        core.set_observer(self, self._observer)
        self._keep_what_outlives()

    def _keep_what_outlives(self) -> None:
        if not self.thisown:
            core.keep_python_alive(self)
