"""The MISATO data set: short simulations of protein-ligand complexes in one HDF5 file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import app, unit

from openmm_genmd.data.amber_residues import residue_names, residue_spans
from openmm_genmd.data.bond_check import require_plausible_bonds
from openmm_genmd.data.complex_limits import require_complex_size
from openmm_genmd.data.covalent_bonds import infer_bonds
from openmm_genmd.data.topology_file import load_topology
from openmm_genmd.data.trajectory import check_frames
from openmm_genmd.data.trajectory_source import TrajectorySource

_FRAME_INTERVAL_PS = 80.0
_ANGSTROM_PER_NM = 10.0
_COORDINATES, _MOLECULES = "trajectory_coordinates", "molecules_begin_atom_index"
_ELEMENTS, _CODES = "atoms_number", "atoms_residue"
_RESIDUES = (
    *("MOL", "ACE", "ALA", "ARG", "ASN", "ASP", "CYS", "CYX", "GLN", "GLU", "GLY", "HIE"),
    *("ILE", "LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL"),
)
"""What the codes of residues mean, from the data set's own table; MOL are all small molecules."""


@dataclass(frozen=True, eq=False)
class MisatoComplex:
    """One complex of MISATO.

    Attributes
    ----------
    id
        Of the Protein Data Bank, in capital letters.
    topology
        Of all atoms, hydrogens included, with bonds. The bonds of the data set are not in its
        file: unless a topology was given, they are inferred from distances in the first frame and
        have no orders. Residues that are not Amber's, the ligand among them, have made-up names of
        atoms.
    ligand
        ``(n,)``, indices of its atoms: the last molecule.
    positions_nm
        ``(n_frames, n_atoms, 3)`` float32, nm. Frames are 80 ps apart.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, x = load_structure("alanine-dipeptide")
    >>> frames = np.tile(x, (100, 1, 1)).astype(np.float32)
    >>> complex = MisatoComplex("1ABC", topology, np.arange(16, 22), frames)
    >>> complex.source().frame_interval_ps, complex.cropped(range(16)).topology.getNumAtoms()
    (80.0, 22)
    """

    id: str
    topology: app.Topology
    ligand: NDArray[np.intp]
    positions_nm: NDArray[np.float32]

    def source(self, *, stride: int = 1) -> TrajectorySource:
        """Frames as a trajectory.

        Parameters
        ----------
        stride
            Every how many frames one is used.
        """
        return TrajectorySource.of_array(
            self.positions_nm,
            self.topology,
            name=self.id,
            frame_interval_ps=_FRAME_INTERVAL_PS,
            stride=stride,
        )

    def cropped(self, receptor: ArrayLike | range) -> MisatoComplex:
        """The ligand with only some atoms of the receptor, in their order.

        Parameters
        ----------
        receptor
            Indices, for instance of `pocket_residues`.
        """
        keep = np.union1d(np.asarray(receptor, dtype=np.intp), self.ligand)
        gone = set(range(self.topology.getNumAtoms())) - set(keep.tolist())
        modeller = app.Modeller(self.topology, self.positions_nm[0] * unit.nanometer)
        modeller.delete([atom for atom in self.topology.atoms() if atom.index in gone])
        ligand = np.searchsorted(keep, self.ligand).astype(np.intp)
        return MisatoComplex(self.id, modeller.topology, ligand, self.positions_nm[:, keep])


def misato_ids(path: str | Path) -> list[str]:
    """Names of the complexes in a file of MISATO, in alphabetical order.

    Parameters
    ----------
    path
        ``MD.hdf5``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not an HDF5 file, or none of MISATO.
    """
    with _opened(path) as file:
        names = [name for name, group in file.items() if isinstance(group, h5py.Group)]
        found = sorted(name for name in names if _COORDINATES in file[name])
    if not found:
        raise ValueError(
            f"{path} should have one group with {_COORDINATES} per complex, as MD.hdf5 of MISATO, "
            f"got {', '.join(names[:5]) or 'no groups'}"
        )
    return found


def open_misato(
    path: str | Path,
    id: str,
    topology: str | Path | None = None,
    *,
    any_size: bool = False,
) -> MisatoComplex:
    """One complex of a file of MISATO, with all its frames; Angstrom become nm.

    Parameters
    ----------
    path
        ``MD.hdf5``.
    id
        Of the Protein Data Bank.
    topology
        A prmtop or PDB file of the same atoms, for bonds; without it they are inferred from
        distances in the first frame, or refused where that gives impossible valences.
    any_size
        Whether the receptor may have more than 800 residues; it must then be `cropped`.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If the complex is not in the file, or lacks something, or contradicts itself, or is too
        large, or bonds cannot be inferred, or the topology is of other atoms.

    References
    ----------
    Siebenmorgen et al., Nat. Comput. Sci. 4, 367 (2024).
    """
    with _opened(path) as file:
        name = id.upper()
        if name not in file:
            ids = sorted(file)
            raise ValueError(
                f"{path} has no complex {name}; there are {len(ids)}, for instance "
                f"{', '.join(ids[:5])}"
            )
        arrays = _arrays(f"{path}: {name}", file[name])
    positions_nm, numbers, codes, molecules = arrays
    check_frames(Path(path), 0, positions_nm, len(numbers))
    ligand = np.arange(molecules[-1], len(numbers), dtype=np.intp)
    what = f"{name} in {path}"
    if topology is None:
        built = _inferred(positions_nm[0], numbers, codes, molecules, what)
    else:
        built = _given(Path(topology), numbers, what)
    require_plausible_bonds(positions_nm[0], built, None, what)
    n_residues = sum(residue.index < _residue_of(built, ligand) for residue in built.residues())
    require_complex_size(
        0 if any_size else n_residues,
        int((numbers[ligand] > 1).sum()),
        what,
        remedy="open it with any_size=True and crop it: complex.cropped(pocket_residues("
        "complex.topology, complex.positions_nm[0], complex.ligand, radius_nm=1.2))",
    )
    return MisatoComplex(name, built, ligand, positions_nm)


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    if not Path(path).is_file():
        raise FileNotFoundError(f"no file at {path}")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"cannot read {path} as HDF5: {error}; is it complete?") from error
    with file:
        yield file


