"""Archives of Timewarp are read as a stream, packed or not."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from openmm import app

from openmm_genmd.data.open_trajectories import open_trajectories
from openmm_genmd.data.structures import load_structure

TOPOLOGY, START_NM = load_structure("alanine-dipeptide")


def arrays(n: int) -> dict[str, np.ndarray]:
    """All arrays of an archive of n frames."""
    noise = 0.003 * np.random.default_rng(n).normal(size=(n, 22, 3))
    return {
        "step": 1000 * np.arange(n),
        "time": 0.5 * np.arange(n),
        "energies": np.zeros((n, 2)),
        "positions": (START_NM + noise).astype(np.float32),
        "velocities": np.zeros((n, 22, 3), np.float32),
        "forces": np.zeros((n, 22, 3), np.float32),
    }


@pytest.fixture
def archive(tmp_path) -> Path:
    with (tmp_path / "AA-traj-state0.pdb").open("w") as file:
        app.PDBFile.writeFile(TOPOLOGY, START_NM * 10, file)
    return tmp_path / "AA-traj-arrays.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(("stride", "chunk"), [(1, None), (1, 4), (3, 4), (5, 2), (2, 100)])
def test_frames(archive, save, stride, chunk):
    written = arrays(17)
    save(archive, **written)
    [source] = open_trajectories([archive], stride=stride)
    assert (source.name, source.replica, source.temperature_k) == ("AA", "0", None)
    assert source.frame_interval_ps == 0.5 * stride
    parts = list(source.iterate(chunk))
    got = np.concatenate([part.positions_nm for part in parts])
    np.testing.assert_array_equal(got, written["positions"][::stride])
    assert source.n_frames == len(got)
    for part in parts:
        np.testing.assert_array_equal(part.positions_nm[0], written["positions"][part.first])


def test_uneven_times(archive):
    written = arrays(3) | {"time": np.array([0.0, 0.5, 9.0])}
    np.savez(archive, **written)
    assert open_trajectories([archive])[0].frame_interval_ps is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"positions": 10 * arrays(5)["positions"]}, "in Angstrom where nm are expected"),
        ({"positions": arrays(5)["positions"][:, ::-1].copy()}, "atoms are in another order"),
        ({"positions": np.zeros((5, 22))}, r"should hold positions .* got positions \(5, 22\) and"),
        ({"time": np.arange(4)}, r"got positions \(5, 22, 3\) and 4 times"),
        ({"positions": np.asfortranarray(arrays(5)["positions"])}, "save it again in C order"),
        ({"positions": arrays(5)["positions"][:, 1:].copy()}, "has 21 atoms, but the topology 22"),
        (
            {"positions": arrays(5)["positions"][:0], "time": np.zeros(0)},
            r"AA-traj-arrays\.npz has no frames; is it complete",
        ),
    ],
)
def test_wrong_arrays(archive, change, words):
    np.savez(archive, **(arrays(5) | change))
    with pytest.raises(ValueError, match=words):
        open_trajectories([archive])


def test_not_an_archive_of_timewarp(archive):
    np.savez(archive, coords=np.zeros(3))
    with pytest.raises(
        ValueError, match=r"cannot read positions from .*expected an archive of Tim"
    ):
        open_trajectories([archive])
    archive.write_text("no")
    with pytest.raises(ValueError, match=r"cannot read positions from .*not a zip file"):
        open_trajectories([archive])


def test_cut_short(archive, monkeypatch):
    np.savez(archive, **arrays(5))
    [source] = open_trajectories([archive])
    whole = zipfile.ZipExtFile.read

    def half(self, n=-1):
        return whole(self, n // 2 if n > 1000 else n)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", half)
    with pytest.raises(ValueError, match="ends early in positions; download it again"):
        list(source.iterate())
