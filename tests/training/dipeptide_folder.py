"""A folder as ``genmd msm`` makes it, of alanine dipeptide in two states."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.trajectory import Frames
from openmm_genmd.msm.transition_model import estimate_transition_model
from openmm_genmd.representations.residue_data import write_residue_data
from openmm_genmd.representations.torsions import TorsionRepresentation

BASINS_RAD = np.radians([[-80.0, 150.0], [60.0, 40.0]])


def write_folder(
    folder: Path, *, n_frames: int = 300, seed: int = 0, temperature_k: float | None = 300.0
) -> Path:
    """Two replicas whose phi and psi are normal about one of two places."""
    topology, start_nm = load_structure("alanine-dipeptide")
    representation = TorsionRepresentation.from_topology(topology)
    rng = np.random.default_rng(seed)
    labels, replicas = [], []
    for _ in range(2):
        states = np.cumsum(rng.random(n_frames) < 0.1) % 2
        torsions = BASINS_RAD[states] + rng.normal(0, 0.2, (n_frames, 2))
        positions = np.array([representation.decode(t, start_nm) for t in torsions])
        replicas.append([Frames(positions, None, Path("run.dcd"), first=0)])
        labels.append(states.astype(np.int64))
    write_residue_data(
        folder,
        topology,
        replicas,
        name="ala",
        frame_interval_ps=10.0,
        temperature_k=temperature_k,
    )
    estimate_transition_model(labels, 2, lag_frames=2).save(folder / "model.npz")
    return folder
