"""Settings of the simulations that make training data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SimulationPlan(BaseModel):
    """What `simulate_data` runs; stored in the manifest.

    Attributes
    ----------
    temperature_k
        Of the short runs, which are the training data.
    hot_temperatures_k
        One exploratory run at each; may be empty.
    hot_time_ps
        Length of each hot run.
    hot_leaps
        Whether hot runs also leap, see `TorsionLeaps`: MD alone misses basins.
    hot_candidates
        Frames of each hot run that compete for being a start: at equal intervals, or if it leaps
        those farthest apart.
    torsion_starts
        Conformations with uniformly drawn torsions, minimised, that compete with frames of the
        hot runs for being a start.
    runs
        Number of short runs.
    equilibration_ps
        Left out at the beginning of each short run.
    run_time_ps
        Length of the rest.
    frame_interval_ps
        Time between stored frames.
    leaps
        Whether the short runs leap as well. Then they have nearly the populations of the force
        field, but time between their frames is no longer physical.
    leap_interval, leap_tries, leap_candidates
        MD steps between jumps, attempts at each, candidates of each attempt.
    time_step_fs, friction_per_ps
        Of the LangevinMiddleIntegrator.
    platform
        OpenMM platform. Reference is the fastest one for a few dozen particles.
    seed
        Everything random follows from it.

    Examples
    --------
    >>> plan = SimulationPlan(runs=10, run_time_ps=50.0)
    >>> plan.runs * round(plan.run_time_ps / plan.frame_interval_ps)  # frames for training
    1000
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature_k: float = Field(default=300.0, gt=0)
    hot_temperatures_k: tuple[float, ...] = (600.0,)
    hot_time_ps: float = Field(default=500.0, ge=0)
    hot_leaps: bool = False
    hot_candidates: int = Field(default=100, ge=1)
    torsion_starts: int = Field(default=100, ge=0)
    runs: int = Field(default=24, ge=1)
    equilibration_ps: float = Field(default=5.0, ge=0)
    run_time_ps: float = Field(default=100.0, gt=0)
    frame_interval_ps: float = Field(default=0.5, gt=0)
    leaps: bool = False
    leap_interval: int = Field(default=25, ge=1)
    leap_tries: int = Field(default=4, ge=1)
    leap_candidates: int = Field(default=64, ge=1)
    time_step_fs: float = Field(default=2.0, gt=0)
    friction_per_ps: float = Field(default=1.0, gt=0)
    platform: str = "Reference"
    seed: int = Field(default=0, ge=0)
