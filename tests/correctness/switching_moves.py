"""What a switch changes, and in which order: the twins of plugin/src/SteeredMoves.cpp and others.

A landscape has `masses` and `inverse_masses` ``(n, 1)``, `energy`, `force`, `constrain`, `project`;
a leap takes positions ``(w, n_moved, 3)`` and random numbers and returns new positions with log
ratios ``(w,)``.
"""

import numpy as np

PLAN_BREAKS = ("not mirrored", "u^2", "no last change")


def steered_plan(steps, steps_per_change=1, schedule=lambda u: u, broken=None) -> list:
    """[change, MD] x n, change: block k of n happens at f((k + 1/2)/n)."""
    assert broken is None or broken in PLAN_BREAKS
    n, plan = steps // steps_per_change, []
    shape = (lambda u: u * u) if broken == "u^2" else schedule
    offset = 1.0 if broken == "no last change" else 0.5
    for k in range(n):
        longer = 2 if broken == "not mirrored" and 2 * k >= n else 1
        plan += [("change", shape((k + offset) / n)), ("MD", longer * steps_per_change)]
    return plan if broken == "no last change" else [*plan, ("change", 1.0)]


def alchemical_plan(steps, steps_per_change=1, schedule=lambda u: u, broken=None) -> list:
    """[change, MD] x n/2, leap, [MD, change] x n/2."""
    assert broken is None or broken in PLAN_BREAKS
    half, md, there, back = steps // steps_per_change // 2, ("MD", steps_per_change), [], []
    for k in range(half):
        there += [("change", schedule((k + 1) / half)), md]
        later = [md, ("change", schedule(1 - (k + 1) / half))]
        back += later[::-1] if broken == "no last change" else later
    return [*there, ("leap", None), *back]


class Move:
    """Everything that happens in the potential of a landscape."""

    def __init__(self, landscape, particles, leap, tied=None):
        self.landscape, self.particles, self.leap_from = landscape, list(particles), leap
        self.masses, self.inverse_masses = landscape.masses, landscape.inverse_masses.copy()
        self.tied = np.isin(np.arange(len(self.masses)), self.particles if tied is None else tied)
        self.constrain, self.project = landscape.constrain, landscape.project
        self.log_ratio = 0.0

    def added(self, x):
        return np.zeros(len(x))

    def real_energy(self, x):
        return self.landscape.energy(x)

    def energy(self, x):
        return self.landscape.energy(x) + self.added(x)

    def force(self, x):
        return self.landscape.force(x)

    def placed(self, x, positions):
        y = x.copy()
        y[:, self.particles] = positions
        return y

    def ratio(self, x, y):
        """Return the log ratio of a leap between the moved particles at x and at y."""
        return self.leap_from.ratio(x[:, self.particles], y[:, self.particles])


class Morph(Move):
    """The moved particles are held, and placed on straight lines."""

    def begin(self, x, draws):
        self.inverse_masses[self.tied] = 0
        self.start = x[:, self.particles]
        self.end, self.log_ratio = self.leap_from(self.start, draws)

    def change(self, x, progress):
        return self.placed(x, self.start + progress * (self.end - self.start))


class Springs(Morph):
    """The moved particles are tied to centers, which are drawn around them and dragged."""

    def __init__(self, *args, width_nm, kt_kj, **kwargs):
        super().__init__(*args, **kwargs)
        self.width_nm, self.spring = width_nm, kt_kj / width_nm**2

    def begin(self, x, draws):
        here = x[:, self.particles]
        self.center = self.start = here + self.width_nm * draws.normal(size=here.shape)
        self.end, self.log_ratio = self.leap_from(self.start, draws)

    def change(self, x, progress):
        self.center = self.start + progress * (self.end - self.start)
        return x

    def added(self, x):
        return 0.5 * self.spring * np.sum((x[:, self.particles] - self.center) ** 2, axis=(1, 2))

    def force(self, x):
        pull = self.spring * (self.center - x[:, self.particles])
        return super().force(x) + self.placed(np.zeros_like(x), pull)


class Alchemical(Move):
    """Another potential, whose parameter goes from 1 to a lowest value and back."""

    def __init__(self, landscape, alchemical, particles, leap, lowest=0.0, tied=None):
        super().__init__(landscape, particles, leap, tied)
        self.alchemical, self.lowest = alchemical, lowest

    def begin(self, x, draws):
        self.scale, self.log_ratio = 1.0, np.zeros(len(x))

    def change(self, x, progress):
        self.scale = 1 + progress * (self.lowest - 1)
        return x

    def leap(self, x, draws):
        end, self.log_ratio = self.leap_from(x[:, self.particles], draws)
        return self.placed(x, end)

    def energy(self, x):
        return self.alchemical.energy(x, self.scale)

    def force(self, x):
        return self.alchemical.force(x, self.scale)
