"""What the demo measured, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from alanine_dipeptide_samplers import ExitTrajectories, TorsionTrajectory
from reference import Reference

from openmm_genmd.analysis.crossings import (
    MIN_CROSSINGS,
    CrossingRate,
    Exits,
    count_crossings,
    counted_rate,
    crossing_rate,
    in_rare_basin,
)
from openmm_genmd.analysis.jump_log import JumpLog
from openmm_genmd.analysis.statistics import Population, population


@dataclass(frozen=True)
class Settings:
    """What the user may choose: MD steps between jumps, tries at each jump, seed."""

    jump_interval: int
    tries_per_jump: int
    seed: int


@dataclass(frozen=True)
class Sampled:
    """One of the two runs.

    Attributes
    ----------
    population
        Of alpha-left.
    rate
        Crossings per minute of wall time; None if the rare basin was never visited.
    minutes
        Wall time of this run alone.
    steps
        MD steps.
    """

    population: Population
    rate: CrossingRate | None
    minutes: float
    steps: int

    @property
    def ess_per_minute(self) -> float | None:
        """Effective samples of the population per minute; None without an error bar."""
        effective = self.population.effective_samples
        return None if effective is None else effective / self.minutes


@dataclass(frozen=True)
class Findings:
    """Both runs, what they are compared with, and how the rate of plain MD was obtained."""

    grade: str
    acceptance: float
    leaps: Sampled
    md: Sampled
    exits: Exits
    exit_minutes: float
    reference: tuple[float, float]
    settings: Settings

    @property
    def speedup(self) -> float | None:
        """Crossings per minute relative to plain MD; None where the latter is unknown."""
        if self.md.rate is None or self.leaps.rate is None:
            return None
        return self.leaps.rate.per_minute / self.md.rate.per_minute

    @property
    def speedup_at_least(self) -> float | None:
        """Lower limit of `speedup`: 95 % for the rate of plain MD, which is the uncertain one."""
        if self.md.rate is None or self.leaps.rate is None:
            return None
        slow = self.leaps.rate.per_minute - 1.645 * self.leaps.rate.standard_error
        return max(0.0, slow) / self.md.rate.upper_per_minute

    @property
    def deviation(self) -> float | None:
        """Population minus reference in combined standard errors; None without an error bar."""
        error = self.leaps.population.standard_error
        if error is None:
            return None
        value, reference_error = self.reference
        return (self.leaps.population.value - value) / (error**2 + reference_error**2) ** 0.5


def evaluate(
    leaps: TorsionTrajectory,
    md: TorsionTrajectory,
    exits: ExitTrajectories,
    log: JumpLog,
    reference: Reference,
    settings: Settings,
) -> Findings:
    """Turn trajectories into numbers."""
    leaps_population = _population(leaps)
    n = leaps_population.n_crossings
    leaps_rate = counted_rate(n, leaps.minutes) if n else None
    return Findings(
        grade=log.grade,
        acceptance=log.acceptance,
        leaps=Sampled(leaps_population, leaps_rate, leaps.minutes, leaps.steps),
        md=_plain(md, exits.exits, reference.population),
        exits=exits.exits,
        exit_minutes=exits.seconds / 60,
        reference=reference.population,
        settings=settings,
    )


def _population(trajectory: TorsionTrajectory) -> Population:
    phi = trajectory.phi_psi_rad()[:, 0]
    return population(in_rare_basin(phi), n_crossings=count_crossings(phi))


def _plain(md: TorsionTrajectory, exits: Exits, reference: tuple[float, float]) -> Sampled:
    share = _population(md)
    rate = None
    if share.n_crossings >= MIN_CROSSINGS or exits.total_time_ps > 0:
        rate = crossing_rate(
            share.n_crossings,
            md.minutes,
            exits=exits,
            population=reference,
            ps_per_minute=md.time_ps / md.minutes,
        )
    return Sampled(share, rate, md.minutes, md.steps)
