"""Trajectories in the formats that mdtraj reads, as sources: `open_mdtraj_file`."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mdtraj
import numpy as np
from openmm import app

from openmm_genmd.data.trajectory import Frames, iterate_frames, without_c_output
from openmm_genmd.data.trajectory_source import (
    TrajectorySource,
    even_interval_ps,
    strided_count,
)

_WITH_TIMES = (".xtc", ".trr", ".nc", ".netcdf", ".ncdf", ".h5")
_WITH_COUNT = (*_WITH_TIMES, ".dcd")
_WITH_TOPOLOGY = (".pdb", ".h5")
_AKMA_PS = 0.04888821
"""CHARMM's unit of time, which DCD files hold, in ps."""

_ATLAS_NAME = re.compile(r"(?P<name>.+)_prod_R(?P<replica>\d+)(_fit)?")
_ATLAS_INTERVAL_PS = 10.0


def open_mdtraj_file(
    file: Path, topology: app.Topology, topology_file: Path, *, stride: int = 1
) -> TrajectorySource:
    """Source of a file that mdtraj reads.

    Name and replica follow from those of the files, ``{name}_prod_R{replica}_fit.xtc`` as in the
    ATLAS database included; the temperature is that of ``genmd simulate``, if it wrote the file.
    Times are those in the file; a DCD file is believed if OpenMM or NAMD wrote it, and a run with
    leaps has none.

    Parameters
    ----------
    file
        The trajectory.
    topology
        Of all its atoms.
    topology_file
        Where that is from.
    stride
        Every how many frames one is used.

    Raises
    ------
    ValueError
        If it cannot be read, or atoms in it are of other elements than in the topology.
    """
    _require_elements(file, topology)
    atlas = _ATLAS_NAME.fullmatch(file.stem)
    name = topology_file.parent.name if topology_file.stem == "topology" else topology_file.stem
    replica = f"R{atlas['replica']}" if atlas else file.stem
    interval_ps = _interval_ps(file, topology)
    if interval_ps is None and atlas:
        interval_ps = _ATLAS_INTERVAL_PS
    plan = simulation_plan(file.parent) if file.match("run-*.dcd") else None
    if plan and plan.get("leaps"):
        interval_ps = None  # leaps have no duration

    def read(chunk: int) -> Iterator[Frames]:
        return iterate_frames([file], topology, stride=stride, chunk=chunk, dtype=np.float32)

    return TrajectorySource(
        name=atlas["name"] if atlas else name,
        topology=topology,
        frame_interval_ps=None if interval_ps is None else interval_ps * stride,
        temperature_k=plan["temperature_k"] if plan else None,
        replica=replica,
        n_frames=strided_count(_count(file), stride),
        read=read,
    )


def _require_elements(file: Path, topology: app.Topology) -> None:
    """Atoms of a format that says what they are must be those of the topology."""
    if file.suffix.lower() not in _WITH_TOPOLOGY:
        return
    try:
        own = mdtraj.load_topology(str(file))
    except Exception as error:  # mdtraj fails with whatever its reader meets
        reason = " ".join(str(error).split())
        raise ValueError(f"cannot read {file}: {reason}; is it complete?") from error
    expected = [_symbol(atom.element) for atom in topology.atoms()]
    got = [_symbol(atom.element) for atom in own.atoms]
    if len(got) != len(expected):
        raise ValueError(
            f"{file} has {len(got)} atoms, but the topology {len(expected)}; "
            "give the topology of the atoms that were written"
        )
    different = [n for n, (a, b) in enumerate(zip(expected, got, strict=True)) if a != b]
    if different:
        n = different[0]
        raise ValueError(
            f"atom {n} of {file} should be {expected[n]} as in the topology, got {got[n]} "
            f"({len(different)} differ); give a topology in the order of the file"
        )


def _symbol(element: Any) -> str:
    return "" if element is None else str(element.symbol).removesuffix("VS")


def _interval_ps(file: Path, topology: app.Topology) -> float | None:
    if file.suffix.lower() == ".dcd":
        return dcd_interval_ps(file)
    if file.suffix.lower() not in _WITH_TIMES:
        return None
    try:
        with without_c_output():
            first = next(
                mdtraj.iterload(str(file), top=mdtraj.Topology.from_openmm(topology), chunk=3)
            )
    except Exception:  # whoever reads the frames tells what is wrong with them
        return None
    return even_interval_ps(first.time)


def dcd_interval_ps(file: Path) -> float | None:
    """Time between the frames of a DCD file, ps; None unless OpenMM or NAMD wrote it.

    The header has a time step and an interval for all programs, but some fill in ones, or use
    units of their own.
    """
    with file.open("rb") as opened:
        header = opened.read(276)
    if len(header) < 276 or header[4:8] != b"CORD":
        return None
    order = "<" if header[:4] == struct.pack("<i", 84) else ">"
    if not any(program in header[100:276] for program in (b"OpenMM", b"NAMD")):
        return None
    interval = struct.unpack(f"{order}i", header[16:20])[0]
    step_akma = struct.unpack(f"{order}f", header[44:48])[0]
    interval_ps = float(f"{interval * step_akma * _AKMA_PS:.6g}")
    return interval_ps if interval_ps > 0 else None


def _count(file: Path) -> int | None:
    if file.suffix.lower() not in _WITH_COUNT:
        return None
    try:
        with without_c_output(), mdtraj.open(str(file)) as opened:
            return len(opened)
    except Exception:  # whoever reads the frames tells what is wrong with them
        return None


def simulation_plan(folder: Path) -> dict[str, Any] | None:
    """What ``genmd simulate`` ran in a folder, from its manifest; None of another folder."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return None
    try:
        plan = json.loads(manifest.read_text())["plan"]
    except (ValueError, KeyError, TypeError):  # the manifest of something else
        return None
    return plan if isinstance(plan, dict) and "temperature_k" in plan else None
