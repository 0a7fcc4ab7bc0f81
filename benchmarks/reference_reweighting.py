"""Population, profile and surface of alanine dipeptide from frames under a frozen bias."""

from __future__ import annotations

import json
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


def population(
    phi_rad: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float, NDArray[np.float64], NDArray[np.float64]]:
    """Estimate alpha-left: population, standard error, and the values and errors of each walker.

    Parameters
    ----------
    phi_rad, weight
        ``(walkers, blocks, frames)`` float64.
    """
    top = (weight * in_rare_basin(phi_rad)).sum(axis=2)
    bottom = weight.sum(axis=2)
    value, error = jackknife_ratio(top.ravel(), bottom.ravel())
    walkers = np.array([jackknife_ratio(t, b) for t, b in zip(top, bottom, strict=True)])
    return float(value), float(error), walkers[:, 0], walkers[:, 1]


def agreement(
    values: NDArray[np.float64], errors: NDArray[np.float64], expected: float
) -> dict[str, float]:
    """Chi-square of the walkers around the pooled value with its p-value.

    Each walker's own error is noisy with few blocks, so the root mean square of them all is used.
    """
    statistic = float(np.sum((values - expected) ** 2) / np.mean(errors**2))
    degrees = len(values) - 1
    p_value = float(chi2.sf(statistic, degrees))
    return {"chi_square": statistic, "degrees_of_freedom": degrees, "p_value": p_value}


def summarise(frames: NDArray[np.float64]) -> dict[str, Any]:
    """Everything that the reference file says about the sampled distribution.

    Parameters
    ----------
    frames
        ``(3, walkers, blocks, frames)`` float64: phi and psi in rad, V in kJ/mol.
    """
    phi, psi, bias = frames
    weight = weights(bias)
    value, error, walker_values, walker_errors = population(phi, weight)
    common: dict[str, Any] = {"temperature_k": TEMPERATURE_K, "weights": weight.ravel()}
    profile = free_energy_profile(
        phi.ravel(), bins=PROFILE_BINS, blocks=phi.shape[0] * phi.shape[1], **common
    )
    surface = free_energy_surface(phi.ravel(), psi.ravel(), bins=SURFACE_BINS, **common)
    return {
        "population_alpha_left": [value, error],
        "relative_standard_error": error / value,
        "walkers": {
            "population": walker_values.tolist(),
            "standard_error": walker_errors.tolist(),
            "biased_phi_crossings": [count_crossings(walker.ravel()) for walker in phi],
            "biased_psi_crossings": [_psi_crossings(walker.ravel()) for walker in psi],
            "agreement": agreement(walker_values, walker_errors, value),
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
