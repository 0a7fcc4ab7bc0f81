"""All-atom conformations from a MarS-FM model: `MarsFMSampler`."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.models.mars_fm import MarsFM
from openmm_genmd.models.ode import Method, sample
from openmm_genmd.representations.residue_frames import ResidueFrames, backbone_of, frames_of
from openmm_genmd.representations.residue_geometry import AllAtomBuilder
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_tokens import decode, token_mask
from openmm_genmd.representations.torsion_builder import TorsionBuilder
from openmm_genmd.training.optimization import matmul_precision
from openmm_genmd.training.trainer_config import Precision

Geometry = Literal["torsions", "frames"]
_LONG = 10
"""Residues from which on errors of torsions would add up too much."""


class MarsFMSampler:
    """Draws conformations of a peptide about one lag time after the current ones.

    The model gives frames and torsions of residues; bond lengths, bond angles and what else they
    leave open are carried over from the current conformation. There is no density and no
    acceptance: the conformations are not Boltzmann distributed.

    Parameters
    ----------
    model
        Moved to the device.
    topology
        Of a peptide, with hydrogens and caps if it has any.
    steps, method
        Of the integration from noise to a conformation; see `openmm_genmd.models.ode.sample`.
    device
        ``cpu`` or ``cuda``.
    precision
        Of the network.
    geometry
        What conformations are built from: ``"torsions"``, which keep all bonds and angles, those
        between residues included; ``"frames"``, whose small errors strain peptide bonds, but do
        not add up along a chain. By default torsions below ten residues.

    Raises
    ------
    ValueError
        If the topology is not one of peptides alone, or precision or geometry is unknown.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.models.mars_fm import MarsFMConfig
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> config = MarsFMConfig(width=8, heads=1, ipa_layers=1, transformer_layers=1)
    >>> sampler = MarsFMSampler(MarsFM(config), topology, steps=2)
    >>> sampler.sample(positions_nm[None], 5, np.random.default_rng(0)).shape
    (1, 5, 22, 3)
    """

    def __init__(
        self,
        model: MarsFM,
        topology: app.Topology,
        *,
        steps: int = 20,
        method: Method = "midpoint",
        device: str = "cpu",
        precision: Precision = "float32",
        geometry: Geometry | None = None,
    ) -> None:
        if precision not in get_args(Precision):
            raise ValueError(
                f"precision must be one of {', '.join(get_args(Precision))}, got {precision!r}"
            )
        self.layout = ResidueLayout.from_topology(topology)
        self.geometry = geometry or ("torsions" if len(self.layout) < _LONG else "frames")
        if self.geometry not in get_args(Geometry):
            raise ValueError(
                f"geometry must be one of {', '.join(get_args(Geometry))}, got {geometry!r}"
            )
        by_torsions = self.geometry == "torsions"
        self._turns = TorsionBuilder(self.layout, topology) if by_torsions else None
        self._builder = AllAtomBuilder(self.layout, topology)
        self._device = torch.device(device)
        self._model = model.to(self._device).eval()
        self._steps, self._method, self._precision = steps, method, precision
        mask = torch.from_numpy(token_mask(self.layout))
        types = torch.from_numpy(self.layout.types)
        self._molecule = types.to(self._device), mask.to(self._device)

    def sample(
        self, positions_nm: NDArray[Any], n: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Positions ``(m, n, n_atoms, 3)``, float64, nm: n for each of the m current ones.

        Parameters
        ----------
        positions_nm
            ``(m, n_atoms, 3)``, nm, whole molecules.
        n
            How many for each.
        rng
            The only source of randomness.

        Raises
        ------
        FloatingPointError
            If the flow leaves the range of numbers.
        """
        positions = np.asarray(positions_nm, dtype=np.float64)
        current = frames_of(backbone_of(positions, self.layout))[:, None]
        tokens = self._tokens(current[:, 0], n, rng)
        frames, torsions_rad = decode(current, tokens)
        shape = (len(positions) * n, len(self.layout))
        flat = ResidueFrames(
            frames.rotations.reshape(*shape, 3, 3), frames.translations_angstrom.reshape(*shape, 3)
        )
        torsions, templates = torsions_rad.reshape(*shape, 7), np.repeat(positions, n, axis=0)
        if self._turns is not None:
            built = self._turns.rebuild(torsions, templates)
        else:
            built = self._builder.rebuild(flat, torsions, templates)
        return built.reshape(len(positions), n, *positions.shape[1:])

    def _tokens(
        self, frames: ResidueFrames, n: int, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Tokens ``(m, n, n_residues, 21)``."""
        rotations, translations = (
            torch.as_tensor(x, dtype=torch.float32, device=self._device)
            for x in (frames.rotations, _centred(frames.translations_angstrom))
        )
        types, mask = (x.expand(len(frames), *x.shape) for x in self._molecule)
        half = self._precision == "bfloat16"
        with (
            matmul_precision(self._precision),
            torch.autocast(self._device.type, torch.bfloat16, enabled=half),
        ):
            tokens = sample(
                self._model,
                rotations,
                translations,
                types,
                mask,
                torch.ones_like(types, dtype=torch.bool),
                rng=rng,
                n_samples=n,
                steps=self._steps,
                method=self._method,
            )
        return np.asarray(tokens.float().cpu().numpy())


def _centred(translations_angstrom: NDArray[Any]) -> NDArray[Any]:
    """As in training: far from the origin float32 would lose digits."""
    return np.asarray(translations_angstrom - translations_angstrom.mean(axis=-2, keepdims=True))
