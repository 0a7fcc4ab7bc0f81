"""What is made in a folder of unbinding paths: `PreparationPlan`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from openmm_genmd.unbinding.exit_metadynamics import MetadynamicsSettings
from openmm_genmd.unbinding.straight_pull import PullSettings
from openmm_genmd.unbinding.verification import STAY_PS

Method = Literal["pull", "metadynamics"]


@dataclass(frozen=True)
class PathJob:
    """One path to be made.

    Attributes
    ----------
    method
        How.
    number
        Among those made in the same way, from 0.
    seed
        From which all its random numbers follow.

    Examples
    --------
    >>> PathJob("pull", number=3, seed=10).key
    ('pull', 10)
    """

    method: Method
    number: int
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from all others of a plan."""
        return self.method, self.seed


class PreparationPlan(BaseModel):
    """What `prepare` makes.

    Attributes
    ----------
    pulls, metadynamics
        How many paths of each kind.
    seed
        From which everything random follows.
    pull, hills
        Settings of both.
    starts
        Moments of the bound state, among which paths take turns.
    settle_ps, apart_ps
        Unbiased MD before the first of these, and between two.
    stay_ps
        Unbiased MD that the ligand has to stay out for an exit to be stable, ps.
    platform
        Of OpenMM, by name.

    Examples
    --------
    >>> plan = PreparationPlan(pulls=2, metadynamics=1, seed=7)
    >>> [(job.method, job.seed) for job in plan.jobs()]
    [('pull', 7), ('pull', 8), ('metadynamics', 7)]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pulls: int = Field(default=200, ge=0)
    metadynamics: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)
    pull: PullSettings = PullSettings()
    hills: MetadynamicsSettings = MetadynamicsSettings.fast()
    starts: int = Field(default=8, ge=1)
    settle_ps: float = Field(default=2.0, ge=0)
    apart_ps: float = Field(default=0.4, ge=0)
    stay_ps: float = Field(default=STAY_PS, gt=0)
    platform: str = "CPU"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.pulls + self.metadynamics == 0:
            raise ValueError("pulls or metadynamics must be at least 1: there is nothing to make")
        return self

    def jobs(self) -> list[PathJob]:
        """All paths, in the order in which they are begun."""
        counts: list[tuple[Method, int]] = [
            ("pull", self.pulls),
            ("metadynamics", self.metadynamics),
        ]
        return [
            PathJob(method, number, self.seed + number)
            for method, count in counts
            for number in range(count)
        ]

    def differences(self, other: PreparationPlan) -> list[str]:
        """What differs, as ``name=value here``; how many paths there are may differ."""
        mine, theirs = dict(_settings(self)), dict(_settings(other))
        return [f"{name}={mine[name]}" for name in mine if mine[name] != theirs[name]]


def _settings(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in model:
        if isinstance(value, BaseModel):
            yield from _settings(value, f"{prefix}{name}.")
        elif name not in ("pulls", "metadynamics"):
            yield prefix + name, value
