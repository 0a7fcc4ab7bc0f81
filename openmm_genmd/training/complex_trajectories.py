"""Trajectories of complexes and windows of them: `ComplexTrajectories`, `WindowShape`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.models.bio_md_frames import DisplacementScales, Stage
from openmm_genmd.representations.complex_atoms import ComplexAtoms
from openmm_genmd.representations.receptor_frame import align_on_receptor
from openmm_genmd.representations.superposition import superpose

ANGSTROM_PER_NM = 10.0

_LEAST_ANGSTROM = 0.05
"""What is smaller is told from noise by nobody, and as a divisor would blow it up."""

_STARTS = 20
"""Windows of each trajectory by which displacements are measured."""


@dataclass(frozen=True, eq=False)
class ComplexTrajectories:
    """Trajectories of one complex.

    Attributes
    ----------
    name
        Of the complex, for people.
    atoms
        Its heavy atoms.
    positions_nm
        For each trajectory ``(T, n, 3)`` float32, nm, of these atoms, molecules whole.
    frame_interval_ps
        Time between frames, the same for all; None where it is not known, or frames are at equal
        progress instead (`by_progress`).
    weights
        ``(n_trajectories,)``: how often each is drawn, relative to the others.
    unsmoothed_nm
        Where positions were smoothed over time, the same frames as they were: half of the examples
        take their known frames from them, for walkers are not smooth. None for the same.

    Raises
    ------
    ValueError
        If shapes, interval or weights do not fit, or positions are not finite.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> topology, positions = build_peptide("GF")
    >>> last = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    >>> atoms = ComplexAtoms.of(topology, last)
    >>> still = np.repeat(positions[None, atoms.particles], 30, axis=0).astype(np.float32)
    >>> data = ComplexTrajectories("GF", atoms, (still, still), 0.05, np.ones(2))
    >>> training, held_out = data.divide(0.5, np.random.default_rng(0))
    >>> len(training.positions_nm), len(held_out.positions_nm)
    (1, 1)
    """

    name: str
    atoms: ComplexAtoms
    positions_nm: tuple[NDArray[np.float32], ...]
    frame_interval_ps: float | None
    weights: NDArray[np.float64]
    unsmoothed_nm: tuple[NDArray[np.float32], ...] | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be learned."""
        if not self.positions_nm:
            raise ValueError(f"{self.name}: expected a trajectory at least, got none")
        shapes = [frames.shape for frames in self.positions_nm]
        if self.unsmoothed_nm is not None and shapes != [x.shape for x in self.unsmoothed_nm]:
            raise ValueError(f"{self.name}: unsmoothed_nm must have the shapes of positions_nm")
        for number, frames in enumerate((*self.positions_nm, *(self.unsmoothed_nm or ()))):
            if frames.ndim != 3 or frames.shape[1:] != (len(self.atoms), 3):
                raise ValueError(
                    f"{self.name}, trajectory {number}: expected shape (T, {len(self.atoms)}, 3) "
                    f"to fit the atoms, got {frames.shape}"
                )
            if not np.isfinite(frames).all():
                raise ValueError(
                    f"{self.name}, trajectory {number} is not finite; leave it out, or cut it "
                    "before the first broken frame"
                )
        if self.frame_interval_ps is not None and not self.frame_interval_ps > 0:
            raise ValueError(f"frame_interval_ps must be positive, got {self.frame_interval_ps}")
        if self.weights.shape != (len(self.positions_nm),) or not (
            (self.weights >= 0).all() and self.weights.sum() > 0
        ):
            raise ValueError(
                f"{self.name}: expected {len(self.positions_nm)} weights that are not negative and "
                f"not all zero, got {self.weights.tolist()}"
            )

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of everything but the name."""
        digest = hashlib.sha256(f"{self.atoms.sha256} {self.frame_interval_ps}".encode())
        for array in (self.weights, *self.positions_nm, *(self.unsmoothed_nm or ())):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def divide(self, fraction: float, rng: np.random.Generator) -> tuple[Self, Self | None]:
        """Trajectories to train on, and those held out, None if there are too few for both.

        Parameters
        ----------
        fraction
            Share of trajectories that have a weight to hold out, one at least unless 0.
        rng
            Says which.
        """
        used = np.flatnonzero(self.weights > 0)
        n = min(len(used) - 1, max(1, round(fraction * len(used)))) if fraction > 0 else 0
        if n < 1:
            return self, None
        held_out = set(rng.permutation(used)[:n].tolist())
        return (
            self._part([k for k in used.tolist() if k not in held_out]),
            self._part(sorted(held_out)),
        )

    def _part(self, numbers: Sequence[int]) -> Self:
        chosen, rough = (
            None if all_of_them is None else tuple(all_of_them[k] for k in numbers)
            for all_of_them in (self.positions_nm, self.unsmoothed_nm)
        )
        weights = self.weights[list(numbers)]
        return replace(self, positions_nm=chosen or (), weights=weights, unsmoothed_nm=rough)


@dataclass(frozen=True)
class WindowShape:
    """Which frames of a trajectory make an example.

    Attributes
    ----------
    stage
        Coarse or fine.
    stride
        Frames of the data from one to the next.
    offsets
        ``(F,)`` frames of the stage after the last known one.
    known
        ``(F,)``: those that are given.

    Examples
    --------
    >>> config = BioMDConfig.tiny()
    >>> WindowShape.coarse(config, history=2, new=5).span, WindowShape.fine(config).span
    (61, 11)
    """

    stage: Stage
    stride: int
    offsets: tuple[int, ...]
    known: tuple[bool, ...]

    @classmethod
    def coarse(cls, config: BioMDConfig, *, history: int, new: int) -> WindowShape:
        """Some frames after some known frames."""
        offsets = tuple(range(1 - history, new + 1))
        return cls("coarse", config.coarse_factor, offsets, tuple(o < 1 for o in offsets))

    @classmethod
    def fine(cls, config: BioMDConfig) -> WindowShape:
        """The frames between two coarse ones."""
        k = config.coarse_factor
        return cls("fine", 1, tuple(range(k + 1)), tuple(o in (0, k) for o in range(k + 1)))

    @property
    def span(self) -> int:
        """Frames of the data from the first to the last, both included."""
        return self.stride * (len(self.offsets) - 1) + 1

    def cut(self, positions: NDArray[Any], start: int) -> NDArray[Any]:
        """The frames ``(F, n, 3)`` of a window that begins at a frame of a trajectory."""
        return np.asarray(positions[start : start + self.span : self.stride])


def measure_scales(
    sources: Sequence[ComplexTrajectories], config: BioMDConfig
) -> DisplacementScales:
    """How far atoms go from the last known frame, on trajectories weighted as in training.

    Parameters
    ----------
    sources
        What is trained on.
    config
        Says which offsets there are.
    """
    longest = max(config.block_frames, config.history_frames - 1)
    shapes = (
        WindowShape("coarse", config.coarse_factor, tuple(range(longest + 1)), ()),
        WindowShape.fine(config),
    )
    tables = []
    for shape in shapes:
        sums = np.zeros((len(shape.offsets), 3))
        total = 0.0
        for source, weight, window in _sampled_windows(sources, shape):
            moved, ligand = window - window[0], source.atoms.is_ligand
            parts = (moved[:, ~ligand], moved[:, ligand], _bent(window[:, ligand]))
            sums += weight * np.stack([(part**2).mean(axis=(1, 2)) for part in parts], axis=1)
            total += weight
        rms = np.sqrt(np.maximum(sums / max(total, 1e-12), _LEAST_ANGSTROM**2))[1:]
        tables.append(tuple((r, x, inner) for r, x, inner in rms.round(4).tolist()))
    return DisplacementScales(coarse=tables[0], fine=tables[1])


def _bent(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Displacements ``(F, n, 3)`` from the first frame that no rigid motion of it gives."""
    first = np.repeat(frames[:1], len(frames), axis=0)
    return frames - superpose(first, frames, np.ones(frames.shape[:2], dtype=bool))


def _sampled_windows(
    sources: Sequence[ComplexTrajectories], shape: WindowShape
) -> Iterator[tuple[ComplexTrajectories, float, NDArray[np.float64]]]:
    """Complex, weight and frames ``(F, n, 3)``, Angstrom, of windows spread over the data."""
    for source in sources:
        receptor = ~source.atoms.is_ligand
        for positions, weight in zip(source.positions_nm, source.weights, strict=True):
            if len(positions) < shape.span or not weight > 0:
                continue
            last = len(positions) - shape.span
            starts = np.unique(np.linspace(0, last, _STARTS).round().astype(np.int64))
            frames = ANGSTROM_PER_NM * np.stack([shape.cut(positions, s) for s in starts])
            for window in align_on_receptor(frames, frames[:, 0], receptor):
                yield source, weight / source.weights.sum() / len(starts), window
