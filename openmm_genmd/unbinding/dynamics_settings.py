"""What all MD of a complex has in common: `DynamicsSettings`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class DynamicsSettings(BaseModel):
    """Settings of MD that ends where the ligand is out; those of each method inherit from them.

    Attributes
    ----------
    exit_nm
        Least distance of heavy atoms of ligand and receptor at which the ligand is out, nm.
    time_step_fs, friction_per_ps
        Of the Langevin dynamics; without friction there is no heat bath.

    Examples
    --------
    >>> DynamicsSettings(time_step_fs=4.0).dynamics()
    {'exit_nm': 0.6, 'time_step_fs': 4.0, 'friction_per_ps': 1.0}
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    exit_nm: float = Field(default=0.6, gt=0)
    time_step_fs: float = Field(default=2.0, gt=0)
    friction_per_ps: float = Field(default=1.0, ge=0)

    def dynamics(self) -> dict[str, Any]:
        """These settings by name, as another method takes them over."""
        return {name: getattr(self, name) for name in DynamicsSettings.model_fields}
