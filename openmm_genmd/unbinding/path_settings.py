"""How paths are sought: `PathSettings`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from openmm_genmd.unbinding.dynamics_settings import DynamicsSettings

_SHARES_OF_STEPS = (0.4, 2.0)
"""Of those of a usual leap, in the shortest and the longest ones."""


class PathSettings(DynamicsSettings):
    """Settings of the search for unbinding paths.

    Nothing here says where the way out is: springs, gate and selection see the drag's work alone.

    Attributes
    ----------
    most_leaps
        Leaps after which a walker that has not left gives up, refused ones not counted.
    steps_per_leap
        MD steps in which the springs' centres move to the target of a leap of usual length.
    usual_leap_nm
        That length: how far the centres of the ligand's springs move, root mean square, nm. Longer
        leaps have more steps in proportion, up to twice as many, shorter ones fewer, down to two
        fifths: at equal speed a path of so many steps costs the least work. 0: all have the same.
    steps_per_change
        MD steps between two changes of the centres.
    frames_per_leap
        Frames that are kept of a leap of usual length, whole numbers of which all leaps have.
    frames_per_proposal
        Leaps taken from one proposal of the model before the next one is asked for.
    ligand_spring_kj_per_mol_nm2, receptor_spring_kj_per_mol_nm2
        On each heavy atom, kJ/mol/nm^2.
    candidates
        Proposals among which each leap chooses by the work of a short drag; 1: no choice.
    probe_fraction
        Share of a leap's steps in that short drag.
    selection_kcal_per_mol
        Temperature of that choice: weights are exp(-work / this).
    most_work_of_leap_kcal_per_mol, most_work_of_path_kcal_per_mol
        The gate: a leap that costs more, or makes the path cost more, is refused, and the walker
        goes back to its last good frame.
    most_refusals
        In a row, after which the walker goes back one frame more.
    most_attempts
        Leaps of a walker, refused ones included, after which it gives up.
    exit_nm, time_step_fs, friction_per_ps
        See `DynamicsSettings`.
    settle_ps, apart_ps
        Unbiased MD of the bound state before the first walker sets out, and between two walkers.

    Examples
    --------
    >>> settings = PathSettings(steps_per_leap=100, usual_leap_nm=0.1)
    >>> [5 * settings.changes_of_leap(length_nm) for length_nm in (0.0, 0.1, 0.16, 1.0)]
    [40, 100, 160, 200]
    >>> PathSettings(steps_per_leap=101)
    Traceback (most recent call last):
        ...
    pydantic_core._pydantic_core.ValidationError: ...
    """

    most_leaps: int = Field(default=18, ge=1)
    steps_per_leap: int = Field(default=250, ge=1)
    usual_leap_nm: float = Field(default=0.12, ge=0)
    steps_per_change: int = Field(default=5, ge=1)
    frames_per_leap: int = Field(default=5, ge=1)
    frames_per_proposal: int = Field(default=1, ge=1)
    ligand_spring_kj_per_mol_nm2: float = Field(default=500.0, gt=0)
    receptor_spring_kj_per_mol_nm2: float = Field(default=50.0, gt=0)
    candidates: int = Field(default=1, ge=1)
    probe_fraction: float = Field(default=0.2, gt=0, lt=1)
    selection_kcal_per_mol: float = Field(default=3.0, gt=0)
    most_work_of_leap_kcal_per_mol: float = Field(default=40.0, gt=0)
    most_work_of_path_kcal_per_mol: float = Field(default=150.0, gt=0)
    most_refusals: int = Field(default=3, ge=1)
    most_attempts: int = Field(default=36, ge=1)
    settle_ps: float = Field(default=2.0, ge=0)
    apart_ps: float = Field(default=0.4, ge=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        unit = self.steps_per_change * self.frames_per_leap
        if self.steps_per_leap % unit:
            raise ValueError(
                "steps_per_leap must be a multiple of steps_per_change * frames_per_leap = "
                f"{unit}, got {self.steps_per_leap}"
            )
        if self.most_attempts < self.most_leaps:
            raise ValueError(
                f"most_attempts must be at least most_leaps = {self.most_leaps}, got "
                f"{self.most_attempts}: a walker could never take all its leaps"
            )
        if self.candidates > 1 and self.frames_per_proposal > 1:
            raise ValueError(
                "with several candidates each leap has a proposal of its own: frames_per_proposal "
                f"must be 1, got {self.frames_per_proposal}"
            )
        return self

    @property
    def changes_per_leap(self) -> int:
        """Times that the centres move in a leap of usual length, but for the last half step."""
        return self.steps_per_leap // self.steps_per_change

    @property
    def changes_per_frame(self) -> int:
        """Times that they move between two frames that are kept."""
        return self.changes_per_leap // self.frames_per_leap

    def changes_of_leap(self, length_nm: float) -> int:
        """Times that they move in a leap of some length."""
        share = length_nm / self.usual_leap_nm if self.usual_leap_nm else 1.0
        shortest, longest = _SHARES_OF_STEPS
        frames = max(1, round(self.frames_per_leap * min(max(share, shortest), longest)))
        return frames * self.changes_per_frame

    def changes_of_probe(self, changes: int) -> int:
        """Of these, those of the short drag by whose work a candidate is chosen."""
        return max(1, round(self.probe_fraction * changes))
