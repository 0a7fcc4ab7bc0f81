"""Checks of the arguments of `GenerativeJumpIntegrator`."""

from __future__ import annotations

import operator
from typing import Any

import openmm
from openmm import amd, unit

from openmm_genmd.md.local_relaxation import LocalRelaxation
from openmm_genmd.md.protocols import Instantaneous, JumpProtocol, MultipleTry
from openmm_genmd.native import core
from openmm_genmd.proposers.proposer import Grade, Proposer
from openmm_genmd.units import to_md

_BIASED = (amd.AMDIntegrator, amd.AMDForceGroupIntegrator, amd.DualAMDIntegrator)


def require_inner(integrator: Any) -> None:
    """Return if this can be the inner Integrator of a new `GenerativeJumpIntegrator`.

    Raises
    ------
    TypeError
        If it is not an Integrator of OpenMM.
    ValueError
        If it belongs to another object, or its MD samples a boosted energy.
    """
    if not isinstance(integrator, openmm.Integrator):
        raise TypeError(f"integrator must be an OpenMM Integrator, got {integrator!r}")
    if not integrator.thisown:
        raise ValueError("the inner integrator already belongs to another object; make a new one")
    if isinstance(integrator, _BIASED):
        raise ValueError(
            f"{type(integrator).__name__} is not supported as inner integrator: its MD samples a "
            "boosted energy, while jumps would be accepted with the System's; use "
            "LangevinMiddleIntegrator"
        )


def own_temperature_k(integrator: Any, temperature: Any) -> float | None:
    """Temperature in K to give to the jumps; None if the inner Integrator has its own.

    Raises
    ------
    ValueError
        If there is none, or the two differ, or it is not a positive temperature.
    """
    kelvin = None if temperature is None else checked_temperature_k(temperature)
    inner_k = float(core.get_inner_temperature(integrator))
    if inner_k < 0:
        if kelvin is None:
            raise ValueError(
                "the inner integrator has no temperature; pass temperature=, "
                "the one that its thermostat keeps"
            )
        return kelvin
    if kelvin is not None and abs(kelvin - inner_k) > 1e-6 * kelvin:
        raise ValueError(
            f"temperature={kelvin} K, but the inner integrator runs at {inner_k} K; "
            "leave temperature= out"
        )
    return None


def checked_steps(value: Any) -> int:
    """Number of MD steps, as int.

    Raises
    ------
    ValueError
        If it is not an integer of 32 bits.
    """
    return max(0, _integer(value, -(2**31), "steps must be an integer below 2**31"))


def checked_count(value: Any, name: str) -> int:
    """Positive integer, as int.

    Raises
    ------
    ValueError
        If it is not a positive integer of 32 bits.
    """
    return _integer(value, 1, f"{name} must be a positive integer")


def checked_seed(value: Any) -> int:
    """Seed of the jumps, as int.

    Raises
    ------
    ValueError
        If it is not an integer of 32 bits.
    """
    return _integer(value, -(2**31), "seed must be an integer of 32 bits")


def checked_temperature_k(temperature: Any) -> float:
    """Temperature in K from a Quantity or a bare number in K.

    Raises
    ------
    ValueError
        If it is not a positive temperature.
    """
    kelvin = to_md(temperature, unit.kelvin, "temperature")
    if kelvin <= 0:
        raise ValueError(f"temperature must be positive, got {kelvin} K")
    return kelvin


def checked_protocol(protocol: Any, proposer: Proposer) -> JumpProtocol:
    """Return a protocol that the proposer can serve; None means `Instantaneous`.

    Raises
    ------
    TypeError
        If it is not a protocol.
    ValueError
        If the proposer does not draw the batches that `MultipleTry` needs.
    """
    if protocol is None:
        return Instantaneous()
    if not isinstance(protocol, JumpProtocol):
        raise TypeError(
            f"protocol must be a jump protocol such as Instantaneous(), got {protocol!r}"
        )
    if isinstance(protocol, MultipleTry):
        _require_batches(proposer)
    return protocol


def _require_batches(proposer: Proposer) -> None:
    for name in ("sample", "log_density"):
        offers = getattr(type(proposer), name) is not getattr(Proposer, name)
        if not offers and type(proposer).choose is Proposer.choose:
            raise ValueError(
                f"MultipleTry needs a proposer that implements sample() and log_density(), but "
                f"{type(proposer).__name__} has no {name}(); leave protocol= out for single tries"
            )
    if proposer.grade == "exploratory":
        raise ValueError(
            "MultipleTry weighs candidates by their density, which a proposer of exploratory grade "
            "does not know; leave protocol= out for single tries"
        )


def grade_with(grade: Grade, protocol: JumpProtocol) -> Grade:
    """Grade of a proposer's leaps under a protocol."""
    return "exploratory" if isinstance(protocol, LocalRelaxation) else grade


def require_no_adaptation(proposer: Proposer, asked: Grade | None) -> None:
    """Return if the proposer's density is fixed, or exploratory leaps were asked for by name.

    Raises
    ------
    ValueError
        If it changes with what the run has seen.
    """
    if proposer.adapts and asked != "exploratory":
        raise ValueError(
            f"{type(proposer).__name__} adapts: its density changes with what the run has seen, "
            "and then no acceptance rule keeps the Boltzmann distribution. Train between runs with "
            "`genmd train ... --continue-from RUN` and use the frozen model, or ask for "
            "exploratory leaps by name with grade='exploratory'"
        )


def require_allowed_grade(offered: Grade, asked: Grade | None) -> None:
    """Return if a proposer of grade `offered` may be used by someone who asked for `asked`.

    Raises
    ------
    ValueError
        If another grade was asked for, or an exploratory proposer was not asked for by name.
    """
    if asked is not None and asked != offered:
        raise ValueError(
            f"grade={asked!r} was asked for, but proposer and protocol have the grade {offered!r}"
        )
    if offered == "exploratory" and asked != "exploratory":
        raise ValueError(
            "the grade would be 'exploratory': the proposer gives no density ratio, or the "
            "protocol relaxes outside of the acceptance rule, so the run would not sample "
            "the Boltzmann distribution. Use another one, or ask for it by name with "
            "grade='exploratory'"
        )


def _integer(value: Any, lowest: int, expected: str) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = 2**31
    if not lowest <= number < 2**31:
        raise ValueError(f"{expected}, got {value!r}")
    return number
