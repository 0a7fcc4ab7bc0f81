"""The stored reference of alanine dipeptide, made by ``reference_population.py``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from openmm_genmd.analysis.free_energy import FreeEnergyProfile, FreeEnergySurface

REFERENCE_FILE = Path(__file__).parent / "reference" / "alanine_dipeptide.json"


@dataclass(frozen=True)
class Reference:
    """What an independent method says about the equilibrium of alanine dipeptide.

    Attributes
    ----------
    population
        Of alpha-left, and its standard error.
    profile, surface
        F(phi) and F(phi, psi).
    method
        How they were obtained, in words.
    """

    population: tuple[float, float]
    profile: FreeEnergyProfile
    surface: FreeEnergySurface
    method: str


def load_reference(path: Path = REFERENCE_FILE) -> Reference:
    """Read the reference file."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    profile, surface = stored["profile"], stored["surface"]
    value, error = stored["population_alpha_left"]
    # JSON's null becomes NaN: a bin that was never seen, or has no error bar.
    return Reference(
        (value, error),
        FreeEnergyProfile(
            np.array(profile["phi_rad"]),
            np.array(profile["free_energy_kj_per_mol"], dtype=np.float64),
            np.array(profile["standard_error_kj_per_mol"], dtype=np.float64),
        ),
        FreeEnergySurface(
            np.array(surface["phi_and_psi_rad"]),
            np.array(surface["free_energy_kj_per_mol"], dtype=np.float64),
        ),
        stored["method"],
    )
