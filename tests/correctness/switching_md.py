"""The MD of a switch in plain NumPy: the readable twin of plugin/src/SwitchingDynamics.cpp."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class SwitchingMD:
    """Position Verlet between Ornstein-Uhlenbeck half steps, for many walkers at once.

    Positions are ``(w, n, 3)`` in nm, energies and heat ``(w,)`` in kJ/mol. `draws` has
    `normal(size)` and `random(size)`, like a Generator of NumPy.
    """

    move: Any
    draws: Any
    kt_kj: float
    step_ps: float
    rule: str = "total work"
    friction_per_ps: float = 0.0

    def kinetic(self, v):
        return 0.5 * np.sum(self.move.masses * v * v, axis=(1, 2))

    def normal(self, x, which):
        """Return Maxwellian velocities of some particles, not yet projected."""
        v, which = np.zeros_like(x), which & (self.move.inverse_masses[:, 0] > 0)
        scale = np.sqrt(self.kt_kj * self.move.inverse_masses[which])
        v[:, which] = scale * self.draws.normal(size=(len(x), int(which.sum()), 3))
        return v

    def maxwell(self, x):
        return self.move.project(x, self.normal(x, np.full(x.shape[1], True)))

    def refresh(self, x, y, v, heat):
        """Draw velocities of what leapt from x to y; the change of the kinetic energy is heat."""
        old, tied = self.move.project(x, v), self.move.tied
        new = np.where(tied[:, None], self.normal(y, tied), old)
        new = self.move.project(y, new)
        return new, heat + self.kinetic(new) - self.kinetic(old)

    def propagate(self, x, v, heat, steps):
        v, heat = self.thermostat(x, v, heat, steps)
        run = self.metropolized if self.rule == "metropolized steps" else self.run
        x, v = run(x, v, steps)
        return x, *self.thermostat(x, v, heat, steps)

    def thermostat(self, x, v, heat, steps):
        """Half a block of friction and noise."""
        if self.friction_per_ps == 0:
            return v, heat
        keep = np.exp(-0.5 * self.friction_per_ps * self.step_ps * steps)
        v, noise = self.move.project(x, v), self.normal(x, np.full(x.shape[1], True))
        new = self.move.project(x, keep * v + np.sqrt(1 - keep**2) * noise)
        return new, heat + self.kinetic(new) - self.kinetic(v)

    def run(self, x, v, steps):
        for _ in range(steps):
            x, v = self.drift(x, v)
            v = v + self.step_ps * self.move.inverse_masses * self.move.force(x)
            x, v = self.drift(x, v)
        return x, v

    def drift(self, x, v):
        time = 0.5 * self.step_ps
        y = self.move.constrain(x, x + time * v)
        return y, (y - x) / time

    def metropolized(self, x, v, steps):
        """Accept the steps, or turn around."""
        v, drawn = self.move.project(x, v), self.draws.random(len(x))
        y, u = self.run(x, v, steps)
        u = self.move.project(y, u)
        change = self.move.energy(y) + self.kinetic(u) - self.move.energy(x) - self.kinetic(v)
        accepted = (drawn < np.exp(np.minimum(0, -change / self.kt_kj)))[:, None, None]
        return np.where(accepted, y, x), np.where(accepted, u, -v)
