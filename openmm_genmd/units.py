"""Unit conversion at the border: Quantities or bare MD-unit numbers in, bare floats out.

Inside the package every number is in OpenMM's MD unit system (nm, ps, kJ/mol, K, dalton);
a bare float carries its unit in its name.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import unit

GAS_CONSTANT_KJ_PER_MOL_K = 0.00831446261815324
"""Molar gas constant, kJ/mol/K, the value that OpenMM uses (CODATA 2018)."""

KJ_PER_KCAL = 4.184
"""Of the thermochemical calorie, in which works and free energies are reported."""

AVOGADRO_PER_MOL = 6.02214076e23
"""Particles in a mole, exact since the SI of 2019."""

STANDARD_VOLUME_NM3 = 1e24 / AVOGADRO_PER_MOL
"""Of one molecule at the standard concentration of 1 mol/L, nm^3: 1.6605."""


def to_md(value: Any, expected: unit.Unit, name: str) -> float:
    """Value as a bare float in ``expected``, which must be an MD unit.

    Parameters
    ----------
    value
        A Quantity of compatible dimension, or a bare number that is already in ``expected``.
    expected
        The unit of the returned number.
    name
        What the user calls this value; used in the error message.

    Raises
    ------
    ValueError
        If the dimension is wrong, or the value is not a finite number.
    """
    if unit.is_quantity(value):
        if not value.unit.is_compatible(expected):
            raise ValueError(f"{name} must be in {expected} or convertible to it, got {value.unit}")
        value = value.value_in_unit(expected)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number in {expected}, got {value!r}") from None
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    return number


def positions_nm(positions: Any) -> NDArray[np.float64]:
    """Positions ``(..., 3)`` float64 in nm, from a Quantity or anything array-like."""
    if unit.is_quantity(positions):
        positions = positions.value_in_unit(unit.nanometer)
    return np.asarray(positions, dtype=np.float64)


def thermal_energy_kj_per_mol(temperature_k: float) -> float:
    """Thermal energy in kJ/mol at a temperature in K."""
    return GAS_CONSTANT_KJ_PER_MOL_K * temperature_k
