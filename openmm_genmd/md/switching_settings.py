"""What all protocols have in common that give a leap time: `SwitchingSettings`."""

from __future__ import annotations

import math
import operator
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from openmm import unit

from openmm_genmd.md.protocols import JumpProtocol
from openmm_genmd.native import core
from openmm_genmd.units import to_md

Rule = Literal["protocol work", "total work", "metropolized steps"]
RULES: tuple[Rule, ...] = ("protocol work", "total work", "metropolized steps")
SCHEDULE_POINTS = 201


def sigmoid_table(steepness: float = 6.0) -> tuple[float, ...]:
    """Values of a schedule that starts and ends slowly.

    f(u) = (s(u) - s(0)) / (s(1) - s(0)) with s(u) = 1/(1 + exp(-k (u - 1/2))) and
    k the steepness.

    Examples
    --------
    >>> table = sigmoid_table()
    >>> table[0], table[100], table[-1]
    (0.0, 0.5, 1.0)
    """
    u = np.linspace(-0.5, 0.5, SCHEDULE_POINTS)
    shape = np.tanh(0.5 * steepness * u)
    table = 0.5 * (shape / shape[-1] + 1.0)
    return tuple(float(value) for value in table)


@dataclass(frozen=True, kw_only=True)
class SwitchingSettings(JumpProtocol):
    """How a switch goes from its start to its end, and which work decides about it.

    The MD of a switch happens in a Context of its own. Masses do not change the Boltzmann
    distribution of positions, and velocities are drawn afresh before and after, so its time step
    and masses need not be those of the simulation.

    Parameters
    ----------
    steps
        MD steps of the whole switch.
    steps_per_change
        MD steps between two instantaneous changes; a divisor of `steps`.
    time_step_ps
        Time step of the switch.
    friction_per_ps
        Of a Langevin thermostat; 0 for deterministic MD, for which shadow work does not add up.
    hydrogen_mass_da
        Mass that hydrogens get whose distance to a heavier atom is constrained, water included, at
        the expense of that atom; 0 leaves all masses. Heavier hydrogens allow for longer steps.
        Where two constraints meet at a free angle, as in a methyl group, masses stay: the
        distribution of that angle depends on them.
    rule
        What decides; the three are never mixed. ``"total work"`` (default): the change of the total
        energy less the heat, exact for any time step; shadow work costs acceptance.
        ``"protocol work"``: the work of the changes alone, exact up to the time step, and said so
        in the grade. ``"metropolized steps"``: protocol work, with every stretch of MD between two
        changes accepted or rejected by itself, exact for any time step.
    work_limit_kt
        A switch ends, rejected, when its partial work, or that of the way back, is above this;
        with a surrogate, see `SteeredSwitching`, when it is above the change of the surrogate by
        more than this.
        Saves steps where a switch is hopeless; exact, since both ways are looked at.
    blocks_per_check
        Stretches of MD between two looks at the partial work.
    schedule
        How far the switch is after which part of its steps: ``"linear"``, ``"sigmoid"``, or values
        at equally spaced parts from 0 to 1.

    Raises
    ------
    ValueError
        If a setting is out of range.
    """

    steps: int = 1000
    steps_per_change: int = 1
    time_step_ps: Any = 0.002
    friction_per_ps: Any = 0.0
    hydrogen_mass_da: Any = 0.0
    rule: Rule = "total work"
    work_limit_kt: float = math.inf
    blocks_per_check: int = 0
    schedule: str | Sequence[float] = field(default="linear")

    _is_symmetric: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name, lowest in (("steps", 1), ("steps_per_change", 1), ("blocks_per_check", 0)):
            object.__setattr__(self, name, whole_number(getattr(self, name), lowest, name))
        if self.steps % self.steps_per_change:
            raise ValueError(
                f"steps_per_change must divide steps={self.steps}, got {self.steps_per_change}"
            )
        units = {
            "time_step_ps": unit.picosecond,
            "friction_per_ps": unit.picosecond**-1,
            "hydrogen_mass_da": unit.dalton,
        }
        for name, of in units.items():
            value = to_md(getattr(self, name), of, name)
            if value < 0 or (name == "time_step_ps" and value == 0):
                expected = "positive" if name == "time_step_ps" else "zero or positive"
                raise ValueError(f"{name} must be {expected}, got {value}")
            object.__setattr__(self, name, value)
        if self.rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(RULES)}; got {self.rule!r}")
        if not self.work_limit_kt > 0:
            raise ValueError(f"work_limit_kt must be positive, got {self.work_limit_kt}")
        if math.isfinite(self.work_limit_kt) != (self.blocks_per_check > 0):
            raise ValueError(
                "work_limit_kt and blocks_per_check belong together: give both or neither, got "
                f"{self.work_limit_kt} and {self.blocks_per_check}"
            )
        if not isinstance(self.schedule, str):
            object.__setattr__(self, "schedule", tuple(float(value) for value in self.schedule))
        self.native_settings()

    @property
    def time_ps(self) -> float:
        """How long a switch takes, in ps of its own time."""
        return float(self.steps * self.time_step_ps)

    def native_settings(self) -> Any:
        """Return the settings for the extension module.

        Raises
        ------
        ValueError
            If there is no schedule of this name, or a table is not what it must be.
        """
        native = core.SwitchingSettings()
        for name in _NUMBERS:
            setattr(native, name, getattr(self, name))
        native.rule = core.WorkRule.__members__[self.rule]
        native.set_schedule(self._table(), self._is_symmetric)
        return native

    def _table(self) -> Sequence[float]:
        if self.schedule == "linear":
            return (0.0, 1.0)
        if self.schedule == "sigmoid":
            return sigmoid_table()
        if isinstance(self.schedule, str):
            raise ValueError(
                "schedule must be 'linear', 'sigmoid' or a table of values from 0 to 1, got "
                f"{self.schedule!r}"
            )
        return self.schedule

    @abstractmethod
    def install(self, integrator: Any) -> None:
        """Make this the protocol of an integrator."""


_NUMBERS = (
    "steps",
    "steps_per_change",
    "time_step_ps",
    "friction_per_ps",
    "hydrogen_mass_da",
    "work_limit_kt",
    "blocks_per_check",
)


def settings_of(native: Any) -> dict[str, Any]:
    """Arguments of `SwitchingSettings` that give settings which the extension module has."""
    table = tuple(native.schedule)
    named = {(0.0, 1.0): "linear", sigmoid_table(): "sigmoid"}
    numbers = {name: getattr(native, name) for name in _NUMBERS}
    return numbers | {"rule": native.rule.name, "schedule": named.get(table, table)}


def whole_number(value: Any, lowest: int, name: str) -> int:
    """Return an integer of at least `lowest`.

    Raises
    ------
    ValueError
        If it is something else.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = lowest - 1
    if not lowest <= number < 2**31:
        raise ValueError(f"{name} must be an integer of at least {lowest}, got {value!r}")
    return number
