"""A surrogate in the oracle of switches, and one that is wrong, for both oracle and engine."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import openmm

from openmm_genmd import BatchedEnergy

from .switching_oracle import SwitchingOracle

SURROGATE_BREAKS = (
    "decided twice",
    "way back forgotten",
    "others of the start",
    "reach of the end",
)


@dataclass
class SurrogateOracle(SwitchingOracle):
    """Accepts a leap within reach by V(x) ``(w,)`` first; the switch by what is left to decide."""

    surrogate: Callable = np.zeros
    surrogate_margin_kt: float = 0.0
    reach_nm: float = np.inf
    surrogate_broken: str | None = None

    def odds(self, x):
        """Logarithm of the odds of the leap among the others in x, by the surrogate."""
        start, end = (self.surrogate(self.move.change(x, progress)) for progress in (0.0, 1.0))
        return self.move.log_ratio - (end - start) / self.kt_kj

    def consult(self, x):
        assert self.surrogate_broken is None or self.surrogate_broken in SURROGATE_BREAKS
        self.start, self.own = x, self.surrogate(x)
        at_end = self.surrogate_broken == "reach of the end"
        shift = self.move.end - (0 if at_end else self.move.start)
        near = np.sqrt(np.mean(np.sum(shift**2, axis=2), axis=1)) <= self.reach_nm
        if not np.any(near):
            return near
        self.log_there = np.minimum(0, self.odds(x) + self.surrogate_margin_kt)
        return near & (self.draws.random(len(x)) < np.exp(self.log_there))

    def rise(self, y):
        return self.surrogate(y) - self.own

    def left(self, y):
        if self.surrogate_broken == "decided twice":
            return 0.0
        others = self.start if self.surrogate_broken == "others of the start" else y
        back = np.minimum(0, self.surrogate_margin_kt - self.odds(others))
        return (0 if self.surrogate_broken == "way back forgotten" else back) - self.log_there


class WrongBond:
    """A spring of some length from the first to the second particle, which do not have it."""

    spring, length_nm = 2500.0, 0.05

    def __call__(self, x):
        distance = np.linalg.norm(x[:, 0] - x[:, 1], axis=-1)
        return 0.5 * self.spring * (distance - self.length_nm) ** 2

    def batched(self) -> BatchedEnergy:
        system, bond = openmm.System(), openmm.HarmonicBondForce()
        for _ in range(2):
            system.addParticle(1.0)
        bond.addBond(0, 1, self.length_nm, self.spring)
        system.addForce(bond)
        return BatchedEnergy(system, threads=1)
