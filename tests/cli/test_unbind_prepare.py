"""``genmd unbind prepare``: a folder, messages, what is refused."""

import json
import re

import pytest
from openmm import XmlSerializer, app
from typer.testing import CliRunner

from openmm_genmd.cli.main import app as genmd_app
from openmm_genmd.data.unbinding_folder import UnbindingFolder
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.stored_complex import load_complex

SHORT = ("--steps", "50", "--most-steps", "50")


def genmd(*arguments):
    return CliRunner().invoke(genmd_app, [str(a) for a in ("unbind", "prepare", *arguments)])


def said(result):
    """Everything printed, on one line and without colours."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Made from a user's own files, and made longer by resuming without naming them."""
    files, out = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("out") / "data"
    bound = bundled_complex("cb7-b2")
    with (files / "my b2.pdb").open("w") as file:
        app.PDBFile.writeFile(bound.topology, bound.positions_nm * 10, file)
    (files / "b2.xml").write_text(XmlSerializer.serialize(bound.system))
    own = ("--pdb", files / "my b2.pdb", "--system-xml", files / "b2.xml", "--ligand", "B2")
    result = genmd(*own, "--pulls", 1, *SHORT, "--out", out)
    assert result.exit_code == 0, result.output
    nothing = "There is no stable exit to learn from yet: --resume with more --pulls"
    assert f"0 of 1 pulls end in stable exits {nothing}" in said(result)
    result = genmd("--resume", "--pulls", 2, "--metadynamics", 1, *SHORT, "--out", out)
    assert result.exit_code == 0, result.output
    assert "0 of 2 pulls end in stable exits 0 of 1 metadynamics end in" in said(result)
    return out


def test_what_it_makes(folder):
    [entry] = UnbindingFolder.open(folder).entries
    assert [(t.method, t.seed) for t in entry.trajectories] == [
        *(("pull", 0), ("pull", 1), ("metadynamics", 0))
    ]
    assert entry.read(entry.trajectories[0]).shape == (3, 156, 3)
    plan = json.loads((folder / "manifest.json").read_text())["plan"]
    assert (plan["pulls"], plan["pull"]["steps"], plan["platform"]) == (2, 50, "CPU")
    assert (load_complex(folder).name, len(load_complex(folder).ligand)) == ("my-b2", 30)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--system", "cb8"], "no complex named 'cb8'; there are cb7-b2, cb7-viologen"),
        ([], "give either --system, one of cb7-b2, .* --ligand; got none of them"),
        (["--pdb", "a.pdb", "--ligand", "X"], "all of --pdb, .*; got --pdb --ligand"),
        (["--system", "cb7-b2", "--ligand", "B2"], "got --system --ligand"),
        (["--system", "cb7-b2", "--pulls", "-1"], "--pulls should be greater than or equal to 0"),
        (["--system", "cb7-b2", "--pulls", "0"], "pulls or metadynamics must be at least 1"),
        (["--system", "cb7-b2", "--workers", "0"], "workers must be at least 1, got 0"),
        (["--system", "cb7-b2", "--steps", "60"], "steps must be a multiple of steps_per_frame"),
        (["--system", "cb7-b2", "--platform", "Abacus"], "platform must be one of"),
        (["--system", "cb7-b2", "--resume"], "nothing to resume"),
        (["--resume"], "has no complex.json; expected a folder that genmd unbind prepare made"),
    ],
)
def test_what_it_refuses(arguments, expected, tmp_path):
    result = genmd(*arguments, "--out", tmp_path / "new")
    assert result.exit_code == 1
    assert re.search(f"genmd unbind prepare: .*{expected}", said(result))
    assert "Traceback" not in result.output
    assert not (tmp_path / "new").exists()


def test_what_does_not_fit_the_folder(folder):
    asked = ("--pulls", 2, "--metadynamics", 1, *SHORT, "--out", folder)
    assert "not empty; choose --resume" in said(genmd("--system", "cb7-b2", *asked))
    hot = said(genmd("--resume", "--temperature-k", 310, *asked))
    assert "--temperature-k cannot change the complex in" in hot
    assert "begun with other settings, now seed=1" in said(genmd("--resume", "--seed", 1, *asked))


def test_an_interrupt_is_no_failure(folder, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("openmm_genmd.unbinding.prepare.prepare", interrupted)
    result = genmd("--resume", "--out", folder)
    assert result.exit_code == 130
    assert f"is kept in {folder}, and --resume makes the rest" in said(result)


def test_stable_exits_are_summed_up(tmp_path):
    asked = ("--system", "cb7-b2", "--pulls", 0, "--metadynamics", 1, "--stay-ps", 0.1)
    result = genmd(*asked, "--out", tmp_path / "data")
    assert result.exit_code == 0, result.output
    summary = r"1 of 1 metadynamics end in stable exits, work \d+ kcal/mol \(median\), [\d.]+ core"
    assert re.search(summary + r" seconds and \d+ MD steps for each", said(result))
