"""One try at a way out, step by step: `Walker`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.unbinding.dragged_complex import Dragged
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.whole_file import load_whole, whole_file

Array = NDArray[np.float64]
Status = Literal["walking", "out", "gave up"]


@dataclass(frozen=True, eq=False)
class Stop:
    """A good frame of a walker, from which it goes on or to which it comes back.

    Attributes
    ----------
    phase
        The moment.
    frames_nm
        ``(n, n_particles, 3)`` float32, nm, on the way there; the last is where it is.
    work_kj_per_mol
        Of the path up to here, springs still tight.
    held_kj_per_mol
        What the springs would give back.
    """

    phase: Phase
    frames_nm: NDArray[np.float32]
    work_kj_per_mol: float = 0.0
    held_kj_per_mol: float = 0.0

    def after(self, leap: Dragged) -> Stop:
        """Where a leap from here leads."""
        return Stop(
            leap.end,
            leap.frames_nm.astype(np.float32),
            self.work_kj_per_mol + leap.work_kj_per_mol,
            leap.held_kj_per_mol,
        )


@dataclass(eq=False)
class Walker:
    """A walker and where it has been.

    Attributes
    ----------
    number
        Among all walkers.
    stops
        Its good frames, the first being its bound start.
    rng
        Its random numbers.
    status
        Whether it still walks, is out, or gave up.
    attempts, refusals
        Leaps tried, and those refused in a row just now.
    refused_leaps
        Of all, by reason.
    steps
        Evaluations of the forces that it cost.
    setup_seconds, model_seconds, md_seconds
        Core seconds that it cost: its part of what is made once for several walkers, the model's
        proposals, and MD.

    Examples
    --------
    Made by `find_paths`.
    """

    number: int
    stops: list[Stop]
    rng: np.random.Generator
    status: Status = "walking"
    attempts: int = 0
    refusals: int = 0
    refused_leaps: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    setup_seconds: float = 0.0
    model_seconds: float = 0.0
    md_seconds: float = 0.0

    @property
    def here(self) -> Stop:
        """The last good frame."""
        return self.stops[-1]

    @property
    def leaps(self) -> int:
        """Leaps that led here."""
        return len(self.stops) - 1

    @property
    def work_kj_per_mol(self) -> float:
        """Work of the path, the springs' release at its end included, kJ/mol."""
        return self.here.work_kj_per_mol - self.here.held_kj_per_mol

    @property
    def core_seconds(self) -> float:
        """All that it cost."""
        return self.setup_seconds + self.model_seconds + self.md_seconds

    def path_nm(self) -> NDArray[np.float32]:
        """All frames ``(n, n_particles, 3)``, nm, from the bound state on."""
        return np.concatenate([stop.frames_nm for stop in self.stops])

    def save(self, path: Path) -> None:
        """Write everything; a file that was there is replaced whole or not at all."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        counts["rng"] = self.rng.bit_generator.state
        counts["frames"] = [len(stop.frames_nm) for stop in self.stops]
        centres = [stop.phase.centres_nm for stop in self.stops]
        n_tokens = next((len(c) for c in centres if c is not None), 0)
        slack = np.full((n_tokens, 3), np.nan)
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez(
                file,
                counts=np.array(json.dumps(counts)),
                frames_nm=self.path_nm(),
                positions_nm=[stop.phase.positions_nm for stop in self.stops],
                velocities_nm_per_ps=[stop.phase.velocities_nm_per_ps for stop in self.stops],
                centres_nm=np.array([slack if c is None else c for c in centres]),
                work_kj_per_mol=[stop.work_kj_per_mol for stop in self.stops],
                held_kj_per_mol=[stop.held_kj_per_mol for stop in self.stops],
            )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged.
        """
        return load_whole(path, cls._of, "a walker's file", "the walker begins anew")

    @classmethod
    def _of(cls, stored: Mapping[str, Any]) -> Self:
        counts = json.loads(str(stored["counts"]))
        rng = np.random.default_rng()
        rng.bit_generator.state = counts.pop("rng")
        frames = np.split(stored["frames_nm"], np.cumsum(counts.pop("frames"))[:-1])
        stops = []
        for n, part in enumerate(frames):
            centres = stored["centres_nm"][n]
            slack = not len(centres) or bool(np.isnan(centres).any())
            phase = Phase(
                stored["positions_nm"][n],
                stored["velocities_nm_per_ps"][n],
                None if slack else centres,
            )
            work, held = stored["work_kj_per_mol"][n], stored["held_kj_per_mol"][n]
            stops.append(Stop(phase, part, float(work), float(held)))
        return cls(stops=stops, rng=rng, **counts)


_COUNTS = (
    *("number", "status", "attempts", "refusals", "refused_leaps"),
    *("steps", "setup_seconds", "model_seconds", "md_seconds"),
)
