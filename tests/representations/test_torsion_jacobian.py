"""Volume that leaps keep: Jacobians by differences, and sides that make leaps irreversible."""

import numpy as np
import pytest

from openmm_genmd.representations.torsion_kernel import TorsionKernel


def _determinant(function, x, step=1e-5):
    flat = x.ravel()
    columns = [
        function((flat + d).reshape(x.shape)).ravel()
        - function((flat - d).reshape(x.shape)).ravel()
        for d in step * np.eye(len(flat))
    ]
    return abs(np.linalg.det(np.array(columns) / (2 * step)))


def _shear(torsions):
    """Smooth map of the torus that mixes its angles, and its determinant by differences."""
    return torsions + 0.3 * np.sin(torsions + np.roll(torsions, 1)) + 0.7


def _stretching(representation):
    def decode(torsions, x):
        y = representation.decode(torsions, x)
        torsion = representation.torsions[0]
        _, j, k, _ = torsion.atoms
        y[list(torsion.moving)] += (
            0.3 * torsion.direction * (y[k] - y[j]) * (1 - np.cos(torsions[0]))
        )
        return y

    return decode


@pytest.mark.parametrize("name", ["dipeptide", "hexane"])
def test_jacobian_is_that_of_the_torsions_alone(molecules, name):
    representation, x, _ = molecules[name].random_case(7)
    encode, decode = representation.encode, representation.decode
    delta = np.linspace(0.5, 1.0, len(representation.torsions))
    assert abs(_determinant(lambda z: decode(encode(z) + delta, z), x) - 1) < 1e-6
    on_torus = _determinant(_shear, encode(x))
    assert abs(on_torus - 1) > 0.05
    assert abs(_determinant(lambda z: decode(_shear(encode(z)), z), x) / on_torus - 1) < 1e-6


@pytest.mark.parametrize("name", ["dipeptide", "hexane"])
def test_jacobian_test_notices_a_stretched_bond(molecules, name):
    representation, x, _ = molecules[name].random_case(7)
    decode = _stretching(representation)
    assert abs(_determinant(lambda z: decode(representation.encode(z) + 0.7, z), x) - 1) > 0.05


def _sides(bonds, chosen):
    """Kernel of a chain of 6 carbons that turns what is above or below each bond as told."""
    corners = [(n - 1, n, n + 1, n + 2) for n in bonds]
    moving = [range(n + 1, 6) if up else range(n + 1) for n, up in zip(bonds, chosen, strict=True)]
    return TorsionKernel(corners, moving)


def test_sides_that_overlap_or_depend_on_the_state_do_not_lead_back():
    rng = np.random.default_rng(1)
    x = np.cumsum(rng.normal(size=(6, 3)), axis=0)
    new = np.array([1.0, -2.0])
    good = _sides((1, 3), (False, True))
    overlapping = _sides((1, 3), (True, False))

    def chosen_by_state(z):
        return _sides((1, 3), (good.angles(z)[0] > 0, True))

    back = good.turn_to(good.angles(x), good.turn_to(new, x))
    assert np.abs(back - x).max() < 1e-13
    back = overlapping.turn_to(good.angles(x), overlapping.turn_to(new, x))
    assert np.abs(back - x).max() > 0.1
    x = good.turn_to(np.array([-1.0, 0.0]), x)
    y = chosen_by_state(x).turn_to(new, x)
    back = chosen_by_state(y).turn_to(good.angles(x), y)
    assert np.abs(back - x).max() > 0.1
