"""A hybrid run in a folder of its own: resumable, reported, finished once."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.candidate_file import read_header
from openmm_genmd.md.candidate_recorder import (
    CandidateRecorder,
    candidate_header,
    recorded_torsions,
    remove_rows,
)
from openmm_genmd.md.integrator import GenerativeJumpIntegrator
from openmm_genmd.md.jump_reporter import JumpReporter
from openmm_genmd.md.platforms import find_platform
from openmm_genmd.md.protocols import JumpProtocol
from openmm_genmd.md.run_folder import (
    load_restart,
    lock_folder,
    remember_system,
    require_same_system,
    return_to_mark,
    save_restart,
)
from openmm_genmd.md.run_proposer import run_proposer, run_protocol
from openmm_genmd.md.run_settings import RunSettings, agreed_settings
from openmm_genmd.md.seeds import seed_forces
from openmm_genmd.md.system_input import SystemInput, load_system_input

_FACTS, _SYSTEM, _RESTART = "facts.json", "system.xml", "restart.bin"
_TRAJECTORY, _ENERGIES, _JUMPS = "trajectory.dcd", "energies.csv", "jumps.csv"
_PROGRESS_STEPS = 1000


class HybridRun:
    """MD with learned leaps in a folder that always holds a consistent run.

    The folder gets ``run.json`` (settings), ``facts.json`` (grade, versions), ``system.xml``,
    ``topology.pdb``, ``trajectory.dcd``, ``energies.csv``, ``jumps.csv`` and ``restart.bin``; with
    ``record_candidates`` also ``candidates.json`` and ``candidates-S.rows``.
    Killed at any moment, the run continues from its last checkpoint: files are cut back to it
    first, so that nothing is lost or doubled.

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
        self.settings = agreed_settings(self.folder, settings, resume)
        given = load_system_input(
            self.settings.pdb,
            self.settings.system,
            constraints=self.settings.constraints,
            nonbonded=self.settings.nonbonded,
            cutoff_nm=self.settings.cutoff_nm,
        )
        proposer = run_proposer(self.settings, given)
        protocol = run_protocol(self.settings, given.system, proposer)
        self._recorded = (
            recorded_torsions(proposer, given.topology, given.system)
            if self.settings.record_candidates
            else None
        )
        self._recorder: CandidateRecorder | None = None
        self.integrator = _integrator(self.settings, proposer, protocol)
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
            require_same_system(self.folder / _SYSTEM, given.system)
            self._return_to_checkpoint()
            self._add_reporters()
        else:
            remember_system(self.folder / _SYSTEM, given.system)
            self._begin(given)
            self._add_reporters()
            self._save_checkpoint()

    @property
    def step(self) -> int:
        """MD steps done so far."""
        return int(self.simulation.currentStep)

    def run(
        self,
        steps: int | None = None,
        on_progress: Callable[[int], None] = lambda step: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Run until `steps` MD steps are done in all, counted from the beginning of the run.

        Parameters
        ----------
        steps
            Where to stop; None means where the settings say. Nothing happens if the run is
            already there.
        on_progress
            Called with the step count every thousand steps or so.
        should_stop
            Asked as often; if it says True, a checkpoint is written and the method returns.

        Raises
        ------
        FloatingPointError
            If the energy is no longer finite. The last checkpoint before that is kept.
        """
        steps = self.settings.steps if steps is None else steps
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
        if self._recorder is not None:
            self.integrator.setCandidateObserver(None)
            self._recorder.close()
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
        self.settings.save(self.folder)
        facts = {
            "grade": self.integrator.getGrade(),
            "openmm": openmm.Platform.getOpenMMVersion(),
            "openmm-genmd": version("openmm-genmd"),
        }
        (self.folder / _FACTS).write_text(json.dumps(facts, indent=2) + "\n")
        if self._recorded is not None:
            proposer = self.integrator.getProposer()
            candidate_header(self.settings, self._recorded, proposer).save(self.folder)

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
                volume=self._is_periodic,
            ),
            self._jump_reporter,
        ]
        if self._recorded is not None:
            self._recorder = CandidateRecorder(
                self.folder,
                read_header(self.folder),
                self._recorded,
                first_attempt=self.integrator.getNumJumpsAttempted(),
                box_nm=self._box_nm if self._is_periodic else None,
            )
            self.integrator.setCandidateObserver(self._recorder)

    @property
    def _is_periodic(self) -> bool:
        return bool(self.simulation.system.usesPeriodicBoundaryConditions())

    def _box_nm(self) -> NDArray[np.float64]:
        vectors = self.simulation.context.getState().getPeriodicBoxVectors(asNumpy=True)
        return np.asarray(vectors._value)

    def _save_checkpoint(self) -> None:
        context = self.simulation.context
        energy = context.getState(energy=True).getPotentialEnergy()._value
        if not math.isfinite(energy):
            raise FloatingPointError(
                f"the energy is {energy} after {self.step} steps: the simulation has blown up. "
                "Shorten time_step_fs or minimize first; the last checkpoint before this is kept"
            )
        self._jump_reporter.write(self.integrator)
        recorded = [] if self._recorder is None else [self._recorder.write()]
        save_restart(self.folder / _RESTART, context.createCheckpoint(), [*self._files, *recorded])
        if self._recorder is not None:
            self._recorder.keep_one_file()

    def _return_to_checkpoint(self) -> None:
        checkpoint, marks = load_restart(self.folder / _RESTART)
        try:
            self.simulation.context.loadCheckpoint(checkpoint)
        except openmm.OpenMMException as error:
            raise ValueError(
                f"cannot load the checkpoint in {self.folder}: {error}. Resume with the version of "
                "OpenMM, the platform and the input files with which the run began"
            ) from error
        self.simulation.currentStep = self.simulation.context.getStepCount()
        for mark in marks:
            return_to_mark(self.folder, mark)
        remove_rows(self.folder, {mark.name for mark in marks})


def _integrator(
    settings: RunSettings, proposer: Any, protocol: JumpProtocol
) -> GenerativeJumpIntegrator:
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
        protocol=protocol,
        seed=settings.seed,
    )


def _simulation(settings: RunSettings, given: SystemInput, integrator: Any) -> app.Simulation:
    seed_forces(given.system, settings.seed)
    platform = find_platform(settings.platform)
    return app.Simulation(given.topology, given.system, integrator, platform)
