"""The manifest of a folder of unbinding paths: what was made, and what that cost."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Self

import openmm
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openmm_genmd.unbinding.preparation_plan import PreparationPlan

MANIFEST = "manifest.json"
"""Its name."""


class Tally(BaseModel):
    """What came of the paths of one kind, and what they cost.

    Attributes
    ----------
    paths
        Made, unstable ones included.
    left, stable
        Of these, on how many the ligand left, and stayed out.
    unstable
        Seeds of those whose MD became unstable: they are in no trajectory, nor tried again.
    steps
        MD steps, each an evaluation of the forces.
    core_seconds
        Processor time.

    Examples
    --------
    >>> Tally(paths=3, left=2, stable=1, steps=7000, core_seconds=6.0).seconds_per_stable_exit
    6.0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    paths: int = 0
    left: int = 0
    stable: int = 0
    unstable: tuple[int, ...] = ()
    steps: int = 0
    core_seconds: float = 0.0

    @property
    def seconds_per_stable_exit(self) -> float | None:
        """Processor time per exit that stays out; None if there is none."""
        return self.core_seconds / self.stable if self.stable else None

    @property
    def steps_per_stable_exit(self) -> float | None:
        """Evaluations of the forces per exit that stays out; None if there is none."""
        return self.steps / self.stable if self.stable else None


class PreparationManifest(BaseModel):
    """What `prepare` keeps in ``manifest.json``.

    Attributes
    ----------
    plan
        What is made.
    pull, metadynamics
        What came of it. A path that was finished just before the process was killed may be in
        the index and not counted here.
    starts
        Cost of the starts.
    openmm, openmm_genmd
        Versions.

    Examples
    --------
    >>> manifest = PreparationManifest(plan=PreparationPlan(pulls=4))
    >>> manifest.pull.paths, manifest.openmm == openmm.Platform.getOpenMMVersion()
    (0, True)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: PreparationPlan
    starts: Tally = Tally()
    pull: Tally = Tally()
    metadynamics: Tally = Tally()
    openmm: str = Field(default_factory=openmm.Platform.getOpenMMVersion)
    openmm_genmd: str = Field(default_factory=lambda: version("openmm-genmd"))

    @property
    def unstable(self) -> set[tuple[str, int]]:
        """Method and seed of paths whose MD became unstable."""
        tallies = (("pull", self.pull), ("metadynamics", self.metadynamics))
        return {(method, seed) for method, tally in tallies for seed in tally.unstable}

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        partial = folder / f"{MANIFEST}.partial"
        partial.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        os.replace(partial, folder / MANIFEST)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Manifest of a folder.

        Raises
        ------
        FileNotFoundError
            If it has none.
        ValueError
            If it is damaged.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise FileNotFoundError(
                f"nothing to resume: {folder} has no {MANIFEST}; begin in a new folder"
            )
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]["msg"]
            raise ValueError(
                f"cannot read {path}: {first}; restore it, or start in a new folder"
            ) from None
