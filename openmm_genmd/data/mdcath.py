"""The mdCATH data set: one HDF5 file per domain, five temperatures, five replicas each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.topology_file import parse_pdb
from openmm_genmd.data.trajectory import Frames
from openmm_genmd.data.trajectory_source import TrajectorySource, iterate_array, strided_count

_FRAME_INTERVAL_PS = 1000.0
_TEMPERATURE = re.compile(r"(?:sims)?(\d+)K?")
_NM_PER_UNIT = {"angstrom": 0.1, "angstroms": 0.1, "å": 0.1, "a": 0.1, "nm": 1.0, "nanometer": 1.0}


def is_mdcath(file: h5py.File) -> bool:
    """Whether an HDF5 file has the layout of mdCATH."""
    return any(
        isinstance(group, h5py.Group) and "pdbProteinAtoms" in group for group in file.values()
    )


def open_mdcath(path: Path, *, stride: int = 1) -> list[TrajectorySource]:
    """Sources of a file of mdCATH, one per temperature and replica, in ascending order.

    Protein atoms only, in the order of ``pdbProteinAtoms``; Angstrom become nm. A frame is 1 ns.

    Parameters
    ----------
    path
        ``mdcath_dataset_{domain}.h5``.
    stride
        Every how many frames one is used.

    Raises
    ------
    ValueError
        If the file lacks something, contradicts itself, or has an unknown unit.

    References
    ----------
    Mirarchi, Giorgino & De Fabritiis, Sci. Data 11, 1299 (2024).
    """
    with h5py.File(path, "r") as file:
        domains = [name for name, group in file.items() if "pdbProteinAtoms" in group]
        return [source for name in domains for source in _domain(path, file[name], name, stride)]


def _domain(path: Path, group: h5py.Group, name: str, stride: int) -> list[TrajectorySource]:
    topology = _topology(path, group)
    found = []
    for key in group:
        match = _TEMPERATURE.fullmatch(key)
        if match and isinstance(group[key], h5py.Group):
            found += [(int(match[1]), replica, group[key][replica]) for replica in group[key]]
    if not found:
        raise ValueError(
            f"{path} has no simulations of {name}; expected groups such as {name}/320/0"
        )
    found.sort(key=lambda run: (run[0], run[1].zfill(9)))
    return [
        _source(path, run, topology, name, float(kelvin), replica, stride)
        for kelvin, replica, run in found
    ]


def _topology(path: Path, group: h5py.Group) -> app.Topology:
    text = group["pdbProteinAtoms"][()]
    topology = parse_pdb(text.decode() if isinstance(text, bytes) else str(text))
    expected = [0 if a.element is None else a.element.atomic_number for a in topology.atoms()]
    if "z" in group:
        numbers = np.asarray(group["z"]).tolist()
        if numbers != expected:
            raise ValueError(
                f"{path}: the atomic numbers in z ({len(numbers)} atoms) are not those of "
                f"pdbProteinAtoms ({len(expected)} atoms), so the order of atoms is unknown; "
                "download the file again"
            )
    return topology


def _source(
    path: Path,
    run: h5py.Group,
    topology: app.Topology,
    name: str,
    temperature_k: float,
    replica: str,
    stride: int,
) -> TrajectorySource:
    key = run.name
    if "coords" not in run:
        raise ValueError(f"{path} has no dataset {key}/coords; is the file complete?")
    coords, promised = run["coords"], run.attrs.get("numFrames")
    if promised is not None and int(promised) != len(coords):
        raise ValueError(
            f"{path}: {key} should have {int(promised)} frames by its attribute numFrames, got "
            f"{len(coords)}; download the file again"
        )
    factor, box_nm = _nm_per_unit(path, coords, "angstrom"), _box_nm(path, run)

    def read(chunk: int) -> Iterator[Frames]:
        with h5py.File(path, "r") as file:
            yield from iterate_array(
                file[f"{key}/coords"],
                topology.getNumAtoms(),
                path,
                stride=stride,
                chunk=chunk,
                nm_per_unit=factor,
                box_nm=box_nm,
            )

    return TrajectorySource(
        name=name,
        topology=topology,
        frame_interval_ps=_FRAME_INTERVAL_PS * stride,
        temperature_k=temperature_k,
        replica=replica,
        n_frames=strided_count(len(coords), stride),
        read=read,
    )


def _nm_per_unit(path: Path, dataset: h5py.Dataset, default: str) -> float:
    unit = dataset.attrs.get("unit", default)
    unit = unit.decode() if isinstance(unit, bytes) else str(unit)
    if unit.lower() not in _NM_PER_UNIT:
        raise ValueError(f"{path}: {dataset.name} has the unit {unit!r}; expected Angstrom or nm")
    return _NM_PER_UNIT[unit.lower()]


def _box_nm(path: Path, run: h5py.Group) -> NDArray[np.float64] | None:
    if "box" not in run:
        return None
    return np.asarray(run["box"], dtype=np.float64) * _nm_per_unit(path, run["box"], "nm")
