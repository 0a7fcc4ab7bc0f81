"""``genmd unbind free-energy`` on the folder of a finished run."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app
from openmm_genmd.unbinding.stored_run import StoredRun, write_page

from ..unbinding.finished_run import finished_run

QUICK = ["--platform", "Reference", "--workers", "1", "--iterations", "80"]
QUICK += ["--steps-per-exchange", "10", "--place-spring-kj-per-mol-nm2", "300"]
QUICK += ["--rotation-spring-kj-per-mol", "5", "--spacing", "2"]


def invoke(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["unbind", "free-energy", *map(str, arguments)])
    return found.exit_code, " ".join(found.output.split())


def test_a_free_energy_is_added_to_summary_and_page(tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "run")
    code, output = invoke(folder, *QUICK)
    assert code == 0, output
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["tries"] == 2
    found = summary["dG_kcal_per_mol"]
    assert found["path"] == 0
    for direction in ("out", "in"):
        assert f"{found[direction][0]:.2f}" in output
    assert found["verdict"] in output
    assert "The ligand did not leap: ways to bind that MD does not reach" in output
    page = (folder / "unbinding.html").read_text()
    assert "Free energy along path 0" in page
    # A second call has nothing to do, and what is written again keeps the free energy.
    samples = next((folder / "free-energy").glob("path-0000/trial-*/in/samples.npz"))
    before = samples.stat().st_mtime_ns
    assert invoke(folder, *QUICK)[0] == 0
    assert samples.stat().st_mtime_ns == before
    assert json.loads((folder / "summary.json").read_text())["dG_kcal_per_mol"] == found
    write_page(folder)
    assert "Free energy along path 0" in (folder / "unbinding.html").read_text()
    code, output = invoke(folder, *QUICK, "--seed", 7)
    assert code == 1
    assert "holds windows of another plan (seed differ)" in output


@pytest.mark.parametrize(
    ("stable", "arguments", "message"),
    [
        (True, ["--path", "1"], "path 1 does not lead to an exit that stays; those that do: [0]"),
        (False, [], "leads to an exit that stays; search with more walkers"),
        (True, ["--iterations", "10"], "greater than or equal to 80"),
        (True, ["--leap-steps", "-1"], "greater than or equal to 0"),
        (True, ["--iterations-per-leap", "0"], "greater than or equal to 1"),
        (True, ["--platform", "Abacus"], "platform must be one of"),
        (True, ["--most-windows", "5"], "and at most 5 are allowed; raise most_windows"),
    ],
)
def test_wrong_input_is_said_in_a_sentence(
    tmp_path: Path, stable: bool, arguments: list[str], message: str
) -> None:
    folder = finished_run(tmp_path / "run", stable)
    code, output = invoke(folder, *QUICK, *arguments)
    assert code == 1
    assert message in output
    assert "Traceback" not in output


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    code, output = invoke(tmp_path)
    assert code == 1
    assert "has no finished run; make one with genmd unbind run" in output


def test_the_path_of_least_work_is_taken(tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "run")
    run = StoredRun.load(folder)
    assert [path.number for path in run.paths if path.counts] == [0]
    assert run.path().number == run.path(0).number == 0
