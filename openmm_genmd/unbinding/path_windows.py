"""Windows along an unbinding path: `PathWindows`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.contacts import minimum_distances_nm
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.pose import PoseFrame, Poses
from openmm_genmd.unbinding.pose_restraint import PoseWindow
from openmm_genmd.units import thermal_energy_kj_per_mol

Array = NDArray[np.float64]

_SMOOTHED_FRAMES = 1.5
_STIFFEST = 4.0
_NEAR_NM = 1.2
_STEP_NM = 0.02
_FAR_STEPS = 1000


@dataclass(frozen=True, eq=False)
class PathWindows:
    """Windows from the free bound ligand, along a path, to the ligand apart from its receptor.

    Attributes
    ----------
    windows
        The first holds the ligand by nothing but the wall about its site. The following ones hold
        it ever more firmly at the bound pose, up to `first_on_path`. From there poses follow the
        path, and in the last one ligand and receptor are apart.
    first_on_path
        Index of the first window with all of its springs' strength.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> frames = np.repeat(bound.positions_nm[None], 9, axis=0)
    >>> frames[:, bound.ligand] += np.linspace(0, 1, 9)[:, None, None] * [0.0, 0.0, 1.0]
    >>> path = PathWindows.along(frames, PoseFrame.of(bound), bound, FreeEnergySettings())
    >>> path.windows[0].place_spring_kj_per_mol_nm2, path.first_on_path
    (0.0, 3)
    """

    windows: tuple[PoseWindow, ...]
    first_on_path: int

    @classmethod
    def along(
        cls,
        frames_nm: NDArray[Any],
        frame: PoseFrame,
        bound: BoundComplex,
        settings: FreeEnergySettings,
    ) -> Self:
        """Windows along the frames of a path.

        Poses are smoothed over neighboring frames, and taken at equal distances, up to the frame in
        which ligand and receptor are apart. If none is, the ligand is shifted straight away from
        the part of the receptor next to it from the last one on.

        Parameters
        ----------
        frames_nm
            ``(n, n_particles, 3)``, nm, from the bound state to an exit.
        frame
            In which poses are told.
        bound
            The complex.
        settings
            Springs and distances.

        Raises
        ------
        ValueError
            If there are fewer than two frames, or more windows than the settings allow.
        """
        if len(frames_nm) < 2:
            raise ValueError(
                f"a path needs at least two frames, got {len(frames_nm)}; pass one that leads out"
            )
        frames = _until_apart(np.asarray(frames_nm, np.float64), bound, settings.exit_nm)
        poses = _smoothed(frame.poses(frames))
        away_nm = _way_apart(frames[-1], frame, bound, settings.exit_nm)
        on_path = _spaced(_prolonged(poses, away_nm), settings, bound.temperature_k)
        held = _windows(on_path, settings)
        ladder = [_loosened(held[0], share) for share in (0.0, *reversed(settings.release))]
        windows = (*ladder, *held)
        _require_few(len(windows), settings)
        return cls(windows, len(ladder))

    def refined(
        self, weak_links: Iterable[int], soft: Iterable[int], settings: FreeEnergySettings
    ) -> tuple[Self, list[int]]:
        """More windows, and for each of them the one of these that it is nearest to.

        Parameters
        ----------
        weak_links
            Indices i of neighbors i and i + 1 that get a window between them.
        soft
            Indices of windows on the path whose springs are made twice as stiff, up to four times
            of what the settings say, with a window added on either side.
        settings
            How many there may be.

        Raises
        ------
        ValueError
            If that makes more windows than the settings allow.
        """
        stiffer = {i for i in soft if self._may_stiffen(i, settings)}
        links = set(weak_links) | {i for n in stiffer for i in (n - 1, n)}
        old = [_stiffened(w) if n in stiffer else w for n, w in enumerate(self.windows)]
        windows, origins = list[PoseWindow](), list[int]()
        for n, window in enumerate(old):
            windows.append(window)
            origins.append(n)
            if n in links and n < len(old) - 1:
                windows.append(_between(window, old[n + 1]))
                origins.append(n)
        _require_few(len(windows), settings)
        first = origins.index(self.first_on_path)
        return replace(self, windows=tuple(windows), first_on_path=first), origins

    def _may_stiffen(self, window: int, settings: FreeEnergySettings) -> bool:
        spring = self.windows[window].place_spring_kj_per_mol_nm2
        most = _STIFFEST * settings.place_spring_kj_per_mol_nm2
        return window >= self.first_on_path and 2.0 * spring <= most

    def to_json(self) -> str:
        """Text from which `of_json` makes the same again."""
        rows = [
            {name: _plain(value) for name, value in vars(window).items()} for window in self.windows
        ]
        return json.dumps({"first_on_path": self.first_on_path, "windows": rows}, indent=1) + "\n"

    @classmethod
    def of_json(cls, text: str) -> Self:
        """Windows that `to_json` has written.

        Raises
        ------
        ValueError
            If the text is something else.
        """
        try:
            stored = json.loads(text)
            windows = [
                PoseWindow(**{name: _array(value) for name, value in row.items()})
                for row in stored["windows"]
            ]
            return cls(tuple(windows), int(stored["first_on_path"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"expected stored windows, got {text[:80]!r}: {error}") from None

    def tangents(self) -> Array:
        """Unit vectors ``(n_windows, 3)`` of the places' way; zero where they stand still."""
        places = np.array([window.place_nm for window in self.windows])
        way = np.gradient(places, axis=0)
        length = np.linalg.norm(way, axis=1, keepdims=True)
        return np.asarray(np.divide(way, length, out=np.zeros_like(way), where=length > 1e-9))

    def progress_nm(self) -> Array:
        """Way of the ligand's place from the bound one to each window, ``(n_windows,)``, nm."""
        places = np.array([window.place_nm for window in self.windows])
        return np.concatenate([[0.0], np.linalg.norm(np.diff(places, axis=0), axis=1).cumsum()])


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _array(value: Any) -> Any:
    return np.array(value) if isinstance(value, list) else value


