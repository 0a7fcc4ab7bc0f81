"""`GenerativeJumpIntegrator`: MD that alternates with learned leaps, Boltzmann distribution kept."""

from __future__ import annotations

import copy
import json
import operator
from typing import Any

import openmm
from openmm import unit

from openmm_genmd.md.native import core
from openmm_genmd.md.proposer_session import ProposerSession
from openmm_genmd.md.protocols import Instantaneous
from openmm_genmd.proposers.proposer import Grade, Proposer
from openmm_genmd.units import to_md

_HANDOFF = '<Integrator type="_GenMDHandoff"/>'


class GenerativeJumpIntegrator(openmm.CompoundIntegrator):  # type: ignore[misc]
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
        What surrounds a leap; None means `Instantaneous`.
    temperature
        Needed if the inner Integrator has no temperature of its own (Quantity, or number in K):
        that which its thermostat keeps. Otherwise the inner Integrator's is read at every jump.
    seed
        Seed of everything random about jumps; 0 means another one for every Context.
    grade
        ``"exploratory"`` allows a proposer of that grade, which gives no density ratio: what is
        sampled is then *not* the Boltzmann distribution. Otherwise leave it out.

    Raises
    ------
    ValueError
        If an argument is out of range; if no temperature is known, or two different ones; if the
        proposer is exploratory and `grade` does not say so.
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
        protocol: Instantaneous | None = None,
        temperature: Any = None,
        seed: int = 0,
        *,
        grade: Grade | None = None,
    ) -> None:
        if not isinstance(integrator, openmm.Integrator):
            raise TypeError(f"integrator must be an OpenMM Integrator, got {integrator!r}")
        if not integrator.thisown:
            raise ValueError("the inner integrator already belongs to another object; make a new one")
        interval = _positive(jumpInterval, "jumpInterval")
        tries = _positive(triesPerJump, "triesPerJump")
        session = ProposerSession(proposer)
        name = _protocol_name(protocol)
        _require_allowed(session.grade, grade)
        core.offer(integrator, session, interval)
        self.this = openmm.XmlSerializer.deserialize(_HANDOFF).this
        integrator.thisown = 0
        self._session: ProposerSession | None = session
        self._initialize_temperature(temperature)
        core.set_tries_per_jump(self, tries)
        core.set_protocol(self, name)
        core.set_allow_exploratory(self, session.grade == "exploratory")
        self.setRandomNumberSeed(seed)

    def _initialize_temperature(self, temperature: Any) -> None:
        kelvin = None if temperature is None else _positive_temperature(temperature)
        if not core.has_temperature(self):
            if kelvin is None:
                raise ValueError(
                    "the inner integrator has no temperature; pass temperature=, "
                    "the one that its thermostat keeps"
                )
            core.set_temperature(self, kelvin)
        elif kelvin is not None and abs(kelvin - core.get_temperature(self)) > 1e-6 * kelvin:
            raise ValueError(
                f"temperature={kelvin} K, but the inner integrator runs at "
                f"{core.get_temperature(self)} K; leave temperature= out"
            )

    def __del__(self) -> None:
        """Hand the proposer to the C++ object if another C++ object owns that."""
        this = self.__dict__.get("this")
        if this is not None and not this.own() and self.__dict__.get("_session") is not None:
            core.keep_proposer_alive(self)

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
        result._session = None
        result._restore_proposer()
        return result

    def _restore_proposer(self) -> None:
        description = core.get_proposer_description(self)
        if description:
            from openmm_genmd.proposers.load import proposer_from_description

            self.setProposer(proposer_from_description(json.loads(description)))

    def __getstate__(self) -> str:
        """XML: proposers are not pickled."""
        return str(openmm.XmlSerializer.serialize(self))

    def __setstate__(self, state: str) -> None:
        """Return from XML."""
        self.this = openmm.XmlSerializer.deserialize(state).this
        self._session = None
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
        result._session = None
        if proposer is not None:
            result.setProposer(proposer)
        return result

    # -- proposer and settings ---------------------------------------------------------------

    def getProposer(self) -> Proposer | None:
        """Return the proposer, or None if it was lost in XML."""
        return self._session.proposer if self._session is not None else None

    def setProposer(self, proposer: Proposer, *, grade: Grade | None = None) -> None:
        """Set the proposer; for `grade` see the class.

        Raises
        ------
        TypeError, ValueError
            If it is not a proposer, or exploratory without `grade` saying so.
        """
        session = ProposerSession(proposer)
        _require_allowed(session.grade, grade)
        core.set_proposer(self, session)
        core.set_allow_exploratory(self, session.grade == "exploratory")
        self._session = session

    def getGrade(self) -> Grade | None:
        """Return the grade of the run: exact, path or exploratory; None without a proposer."""
        return self._session.grade if self._session is not None else None

    def getProtocol(self) -> Instantaneous:
        """Return what surrounds a leap."""
        return {Instantaneous.name: Instantaneous()}[core.get_protocol(self)]

    def getJumpInterval(self) -> int:
        """Return the number of MD steps between jumps."""
        return int(core.get_jump_interval(self))

    def setJumpInterval(self, interval: int) -> None:
        """Set the number of MD steps between jumps.

        Raises
        ------
        ValueError
            If it is not a positive integer.
        """
        core.set_jump_interval(self, _positive(interval, "jumpInterval"))

    def getTriesPerJump(self) -> int:
        """Return the number of attempts at each jump."""
        return int(core.get_tries_per_jump(self))

    def setTriesPerJump(self, tries: int) -> None:
        """Set the number of attempts at each jump.

        Raises
        ------
        ValueError
            If it is not a positive integer.
        """
        core.set_tries_per_jump(self, _positive(tries, "triesPerJump"))

    def getTemperature(self) -> Any:
        """Return the temperature of the acceptance rule (Quantity, K): the inner integrator's."""
        return core.get_temperature(self) * unit.kelvin

    def setTemperature(self, temperature: Any) -> None:
        """Set the temperature of the inner integrator (Quantity, or number in K).

        Raises
        ------
        ValueError
            If it is not a positive temperature.
        """
        core.set_temperature(self, _positive_temperature(temperature))

    def getRandomNumberSeed(self) -> int:
        """Return the seed; 0 means another one for every Context."""
        return int(core.get_random_number_seed(self))

    def setRandomNumberSeed(self, seed: int) -> None:
        """Set the seed. It takes effect when a Context is created or reinitialized.

        Raises
        ------
        ValueError
            If it is not an integer of 32 bits.
        """
        core.set_random_number_seed(self, _seed(seed))

    # -- running and statistics --------------------------------------------------------------

    def step(self, steps: int) -> None:
        """Advance the simulation by `steps` MD steps, with the jumps that fall due.

        Raises
        ------
        ValueError
            If the proposer moves particles that the System does not have, or answers with the
            wrong shape or dtype; the Context is unchanged by that jump.
        OpenMMException
            If there is no proposer at the first jump; if called from inside a proposer.
        Exception
            Whatever the proposer raises, as it was raised; the Context is unchanged by that jump.
        """
        core.step(self, steps)

    def getNumJumpsAttempted(self) -> int:
        """Return the number of attempts."""
        return int(core.get_statistics(self).attempted)

    def getNumJumpsAccepted(self) -> int:
        """Return the number of accepted attempts."""
        return int(core.get_statistics(self).accepted)

    def getAcceptanceRate(self) -> float:
        """Return accepted per attempted jumps; NaN before the first."""
        statistics = core.get_statistics(self)
        return statistics.accepted / statistics.attempted if statistics.attempted else float("nan")

    def getRejections(self) -> dict[str, int]:
        """Return how many attempts were rejected for each reason.

        ``steric``: atoms overlap; ``strain``: the energy rises otherwise; ``ratio``: the model
        proposes this conformation more often than the way back; ``not finite``: NaN or infinite
        values; ``constraint``: a constrained distance was changed.
        """
        return dict(core.get_rejections(self))

    def getStatistics(self) -> Any:
        """Return all sums: attempted, accepted, sum_probability, and seconds by kind of work."""
        return core.get_statistics(self)

    def getLastJump(self) -> Any:
        """Return the record of the last attempt.

        Its attributes are index, step, accepted, probability, work_kj_per_mol, log_ratio, reason,
        model_seconds, energy_seconds and bookkeeping_seconds.

        Raises
        ------
        OpenMMException
            If no jump has been attempted.
        """
        return core.get_last_jump(self)

    def getRecords(self, firstIndex: int = 0) -> list[Any]:
        """Return the records of all attempts from a serial number on.

        Raises
        ------
        OpenMMException
            If the first of them is no longer kept; see `reserveRecords`.
        """
        return list(core.get_records(self, firstIndex))

    def reserveRecords(self, count: int) -> None:
        """Keep the records of at least the last `count` attempts (65536 by default)."""
        core.reserve_records(self, count)

    def resetStatistics(self) -> None:
        """Forget all statistics and records."""
        core.reset_statistics(self)


def _positive(value: Any, name: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if not 0 < number < 2**31:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return number


def _seed(value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 2**31
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"seed must be an integer of 32 bits, got {value!r}")
    return number


def _positive_temperature(temperature: Any) -> float:
    kelvin = to_md(temperature, unit.kelvin, "temperature")
    if kelvin <= 0:
        raise ValueError(f"temperature must be positive, got {kelvin} K")
    return kelvin


def _protocol_name(protocol: Any) -> str:
    if protocol is None:
        return Instantaneous.name
    if not isinstance(protocol, Instantaneous):
        raise TypeError(f"protocol must be a jump protocol such as Instantaneous(), got {protocol!r}")
    return protocol.name


def _require_allowed(offered: Grade, asked: Grade | None) -> None:
    if asked is not None and asked != offered:
        raise ValueError(f"grade={asked!r} was asked for, but the proposer's grade is {offered!r}")
    if offered == "exploratory" and asked != "exploratory":
        raise ValueError(
            "the proposer's grade is 'exploratory': it gives no density ratio, so the run would not "
            "sample the Boltzmann distribution. Use a proposer that knows its density, or ask for "
            "it by name with grade='exploratory'"
        )
