"""Checks of what a proposer says about itself and of what it answers."""

from __future__ import annotations

import operator
from collections.abc import Hashable, Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.proposers.proposer import GRADES, Grade, Proposal

Array = NDArray[np.float64]


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


def require_frozen(first: Hashable, now: Hashable, name: str) -> None:
    """None if a proposer's `frozen_version` is what it was at the first leap of the run.

    Raises
    ------
    RuntimeError
        If it is not.
    """
    if now != first:
        raise RuntimeError(
            f"the model's weights changed during the run ({name}): leaps accepted with one density "
            "and made with another do not sample the Boltzmann distribution. Train between runs "
            "with `genmd train ... --continue-from RUN` and begin a new run with the frozen model, "
            "or ask for exploratory leaps by name with grade='exploratory'"
        )


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
    _require_float64(positions, "Proposal.positions", "nm")
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


def checked_candidates(drawn: Any, k: int, n_moved: int) -> tuple[Array, Array]:
    """Positions ``(k, n_moved, 3)`` in nm and log densities ``(k,)`` of candidates.

    Raises
    ------
    ValueError
        If they are not two arrays of float64 with these shapes.
    """
    if not isinstance(drawn, tuple) or len(drawn) != 2:
        raise ValueError(f"sample() must return (positions, log densities), got {drawn!r}")
    positions, log_densities = drawn
    _require_float64(positions, "the candidates of sample()", "nm")
    _require_float64(log_densities, "the log densities of sample()", "dimensionless")
    if positions.shape != (k, n_moved, 3) or log_densities.shape != (k,):
        raise ValueError(
            f"sample() must return shapes ({k}, {n_moved}, 3) and ({k},), "
            f"got {positions.shape} and {log_densities.shape}"
        )
    return positions, log_densities


def checked_density(answer: Any) -> float:
    """Return the one log density that was asked for.

    Raises
    ------
    ValueError
        If it is not an array of one float64.
    """
    _require_float64(answer, "the answer of log_density()", "dimensionless")
    if answer.shape != (1,):
        raise ValueError(f"log_density() must return shape (1,), got {answer.shape}")
    return float(answer[0])


def _require_float64(array: Any, name: str, unit: str) -> None:
    if isinstance(array, np.ndarray) and array.dtype == np.float64:
        return
    got = f"dtype {array.dtype}" if isinstance(array, np.ndarray) else f"a {type(array).__name__}"
    raise ValueError(f"{name} must be a NumPy array of float64 ({unit}), got {got}")
