"""How often a peptide visits what MD alone seldom does: `positive_phi`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from openmm_genmd.data.trajectory import iterate_frames
from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.representations.torsions import TorsionRepresentation


def positive_phi(given: SystemInput, files: list[Path]) -> dict[str, float]:
    """Share of the frames with phi > 0, for each residue with a phi that turns.

    Parameters
    ----------
    given
        The molecule.
    files
        Trajectories of all its atoms.

    Raises
    ------
    ValueError
        If the molecule has no rotatable bond, or a file cannot be read.
    """
    representation = TorsionRepresentation.from_topology(given.topology, given.system)
    names = [torsion.name for torsion in representation.torsions]
    phi = [n for n, name in enumerate(names) if name.startswith("phi ")]
    counts, n_frames = np.zeros(len(phi)), 0
    for frames in iterate_frames(files, given.topology):
        molecule = frames.positions_nm[:, list(representation.particles)]
        counts += (representation.encode(molecule)[:, phi] > 0).sum(axis=0)
        n_frames += len(molecule)
    shares = (counts / n_frames).tolist()
    return {names[n].removeprefix("phi "): share for n, share in zip(phi, shares, strict=True)}
