"""Leaps of peptides by MarS-FM inside a simulation: `MarsFMProposer`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import openmm
import torch
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.models.exact_flow import flow_of_velocity, torus_flow_of_score
from openmm_genmd.models.mars_fm import MarsFM
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions
from openmm_genmd.models.token_path import token_chain
from openmm_genmd.models.torus_path import torus_chain
from openmm_genmd.proposers.leap_densities import FlowLeaps, LeapDensity, PathLeaps
from openmm_genmd.proposers.network_leap import Model, TorsionScoreLeap, network_of
from openmm_genmd.proposers.proposer import Proposal, Proposer
from openmm_genmd.proposers.token_leap import TokenLeap
from openmm_genmd.proposers.torsion_leap import in_images_of, require_candidates
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.peptide_topology import peptide_topology
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]
Density = Literal["path", "exact"]
Representation = FrameRepresentation | TorsionRepresentation

# A path's densities allow for rounding; a flow has to be inverted.
_DTYPE = {"path": torch.float32, "exact": torch.float64}
_LAST_NOISE = {TorsionRepresentation: 0.1, FrameRepresentation: 0.05}


class MarsFMProposer(Proposer):
    """Draws a peptide's next conformation from a network that was trained on pairs of them.

    With a `MarsFMTorsions` all torsions that it knows leap, and all else is carried. With a
    `MarsFM` residues leap as rigid frames with their side chains, which suits long chains; lengths
    and repeated torsions of its tokens are auxiliary variables, drawn anew for each leap.

    With ``density="path"`` a leap is a random path of ``steps`` Gaussian transitions, whose density
    needs no more than calls of the network, ``2 steps`` of them; the grade is ``path``. With
    ``"exact"`` the network's flow is integrated in ``steps`` implicit midpoint steps, in double
    precision, with its exact volume; the grade is ``exact``, or ``path`` for frames, because of the
    auxiliary variables. Either is right for every network; a bad one costs acceptance.

    Parameters
    ----------
    model
        The network, which is copied, or a checkpoint that holds one.
    topology
        Topology with one peptide, or the representation of one.
    density
        ``"path"`` or ``"exact"``.
    steps
        Transitions of a path, or steps of the integration.
    first_noise
        Of a path: rad for torsions, in units of the tokens for frames.
    last_noise
        Noise before a path's last transition, and of the conformations of a flow of torsions: rad
        for torsions (.1 by default), Angstrom for frames (.05).
    data_width
        About the width of the basins of conformations, in the same units.
    radius_width, repeated_width_rad
        Of frames' auxiliary variables; see `TokenAuxiliaries`.
    system
        Of the Topology: leaps are then checked against constraints and frozen particles.
    atoms
        Atoms of the peptide, if the Topology has several.

    Attributes
    ----------
    particles
        All particles of the peptide.
    geometry
        ``"torsions"`` or ``"frames"``: what leaps.

    Raises
    ------
    TypeError
        If the model is of another kind.
    ValueError
        If the density is unknown; if there is no peptide, or several; if the network knows none of
        its torsions; if steps or noise make no sense, or a leap would change a constraint.
    FileNotFoundError
        If there is no such checkpoint.

    References
    ----------
    Section 12 of ``docs/theory.md`` derives both densities.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> from openmm_genmd.models.mars_fm_torsions import MarsFMTorsionsConfig
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> config = MarsFMTorsionsConfig(width=8, heads=1, ipa_layers=1, transformer_layers=1)
    >>> proposer = MarsFMProposer(MarsFMTorsions(config), topology, steps=4)
    >>> proposal = proposer.propose(positions_nm, None, np.random.default_rng(1))
    >>> proposal.positions.shape, proposer.geometry, proposer.grade
    ((22, 3), 'torsions', 'path')
    """

    conditional = True

    def __init__(
        self,
        model: Model | str | Path,
        topology: app.Topology | Representation,
        *,
        density: Density = "path",
        steps: int = 10,
        first_noise: float = 2.0,
        last_noise: float | None = None,
        data_width: float = 0.4,
        radius_width: float = 0.1,
        repeated_width_rad: float = 0.1,
        system: openmm.System | None = None,
        atoms: Any = None,
    ) -> None:
        if density not in get_args(Density):
            raise ValueError(f"density must be 'path' or 'exact', got {density!r}")
        network, self.checkpoint_path, self.sha256 = network_of(model)
        representation = _representation(network, topology, system, atoms)
        self.density, self.steps = density, steps
        self.first_noise, self.data_width = first_noise, data_width
        self.radius_width, self.repeated_width_rad = radius_width, repeated_width_rad
        self.last_noise = _LAST_NOISE[type(representation)] if last_noise is None else last_noise
        self.geometry = "torsions" if isinstance(network, MarsFMTorsions) else "frames"
        self._density = self._density_of(network, representation)
        self.representation = representation
        self.particles = representation.particles
        self._exact = self.geometry == "torsions" and isinstance(self._density, FlowLeaps)
        self.grade = "exact" if self._exact else "path"

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Proposed conformation with its log ratio, NaN if there is none; see `Proposer.propose`.

        Raises
        ------
        ValueError
            If the positions have the wrong shape.
        """
        whole = self._whole(positions, box)
        if np.isfinite(whole).all():
            (proposed,), (log_ratio,) = self._density.propose(whole[None], rng)
            if np.isfinite(proposed).all():
                return Proposal(in_images_of(positions, whole, proposed), float(log_ratio))
        return Proposal(positions.copy(), float("nan"))

    def sample(
        self, positions: Array, box: Array | None, rng: np.random.Generator, k: int
    ) -> tuple[Array, Array]:
        """Candidates ``(k, n_moved, 3)`` in nm and their log densities ``(k,)``; exact grade only.

        Both are NaN where the flow has no inverse.

        Raises
        ------
        NotImplementedError
            If the grade is ``path``.
        ValueError
            If ``k`` is not positive or the positions have the wrong shape.
        """
        require_candidates(k)
        flows = self._require_flow()
        whole = self._whole(positions, box)
        if not np.isfinite(whole).all():
            return np.full((k, *whole.shape), np.nan), np.full(k, np.nan)
        numbers, log_density = flows.flow(whole[None]).sample(k, rng)
        proposed = flows.leap.conformations(numbers, whole[None])
        return in_images_of(positions, whole, proposed), log_density.numpy()

    def log_density(self, candidates: Array, given: Array, box: Array | None) -> Array:
        """Log densities ``(k,)`` of candidates ``(k, n_moved, 3)`` in nm; exact grade only.

        NaN for what the flow does not reach.

        Raises
        ------
        NotImplementedError
            If the grade is ``path``.
        ValueError
            If an array has the wrong shape.
        """
        flows = self._require_flow()
        whole, start = self._whole(candidates, box), self._whole(given, box)[None]
        if not np.isfinite(start).all():
            return np.full(len(whole), np.nan)
        numbers = flows.leap.numbers(whole, start, np.random.default_rng(0))  # nothing is drawn
        return np.asarray(flows.flow(start).log_density(numbers).numpy())

    def describe(self) -> dict[str, Any]:
        """Return JSON types for `proposer_from_description`; nothing without a checkpoint."""
        if self.checkpoint_path is None:
            return {}
        return {
            "class": type(self).__name__,
            "checkpoint": self.checkpoint_path,
            "sha256": self.sha256,
            "density": self.density,
            "steps": self.steps,
            "first_noise": self.first_noise,
            "last_noise": self.last_noise,
            "data_width": self.data_width,
            "radius_width": self.radius_width,
            "repeated_width_rad": self.repeated_width_rad,
            "representation": self.representation.to_dict(),
        }

    def _whole(self, positions: Array, box: Array | None) -> Array:
        shape = (len(self.particles), 3)
        if positions.shape[-2:] != shape:
            raise ValueError(f"positions must have shape {shape}, got {positions.shape}")
        whole: Array = (
            self.representation.make_whole(positions, box) if box is not None else positions
        )
        return whole

    def _require_flow(self) -> FlowLeaps:
        if self._exact and isinstance(self._density, FlowLeaps):
            return self._density
        raise NotImplementedError(
            "leaps of grade path have no density of their own, only a ratio: draw single "
            "proposals, or use a MarsFMTorsions with density='exact'"
        )

    def _density_of(self, model: Model, molecule: Representation) -> LeapDensity:
        if isinstance(model, MarsFM):
            assert isinstance(molecule, FrameRepresentation)
            return self._of_frames(model, molecule)
        assert isinstance(molecule, TorsionRepresentation)
        return self._of_torsions(model, molecule)

    def _of_torsions(self, model: MarsFMTorsions, molecule: TorsionRepresentation) -> LeapDensity:
        layout = ResidueLayout.from_topology(peptide_topology(molecule.fingerprint))
        leap = TorsionScoreLeap(model, molecule, layout, _DTYPE[self.density])
        if self.density == "path":
            chain = torus_chain(
                self.steps,
                sigma_max_rad=self.first_noise,
                sigma_min_rad=self.last_noise,
                data_width_rad=self.data_width,
            )
            return PathLeaps(leap, chain)
        flow = partial(
            torus_flow_of_score,
            size=leap.size,
            steps=self.steps,
            sigma_max_rad=model.config.sigma_max_rad,
            sigma_min_rad=self.last_noise,
        )
        return FlowLeaps(leap, flow)

    def _of_frames(self, model: MarsFM, molecule: FrameRepresentation) -> LeapDensity:
        leap = TokenLeap(
            model,
            molecule,
            radius_width=self.radius_width,
            repeated_width_rad=self.repeated_width_rad,
            dtype=_DTYPE[self.density],
        )
        if self.density == "exact":
            return FlowLeaps(leap, partial(flow_of_velocity, size=leap.size, steps=self.steps))
        chain = token_chain(
            model.path,
            self.steps,
            first_noise=self.first_noise,
            last_noise=self.last_noise,
            data_width=self.data_width,
        )
        return PathLeaps(leap, chain)


def _representation(
    network: Model,
    topology: app.Topology | Representation,
    system: openmm.System | None,
    atoms: Any,
) -> Representation:
    kind: type[Representation] = (
        TorsionRepresentation if isinstance(network, MarsFMTorsions) else FrameRepresentation
    )
    if isinstance(topology, app.Topology):
        return kind.from_topology(topology, system, atoms=atoms)
    if not isinstance(topology, kind):
        raise TypeError(
            f"a {type(network).__name__} needs a Topology or a {kind.__name__}, got a "
            f"{type(topology).__name__}"
        )
    return topology
