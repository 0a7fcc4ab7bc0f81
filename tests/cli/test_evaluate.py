"""``genmd evaluate``: options, files, messages."""

from __future__ import annotations

import json

import mdtraj
import numpy as np
import pytest
from openmm import app, unit
from typer.testing import CliRunner

from openmm_genmd.cli.main import app as genmd
from openmm_genmd.msm.kinetic_features import KineticCoordinates
from openmm_genmd.msm.microstates import Microstates
from openmm_genmd.msm.state_map import StateMap

from ..analysis.switching_dipeptide import NATIVE_NM, TOPOLOGY, chain, positions_nm, torsions


def invoke(*arguments):
    return CliRunner().invoke(genmd, ["evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluate")
    with (out / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(TOPOLOGY, NATIVE_NM * unit.nanometer, file)
    rng = np.random.default_rng(1)
    for name, n in (("md-0", 1000), ("md-1", 1000), ("tree", 300)):
        frames = positions_nm(torsions(chain(n, rng), rng))
        trajectory = mdtraj.Trajectory(frames, mdtraj.Topology.from_openmm(TOPOLOGY), np.arange(n))
        trajectory.save_xtc(str(out / f"{name}.xtc"))
    return out


@pytest.fixture(scope="module")
def given(folder):
    options = ["--reference", folder / "md-0.xtc", "--reference", folder / "md-1.xtc"]
    options += ["--generated", folder / "tree.xtc", "--topology", folder / "topology.pdb"]
    return [*options, "--lag-time-ps", 5, "--n-states", 2]


def test_help_teaches():
    text = " ".join(invoke("--help").output.replace("│", " ").split())
    assert "two halves of the reference" in text
    assert "exploratory" in text


def test_numbers_page_and_summary(given, folder, tmp_path):
    file = tmp_path / "tree.json"
    result = invoke(*given, "--json", file, "--name", "alanine")
    assert result.exit_code == 0, result.output
    assert "JSD, MSM states" in result.output
    content = json.loads(file.read_text())
    assert content["name"] == "alanine"
    assert content["reference"]["files"] == [str(folder / f"md-{i}.xtc") for i in (0, 1)]
    assert content["reference"]["frame_interval_ps"] == 1.0
    assert content["generated"]["frame_interval_ps"] is None
    assert content["metrics"]["state_jsd"]["value"] < 0.2
    assert "path_valid_rate" not in content["metrics"]
    page = (tmp_path / "tree.html").read_text()
    assert "Evaluation of alanine" in page
    assert page.count("data:image/png;base64,") >= 2
    both = tmp_path / "both.json"
    result = invoke("--combine", file, "--combine", file, "--json", both)
    assert result.exit_code == 0, result.output
    assert "Over targets" in result.output
    mean = json.loads(both.read_text())["metrics"]["torsion_jsd"]["mean"]
    assert mean == pytest.approx(content["metrics"]["torsion_jsd"]["value"])


def test_trajectories_beside_others(given, tmp_path):
    earlier, file = tmp_path / "earlier.json", tmp_path / "out.json"
    earlier.write_text('{"metrics": {"path_jsd": {"value": 0.125}}}')
    options = ["--generated-interval-ps", 1, "--beside", f"MD={earlier}"]
    result = invoke(*given, *options, "--json", file, "--html", tmp_path / "page")
    assert result.exit_code == 0, result.output
    assert "0.125" in result.output
    assert "0.125" in (tmp_path / "page").read_text()
    content = json.loads(file.read_text())
    assert content["metrics"]["path_valid_rate"]["value"] == 1.0
    assert content["metrics"]["path_jsd"]["value"] < 0.2
    assert content["torsions"][0]["decorrelation_reference_ps"] == pytest.approx(9, abs=6)


def test_states_of_a_model_and_frames_without_order(given, tmp_path):
    file = tmp_path / "out.json"
    pick = KineticCoordinates(np.zeros(6), np.eye(6)[:, 1:2], np.ones(1), 1.0)
    StateMap(pick, Microstates(np.array([[-1.0], [0.8]])), np.array([0, 1])).save(
        tmp_path / "states.npz"
    )
    result = invoke(*given, "--states", tmp_path, "--json", file)
    assert result.exit_code == 0, result.output
    content = json.loads(file.read_text())
    assert content["reference"]["frame_interval_ps"] is None
    assert content["state_populations"]["reference"] == pytest.approx([0.75, 0.25], abs=0.06)
    result = invoke(*given, "--reference-interval-ps", 0, "--stride", 2)
    assert result.exit_code == 0, result.output
    assert "no TICA and no states" in result.output


def test_a_native_structure_is_not_needed(given, folder):
    options = [o for o in given if o not in ("--topology", folder / "topology.pdb")]
    result = invoke(*options, "--kind", "peptide", "--reference-interval-ps", 0)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "expected --reference and --generated; see genmd evaluate --help"),
        (["--combine", "a.json", "--reference", "b"], "--combine takes results, not trajectories"),
        (["--combine", "nowhere.json"], "no evaluation at nowhere.json"),
        (["--reference", "nowhere.xtc", "--generated", "x"], "no trajectory at nowhere.xtc"),
    ],
)
def test_messages(options, message):
    result = invoke(*options)
    assert result.exit_code == 1
    assert message in result.output


def test_messages_about_values(given):
    result = invoke(*given, "--beside", "file.json")
    assert "--beside should be NAME=FILE, got 'file.json'" in result.output
    result = invoke(*given, "--n-states", 1)
    assert result.exit_code == 1
    assert "--n-states" in result.output
    result = invoke(*given, "--lag-time-ps", 0.3)
    assert "the lag must be a multiple of the 1 ps between frames" in result.output
