"""What defines a hybrid run, and how it is kept with it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_SETTINGS = "run.json"


class RunSettings(BaseModel):
    """Everything that defines a hybrid run except how long it is; stored as ``run.json``.

    Attributes
    ----------
    pdb
        Structure file: topology and first positions.
    system
        Serialized System, or force field files separated by commas.
    proposer
        Name of a bundled proposer, path of a checkpoint, or ``"uniform"`` for the untrained one.
    uniform_fraction
        Share of the leaps that the untrained uniform proposer makes instead of the learned one.
    temperature_k, friction_per_ps, time_step_fs
        Of the LangevinMiddleIntegrator.
    jump_interval
        MD steps between jumps.
    tries_per_jump
        Attempts at each jump.
    candidates
        Candidates at each attempt, of which the best weighted is tried; see `MultipleTry`.
    surrogate
        What weighs them: ``"batched"`` for `BatchedEnergy`, ``"none"`` for OpenMM's own energy.
    switching_steps
        MD steps in which a leap is dragged through explicit solvent, see `SteeredSwitching`; 0 for
        leaps that take no time.
    switching_time_step_fs, switching_hydrogen_mass_da
        Of the MD of a switch; the mass of hydrogens that are not dragged, 0 for their own.
    frame_interval
        MD steps between frames of the trajectory and rows of the energies.
    checkpoint_interval
        MD steps between checkpoints: at most so much is computed again after a crash.
    constraints, nonbonded, cutoff_nm
        Of a System that is made from force field files.
    platform
        OpenMM platform. Reference is the fastest one for a few dozen particles.
    record_candidates
        Whether torsions and weights of the recycled candidates are kept for the next training.
    recorded_per_attempt, recorded_rows
        At most so many of each attempt, and in all; see `CandidateRecorder`.
    minimize
        Whether the energy is minimized before the first step.
    seed
        Everything random follows from it, as far as the platform is deterministic.
    steps
        MD steps in all, unless `HybridRun.run` is told otherwise.

    Examples
    --------
    >>> settings = RunSettings(pdb="ala.pdb", system="system.xml", proposer="ala.safetensors")
    >>> settings.temperature_k, settings.jump_interval
    (300.0, 50)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pdb: str
    system: str
    proposer: str
    uniform_fraction: float = Field(default=0.0, ge=0, lt=1)
    temperature_k: float = Field(default=300.0, gt=0)
    friction_per_ps: float = Field(default=1.0, ge=0)
    time_step_fs: float = Field(default=2.0, gt=0)
    jump_interval: int = Field(default=50, ge=1)
    tries_per_jump: int = Field(default=4, ge=1)
    candidates: int = Field(default=1, ge=1)
    surrogate: Literal["batched", "none"] = "batched"
    switching_steps: int = Field(default=0, ge=0)
    switching_time_step_fs: float = Field(default=6.0, gt=0)
    switching_hydrogen_mass_da: float = Field(default=4.5, ge=0)
    record_candidates: bool = False
    recorded_per_attempt: int = Field(default=8, ge=1)
    recorded_rows: int = Field(default=200_000, ge=1)
    frame_interval: int = Field(default=500, ge=1)
    checkpoint_interval: int = Field(default=50_000, ge=1)
    constraints: str | None = None
    nonbonded: str | None = None
    cutoff_nm: float = Field(default=1.0, gt=0)
    platform: str = "CPU"
    minimize: bool = True
    seed: int = Field(default=1, ge=1, lt=2**31)
    steps: int = Field(default=500_000, ge=1)

    def save(self, folder: Path) -> None:
        """Write them into the folder of the run."""
        (folder / _SETTINGS).write_text(self.model_dump_json(indent=2) + "\n")


def agreed_settings(folder: Path, settings: RunSettings | None, resume: bool) -> RunSettings:
    """Settings of the run in a folder: those given to start it, those stored to resume it.

    Raises
    ------
    FileExistsError
        If a run shall start where there is one.
    FileNotFoundError
        If there is no run to resume.
    ValueError
        If there are no settings to start with, or others than the stored ones to resume with, or
        the stored ones are damaged.
    """
    path = folder / _SETTINGS
    if not resume:
        if settings is None:
            raise ValueError(
                "settings are needed to start a run; leave them out only to resume one"
            )
        if folder.exists() and any(not path.name.startswith(".") for path in folder.iterdir()):
            raise FileExistsError(
                f"{folder} is not empty; continue the run in it with --resume, or choose another"
            )
        return settings
    if not path.exists():
        raise FileNotFoundError(f"there is no run to resume in {folder}: {path} is missing")
    try:
        stored = RunSettings.model_validate_json(path.read_text())
    except ValueError as error:
        raise ValueError(f"{path} is not what genmd run wrote, or damaged: {error}") from None
    if settings is not None and settings != stored:
        changed = [
            f"{name} was {old!r}, is now {getattr(settings, name)!r}"
            for name, old in stored
            if old != getattr(settings, name)
        ]
        raise ValueError(
            f"the run in {folder} was started with other settings: {'; '.join(changed)}. "
            "Resume with the same ones, or start in a new folder"
        )
    return stored
