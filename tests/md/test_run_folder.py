"""Restart files and marks: a consistent folder whenever the process is killed."""

import subprocess
import sys

import pytest

from openmm_genmd.md.run_folder import (
    load_restart,
    lock_folder,
    mark_file,
    return_to_mark,
    save_restart,
)


def test_a_file_returns_to_its_mark_with_its_head(tmp_path):
    path = tmp_path / "trajectory.dcd"
    path.write_bytes(b"frames=1" + b"a" * 1000)
    mark = mark_file(path)
    path.write_bytes(b"frames=2" + b"a" * 1000 + b"b" * 1000)
    return_to_mark(tmp_path, mark)
    assert path.read_bytes() == b"frames=1" + b"a" * 1000


def test_a_missing_or_short_file_is_refused(tmp_path):
    path = tmp_path / "jumps.csv"
    path.write_text("step\n1\n")
    mark = mark_file(path)
    path.write_text("step\n")
    with pytest.raises(ValueError, match=r"has 5 bytes, but had 7 at the last checkpoint"):
        return_to_mark(tmp_path, mark)
    path.unlink()
    with pytest.raises(ValueError, match=r"has 0 bytes, but had 7"):
        return_to_mark(tmp_path, mark)


def test_restart_round_trip(tmp_path):
    output = tmp_path / "energies.csv"
    output.write_text("one\n")
    save_restart(tmp_path / "restart.bin", b"\x00checkpoint", [output])
    checkpoint, marks = load_restart(tmp_path / "restart.bin")
    assert checkpoint == b"\x00checkpoint"
    assert [(mark.name, mark.size) for mark in marks] == [("energies.csv", 4)]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["energies.csv", "restart.bin"]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: b"X" + data[1:], lambda data: b""]
)
def test_a_damaged_restart_file_is_refused(tmp_path, damage):
    path = tmp_path / "restart.bin"
    save_restart(path, b"checkpoint", [])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="is not a restart file of genmd run, or damaged"):
        load_restart(path)


def test_a_missing_restart_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="ended before its first one"):
        load_restart(tmp_path / "restart.bin")


def test_only_one_process_runs_in_a_folder(tmp_path):
    program = (
        "import sys; from pathlib import Path; from openmm_genmd.md.run_folder import lock_folder\n"
        "lock_folder(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with lock_folder(tmp_path):
        second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "another process is running in" in second.stderr
    assert subprocess.run(command, check=False).returncode == 0
