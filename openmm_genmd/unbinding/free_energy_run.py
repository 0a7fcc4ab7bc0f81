"""The free energy of unbinding along a path: `run_free_energy`."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray

from openmm_genmd.md.run_folder import lock_folder
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.free_energy_estimate import weak_points
from openmm_genmd.unbinding.free_energy_result import FreeEnergyResult
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.kept_plan import plan_changes
from openmm_genmd.unbinding.ligand_symmetry import ligand_symmetries
from openmm_genmd.unbinding.path_windows import PathWindows
from openmm_genmd.unbinding.pose import PoseFrame
from openmm_genmd.unbinding.pose_restraint import PoseRestraint
from openmm_genmd.unbinding.whole_file import write_whole
from openmm_genmd.unbinding.window_samples import Replicas, WindowSamples
from openmm_genmd.unbinding.window_sampling import (
    DIRECTIONS,
    Direction,
    WindowPlan,
    sample_windows,
)
from openmm_genmd.unbinding.worker_team import end_if_left_behind, run_jobs

Report = Callable[[str, int, int], None]
Found = dict[Direction, tuple[WindowSamples, Replicas]]
Better = tuple[WindowPlan, dict[Direction, Replicas]]
_PLAN, _WINDOWS, _DONE = "plan.json", "windows.json", "iterations.txt"
_WATCH_SECONDS = 1.0
_MARGIN_OF_TRIAL = 2.0
"""What just overlaps in a short trial may not in a long run."""
_NEARLY_SYMMETRIC_KJ_PER_MOL = 1.0
"""Charges fitted to symmetric molecules are only nearly symmetric."""


@dataclass(frozen=True, eq=False)
class FreeEnergyPlan:
    """What `run_free_energy` does.

    Attributes
    ----------
    bound
        The complex.
    frames_nm
        ``(n, n_particles, 3)``, nm, of the path: from the bound state to an exit.
    path_number
        Of the walker that found it.
    settings
        Of windows and MD.
    seed
        Of everything random.
    platform
        Of OpenMM, by name.

    Examples
    --------
    Made by `genmd unbind free-energy`.
    """

    bound: BoundComplex
    frames_nm: NDArray[Any]
    path_number: int
    settings: FreeEnergySettings = field(default_factory=FreeEnergySettings)
    seed: int = 1
    platform: str = "CPU"


def run_free_energy(
    plan: FreeEnergyPlan,
    folder: str | Path,
    *,
    workers: int = 1,
    report: Report = lambda stage, done, of: None,
) -> FreeEnergyResult:
    """Free energy along a path, from simulations started at either end, with a verdict.

    What the folder holds of it is not done again; more iterations go on from there.

    Parameters
    ----------
    plan
        What to do.
    folder
        New, or of the same plan; only the number of iterations may have grown.
    workers
        Processes, each on one core; more than two have nothing to do.
    report
        Called with a stage, how much of it is done, and of how much.

    Raises
    ------
    ValueError
        If the folder is one of another plan, the path takes too many windows, the ligand has no
        orientation, or a file is damaged.
    RuntimeError
        If the MD becomes unstable, or a process dies.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with lock_folder(folder):
        _require_same_plan(plan, folder)
        work = partial(_run, workers=workers, report=report)
        windows, found, trial = _sampled(plan, _first_windows(plan), folder, work)
        samples = {d: _with_trials(found[d][0], d, folder, trial) for d in DIRECTIONS}
    return FreeEnergyResult.of(windows, samples, plan.path_number)


def _first_windows(plan: FreeEnergyPlan) -> WindowPlan:
    frames = np.asarray(plan.frames_nm, dtype=np.float64)
    settings, bound = plan.settings, plan.bound
    frame = PoseFrame.of(bound, frames)
    path = PathWindows.along(frames, frame, bound, settings)
    restraint = PoseRestraint(frame, path.windows[0].place_nm, settings.site_radius_nm)
    return WindowPlan(
        bound,
        frame,
        restraint,
        ligand_symmetries(bound, tolerance_kj_per_mol=_NEARLY_SYMMETRIC_KJ_PER_MOL),
        path,
        frames[[0, -1]],
        settings,
        plan.seed,
        plan.platform,
    )


def _sampled(
    plan: FreeEnergyPlan, windows: WindowPlan, folder: Path, work: Callable[..., Found]
) -> tuple[WindowPlan, Found, str]:
    """Windows to which others were added until all is well, their samples, and the folder's name.

    What was decided stays decided: the folder of the next windows is there then.
    """
    starts: dict[Direction, Replicas] = {}
    for trial in count():
        own, following = folder / f"trial-{trial}", folder / f"trial-{trial + 1}" / _WINDOWS
        windows = _kept(windows, own)
        if following.exists():
            work(windows, own, plan.settings.trial_iterations, starts)
            continue
        run = partial(work, windows, own, starts=starts)
        found, better = _improved(windows, own, run, may_change=trial < plan.settings.most_trials)
        if better is None:
            break
        windows, starts = better
    return windows, found, own.name


