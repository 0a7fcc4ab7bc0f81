"""``genmd simulate --sequence``: folders, messages, what is refused."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app
from openmm_genmd.cli.simulation_jobs import simulation_jobs

PDB = str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")
SHORT = [
    *("--hot-time-ps", "0.4", "--runs", "2", "--run-time-ps", "0.4", "--equilibration-ps", "0"),
]


def genmd(*arguments: str | Path):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def said(result) -> str:
    """Everything printed, on one line and without colours."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def plan_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text())["plan"]


def test_several_peptides_resumed(tmp_path):
    asked = ["simulate", "--sequence", "G", "--sequence", "AS", *SHORT, "--out", tmp_path]
    result = genmd(*asked)
    assert result.exit_code == 0, result.output
    for name, atoms in (("G", 19), ("AS", 33)):
        folder = tmp_path / name
        assert sorted(p.name for p in folder.glob("*.dcd")) == [
            *("hot-600K.dcd", "run-000.dcd", "run-001.dcd")
        ]
        lines = (folder / "topology.pdb").read_text().splitlines()
        assert sum(line.startswith(("ATOM", "HETATM")) for line in lines) == atoms
        assert f"2 trajectories of 0.4 ps in {folder} after" in said(result)
    assert re.search(r"phi > 0 in [\d.]+ % \(GLY 2\) of the frames", said(result))
    assert "their populations count, time between frames does not" in said(result)
    plan = plan_of(tmp_path / "AS")
    assert (plan["leaps"], plan["hot_leaps"], plan["platform"]) == (True, True, "Reference")
    before = (tmp_path / "G/run-001.dcd").stat().st_mtime_ns
    (tmp_path / "AS/run-001.dcd").unlink()
    assert "already has a simulation; choose --resume" in said(genmd(*asked))
    assert genmd(*asked, "--resume").exit_code == 0
    assert (tmp_path / "G/run-001.dcd").stat().st_mtime_ns == before
    assert (tmp_path / "AS/run-001.dcd").exists()


def test_several_temperatures_charged_ends_and_no_leaps(tmp_path):
    result = genmd(
        *("simulate", "--sequence", "AG", "--caps", "none", *SHORT, "--out", tmp_path),
        *("--temperature-k", "300", "--temperature-k", "350", "--no-leaps", "--no-hot-leaps"),
    )
    assert result.exit_code == 0, result.output
    assert [plan_of(tmp_path / f"AG-{t}K")["temperature_k"] for t in (300, 350)] == [300, 350]
    assert not plan_of(tmp_path / "AG-300K")["leaps"]
    assert "populations count" not in said(result)
    assert "ACE" not in (tmp_path / "AG-300K/topology.pdb").read_text()


def test_a_peptide_that_fails_does_not_stop_the_others(tmp_path):
    folder = tmp_path / "A"
    folder.mkdir()
    (folder / "manifest.json").write_text("damaged")
    asked = ("simulate", "--sequence", "A", "--sequence", "G", *SHORT, "--out", tmp_path)
    result = genmd(*asked)
    assert result.exit_code == 1
    assert "genmd simulate (A):" in said(result)
    assert (tmp_path / "G/run-001.dcd").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give either --pdb, a structure, or --sequence"),
        (["--pdb", PDB, "--sequence", "AA"], "give either --pdb"),
        (["--pdb", PDB], "--system is required with --pdb: force field files"),
        (["--pdb", PDB, "--system", "a.xml", "--caps", "none"], "--caps is for peptides"),
        (["--sequence", "AAZ"], "one-letter codes .* got 'AAZ'"),
        (["--sequence", "AA", "--caps", "x"], "caps must be one of ace-nme, none; got 'x'"),
        (["--sequence", "AA", "--sequence", "AA"], "--sequence must name each only once, got AA"),
        (["--sequence", "A", "--temperature-k", "-1"], "--temperature-k should be greater than 0"),
        (
            ["--sequence", "A", "--temperature-k", "300", "--temperature-k", "300"],
            r"--temperature-k must name each only once, got 300\.0 twice",
        ),
        (["--sequence", "A", "--leap-tries", "0"], "--leap-tries should be greater than or equal"),
        (["--sequence", "A", "--system", "nothing.xml"], "cannot load the force field nothing.xml"),
    ],
)
def test_bad_options_are_explained(tmp_path, options, message):
    result = genmd("simulate", *options, "--out", tmp_path / "x")
    assert result.exit_code == 1
    assert re.search(f"genmd simulate.*: .*{message}", said(result)), said(result)
    assert not (tmp_path / "x").exists()


def test_structures_keep_their_defaults(tmp_path):
    options = {"pdb": Path(PDB), "system": "amber99sbildn.xml", "out": tmp_path}
    (job,) = simulation_jobs(options | {"hot_temperatures_k": "none"})
    _, plan = job.prepare()
    assert (job.name, job.folder) == ("", tmp_path)
    assert (plan.platform, plan.runs, plan.leaps, plan.hot_temperatures_k) == ("CPU", 24, False, ())
    jobs = simulation_jobs(options | {"temperature_k": [300.0, 310.0]})
    assert [job.folder.name for job in jobs] == ["300K", "310K"]
