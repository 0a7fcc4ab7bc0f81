"""Who proposes the leaps of a `GenerativeJumpIntegrator`, how they are decided, who watches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.md.candidate_observer import CandidateObserver
from openmm_genmd.md.integrator_arguments import (
    checked_protocol,
    grade_with,
    require_allowed_grade,
    require_no_adaptation,
)
from openmm_genmd.md.proposer_session import ProposerSession
from openmm_genmd.md.protocol_of import protocol_of
from openmm_genmd.md.protocols import JumpProtocol
from openmm_genmd.native import core
from openmm_genmd.proposers.proposer import UP_TO_TIME_STEP, Grade, Proposer

Array = NDArray[np.float64]


class JumpDecisions:
    """Proposer, protocol and observer: part of `GenerativeJumpIntegrator`."""

    thisown: bool
    _session: ProposerSession | None
    _protocol: JumpProtocol | None
    _observer: CandidateObserver | None
    _shadow_work_is_checked = True

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
        require_no_adaptation(proposer, grade)
        protocol = checked_protocol(self.getProtocol(), proposer)
        require_allowed_grade(grade_with(session.grade, protocol), grade)
        self._adopt(session)

    def _adopt(self, session: ProposerSession) -> None:
        core.set_proposer(self, session)
        self._session = session
        self._allow_exploratory(self.getGrade() == "exploratory")
        if self._protocol is not None:
            self._install(self._protocol)
        self._keep_what_outlives()

    def getGrade(self) -> str | None:
        """Return the grade of the run: exact, path or exploratory; None without a proposer.

        A switch that counts its protocol work alone adds ``up to time step``.
        """
        if self._session is None:
            return None
        if core.is_exploratory(self):
            return "exploratory"
        grade = str(self._session.grade)
        is_qualified = grade != "exploratory" and core.is_exact_up_to_time_step(self)
        return grade + UP_TO_TIME_STEP if is_qualified else grade

    def getProtocol(self) -> JumpProtocol:
        """Return what surrounds a leap; of one from XML the surrogate is missing."""
        return protocol_of(self) if self._protocol is None else self._protocol

    def setProtocol(self, protocol: JumpProtocol, *, grade: Grade | None = None) -> None:
        """Set what surrounds a leap; for `grade` see the class.

        Raises
        ------
        TypeError, ValueError
            If it is not a protocol, or one that the proposer cannot serve, or exploratory without
            `grade` saying so.
        """
        proposer = self.getProposer()
        if proposer is None or self._session is None:
            raise ValueError("set the proposer before the protocol: there is none")
        checked = checked_protocol(protocol, proposer)
        offered = grade_with(self._session.grade, checked)
        if grade is not None or offered != self._session.grade:
            require_allowed_grade(offered, grade)
        self._install(checked)
        self._allow_exploratory(offered == "exploratory")

    def _allow_exploratory(self, allowed: bool) -> None:
        core.set_allow_exploratory(self, allowed)
        if self._session is not None:
            self._session.must_stay_frozen = not allowed

    def _install(self, protocol: JumpProtocol) -> None:
        protocol.install(self)
        self._protocol = protocol
        self._shadow_work_is_checked = False
        self._keep_what_outlives()

    def measureShadowWork(self, trials: int = 4, steps: int = 100) -> Array:
        """Return the shadow work ``(trials,)`` in kT of switches that change nothing.

        It is what the time step of a switch costs: acceptance under the rule ``"total work"``, a
        bias under ``"protocol work"``. With friction it grows with the number of steps. Neither
        the simulation nor its random numbers change.

        Parameters
        ----------
        trials
            How many switches, all from the current positions.
        steps
            MD steps of each.

        Raises
        ------
        OpenMMException
            If the protocol is no switching protocol, or there is no Context.
        """
        return np.array(core.measure_shadow_work(self, trials, steps))

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
