"""BioMD as the one who says where a ligand goes next: `BioMDDrift`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_sampler import BioMDSampler
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.proposers.load import find_checkpoint
from openmm_genmd.representations.complex_atoms import ComplexAtoms

Array = NDArray[np.float64]


class BioMDDrift:
    """Next coarse frames of walkers, from a trained BioMD. No density belongs to them.

    The model computes on one thread: processes with walkers each have one core, and threads that
    wait for each other would be charged as work.

    Parameters
    ----------
    checkpoint
        Name of a bundled model, or a ``*.safetensors`` file of `genmd train biomd`.
    atoms
        The tokens of the complex.
    steps
        Euler steps.

    Attributes
    ----------
    name
        For reports.
    history_frames
        How many frames of the past the model looks at.

    Raises
    ------
    FileNotFoundError
        If there is no such model.
    ValueError
        If the file has no BioMD.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> atoms = ComplexAtoms.of(bound.topology, bound.ligand)
    >>> drift = BioMDDrift("cb7-b2", atoms, steps=2)
    >>> here_nm = bound.positions_nm[atoms.particles]
    >>> drift.propose([here_nm[None]], [np.random.default_rng(1)], frames=2).shape
    (1, 2, 96, 3)
    """

    name = "BioMD"

    def __init__(self, checkpoint: str | Path, atoms: ComplexAtoms, *, steps: int = 10) -> None:
        loaded = load_checkpoint(find_checkpoint(str(checkpoint)), BioMD)
        self.metadata, self.sha256 = loaded.metadata, loaded.sha256
        self.history_frames = loaded.model.config.history_frames
        self._sampler = BioMDSampler(loaded.model, atoms, steps=steps)

    def propose(
        self, histories_nm: Sequence[Array], rngs: Sequence[np.random.Generator], frames: int
    ) -> Array:
        """Frames ``(n_walkers, frames, n_tokens, 3)``, nm, that may follow; see `Drift`."""
        histories_nm = [history[-self.history_frames :] for history in histories_nm]
        lengths = np.array([len(history) for history in histories_nm])
        found: dict[int, Array] = {}
        for length in set(lengths.tolist()):
            rows = np.flatnonzero(lengths == length).tolist()
            together: Any = _Together([rngs[row] for row in rows])
            histories = np.stack([histories_nm[row] for row in rows])
            with _one_thread():
                drawn = self._sampler.propose(histories, together, frames=frames)[:, 0]
            found.update(zip(rows, drawn, strict=True))
        return np.stack([found[row] for row in range(len(lengths))])

    def rollouts(self, start_nm: Array, trajectories: int, frames: int, seed: int) -> Array:
        """Raw coarse frames ``(trajectories, frames, n_tokens, 3)``, nm, block after block.

        Parameters
        ----------
        start_nm
            ``(n_tokens, 3)``, nm.
        trajectories, frames
            How many.
        seed
            Of the model's noise.
        """
        rng = np.random.default_rng((seed, 13))
        starts = np.repeat(start_nm[None], trajectories, axis=0)
        with _one_thread():
            return self._sampler.rollout(starts, rng, frames=frames)[:, 1:]


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class _Together:
    """Random numbers of many generators, one for each row of an array."""

    def __init__(self, rngs: Sequence[np.random.Generator]) -> None:
        self._rngs = rngs

    def standard_normal(self, shape: tuple[int, ...], dtype: Any = np.float64) -> NDArray[Any]:
        return np.stack([rng.standard_normal(shape[1:], dtype=dtype) for rng in self._rngs])
