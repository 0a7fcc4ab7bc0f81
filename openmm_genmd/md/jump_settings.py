"""The settings of a `GenerativeJumpIntegrator` that can change during a run."""

from __future__ import annotations

from typing import Any

from openmm import unit

from openmm_genmd.md.integrator_arguments import checked_count, checked_seed, checked_temperature_k
from openmm_genmd.native import core


class JumpSettings:
    """Interval, tries, temperature and seed: part of `GenerativeJumpIntegrator`."""

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
        core.set_jump_interval(self, checked_count(interval, "jumpInterval"))

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
        core.set_tries_per_jump(self, checked_count(tries, "triesPerJump"))

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
        core.set_temperature(self, checked_temperature_k(temperature))

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
        core.set_random_number_seed(self, checked_seed(seed))
