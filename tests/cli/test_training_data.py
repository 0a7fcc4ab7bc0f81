"""Which files are training data, and what is known about them."""

from pathlib import Path

import pytest

from openmm_genmd.cli.training_data import find_trajectories, notes_on_data
from openmm_genmd.md.manifest import Manifest
from openmm_genmd.md.simulation_plan import SimulationPlan


def folder(path: Path, *, present: int = 2, **changes) -> Path:
    """What genmd simulate would leave: two runs at 300 K in 5 s."""
    path.mkdir()
    Manifest(
        plan=SimulationPlan(runs=2, **changes),
        system_sha256="a",
        positions_sha256="b",
        openmm="8.6",
        data_seconds=5.0,
    ).save(path)
    for name in ["hot-600K.dcd", "run-000.dcd", "run-001.dcd"][: present + 1]:
        (path / name).touch()
    return path


def test_runs_of_a_folder_without_its_search(tmp_path):
    given = [folder(tmp_path / "a"), tmp_path / "my.xtc"]
    files, manifests = find_trajectories(given)
    names = [str(file.relative_to(tmp_path)) for file in files]
    assert names == ["a/run-000.dcd", "a/run-001.dcd", "my.xtc"]
    assert notes_on_data(given, manifests, None) == {"temperature_k": 300.0}  # cost of my.xtc?


def test_cost_of_several_folders(tmp_path):
    given = [folder(tmp_path / "a"), folder(tmp_path / "b")]
    _, manifests = find_trajectories(given)
    assert notes_on_data(given, manifests, 300.0) == {"temperature_k": 300.0, "data_seconds": 10.0}


def test_nothing_is_known_about_files():
    assert notes_on_data([Path("a.dcd")], [], None) == {"temperature_k": None}
    assert notes_on_data([Path("a.dcd")], [], 310.0) == {"temperature_k": 310.0}


def test_incomplete_and_foreign_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has 1 of 2 trajectories, and basins may be missing"):
        find_trajectories([folder(tmp_path / "a", present=1)])
    with pytest.raises(ValueError, match="without the files that genmd simulate writes"):
        find_trajectories([tmp_path])


def test_two_temperatures_are_refused(tmp_path):
    given = [folder(tmp_path / "a"), folder(tmp_path / "b", temperature_k=310.0)]
    _, manifests = find_trajectories(given)
    with pytest.raises(ValueError, match="should have one temperature, got 300, 310 K"):
        notes_on_data(given, manifests, None)
