"""Quantities and bare numbers become bare floats in MD units, or a clear error."""

import numpy as np
import pytest
from openmm import unit

from openmm_genmd.units import positions_nm, thermal_energy_kj_per_mol, to_md


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2.5, 2.5), (np.float32(2.5), 2.5), (25 * unit.angstrom, 2.5), (2.5e-9 * unit.meter, 2.5)],
)
def test_lengths(value, expected):
    assert to_md(value, unit.nanometer, "cutoff") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1 * unit.picosecond, "cutoff must be in nanometer or convertible to it, got picosecond"),
        ("long", "cutoff must be a number in nanometer, got 'long'"),
        (None, "cutoff must be a number in nanometer, got None"),
        (float("nan"), "cutoff must be finite, got nan"),
        (float("inf") * unit.angstrom, "cutoff must be finite, got inf"),
    ],
)
def test_what_is_no_length(value, message):
    with pytest.raises(ValueError, match=message):
        to_md(value, unit.nanometer, "cutoff")


def test_positions():
    expected = np.array([[0.1, 0.2, 0.3]])
    np.testing.assert_allclose(positions_nm(expected * 10 * unit.angstrom), expected, rtol=1e-15)
    assert positions_nm([[1, 2, 3]]).dtype == np.float64


def test_thermal_energy():
    """KT at 300 K from OpenMM's own constant."""
    expected = (unit.MOLAR_GAS_CONSTANT_R * 300 * unit.kelvin).value_in_unit(
        unit.kilojoule_per_mole
    )
    assert thermal_energy_kj_per_mol(300.0) == pytest.approx(expected, rel=1e-9)
