"""A complex whose free energy of unbinding is an integral, and one with a hidden slow gate."""

import numpy as np
import openmm
from openmm import app

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.units import (
    KJ_PER_KCAL,
    STANDARD_VOLUME_NM3,
    thermal_energy_kj_per_mol,
)

from .small_complex import WELL_KJ_PER_MOL, small_complex

KT = thermal_energy_kj_per_mol(300.0)
WALL_KJ_PER_MOL_NM2 = 2000.0
_GATED_WELL_KJ_PER_MOL = 40.0
FOLDED_NM, _BOUND_NM, _MIDDLE_NM, STRETCHED_NM = 0.15, 0.165, 0.19, 0.23
QUICK = FreeEnergySettings(
    iterations=100,
    trial_iterations=20,
    most_trials=1,
    steps_per_exchange=20,
    settle_steps=300,
    steps_per_seed=50,
    place_spring_kj_per_mol_nm2=600.0,
    rotation_spring_kj_per_mol=10.0,
    hydrogen_mass_da=None,
)


def exact_kcal_per_mol(settings: FreeEnergySettings) -> float:
    """Free energy from the site of `small_complex`, its wall included, to 1 mol/L.

    Ligand and ring are stiff and feel nothing but the distance of their centers, so that what is
    left is an integral over it.
    """
    r = np.linspace(0.0, 2.0, 40_001)
    energy = -WELL_KJ_PER_MOL * np.exp(-0.5 * (r / 0.15) ** 2)
    energy += 0.5 * WALL_KJ_PER_MOL_NM2 * np.maximum(0.0, r - settings.site_radius_nm) ** 2
    bound = np.trapezoid(4 * np.pi * r**2 * np.exp(-energy / KT), r)
    return float(KT / KJ_PER_KCAL * np.log(bound / STANDARD_VOLUME_NM3))


def pushed_frames(bound: BoundComplex, distance_nm: float = 0.9, count: int = 12) -> np.ndarray:
    """The ligand shifted evenly along z."""
    frames = np.repeat(bound.positions_nm[None], count, axis=0)
    frames[:, bound.ligand, 2] += np.linspace(0.0, distance_nm, count)[:, None]
    return frames


def gated_complex() -> BoundComplex:
    """The same complex with an arm on its ligand, folded or stretched, that MD hardly changes.

    Only with a folded arm does the ligand bind. The bound structure has it nearly folded.
    """
    small = small_complex()
    topology, system = small.topology, small.system
    residue = list(topology.residues())[1]
    arm = topology.addAtom("C4", app.element.carbon, residue)
    system.addParticle(12.0)
    topology.addBond(list(topology.atoms())[8], arm)
    axis = small.positions_nm[8] / np.linalg.norm(small.positions_nm[8])
    x = np.concatenate([small.positions_nm, [small.positions_nm[8] + _BOUND_NM * axis]])
    fold = openmm.CustomBondForce(f"30*(((r-{_MIDDLE_NM})/0.04)^2-1)^2")
    fold.addBond(8, 12, [])
    straight = openmm.HarmonicAngleForce()
    for other in (9, 10, 11):
        straight.addAngle(12, 8, other, np.arccos(_cosine(x[12], x[8], x[other])), 500.0)
    held = system.getForce(1)
    held.setEnergyFunction("0*distance(g1,g2)")
    gated = openmm.CustomCentroidBondForce(
        4,
        f"-{_GATED_WELL_KJ_PER_MOL}/(1+exp(400*(distance(g3,g4)-{_MIDDLE_NM})))"
        "*exp(-0.5*(distance(g1,g2)/0.15)^2)",
    )
    for group in (list(range(8)), [8, 9, 10, 11], [8], [12]):
        gated.addGroup(group)
    gated.addBond([0, 1, 2, 3])
    for force in (fold, straight, gated):
        system.addForce(force)
    parts = (np.arange(8, 13), np.arange(8), np.arange(8))
    return BoundComplex("gated", topology, system, x, *parts, temperature_k=300.0)


def with_stretched_end(frames: np.ndarray) -> np.ndarray:
    """Frames of the gated complex with a folded arm, but in the last one."""
    frames = frames.copy()
    axis = frames[0, 12] - frames[0, 8]
    axis /= np.linalg.norm(axis)
    frames[:-1, 12] = frames[:-1, 8] + FOLDED_NM * axis
    frames[-1, 12] = frames[-1, 8] + STRETCHED_NM * axis
    return frames


def _cosine(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    one, other = a - b, c - b
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
