"""How a free energy along a path is computed: `FreeEnergySettings`."""

from __future__ import annotations

from itertools import pairwise
from typing import Self

from pydantic import Field, model_validator

from openmm_genmd.unbinding.dynamics_settings import DynamicsSettings


class FreeEnergySettings(DynamicsSettings):
    """Settings of windows along a path, and of the replica exchange between them.

    Attributes
    ----------
    place_spring_kj_per_mol_nm2, rotation_spring_kj_per_mol
        Of windows on the path; see `PoseRestraint`.
    spacing
        Between neighboring windows, in standard deviations of a ligand that only feels its springs.
    release
        Shares of the springs, descending, in windows that let the bound ligand go; 0 is added.
    site_radius_nm
        About the bound place, within which the ligand counts as bound, nm.
    exit_nm
        Least distance of heavy atoms of ligand and receptor where the windows end, nm.
    steps_per_exchange
        MD steps of each window between exchanges.
    iterations
        Rounds of MD and exchange, those of the trials included.
    trial_iterations, most_trials
        Length of a trial, and how often it may lead to others: after each, and after all
        iterations, windows are added where neighbors overlap too little or where a spring is softer
        than the free energy is curved, and sampling begins anew from where it was.
    steps_per_seed
        MD steps in which the ligand is brought from one window into the next.
    settle_steps
        MD steps at the end from which it is brought: there the receptor has to relax.
    least_overlap
        Between neighbors, below which a result is not converged; in trials windows are added below
        twice that.
    most_windows
        In all.
    leap_steps
        MD steps of a switch in which the ligand, or one of its rotatable bonds, is turned to where
        MD hardly brings it; 0: there are no such leaps. See `WindowLeaps`.
    iterations_per_leap
        After so many iterations each replica tries a leap.
    leap_time_step_fs
        Of the switches: shorter than that of the MD, since what its steps miss in energy counts.
    most_error_kcal_per_mol
        Standard error above which a result does not count as converged.
    time_step_fs, friction_per_ps
        Of the Langevin dynamics.
    hydrogen_mass_da
        To which hydrogens are made heavier at the cost of their neighbors, Da; free energies do not
        depend on masses, and longer time steps are stable. None: masses stay.

    Examples
    --------
    >>> FreeEnergySettings(iterations=100).steps_per_window
    5000
    >>> FreeEnergySettings(release=(0.1, 0.5))
    Traceback (most recent call last):
        ...
    pydantic_core._pydantic_core.ValidationError: ...
    """

    place_spring_kj_per_mol_nm2: float = Field(default=2500.0, gt=0)
    rotation_spring_kj_per_mol: float = Field(default=80.0, gt=0)
    spacing: float = Field(default=2.5, gt=0)
    release: tuple[float, ...] = (0.25, 0.0625)
    site_radius_nm: float = Field(default=0.4, gt=0)
    exit_nm: float = Field(default=0.5, gt=0)
    steps_per_exchange: int = Field(default=50, ge=1)
    iterations: int = Field(default=200, ge=80)
    trial_iterations: int = Field(default=20, ge=8)
    most_trials: int = Field(default=2, ge=0)
    steps_per_seed: int = Field(default=250, ge=1)
    settle_steps: int = Field(default=2500, ge=0)
    least_overlap: float = Field(default=0.03, gt=0, lt=0.5)
    most_windows: int = Field(default=60, ge=4)
    leap_steps: int = Field(default=0, ge=0)
    iterations_per_leap: int = Field(default=5, ge=1)
    leap_time_step_fs: float = Field(default=2.0, gt=0)
    most_error_kcal_per_mol: float = Field(default=1.0, gt=0)
    time_step_fs: float = Field(default=4.0, gt=0)
    friction_per_ps: float = Field(default=1.0, gt=0)
    hydrogen_mass_da: float | None = Field(default=3.0, gt=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        shares = (1.0, *self.release, 0.0)
        if any(a <= b for a, b in pairwise(shares)):
            raise ValueError(
                f"release must descend between 1 and 0, both left out, got {self.release}"
            )
        if self.trial_iterations > self.iterations:
            raise ValueError(
                f"trial_iterations must be at most iterations = {self.iterations}, got "
                f"{self.trial_iterations}"
            )
        return self

    @property
    def iteration_ps(self) -> float:
        """Simulated time between two exchanges, ps."""
        return 1e-3 * self.time_step_fs * self.steps_per_exchange

    @property
    def steps_per_window(self) -> int:
        """MD steps of a window in all, seeds left out."""
        return self.iterations * self.steps_per_exchange
