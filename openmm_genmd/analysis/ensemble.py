"""Conformations of one molecule, measured once: `Ensemble`, which every metric starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mdtraj
import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.shape_features import shape_features
from openmm_genmd.data.trajectory import Frames
from openmm_genmd.data.trajectory_source import TrajectorySource
from openmm_genmd.representations.residue_frames import torsions_of
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.residue_types import TORSION_NAMES
from openmm_genmd.representations.superposition import superpose

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.int64]

_ANGSTROM_PER_NM = 10.0
_PROBE_NM = 0.28


@dataclass(frozen=True)
class Molecule:
    """Heavy atoms of a peptide or protein, and one structure of it on which frames are superposed.

    Attributes
    ----------
    topology
        Of mdtraj, heavy atoms only.
    native_angstrom
        ``(n_heavy, 3)`` float64: the crystal structure, or whatever structure the user named.
    layout
        Residues and torsions, with the indices of all atoms of the reference.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> molecule = Molecule.of(*load_structure("alanine-dipeptide"))
    >>> molecule.topology.n_atoms, molecule.alpha_carbons.tolist(), molecule.torsion_names
    (10, [4], ('ALA2 phi', 'ALA2 psi'))
    """

    topology: mdtraj.Topology
    native_angstrom: Floats
    layout: ResidueLayout

    @classmethod
    def of(cls, topology: app.Topology, positions_nm: Floats) -> Molecule:
        """Describe a molecule by its topology and positions ``(n_atoms, 3)`` of all atoms, nm.

        Raises
        ------
        ValueError
            If it is not a peptide or protein, or the positions are not those of its atoms.
        """
        if np.shape(positions_nm) != (topology.getNumAtoms(), 3):
            raise ValueError(
                f"expected positions of {topology.getNumAtoms()} atoms, got shape "
                f"{np.shape(positions_nm)}; give the structure of the same molecule"
            )
        whole = mdtraj.Topology.from_openmm(topology)
        heavy = _heavy_atoms(whole)
        native = _ANGSTROM_PER_NM * np.asarray(positions_nm, dtype=np.float64)[heavy]
        return cls(whole.subset(heavy), native, ResidueLayout.from_topology(topology))

    @property
    def atom_names(self) -> tuple[tuple[int, str], ...]:
        """Residue number and name of each heavy atom: what must agree between ensembles."""
        return tuple((atom.residue.index, atom.name) for atom in self.topology.atoms)

    @property
    def alpha_carbons(self) -> Integers:
        """Indices of the alpha carbons among the heavy atoms, ``(n_residues,)``."""
        chosen = [atom.index for atom in self.topology.atoms if atom.name == "CA"]
        return np.array(chosen, dtype=np.int64)

    @property
    def residue_of_atom(self) -> Integers:
        """Number of the residue of each heavy atom, ``(n_heavy,)``."""
        return np.array([atom.residue.index for atom in self.topology.atoms], dtype=np.int64)

    @property
    def bonds(self) -> Integers:
        """Bonds between heavy atoms, ``(n_bonds, 2)``."""
        ends = [(a.index, b.index) for a, b in self.topology.bonds]
        return np.array(ends, dtype=np.int64).reshape(-1, 2)

    @property
    def radii_angstrom(self) -> NDArray[np.float64]:
        """Van der Waals radii, ``(n_heavy,)``."""
        radii = [_ANGSTROM_PER_NM * atom.element.radius for atom in self.topology.atoms]
        return np.array(radii, dtype=np.float64)

    @property
    def torsion_names(self) -> tuple[str, ...]:
        """Names of phi, psi and the side-chain torsions that are defined, residue by residue."""
        residues = [str(r) for r in self.topology.residues if "CA" in {a.name for a in r.atoms}]
        return tuple(
            f"{residues[i]} {TORSION_NAMES[k]}" for i, k in np.argwhere(self.torsion_mask).tolist()
        )

    @property
    def torsion_mask(self) -> NDArray[np.bool_]:
        """``(n_residues, 7)`` bool: phi, psi and side-chain torsions, not pre-omega."""
        mask = self.layout.torsion_mask.copy()
        mask[:, 0] = False
        return mask

    def superposed(self, positions_angstrom: Floats, atoms: Integers | None = None) -> Floats:
        """Some atoms of all frames, superposed on the native structure with these same atoms.

        Parameters
        ----------
        positions_angstrom
            ``(F, n_heavy, 3)``.
        atoms
            Indices of heavy atoms; None means all.

        Returns
        -------
        ndarray
            ``(F, n, 3)`` float32, Angstrom.
        """
        chosen = np.arange(len(self.native_angstrom)) if atoms is None else atoms
        return superposed_on(positions_angstrom[:, chosen], self.native_angstrom[chosen])

    def side_chain_areas(self, positions_angstrom: Floats) -> NDArray[np.float64]:
        """Area of each side chain that a probe of 2.8 Angstrom reaches, square Angstrom.

        Parameters
        ----------
        positions_angstrom
            ``(F, n_heavy, 3)``.

        Returns
        -------
        ndarray
            ``(F, n_residues)`` float64 of all residues, caps included; glycine has none, 0.

        References
        ----------
        Shrake and Rupley, J. Mol. Biol. 79, 351 (1973).
        """
        frames = np.asarray(positions_angstrom, dtype=np.float32) / np.float32(_ANGSTROM_PER_NM)
        trajectory = mdtraj.Trajectory(frames, self.topology)
        areas = mdtraj.shrake_rupley(trajectory, probe_radius=_PROBE_NM, mode="atom")
        backbone = ("N", "CA", "C", "O", "OXT")
        side = np.array([atom.name not in backbone for atom in self.topology.atoms])
        summed = np.zeros((len(frames), self.topology.n_residues))
        np.add.at(summed.T, self.residue_of_atom[side], areas[:, side].T)
        return np.asarray(_ANGSTROM_PER_NM**2 * summed, dtype=np.float64)


@dataclass(frozen=True)
class Ensemble:
    """Frames of some replicas, one replica after the other.

    Attributes
    ----------
    molecule
        What the frames are conformations of.
    heavy_angstrom
        ``(F, n_heavy, 3)`` float32, superposed on the native structure: 12 bytes for each atom and
        frame, all in memory.
    torsions_rad
        ``(F, n_residues, 7)`` float32, NaN where undefined.
    lengths
        Frames of each replica.
    frame_interval_ps
        Time between frames; None if they have no order in time.
    shape
        ``(F, 3)`` float32 radius of gyration in nm, helix and strand fraction; None if not asked
        for.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> source = TrajectorySource.of_array(positions_nm[None], topology)
    >>> ensemble = read_ensemble([source], Molecule.of(topology, positions_nm))
    >>> np.rad2deg(ensemble.torsions).round().tolist()  # phi, psi
    [[-141.0, 158.0]]
    """

    molecule: Molecule
    heavy_angstrom: Floats
    torsions_rad: Floats
    lengths: tuple[int, ...]
    frame_interval_ps: float | None
    shape: Floats | None = None

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.heavy_angstrom)

    @property
    def torsions(self) -> Floats:
        """The torsions of `Molecule.torsion_names`, ``(F, n)`` rad."""
        return self.torsions_rad[:, self.molecule.torsion_mask]

    def replicas(self, values: NDArray[Any]) -> list[NDArray[Any]]:
        """Values ``(F, ...)`` of all frames, divided by replicas."""
        return np.split(values, np.cumsum(self.lengths)[:-1])


def read_ensemble(
    sources: Sequence[TrajectorySource],
    molecule: Molecule,
    *,
    frame_interval_ps: float | None = None,
    with_shape: bool = False,
) -> Ensemble:
    """Read and measure all frames of some trajectories of one molecule.

    Parameters
    ----------
    sources
        One for each replica; hydrogens may be missing or in another order.
    molecule
        What they are conformations of.
    frame_interval_ps
        Time between frames; None: they have no order in time.
    with_shape
        Measure radius of gyration and secondary structure, which reads the files once more.

    Raises
    ------
    ValueError
        If there is nothing to read, or the heavy atoms or the sequence of a source are not those of
        the molecule.
    """
    if not sources:
        raise ValueError("expected at least one trajectory, got none")
    measured = [_measure(source, molecule) for source in sources]
    heavy, torsions = (np.concatenate(parts) for parts in zip(*measured, strict=True))
    shape = np.concatenate([shape_features(s) for s in sources]) if with_shape else None
    lengths = tuple(len(part) for part, _ in measured)
    return Ensemble(molecule, heavy, torsions, lengths, frame_interval_ps, shape)


def superposed_on(positions_angstrom: Floats, fixed_angstrom: Floats) -> Floats:
    """All frames ``(F, n, 3)``, float32, Angstrom, superposed on one ``(n, 3)``."""
    fixed = np.broadcast_to(fixed_angstrom, positions_angstrom.shape)
    every = np.ones(positions_angstrom.shape[:2], dtype=bool)
    return superpose(positions_angstrom, fixed, every).astype(np.float32)


def _measure(source: TrajectorySource, molecule: Molecule) -> tuple[Floats, Floats]:
    whole = mdtraj.Topology.from_openmm(source.topology)
    order = _order_of_heavy_atoms(source, whole, molecule)
    layout = ResidueLayout.from_topology(source.topology)
    heavy, torsions = [], []
    for frames in source.iterate():
        positions_nm = _made_whole(frames, whole)
        torsions.append(torsions_of(positions_nm, layout))
        heavy.append(molecule.superposed(_ANGSTROM_PER_NM * positions_nm[:, order]))
    return np.concatenate(heavy), np.concatenate(torsions)


def _order_of_heavy_atoms(
    source: TrajectorySource, whole: mdtraj.Topology, molecule: Molecule
) -> Integers:
    """Atoms of the source in the order of the molecule's heavy atoms."""
    index = {(atom.residue.index, atom.name): atom.index for atom in whole.atoms}
    n_heavy = len(_heavy_atoms(whole))
    missing = [name for name in molecule.atom_names if name not in index]
    if missing or n_heavy != len(molecule.atom_names):
        raise ValueError(
            f"{source.name} has {n_heavy} heavy atoms, the molecule {len(molecule.atom_names)}"
            + (f", among them {missing[0][1]} of residue {missing[0][0] + 1}" if missing else "")
            + "; reference, generated and structure must be of one molecule with the same names"
        )
    return np.array([index[name] for name in molecule.atom_names], dtype=np.int64)


def _heavy_atoms(topology: mdtraj.Topology) -> Integers:
    chosen = [a.index for a in topology.atoms if a.element is not None and a.element.symbol != "H"]
    return np.array(chosen, dtype=np.int64)


def _made_whole(frames: Frames, topology: mdtraj.Topology) -> Floats:
    if frames.box_nm is None:
        return frames.positions_nm
    trajectory = mdtraj.Trajectory(np.array(frames.positions_nm, np.float32), topology)
    trajectory.unitcell_vectors = np.array(frames.box_nm, dtype=np.float32)
    return np.asarray(trajectory.make_molecules_whole(inplace=True).xyz)
