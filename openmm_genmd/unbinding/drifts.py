"""Where a walker is asked to go next: `Drift`, `ZeroDrift`, `RandomDrift`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


class Drift(Protocol):
    """Proposes the next coarse frames of walkers."""

    @property
    def name(self) -> str:
        """For reports."""

    @property
    def history_frames(self) -> int:
        """How many frames of the past it looks at, at most."""

    def propose(
        self, histories_nm: Sequence[Array], rngs: Sequence[np.random.Generator], frames: int
    ) -> Array:
        """Frames ``(n_walkers, frames, n_tokens, 3)``, nm, that may follow.

        Parameters
        ----------
        histories_nm
            Of each walker ``(h, n_tokens, 3)``, nm, the last frame being the present one. What is
            proposed is in the present one's orientation.
        rngs
            Of each walker: what it is proposed does not depend on who else walks.
        frames
            How many frames, each after the one before.
        """


@dataclass(frozen=True)
class ZeroDrift:
    """Everything stays where it is: a control. What gets out then owes nothing to a model.

    Examples
    --------
    >>> here = np.ones((1, 2, 3))
    >>> bool((ZeroDrift().propose([here], [np.random.default_rng(1)], 4) == 1).all())
    True
    """

    name: str = "zero drift"
    history_frames: int = 1

    def propose(
        self, histories_nm: Sequence[Array], rngs: Sequence[np.random.Generator], frames: int
    ) -> Array:
        """Return the present frame; see `Drift.propose`."""
        return np.stack([np.repeat(history[-1:], frames, axis=0) for history in histories_nm])


@dataclass(frozen=True, eq=False)
class RandomDrift:
    """Ligands move as far as a model's do, in random directions: a control.

    Each leap is an independent rigid motion of the ligand about its centre.

    Attributes
    ----------
    is_ligand
        ``(n_tokens,)`` bool.
    shift_nm
        RMS length of a leap's translation, nm.
    turn_rad
        RMS angle of its rotation, rad.

    Examples
    --------
    >>> drift = RandomDrift(np.array([False, True, True]), shift_nm=0.1, turn_rad=0.0)
    >>> here = np.zeros((1, 3, 3))
    >>> there = drift.propose([here], [np.random.default_rng(1)], 1)[0, 0]
    >>> bool((there[0] == 0).all() and np.allclose(there[1], there[2]) and (there[1] != 0).all())
    True
    """

    is_ligand: NDArray[np.bool_]
    shift_nm: float
    turn_rad: float
    name: str = "random drift"
    history_frames: int = 1

    @classmethod
    def as_far_as(
        cls,
        drift: Drift,
        histories_nm: Sequence[Array],
        rngs: Sequence[np.random.Generator],
        is_ligand: NDArray[np.bool_],
        frames: int = 5,
    ) -> Self:
        """Random steps whose RMS length and angle are those of another drift's steps.

        Parameters
        ----------
        drift
            The other one, which is asked for frames.
        histories_nm, rngs, frames
            As for `Drift.propose`.
        is_ligand
            ``(n_tokens,)`` bool.
        """
        proposed = drift.propose(histories_nm, rngs, frames)
        present = np.stack([history[-1:] for history in histories_nm])
        ligand = np.concatenate([present, proposed], axis=1)[:, :, is_ligand]
        centres = ligand.mean(axis=2)
        shift = np.sqrt((np.diff(centres, axis=1) ** 2).sum(axis=-1).mean())
        about = ligand - centres[:, :, None]
        turns = [
            Rotation.align_vectors(after, before)[0].magnitude()
            for walk in about
            for before, after in pairwise(walk)
        ]
        return cls(is_ligand, float(shift), float(np.sqrt(np.mean(np.square(turns)))))

    def propose(
        self, histories_nm: Sequence[Array], rngs: Sequence[np.random.Generator], frames: int
    ) -> Array:
        """Return random motions one after the other; see `Drift.propose`."""
        pairs = zip(histories_nm, rngs, strict=True)
        return np.stack([self._walk(history[-1], rng, frames) for history, rng in pairs])

    def _walk(self, present_nm: Array, rng: np.random.Generator, frames: int) -> Array:
        walk = [present_nm]
        for _ in range(frames):
            walk.append(self._moved(walk[-1], rng))
        return np.array(walk[1:])

    def _moved(self, frame_nm: Array, rng: np.random.Generator) -> Array:
        moved = frame_nm.copy()
        ligand = moved[self.is_ligand]
        centre = ligand.mean(axis=0)
        turn = Rotation.from_rotvec(rng.normal(scale=self.turn_rad / np.sqrt(3), size=3))
        shift = rng.normal(scale=self.shift_nm / np.sqrt(3), size=3)
        moved[self.is_ligand] = turn.apply(ligand - centre) + centre + shift
        return moved
