"""A ligand in a tube with two portals, and paths through either of them."""

import numpy as np
import openmm
from openmm import app
from scipy.spatial.transform import Rotation

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.found_path import FoundPath

RINGS, PER_RING = 5, 8


def tube_complex(name: str = "tube", residue: str = "RNG") -> BoundComplex:
    """Five rings of carbons about the z axis, a residue each, and four carbons in the middle."""
    topology, system = app.Topology(), openmm.System()
    chain = topology.addChain()
    for label, count in [(residue, PER_RING)] * RINGS + [("LIG", 4)]:
        added = topology.addResidue(label, chain)
        for n in range(count):
            topology.addAtom(f"C{n}", app.element.carbon, added)
            system.addParticle(12.0)
    n = np.arange(RINGS * PER_RING)
    angle, z = n * 2 * np.pi / PER_RING, 0.25 * (n // PER_RING - (RINGS - 1) / 2)
    tube = np.stack([0.45 * np.cos(angle), 0.45 * np.sin(angle), z], axis=1)
    ligand = 0.05 * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    receptor = np.arange(len(tube))
    parts = (len(tube) + np.arange(4), receptor, receptor)
    return BoundComplex(
        name, topology, system, np.concatenate([tube, ligand]), *parts, temperature_k=300.0
    )


def moved_ligand(bound: BoundComplex, shifts_nm: np.ndarray) -> np.ndarray:
    """Frames ``(n, n_particles, 3)`` of a resting receptor and a ligand that is shifted."""
    frames = np.repeat(bound.positions_nm[None], len(shifts_nm), axis=0)
    frames[:, bound.ligand] += np.asarray(shifts_nm)[:, None]
    return frames


def tumbled(frames_nm: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each frame turned and shifted as a whole."""
    turns = Rotation.random(len(frames_nm), random_state=rng).as_matrix()
    return frames_nm @ turns + rng.normal(size=(len(frames_nm), 1, 3))


def path_of(number: int, frames_nm: np.ndarray, **options: object) -> FoundPath:
    """Path with a work that grows evenly up to 50 + number."""
    work = {"status": "out", "stable_exit": True, **options}
    at = np.array([0, len(frames_nm) // 2, len(frames_nm) - 1])
    return FoundPath(
        number, frames_nm.astype(np.float32), at, (50.0 + number) * at / at[-1], **work
    )


def portal_path(
    bound: BoundComplex, number: int, side: int, rng: np.random.Generator, **options: object
) -> FoundPath:
    """Dwells, goes some way to the other portal, comes back, and leaves; tumbles all the time."""
    way = np.concatenate([np.zeros(5), -0.3 * np.sin(np.linspace(0, np.pi, 10))])
    z = side * np.concatenate([way, np.linspace(0.0, 1.7, 30)])
    shifts = np.stack([0.1 * rng.normal() * np.abs(z), 0.1 * rng.normal() * np.abs(z), z], axis=1)
    frames = moved_ligand(bound, shifts + 0.01 * rng.normal(size=shifts.shape))
    return path_of(number, tumbled(frames, rng), **options)
