"""Windows of trajectories of complexes, to be learned: `ComplexBatches`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.representations.complex_atoms import FEATURE_SIZES, OTHER_MOLECULE
from openmm_genmd.representations.receptor_frame import align_on_receptor, receptor_frames
from openmm_genmd.training.batch_digest import batches_sha256
from openmm_genmd.training.complex_trajectories import (
    ANGSTROM_PER_NM,
    ComplexTrajectories,
    WindowShape,
)
from openmm_genmd.training.flow_times import spread_times

Arrays = dict[str, NDArray[Any]]


class ComplexBatches:
    """Training examples of a `BioMD`; a `Batches`.

    Each row is a window of a trajectory: complexes alike, trajectories by their weights, any place
    alike. A batch has one stage. Frames are superposed on the receptor of the last known frame, and
    that one is turned into the receptor's own orientation or, to make more of little data, into a
    random one. Unknown frames have a common flow time, as in sampling, or one each.

    Arrays of a batch of n rows, F frames and N atoms at most: ``features``, ``separations`` and
    ``mask`` of `ComplexTokens`; ``positions_angstrom``, ``noise`` ``(n, F, N, 3)`` float32, ``tau``
    ``(n, F)`` float32, ``offsets`` ``(n, F)`` int64, ``is_fine`` ``(n,)`` bool, ``ligand_bonds``
    ``(n, n_bonds, 2)`` int64, ``radii_angstrom`` ``(n, N)`` float32.

    Parameters
    ----------
    sources
        The complexes.
    config
        Of the model.
    batch_size
        Rows of all processes together.
    seed
        Of everything drawn.
    fine_share
        Share of batches of the fine stage.
    common_tau_share
        Share of rows whose unknown frames have a common flow time.
    short_share
        Share of coarse batches with fewer new frames than a block, from one on.
    random_rotations
        Whether orientations are random.

    Raises
    ------
    ValueError
        If there is no complex, or one has no trajectory that is long enough.

    Examples
    --------
    See `ComplexTrajectories`; then

    >>> ComplexBatches([], BioMDConfig.tiny(), batch_size=2, seed=0)
    Traceback (most recent call last):
        ...
    ValueError: expected at least one complex to learn from, got none
    """

    def __init__(
        self,
        sources: Sequence[ComplexTrajectories],
        config: BioMDConfig,
        *,
        batch_size: int,
        seed: int,
        fine_share: float = 0.2,
        common_tau_share: float = 0.5,
        short_share: float = 0.3,
        random_rotations: bool = False,
    ) -> None:
        if not sources:
            raise ValueError("expected at least one complex to learn from, got none")
        self._sources, self._config = list(sources), config
        self._batch_size, self._seed = batch_size, seed
        self._fine_share, self._common = fine_share, common_tau_share
        self._short_share = short_share
        self._random_rotations = random_rotations
        for source in sources:
            self._require_windows(source)
        settings = (batch_size, seed, fine_share, common_tau_share, short_share, random_rotations)
        self.sha256 = batches_sha256(f"{settings} {config.model_dump_json()}", sources)

    def draw(self, step: int, rows: range) -> Arrays:
        """Arrays by name: some rows of the batch of a step, counted from 0.

        Parameters
        ----------
        step
            Which batch.
        rows
            Which of its rows; each is the same whatever the others are.
        """
        rng = np.random.default_rng((self._seed, step))
        shape = self._shape(rng)
        drawn = [self._window(shape, rng) for _ in range(self._batch_size)]
        n = max(len(self._sources[number].atoms) for number, _ in drawn)
        size = (self._batch_size, len(shape.offsets))
        noise = rng.standard_normal((*size, n, 3), dtype=np.float32)
        tau = self._tau(shape, rng)
        chosen = drawn[rows.start : rows.stop]
        numbers = [number for number, _ in chosen]
        positions = np.zeros((len(chosen), size[1], n, 3), dtype=np.float32)
        for row, (_, window) in enumerate(chosen):
            positions[row, :, : window.shape[1]] = window
        part = slice(rows.start, rows.stop)
        offsets = np.tile(np.array(shape.offsets, dtype=np.int64), (len(chosen), 1))
        return {
            **self._tokens(numbers, n),
            "positions_angstrom": positions,
            "noise": noise[part],
            "tau": tau[part],
            "offsets": offsets,
            "is_fine": np.full(len(chosen), shape.stage == "fine"),
        }

    def _shape(self, rng: np.random.Generator) -> WindowShape:
        if rng.random() < self._fine_share:
            return WindowShape.fine(self._config)
        history = int(rng.integers(1, self._config.history_frames + 1))
        new = self._config.block_frames
        if rng.random() < self._short_share:  # or the ends of trajectories would never be starts
            new = int(rng.integers(1, new + 1))
        return WindowShape.coarse(self._config, history=history, new=new)

    def _window(
        self, shape: WindowShape, rng: np.random.Generator
    ) -> tuple[int, NDArray[np.float64]]:
        """Number of the complex, and frames ``(F, n, 3)``, Angstrom, in their orientation."""
        number = int(rng.integers(len(self._sources)))
        source = self._sources[number]
        longest = [len(p) >= shape.span for p in source.positions_nm]
        weights = np.where(longest, source.weights, 0.0)
        picked = int(rng.choice(len(weights), p=weights / weights.sum()))
        trajectory = source.positions_nm[picked]
        start = int(rng.integers(len(trajectory) - shape.span + 1))
        frames = ANGSTROM_PER_NM * shape.cut(trajectory, start)[None]
        if source.unsmoothed_nm is not None and rng.random() < 0.5:
            known, rough = np.array(shape.known), source.unsmoothed_nm[picked]
            frames[0, known] = ANGSTROM_PER_NM * shape.cut(rough, start)[known]
        receptor = ~source.atoms.is_ligand
        base = frames[:, shape.offsets.index(0)]
        aligned = align_on_receptor(frames, base, receptor)[0]
        turns, centres = receptor_frames(base, receptor)
        turn = _random_rotation(rng) if self._random_rotations else turns[0]
        return number, (aligned - centres[0]) @ turn.T

    def _tau(self, shape: WindowShape, rng: np.random.Generator) -> NDArray[np.float32]:
        size = (self._batch_size, len(shape.offsets))
        common = spread_times(self._batch_size, rng)
        tau = np.where(
            rng.random(self._batch_size)[:, None] < self._common,
            rng.permutation(common)[:, None],
            rng.random(size),
        )
        return np.where(shape.known, 1.0, tau).astype(np.float32)

    def _tokens(self, numbers: Sequence[int], n: int) -> Arrays:
        size = (len(numbers), n)
        n_bonds = max(1, *(len(self._sources[k].atoms.ligand_bonds) for k in numbers))
        arrays: Arrays = {
            "features": np.zeros((*size, len(FEATURE_SIZES)), dtype=np.int64),
            "separations": np.full((*size, n), OTHER_MOLECULE, dtype=np.int8),
            "mask": np.zeros(size, dtype=np.bool_),
            "radii_angstrom": np.ones(size, dtype=np.float32),
            "ligand_bonds": np.zeros((len(numbers), n_bonds, 2), dtype=np.int64),
        }
        for row, number in enumerate(numbers):
            atoms = self._sources[number].atoms
            m = len(atoms)
            arrays["features"][row, :m] = atoms.features
            arrays["separations"][row, :m, :m] = atoms.separations
            arrays["mask"][row, :m] = True
            arrays["radii_angstrom"][row, :m] = atoms.radii_angstrom
            arrays["ligand_bonds"][row, : len(atoms.ligand_bonds)] = atoms.ligand_bonds
        return arrays

    def _require_windows(self, source: ComplexTrajectories) -> None:
        config = self._config
        needed = WindowShape.coarse(
            config, history=config.history_frames, new=config.block_frames
        ).span
        usable = [
            len(p)
            for p, weight in zip(source.positions_nm, source.weights, strict=True)
            if weight > 0
        ]
        if max(usable) < needed:
            raise ValueError(
                f"{source.name}: the longest trajectory has {max(usable)} frames, expected "
                f"{needed} at least: {config.history_frames} known and {config.block_frames} new "
                f"coarse frames, each {config.coarse_factor} frames after the one before; give "
                "longer trajectories or smaller numbers"
            )


def _random_rotation(rng: np.random.Generator) -> NDArray[np.float64]:
    """Rotation ``(3, 3)``, uniform."""
    q, r = np.linalg.qr(rng.standard_normal((3, 3)))
    q = q * np.sign(np.diag(r))
    return np.asarray(q * np.linalg.det(q))
