"""A user's own complex from its files to its paths, by the commands that are printed."""

import json
import re
from pathlib import Path

from openmm import XmlSerializer, app
from typer.testing import CliRunner

from openmm_genmd.cli.main import app as genmd_app
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.found_path import FoundPath
from openmm_genmd.unbinding.team_run import walker_file
from openmm_genmd.unbinding.walker import Walker


def genmd(*arguments: object) -> str:
    """Return everything printed, on one line and without colors."""
    result = CliRunner().invoke(genmd_app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def test_from_files_to_paths(tmp_path: Path) -> None:
    bound = bundled_complex("cb7-b2")
    pdb, xml, data = tmp_path / "complex.pdb", tmp_path / "system.xml", tmp_path / "data"
    with pdb.open("w") as file:
        app.PDBFile.writeFile(bound.topology, bound.positions_nm * 10, file)
    xml.write_text(XmlSerializer.serialize(bound.system))
    own = ("--pdb", pdb, "--system-xml", xml, "--ligand", "B2", "--pocket-nm", 1.0)
    quick = ("--pulls", 0, "--metadynamics", 1, "--stay-ps", 0.1)
    said = genmd("unbind", "prepare", *own, *quick, "--out", data)
    assert "1 of 1 metadynamics end in stable exits" in said

    following = re.search(r"Next: genmd (train biomd .*) --out model.safetensors$", said)
    assert following
    assert following[1].endswith("--pocket-nm 1")
    model = tmp_path / "model.safetensors"
    said = genmd(*following[1].split(), "--steps", 3, "--out", model)
    assert "trajectories of 96 heavy atoms, 12 of them the ligand's" in said

    few = ("--walkers", 2, "--workers", 1, "--most-leaps", 1, "--shots", 0)
    few += ("--steps-per-leap", 50)
    for name, source in (("data", ("--data", data)), ("files", own)):
        out = tmp_path / name
        said = genmd("unbind", "run", *source, "--model", model, *few, "--out", out)
        assert "grade: exploratory" in said
        summary = json.loads((out / "summary.json").read_text())
        assert (summary["system"], summary["tries"]) == ("complex", 2)
        assert "complex" in (out / "unbinding.html").read_text()
    # The same complex, wherever it comes from: the same paths.
    paths = [
        FoundPath.of(Walker.load(walker_file(tmp_path / name / "paths", 0)), None)
        for name in ("data", "files")
    ]
    assert len(paths[0].frames_nm) > 1
    assert (paths[0].frames_nm == paths[1].frames_nm).all()
