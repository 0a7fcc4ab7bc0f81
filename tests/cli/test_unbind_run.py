"""``genmd unbind run``: what it writes, and what it says when something is wrong."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app
from openmm_genmd.cli.unbind_run import _default_model, _table
from openmm_genmd.proposers.load import bundled_names

SHORT = ["--walkers", "2", "--workers", "1", "--most-leaps", "1", "--shots", "0"]
SHORT += ["--steps-per-leap", "50", "--platform", "Reference"]


def invoke(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["unbind", "run", *map(str, arguments)])
    return found.exit_code, " ".join(found.output.split())


def test_a_bundled_complex_needs_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "run"
    code, output = invoke("--system", "cb7-b2", "--out", out, *SHORT)
    assert code == 0, output
    assert "grade: exploratory" in output
    summary = json.loads((out / "summary.json").read_text())
    assert summary["grade"] == "exploratory"
    assert summary["success_at_1"] == 0.0  # one leap is too few
    assert summary["success_at_10"] is None  # of two walkers
    assert summary["bond_mae_angstrom"] < 0.1
    assert summary["angle_mae_rad"] < 0.1
    assert summary["clash_score"] < 0.01
    assert (out / "unbinding.html").exists()
    code, output = invoke("--system", "cb7-b2", "--out", out, *SHORT)
    assert code == 1
    assert "already has a run; choose --resume or a new --out" in output
    before = (out / "paths" / "walker-0000.npz").stat().st_mtime_ns
    assert invoke("--system", "cb7-b2", "--out", out, "--resume", *SHORT)[0] == 0
    assert (out / "paths" / "walker-0000.npz").stat().st_mtime_ns == before
    code, output = invoke("--system", "cb7-b2", "--out", out, "--resume", "--seed", 5, *SHORT)
    assert code == 1
    assert "seed differ from its plan.json" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--system", "cb8"], "cb8"),
        ([], "give either --system, one of"),
        (["--system", "cb7-b2", "--model", "nowhere"], "nowhere"),
        (["--system", "cb7-b2", "--data", "d"], "--data d has the complex already, got --system"),
        (["--system", "cb7-b2", "--model", "alanine-dipeptide"], "expected 'bio_md'"),
        (["--system", "cb7-b2", "--steps-per-leap", "33"], "must be a multiple of"),
        (["--system", "cb7-b2", "--platform", "Abacus"], "platform must be one of"),
    ],
)
def test_wrong_input_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    code, output = invoke(*arguments, "--out", tmp_path / "run", "--workers", "1")
    assert code == 1
    assert message in output
    assert "Traceback" not in output


def test_who_has_a_model() -> None:
    assert [_default_model(name) for name in ("cb7-viologen", "l99a-p-xylene")] == [
        *("cb7-b2", "l99a-p-xylene")
    ]
    assert {"cb7-b2", "l99a-p-xylene"} <= set(bundled_names())
    with pytest.raises(ValueError, match="--model is required: no bundled model knows this comple"):
        _default_model(None)


def test_the_table_has_a_row_for_each_method() -> None:
    numbers = {"success_at_1": 0.5, "work_kcal_per_mol": [61.2, 8.0]}
    numbers["force_evaluations_per_stable_exit"] = 4481.0
    table = _table(numbers | {"pull": {"success_at_1": 0.0}, "grade": "exploratory"})
    assert table.row_count == 2
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == ["this search", "straight pulls"]
    assert cells[1] == ["0.5", "0"]
    assert cells[4] == ["4,481", "-"]
    assert cells[5] == ["61.2 (8)", "-"]


def test_an_interrupt_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("openmm_genmd.cli.unbind_run.run_unbinding", interrupted)
    code, output = invoke("--system", "cb7-b2", "--out", tmp_path / "run", *SHORT)
    assert code == 130
    assert "has what is finished, and --resume makes the rest" in output
