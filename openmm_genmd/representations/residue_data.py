"""Backbones and torsions of trajectories on disk, as models are trained on them: `ResidueData`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from openmm import app, unit
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openmm_genmd.data.growing_array import GrowingArray
from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.data.structure_file import load_structure_file
from openmm_genmd.data.trajectory import Frames
from openmm_genmd.representations.periodic import bond_tree, make_whole
from openmm_genmd.representations.residue_frames import (
    ResidueFrames,
    backbone_of,
    frames_of,
    torsions_of,
)
from openmm_genmd.representations.residue_layout import ResidueLayout

DESCRIPTION, TOPOLOGY, BACKBONE, TORSIONS = (
    "residue_data.json",
    "topology.pdb",
    "backbone.npy",
    "torsions.npy",
)
"""Files of a folder of residue data."""


class _Description(BaseModel):
    """What is in the folder; written last, so that a folder without it is incomplete."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["genmd residue data 1"] = "genmd residue data 1"
    name: str
    sequence: str
    lengths: tuple[int, ...] = Field(min_length=1)
    frame_interval_ps: float = Field(gt=0)
    temperature_k: float | None = Field(gt=0)


@dataclass(frozen=True, eq=False)
class ResidueData:
    """Backbones and torsions of all frames of one molecule, read from disk as they are needed.

    Attributes
    ----------
    folder
        Where it is.
    name
        Of the molecule, for people.
    topology_file
        PDB file of all atoms, in the first frame.
    layout
        Residues of this file.
    backbone_angstrom
        ``(n_frames, n_residues, 3, 3)`` float32, Angstrom: N, CA and C. A memory map.
    torsions_rad
        ``(n_frames, n_residues, 7)`` float32, rad, NaN where undefined. A memory map.
    lengths
        Frames of each continuous piece of dynamics; the arrays hold them one after the other.
    frame_interval_ps
        Time between frames.
    temperature_k
        Of the dynamics, if known.

    Examples
    --------
    >>> import tempfile
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> replica = [Frames(np.stack([positions_nm] * 5), None, Path("run.dcd"), first=0)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     data = write_residue_data(
    ...         Path(folder), topology, [replica, replica], name="ala", frame_interval_ps=1.0
    ...     )
    ...     len(data), data.lengths, data.layout.sequence, data.frames([0, 7]).rotations.shape
    (10, (5, 5), 'A', (2, 1, 3, 3))
    """

    folder: Path
    name: str
    topology_file: Path
    layout: ResidueLayout
    backbone_angstrom: NDArray[np.float32]
    torsions_rad: NDArray[np.float32]
    lengths: tuple[int, ...]
    frame_interval_ps: float
    temperature_k: float | None

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.torsions_rad)

    @property
    def replicas(self) -> tuple[slice, ...]:
        """Where each continuous piece is in the arrays."""
        ends = np.cumsum(self.lengths).tolist()
        return tuple(slice(end - n, end) for end, n in zip(ends, self.lengths, strict=True))

    def frames(self, index: Any) -> ResidueFrames:
        """Rigid frames ``(..., n_residues)``, float64, of some conformations."""
        return frames_of(self.backbone_angstrom[index])

    def topology(self) -> app.Topology:
        """Topology of all atoms, with bonds."""
        return load_structure_file(self.topology_file)[0]


def write_residue_data(
    folder: Path,
    topology: app.Topology,
    sources: Iterable[Iterable[Frames]],
    *,
    name: str,
    frame_interval_ps: float,
    temperature_k: float | None = None,
) -> ResidueData:
    """Residue data of trajectories, written chunk by chunk and opened.

    Molecules that are broken across a periodic boundary are made whole. What was in the folder
    under the same names is replaced; killed at any moment, the folder is either complete or refused
    by `open_residue_data`.

    Parameters
    ----------
    folder
        Made if it is not there.
    topology
        Of all atoms in the frames: peptides with bonds, see `ResidueLayout`.
    sources
        For each continuous piece of dynamics its frames in order.
    name
        Of the molecule, for people.
    frame_interval_ps
        Time between frames.
    temperature_k
        Of the dynamics, if known.

    Raises
    ------
    ValueError
        If the interval or temperature is not positive; if there are no frames, or one has no
        frames of residues or another number of atoms; if the topology is not one of peptides, or
        does not survive a PDB file.
    """
    for what, value in (("frame_interval_ps", frame_interval_ps), ("temperature_k", temperature_k)):
        if value is not None and not value > 0:
            raise ValueError(f"{what} must be positive, got {value}")
    layout = ResidueLayout.from_topology(topology)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DESCRIPTION).unlink(missing_ok=True)
    lengths = _write_arrays(folder, topology, layout, sources)
    description = _Description(
        name=name,
        sequence=layout.sequence,
        lengths=lengths,
        frame_interval_ps=frame_interval_ps,
        temperature_k=temperature_k,
    )
    partial = folder / f"{DESCRIPTION}.partial"
    partial.write_text(description.model_dump_json(indent=2) + "\n")
    os.replace(partial, folder / DESCRIPTION)
    return open_residue_data(folder)


