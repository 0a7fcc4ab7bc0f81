"""A switch in plain NumPy, for many walkers at once, which can be broken on purpose.

It is the readable twin of plugin/src/SwitchingRun.cpp. What is changed, and in which potential, is
a move, and the list of changes and MD is a plan (switching_moves.py).
"""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from .switching_md import SwitchingMD

BREAKS = (
    "last increment missing",
    "middle increment missing",
    "coupling counted",
    "ratio at the ends",
    "forward check only",
    "cut-off from the drawn number",
)


@dataclass
class SwitchingOracle(SwitchingMD):
    """Accepts a switch with probability min(1, exp(-w/kT + log ratio)).

    A plan is a list of ("change", progress), ("MD", steps) and ("leap", None).
    """

    plan: list = field(default_factory=list)
    work_limit_kt: float = np.inf
    blocks_per_check: int = 0
    broken: str | None = None

    @np.errstate(over="ignore", invalid="ignore")
    def jump(self, x):
        """Return positions and velocities at the end of a switch, and what is decided about it."""
        assert self.broken is None or self.broken in BREAKS
        move, start = self.move, self.move.real_energy(x)
        move.begin(x, self.draws)
        passed = self.consult(x)
        plan = self.plan if np.any(passed) else []
        coupling, works = move.added(x), [move.energy(x) - move.added(x) - start]
        y, v, heat, looks, block = x, self.maxwell(x) if plan else x, 0 * start, [0 * start], 0
        begun, blocks = start + coupling + self.kinetic(v), sum(k == "MD" for k, _ in self.plan)

        def is_hopeless(number):
            every = self.blocks_per_check
            if every and 2 * number <= blocks and number % every == 0:
                total = move.energy(y) + self.kinetic(move.project(y, v)) - begun - heat
                looks.append(self.choose(sum(works), total) - self.rise(y))
            return np.all(np.max(looks, axis=0) > self.work_limit_kt * self.kt_kj)

        for kind, value in plan:
            if kind == "MD":
                if is_hopeless(blocks - block):
                    break
                y, v, heat = self.propagate(y, v, heat, value)
                block += 1
                if is_hopeless(block):
                    break
            else:
                before, old = move.energy(y), y
                y = move.change(y, value) if kind == "change" else move.leap(y, self.draws)
                works.append(move.energy(y) - before)
                v, heat = (v, heat) if kind == "change" else self.refresh(old, y, v, heat)
        v, end, off = move.project(y, v), move.real_energy(y), move.added(y)
        works.append(end - move.energy(y) + off)
        total = end + off + self.kinetic(v) - begun - heat
        return y, v, self.decide(x, y, works, total, looks, coupling - off, passed)

    def consult(self, x):
        """Whether leaps pass what comes before the switch: here nothing does."""
        return np.ones(len(x), dtype=bool)

    def rise(self, y):
        """Return the part of the work (kJ/mol) that the limit is not for."""
        return 0.0

    def left(self, y):
        """Return what the log ratio differs by since `consult` has decided before."""
        return 0.0

    def choose(self, protocol_work, total_work):
        return total_work if self.rule == "total work" else protocol_work

    def decide(self, x, y, works, total, looks, coupling, passed):
        """Return work and shadow work (kJ/mol), log ratio, probability and decision."""
        work = self.choose(sum(works), total)
        missing = {BREAKS[0]: -2, BREAKS[1]: len(works) // 2}.get(self.broken)
        work = work - (works[missing] if missing else 0)
        work = work + (coupling if self.broken == "coupling counted" else 0)
        at_ends = self.broken == "ratio at the ends"
        log_ratio = self.move.ratio(x, y) if at_ends else self.move.log_ratio + self.left(y)
        excess = work - self.rise(y)
        highest = np.max([*looks, excess], axis=0) / self.kt_kj
        lowest = highest - (0 if self.broken == "forward check only" else excess / self.kt_kj)
        alive = passed & np.isfinite(excess) & (np.maximum(highest, lowest) <= self.work_limit_kt)
        p = np.where(alive, np.exp(np.minimum(0, log_ratio - work / self.kt_kj)), 0)
        drawn = self.draws.random(p.shape)
        if self.broken == "cut-off from the drawn number":
            p = np.where(highest > log_ratio - np.log(drawn), 0, p)
        shadow = total - sum(works)
        return SimpleNamespace(
            work=work, log_ratio=log_ratio, p=p, accepted=drawn < p, shadow=shadow
        )