def _improved(
    windows: WindowPlan, folder: Path, run: Callable[[int], Found], *, may_change: bool
) -> tuple[Found, Better | None]:
    """Samples of windows, and better windows if a trial or the whole run asks for them."""
    settings = windows.settings
    before = min(_iterations_done(folder / direction / _DONE) for direction in DIRECTIONS)
    found = run(settings.trial_iterations)
    if may_change and before <= settings.trial_iterations:
        better = _better(windows, found, settings.trial_iterations, _MARGIN_OF_TRIAL)
        if better is not None:
            return found, better
    found = run(settings.iterations)
    if may_change and before < settings.iterations:
        with suppress(ValueError):  # too many windows: then the verdict says what is wrong
            return found, _better(windows, found, settings.iterations, 1.0)
    return found, None


def _better(windows: WindowPlan, found: Found, iterations: int, margin: float) -> Better | None:
    """More windows where springs are too soft or neighbors overlap too little, if there are such.

    With the replicas that they start from.
    """
    parts = [found[d][0].first(iterations) for d in DIRECTIONS]
    weak, soft = weak_points(windows, parts, margin * windows.settings.least_overlap)
    path, origins = windows.path.refined(weak, soft, windows.settings)
    if len(origins) == len(windows.path.windows):
        return None
    starts = {d: found[d][1].for_windows(origins) for d in DIRECTIONS}
    return replace(windows, path=path), starts


def _kept(windows: WindowPlan, folder: Path) -> WindowPlan:
    """Windows that the folder was sampled with, which these become if there are none yet.

    What was decided on a trial stays decided, whatever would be decided on it now.
    """
    file = folder / _WINDOWS
    if file.exists():
        path = PathWindows.of_json(file.read_text(encoding="utf-8"))
        return replace(windows, path=path)
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(file, windows.path.to_json())
    return windows


def _run(
    windows: WindowPlan,
    folder: Path,
    iterations: int,
    starts: dict[Direction, Replicas],
    workers: int,
    report: Report,
) -> Found:
    """Both directions, each a job."""
    work = partial(_job, windows, folder, iterations, starts)
    found: Found = {}
    told = partial(report, f"{len(windows.path.windows)} windows")
    files = [folder / direction / _DONE for direction in DIRECTIONS]
    with _watched(files, iterations, told), closing(run_jobs(work, DIRECTIONS, workers)) as jobs:
        found |= dict(jobs)
    return found


@contextmanager
def _watched(
    files: Sequence[Path], iterations: int, report: Callable[[int, int], None]
) -> Iterator[None]:
    """Block in which the iterations that other processes have done are reported every second."""
    over, of = threading.Event(), iterations * len(files)

    def watch() -> None:
        while not over.wait(_WATCH_SECONDS):
            report(sum(map(_iterations_done, files)), of)

    report(0, of)
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    report(of, of)


def _iterations_done(file: Path) -> int:
    try:
        return int(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not there yet, or just being replaced
        return 0


def _job(
    windows: WindowPlan,
    folder: Path,
    iterations: int,
    starts: dict[Direction, Replicas],
    direction: Direction,
) -> tuple[Direction, tuple[WindowSamples, Replicas]]:
    own = folder / direction
    own.mkdir(parents=True, exist_ok=True)

    def report(done: int) -> None:
        end_if_left_behind()
        (own / _DONE).write_text(str(done), encoding="utf-8")

    start = starts.get(direction)
    return direction, sample_windows(
        windows, direction, own, iterations, start=start, report=report
    )


def _with_trials(
    samples: WindowSamples, direction: Direction, folder: Path, last: str
) -> WindowSamples:
    """Samples that are charged with the trials before them."""
    for trial in sorted(folder.glob("trial-*")):
        stored = WindowSamples.load(trial / direction) if trial.name != last else None
        if stored is not None:
            samples = samples.charged(stored[0].core_seconds, stored[0].steps)
    return samples


def _require_same_plan(plan: FreeEnergyPlan, folder: Path) -> None:
    if changed := plan_changes(_identity(plan), folder / _PLAN):
        raise ValueError(
            f"{folder} holds windows of another plan ({', '.join(changed)} differ); use the same "
            "options, only the number of iterations may grow, or move that folder away"
        )


def _identity(plan: FreeEnergyPlan) -> dict[str, Any]:
    system = openmm.XmlSerializer.serialize(plan.bound.system)
    frames = np.ascontiguousarray(plan.frames_nm, dtype=np.float32)
    return {
        "system": plan.bound.name,
        "system_sha256": hashlib.sha256(system.encode()).hexdigest(),
        "path": plan.path_number,
        "path_sha256": hashlib.sha256(frames.tobytes()).hexdigest(),
        "settings": plan.settings.model_dump(mode="json", exclude={"iterations"}),
        "seed": plan.seed,
        "platform": plan.platform,
        "temperature_k": plan.bound.temperature_k,
    }
