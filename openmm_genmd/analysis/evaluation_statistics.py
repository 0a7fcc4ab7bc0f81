"""The metrics, grouped by the quantities of frames that they need.

Each function is a `Statistic`: it takes the reference and the generated `FrameData`, and gives
numbers by name. What the names mean, and their units, is in `evaluation_table`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.comparison import FrameData
from openmm_genmd.analysis.metrics_contacts import (
    contact_frequencies,
    exposed_residues,
    jaccard,
    transient_contacts,
    weak_contacts,
)
from openmm_genmd.analysis.metrics_distributions import (
    fraction_jsd,
    macrostate_error_kt,
    occupancy_jsd,
    plane_jsd,
    radius_kl,
    series_jsd,
    torsion_jsd,
)
from openmm_genmd.analysis.metrics_flexibility import (
    first_component_cosine,
    mean_pairwise_rmsd,
    pca_w2,
    pearson,
    rmsf,
    root_mean_w2,
)
from openmm_genmd.analysis.metrics_folding import folding_free_energy_kcal_per_mol
from openmm_genmd.units import KJ_PER_KCAL, thermal_energy_kj_per_mol

Numbers = dict[str, float]

MIN_CARBONS = 4
"""With fewer alpha carbons, superposition leaves hardly any freedom."""


@dataclass(frozen=True)
class TorsionStatistic:
    """Jensen-Shannon distances of torsions: all, those of the backbone, those of side chains.

    Attributes
    ----------
    is_backbone
        ``(n_torsions,)`` bool.

    Examples
    --------
    >>> angles = FrameData({"torsions": np.zeros((4, 2))}, np.arange(4))
    >>> TorsionStatistic(np.array([True, False]))(angles, angles)["torsion_jsd"]
    0.0
    """

    is_backbone: NDArray[np.bool_]

    def __call__(self, reference: FrameData, generated: FrameData) -> Numbers:
        """Means over torsions of each kind that there is."""
        each = torsion_distances(reference, generated)
        parts = {
            "torsion_jsd": each,
            "torsion_jsd_backbone": each[self.is_backbone],
            "torsion_jsd_side_chain": each[~self.is_backbone],
        }
        return {name: float(part.mean()) for name, part in parts.items() if len(part)}


def torsion_distances(reference: FrameData, generated: FrameData) -> NDArray[np.float64]:
    """Jensen-Shannon distance of each torsion, ``(n_torsions,)``."""
    pairs = zip(reference["torsions"].T, generated["torsions"].T, strict=True)
    return np.array([torsion_jsd(first, second) for first, second in pairs])


def slow_statistic(reference: FrameData, generated: FrameData) -> Numbers:
    """Distances on the slowest TICA coordinates of the reference."""
    first, second = reference["slow"], generated["slow"]
    numbers = {"tic0_jsd": series_jsd(first[:, 0], second[:, 0])}
    if first.shape[1] > 1:
        numbers["tic01_jsd"] = plane_jsd(first[:, :2], second[:, :2])
    return numbers


@dataclass(frozen=True)
class StateStatistic:
    """Distances of the occupancies of metastable states.

    Attributes
    ----------
    n_states
        Number of states.
    temperature_k
        K, for the free energies of the macrostate error.

    Examples
    --------
    >>> labels = FrameData({"states": np.array([0, 1])}, np.arange(2))
    >>> StateStatistic(2, 300.0)(labels, labels)["macrostate_mae"]
    0.0
    """

    n_states: int
    temperature_k: float

    def __call__(self, reference: FrameData, generated: FrameData) -> Numbers:
        """Occupancy distance, and the macrostate error in kcal/mol."""
        labels = reference["states"], generated["states"]
        if any(np.all(part < 0) for part in labels):
            return {"state_jsd": float("nan"), "macrostate_mae": float("nan")}
        error_kt = macrostate_error_kt(*labels, self.n_states)
        kt_kcal_per_mol = thermal_energy_kj_per_mol(self.temperature_k) / KJ_PER_KCAL
        return {
            "state_jsd": occupancy_jsd(*labels, self.n_states),
            "macrostate_mae": error_kt * kt_kcal_per_mol,
        }


def shape_statistic(reference: FrameData, generated: FrameData) -> Numbers:
    """Distances of radii of gyration, and of shares of helix, strand and coil."""
    first, second = reference["shape"], generated["shape"]
    return {
        "radius_kl": radius_kl(first[:, 0], second[:, 0]),
        "secondary_structure_jsd": fraction_jsd(_with_coil(first), _with_coil(second)),
    }


@dataclass(frozen=True)
class FoldingStatistic:
    """Difference of the folding free energies.

    Attributes
    ----------
    temperature_k
        K.

    Examples
    --------
    >>> half = FrameData({"native_fraction": np.full(3, 0.5)}, np.arange(3))
    >>> FoldingStatistic(300.0)(half, half)["folding_free_energy_error"]
    0.0
    """

    temperature_k: float

    def __call__(self, reference: FrameData, generated: FrameData) -> Numbers:
        """Both free energies and their absolute difference, kcal/mol."""
        first, second = (
            folding_free_energy_kcal_per_mol(data["native_fraction"], self.temperature_k)
            for data in (reference, generated)
        )
        return {
            "folding_free_energy_error": abs(second - first),
            "folding_free_energy_reference": first,
            "folding_free_energy_generated": second,
        }


def flexibility_statistic(reference: FrameData, generated: FrameData) -> Numbers:
    """Sizes and directions of fluctuations, of superposed frames.

    Those of alpha carbons are left out for fewer than `MIN_CARBONS` of them.
    """
    first, second = reference["heavy"], generated["heavy"]
    w2 = root_mean_w2(first, second)
    numbers = {
        "rmsf_r_heavy": pearson(rmsf(first), rmsf(second)),
        "root_mean_w2": w2.total_angstrom,
        "root_mean_w2_translation": w2.translation_angstrom,
        "root_mean_w2_spread": w2.spread_angstrom,
    }
    if reference["alpha_carbons"].shape[1] < MIN_CARBONS:
        return numbers
    return numbers | _of_carbons(reference["alpha_carbons"], generated["alpha_carbons"])


def _of_carbons(first: NDArray[np.floating], second: NDArray[np.floating]) -> Numbers:
    return {
        "pairwise_rmsd_reference": mean_pairwise_rmsd(first),
        "pairwise_rmsd_generated": mean_pairwise_rmsd(second),
        "rmsf_r_alpha_carbons": pearson(rmsf(first), rmsf(second)),
        "pca_w2": pca_w2(first, second),
        "joint_pca_w2": pca_w2(first, second, components_of="both"),
        "pc1_cosine": first_component_cosine(first, second),
    }


@dataclass(frozen=True)
class ContactStatistic:
    """Agreement on which native contacts are weak and which new ones form.

    Attributes
    ----------
    native
        `contact_frequencies` of the native structure.

    Examples
    --------
    >>> data = FrameData({"alpha_carbons": np.zeros((2, 3, 3))}, np.arange(2))
    >>> ContactStatistic(np.zeros(3))(data, data)["transient_contacts"]
    1.0
    """

    native: NDArray[np.float64]

    def __call__(self, reference: FrameData, generated: FrameData) -> Numbers:
        """Jaccard similarities."""
        frequencies = [contact_frequencies(d["alpha_carbons"]) for d in (reference, generated)]
        weak = [weak_contacts(self.native, f) for f in frequencies]
        transient = [transient_contacts(self.native, f) for f in frequencies]
        return {"weak_contacts": jaccard(*weak), "transient_contacts": jaccard(*transient)}


@dataclass(frozen=True)
class ExposureStatistic:
    """Agreement on which buried residues become exposed.

    Attributes
    ----------
    native
        ``(n_residues,)`` side-chain areas of the native structure, square Angstrom.

    Examples
    --------
    >>> data = FrameData({"areas": np.full((2, 3), 9.0)}, np.arange(2))
    >>> ExposureStatistic(np.zeros(3))(data, data)["exposed_residues"]
    1.0
    """

    native: NDArray[np.float64]

    def __call__(self, reference: FrameData, generated: FrameData) -> Numbers:
        """Jaccard similarity."""
        exposed = [exposed_residues(self.native, data["areas"]) for data in (reference, generated)]
        return {"exposed_residues": jaccard(*exposed)}


def clash_statistic(reference: FrameData, generated: FrameData) -> Numbers:
    """Shares of frames with clashes, and of overlapping pairs."""
    return {
        "clashing_frames_reference": float(np.mean(reference["close_pairs"] > 0)),
        "clashing_frames_generated": float(np.mean(generated["close_pairs"] > 0)),
        "overlapping_pairs_reference": float(np.mean(reference["overlap"])),
        "overlapping_pairs_generated": float(np.mean(generated["overlap"])),
    }


def _with_coil(shape: NDArray[np.floating]) -> NDArray[np.float64]:
    fractions = np.asarray(shape[:, 1:3], dtype=np.float64)
    coil = np.clip(1.0 - fractions.sum(axis=1), 0.0, 1.0)
    return np.column_stack((fractions, coil))
