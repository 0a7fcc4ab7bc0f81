"""The restraint: OpenMM's energies and forces are those of the formula."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import openmm
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.pose import PoseFrame
from openmm_genmd.unbinding.pose_restraint import PoseRestraint, PoseWindow

B2 = bundled_complex("cb7-b2")
FRAME = PoseFrame.of(B2)
BOUND = FRAME.poses(B2.positions_nm[None])
RESTRAINT = PoseRestraint(FRAME, BOUND.places_nm[0], site_radius_nm=0.3, force_group=5)


@cache
def context_of(platform: str) -> openmm.Context:
    """Context with nothing but the restraint: its making takes seconds."""
    system = openmm.System()
    for _ in B2.positions_nm:
        system.addParticle(12.0)
    system.addForce(RESTRAINT.force())
    properties = {"Threads": "1"} if platform == "CPU" else {}
    return openmm.Context(
        system,
        openmm.VerletIntegrator(0.001),
        openmm.Platform.getPlatformByName(platform),
        properties,
    )


def thrown(rng: np.random.Generator) -> np.ndarray:
    """Positions with the ligand somewhere around, turned in any way."""
    x = B2.positions_nm + rng.normal(scale=0.02, size=B2.positions_nm.shape)
    turn = Rotation.random(random_state=rng).as_matrix()
    center = x[B2.ligand].mean(axis=0)
    x[B2.ligand] = (x[B2.ligand] - center) @ turn.T + center + rng.normal(scale=0.5, size=3)
    return x


def window_of(rng: np.random.Generator, *, in_site: bool) -> PoseWindow:
    rotation = Rotation.random(random_state=rng).as_matrix()
    return PoseWindow(rng.normal(size=3), rotation, *rng.uniform([100, 5], [2000, 200]), in_site)


def set_window(context: openmm.Context, window: PoseWindow) -> None:
    for name, value in RESTRAINT.parameters(window).items():
        context.setParameter(name, value)


def energy_kj_per_mol(context: openmm.Context, x: np.ndarray) -> float:
    context.setPositions(x)
    return context.getState(energy=True).getPotentialEnergy()._value


@pytest.mark.parametrize("platform", ["Reference", "CPU"])
def test_energies_are_those_of_openmm(platform: str) -> None:
    context, rng = context_of(platform), np.random.default_rng(1)
    windows = [window_of(rng, in_site=bool(n % 2)) for n in range(6)]
    frames = np.array([thrown(rng) for _ in range(5)])
    expected = RESTRAINT.energies_kj_per_mol(windows, FRAME.poses(frames))
    assert expected.shape == (6, 5)
    for row, window in zip(expected, windows, strict=True):
        set_window(context, window)
        found = [energy_kj_per_mol(context, x) for x in frames]
        np.testing.assert_allclose(found, row, rtol=1e-9)


def test_energy_is_that_of_the_formula() -> None:
    """Terms by hand, with the angle from scipy."""
    rng = np.random.default_rng(2)
    poses = FRAME.poses(np.array([thrown(rng) for _ in range(5)]))
    window = window_of(rng, in_site=True)
    kp, kr = window.place_spring_kj_per_mol_nm2, window.rotation_spring_kj_per_mol
    angle = Rotation.from_matrix(window.rotation.T @ poses.rotations).magnitude()
    beyond = np.linalg.norm(poses.places_nm - RESTRAINT.site_nm, axis=1) - 0.3
    assert (beyond > 0).any()
    by_hand = (
        0.5 * kp * ((poses.places_nm - window.place_nm) ** 2).sum(axis=1)
        + 2 * kr * (1 - np.cos(angle))
        + 0.5 * 2000.0 * np.where(beyond > 0, beyond, 0.0) ** 2
    )
    np.testing.assert_allclose(RESTRAINT.energies_kj_per_mol([window], poses)[0], by_hand)
    [[zero]] = RESTRAINT.energies_kj_per_mol(
        [PoseWindow(BOUND.places_nm[0], BOUND.rotations[0], kp, kr, True)], BOUND
    )
    assert zero == pytest.approx(0.0, abs=1e-9)


def test_forces_are_derivatives_and_move_nothing_as_a_whole() -> None:
    context, rng = context_of("Reference"), np.random.default_rng(3)
    for in_site in (False, True):
        set_window(context, window_of(rng, in_site=in_site))
        x, direction = thrown(rng), rng.normal(size=B2.positions_nm.shape)
        context.setPositions(x)
        forces = context.getState(forces=True).getForces(asNumpy=True)._value
        size = np.abs(forces).max()
        np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-9 * size)
        np.testing.assert_allclose(np.cross(x, forces).sum(axis=0), 0.0, atol=1e-9 * size)
        held = np.concatenate([*FRAME.ligand_groups, FRAME.receptor_groups[1][:2]])
        for n in held:
            for c in range(3):
                h = np.zeros_like(x)
                h[n, c] = 1e-5
                rise = energy_kj_per_mol(context, x + h) - energy_kj_per_mol(context, x - h)
                assert -rise / 2e-5 == pytest.approx(forces[n, c], abs=1e-6 * size)
        rise = energy_kj_per_mol(context, x + 1e-6 * direction) - energy_kj_per_mol(
            context, x - 1e-6 * direction
        )
        assert -rise / 2e-6 == pytest.approx((forces * direction).sum(), rel=1e-6)


def test_forces_are_finite_in_the_middle_of_the_site_and_at_half_a_turn() -> None:
    context = context_of("Reference")
    half_turn = BOUND.rotations[0] @ np.diag([1.0, -1.0, -1.0])
    set_window(context, PoseWindow(RESTRAINT.site_nm, half_turn, 1000.0, 50.0, True))
    assert energy_kj_per_mol(context, B2.positions_nm) == pytest.approx(200.0, rel=1e-9)
    forces = context.getState(forces=True).getForces(asNumpy=True)._value
    # The energy is highest at half a turn, and lowest in the middle.
    np.testing.assert_allclose(forces, 0.0, atol=1e-6)


def test_the_force_is_slack_at_first_and_one_molecule_in_the_eyes_of_openmm() -> None:
    force = RESTRAINT.force()
    assert force.getForceGroup() == 5
    assert (force.getNumGroups(), force.getNumBonds()) == (7, 1)
    assert all(set(force.getGroupParameters(n)[1]) == {1.0} for n in range(7))
    defaults = {
        force.getGlobalParameterName(n): force.getGlobalParameterDefaultValue(n)
        for n in range(force.getNumGlobalParameters())
    }
    window = PoseWindow(np.zeros(3), np.eye(3), 0.0, 0.0)
    assert defaults == RESTRAINT.parameters(window)
    together = {*B2.ligand_heavy.tolist(), *np.concatenate(FRAME.receptor_groups).tolist()}
    assert any(together <= set(molecule) for molecule in context_of("Reference").getMolecules())


def test_a_window_must_be_sound() -> None:
    window = PoseWindow(np.zeros(3), np.eye(3), 1.0, 1.0)
    for place in (np.zeros(2), np.array([0.0, np.nan, 0.0])):
        with pytest.raises(ValueError, match="the place of a window must be three finite numbers"):
            replace(window, place_nm=place)
    for rotation in (np.eye(2), -np.eye(3), 1.1 * np.eye(3), np.full((3, 3), np.nan)):
        with pytest.raises(ValueError, match="the rotation of a window must be"):
            replace(window, rotation=rotation)
    for spring in (-1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="springs of a window must be finite and not negative"):
            replace(window, place_spring_kj_per_mol_nm2=spring)
        with pytest.raises(ValueError, match="springs of a window must be finite and not negative"):
            replace(window, rotation_spring_kj_per_mol=spring)


def test_a_restraint_must_be_sound() -> None:
    with pytest.raises(ValueError, match="the site must be three finite numbers"):
        PoseRestraint(FRAME, [0.0, 0.0])
    with pytest.raises(ValueError, match="site_radius_nm must be positive and finite, got 0"):
        PoseRestraint(FRAME, np.zeros(3), site_radius_nm=0.0)
    with pytest.raises(
        ValueError, match="wall_kj_per_mol_nm2 must be positive and finite, got inf"
    ):
        PoseRestraint(FRAME, np.zeros(3), wall_kj_per_mol_nm2=np.inf)
    with pytest.raises(ValueError, match="force_group must be a whole number from 0 to 31, got 32"):
        PoseRestraint(FRAME, np.zeros(3), force_group=32)
