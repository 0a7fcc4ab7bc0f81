"""Population, profile and surface of alanine dipeptide from frames under a frozen bias."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from alanine_dipeptide_system import TEMPERATURE_K
from numpy.typing import NDArray
from scipy.stats import chi2

from openmm_genmd.analysis.crossings import count_crossings, in_rare_basin
from openmm_genmd.analysis.free_energy import free_energy_profile, free_energy_surface
from openmm_genmd.analysis.statistics import jackknife_ratio
from openmm_genmd.units import thermal_energy_kj_per_mol

PROFILE_BINS = 100
SURFACE_BINS = 60


def weights(bias_kj_per_mol: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute exp(V/kT) up to a constant, in the shape of the argument.

    References
    ----------
    Torrie and Valleau, J. Comput. Phys. 23, 187 (1977): umbrella sampling.
    """
    reduced = bias_kj_per_mol / thermal_energy_kj_per_mol(TEMPERATURE_K)
    return np.asarray(np.exp(reduced - reduced.max()))


@dataclass(frozen=True)
class SampleSet:
    """Frames of independent walkers under one frozen bias.

    Attributes
    ----------
    frames
        ``(3, walkers, blocks, frames)`` float64: phi and psi in rad, V in kJ/mol.
    from_alpha_left
        ``(walkers,)`` bool: started in alpha-left, not from the minimised structure.
    seed
        Of the bias; those of the walkers follow.
    """

    frames: NDArray[np.float64]
    from_alpha_left: NDArray[np.bool_]
    seed: int

    @property
    def size(self) -> int:
        """Number of frames."""
        return int(np.prod(self.frames.shape[1:]))

    @property
    def n_blocks(self) -> int:
        """Number of blocks of all walkers."""
        return int(np.prod(self.frames.shape[1:3]))


@dataclass(frozen=True)
class Estimate:
    """Population of alpha-left from one `SampleSet`, with the two errors that it can have.

    Attributes
    ----------
    value
        From all walkers.
    jackknife_error
        From a jackknife over the blocks of all walkers.
    scatter_error
        From the scatter between walkers, which may have slower drifts than a block shows.
    walker_values, walker_errors
        ``(walkers,)`` float64, with errors from a jackknife over the blocks of each.
    """

    value: float
    jackknife_error: float
    scatter_error: float
    walker_values: NDArray[np.float64]
    walker_errors: NDArray[np.float64]

    @property
    def standard_error(self) -> float:
        """The larger of the two errors."""
        return max(self.jackknife_error, self.scatter_error)


def estimate(samples: SampleSet) -> Estimate:
    """Estimate the population of alpha-left by reweighting."""
    weight = weights(samples.frames[2])
    top = (weight * in_rare_basin(samples.frames[0])).sum(axis=2)
    bottom = weight.sum(axis=2)
    value, error = jackknife_ratio(top.ravel(), bottom.ravel())
    walkers = np.array([jackknife_ratio(t, b) for t, b in zip(top, bottom, strict=True)])
    scatter = walkers[:, 0].std(ddof=1) / len(walkers) ** 0.5
    return Estimate(float(value), float(error), float(scatter), walkers[:, 0], walkers[:, 1])


def combined(estimates: list[Estimate], sizes: list[int]) -> tuple[float, float]:
    """Mean of independent sets, each with its share of all frames, and its standard error.

    Weights that do not depend on the errors cannot be biased by them.
    """
    shares = np.array(sizes) / sum(sizes)
    values = np.array([e.value for e in estimates])
    errors = np.array([e.standard_error for e in estimates])
    return float(shares @ values), float(np.sqrt(np.sum((shares * errors) ** 2)))


def agreement(
    values: NDArray[np.float64], errors: NDArray[np.float64]
) -> dict[str, float | list[float]]:
    """Chi-square of walkers around their weighted mean, with its p-value."""
    weight = 1 / errors**2
    mean = float(np.average(values, weights=weight))
    statistic = float(np.sum(weight * (values - mean) ** 2))
    degrees = len(values) - 1
    return {
        "mean": [mean, float(weight.sum() ** -0.5)],
        "chi_square": statistic,
        "degrees_of_freedom": degrees,
        "p_value": float(chi2.sf(statistic, degrees)),
    }


