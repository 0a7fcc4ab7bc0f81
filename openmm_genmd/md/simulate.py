"""Training data: hot MD finds basins, short runs at the target temperature fill them."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.md.manifest import Manifest, read_manifest
from openmm_genmd.md.planned_runs import PlannedRun, cold_runs, hot_runs
from openmm_genmd.md.platforms import find_platform
from openmm_genmd.md.run_folder import lock_folder
from openmm_genmd.md.seeds import openmm_seed, seed_forces
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.starts import (
    relax,
    rotated_conformations,
    same_stereochemistry,
    search_torsions,
    spread_out,
    thinned,
)
from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.md.torsion_leaps import TorsionLeaps
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Progress:
    """How far a simulation is.

    Attributes
    ----------
    stage
        What is being run.
    done_ps, total_ps
        Simulated time of all runs together.
    ns_per_day
        Speed so far; 0 at the beginning.

    Examples
    --------
    >>> progress = Progress("run-003 (300 K)", done_ps=50.0, total_ps=200.0, ns_per_day=900.0)
    >>> f"{progress.stage}: {100 * progress.done_ps / progress.total_ps:.0f} %"
    'run-003 (300 K): 25 %'
    """

    stage: str
    done_ps: float
    total_ps: float
    ns_per_day: float


def simulate_data(
    given: SystemInput,
    plan: SimulationPlan,
    out: str | Path,
    *,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> list[Path]:
    """Paths of the trajectories at the target temperature, in the folder ``out``.

    Writes ``topology.pdb``, ``system.xml``, ``manifest.json`` (plan, versions, wall time),
    ``hot-*.dcd`` (exploration) and ``run-*.dcd`` (training data). A trajectory gets its name when
    it is complete: after an interruption ``resume`` repeats the unfinished run alone, with the same
    random numbers.

    Parameters
    ----------
    given
        The molecule.
    plan
        What to run.
    out
        A new or empty folder, or with ``resume`` one that was begun with the same plan.
    resume
        Continue.
    report
        Called after each frame and each minimisation.

    Raises
    ------
    FileExistsError
        If ``out`` has a manifest and ``resume`` is not set.
    ValueError
        If there is no such platform; if the plan has leaps of which the System is not capable; if
        ``resume`` is set and the plan or the System is not the one in the manifest.
    RuntimeError
        If a run becomes unstable, or another process is running in the folder.
    """
    out = Path(out)
    simulation = _Simulation(given, plan, out, report)
    out.mkdir(parents=True, exist_ok=True)
    with lock_folder(out):
        manifest = _prepare(given, plan, out, resume)
        return _run_all(simulation, manifest)


def _run_all(simulation: _Simulation, manifest: Manifest) -> list[Path]:
    given, plan, out = simulation.given, simulation.plan, simulation.out
    hot, cold = hot_runs(plan), cold_runs(plan)
    simulation.total_ps = sum(run.skip_ps + run.time_ps for run in hot + cold)
    with _seconds_recorded(manifest, out) as record:
        for index, run in enumerate(hot):
            simulation.run(run, index, given.positions_nm)
            record()
        starts = simulation.starts([out / f"{run.name}.npy" for run in hot])
        record()
        for index, run in enumerate(cold):
            # With fewer starts than runs some starts serve twice, with other random numbers.
            simulation.run(run, len(hot) + index, starts[index % len(starts)])
            record()
    return [out / f"{run.name}.dcd" for run in cold]


def _prepare(given: SystemInput, plan: SimulationPlan, out: Path, resume: bool) -> Manifest:
    manifest, stored = Manifest.of(given, plan), read_manifest(out)
    if stored is not None:
        if not resume:
            raise FileExistsError(f"{out} already has a simulation; choose --resume or a new --out")
        changed = manifest.differences(stored)
        if changed:
            raise ValueError(
                f"cannot resume in {out}: {', '.join(changed)} differ from its manifest; "
                "use the same input and options, or a new --out"
            )
        return stored
    (out / "system.xml").write_text(openmm.XmlSerializer.serialize(given.system))
    with (out / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(
            given.topology, given.positions_nm * unit.nanometer, file, keepIds=True
        )
    manifest.save(out)
    return manifest


@contextmanager
def _seconds_recorded(manifest: Manifest, out: Path) -> Iterator[Callable[[], None]]:
    """Add the wall time of this session to the manifest: when asked to, and at the end."""
    began = time.perf_counter() - manifest.data_seconds

    def record() -> None:
        manifest.model_copy(update={"data_seconds": time.perf_counter() - began}).save(out)

    try:
        yield record
    finally:
        record()


class _Simulation:
    """The runs of one call of `simulate_data`."""

    def __init__(
        self,
        given: SystemInput,
        plan: SimulationPlan,
        out: Path,
        report: Callable[[Progress], None],
    ) -> None:
        self.given, self.plan, self.out, self._report = given, plan, out, report
        self._platform = find_platform(plan.platform)
        self._system = copy.deepcopy(given.system)  # its forces are seeded
        leaps = plan.leaps or plan.hot_leaps
        self._leaps = TorsionLeaps(given.topology, given.system, plan) if leaps else None
        self._spent_s = self._simulated_ps = self._done_ps = 0.0
        self.total_ps = 0.0

    def run(self, run: PlannedRun, index: int, start_nm: Array) -> None:
        """Write one trajectory, unless it is there already.

        Raises
        ------
        RuntimeError
            If it becomes unstable.
        """
        path = self.out / f"{run.name}.dcd"
        if path.exists():
            self._done_ps += run.skip_ps + run.time_ps
            return
        context = self._context(run.temperature_k, index, run.leaps)
        try:
            self._start(context, start_nm, run.temperature_k, index)
            self._integrate(context, run, path)
        except (openmm.OpenMMException, ValueError) as error:  # the latter: NaN in a frame
            raise RuntimeError(
                f"{run.name} at {run.temperature_k:g} K failed: {error}; try a smaller time step "
                "or a lower hot temperature"
            ) from error

    def starts(self, hot_files: list[Path]) -> Array:
        """Conformations ``(n, n_particles, 3)``, nm: minimised, far apart, lowest energy first."""
        path = self.out / "starts.npy"
        if path.exists():
            return np.asarray(np.load(path))
        plan, given = self.plan, self.given
        rng = np.random.default_rng((plan.seed, 1))
        rotated = rotated_conformations(
            given.positions_nm, self._representation, plan.torsion_starts, rng
        )
        candidates = np.concatenate([given.positions_nm[None], rotated, *map(np.load, hot_files)])
        relaxed, energies = relax(
            self._context(plan.temperature_k, 0),
            candidates,
            advance=lambda: self._tell("choosing starts"),
        )
        same = same_stereochemistry(relaxed, given.positions_nm, given.topology)
        relaxed, energies = relaxed[same], energies[same]
        torsions = search_torsions(relaxed, self._representation)
        starts = relaxed[spread_out(torsions, plan.runs, first=int(np.argmin(energies)))]
        _save(path, starts)
        return np.asarray(starts)

    @cached_property
    def _representation(self) -> TorsionRepresentation:
        return TorsionRepresentation.from_topology(self.given.topology, self.given.system)

    def _context(self, temperature_k: float, index: int, leaps: bool = False) -> openmm.Context:
        integrator = openmm.LangevinMiddleIntegrator(
            temperature_k, self.plan.friction_per_ps, self.plan.time_step_fs * 1e-3
        )
        integrator.setRandomNumberSeed(openmm_seed(self.plan.seed, index, 0))
        seed_forces(self._system, openmm_seed(self.plan.seed, index, 2))
        if leaps and self._leaps:
            integrator = self._leaps.around(integrator, openmm_seed(self.plan.seed, index, 3))
        return openmm.Context(self._system, integrator, self._platform)

    def _start(
        self, context: openmm.Context, start_nm: Array, temperature_k: float, index: int
    ) -> None:
        context.setPositions(start_nm)
        openmm.LocalEnergyMinimizer.minimize(context, maxIterations=200)
        context.setVelocitiesToTemperature(temperature_k, openmm_seed(self.plan.seed, index, 1))

    def _integrate(self, context: openmm.Context, run: PlannedRun, path: Path) -> None:
        steps = max(1, round(self.plan.frame_interval_ps * 1e3 / self.plan.time_step_fs))
        interval_ps = steps * self.plan.time_step_fs * 1e-3
        skipped = round(run.skip_ps / interval_ps)
        frames = max(1, round(run.time_ps / interval_ps))
        every = run.candidate_interval(frames)
        kept = []
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            dcd = app.DCDFile(
                file, self.given.topology, self.plan.time_step_fs * 1e-3, interval=steps
            )
            for frame in range(skipped + frames):
                began = time.perf_counter()
                context.getIntegrator().step(steps)
                self._spent_s += time.perf_counter() - began
                self._simulated_ps += interval_ps
                self._done_ps += interval_ps
                self._tell(f"{run.name} ({run.temperature_k:g} K)")
                if frame >= skipped:
                    positions = _write_frame(dcd, context)
                    if (frame - skipped + 1) % every == 0:
                        kept.append(positions)
        if run.candidates:
            candidates = np.array(kept)
            if run.leaps:
                candidates = thinned(candidates, self._representation, run.candidates)
            _save(path.with_suffix(".npy"), candidates)
        os.replace(partial, path)

    def _tell(self, stage: str) -> None:
        speed = self._simulated_ps * 86.4 / self._spent_s if self._spent_s else 0.0
        self._report(Progress(stage, self._done_ps, self.total_ps, speed))


def _write_frame(dcd: app.DCDFile, context: openmm.Context) -> Array:
    state = context.getState(getPositions=True)
    periodic = context.getSystem().usesPeriodicBoundaryConditions()
    positions = state.getPositions(asNumpy=True)
    dcd.writeModel(
        positions, periodicBoxVectors=state.getPeriodicBoxVectors() if periodic else None
    )
    return np.asarray(positions.value_in_unit(unit.nanometer))


def _save(path: Path, array: Array) -> None:
    partial = path.with_suffix(".npy.partial")
    with partial.open("wb") as file:
        np.save(file, array)
    os.replace(partial, path)
