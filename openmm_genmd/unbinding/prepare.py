"""Folders of paths on which a ligand leaves, as training data: `prepare`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.data.unbinding_writer import UnbindingWriter
from openmm_genmd.md.platforms import find_platform
from openmm_genmd.md.run_folder import lock_folder
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.path_maker import MadePath, PathMaker, sample_starts
from openmm_genmd.unbinding.preparation_manifest import MANIFEST, PreparationManifest, Tally
from openmm_genmd.unbinding.preparation_plan import PreparationPlan
from openmm_genmd.unbinding.stored_complex import (
    has_complex,
    load_complex,
    require_same_complex,
    save_complex,
)
from openmm_genmd.unbinding.worker_team import run_jobs

Array = NDArray[np.float64]
Report = Callable[[int, int, PreparationManifest], None]

_STARTS = "starts.npy"


def prepare(
    bound: BoundComplex,
    out: str | Path,
    plan: PreparationPlan,
    *,
    workers: int = 1,
    resume: bool = False,
    report: Report = lambda done, of, manifest: None,
) -> PreparationManifest:
    """Manifest of a folder that has all paths of a plan, for `genmd train biomd`.

    The folder has the layout of `UnbindingFolder`, and besides ``topology.pdb``, ``system.xml`` and
    ``complex.json``, from which `load_complex` makes the complex, ``starts.npy`` and
    ``manifest.json``. Paths on which the ligand does not leave are there, too: the index says so.
    Whatever is killed, what is finished is kept, and `resume` makes the rest. Which paths there are
    does not depend on the number of workers, nor on interruptions; their order does.

    Parameters
    ----------
    bound
        The complex.
    out
        The folder.
    plan
        What to make.
    workers
        Processes, each on one core. With several, the calling script needs
        ``if __name__ == "__main__":``.
    resume
        Whether to go on in a folder; a plan with more paths adds these.
    report
        Called with the paths that are done, those of the plan, and what came of them.

    Raises
    ------
    FileNotFoundError
        If there is nothing to resume.
    ValueError
        If the folder is not empty, or has another complex or plan, or there is no such platform,
        or a number of workers below 1.
    RuntimeError
        If a worker process dies, the bound state is unstable, or another process is at work here.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> from openmm_genmd.unbinding.straight_pull import PullSettings
    >>> plan = PreparationPlan(pulls=2, pull=PullSettings(steps=50), starts=1, settle_ps=0.1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     manifest = prepare(bundled_complex("cb7-b2"), folder, plan)
    >>> manifest.pull.paths, manifest.pull.left
    (2, 0)
    """
    folder = Path(out)
    if workers < 1:
        raise ValueError(f"workers must be at least 1, got {workers}")
    find_platform(plan.platform)
    inner = folder / bound.name
    if resume:
        bound = _stored(bound, folder, plan)
    else:
        _require_new(folder, inner)
    inner.mkdir(parents=True, exist_ok=True)
    # The inner folder, since the writer locks the outer one for each trajectory.
    with lock_folder(inner):
        return _Preparation(bound, folder, plan, report).finish(workers)


def _require_new(folder: Path, inner: Path) -> None:
    # These are left where a process is killed before the manifest is there.
    begun = {inner, inner / ".lock", folder / f"{MANIFEST}.partial"}
    if folder.exists() and not (folder.is_dir() and begun.issuperset(folder.rglob("*"))):
        raise ValueError(
            f"{folder} is there already and not empty; choose --resume to go on in it, or a new "
            "folder"
        )


def _stored(bound: BoundComplex, folder: Path, plan: PreparationPlan) -> BoundComplex:
    """Complex as it is stored, if a folder was begun with what is asked for."""
    manifest = PreparationManifest.read(folder)
    if different := plan.differences(manifest.plan):
        raise ValueError(
            f"{folder} was begun with other settings, now {', '.join(different)}; go on with those "
            "in its manifest.json, or choose a new folder"
        )
    if not has_complex(folder):
        return bound
    stored = load_complex(folder)
    require_same_complex(bound, stored, folder)
    return stored


class _Preparation:
    """One session in a folder."""

    def __init__(
        self, bound: BoundComplex, folder: Path, plan: PreparationPlan, report: Report
    ) -> None:
        self._bound, self._folder, self._plan, self._report = bound, folder, plan, report
        if (folder / MANIFEST).exists():
            self._manifest = PreparationManifest.read(folder)
        else:
            self._manifest = PreparationManifest(plan=plan)
        # A plan with more paths takes the place of the one before.
        self._update(plan=plan)
        if not has_complex(folder):
            save_complex(bound, folder)
        self._writer = UnbindingWriter(
            folder, bound.name, bound.topology, bound.ligand, bound.positions_nm
        )

    def finish(self, workers: int) -> PreparationManifest:
        """Make what is not there."""
        known = {(made.method, made.seed) for made in self._writer.trajectories()}
        known |= self._manifest.unstable
        jobs = self._plan.jobs()
        left = [job for job in jobs if job.key not in known]
        before = len(jobs) - len(left)
        self._report(before, len(jobs), self._manifest)
        if left:
            maker = PathMaker(self._bound, self._plan, self._starts_nm())
            with closing(run_jobs(maker.make, left, workers)) as paths:
                for done, made in enumerate(paths, before + 1):
                    self._keep(made)
                    self._report(done, len(jobs), self._manifest)
        return self._manifest

    def _starts_nm(self) -> Array:
        """Starts as they are stored, or made now."""
        path = self._folder / _STARTS
        if path.exists():
            return _load_starts(path, self._plan.starts, len(self._bound.positions_nm))
        began = time.process_time()
        starts_nm, steps = sample_starts(self._bound, self._plan)
        partial = self._folder / f"{_STARTS}.partial"
        with partial.open("wb") as file:
            np.save(file, starts_nm)
        os.replace(partial, path)
        cost = Tally(steps=steps, core_seconds=time.process_time() - began)
        self._update(starts=cost)
        return starts_nm

    def _keep(self, made: MadePath) -> None:
        """Store a path, first itself, then what it cost."""
        if stored := len(made.frames_nm) > 0:
            self._writer.append(
                made.frames_nm,
                method=made.job.method,
                seed=made.job.seed,
                frame_interval_ps=made.frame_interval_ps,
                work_kcal_per_mol=made.work_kcal_per_mol,
                stable_exit=made.stable,
            )
        tally: Tally = getattr(self._manifest, made.job.method)
        grown = Tally(
            paths=tally.paths + 1,
            left=tally.left + made.left,
            stable=tally.stable + made.stable,
            unstable=tally.unstable if stored else (*tally.unstable, made.job.seed),
            steps=tally.steps + made.steps,
            core_seconds=tally.core_seconds + made.core_seconds,
        )
        self._update(**{made.job.method: grown})

    def _update(self, **changed: Tally | PreparationPlan) -> None:
        self._manifest = self._manifest.model_copy(update=changed)
        self._manifest.save(self._folder)


def _load_starts(path: Path, n_starts: int, n_particles: int) -> Array:
    try:
        starts_nm = np.load(path)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"cannot read {path}: {error}; remove it, and it is made anew") from None
    expected = (n_starts, n_particles, 3)
    if starts_nm.shape != expected or not np.isfinite(starts_nm).all():
        raise ValueError(
            f"{path} should have {expected} finite numbers, got {starts_nm.shape}; remove it, and "
            "it is made anew"
        )
    return np.asarray(starts_nm, dtype=np.float64)
