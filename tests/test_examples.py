"""Examples run as they are, for a short time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from .unbinding.finished_run import finished_run

ROOT = Path(__file__).resolve().parents[1]


def run_example(*arguments: str) -> str:
    """Output of an example that runs without a warning."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_quickstart(tmp_path: Path) -> None:
    jumps = tmp_path / "jumps.csv"
    output = run_example("examples/quickstart.py", "--steps", "3000", "--jumps", str(jumps))
    assert "grade exact, 600 leaps attempted" in output
    assert len(jumps.read_text(encoding="utf-8").splitlines()) == 602


def test_own_proposer_finds_the_exact_answer() -> None:
    output = run_example("examples/own_proposer.py")
    deviation = re.search(r"deviation ([+-][\d.]+) standard errors", output)
    assert deviation is not None
    assert abs(float(deviation.group(1))) < 4


def test_uniform_baseline() -> None:
    output = run_example("examples/uniform_baseline.py", "--leaps", "600")
    accepted = dict(re.findall(r"(\w+): accepted ([\d.]+) of the leaps", output))
    learned, uniform, mixture = (float(accepted[n]) for n in ("learned", "uniform", "mixture"))
    assert 0 < uniform < 0.2 < learned < 0.8
    assert uniform < mixture < 0.7


def test_many_candidates() -> None:
    output = run_example("examples/many_candidates.py", "--jumps", "500")
    one, many, _ = (float(a) for a in re.findall(r"acceptance ([\d.]+)", output))
    assert many > 3 * one > 0
    populations = [float(p) for p in re.findall(r"population ([\d.]+)", output)]
    assert len(populations) == 3
    assert max(populations) < 0.15


def test_replica_exchange() -> None:
    output = run_example("examples/replica_exchange.py", "--iterations", "3")
    assert "3 iterations of 3 replicas" in output
    accepted = re.search(r"leaps accepted ([\d.]+)", output)
    assert accepted is not None
    assert 0.1 < float(accepted.group(1)) < 0.9


def test_explicit_solvent() -> None:
    short = ["--switches", "4", "--switching-steps", "100"]
    short += ["--jump-interval", "25", "--equilibration-steps", "300"]
    output = run_example("examples/explicit_solvent.py", *short)
    assert "652 atoms, grade exact\n4 leaps: " in output
    accepted = re.search(r": (\d) accepted, mean acceptance probability ([\d.]+)", output)
    assert accepted is not None
    assert 0 <= float(accepted.group(2)) <= 1
    rejected = sum(int(n) for n in re.findall(r"(?:work|terminated|surrogate) (\d)", output))
    assert int(accepted.group(1)) + rejected == 4
    spent = re.search(r"(\d+) MD steps spent per leap, 100 per switch", output)
    # Many leaps have no switch; energies at the ends and at the looks, at most one a step, count
    # as steps.
    assert spent is not None
    assert 0 <= int(spent.group(1)) <= 202
    shadow = re.search(r"changes nothing: ([+-][\d.]+) kT", output)
    assert shadow is not None
    assert abs(float(shadow.group(1))) < 2


def test_peptide_leaps() -> None:
    output = run_example("examples/peptide_leaps.py", "--jumps", "300")
    accepted = re.search(r"AAAA: grade exact, accepted ([\d.]+) of 300 leaps", output)
    assert accepted is not None
    assert 0.25 < float(accepted.group(1)) < 0.9
    assert sum(int(n) for n in re.findall(r"frames, (\d+) crossings", output)) > 1


def test_demo_writes_its_files(tmp_path: Path) -> None:
    output = run_example(
        "examples/alanine_dipeptide_demo.py", "--minutes", "0.3", "--out", str(tmp_path)
    )
    assert "grade: exact" in output
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["grade"] == "exact"
    assert 0.1 < summary["acceptance"] < 1
    assert summary["crossings_per_minute"]["hybrid"] > 0
    # The target is judged by the lower limit, which few exits keep far below the ratio.
    at_least = summary["crossings_hybrid_over_md_at_least"]
    assert 0 <= at_least < summary["crossings_hybrid_over_md"]
    assert 0 <= summary["md_exits"]["entries_that_stay"] <= summary["md_exits"]["entries_followed"]
    assert {"hybrid", "md", "reference"} <= set(summary["population_alpha_left"])
    # A short run may have no error bar, but it has a population of the right size.
    assert 0.0 < summary["population_alpha_left"]["hybrid"][0] < 0.15
    assert (tmp_path / "free_energy.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "jumps.csv").read_text(encoding="utf-8").startswith("# grade: exact\n")
    assert "Grade: exact." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_unbinding_free_energy(tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "run")
    quick = ["--iterations", "80", "--steps-per-exchange", "5", "--platform", "Reference"]
    output = run_example("examples/unbinding_free_energy.py", str(folder), *quick, "--workers", "1")
    assert "windows along path 0" in output
    for direction in ("in", "out"):
        assert re.search(rf"{direction}-started: -?\d+\.\d\d ± ", output)
    assert ("grade exact" in output) == ("free energy of unbinding" in output)


def test_unbinding_paths() -> None:
    output = run_example("examples/unbinding_paths.py", "--walkers", "2", "--most-leaps", "2")
    assert "model: 0 of 2 out (exploratory)" in output  # two leaps are too few
    assert "no drift: 0 of 2 out (exploratory)" in output
    control = output.split("no drift")[1]
    works = [int(work) for work in re.findall(r"still in, (-?\d+) kcal/mol", control)]
    assert len(works) == 2
    assert all(-10 < work <= 0 for work in works)  # the springs' thermal energy, given back
