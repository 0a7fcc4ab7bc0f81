"""``genmd run``: options, messages, interruption."""

import json
import os
import shutil
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
    assert "baseline that a model has to beat" in " ".join(text.replace("│", " ").split())


def test_a_run_and_its_continuation(tmp_path):
    result = invoke("--out", tmp_path / "run", *GIVEN, "--steps", 1000, "--jump-interval", 100)
    assert result.exit_code == 0, result.output
    assert "grade exact, 300 K, 4 tries every 100 steps, from step 0 to 1000" in result.output
    assert "step 1000: 40 jumps attempted" in result.output
    result = invoke("--out", tmp_path / "run", "--resume", "--steps", 2000)
    assert result.exit_code == 0, result.output
    assert "step 2000: 80 jumps attempted" in result.output


def test_a_resumed_run_knows_where_to_stop(tmp_path):
    result = invoke("--out", tmp_path / "run", *GIVEN, "--steps", 60)
    assert result.exit_code == 0, result.output
    result = invoke("--out", tmp_path / "run", "--resume")
    assert result.exit_code == 0, result.output
    assert "already at step 60" in result.output
    facts = json.loads((tmp_path / "run" / "facts.json").read_text())
    assert facts["grade"] == "exact"
    assert facts["openmm"].startswith("8.6")


def test_uniform_leaps_alone_and_beside_a_model(tmp_path):
    given = [*GIVEN[:4], "--platform", "Reference", "--steps", 200, "--jump-interval", 20]
    result = invoke("--out", tmp_path / "uniform", *given, "--proposer", "uniform")
    assert result.exit_code == 0, result.output
    assert "40 jumps attempted" in result.output
    learned = [*given, "--proposer", "alanine-dipeptide", "--uniform-fraction", "0.15"]
    result = invoke("--out", tmp_path / "mixture", *learned)
    assert result.exit_code == 0, result.output
    stored = json.loads((tmp_path / "mixture" / "run.json").read_text())
    assert stored["uniform_fraction"] == 0.15
    result = invoke("--out", tmp_path / "mixture", "--resume", "--steps", 300)
    assert result.exit_code == 0, result.output


def test_many_candidates_are_accepted_more_often(tmp_path):
    given = [*GIVEN[:4], "--platform", "Reference", "--steps", 600, "--jump-interval", 20]
    accepted = {}
    for name, more in {"one": [], "many": ["--candidates", 32]}.items():
        options = [*given, "--proposer", "uniform", "--tries-per-jump", 1, *more]
        result = invoke("--out", tmp_path / name, *options)
        assert result.exit_code == 0, result.output
        rows = (tmp_path / name / "jumps.csv").read_text().splitlines()[2:]
        accepted[name] = sum(int(row.split(",")[1]) for row in rows)
    assert "1 tries of 32 candidates every 20 steps" in result.output
    assert accepted["many"] > accepted["one"] + 8
    result = invoke("--out", tmp_path / "many", "--resume", "--steps", 800)
    assert result.exit_code == 0, result.output


def test_candidates_weighed_by_openmm_itself(tmp_path):
    given = [*GIVEN[:4], "--platform", "Reference", "--steps", 100, "--proposer", "uniform"]
    options = [*given, "--candidates", 3, "--surrogate", "none", "--jump-interval", 20]
    result = invoke("--out", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    assert "20 jumps attempted" in result.output


def test_leaps_that_take_time(tmp_path):
    given = [*GIVEN, "--steps", 100, "--jump-interval", 20, "--tries-per-jump", 1]
    options = [*given, "--switching-steps", 60, "--switching-time-step-fs", 4]
    result = invoke("--out", tmp_path / "run", *options)
    assert result.exit_code == 0, result.output
    assert "grade exact, 300 K, 1 tries of 60 steps every 20 steps" in result.output
    stored = json.loads((tmp_path / "run" / "run.json").read_text())
    names = ("switching_steps", "switching_time_step_fs", "switching_hydrogen_mass_da")
    assert [stored[name] for name in names] == [60, 4.0, 4.5]
    result = invoke("--out", tmp_path / "run", "--resume", "--steps", 200)
    assert result.exit_code == 0, result.output
    rows = (tmp_path / "run" / "jumps.csv").read_text().splitlines()[1:]
    column = rows[0].split(",").index("switching_steps")
    spent = [int(row.split(",")[column]) for row in rows[1:]]
    assert spent == [60] * 10  # the rule needs no energies on the way


def test_steps_must_be_positive(tmp_path):
    assert invoke("--out", tmp_path / "run", *GIVEN, "--steps", -5).exit_code == 2


def test_a_run_is_resumed_from_another_folder(tmp_path, monkeypatch):
    shutil.copy(PDB, tmp_path / "ala.pdb")
    monkeypatch.chdir(tmp_path)
    given = ["--pdb", "ala.pdb", *GIVEN[2:], "--steps", 20]
    assert invoke("--out", tmp_path / "run", *given).exit_code == 0
    monkeypatch.chdir("/")
    result = invoke("--out", tmp_path / "run", "--resume", "--steps", 40)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a new run needs --pdb, --system, --proposer"),
        (["--resume", "--seed", "3"], "a run is resumed with its own settings; leave out --seed"),
        (["--resume"], "there is no run to resume"),
        ([*GIVEN[:4], "--proposer", "nobody"], "nobody"),
        (
            [*GIVEN[:4], "--proposer", "uniform", "--uniform-fraction", "0.1"],
            "all leaps of the proposer uniform are uniform; leave uniform_fraction out, got 0.1",
        ),
        (
            [*GIVEN, "--uniform-fraction", "1"],
            "--uniform-fraction should be less than 1, got 1.0",
        ),
        ([*GIVEN, "--candidates", "0"], "--candidates should be greater than or equal to 1, got 0"),
        (
            [*GIVEN, "--candidates", "4", "--switching-steps", "100"],
            "leave out switching_steps=100 or candidates=4",
        ),
        (
            [*GIVEN, "--switching-time-step-fs", "0"],
            "--switching-time-step-fs should be greater than 0, got 0.0",
        ),
        ([*GIVEN, "--surrogate", "x"], "--surrogate should be 'batched' or 'none', got 'x'"),
        (
            [*GIVEN[:3], "amber99sbildn.xml,implicit/gbn2.xml", *GIVEN[4:], "--candidates", "4"],
            "with surrogate none",
        ),
        ([*GIVEN, "--time-step-fs", "-1"], "--time-step-fs should be greater than 0, got -1.0"),
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
