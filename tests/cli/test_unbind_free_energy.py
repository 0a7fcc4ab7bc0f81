"""``genmd unbind free-energy`` on the folder of a finished run."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.stored_complex import save_complex
from openmm_genmd.unbinding.stored_run import StoredRun, write_page
from openmm_genmd.unbinding.walker import Stop, Walker

from ..unbinding.gated_complex import pushed_frames
from ..unbinding.small_complex import small_complex

QUICK = ["--platform", "Reference", "--workers", "1", "--iterations", "80"]
QUICK += ["--steps-per-exchange", "10", "--place-spring-kj-per-mol-nm2", "300"]
QUICK += ["--rotation-spring-kj-per-mol", "5", "--spacing", "2"]


def invoke(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["unbind", "free-energy", *map(str, arguments)])
    return found.exit_code, " ".join(found.output.split())


def finished_run(folder: Path, stable: bool = True) -> Path:
    """Folder of a run with two walkers, of which the first pushed its ligand out."""
    bound = small_complex()
    (folder / "paths").mkdir(parents=True)
    save_complex(bound, folder)
    frames = pushed_frames(bound).astype(np.float32)
    for number, (last, status) in enumerate(((12, "out"), (3, "gave up"))):
        at = [Phase(x.astype(np.float64), np.zeros(x.shape)) for x in frames[[0, last - 1]]]
        stops = [Stop(at[0], frames[:1]), Stop(at[1], frames[1:last], 40.0, 0.0)]
        walker = Walker(number, stops, np.random.default_rng(number), status)
        walker.save(folder / "paths" / f"walker-{number:04d}.npz")
        verdict = {"stable": stable if status == "out" else None, "steps": 10, "seconds": 1.0}
        (folder / "paths" / f"walker-{number:04d}.json").write_text(json.dumps(verdict))
    plan = {"system": "ring", "walkers": 2, "settings": PathSettings().model_dump()}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "summary.json").write_text(json.dumps({"grade": "exploratory", "tries": 2}))
    return folder


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