def open_residue_data(folder: Path) -> ResidueData:
    """Residue data in a folder that `write_residue_data` wrote.

    Raises
    ------
    FileNotFoundError
        If there are none, or they were not completed.
    ValueError
        If they are damaged.
    """
    folder = Path(folder)
    if not (folder / DESCRIPTION).is_file():
        raise FileNotFoundError(
            f"no residue data in {folder}: expected {DESCRIPTION}, which is written when they are "
            "complete; write them with genmd msm"
        )
    try:
        description = _Description.model_validate_json((folder / DESCRIPTION).read_bytes())
        backbone, torsions = (np.load(folder / n, mmap_mode="r") for n in (BACKBONE, TORSIONS))
    except (ValidationError, ValueError, EOFError, OSError) as error:
        raise ValueError(f"damaged residue data in {folder}: {error}; write them again") from error
    layout = ResidueLayout.from_topology(load_structure_file(folder / TOPOLOGY)[0])
    shape = (sum(description.lengths), len(layout))
    if (
        layout.sequence != description.sequence
        or backbone.shape != (*shape, 3, 3)
        or torsions.shape != (*shape, 7)
    ):
        raise ValueError(
            f"damaged residue data in {folder}: {DESCRIPTION} tells of {shape[0]} frames of "
            f"{description.sequence}, but {TOPOLOGY} is of {layout.sequence} and the arrays have "
            f"shapes {backbone.shape} and {torsions.shape}; write them again"
        )
    return ResidueData(
        folder=folder,
        name=description.name,
        topology_file=folder / TOPOLOGY,
        layout=layout,
        backbone_angstrom=backbone,
        torsions_rad=torsions,
        lengths=description.lengths,
        frame_interval_ps=description.frame_interval_ps,
        temperature_k=description.temperature_k,
    )


def _write_arrays(
    folder: Path,
    topology: app.Topology,
    layout: ResidueLayout,
    sources: Iterable[Iterable[Frames]],
) -> tuple[int, ...]:
    """Frames of each source."""
    lengths = []
    tree = np.array(bond_tree(layout.n_atoms, BondGraph.of(topology).bonds), dtype=np.intp)
    with (
        GrowingArray(folder / BACKBONE, (len(layout), 3, 3)) as backbones,
        GrowingArray(folder / TORSIONS, (len(layout), 7)) as torsions,
    ):
        for source in sources:
            before = torsions.length
            for frames in source:
                positions = _whole_molecules(frames, tree)
                backbone = backbone_of(positions, layout)
                _require_frames(backbone, frames)
                if torsions.length == 0:
                    _write_topology(folder / TOPOLOGY, topology, layout, positions[0])
                backbones.append(backbone)
                torsions.append(torsions_of(positions, layout))
            lengths.append(torsions.length - before)
        if not lengths or not all(lengths):
            raise ValueError(f"expected frames in every trajectory, got {lengths} of them")
    return tuple(lengths)


def _whole_molecules(frames: Frames, tree: NDArray[np.intp]) -> NDArray[Any]:
    if frames.box_nm is None or not len(tree):
        return frames.positions_nm
    widths = np.diagonal(frames.box_nm, axis1=1, axis2=2)
    bonds = np.diff(frames.positions_nm[:, tree], axis=2)[:, :, 0]
    broken = (np.abs(bonds) > 0.5 * widths[:, None]).any(axis=(1, 2)) & (widths > 0).all(axis=1)
    positions = frames.positions_nm.copy() if broken.any() else frames.positions_nm
    for n in np.flatnonzero(broken):
        positions[n] = make_whole(positions[n].astype(np.float64), frames.box_nm[n], tree)
    return positions


def _require_frames(backbone: NDArray[Any], frames: Frames) -> None:
    try:
        frames_of(backbone)
    except ValueError as error:
        raise ValueError(f"{frames.file}, counted from frame {frames.first}: {error}") from error


def _write_topology(
    path: Path, topology: app.Topology, layout: ResidueLayout, positions_nm: NDArray[Any]
) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("w") as file:
        app.PDBFile.writeFile(
            topology, positions_nm.astype(np.float64) * unit.nanometer, file, keepIds=True
        )
    reread = ResidueLayout.from_topology(load_structure_file(partial)[0])
    if not reread.matches(layout):
        raise ValueError(
            f"the topology of {layout.sequence} with {int(layout.torsion_mask.sum())} torsions "
            f"becomes {reread.sequence} with {int(reread.torsion_mask.sum())} when it is written "
            "as PDB, where names of residues and atoms tell the bonds; rename them as in the PDB, "
            "with caps as residues ACE and NME of their own"
        )
    os.replace(partial, path)