def separation(first: PoseWindow, second: PoseWindow, temperature_k: float) -> float:
    """Distance of two windows in standard deviations of a ligand that feels the first's springs."""
    turn = np.trace(first.rotation.T @ second.rotation)
    place = ((first.place_nm - second.place_nm) ** 2).sum()
    energy = 0.5 * first.place_spring_kj_per_mol_nm2 * place
    energy += first.rotation_spring_kj_per_mol * (3.0 - turn)
    return float(np.sqrt(2.0 * max(energy, 0.0) / thermal_energy_kj_per_mol(temperature_k)))


def _smoothed(poses: Poses) -> Poses:
    """Poses averaged over neighbors in time, the ends staying what they are."""
    n = np.arange(len(poses))
    weights = np.exp(-0.5 * ((n[:, None] - n) / _SMOOTHED_FRAMES) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    turns = Rotation.from_matrix(poses.rotations)
    mean = [turns.mean(row).as_matrix() for row in weights]
    smooth = Poses(weights @ poses.places_nm, np.array(mean))
    return Poses.joined([poses[:1], smooth[1:-1], poses[-1:]])


def _until_apart(frames_nm: Array, bound: BoundComplex, apart_nm: float) -> Array:
    groups = bound.receptor_heavy, bound.ligand_heavy
    apart = minimum_distances_nm(frames_nm, *groups, box_nm=bound.box_nm) >= apart_nm
    first = int(np.argmax(apart)) if apart.any() else len(frames_nm) - 1
    return frames_nm[: max(first, 1) + 1]


def _way_apart(end_nm: Array, frame: PoseFrame, bound: BoundComplex, apart_nm: float) -> Array:
    """Shift ``(3,)`` of the ligand, in the receptor's frame, nm, after which the two are apart."""
    ligand = end_nm[bound.ligand_heavy]
    receptor = end_nm[bound.receptor_heavy]
    gaps = np.linalg.norm(receptor[:, None] - ligand, axis=2).min(axis=1)
    near = receptor[gaps < max(_NEAR_NM, gaps.min())] if gaps.min() < _NEAR_NM else receptor
    away = ligand.mean(axis=0) - near.mean(axis=0)
    away /= np.linalg.norm(away)
    groups = bound.receptor_heavy, bound.ligand_heavy
    moved = end_nm.copy()
    for _ in range(_FAR_STEPS):
        if minimum_distances_nm(moved, *groups, box_nm=bound.box_nm)[0] >= apart_nm:
            break
        moved[bound.ligand] += _STEP_NM * away
    places = frame.poses(np.array([end_nm, moved])).places_nm
    return np.asarray(places[1] - places[0])


def _prolonged(poses: Poses, away_nm: Array) -> Poses:
    if not away_nm.any():
        return poses
    beyond = Poses(poses.places_nm[-1:] + away_nm, poses.rotations[-1:])
    return Poses.joined([poses, beyond])


def _spaced(poses: Poses, settings: FreeEnergySettings, temperature_k: float) -> Poses:
    """Poses at equal distances along a polygon of poses, its ends included."""
    knots = _windows(poses, settings)
    steps = [separation(a, b, temperature_k) for a, b in pairwise(knots)]
    at = np.concatenate([[0.0], np.cumsum(steps)])
    keep = np.concatenate([[True], np.diff(at) > 1e-9])
    count = max(2, round(float(at[-1]) / settings.spacing) + 1)
    wanted = np.linspace(0.0, at[-1], count)
    return _interpolated(poses[keep], at[keep], wanted)


def _interpolated(poses: Poses, at: Array, wanted: Array) -> Poses:
    left = np.clip(np.searchsorted(at, wanted, side="right") - 1, 0, len(at) - 2)
    share = (wanted - at[left]) / (at[left + 1] - at[left])
    a, b = poses[left], poses[left + 1]
    places = a.places_nm + share[:, None] * (b.places_nm - a.places_nm)
    return Poses(places, _turned(a.rotations, b.rotations, share))


def _turned(start: Array, end: Array, share: Array) -> Array:
    """Rotations a share of the shortest turn from the first to the second."""
    first = Rotation.from_matrix(start)
    turn = (Rotation.from_matrix(end) * first.inv()).as_rotvec()
    return np.asarray((Rotation.from_rotvec(share[:, None] * turn) * first).as_matrix())


def _windows(poses: Poses, settings: FreeEnergySettings) -> list[PoseWindow]:
    springs = settings.place_spring_kj_per_mol_nm2, settings.rotation_spring_kj_per_mol
    pairs = zip(poses.places_nm, poses.rotations, strict=True)
    return [PoseWindow(place, rotation, *springs) for place, rotation in pairs]


def _loosened(window: PoseWindow, share: float) -> PoseWindow:
    return replace(
        window,
        place_spring_kj_per_mol_nm2=share * window.place_spring_kj_per_mol_nm2,
        rotation_spring_kj_per_mol=share * window.rotation_spring_kj_per_mol,
        in_site=True,
    )


def _stiffened(window: PoseWindow) -> PoseWindow:
    return replace(
        window,
        place_spring_kj_per_mol_nm2=2.0 * window.place_spring_kj_per_mol_nm2,
        rotation_spring_kj_per_mol=2.0 * window.rotation_spring_kj_per_mol,
    )


def _between(first: PoseWindow, second: PoseWindow) -> PoseWindow:
    """Window halfway, its springs' strength the geometric mean, or a quarter next to none."""
    turn = _turned(first.rotation[None], second.rotation[None], np.array([0.5]))
    return PoseWindow(
        (first.place_nm + second.place_nm) / 2,
        turn[0],
        _middle(first.place_spring_kj_per_mol_nm2, second.place_spring_kj_per_mol_nm2),
        _middle(first.rotation_spring_kj_per_mol, second.rotation_spring_kj_per_mol),
        in_site=first.in_site,
    )


def _middle(first: float, second: float) -> float:
    return float(np.sqrt(first * second)) if first and second else 0.25 * max(first, second)


def _require_few(count: int, settings: FreeEnergySettings) -> None:
    if count > settings.most_windows:
        raise ValueError(
            f"the path takes {count} windows, and at most {settings.most_windows} are allowed; "
            "raise most_windows or spacing, or choose a shorter path"
        )
