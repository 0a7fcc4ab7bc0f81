"""The preprocessed trajectories of MDGen: heavy atoms of all residues, in atom14 order."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.side_chains import ONE_LETTER
from openmm_genmd.data.trajectory import Frames
from openmm_genmd.data.trajectory_source import TrajectorySource, iterate_array, strided_count

_FILE = re.compile(r"(?P<name>.+?)(?:_R(?P<replica>\d+))?(?:_i(?P<interval>\d+))?")
_PEPTIDE_INTERVAL_PS, _ATLAS_INTERVAL_PS = 0.1, 10.0

_SIDE_CHAINS = {
    "ALA": "CB",
    "ARG": "CB CG CD NE CZ NH1 NH2",
    "ASN": "CB CG OD1 ND2",
    "ASP": "CB CG OD1 OD2",
    "CYS": "CB SG",
    "GLN": "CB CG CD OE1 NE2",
    "GLU": "CB CG CD OE1 OE2",
    "GLY": "",
    "HIS": "CB CG ND1 CD2 CE1 NE2",
    "ILE": "CB CG1 CG2 CD1",
    "LEU": "CB CG CD1 CD2",
    "LYS": "CB CG CD CE NZ",
    "MET": "CB CG SD CE",
    "PHE": "CB CG CD1 CD2 CE1 CE2 CZ",
    "PRO": "CB CG CD",
    "SER": "CB OG",
    "THR": "CB OG1 CG2",
    "TRP": "CB CG CD1 CD2 NE1 CE2 CE3 CZ2 CZ3 CH2",
    "TYR": "CB CG CD1 CD2 CE1 CE2 CZ OH",
    "VAL": "CB CG1 CG2",
}
ATOM14 = {name: ("N", "CA", "C", "O", *names.split()) for name, names in _SIDE_CHAINS.items()}
"""Heavy atoms of each residue in atom14 order; the rest of the 14 places is empty."""


def open_mdgen(path: Path, sequences: Path | None = None, *, stride: int = 1) -> TrajectorySource:
    """Source of a preprocessed trajectory of MDGen: heavy atoms, Angstrom become nm.

    Frames are 0.1 ps apart, those of ATLAS (``{name}_R1``) 10 ps, times the number behind ``_i`` in
    the name of the file. Float16 rounds positions by 0.001 nm: bond lengths and densities
    computed from them are wrong.

    Parameters
    ----------
    path
        ``{name}.npy``, ``{name}_i100.npy`` or ``{name}_R1_i40.npy``: ``(n_frames, n_residues, 14,
        3)`` float16.
    sequences
        CSV with columns ``name`` and ``seqres``; by default a CSV beside the file, or one folder
        up, that has the name.
    stride
        Every how many frames one is used.

    Raises
    ------
    ValueError
        If there is no sequence, or it does not fit the array.

    References
    ----------
    Jing, Stärk, Jaakkola & Berger, MDGen, NeurIPS 2024, arXiv:2409.17808.
    """
    match = _FILE.fullmatch(path.stem)
    assert match is not None  # the pattern takes any name
    letters = find_sequence(path, match["name"], sequences)
    shape = _open(path).shape
    if len(shape) != 4 or shape[1:] != (len(letters), 14, 3):
        raise ValueError(
            f"{path} should have the shape (n_frames, {len(letters)}, 14, 3) for the "
            f"{len(letters)} residues of its sequence, got {shape}; "
            "give the CSV that the file was made with"
        )
    topology, places = atom14_topology(letters)
    _require_places(path, letters, places)
    per_frame_ps = _ATLAS_INTERVAL_PS if match["replica"] else _PEPTIDE_INTERVAL_PS

    def read(chunk: int) -> Iterator[Frames]:
        stored = _ChosenAtoms(_open(path), places)
        n_atoms = topology.getNumAtoms()
        return iterate_array(stored, n_atoms, path, stride=stride, chunk=chunk, nm_per_unit=0.1)

    return TrajectorySource(
        name=match["name"],
        topology=topology,
        frame_interval_ps=per_frame_ps * int(match["interval"] or 1) * stride,
        temperature_k=None,
        replica=f"R{match['replica']}" if match["replica"] else "0",
        n_frames=strided_count(shape[0], stride),
        read=read,
    )


def find_sequence(path: Path, name: str, sequences: Path | None = None) -> str:
    """One-letter codes of a molecule, from the CSV file that goes with the data.

    Raises
    ------
    ValueError
        If no file has it.
    """
    nearby = [*sorted(path.parent.glob("*.csv")), *sorted(path.parent.parent.glob("*.csv"))]
    files = nearby if sequences is None else [sequences]
    for file in files:
        with file.open(newline="") as rows:
            for row in csv.DictReader(rows):
                if row.get("name") == name and row.get("seqres"):
                    return str(row["seqres"])
    raise ValueError(
        f"no sequence of {name} for {path}: expected a row with name={name} and its seqres in "
        f"{', '.join(map(str, files)) or 'a CSV file beside it'}; give the CSV as the topology"
    )


def atom14_topology(sequence: str) -> tuple[app.Topology, NDArray[np.int64]]:
    """Topology of the heavy atoms of a chain, and their places ``(n_atoms,)`` in atom14 arrays.

    Parameters
    ----------
    sequence
        One-letter codes.

    Raises
    ------
    ValueError
        If a letter is not one of the 20 amino acids.

    Examples
    --------
    >>> topology, places = atom14_topology("GA")
    >>> [atom.name for atom in topology.atoms()], places.tolist(), topology.getNumBonds()
    (['N', 'CA', 'C', 'O', 'N', 'CA', 'C', 'O', 'CB'], [0, 1, 2, 3, 14, 15, 16, 17, 18], 8)
    """
    unknown = sorted(set(sequence) - set(ONE_LETTER))
    if unknown:
        raise ValueError(
            f"expected one-letter codes of the 20 amino acids, got {', '.join(unknown)} in "
            f"{sequence[:20]}"
        )
    topology, places = app.Topology(), []
    chain = topology.addChain()
    for n, letter in enumerate(sequence):
        residue = topology.addResidue(ONE_LETTER[letter], chain)
        for place, name in enumerate(ATOM14[residue.name]):
            topology.addAtom(name, app.Element.getBySymbol(name[0]), residue)
            places.append(14 * n + place)
    topology.createStandardBonds()
    return topology, np.array(places, dtype=np.int64)


@dataclass(frozen=True)
class _ChosenAtoms:
    """Frames of an atom14 array, without the places that are empty."""

    stored: NDArray[np.generic]
    places: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.stored), len(self.places), 3)

    def __getitem__(self, frames: slice, /) -> Any:
        part = self.stored[frames]
        return part.reshape(len(part), -1, 3)[:, self.places]


def _open(path: Path) -> NDArray[np.generic]:
    try:
        return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise ValueError(f"cannot read {path} as an array of numpy: {error}") from error


def _require_places(path: Path, letters: str, places: Sequence[int] | NDArray[np.int64]) -> None:
    """The places that are filled in the first frame must be those of the sequence."""
    stored = _open(path)
    if len(stored) == 0:
        raise ValueError(f"{path} has no frames; is it complete?")
    filled = np.any(np.asarray(stored[0]) != 0, axis=-1)
    expected = np.zeros(filled.size, dtype=bool)
    expected[np.asarray(places)] = True
    different = np.flatnonzero((filled != expected.reshape(filled.shape)).any(axis=1))
    if len(different):
        n = int(different[0])
        raise ValueError(
            f"residue {n} in {path} has {int(filled[n].sum())} atoms that are not those of "
            f"{ONE_LETTER[letters[n]]} ({', '.join(ATOM14[ONE_LETTER[letters[n]]])}), which the "
            "sequence has there; give the CSV that the file was made with"
        )
