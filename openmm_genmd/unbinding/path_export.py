"""Paths for other programs: OpenPathSampling and WESTPA."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.trajectory_writer import TrajectoryWriter
from openmm_genmd.md.seeds import openmm_seed
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.contacts import CONTACT_NM, minimum_distances_nm
from openmm_genmd.unbinding.found_path import FoundPath, exits
from openmm_genmd.unbinding.ligand_paths import on_receptor

EXIT_NM = 0.6
"""Least distance of heavy atoms at which a ligand is out, in what is suggested to WESTPA."""


def export_openpathsampling(
    paths: Sequence[FoundPath], bound: BoundComplex, folder: str | Path
) -> list[Path]:
    """Trajectories that OpenPathSampling reads: their files, ``path-NNNN.dcd``.

    Beside them are ``topology.pdb`` and ``README.txt``, which has the lines of Python that load
    them. Frames are superposed on the bound structure's receptor; velocities are none.

    Parameters
    ----------
    paths
        Those that do not lead out, or were seen to come back, are left aside.
    bound
        The complex.
    folder
        Made if it is not there; files in it are replaced.

    Raises
    ------
    ValueError
        If no path leads out, or one is of another complex.
    """
    leaving, folder = _leaving(paths), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for path in leaving:
        files.append(folder / f"path-{path.number:04d}.dcd")
        with TrajectoryWriter(files[-1], bound.topology, topology_beside=False) as writer:
            writer.write(on_receptor(path.frames_nm, bound))
    _write_pdb(folder / "topology.pdb", bound.topology, bound.positions_nm)
    first = files[0].name
    _write_text(folder / "README.txt", _OPS_README.format(name=bound.name, first=first))
    return files


def export_westpa(
    paths: Sequence[FoundPath],
    bound: BoundComplex,
    folder: str | Path,
    *,
    states_per_path: int = 5,
    seed: int = 1,
) -> Path:
    """Basis, start and target states for WESTPA: the folder with them.

    Basis states, to which trajectories are recycled, are the bound starts of the paths; start
    states, at which the first trajectories begin besides, are frames of the paths, evenly spaced.
    Each state has a folder with ``structure.pdb``, ``state.xml`` (an OpenMM State with velocities
    drawn at the complex's temperature) and ``pcoord.init``, the least distance of heavy atoms of
    ligand and receptor, nm. ``README.txt`` says how to start.

    Parameters
    ----------
    paths
        Those that do not lead out, or were seen to come back, are left aside.
    bound
        The complex.
    folder
        Made if it is not there; files in it are replaced.
    states_per_path
        Start states of each path.
    seed
        Of the velocities.

    Raises
    ------
    ValueError
        If no path leads out, one is of another complex, or there are no states per path.
    """
    if states_per_path < 1:
        raise ValueError(f"states_per_path must be at least 1, got {states_per_path}")
    leaving, folder = _leaving(paths), Path(folder)
    frames = [on_receptor(path.frames_nm, bound) for path in leaving]
    starts = np.concatenate([_between(x, states_per_path) for x in frames])
    states = _States(bound, seed)
    _write_states(folder / "bstates", "bound", np.stack([x[0] for x in frames]), states)
    _write_states(folder / "sstates", "path", starts, states)
    _write_text(folder / "tstate.file", f"out {EXIT_NM + 0.05:.2f}\n")
    system = openmm.XmlSerializer.serialize(bound.system)
    _write_text(folder / "system.xml", system)
    readme = _WESTPA_README.format(name=bound.name, exit_nm=EXIT_NM, contact_nm=CONTACT_NM)
    _write_text(folder / "README.txt", readme)
    return folder


def _leaving(paths: Sequence[FoundPath]) -> list[FoundPath]:
    leaving = exits(paths)
    if not leaving:
        raise ValueError(
            f"none of {len(paths)} paths leads out and stays out, so that there is nothing to "
            "export; search with more walkers"
        )
    return leaving


def _between(frames_nm: NDArray[np.float64], states: int) -> NDArray[np.float64]:
    """Frames evenly spaced between the first and the last, which are left out."""
    places = np.linspace(0, len(frames_nm) - 1, states + 2)[1:-1].round().astype(int)
    return np.asarray(frames_nm[np.unique(places)])


class _States:
    """Makes States of a complex: nothing but positions and velocities."""

    def __init__(self, bound: BoundComplex, seed: int) -> None:
        self.bound, self._seed, self._drawn = bound, seed, 0
        # Without forces: velocities need masses and constraints alone, and forces are slow.
        bare = openmm.System()
        for particle in range(bound.system.getNumParticles()):
            bare.addParticle(bound.system.getParticleMass(particle))
        for k in range(bound.system.getNumConstraints()):
            bare.addConstraint(*bound.system.getConstraintParameters(k))
        bare.setDefaultPeriodicBoxVectors(*bound.system.getDefaultPeriodicBoxVectors())
        platform = openmm.Platform.getPlatformByName("Reference")
        self._context = openmm.Context(bare, openmm.VerletIntegrator(0.001), platform)

    def xml(self, positions_nm: NDArray[np.float64]) -> str:
        self._drawn += 1
        self._context.setPositions(positions_nm)
        self._context.setVelocitiesToTemperature(
            self.bound.temperature_k, openmm_seed(self._seed, self._drawn)
        )
        state = self._context.getState(positions=True, velocities=True)
        return str(openmm.XmlSerializer.serialize(state))


def _write_states(
    folder: Path, label: str, positions_nm: NDArray[np.float64], states: _States
) -> None:
    bound, lines = states.bound, [f"# {label} states: label, probability, folder"]
    gaps = minimum_distances_nm(positions_nm, bound.receptor_heavy, bound.ligand_heavy)
    for number, x in enumerate(positions_nm):
        name = f"{number:04d}"
        (folder / name).mkdir(parents=True, exist_ok=True)
        _write_pdb(folder / name / "structure.pdb", bound.topology, x)
        _write_text(folder / name / "state.xml", states.xml(x))
        _write_text(folder / name / "pcoord.init", f"{gaps[number]:.6f}\n")
        lines.append(f"{label}-{name} {1 / len(positions_nm):.12g} {folder.name}/{name}")
    _write_text(folder / f"{folder.name}.txt", "\n".join(lines) + "\n")


def _write_pdb(path: Path, topology: app.Topology, positions_nm: NDArray[Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        app.PDBFile.writeFile(topology, positions_nm * unit.nanometer, file, keepIds=True)
    os.replace(partial, path)


def _write_text(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


_OPS_README = """\
Unbinding paths of {name}, for OpenPathSampling. Grade: exploratory.

    import openpathsampling as paths
    from openpathsampling.engines.openmm.tools import ops_load_trajectory

    trajectory = ops_load_trajectory("{first}", top="topology.pdb")
    storage = paths.Storage("paths.nc", "w", template=trajectory[0])
    storage.save(trajectory)
    storage.close()

The first frame of each trajectory is bound, the last one is out. Frames were made by leaps and by
MD with springs: they are not evenly spaced in time and carry neither Boltzmann weights nor rates.
A trajectory is a first guess for transition path sampling. It has no velocities: shoot from its
frames with fresh ones (RandomVelocities) until paths of your engine's own dynamics have replaced
it, and begin to count only then.
"""

_WESTPA_README = """\
Start states of {name}, for WESTPA. Grade: exploratory.

bstates/bstates.txt   bound starts, to which trajectories that are out are recycled
sstates/sstates.txt   frames along the paths, from which trajectories begin besides these
tstate.file           a suggestion: out, on the progress coordinate below
system.xml            the OpenMM System

Each state's folder has structure.pdb, state.xml (an OpenMM State: positions, and velocities at the
complex's temperature) and pcoord.init, the progress coordinate of the suggestion: the least
distance of heavy atoms of ligand and receptor, nm. Out is above {exit_nm} nm, in contact below
{contact_nm} nm. With bins that end at {exit_nm} nm:

    w_init --bstate-file bstates/bstates.txt --sstate-file sstates/sstates.txt \\
        --tstate-file tstate.file

States name their folders from here. With this folder's content in WEST_SIM_ROOT, and in west.cfg
data_refs: basis_state: $WEST_SIM_ROOT/{{basis_state.auxref}}, WEST_STRUCT_DATA_REF is a state's
folder where the progress coordinate is asked for.

The probabilities of start states are all equal because nothing better is known: paths carry no
Boltzmann weight. Weighted ensemble sampling forgets them; let it, before fluxes are read.
"""