def _arrays(
    what: str, group: h5py.Group
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Positions, nm, atomic numbers, codes of residues, first atoms of molecules."""
    needed = (_COORDINATES, _ELEMENTS, _CODES, _MOLECULES)
    if missing := [key for key in needed if key not in group]:
        raise ValueError(
            f"{what} has no dataset {missing[0]}; expected {', '.join(needed)} (MD.hdf5 of MISATO, "
            "not the file of quantum chemistry)"
        )
    stored = {key: group[key][()] for key in needed}
    shape = stored[_COORDINATES].shape
    if len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(f"{what}: {_COORDINATES} should be (n_frames, n_atoms, 3), got {shape}")
    for key in (_ELEMENTS, _CODES):
        if stored[key].shape != shape[1:2]:
            raise ValueError(
                f"{what}: {key} should have one number for each of the {shape[1]} atoms, got "
                f"{stored[key].shape}; download the file again"
            )
    positions_nm = (np.asarray(stored[_COORDINATES]) / _ANGSTROM_PER_NM).astype(np.float32)
    numbers, codes, molecules = (stored[key].astype(np.int64) for key in needed[1:])
    _require_molecules(what, molecules, shape[1])
    return positions_nm, numbers, codes, molecules


def _require_molecules(what: str, molecules: NDArray[np.int64], n_atoms: int) -> None:
    ascending = molecules.ndim == 1 and bool((np.diff(molecules) > 0).all())
    if not ascending or len(molecules) < 2 or molecules[0] != 0 or molecules[-1] >= n_atoms:
        raise ValueError(
            f"{what}: {_MOLECULES} should be the first atoms of two molecules or more, ascending "
            f"from 0 to less than {n_atoms}, got {molecules.tolist()}; the last is the ligand"
        )


def _given(path: Path, numbers: NDArray[np.int64], what: str) -> app.Topology:
    topology = load_topology(path)
    own = [0 if a.element is None else a.element.atomic_number for a in topology.atoms()]
    if own != numbers.tolist():
        raise ValueError(
            f"the {len(own)} atoms of {path} are not those of {what}, which has {len(numbers)} "
            "atoms; give a topology without water and ions, in the order of the file"
        )
    return topology


def _inferred(
    positions_nm: NDArray[np.float32],
    numbers: NDArray[np.int64],
    codes: NDArray[np.int64],
    molecules: NDArray[np.int64],
    what: str,
) -> app.Topology:
    """Topology with bonds from distances, each molecule of the file as a chain."""
    elements, kinds, firsts = numbers.tolist(), codes.tolist(), set(molecules.tolist())
    bonds = infer_bonds(np.asarray(positions_nm, dtype=np.float64), elements, what)
    topology = app.Topology()
    atoms: list[app.topology.Atom] = []
    chain = topology.addChain()
    for span in residue_spans(elements, bonds, kinds, sorted(firsts)):
        if span.start in firsts and span.start > 0:
            chain = topology.addChain()
        name, names = _names(span, elements, kinds[span.start], bonds)
        residue = topology.addResidue(name, chain)
        for n, atom in zip(span, names, strict=True):
            element = app.Element.getByAtomicNumber(elements[n])
            atoms.append(topology.addAtom(atom, element, residue))
    for a, b in bonds:
        topology.addBond(atoms[a], atoms[b])
    return topology


def _names(
    span: range, elements: Sequence[int], code: int, bonds: Sequence[tuple[int, int]]
) -> tuple[str, list[str]]:
    """Names of a residue and of its atoms."""
    known = residue_names(span, elements, bonds)
    if known is not None:
        return known
    symbols = [app.Element.getByAtomicNumber(elements[n]).symbol for n in span]
    made_up = [f"{symbol}{n}" for n, symbol in enumerate(symbols, 1)]
    return _RESIDUES[code] if 0 <= code < len(_RESIDUES) else "UNK", made_up


def _residue_of(topology: app.Topology, atoms: NDArray[np.intp]) -> int:
    first = int(atoms[0])
    return next(int(atom.residue.index) for atom in topology.atoms() if atom.index == first)
