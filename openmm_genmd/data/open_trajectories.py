"""Trajectories of any kind that the package reads, from the paths that a user names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import h5py
from openmm import app

from openmm_genmd.data.mdcath import is_mdcath, open_mdcath
from openmm_genmd.data.mdgen import open_mdgen
from openmm_genmd.data.mdtraj_files import open_mdtraj_file, simulation_plan
from openmm_genmd.data.timewarp import SUFFIX, open_timewarp
from openmm_genmd.data.topology_file import load_topology
from openmm_genmd.data.trajectory_source import TrajectorySource

_HDF5 = (".h5", ".hdf5")
_IN_FOLDERS = (".dcd", ".xtc", ".trr", ".nc", ".h5", ".npz", ".npy")
_LAYOUTS = (
    "a folder of genmd simulate, of ATLAS ({name}.pdb with {name}_prod_R1_fit.xtc), of raw MDGen "
    f"({{name}}.pdb with {{name}}.xtc), or any folder with {', '.join(_IN_FOLDERS)} files"
)


def open_trajectories(
    paths: Sequence[str | Path], topology: str | Path | None = None, *, stride: int = 1
) -> list[TrajectorySource]:
    """Sources of all trajectories at some paths, in order; nothing but first frames is read yet.

    Known are the formats of mdtraj (dcd, xtc, trr, nc, h5, pdb, ...), mdCATH ``.h5``, ATLAS
    folders, MDGen ``.npy`` with its CSV, and Timewarp ``-traj-arrays.npz``. The first frame of each
    is compared with the topology, so that a wrong unit or order of atoms is an error here.

    Parameters
    ----------
    paths
        Files, or folders of which all trajectories are opened; those of ``genmd simulate``
        without its hot runs.
    topology
        For files that hold none: PDB, PDBx/mmCIF, prmtop, psf or gro, or for MDGen the CSV. By
        default a file beside the trajectory: of the same name, or the ``topology.pdb``, or the only
        PDB there is.
    stride
        Every how many frames one is used.

    Raises
    ------
    FileNotFoundError
        If a path, or the topology that goes with it, does not exist.
    ValueError
        If something is not a trajectory, is damaged, or does not fit its topology.

    Examples
    --------
    >>> import tempfile
    >>> from openmm import app
    >>> from openmm_genmd.data.structures import load_structure
    >>> structure, positions_nm = load_structure("alanine-dipeptide")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with open(f"{folder}/peptide.pdb", "w") as file:
    ...         app.PDBFile.writeFile(structure, positions_nm * 10, file)
    ...     [source] = open_trajectories([f"{folder}/peptide.pdb"])
    ...     [frames] = source.iterate()
    >>> source.name, source.replica, frames.positions_nm.shape, frames.positions_nm.dtype.name
    ('peptide', 'peptide', (1, 22, 3), 'float32')
    """
    if stride < 1:
        raise ValueError(f"expected a stride of at least 1, got {stride}")
    opener = _Opener(None if topology is None else Path(topology), stride)
    files = [file for path in paths for file in _expand(Path(path))]
    sources = [source for file in files for source in opener.open(file)]
    if not sources:
        raise ValueError("expected at least one trajectory, got none")
    for source in sources:
        source.check()
    return sources


def _expand(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise FileNotFoundError(f"no trajectory at {path}")
    if not path.is_dir():
        yield path
        return
    inside = sorted(file for file in path.iterdir() if file.suffix.lower() in _IN_FOLDERS)
    if simulation_plan(path) is not None:
        # The other files of genmd simulate are hot runs, and starting points.
        inside = [file for file in inside if file.match("run-*.dcd")]
    if not inside:
        raise ValueError(f"{path} has no trajectories; expected {_LAYOUTS}")
    yield from inside


class _Opener:
    """Opens files one after the other, and reads each topology once."""

    def __init__(self, topology: Path | None, stride: int) -> None:
        self._given = topology
        self._stride = stride
        self._loaded: dict[Path, app.Topology] = {}

    def open(self, file: Path) -> list[TrajectorySource]:
        suffix = file.suffix.lower()
        if suffix in _HDF5:
            return self._open_hdf5(file)
        if suffix == ".npy":
            given = self._given
            csv = given if given is not None and given.suffix.lower() == ".csv" else None
            return [open_mdgen(file, csv, stride=self._stride)]
        path = self._topology_file(file)
        if suffix == ".npz":
            return [open_timewarp(file, self._load(path), stride=self._stride)]
        return [open_mdtraj_file(file, self._load(path), path, stride=self._stride)]

    def _open_hdf5(self, file: Path) -> list[TrajectorySource]:
        try:
            with h5py.File(file, "r") as opened:
                mdcath, keys = is_mdcath(opened), sorted(opened)
        except OSError as error:
            raise ValueError(f"cannot read {file} as HDF5: {error}; is it complete?") from error
        if mdcath:
            return open_mdcath(file, stride=self._stride)
        if not {"coordinates", "topology"} <= set(keys):
            raise ValueError(
                f"{file} should have the layout of mdCATH or of mdtraj, got an HDF5 file with "
                f"{', '.join(keys[:5]) or 'nothing in it'}"
            )
        path = self._given or file
        return [open_mdtraj_file(file, self._load(path), path, stride=self._stride)]

    def _topology_file(self, file: Path) -> Path:
        if self._given is not None:
            return self._given
        if file.suffix.lower() == ".pdb":
            return file
        name = file.stem.removesuffix(SUFFIX)
        beside = [file.with_name(f"{name}-traj-state0.pdb"), file.with_suffix(".pdb")]
        beside += [
            file.with_name(f"{name.split('_prod_R')[0]}.pdb"),
            file.with_name("topology.pdb"),
        ]
        every = list(file.parent.glob("*.pdb"))
        for candidate in [*beside, *(every if len(every) == 1 else [])]:
            if candidate.is_file():
                return candidate
        raise FileNotFoundError(
            f"no topology for {file}: expected {', '.join(c.name for c in beside)} or a single PDB "
            "beside it; give a topology"
        )

    def _load(self, path: Path) -> app.Topology:
        if path not in self._loaded:
            self._loaded[path] = load_topology(path)
        return self._loaded[path]
