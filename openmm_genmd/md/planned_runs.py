"""The runs of a plan: `PlannedRun`, `hot_runs`, `cold_runs`."""

from __future__ import annotations

from dataclasses import dataclass

from openmm_genmd.md.simulation_plan import SimulationPlan


@dataclass(frozen=True)
class PlannedRun:
    """One trajectory.

    Attributes
    ----------
    name
        Of its file, without the ending.
    temperature_k
        Of its thermostat.
    skip_ps, time_ps
        What is not stored at the beginning, and what is.
    leaps
        Whether it leaps in its torsions.
    candidates
        Frames kept beside the trajectory, from which starts are chosen.

    Examples
    --------
    >>> hot_runs(SimulationPlan(hot_temperatures_k=(500.0,)))[0].name
    'hot-500K'
    """

    name: str
    temperature_k: float
    skip_ps: float
    time_ps: float
    leaps: bool = False
    candidates: int = 0

    def candidate_interval(self, frames: int) -> int:
        """Every how many of its frames one competes for being a start.

        With leaps all of them do, since rare basins are visited for a few frames at a time.
        """
        if not self.candidates:
            return frames + 1
        return 1 if self.leaps else max(1, frames // self.candidates)


def hot_runs(plan: SimulationPlan) -> list[PlannedRun]:
    """Runs that search for basins."""
    time_ps, leaps, candidates = plan.hot_time_ps, plan.hot_leaps, plan.hot_candidates
    return [
        PlannedRun(f"hot-{t:g}K", t, 0.0, time_ps, leaps, candidates)
        for t in plan.hot_temperatures_k
    ]


def cold_runs(plan: SimulationPlan) -> list[PlannedRun]:
    """Runs at the target temperature, which are the training data."""
    skip_ps, time_ps = plan.equilibration_ps, plan.run_time_ps
    return [
        PlannedRun(f"run-{i:03d}", plan.temperature_k, skip_ps, time_ps, plan.leaps)
        for i in range(plan.runs)
    ]