def agreement_by_start(sets: list[SampleSet], estimates: list[Estimate]) -> dict[str, Any]:
    """Agreement of all walkers, of those that started alike, and between the two starts.

    A walker's own error is noisy with few blocks, so the root mean square of its set is used.
    """
    values = np.concatenate([e.walker_values for e in estimates])
    errors = np.concatenate(
        [np.full(len(e.walker_errors), np.mean(e.walker_errors**2) ** 0.5) for e in estimates]
    )
    alpha_left = np.concatenate([s.from_alpha_left for s in sets])
    groups = {"all": np.ones_like(alpha_left), "minimised": ~alpha_left, "alpha_left": alpha_left}
    result: dict[str, Any] = {
        name: agreement(values[group], errors[group])
        for name, group in groups.items()
        if any(group)
    }
    if {"minimised", "alpha_left"} <= result.keys():
        (one, one_error), (two, two_error) = (
            result[name]["mean"] for name in ("alpha_left", "minimised")
        )
        result["alpha_left_minus_minimised_in_standard_errors"] = float(
            (one - two) / np.hypot(one_error, two_error)
        )
    return result


def summarise(sets: list[SampleSet]) -> dict[str, Any]:
    """Everything that the reference file says about the sampled distribution."""
    estimates = [estimate(samples) for samples in sets]
    value, error = combined(estimates, [samples.size for samples in sets])
    phi, psi = (np.concatenate([s.frames[i].ravel() for s in sets]) for i in (0, 1))
    # Each set has a bias of its own, so its weights mean something only relative to their mean.
    relative = [weights(s.frames[2]).ravel() for s in sets]
    weight = np.concatenate([w / w.mean() for w in relative])
    common: dict[str, Any] = {"temperature_k": TEMPERATURE_K, "weights": weight}
    n_blocks = sum(samples.n_blocks for samples in sets)
    profile = free_energy_profile(phi, bins=PROFILE_BINS, blocks=n_blocks, **common)
    surface = free_energy_surface(phi, psi, bins=SURFACE_BINS, **common)
    walkers = [walker for samples in sets for walker in samples.frames.swapaxes(0, 1)]
    return {
        "population_alpha_left": [value, error],
        "relative_standard_error": error / value,
        "by_set": [
            {
                "seed": samples.seed,
                "population": e.value,
                "jackknife_error": e.jackknife_error,
                "scatter_error": e.scatter_error,
            }
            for samples, e in zip(sets, estimates, strict=True)
        ],
        "walkers": {
            "population": np.concatenate([e.walker_values for e in estimates]).tolist(),
            "standard_error": np.concatenate([e.walker_errors for e in estimates]).tolist(),
            "from_alpha_left": np.concatenate([s.from_alpha_left for s in sets]).tolist(),
            "biased_phi_crossings": [count_crossings(walker[0].ravel()) for walker in walkers],
            "biased_psi_crossings": [_psi_crossings(walker[1].ravel()) for walker in walkers],
            "agreement": agreement_by_start(sets, estimates),
        },
        "profile": {
            "phi_rad": profile.centers_rad.tolist(),
            "free_energy_kj_per_mol": _listed(profile.free_energy_kj_per_mol),
            "standard_error_kj_per_mol": _listed(profile.standard_error_kj_per_mol),
        },
        "surface": {
            "phi_and_psi_rad": surface.centers_rad.tolist(),
            "free_energy_kj_per_mol": [_listed(row) for row in surface.free_energy_kj_per_mol],
        },
    }


def write_json(path: Path, summary: dict[str, Any], **provenance: object) -> None:
    """Write the reference file: where it comes from first, then the numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**provenance, **summary}, indent=1) + "\n", encoding="utf-8")


def _psi_crossings(psi_rad: NDArray[np.float64]) -> int:
    """Count changes between -1.5 < psi < 0.5 (alpha) and psi beyond 1.5 or below -2.5 (beta)."""
    alpha = (psi_rad > -1.5) & (psi_rad < 0.5)
    beta = (psi_rad > 1.5) | (psi_rad < -2.5)
    visits = alpha[alpha | beta]
    return int(np.count_nonzero(np.diff(visits)))


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    return [round(float(v), 4) if np.isfinite(v) else None for v in values]
