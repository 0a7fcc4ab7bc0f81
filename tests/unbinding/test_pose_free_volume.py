"""The free volume of a restrained ligand, against integrals over all poses of a rigid triangle."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.spatial.transform import Rotation

from openmm_genmd.unbinding.pose import PoseFrame, Poses
from openmm_genmd.unbinding.pose_restraint import PoseRestraint, PoseWindow, log_free_volume
from openmm_genmd.units import STANDARD_VOLUME_NM3, thermal_energy_kj_per_mol

TEMPERATURE_K, HALF_BOX_NM = 300.0, 0.8
KT = thermal_energy_kj_per_mol(TEMPERATURE_K)
TRIANGLE_NM = np.array([[0.0, 0.0, 0.0], [0.3, 0.0, 0.0], [0.1, 0.2, 0.0]])
SOFT = PoseWindow(
    np.array([0.2, -0.5, 1.0]), Rotation.random(random_state=4).as_matrix(), 80.0, 1.5
)

GROUPS = tuple(np.array([n]) for n in range(3)), tuple(np.array([n]) for n in range(3, 6))
FRAME = PoseFrame(*GROUPS, np.arange(3, 6))
RESTRAINT = PoseRestraint(FRAME, np.zeros(3))


def uniform_offsets(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.uniform(-HALF_BOX_NM, HALF_BOX_NM, size=(n, 3))


def offsets_without_jacobian(rng: np.random.Generator, n: int) -> np.ndarray:
    """Distances that are uniform in a ball of the volume of the box, without their r^2."""
    radius = HALF_BOX_NM * (6 / np.pi) ** (1 / 3)
    directions = rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions * rng.uniform(0, radius, size=(n, 1))


def uniform_rotations(rng: np.random.Generator, n: int) -> np.ndarray:
    return Rotation.random(n, random_state=rng).as_matrix()


def rotations_without_haar_density(rng: np.random.Generator, n: int) -> np.ndarray:
    """From that of the window by angles that are uniform."""
    axes = rng.normal(size=(n, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    return SOFT.rotation @ Rotation.from_rotvec(axes * rng.uniform(0, np.pi, (n, 1))).as_matrix()


def score(offsets, rotations, seed: int = 1, n: int = 100_000) -> float:
    """Standard errors between the formula and the mean Boltzmann factor of rigid triangles.

    The poses are found from positions in the laboratory, of which the receptor's are at random.
    """
    rng = np.random.default_rng(seed)
    receptor = rng.normal(size=(3, 3))
    origin, axes = receptor.mean(axis=0), axes_of(receptor)
    inner = (TRIANGLE_NM - TRIANGLE_NM.mean(axis=0)) @ axes_of(TRIANGLE_NM)
    turned = np.einsum("nij,pj->npi", rotations(rng, n), inner)
    in_frame = turned + (SOFT.place_nm + offsets(rng, n))[:, None]
    x = np.concatenate([np.tile(receptor, (n, 1, 1)), in_frame @ axes.T + origin], axis=1)
    energies = RESTRAINT.energies_kj_per_mol([SOFT], FRAME.poses(x))[0]
    shares = np.exp(-energies / KT) * (2 * HALF_BOX_NM) ** 3 / STANDARD_VOLUME_NM3
    expected = np.exp(log_free_volume(SOFT, TEMPERATURE_K))
    return float((shares.mean() - expected) / (shares.std() / np.sqrt(n)))


def axes_of(corners: np.ndarray) -> np.ndarray:
    """The triangle's axes, as columns, by Gram and Schmidt."""
    one, two, three = corners
    first = (two - one) / np.linalg.norm(two - one)
    second = (three - one) - first * (first @ (three - one))
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)], axis=1)


def test_free_volume_is_the_integral_over_all_poses() -> None:
    assert abs(score(uniform_offsets, uniform_rotations)) < 4


def test_poses_with_uniform_angles_have_another_volume() -> None:
    assert abs(score(uniform_offsets, rotations_without_haar_density)) > 20


def test_poses_with_uniform_distances_have_another_volume() -> None:
    assert abs(score(offsets_without_jacobian, uniform_rotations)) > 20


@pytest.mark.parametrize("spring", [1e-3, 0.3, 5.0, 100.0, 1e5])
def test_turning_factor_is_that_of_quadrature(spring: float) -> None:
    window = replace(SOFT, rotation_spring_kj_per_mol=spring)
    kappa = 2 * spring / KT
    integral, _ = quad(
        lambda a: (1 - np.cos(a)) / np.pi * np.exp(-kappa * (1 - np.cos(a))),
        0,
        np.pi,
        points=[min(1.0, 3 / np.sqrt(kappa)), min(2.0, 12 / np.sqrt(kappa))],
        epsabs=0,
        epsrel=1e-10,
        limit=200,
    )
    volume = (2 * np.pi * KT / SOFT.place_spring_kj_per_mol_nm2) ** 1.5 * integral
    expected = np.log(volume / STANDARD_VOLUME_NM3)
    assert log_free_volume(window, TEMPERATURE_K) == pytest.approx(expected, abs=1e-8)


def test_limits_of_loose_and_stiff_springs() -> None:
    loose = replace(SOFT, rotation_spring_kj_per_mol=1e-12)
    volume = (2 * np.pi * KT / SOFT.place_spring_kj_per_mol_nm2) ** 1.5
    assert log_free_volume(loose, TEMPERATURE_K) == pytest.approx(np.log(volume / 1.66053907))
    stiff = replace(SOFT, rotation_spring_kj_per_mol=1e4)
    kappa = 2e4 / KT
    expected = np.log(volume / 1.66053907 / np.sqrt(8 * np.pi * kappa**3))
    assert log_free_volume(stiff, TEMPERATURE_K) == pytest.approx(expected, abs=1e-3)


def test_energy_of_poses_does_not_need_positions() -> None:
    poses = Poses(SOFT.place_nm[None], SOFT.rotation[None])
    assert RESTRAINT.energies_kj_per_mol([SOFT], poses) == pytest.approx(0.0, abs=1e-12)


def test_free_volume_needs_springs_a_temperature_and_no_wall() -> None:
    for spring in ("place_spring_kj_per_mol_nm2", "rotation_spring_kj_per_mol"):
        with pytest.raises(ValueError, match="place and its orientation are both restrained"):
            log_free_volume(replace(SOFT, **{spring: 0.0}), TEMPERATURE_K)
    with pytest.raises(ValueError, match="window in the site is not known in closed form"):
        log_free_volume(replace(SOFT, in_site=True), TEMPERATURE_K)
    for temperature in (0.0, np.nan):
        with pytest.raises(ValueError, match="temperature_k must be positive and finite"):
            log_free_volume(SOFT, temperature)
