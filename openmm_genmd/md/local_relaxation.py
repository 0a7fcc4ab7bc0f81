"""Leaps that relax outside of the acceptance rule: `LocalRelaxation`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from openmm import unit

from openmm_genmd.md.protocols import JumpProtocol
from openmm_genmd.md.switching_settings import whole_number
from openmm_genmd.native import core
from openmm_genmd.units import to_md


@dataclass(frozen=True)
class LocalRelaxation(JumpProtocol):
    """Leap, minimize, run some MD, accept by the energy: **not the Boltzmann distribution**.

    The way back is not the way there, and no ratio knows about it, so the grade of a run is
    exploratory whatever the proposer's is, and has to be asked for by ``grade="exploratory"``. For
    finding paths, and seeds for a Markov state model; `SteeredSwitching` is the exact alternative.

    Parameters
    ----------
    minimize
        Whether the energy is minimized after the leap.
    steps
        MD steps afterwards.
    max_iterations
        Of the minimizer; 0 for as many as it takes.
    time_step_ps, friction_per_ps
        Of the MD, as Quantity or number.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> LocalRelaxation(steps=100).minimize
    True
    """

    name: ClassVar[str] = "LocalRelaxation"

    minimize: bool = True
    steps: int = 0
    max_iterations: int = 0
    time_step_ps: Any = 0.002
    friction_per_ps: Any = 1.0

    def __post_init__(self) -> None:
        for name in ("steps", "max_iterations"):
            object.__setattr__(self, name, whole_number(getattr(self, name), 0, name))
        for name, of in (
            ("time_step_ps", unit.picosecond),
            ("friction_per_ps", unit.picosecond**-1),
        ):
            object.__setattr__(self, name, to_md(getattr(self, name), of, name))
        if not (self.time_step_ps > 0 and self.friction_per_ps >= 0):
            raise ValueError(
                "time_step_ps must be positive and friction_per_ps zero or positive, got "
                f"{self.time_step_ps} and {self.friction_per_ps}"
            )

    def install(self, integrator: Any) -> None:
        """Make this the protocol of an integrator."""
        iterations = self.max_iterations if self.minimize else -1
        core.set_relaxation(
            integrator, iterations, self.steps, self.time_step_ps, self.friction_per_ps
        )

    @classmethod
    def from_native(cls, native: Any) -> LocalRelaxation:
        """Return a protocol that the extension module has."""
        return cls(
            minimize=native.max_iterations >= 0,
            steps=native.steps,
            max_iterations=max(native.max_iterations, 0),
            time_step_ps=native.time_step_ps,
            friction_per_ps=native.friction_per_ps,
        )
