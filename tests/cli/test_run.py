"""``genmd run``: options, messages, interruption."""

import os
import signal
import subprocess
import sys
import time
from importlib.resources import files

import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app

PDB = str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")
GIVEN = ["--pdb", PDB, "--system", "amber99sbildn.xml,amber99_obc.xml"]
GIVEN += ["--proposer", "alanine-dipeptide", "--platform", "Reference"]


def invoke(*arguments):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


def test_help_teaches():
    text = CliRunner().invoke(app, ["--help"]).output
    assert all(word in text for word in ("simulate", "train", "run"))
    text = invoke("--help").output
    assert "Boltzmann" in text
    assert "--resume" in text


def test_a_run_and_its_continuation(tmp_path):
    result = invoke("--out", tmp_path / "run", *GIVEN, "--steps", 1000, "--jump-interval", 100)
    assert result.exit_code == 0, result.output
    assert "grade exact, 300 K, 4 tries every 100 steps, from step 0 to 1000" in result.output
    assert "step 1000: 40 jumps attempted" in result.output
    result = invoke("--out", tmp_path / "run", "--resume", "--steps", 2000)
    assert result.exit_code == 0, result.output
    assert "step 2000: 80 jumps attempted" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a new run needs --pdb, --system, --proposer"),
        (["--resume", "--seed", "3"], "a run is resumed with its own settings; leave out --seed"),
        (["--resume"], "there is no run to resume"),
        ([*GIVEN[:4], "--proposer", "nobody"], "nobody"),
        ([*GIVEN, "--time-step-fs", "-1"], "time_step_fs"),
    ],
)
def test_mistakes_are_explained_in_a_line(tmp_path, arguments, message):
    result = invoke("--out", tmp_path / "run", *arguments)
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on(tmp_path, number):
    command = [sys.executable, "-m", "openmm_genmd.cli.main", "run", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(
        [*command, *GIVEN, "--steps", "100000000"], stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "run" / "jumps.csv").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(1)
    os.kill(process.pid, number)
    _, output = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "stopped early; to go on: genmd run --out" in output
    assert (tmp_path / "run" / "restart.bin").stat().st_size > 0
