"""What the windows of one direction have sampled, on disk: `WindowSamples`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.unbinding.pose import Poses
from openmm_genmd.unbinding.whole_file import load_whole, whole_file

Array = NDArray[np.float64]

_SAMPLES = "samples.npz"
_COUNTS = ("core_seconds", "steps", "renamed", "leaps_tried", "leaps_accepted")


@dataclass(frozen=True, eq=False)
class Replicas:
    """Where all replicas are, to go on from.

    Attributes
    ----------
    positions_nm, velocities_nm_per_ps
        ``(n_replicas, n_particles, 3)`` float64.
    box_nm
        ``(n_replicas, 3, 3)``, box vectors, nm.
    windows
        ``(n_replicas,)``, the window of each.

    Examples
    --------
    >>> Replicas(np.zeros((2, 5, 3)), np.zeros((2, 5, 3)), np.zeros((2, 3, 3)), np.arange(2)).n
    2
    """

    positions_nm: Array
    velocities_nm_per_ps: Array
    box_nm: Array
    windows: NDArray[np.intp]

    @property
    def n(self) -> int:
        """How many."""
        return len(self.windows)

    def for_windows(self, origins: list[int]) -> Replicas:
        """Replicas for new windows, each a copy of that in the window it comes from."""
        holder = np.argsort(self.windows)
        rows = holder[np.asarray(origins, dtype=np.intp)]
        return Replicas(
            self.positions_nm[rows],
            self.velocities_nm_per_ps[rows],
            self.box_nm[rows],
            np.arange(len(origins)),
        )


@dataclass(frozen=True, eq=False)
class WindowSamples:
    """Samples of replica exchange, one of each replica after each iteration.

    Attributes
    ----------
    windows
        ``(n_iterations, n_replicas)``, in which window each replica was.
    poses
        ``n_iterations * n_replicas`` of them, replicas of one iteration next to each other.
    observables
        By name, ``(n_iterations, n_replicas)``; what may be slow.
    interaction_kj_per_mol
        ``(n_iterations,)``: energy of the replica in the last window less that with its ligand
        infinitely far away, NaN where there is no such thing.
    core_seconds, steps
        What they cost, seeds included: of one core, and evaluations of the forces.
    renamed
        Relabellings that were accepted.
    leaps_tried, leaps_accepted
        Of the ligand; see `WindowLeaps`.

    Examples
    --------
    Made by `sample_windows`.
    """

    windows: NDArray[np.intp]
    poses: Poses
    observables: dict[str, Array]
    interaction_kj_per_mol: Array
    core_seconds: float = 0.0
    steps: int = 0
    renamed: int = 0
    leaps_tried: int = 0
    leaps_accepted: int = 0

    @property
    def iterations(self) -> int:
        """How many."""
        return len(self.windows)

    @classmethod
    def joined(cls, parts: list[WindowSamples]) -> Self:
        """All of them, one after the other; what they cost is added."""
        return cls(
            np.concatenate([part.windows for part in parts]),
            Poses.joined([part.poses for part in parts]),
            {
                name: np.concatenate([part.observables[name] for part in parts])
                for name in parts[0].observables
            },
            np.concatenate([part.interaction_kj_per_mol for part in parts]),
            **{name: sum(getattr(part, name) for part in parts) for name in _COUNTS},
        )

    def first(self, iterations: int) -> Self:
        """Samples of the first iterations; the cost stays that of all."""
        return replace(
            self,
            windows=self.windows[:iterations],
            poses=self.poses[: iterations * self.windows.shape[1]],
            observables={name: values[:iterations] for name, values in self.observables.items()},
            interaction_kj_per_mol=self.interaction_kj_per_mol[:iterations],
        )

    def charged(self, core_seconds: float, steps: int) -> Self:
        """The same at more cost."""
        return replace(
            self, core_seconds=self.core_seconds + core_seconds, steps=self.steps + steps
        )

    def save(self, replicas: Replicas, folder: Path) -> None:
        """Write samples and replicas; a file is replaced whole or not at all."""
        arrays: dict[str, Any] = {
            f"observable {name}": values for name, values in self.observables.items()
        }
        counts = {name: getattr(self, name) for name in _COUNTS}
        _write(
            folder / _SAMPLES,
            counts=np.array(json.dumps(counts)),
            windows=self.windows,
            places_nm=self.poses.places_nm,
            rotations=self.poses.rotations,
            interaction_kj_per_mol=self.interaction_kj_per_mol,
            **{f"replica {name}": value for name, value in vars(replicas).items()},
            **arrays,
        )

    @classmethod
    def load(cls, folder: Path) -> tuple[Self, Replicas] | None:
        """What `save` wrote; None where nothing is.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        path = folder / _SAMPLES
        if not path.exists():
            return None
        return load_whole(path, cls._of, "a file of samples", "its windows begin anew")

    @classmethod
    def _of(cls, stored: Mapping[str, Any]) -> tuple[Self, Replicas]:
        counts = json.loads(str(stored["counts"]))
        prefix = "observable "
        samples = cls(
            stored["windows"],
            Poses(stored["places_nm"], stored["rotations"]),
            {n[len(prefix) :]: v for n, v in stored.items() if n.startswith(prefix)},
            stored["interaction_kj_per_mol"],
            **counts,
        )
        names = ("positions_nm", "velocities_nm_per_ps", "box_nm", "windows")
        return samples, Replicas(**{name: stored[f"replica {name}"] for name in names})


def _write(path: Path, **arrays: Any) -> None:
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(file, **arrays)
