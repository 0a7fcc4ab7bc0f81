"""A ligand held near a pose of its receptor's frame: `PoseWindow`, `PoseRestraint`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from scipy.special import ive

from openmm_genmd.unbinding.pose import PoseFrame, Poses
from openmm_genmd.unbinding.pose_expression import (
    PLACE,
    PLACE_SPRING,
    ROTATION,
    ROTATION_SPRING,
    WALL,
    pose_expression,
)
from openmm_genmd.units import STANDARD_VOLUME_NM3, thermal_energy_kj_per_mol

Array = NDArray[np.float64]

_ROUNDING = 1e-6
"""Largest deviation of a rotation matrix from an orthogonal one."""


@dataclass(frozen=True, eq=False)
class PoseWindow:
    """Where a ligand is held, and how hard.

    Attributes
    ----------
    place_nm
        ``(3,)``, nm, in the receptor's frame.
    rotation
        ``(3, 3)``, columns are the ligand's axes in the receptor's frame.
    place_spring_kj_per_mol_nm2
        kp of the energy kp |u - u0|^2 / 2.
    rotation_spring_kj_per_mol
        kr of the energy kr (3 - tr(R0^T R)) = 2 kr (1 - cos a), with a the angle of the rotation
        from R0 to R. For small angles kr a^2.
    in_site
        Whether a wall keeps the ligand in the binding site, see `PoseRestraint`.

    Raises
    ------
    ValueError
        If the rotation is none, a number is not finite, or a spring negative.

    Examples
    --------
    >>> window = PoseWindow(np.zeros(3), np.eye(3), 1000.0, 50.0)
    >>> window.in_site
    False
    """

    place_nm: Array
    rotation: Array
    place_spring_kj_per_mol_nm2: float
    rotation_spring_kj_per_mol: float
    in_site: bool = False

    def __post_init__(self) -> None:
        _require_place(self.place_nm, "the place of a window")
        r = np.asarray(self.rotation)
        if r.shape != (3, 3) or not _is_rotation(r):
            raise ValueError(
                "the rotation of a window must be a matrix (3, 3) that is orthogonal and has "
                f"determinant 1, got {r.tolist()}"
            )
        springs = (self.place_spring_kj_per_mol_nm2, self.rotation_spring_kj_per_mol)
        if not all(np.isfinite(spring) and spring >= 0 for spring in springs):
            raise ValueError(
                "the springs of a window must be finite and not negative, got "
                f"{springs[0]} kJ/mol/nm^2 and {springs[1]} kJ/mol"
            )


class PoseRestraint:
    """Holds a ligand near the pose of a window, which is chosen by parameters of a Context.

    The energy is kp |u - u0|^2 / 2 + kr (3 - tr(R0^T R)) and, in the site, that of a wall,
    kw max(0, |u - us| - rs)^2 / 2, with u the place of the ligand and R its rotation in the
    receptor's frame, see `PoseFrame`. All of it is smooth, with no singularity of an angle or a
    dihedral. Positions are taken as they are, without images of a periodic box: as the force
    bonds receptor and ligand, OpenMM moves both together when it wraps molecules.

    Parameters
    ----------
    frame
        Of the complex.
    site_nm
        ``(3,)``, nm, us, the middle of the binding site in the receptor's frame.
    site_radius_nm
        rs.
    wall_kj_per_mol_nm2
        kw.
    force_group
        Of the force, from 0 to 31.

    Raises
    ------
    ValueError
        If the site is not a place, or its radius or wall is not positive, or there is no such
        force group.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> frame = PoseFrame.of(bound)
    >>> start = frame.poses(bound.positions_nm[None])
    >>> restraint = PoseRestraint(frame, start.places_nm[0])
    >>> aside = start.places_nm[0] + [0.1, 0.0, 0.0]
    >>> window = PoseWindow(aside, start.rotations[0], 1000.0, 50.0)
    >>> restraint.energies_kj_per_mol([window], start).round(9)  # 1000 kJ/mol/nm^2 (.1 nm)^2 / 2
    array([[5.]])
    >>> restraint.force().getNumBonds(), restraint.parameters(window)["genmd_pose_place_spring"]
    (1, 1000.0)
    """

    def __init__(
        self,
        frame: PoseFrame,
        site_nm: ArrayLike,
        site_radius_nm: float = 0.4,
        wall_kj_per_mol_nm2: float = 2000.0,
        force_group: int = 31,
    ) -> None:
        site = np.asarray(site_nm, dtype=np.float64)
        _require_place(site, "the site")
        for value, name in (
            (site_radius_nm, "site_radius_nm"),
            (wall_kj_per_mol_nm2, "wall_kj_per_mol_nm2"),
        ):
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be positive and finite, got {value}")
        if force_group not in range(32):
            raise ValueError(f"force_group must be a whole number from 0 to 31, got {force_group}")
        self.frame, self.site_nm, self.site_radius_nm = frame, site, float(site_radius_nm)
        self.wall_kj_per_mol_nm2, self.force_group = float(wall_kj_per_mol_nm2), force_group

    def force(self) -> openmm.CustomCentroidBondForce:
        """Force for a System; slack until the parameters of a window are set."""
        force = openmm.CustomCentroidBondForce(
            7, pose_expression(self.site_nm.tolist(), self.site_radius_nm)
        )
        force.setName("genmd pose restraint")
        force.setForceGroup(self.force_group)
        groups = (*self.frame.receptor_groups, *self.frame.ligand_groups, self.frame.ligand_heavy)
        for group in groups:
            force.addGroup(group.tolist(), [1.0] * len(group))
        force.addBond(list(range(7)))
        for name in (PLACE_SPRING, ROTATION_SPRING, WALL, *PLACE):
            force.addGlobalParameter(name, 0.0)
        for name, value in zip(ROTATION, np.eye(3).ravel().tolist(), strict=True):
            force.addGlobalParameter(name, value)
        return force

    def parameters(self, window: PoseWindow) -> dict[str, float]:
        """Parameters of a Context, by name, that make the force that of a window."""
        names = (PLACE_SPRING, ROTATION_SPRING, WALL, *PLACE, *ROTATION)
        values = (
            window.place_spring_kj_per_mol_nm2,
            window.rotation_spring_kj_per_mol,
            self.wall_kj_per_mol_nm2 if window.in_site else 0.0,
            *np.asarray(window.place_nm).tolist(),
            *np.asarray(window.rotation).ravel().tolist(),
        )
        return {name: float(value) for name, value in zip(names, values, strict=True)}

    def energies_kj_per_mol(self, windows: Sequence[PoseWindow], poses: Poses) -> Array:
        """Energies ``(n_windows, n)``, kJ/mol, of the restraints of windows at poses.

        Parameters
        ----------
        windows
            Each a row.
        poses
            Each a column.
        """
        beyond = np.linalg.norm(poses.places_nm - self.site_nm, axis=1) - self.site_radius_nm
        wall = 0.5 * self.wall_kj_per_mol_nm2 * np.maximum(0.0, beyond) ** 2
        energies = np.empty((len(windows), len(poses)))
        for row, window in zip(energies, windows, strict=True):
            squares = ((poses.places_nm - window.place_nm) ** 2).sum(axis=1)
            traces = np.einsum("ij,nij->n", window.rotation, poses.rotations)
            row[:] = 0.5 * window.place_spring_kj_per_mol_nm2 * squares
            row += window.rotation_spring_kj_per_mol * (3.0 - traces)
            if window.in_site:
                row += wall
        return energies


def log_free_volume(window: PoseWindow, temperature_k: float) -> float:
    """Share of the standard state that a restrained ligand fills, as a natural logarithm.

    In the receptor's frame a pose is a place u and a rotation R, and the volume element of the
    ligand's rigid-body motion is d^3u times the Haar measure of R, here normalized to one: u is
    Cartesian, so that no r^2 or sin(theta) arises, and the angle a of R has the density
    (1 - cos a) / pi on [0, pi], of which the axis is independent. What is left of the ligand's
    coordinates is internal and the same with and without restraint. A free ligand in the standard
    state fills the standard volume V0 = 1.6605 nm^3 (1 mol/L) and all rotations, thus V0; one
    that interacts with nothing but the restraint

        (2 pi kT / kp)^(3/2) * integral_0^pi (1 - cos a) / pi exp(-kappa (1 - cos a)) da
        = (2 pi kT / kp)^(3/2) * exp(-kappa) (I0(kappa) - I1(kappa)),    kappa = 2 kr / kT,

    with modified Bessel functions, the normalization of an isotropic matrix Fisher distribution.
    For stiff springs the second factor is 1 / sqrt(8 pi kappa^3). So the free energy from the
    bound to the standard state is F(window) - F(bound) + kT times this logarithm, if in the window
    the ligand is out of reach of the receptor.

    Parameters
    ----------
    window
        Held in place and orientation, without the wall of the site.
    temperature_k
        Of the simulation, K.

    Raises
    ------
    ValueError
        If a spring is zero, or the window is in the site, or the temperature is not positive.

    References
    ----------
    Boresch, Tettinger, Leitgeb & Karplus, J. Phys. Chem. B 107, 9535 (2003), for
    the thermodynamics, with other coordinates; Woo & Roux, PNAS 102, 6825 (2005), for restraints
    on place and orientation that are lifted one by one; Khatri & Mardia, J. R. Stat. Soc. B 39, 95
    (1977), for the matrix Fisher distribution.

    Examples
    --------
    >>> window = PoseWindow(np.zeros(3), np.eye(3), 1000.0, 50.0)
    >>> round(log_free_volume(window, 300.0), 3)
    -13.88
    """
    if not (np.isfinite(temperature_k) and temperature_k > 0):
        raise ValueError(f"temperature_k must be positive and finite, got {temperature_k}")
    kp, kr = window.place_spring_kj_per_mol_nm2, window.rotation_spring_kj_per_mol
    if not (kp > 0 and kr > 0):
        raise ValueError(
            "a ligand has a free volume only if its place and its orientation are both "
            f"restrained, got springs of {kp} kJ/mol/nm^2 and {kr} kJ/mol; give both a positive "
            "spring"
        )
    if window.in_site:
        raise ValueError(
            "the free volume of a window in the site is not known in closed form, because of the "
            "wall; take one outside of it, with in_site=False"
        )
    kt = thermal_energy_kj_per_mol(temperature_k)
    kappa = 2 * kr / kt
    turning = float(ive(0, kappa) - ive(1, kappa))
    return float(1.5 * np.log(2 * np.pi * kt / kp) + np.log(turning / STANDARD_VOLUME_NM3))


def _require_place(place_nm: Array, name: str) -> None:
    if np.shape(place_nm) != (3,) or not np.isfinite(place_nm).all():
        raise ValueError(f"{name} must be three finite numbers, nm, got {place_nm}")


def _is_rotation(matrix: Array) -> bool:
    orthogonal = np.allclose(matrix.T @ matrix, np.eye(3), rtol=0, atol=_ROUNDING)
    return bool(orthogonal and np.linalg.det(matrix) > 0)
