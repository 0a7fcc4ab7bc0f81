"""Checks of the arguments of `GenerativeJumpIntegrator`."""

from __future__ import annotations

import operator
from typing import Any

from openmm import unit

from openmm_genmd.md.protocols import Instantaneous
from openmm_genmd.proposers.proposer import Grade
from openmm_genmd.units import to_md


def checked_count(value: Any, name: str) -> int:
    """Positive integer, as int.

    Raises
    ------
    ValueError
        If it is not a positive integer of 32 bits.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if not 0 < number < 2**31:
        raise ValueError(f"{name} must be a positive integer, got {value!r}")
    return number


def checked_seed(value: Any) -> int:
    """Seed of the jumps, as int.

    Raises
    ------
    ValueError
        If it is not an integer of 32 bits.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = 2**31
    if not -(2**31) <= number < 2**31:
        raise ValueError(f"seed must be an integer of 32 bits, got {value!r}")
    return number


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


def checked_protocol_name(protocol: Any) -> str:
    """Name of a protocol; None means `Instantaneous`.

    Raises
    ------
    TypeError
        If it is not a protocol.
    """
    if protocol is None:
        return Instantaneous.name
    if not isinstance(protocol, Instantaneous):
        raise TypeError(
            f"protocol must be a jump protocol such as Instantaneous(), got {protocol!r}"
        )
    return protocol.name


def require_allowed_grade(offered: Grade, asked: Grade | None) -> None:
    """Return if a proposer of grade `offered` may be used by someone who asked for `asked`.

    Raises
    ------
    ValueError
        If another grade was asked for, or an exploratory proposer was not asked for by name.
    """
    if asked is not None and asked != offered:
        raise ValueError(f"grade={asked!r} was asked for, but the proposer's grade is {offered!r}")
    if offered == "exploratory" and asked != "exploratory":
        raise ValueError(
            "the proposer's grade is 'exploratory': it gives no density ratio, so the run would "
            "not sample the Boltzmann distribution. Use a proposer that knows its density, or ask "
            "for it by name with grade='exploratory'"
        )
