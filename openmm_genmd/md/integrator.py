"""`GenerativeJumpIntegrator`: MD that alternates with learned leaps, Boltzmann kept."""

from __future__ import annotations

import copy
import json
from typing import Any

import openmm

from openmm_genmd.md.integrator_arguments import (
    checked_count,
    checked_protocol,
    checked_seed,
    checked_steps,
    grade_with,
    own_temperature_k,
    require_allowed_grade,
    require_inner,
    require_no_adaptation,
)
from openmm_genmd.md.jump_decisions import JumpDecisions
from openmm_genmd.md.jump_history import JumpHistory
from openmm_genmd.md.jump_settings import JumpSettings
from openmm_genmd.md.proposer_session import ProposerSession
from openmm_genmd.md.protocols import JumpProtocol
from openmm_genmd.md.shadow_work import warn_of_shadow_work
from openmm_genmd.md.switching_settings import SwitchingSettings
from openmm_genmd.native import core
from openmm_genmd.proposers.proposer import Grade, Proposer

_HANDOFF = '<Integrator type="_GenMDHandoff"/>'


class GenerativeJumpIntegrator(JumpSettings, JumpDecisions, JumpHistory, openmm.CompoundIntegrator):  # type: ignore[misc]
    """An OpenMM Integrator that alternates MD with leaps proposed by a generative model.

    A jump follows directly after every `jumpInterval`-th MD step, before ``step()`` returns. It is
    accepted with probability min(1, exp(-w/kT + log ratio)), where w is the work of the protocol
    and the log ratio comes from the proposer, so that the Boltzmann distribution of the force
    field stays the stationary distribution. Jumps do not count as steps and take no time. Give it
    to a Context or a Simulation like any other Integrator; nothing else in a script changes.

    Parameters
    ----------
    integrator
        The Integrator that does the MD: any that samples the canonical ensemble. This object takes
        over ownership. A CustomIntegrator is taken to store velocities of the same time as
        positions.
    proposer
        A `Proposer`. Several integrators may share one: each keeps its own state of it.
    jumpInterval
        Number of MD steps between jumps.
    triesPerJump
        Attempts at each jump, one after the other.
    protocol
        What surrounds a leap: `Instantaneous` (also None), `MultipleTry`, `SteeredSwitching`,
        `AlchemicalSwitching` or `LocalRelaxation`.
    temperature
        Needed if the inner Integrator has no temperature of its own (Quantity, or number in K):
        that which its thermostat keeps. Otherwise the inner Integrator's is read at every jump.
    seed
        Seed of everything random about jumps; 0 means another one for every Context.
    grade
        ``"exploratory"`` allows a proposer of that grade, which gives no density ratio, and
        `LocalRelaxation`: what is sampled is then *not* the Boltzmann distribution. Otherwise leave
        it out.

    Raises
    ------
    ValueError
        If an argument is out of range; if no temperature is known, or two different ones; if the
        proposer is exploratory, or adapts, and `grade` does not say so.
    TypeError
        If `integrator` is not an Integrator of OpenMM, `proposer` not a proposer, or `protocol`
        not a protocol.

    Notes
    -----
    ``docs/theory.md`` derives the acceptance rule and how velocities are treated. Systems with
    Drude particles, RPMDIntegrator and QTBIntegrator are refused when the Context is created.

    Examples
    --------
    A particle in a harmonic well that MD samples well, with leaps that a coin decides:

    >>> import numpy as np, openmm
    >>> from openmm import unit
    >>> from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer
    >>> class Mirror(Proposer):
    ...     particles, grade = [0], "exact"
    ...     def propose(self, positions, box, rng):
    ...         return Proposal(-positions, 0.0)
    >>> system = openmm.System()
    >>> index = system.addParticle(12.0)
    >>> force = openmm.CustomExternalForce("100*(x*x+y*y+z*z)")
    >>> index = force.addParticle(0, []), system.addForce(force)
    >>> inner = openmm.LangevinMiddleIntegrator(
    ...     300 * unit.kelvin, 1 / unit.picosecond, 2 * unit.femtoseconds)
    >>> integrator = GenerativeJumpIntegrator(inner, Mirror(), jumpInterval=5, seed=1)
    >>> platform = openmm.Platform.getPlatformByName("Reference")
    >>> context = openmm.Context(system, integrator, platform)
    >>> context.setPositions([[0.1, 0.0, 0.0]])
    >>> integrator.step(40)
    >>> integrator.getNumJumpsAttempted(), integrator.getAcceptanceRate()
    (8, 1.0)
    """

    def __init__(
        self,
        integrator: Any,
        proposer: Proposer,
        jumpInterval: int = 250,
        triesPerJump: int = 1,
        protocol: JumpProtocol | None = None,
        temperature: Any = None,
        seed: int = 0,
        *,
        grade: Grade | None = None,
    ) -> None:
        # Everything that can go wrong comes before this object takes over the inner Integrator.
        require_inner(integrator)
        interval = checked_count(jumpInterval, "jumpInterval")
        tries = checked_count(triesPerJump, "triesPerJump")
        number = checked_seed(seed)
        session = ProposerSession(proposer)
        require_no_adaptation(proposer, grade)
        surrounding = checked_protocol(protocol, proposer)
        offered = grade_with(session.grade, surrounding)
        require_allowed_grade(offered, grade)
        kelvin = own_temperature_k(integrator, temperature)
        core.offer(integrator, session, interval)
        self.this = openmm.XmlSerializer.deserialize(_HANDOFF).this
        integrator.thisown = 0
        self._session = session
        core.set_tries_per_jump(self, tries)
        core.set_random_number_seed(self, number)
        self._install(surrounding)
        self._allow_exploratory(offered == "exploratory")
        if kelvin is not None:
            core.set_temperature(self, kelvin)

    @property
    def thisown(self) -> bool:
        """Whether this Python object owns the C++ object."""
        return bool(self.this.own())

    @thisown.setter
    def thisown(self, owns: bool) -> None:
        # Whoever owns the C++ object from now on may outlive this object, which holds the proposer.
        if not owns:
            core.keep_python_alive(self)
        self.this.own(owns)

    # -- copies ------------------------------------------------------------------------------

    @classmethod
    def fromIntegrator(cls, integrator: Any) -> GenerativeJumpIntegrator:
        """Return the same integrator as an object of this class.

        OpenMM returns plain CompoundIntegrators from ``XmlSerializer.deserialize()`` and the like.
        A proposer that was loaded from a file is loaded again, if the file is unchanged; any other
        has to be given by `setProposer` before the first jump.

        Parameters
        ----------
        integrator
            What OpenMM returned. It shares its C++ object with the result.

        Raises
        ------
        TypeError
            If it is not a GenerativeJumpIntegrator.
        """
        if isinstance(integrator, cls):
            return integrator
        if not core.is_generative_jump_integrator(integrator):
            raise TypeError(f"expected a GenerativeJumpIntegrator, got {type(integrator).__name__}")
        result = cls.__new__(cls)
        result.this = integrator.this
        result._session = core.get_session(result)
        result._protocol = core.get_surrogate_owner(result)
        result._observer = core.get_observer(result)
        if result._session is None:
            result._restore_proposer()
        return result

    def _restore_proposer(self) -> None:
        description = core.get_proposer_description(self)
        if description:
            from openmm_genmd.proposers.descriptions import proposer_from_description

            proposer = proposer_from_description(json.loads(description))
            self.setProposer(proposer, grade=grade_with(proposer.grade, self.getProtocol()))

    def __getstate__(self) -> str:
        """XML: proposers are not pickled."""
        return str(openmm.XmlSerializer.serialize(self))

    def __setstate__(self, state: str) -> None:
        """Return from XML."""
        self.this = openmm.XmlSerializer.deserialize(state).this
        self._session = self._protocol = None
        self._restore_proposer()

    def __copy__(self) -> GenerativeJumpIntegrator:
        """Return an integrator with the same settings and the same proposer, in no Context."""
        return self._copy_with(self.getProposer())

    def __deepcopy__(self, memo: dict[int, Any]) -> GenerativeJumpIntegrator:
        """Return an integrator with the same settings and a copy of the proposer, in no Context."""
        return self._copy_with(copy.deepcopy(self.getProposer(), memo))

    def _copy_with(self, proposer: Proposer | None) -> GenerativeJumpIntegrator:
        result = type(self).__new__(type(self))
        result.this = openmm.XmlSerializer.clone(self).this
        result._session = result._protocol = None
        if self._session is not None and proposer is not None:
            result._adopt(ProposerSession(proposer, self._session.initial_state))
            if self._protocol is not None:
                result._install(self._protocol)
        return result

    def step(self, steps: int) -> None:
        """Advance the simulation by `steps` MD steps, with the jumps that fall due.

        Raises
        ------
        ValueError
            If `steps` is not an integer; if the proposer moves particles that the System does not
            have, or answers with the wrong shape or dtype.
        OpenMMException
            If there is no proposer at the first jump; if called from inside a proposer.
        Exception
            Whatever the proposer raises, as it was raised.

        Warns
        -----
        ShadowWorkWarning
            Before the first step with a switching protocol whose time step is too long.

        Notes
        -----
        An attempt that raises leaves no trace in the Context. Of several tries at one jump, those
        that were accepted before it stand. Where OpenMM itself calls ``step()``, as a
        CompoundIntegrator around this one does, exceptions arrive as OpenMMException with the
        original one in the message.
        """
        number = checked_steps(steps)
        self._check_shadow_work()
        core.step(self, number)

    def _check_shadow_work(self) -> None:
        """Warn once per protocol and Context, before the first step."""
        if self._shadow_work_is_checked or not core.has_context(self):
            return
        self._shadow_work_is_checked = True
        if isinstance(self._protocol, SwitchingSettings):
            warn_of_shadow_work(self, self._protocol)
