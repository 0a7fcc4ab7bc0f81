"""Overall shape of a protein, frame by frame: the features of `shape_features`."""

from __future__ import annotations

import mdtraj
import numpy as np
from numpy.typing import NDArray

from openmm_genmd.data.trajectory import Frames
from openmm_genmd.data.trajectory_source import TrajectorySource

_CAPS = ("ACE", "FOR", "NME", "NMA", "NH2")


def shape_features(source: TrajectorySource, *, chunk: int | None = None) -> NDArray[np.float32]:
    """Radius of gyration, helix and strand fraction of all frames: ``(n_frames, 3)`` float32.

    The radius, nm, is mass-weighted over all atoms of the protein, caps included. The fractions
    are those of its residues, caps excluded, that DSSP assigns to any helix (H, G, I) and to a
    strand or bridge (E, B). Where there is a box, molecules are made whole first.

    Parameters
    ----------
    source
        Atoms other than those of a protein are left out.
    chunk
        Frames held at a time.

    Raises
    ------
    ValueError
        If there is no amino acid residue with N, CA, C and O.

    References
    ----------
    Kabsch & Sander, Biopolymers 22, 2577 (1983).

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> source = TrajectorySource.of_array(positions_nm[None], topology)
    >>> shape_features(source).round(2).tolist()  # one residue is neither helix nor strand
    [[0.25, 0.0, 0.0]]
    """
    topology = mdtraj.Topology.from_openmm(source.topology)
    atoms = _protein_atoms(topology, source.name)
    protein = topology.subset(atoms)
    masses = np.array([a.element.mass if a.element else 0.0 for a in protein.atoms])
    parts = [_features(frames, atoms, protein, masses) for frames in source.iterate(chunk)]
    return np.concatenate(parts)


def _protein_atoms(topology: mdtraj.Topology, name: str) -> NDArray[np.int64]:
    backbone = {"N", "CA", "C", "O"}
    chosen = [r for r in topology.residues if backbone <= {a.name for a in r.atoms}]
    if not chosen:
        raise ValueError(
            f"{name} has no amino acid residue with N, CA, C and O; its shape features are not "
            "defined, use torsions"
        )
    chosen += [r for r in topology.residues if r.name in _CAPS]
    return np.sort([atom.index for residue in chosen for atom in residue.atoms])


def _features(
    frames: Frames,
    atoms: NDArray[np.int64],
    protein: mdtraj.Topology,
    masses: NDArray[np.float64],
) -> NDArray[np.float32]:
    trajectory = mdtraj.Trajectory(np.asarray(frames.positions_nm[:, atoms], np.float32), protein)
    if frames.box_nm is not None:
        trajectory.unitcell_vectors = np.array(frames.box_nm, dtype=np.float32)
        trajectory.make_molecules_whole(inplace=True)
    assigned = mdtraj.compute_dssp(trajectory, simplified=True)
    residues = (assigned != "NA").sum(axis=1)
    fractions = [(assigned == code).sum(axis=1) / residues for code in "HE"]
    radius_nm = _radius_of_gyration(trajectory.xyz, masses)
    return np.stack([radius_nm, *fractions], axis=1).astype(np.float32)


def _radius_of_gyration(
    positions_nm: NDArray[np.float32], masses: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Radius ``(n_frames,)``, nm, about the centre of mass; mdtraj's is about the mean position."""
    weights = masses / masses.sum()
    centered = positions_nm - np.einsum("a,fad->fd", weights, positions_nm)[:, None]
    return np.asarray(np.sqrt(np.einsum("a,fad,fad->f", weights, centered, centered)))
