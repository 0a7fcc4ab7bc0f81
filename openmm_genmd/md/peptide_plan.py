"""What is run for a peptide unless the user says otherwise: `peptide_plan`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openmm_genmd.md.simulation_plan import SimulationPlan

_DEFAULTS: dict[str, Any] = {
    "hot_leaps": True,
    "hot_time_ps": 60.0,
    "hot_candidates": 32,
    "torsion_starts": 0,
    "leaps": True,
    "runs": 8,
    "equilibration_ps": 1.0,
    "run_time_ps": 20.0,
    "frame_interval_ps": 0.2,
}

_MOST_ATOMS_ON_REFERENCE = 100
"""Up to here the Reference platform is about as fast as one thread of CPU, and reproducible."""


def peptide_plan(n_atoms: int, given: Mapping[str, Any]) -> SimulationPlan:
    """Plan that finds the basins of a tetrapeptide in implicit solvent within half a minute.

    Hot MD with leaps of its torsions finds the basins; eight runs with leaps then have nearly the
    populations of the force field.

    Parameters
    ----------
    n_atoms
        The platform depends on it.
    given
        Fields of `SimulationPlan` that shall be different.

    Raises
    ------
    pydantic.ValidationError
        If one is unknown or out of range.

    Examples
    --------
    >>> plan = peptide_plan(52, {"runs": 4})
    >>> plan.platform, plan.runs, plan.leaps
    ('Reference', 4, True)
    """
    platform = "Reference" if n_atoms <= _MOST_ATOMS_ON_REFERENCE else "CPU"
    return SimulationPlan(**{"platform": platform, **_DEFAULTS, **given})
