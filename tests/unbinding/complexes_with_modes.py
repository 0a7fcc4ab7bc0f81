"""Complexes with two modes that MD does not get from one to the other of; both are integrals."""

import numpy as np
import openmm
from openmm import app
from scipy.spatial.transform import Rotation

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.units import KJ_PER_KCAL, STANDARD_VOLUME_NM3

from .gated_complex import KT, WALL_KJ_PER_MOL_NM2
from .small_complex import small_complex

WELL_KJ_PER_MOL, DEEPER_KJ_PER_MOL, BARRIER_KJ_PER_MOL = 20.0, 12.0, 30.0
_WIDTH_NM, _ARM_NM = 0.15, 0.15


def two_way_complex(deeper_kj_per_mol: float = DEEPER_KJ_PER_MOL) -> BoundComplex:
    """A ligand that binds either way round, in the structure the less favorable one.

    By how much is a parameter of its Context.
    """
    small = small_complex(well_kj_per_mol=0.0)
    x = small.positions_nm.copy()
    along_x, _ = Rotation.align_vectors([[1.0, 0, 0]], [x[8]])
    x[8:] = along_x.apply(x[8:])
    cosine = "((x3-x2)*(x4-x1)+(y3-y2)*(y4-y1)+(z3-z2)*(z4-z1))/distance(g2,g3)/distance(g1,g4)"
    held = openmm.CustomCentroidBondForce(
        4,
        f"exp(-0.5*(distance(g1,g2)/{_WIDTH_NM})^2)*(-{WELL_KJ_PER_MOL}"
        f"-deeper*(1-c)/2+{BARRIER_KJ_PER_MOL}*(1-c^2)); c={cosine}",
    )
    for group in (list(range(8)), [8, 9, 10, 11], [8], [0]):
        held.addGroup(group)
    held.addGlobalParameter("deeper", deeper_kj_per_mol)
    held.addBond([0, 1, 2, 3])
    small.system.addForce(held)
    parts = (small.ligand, small.receptor, small.receptor_heavy)
    return BoundComplex("two ways", small.topology, small.system, x, *parts, temperature_k=300.0)


def two_way_share(deeper_kj_per_mol: float, r_nm: np.ndarray) -> np.ndarray:
    """Share of the second way at distances, which an even more stiffly held ligand would have."""
    c = np.linspace(-1.0, 1.0, 4001)
    depth = -WELL_KJ_PER_MOL - 0.5 * deeper_kj_per_mol * (1 - c) + BARRIER_KJ_PER_MOL * (1 - c**2)
    weights = np.exp(-depth * np.exp(-0.5 * (r_nm[:, None] / _WIDTH_NM) ** 2) / KT)
    return np.asarray(weights[:, c < 0].sum(axis=1) / weights.sum(axis=1))


def two_way_kcal_per_mol(settings: FreeEnergySettings, *, ways: int = 2) -> float:
    """Free energy from the site of `two_way_complex` to 1 mol/L; of the first way alone if asked.

    Ligand and ring are stiff, so that what is left is an integral over distance and angle.
    """
    c = np.linspace(-1.0 if ways == 2 else 0.0, 1.0, 4001)
    depth = -WELL_KJ_PER_MOL - 0.5 * DEEPER_KJ_PER_MOL * (1 - c) + BARRIER_KJ_PER_MOL * (1 - c**2)
    return _unbinding_kcal_per_mol(settings, depth, np.full_like(c, 0.5), c)


def twisted_complex(well_kj_per_mol: float = WELL_KJ_PER_MOL) -> BoundComplex:
    """A ligand that binds with the bond of its arm turned to one of its two minima."""
    small = small_complex(well_kj_per_mol=0.0)
    topology, system = small.topology, small.system
    residue = list(topology.residues())[1]
    first = topology.addAtom("O4", app.element.oxygen, residue)
    second = topology.addAtom("C5", app.element.carbon, residue)
    topology.addBond(list(topology.atoms())[8], first)
    topology.addBond(first, second)
    along = small.positions_nm[8] / np.linalg.norm(small.positions_nm[8])
    elbow = small.positions_nm[8] + _ARM_NM * along
    x = np.concatenate([small.positions_nm, [elbow, elbow]])
    toward = x[9] - x[8]
    toward = toward - (toward @ along) * along
    x[13] += _ARM_NM * toward / np.linalg.norm(toward)
    bonds, angles = openmm.HarmonicBondForce(), openmm.HarmonicAngleForce()
    for i, j in ((8, 12), (12, 13)):
        system.addParticle(12.0)
        bonds.addBond(i, j, _ARM_NM, 50_000.0)
    for i, j, k in ((9, 8, 12), (10, 8, 12), (11, 8, 12), (8, 12, 13)):
        angles.addAngle(i, j, k, _angle_rad(x[i], x[j], x[k]), 500.0)
    turn = openmm.CustomTorsionForce(f"{BARRIER_KJ_PER_MOL}*sin(theta)^2")
    turn.addTorsion(9, 8, 12, 13, [])
    held = openmm.CustomCentroidBondForce(
        6,
        f"-{well_kj_per_mol}*exp(-0.5*(distance(g1,g2)/{_WIDTH_NM})^2)"
        "*0.5*(1+cos(dihedral(g3,g4,g5,g6)))",
    )
    for group in (list(range(8)), [8, 9, 10, 11], [9], [8], [12], [13]):
        held.addGroup(group)
    held.addBond([0, 1, 2, 3, 4, 5])
    for force in (bonds, angles, turn, held):
        system.addForce(force)
    parts = (np.arange(8, 14), np.arange(8), np.arange(8))
    return BoundComplex("twisted", topology, system, x, *parts, temperature_k=300.0)


def twisted_kcal_per_mol(settings: FreeEnergySettings) -> float:
    """Free energy from the site of `twisted_complex`, its arm turned any way, to 1 mol/L."""
    angle = np.linspace(-np.pi, np.pi, 4001)
    weights = np.exp(-BARRIER_KJ_PER_MOL / KT * np.sin(angle) ** 2)
    weights /= np.trapezoid(weights, angle)
    depth = -0.5 * WELL_KJ_PER_MOL * (1 + np.cos(angle))
    return _unbinding_kcal_per_mol(settings, depth, weights, angle)


def with_turned_end(frames: np.ndarray) -> np.ndarray:
    """Frames of `twisted_complex`, in the last of which its bond is in the other minimum."""
    frames = frames.copy()
    x = frames[-1]
    axis = (x[12] - x[8]) / np.linalg.norm(x[12] - x[8])
    x[13] = x[12] + Rotation.from_rotvec(np.pi * axis).apply(x[13] - x[12])
    return frames


def _unbinding_kcal_per_mol(
    settings: FreeEnergySettings, depth: np.ndarray, weights: np.ndarray, over: np.ndarray
) -> float:
    r = np.linspace(0.0, 1.0, 2001)
    wall = 0.5 * WALL_KJ_PER_MOL_NM2 * np.maximum(0.0, r - settings.site_radius_nm) ** 2
    energy = depth * np.exp(-0.5 * (r[:, None] / _WIDTH_NM) ** 2) + wall[:, None]
    inner = np.trapezoid(weights * np.exp(-energy / KT), over, axis=1)
    bound = np.trapezoid(4 * np.pi * r**2 * inner, r)
    return float(KT / KJ_PER_KCAL * np.log(bound / STANDARD_VOLUME_NM3))


def _angle_rad(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    one, other = a - b, c - b
    return float(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
