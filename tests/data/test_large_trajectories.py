"""Memory depends on the chunk and not on the trajectory, in every format."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import h5py
import mdtraj
import numpy as np
import pytest
from openmm import app

from openmm_genmd.data.mdgen import atom14_topology
from openmm_genmd.data.open_trajectories import open_trajectories
from openmm_genmd.data.shape_features import shape_features
from openmm_genmd.data.structures import load_structure

TOPOLOGY, START_NM = load_structure("alanine-dipeptide")
N_FRAMES, CHUNK = 30_000, 100
CHUNK_BYTES = CHUNK * 22 * 3 * 4


def pdb_text() -> str:
    text = io.StringIO()
    app.PDBFile.writeFile(TOPOLOGY, START_NM * 10, text)
    return text.getvalue()


def frames() -> np.ndarray:
    """Frames ``(30000, 22, 3)`` float32, nm: 8 MB, of which the x coordinates grow with time."""
    drift = 1e-4 * np.arange(N_FRAMES, dtype=np.float32)[:, None, None] * [1.0, 0.0, 0.0]
    return (START_NM + drift).astype(np.float32)


def write(path: Path) -> None:
    if path.suffix == ".npz":
        np.savez(path, positions=frames(), time=np.arange(N_FRAMES))
    else:
        mdtraj.Trajectory(frames(), mdtraj.Topology.from_openmm(TOPOLOGY)).save(str(path))


@pytest.mark.parametrize("name", ["a.dcd", "a.xtc", "a.trr", "a.nc", "a.h5", "a-traj-arrays.npz"])
def test_peak_memory_is_that_of_chunks(tmp_path, name):
    (tmp_path / "a.pdb").write_text(pdb_text())
    write(tmp_path / name)
    [source] = open_trajectories([tmp_path / name], tmp_path / "a.pdb")
    next(source.iterate(CHUNK))  # what is allocated once, by imports and the like
    tracemalloc.start()
    total, longest = 0, 0
    for part in source.iterate(CHUNK):
        total, longest = total + len(part.positions_nm), max(longest, len(part.positions_nm))
    last_nm = part.positions_nm[-1]
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (total, longest, source.n_frames) == (N_FRAMES, CHUNK, N_FRAMES)
    expected_nm = START_NM + 1e-4 * (N_FRAMES - 1) * np.array([1.0, 0.0, 0.0])
    np.testing.assert_allclose(last_nm, expected_nm, atol=6e-4)
    # A file of 8 MB, in chunks of 26 kB: a few copies of a chunk, and offsets of frames in xtc.
    assert peak_bytes < 20 * CHUNK_BYTES + 16 * N_FRAMES < 0.15 * N_FRAMES * 22 * 3 * 4


def test_mdcath_of_a_quarter_terabyte(tmp_path):
    """Far beyond any memory: frames that were never written take no place on disk."""
    n_frames, path = 1_000_000_000, tmp_path / "mdcath_dataset_a.h5"
    with h5py.File(path, "w") as file:
        domain = file.create_group("a")
        domain["pdbProteinAtoms"] = np.bytes_(pdb_text())
        run = domain.create_group("320/0")
        coords = run.create_dataset("coords", (n_frames, 22, 3), "f4", chunks=(100, 22, 3))
        coords[:300] = 10 * START_NM
        coords[-1] = 10 * START_NM + 7.0
        run.attrs["numFrames"] = n_frames
    assert path.stat().st_size < 1_000_000
    [source] = open_trajectories([path], stride=1)
    assert source.n_frames == n_frames
    parts = source.iterate()
    first = next(parts)
    assert first.positions_nm.nbytes <= 12_000_000
    np.testing.assert_allclose(first.positions_nm[299], START_NM, atol=1e-6)
    assert next(parts).first == len(first.positions_nm)
    [sparse] = open_trajectories([path], stride=n_frames - 1)
    [ends] = sparse.iterate()
    np.testing.assert_allclose(ends.positions_nm[1], START_NM + 0.7, atol=1e-5)
    rows = shape_features(sparse, chunk=1)
    assert rows[0, 0] == pytest.approx(rows[1, 0], rel=1e-4) == pytest.approx(0.247, abs=0.005)


def test_mdgen_of_a_hundred_gigabytes(tmp_path):
    """A file with a hole: all but the first frame are zero."""
    n_frames, path = 1_000_000_000, tmp_path / "AA.npy"
    (tmp_path / "a.csv").write_text("name,seqres\nAA,AA\n")
    _, places = atom14_topology("AA")
    frame = np.zeros((2 * 14, 3), np.float16)
    heavy = {(a.residue.index, a.name): n for n, a in enumerate(TOPOLOGY.atoms())}
    names = ["N", "CA", "C", "O", "CB"]
    one_nm = np.array([START_NM[heavy[1, name]] for name in names])
    frame[places] = 10 * np.concatenate([one_nm, one_nm + 0.33])
    with path.open("wb") as file:
        header = {"descr": "<f2", "fortran_order": False, "shape": (n_frames, 2, 14, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        file.write(frame.tobytes())
        file.truncate(start + n_frames * frame.nbytes)
    [source] = open_trajectories([path])
    assert source.n_frames == n_frames
    first = next(source.iterate(chunk=50))
    np.testing.assert_allclose(first.positions_nm[0, :5], one_nm, atol=1e-3)
    assert len(first.positions_nm) == 50
    [sparse] = open_trajectories([path], stride=n_frames - 1)
    assert [part.first for part in sparse.iterate(chunk=1)] == [0, n_frames - 1]
