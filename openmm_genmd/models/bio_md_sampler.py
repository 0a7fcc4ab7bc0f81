"""Trajectories of a complex by BioMD: `BioMDSampler`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.bio_md_encoding import ComplexEncoding
from openmm_genmd.models.bio_md_frames import Stage
from openmm_genmd.models.bio_md_tokens import ComplexTokens
from openmm_genmd.representations.complex_atoms import ComplexAtoms
from openmm_genmd.representations.receptor_frame import align_on_receptor, receptor_frames

Array = NDArray[np.float64]

_ANGSTROM_PER_NM = 10.0


class BioMDSampler:
    """Draws the next frames of trajectories, many of them at once.

    Generated frames are raw: no Boltzmann weight and no physical time belongs to them. Their
    receptor lies where it lies in the last known frame.

    Parameters
    ----------
    model
        A trained one.
    atoms
        The complex; of the tokens, in their order, are all positions.
    steps
        Euler steps from noise to frames.
    batch_size
        Trajectories that are generated together, as memory allows.

    Raises
    ------
    ValueError
        If steps or batch_size are not positive.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> from openmm_genmd.models.bio_md_config import BioMDConfig
    >>> topology, positions = build_peptide("GF")
    >>> last = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    >>> atoms = ComplexAtoms.of(topology, last)
    >>> config = BioMDConfig(
    ...     width=8, pair_width=4, heads=2, encoder_layers=1, trajectory_layers=1
    ... )
    >>> sampler = BioMDSampler(BioMD(config), atoms, steps=2)
    >>> walkers = np.stack([positions[atoms.particles]] * 3)  # (walkers, atoms, 3)
    >>> frames = sampler.propose(walkers[:, None], np.random.default_rng(0), candidates=4)
    >>> frames.shape  # walkers, candidates, frames, atoms, 3
    (3, 4, 5, 20, 3)
    """

    def __init__(
        self, model: BioMD, atoms: ComplexAtoms, *, steps: int = 20, batch_size: int = 64
    ) -> None:
        if steps < 1 or batch_size < 1:
            raise ValueError(
                f"steps and batch_size must be at least 1, got {steps} and {batch_size}"
            )
        self.model, self.atoms, self.steps = model.eval(), atoms, steps
        self._batch_size = batch_size
        self._device = next(model.parameters()).device
        self._receptor = ~atoms.is_ligand

    def propose(
        self,
        history_nm: ArrayLike,
        rng: np.random.Generator,
        *,
        candidates: int = 1,
        frames: int | None = None,
    ) -> Array:
        """Next coarse frames ``(W, candidates, frames, N, 3)``, nm, float64, of W walkers.

        Parameters
        ----------
        history_nm
            ``(W, H, N, 3)``, nm: coarse frames of each walker, the last one last. Only the last
            `BioMDConfig.history_frames` are used; one is enough.
        rng
            The only source of randomness.
        candidates
            How many independent continuations of each walker.
        frames
            How many frames of each; by default as many as the model was trained with.

        Raises
        ------
        ValueError
            If the history has another shape or is not finite, or nothing is asked for.
        """
        config = self.model.config
        history = self._checked(history_nm, "history_nm", "(W, H, N, 3)")
        history = history[:, -config.history_frames :]
        frames = config.block_frames if frames is None else frames
        if candidates < 1 or frames < 1:
            raise ValueError(
                f"candidates and frames must be at least 1, got {candidates} and {frames}"
            )
        known = history.shape[1]
        offsets = torch.arange(1 - known, frames + 1)
        drawn = self._draw(history, offsets < 1, offsets, "coarse", candidates, rng)
        return drawn[:, :, known:]

    def rollout(
        self,
        start_nm: ArrayLike,
        rng: np.random.Generator,
        *,
        frames: int,
        block: int | None = None,
    ) -> Array:
        """Coarse trajectories ``(W, 1 + frames, N, 3)``, nm, float64; the first is the start.

        Parameters
        ----------
        start_nm
            ``(W, N, 3)``, nm.
        rng
            The only source of randomness.
        frames
            How many to generate.
        block
            How many at once, each block from the last frames before it (AR-j); by default as many
            as the model was trained with. ``frames`` generates all in one shot.

        Raises
        ------
        ValueError
            If the start has another shape or is not finite, or a number is not positive.
        """
        start = self._checked(start_nm, "start_nm", "(W, N, 3)")
        block = self.model.config.block_frames if block is None else block
        if frames < 1 or block < 1:
            raise ValueError(f"frames and block must be at least 1, got {frames} and {block}")
        trajectory = start[:, None]
        while (missing := frames + 1 - trajectory.shape[1]) > 0:
            following = self.propose(trajectory, rng, frames=min(block, missing))[:, 0]
            trajectory = np.concatenate([trajectory, following], axis=1)
        return trajectory

    def fill(self, coarse_nm: ArrayLike, rng: np.random.Generator) -> Array:
        """Trajectories ``(W, (M - 1) k + 1, N, 3)``, nm, float64, with all frames between.

        Parameters
        ----------
        coarse_nm
            ``(W, M, N, 3)``, nm: every k-th frame, k of `BioMDConfig.coarse_factor`; they come back
            unchanged.
        rng
            The only source of randomness.

        Raises
        ------
        ValueError
            If the frames have another shape, are not finite or fewer than two.
        """
        coarse = self._checked(coarse_nm, "coarse_nm", "(W, M, N, 3)")
        w, m = coarse.shape[:2]
        if m < 2:
            raise ValueError(f"expected two coarse frames at least, to fill between, got {m}")
        k = self.model.config.coarse_factor
        ends = np.stack([coarse[:, :-1], coarse[:, 1:]], axis=2).reshape(-1, 2, *coarse.shape[2:])
        offsets = torch.arange(k + 1)
        inner = self._draw(ends, offsets % k == 0, offsets, "fine", 1, rng)[:, 0, 1:k]
        pieces = np.concatenate([ends[:, :1], inner], axis=1)
        filled = pieces.reshape(w, (m - 1) * k, *coarse.shape[2:])
        return np.concatenate([filled, coarse[:, -1:]], axis=1)

    def _draw(
        self,
        known_nm: Array,
        known: Tensor,
        offsets: Tensor,
        stage: Stage,
        candidates: int,
        rng: np.random.Generator,
    ) -> Array:
        """Frames ``(W, candidates, F, N, 3)``, nm; the known ones are aligned on the base."""
        last = int(torch.nonzero(offsets[known] == 0))
        base = _ANGSTROM_PER_NM * known_nm[:, last]
        turns, centres = receptor_frames(base, self._receptor)
        aligned = align_on_receptor(_ANGSTROM_PER_NM * known_nm, base, self._receptor)
        inside = (aligned - centres[:, None, None]) @ np.swapaxes(turns, 1, 2)[:, None]
        shape = (len(base), candidates, len(offsets), len(self.atoms), 3)
        noise = rng.standard_normal(shape, dtype=np.float32)
        per_batch = max(1, self._batch_size // candidates)
        drawn = np.concatenate(
            [
                self._generate(inside[rows], noise[rows], known, offsets, stage)
                for first in range(0, len(base), per_batch)
                for rows in [slice(first, first + per_batch)]
            ]
        )
        turned = drawn @ turns[:, None, None] + centres[:, None, None, None]
        return np.asarray(turned / _ANGSTROM_PER_NM)

    @torch.inference_mode()
    def _generate(
        self,
        known_angstrom: Array,
        noise: NDArray[np.float32],
        known: Tensor,
        offsets: Tensor,
        stage: Stage,
    ) -> Array:
        device = self._device
        frames = torch.from_numpy(known_angstrom.astype(np.float32)).to(device)
        eps = torch.from_numpy(noise).to(device)
        w, c, f, n, _ = eps.shape
        last = int(torch.nonzero(offsets[known] == 0))
        tokens = ComplexTokens.of([self.atoms] * w).to(device)
        encoding = self.model.encode(tokens, frames[:, last]).repeated(c)
        rows = offsets.to(device).expand(w * c, f)
        numbers = self.model.frame_numbers(encoding, rows, stage)
        y = eps.reshape(w * c, f, n, 3).clone()
        known = known.to(device)
        given = torch.zeros_like(y)
        given[:, known] = frames.repeat_interleave(c, dim=0)
        y[:, known] = numbers.encode(given)[:, known]
        y = self._integrate(y, known, rows, encoding, stage)
        decoded: NDArray[Any] = numbers.decode(y).reshape(w, c, f, n, 3).cpu().double().numpy()
        return decoded

    def _integrate(
        self, y: Tensor, known: Tensor, offsets: Tensor, encoding: ComplexEncoding, stage: Stage
    ) -> Tensor:
        """Numbers at tau = 1 by Euler steps; known frames stay."""
        for step in range(self.steps):
            tau = torch.where(known, 1.0, step / self.steps).expand(offsets.shape)
            velocity = self.model(y, tau, offsets, encoding, stage)
            y = y + torch.where(known[:, None, None], 0.0, velocity / self.steps)
        return y

    def _checked(self, positions_nm: ArrayLike, name: str, shape: str) -> Array:
        positions = np.asarray(positions_nm, dtype=np.float64)
        n = len(self.atoms)
        if positions.ndim != shape.count(",") + 1 or positions.shape[-2:] != (n, 3):
            raise ValueError(
                f"{name} must have shape {shape} with N = {n} atoms of the model, got "
                f"{positions.shape}"
            )
        if 0 in positions.shape:
            raise ValueError(f"{name} is empty: expected shape {shape}, got {positions.shape}")
        if not np.isfinite(positions).all():
            raise ValueError(f"{name} is not finite; pass the last good frames")
        return positions
