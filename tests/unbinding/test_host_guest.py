"""Merged Systems have the energy of the whole; guests are put where they belong."""

from __future__ import annotations

import numpy as np
import openmm
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.unbinding.bundled_systems import _amber
from openmm_genmd.unbinding.host_guest import minimized, thread_guest
from openmm_genmd.unbinding.merged_systems import merge_systems


def energy(system, positions_nm):
    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference")
    )
    context.setPositions(positions_nm)
    return context.getState(energy=True).getPotentialEnergy()._value


def parts(cutoff_nm=None):
    names = ("complex-vacuum", "receptor", "ligand")
    return [_amber(f"cb7-b2/{n}.prmtop", f"cb7-b2/{n}.inpcrd", cutoff_nm) for n in names]


@pytest.mark.parametrize("cutoff_nm", [None, 0.7])
def test_merged_system_is_that_of_the_complex(cutoff_nm):
    whole, host, guest = parts(cutoff_nm)
    merged = merge_systems(host.system, guest.system)
    assert merged.getNumConstraints() == whole.system.getNumConstraints()
    rng = np.random.default_rng(0)
    for _ in range(3):
        x = whole.positions_nm + rng.normal(size=whole.positions_nm.shape) * 0.003
        expected = energy(whole.system, x)
        assert energy(merged, x) == pytest.approx(expected, abs=1e-4)
        swapped = merge_systems(guest.system, host.system)
        assert abs(energy(swapped, x) - expected) > 1000  # the order of atoms matters


def test_systems_that_do_not_merge():
    _, host, guest = parts()
    other = parts(0.7)[2]
    with pytest.raises(ValueError, match="differ in the NonbondedMethod of NonbondedForce: expe"):
        merge_systems(host.system, other.system)
    vacuum = openmm.System()
    vacuum.addForce(openmm.HarmonicBondForce())
    with pytest.raises(ValueError, match=r"same forces, got .*OBCForce.* and HarmonicBondForce"):
        merge_systems(guest.system, vacuum)
    custom = openmm.System()
    custom.addForce(openmm.CustomBondForce("r"))
    with pytest.raises(ValueError, match="cannot merge a CustomBondForce; expected forces of Harm"):
        merge_systems(custom, custom)


@pytest.mark.parametrize("seed", range(4))
def test_threading(seed):
    """A rod comes onto the axis of a ring, wherever both were and whatever else the rod carries."""
    rotate, other = Rotation.random(2, rng=seed)
    angles = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    ring = np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    place = np.array([1.0, 2.0, 3.0])
    rod = np.array([[0, 0, z] for z in (-0.3, -0.1, 0.1, 0.3)] + [[0.2, 0, 0.7]])
    host, guest = rotate.apply(ring) + place, other.apply(rod) + 5
    found = thread_guest(host, guest, range(4))
    local = rotate.inv().apply(found - place)
    np.testing.assert_allclose(local[:4, :2], 0, atol=1e-7)
    np.testing.assert_allclose(np.sort(local[:4, 2]), [-0.3, -0.1, 0.1, 0.3], atol=1e-7)
    assert abs(local[4, 2]) == pytest.approx(0.7)
    inside = np.linalg.norm(guest[:, None] - guest[None], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found[None], axis=-1), inside)


def test_parallel_axes():
    ring = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    rod = np.array([[0, 0, 0.0], [0, 0, 1.0]])
    np.testing.assert_allclose(abs(thread_guest(ring, rod, [0, 1])), abs(rod - [0, 0, 0.5]))


def test_minimized():
    whole = parts()[0]
    x = minimized(whole.system, whole.positions_nm)
    assert energy(whole.system, x) < energy(whole.system, whole.positions_nm) - 500
    np.testing.assert_array_equal(minimized(whole.system, whole.positions_nm), x)
