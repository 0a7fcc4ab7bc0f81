"""A path that a walker has found: `FoundPath`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.unbinding.walker import Walker
from openmm_genmd.units import KJ_PER_KCAL

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FoundPath:
    """A path from the bound state on, of grade `exploratory`: it has no weight and no rate.

    Attributes
    ----------
    number
        Of the walker that found it.
    frames_nm
        ``(n, n_particles, 3)`` float32, nm, from the bound state on. They are not evenly spaced in
        time: leaps carry no physical time.
    work_frames
        ``(m,)``, frames at which the work is known, ascending, the first being frame 0.
    work_kcal_per_mol
        ``(m,)`` float64, work spent on the complex up to these frames, kcal/mol: that of the moves
        of the springs' centres, less what the springs hold there and would give back.
    status
        Whether the ligand got out.
    stable_exit
        Whether it stayed out in unbiased MD; None: it did not get out, or no one looked.
    steps, core_seconds
        What it cost: evaluations of the forces, and seconds of one core.
    leaps
        That lead along it.
    refused_leaps
        Of the walker, by reason.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, or a number is not finite.

    Examples
    --------
    >>> path = FoundPath(
    ...     0, np.zeros((5, 2, 3), np.float32), np.array([0, 4]), np.array([0.0, 20.0]), "out", True
    ... )
    >>> path.counts, path.total_work_kcal_per_mol, path.work_at(np.array([0.5]))
    (True, 20.0, array([10.]))
    """

    number: int
    frames_nm: NDArray[np.float32]
    work_frames: NDArray[np.intp]
    work_kcal_per_mol: Array
    status: Literal["out", "gave up"]
    stable_exit: bool | None = None
    steps: int = 0
    core_seconds: float = 0.0
    leaps: int = 0
    refused_leaps: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        shape, n = self.frames_nm.shape, len(self.frames_nm)
        if len(shape) != 3 or shape[2] != 3 or n == 0:
            raise ValueError(
                f"path {self.number}: expected frames (n, n_particles, 3), got {shape}"
            )
        at = self.work_frames
        if len(at) != len(self.work_kcal_per_mol) or len(at) == 0:
            raise ValueError(
                f"path {self.number}: expected a work for each of its {len(at)} frames with one, "
                f"got {len(self.work_kcal_per_mol)}"
            )
        if at[0] != 0 or at[-1] != n - 1 or np.any(np.diff(at) <= 0):
            raise ValueError(
                f"path {self.number}: frames with a work must ascend from 0 to the last one, "
                f"{n - 1}, got {at.tolist()}"
            )
        if not (np.isfinite(self.frames_nm).all() and np.isfinite(self.work_kcal_per_mol).all()):
            raise ValueError(f"path {self.number} has positions or works that are not finite")

    @classmethod
    def of(
        cls,
        walker: Walker,
        stable_exit: bool | None,
        *,
        steps: int | None = None,
        core_seconds: float | None = None,
    ) -> Self:
        """Path of a walker that is done.

        Parameters
        ----------
        walker
            Not walking any more.
        stable_exit
            See the class.
        steps, core_seconds
            What it cost, verification included; the walker's own unless given.

        Raises
        ------
        ValueError
            If the walker still walks.
        """
        if walker.status == "walking":
            raise ValueError(
                f"walker {walker.number} still walks; finish the search first, it goes on from "
                "where it is"
            )
        spent = [stop.work_kj_per_mol - stop.held_kj_per_mol for stop in walker.stops]
        return cls(
            walker.number,
            walker.path_nm(),
            np.cumsum([len(stop.frames_nm) for stop in walker.stops]) - 1,
            np.array(spent) / KJ_PER_KCAL,
            walker.status,
            stable_exit,
            walker.steps if steps is None else steps,
            walker.core_seconds if core_seconds is None else core_seconds,
            walker.leaps,
            dict(walker.refused_leaps),
        )

    @property
    def counts(self) -> bool:
        """Whether the ligand got out and stayed out."""
        return self.status == "out" and self.stable_exit is True

    @property
    def total_work_kcal_per_mol(self) -> float:
        """Work of the whole path, the springs' release included, kcal/mol."""
        return float(self.work_kcal_per_mol[-1])

    @property
    def progress(self) -> Array:
        """Where on the path each frame is, ``(n,)``: from 0, bound, to 1, its end."""
        return (
            np.linspace(0.0, 1.0, len(self.frames_nm)) if len(self.frames_nm) > 1 else np.zeros(1)
        )

    def work_at(self, progress: Array) -> Array:
        """Cumulated work, kcal/mol, interpolated at numbers from 0, bound, to 1, the end."""
        known = self.progress[self.work_frames]
        return np.asarray(np.interp(progress, known, self.work_kcal_per_mol))


def exits(paths: Iterable[FoundPath]) -> list[FoundPath]:
    """Paths on which the ligand got out, without those on which it was seen to come back."""
    return [path for path in paths if path.status == "out" and path.stable_exit is not False]
