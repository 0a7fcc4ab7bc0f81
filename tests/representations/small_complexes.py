"""A small host and guest with all hydrogens, and complexes from openmmtools' data."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from openmm import app

from openmm_genmd.representations.complex_atoms import ComplexAtoms


def topology_of(*molecules) -> app.Topology:
    """Each molecule a residue and chain: name, symbols, bonds."""
    topology = app.Topology()
    for name, symbols, bonds in molecules:
        residue = topology.addResidue(name, topology.addChain())
        atoms = [
            topology.addAtom(f"{symbol}{n}", app.Element.getBySymbol(symbol), residue)
            for n, symbol in enumerate(symbols, 1)
        ]
        for a, b in bonds:
            topology.addBond(atoms[a], atoms[b])
    return topology


RING = ("HST", ["C"] * 6 + ["H"] * 12, [(n, (n + 1) % 6) for n in range(6)])
RING[2].extend((n // 2, 6 + n) for n in range(12))
"""Cyclohexane."""

GUEST = (
    "GST",
    ["N", "C", "C", "O"] + ["H"] * 7,
    [(0, 1), (1, 2), (2, 3), (0, 4), (0, 5), (1, 6), (1, 7), (2, 8), (2, 9), (3, 10)],
)
"""Aminoethanol."""


def small_topology() -> app.Topology:
    """Cyclohexane, 18 atoms, and aminoethanol, 11 atoms."""
    return topology_of(RING, GUEST)


def small_ligand() -> list[int]:
    return list(range(18, 29))


def small_complex() -> ComplexAtoms:
    """Six and four heavy atoms."""
    return ComplexAtoms.of(small_topology(), small_ligand())


def heavy_positions_nm() -> np.ndarray:
    """Heavy atoms (10, 3), nm: a chair and a bent chain above it."""
    angle = np.arange(6) * np.pi / 3
    ring = np.stack([np.cos(angle), np.sin(angle), 0.17 * (-1.0) ** np.arange(6)], axis=1)
    chain = np.array([[0.0, 0.0, 4.0], [1.2, 0.5, 4.6], [2.0, -0.4, 5.5], [3.1, 0.2, 4.9]])
    return 0.1 * np.concatenate([1.46 * ring, chain])


def leaving(n_frames: int, direction, *, seed: int, speed_nm: float = 0.02) -> np.ndarray:
    """Trajectory (n_frames, 10, 3) float32, nm: the guest goes and turns, all atoms shake."""
    rng = np.random.default_rng(seed)
    start = heavy_positions_nm()
    frames = np.repeat(start[None], n_frames, axis=0)
    centre = start[6:].mean(axis=0)
    for n in range(n_frames):
        angle = 0.02 * n
        turn = np.array(
            [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        )
        shift = speed_nm * n * np.asarray(direction, dtype=float)
        frames[n, 6:] = (start[6:] - centre) @ turn.T + centre + shift
    frames += 0.002 * rng.standard_normal(frames.shape)
    return frames.astype(np.float32)


def openmmtools_topology(name: str) -> app.Topology:
    """Of ``cb7-b2`` or ``T4-lysozyme-L99A-implicit``; the ligand is the last residue."""
    folder = Path(importlib.util.find_spec("openmmtools").origin).parent / "data" / name
    file = "complex-vacuum.prmtop" if name == "cb7-b2" else "complex.prmtop"
    return app.AmberPrmtopFile(str(folder / file)).topology


def last_residue(topology: app.Topology) -> list[int]:
    return [atom.index for atom in list(topology.residues())[-1].atoms()]
