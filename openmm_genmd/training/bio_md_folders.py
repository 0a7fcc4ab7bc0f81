"""Folders of trajectories of complexes, as BioMD learns from them: `read_complexes`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from openmm_genmd.data.unbinding_folder import UnbindingEntry, UnbindingFolder
from openmm_genmd.data.unbinding_index import UnbindingTrajectory
from openmm_genmd.representations.complex_atoms import ComplexAtoms, pocket_residues
from openmm_genmd.representations.path_progress import by_progress
from openmm_genmd.training.complex_trajectories import ComplexTrajectories


def read_complexes(
    folder: Path,
    *,
    pocket_nm: float | None = None,
    highest_work_kcal_per_mol: float | None = None,
    stable_exits_only: bool = True,
    progress_frames: int | None = 100,
) -> list[ComplexTrajectories]:
    """Trajectories of all complexes in a folder.

    Parameters
    ----------
    folder
        As `UnbindingFolder` reads it.
    pocket_nm
        Model only residues with an atom so near the ligand in the first frame; by default all.
    highest_work_kcal_per_mol
        Leave out trajectories into which more work was put; those of unknown work stay.
    stable_exits_only
        Leave out trajectories that are known not to end in a stable exit.
    progress_frames
        Steps from the start to the exit, of equal progress; see `by_progress`. None leaves the
        frames as they are, at equal times.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If a file is damaged, nothing is left of a complex, a ligand does not move, or frames are to
        be taken by time and their intervals differ.
    """
    complexes = []
    for entry in UnbindingFolder.open(folder).entries:
        chosen = [
            t
            for t in entry.trajectories
            if _is_wanted(t, highest_work_kcal_per_mol, stable_exits_only)
        ]
        _require_trajectories(entry, chosen, folder, by_time=progress_frames is None)
        complexes.append(_read(entry, chosen, pocket_nm, progress_frames))
    if not complexes:
        raise ValueError(f"{folder} has no complexes; genmd unbind prepare fills such a folder")
    return complexes


def _is_wanted(
    trajectory: UnbindingTrajectory, highest_work: float | None, stable_only: bool
) -> bool:
    work = trajectory.work_kcal_per_mol
    if highest_work is not None and work is not None and work > highest_work:
        return False
    return not (stable_only and trajectory.stable_exit is False)


def _require_trajectories(
    entry: UnbindingEntry,
    chosen: Sequence[UnbindingTrajectory],
    folder: Path,
    *,
    by_time: bool,
) -> None:
    if not chosen:
        raise ValueError(
            f"none of the {len(entry.trajectories)} trajectories of {entry.id} in {folder} is left "
            "to learn from; allow more work, or those without a stable exit"
        )
    intervals = sorted({t.frame_interval_ps or 0.0 for t in chosen})
    if by_time and len(intervals) > 1:
        raise ValueError(
            f"trajectories of {entry.id} in {folder} have frames every "
            f"{', '.join(f'{x:g}' if x else 'unknown' for x in intervals)} ps; expected one "
            "interval, or frames of equal progress instead of time"
        )


def _read(
    entry: UnbindingEntry,
    chosen: Sequence[UnbindingTrajectory],
    pocket_nm: float | None,
    progress_frames: int | None,
) -> ComplexTrajectories:
    receptor = None
    if pocket_nm is not None:
        first = entry.read(chosen[0])[0]
        receptor = pocket_residues(entry.topology, first, entry.ligand, radius_nm=pocket_nm)
    atoms = ComplexAtoms.of(entry.topology, entry.ligand, receptor=receptor)
    positions = tuple(
        np.ascontiguousarray(entry.read(t)[:, atoms.particles], dtype=np.float32) for t in chosen
    )
    weights = np.ones(len(chosen))
    if progress_frames is None:
        interval = chosen[0].frame_interval_ps
        return ComplexTrajectories(entry.id, atoms, positions, interval, weights)
    paths = [by_progress(p, atoms.is_ligand, frames=progress_frames) for p in positions]
    return ComplexTrajectories(
        entry.id,
        atoms,
        tuple(path.positions_nm for path in paths),
        None,
        weights,
        tuple(path.unsmoothed_nm for path in paths),
    )
