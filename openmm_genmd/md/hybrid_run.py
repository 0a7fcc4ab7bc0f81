"""A hybrid run in a folder of its own: resumable, reported, finished once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openmm
from openmm import app, unit
from pydantic import BaseModel, ConfigDict, Field

from openmm_genmd.md.integrator import GenerativeJumpIntegrator
from openmm_genmd.md.jump_reporter import JumpReporter
from openmm_genmd.md.platforms import find_platform
from openmm_genmd.md.run_folder import load_restart, lock_folder, return_to_mark, save_restart
from openmm_genmd.md.seeds import seed_forces
from openmm_genmd.md.system_input import SystemInput, load_system_input
from openmm_genmd.proposers.load import load_proposer

_SETTINGS, _RESTART = "run.json", "restart.bin"
_TRAJECTORY, _ENERGIES, _JUMPS = "trajectory.dcd", "energies.csv", "jumps.csv"
_PROGRESS_STEPS = 1000


class RunSettings(BaseModel):
    """Everything that defines a hybrid run except how long it is; stored as ``run.json``.

    Attributes
    ----------
    pdb
        Structure file: topology and first positions.
    system
        Serialized System, or force field files separated by commas.
    proposer
        Name of a bundled proposer, or path of a checkpoint.
    temperature_k, friction_per_ps, time_step_fs
        Of the LangevinMiddleIntegrator.
    jump_interval
        MD steps between jumps.
    tries_per_jump
        Attempts at each jump.
    frame_interval
        MD steps between frames of the trajectory and rows of the energies.
    checkpoint_interval
        MD steps between checkpoints: at most so much is computed again after a crash.
    constraints, nonbonded, cutoff_nm
        Of a System that is made from force field files.
    platform
        OpenMM platform. Reference is the fastest one for a few dozen particles.
    minimize
        Whether the energy is minimized before the first step.
    seed
        Everything random follows from it, as far as the platform is deterministic.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pdb: str
    system: str
    proposer: str
    temperature_k: float = Field(default=300.0, gt=0)
    friction_per_ps: float = Field(default=1.0, ge=0)
    time_step_fs: float = Field(default=2.0, gt=0)
    jump_interval: int = Field(default=50, ge=1)
    tries_per_jump: int = Field(default=4, ge=1)
    frame_interval: int = Field(default=500, ge=1)
    checkpoint_interval: int = Field(default=50_000, ge=1)
    constraints: str | None = None
    nonbonded: str | None = None
    cutoff_nm: float = Field(default=1.0, gt=0)
    platform: str = "CPU"
    minimize: bool = True
    seed: int = Field(default=1, ge=1, lt=2**31)


