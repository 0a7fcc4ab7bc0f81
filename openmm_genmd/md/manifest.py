"""The manifest of a folder with training data: what made it, and what that cost."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import openmm
from pydantic import BaseModel, ConfigDict, ValidationError

from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.system_input import SystemInput

_NAME = "manifest.json"


class Manifest(BaseModel):
    """What `simulate_data` keeps in ``manifest.json``.

    Attributes
    ----------
    plan
        What is run.
    system_sha256, positions_sha256
        Hexadecimal digests of the serialized System and of the first positions.
    openmm
        Version.
    data_seconds
        Wall time of all sessions so far. Of a session that is killed outright, what it spent on
        the unfinished trajectory is missing.

    Examples
    --------
    >>> Manifest(plan=SimulationPlan(), system_sha256="", positions_sha256="", openmm="8.6")
    ... # doctest: +ELLIPSIS
    Manifest(plan=SimulationPlan(temperature_k=300.0, ...), ..., data_seconds=0.0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: SimulationPlan
    system_sha256: str
    positions_sha256: str
    openmm: str
    data_seconds: float = 0.0

    @classmethod
    def of(cls, given: SystemInput, plan: SimulationPlan) -> Manifest:
        """Manifest of a simulation that begins."""
        system_xml = openmm.XmlSerializer.serialize(given.system)
        return cls(
            plan=plan,
            system_sha256=hashlib.sha256(system_xml.encode()).hexdigest(),
            positions_sha256=hashlib.sha256(given.positions_nm.tobytes()).hexdigest(),
            openmm=openmm.Platform.getOpenMMVersion(),
        )

    def differences(self, other: Manifest) -> list[str]:
        """Names of what must agree and does not."""
        names = sorted(set(type(self).model_fields) - {"data_seconds"})
        return [name for name in names if getattr(self, name) != getattr(other, name)]

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        path = folder / _NAME
        partial = path.with_suffix(".partial")
        partial.write_text(self.model_dump_json(indent=2) + "\n")
        os.replace(partial, path)


def read_manifest(folder: Path) -> Manifest | None:
    """Manifest of a folder; None if it has none.

    Raises
    ------
    ValueError
        If the file is not one that `Manifest.save` wrote.
    """
    path = folder / _NAME
    if not path.exists():
        return None
    try:
        return Manifest.model_validate_json(path.read_text())
    except (ValidationError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(
            f"{path} is not a manifest of genmd simulate, or damaged: {first}; "
            "restore it, or simulate in another folder"
        ) from None
