"""Examples run as they are, for a short time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_demo_writes_its_files(tmp_path: Path) -> None:
    command = [sys.executable, "examples/alanine_dipeptide_demo.py", "--minutes", "0.3"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "grade: exact" in done.stdout
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["grade"] == "exact"
    assert 0.1 < summary["acceptance"] < 1
    assert summary["crossings_per_minute"]["hybrid"] > 0
    assert {"hybrid", "md", "reference"} <= set(summary["population_alpha_left"])
    # A short run may have no error bar, but it has a population of the right size.
    assert 0.0 < summary["population_alpha_left"]["hybrid"][0] < 0.15
    assert (tmp_path / "free_energy.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "jumps.csv").read_text(encoding="utf-8").startswith("# grade: exact\n")
    assert "Grade: exact." in (tmp_path / "report.html").read_text(encoding="utf-8")