class HybridRun:
    """MD with learned leaps in a folder that always holds a consistent run.

    The folder gets ``run.json`` (settings), ``topology.pdb``, ``trajectory.dcd``,
    ``energies.csv``, ``jumps.csv`` and ``restart.bin``. Killed at any moment, the run continues
    from its last checkpoint: files are cut back to it first, so that nothing is lost or doubled.

    Parameters
    ----------
    folder
        A new or empty folder, or, to resume, that of an earlier run.
    settings
        What to run; None to resume with the settings of the folder.
    resume
        Whether to continue the run in the folder.

    Raises
    ------
    FileExistsError
        If the folder holds a run and `resume` is not set.
    FileNotFoundError
        If there is no run to resume, or one of the input files is missing.
    ValueError
        If settings or files do not fit together.
    RuntimeError
        If another process is running in the folder.

    Examples
    --------
    >>> settings = RunSettings(pdb="protein.pdb", system="system.xml", proposer="model.safetensors")
    >>> run = HybridRun("out", settings)                              # doctest: +SKIP
    >>> run.run(1_000_000)                                            # doctest: +SKIP
    """

    def __init__(
        self, folder: str | Path, settings: RunSettings | None = None, *, resume: bool = False
    ) -> None:
        self.folder = Path(folder)
        self.settings = _agreed_settings(self.folder, settings, resume)
        given = load_system_input(
            self.settings.pdb,
            self.settings.system,
            constraints=self.settings.constraints,
            nonbonded=self.settings.nonbonded,
            cutoff_nm=self.settings.cutoff_nm,
        )
        proposer = load_proposer(self.settings.proposer, given.topology, given.system)
        self.integrator = _integrator(self.settings, proposer)
        self.simulation = _simulation(self.settings, given, self.integrator)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = lock_folder(self.folder)
        try:
            self._prepare(given, resume)
        except BaseException:
            self._lock.close()
            raise

    def _prepare(self, given: SystemInput, resume: bool) -> None:
        if resume:
            self._return_to_checkpoint()
            self._add_reporters()
        else:
            self._begin(given)
            self._add_reporters()
            self._save_checkpoint()

    @property
    def step(self) -> int:
        """MD steps done so far."""
        return int(self.simulation.currentStep)

    def run(
        self,
        steps: int,
        on_progress: Callable[[int], None] = lambda step: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Run until `steps` MD steps are done in all, counted from the beginning of the run.

        Parameters
        ----------
        steps
            Where to stop. Nothing happens if the run is already there.
        on_progress
            Called with the step count every thousand steps or so.
        should_stop
            Asked as often; if it says True, a checkpoint is written and the method returns.

        Raises
        ------
        FloatingPointError
            If the energy is no longer finite. The last checkpoint before that is kept.
        """
        while self.step < steps and not should_stop():
            to_checkpoint = self._to_next(self.settings.checkpoint_interval)
            self.simulation.step(min(steps - self.step, to_checkpoint, _PROGRESS_STEPS))
            if self.step % self.settings.checkpoint_interval == 0:
                self._save_checkpoint()
            on_progress(self.step)
        self._save_checkpoint()

    def close(self) -> None:
        """Close all files and give up the lock."""
        self.simulation.reporters.clear()
        self._jump_reporter.close()
        self._lock.close()

    def _to_next(self, interval: int) -> int:
        return interval - self.step % interval

    def _begin(self, given: SystemInput) -> None:
        context = self.simulation.context
        context.setPositions(given.positions_nm)
        if self.settings.minimize:
            self.simulation.minimizeEnergy()
        context.setVelocitiesToTemperature(
            self.settings.temperature_k * unit.kelvin, self.settings.seed
        )
        with open(self.folder / "topology.pdb", "w") as file:
            positions = context.getState(positions=True).getPositions()
            app.PDBFile.writeFile(given.topology, positions, file, keepIds=True)
        (self.folder / _SETTINGS).write_text(self.settings.model_dump_json(indent=2) + "\n")

    def _add_reporters(self) -> None:
        interval = self.settings.frame_interval
        self._files = [self.folder / name for name in (_TRAJECTORY, _ENERGIES, _JUMPS)]
        # A file without a header yet cannot be appended to.
        append = [path.exists() and path.stat().st_size > 0 for path in self._files]
        trajectory, energies, jumps = map(str, self._files)
        self._jump_reporter = JumpReporter(jumps, interval, append=append[2])
        self._jump_reporter.describeNextReport(self.simulation)  # count attempts from here on
        self.simulation.reporters += [
            app.DCDReporter(trajectory, interval, append=append[0], enforcePeriodicBox=False),
            app.StateDataReporter(
                energies,
                interval,
                append=append[1],
                step=True,
                time=True,
                potentialEnergy=True,
                kineticEnergy=True,
                temperature=True,
                volume=True,
            ),
            self._jump_reporter,
        ]

    def _save_checkpoint(self) -> None:
        context = self.simulation.context
        energy = context.getState(energy=True).getPotentialEnergy()._value
        if not math.isfinite(energy):
            raise FloatingPointError(
                f"the energy is {energy} after {self.step} steps: the simulation has blown up. "
                "Shorten time_step_fs or minimize first; the last checkpoint before this is kept"
            )
        self._jump_reporter.write(self.integrator)
        save_restart(self.folder / _RESTART, context.createCheckpoint(), self._files)

    def _return_to_checkpoint(self) -> None:
        checkpoint, marks = load_restart(self.folder / _RESTART)
        for mark in marks:
            return_to_mark(self.folder, mark)
        try:
            self.simulation.context.loadCheckpoint(checkpoint)
        except openmm.OpenMMException as error:
            raise ValueError(
                f"cannot load the checkpoint in {self.folder}: {error}. Resume with the version of "
                "OpenMM, the platform and the input files with which the run began"
            ) from error
        self.simulation.currentStep = self.simulation.context.getStepCount()


def _agreed_settings(folder: Path, settings: RunSettings | None, resume: bool) -> RunSettings:
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
    stored = RunSettings(**json.loads(path.read_text()))
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


def _integrator(settings: RunSettings, proposer: Any) -> GenerativeJumpIntegrator:
    inner = openmm.LangevinMiddleIntegrator(
        settings.temperature_k * unit.kelvin,
        settings.friction_per_ps / unit.picosecond,
        settings.time_step_fs * unit.femtoseconds,
    )
    inner.setRandomNumberSeed(settings.seed)
    return GenerativeJumpIntegrator(
        inner,
        proposer,
        jumpInterval=settings.jump_interval,
        triesPerJump=settings.tries_per_jump,
        seed=settings.seed,
    )


def _simulation(settings: RunSettings, given: SystemInput, integrator: Any) -> app.Simulation:
    seed_forces(given.system, settings.seed)
    platform = find_platform(settings.platform)
    return app.Simulation(given.topology, given.system, integrator, platform)
