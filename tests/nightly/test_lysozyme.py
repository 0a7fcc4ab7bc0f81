"""p-Xylene leaves the buried cavity of T4 lysozyme L99A: data, model, walkers and report, on a CPU.

The receptor is cut at 1.1 nm, so that all of it takes some twenty minutes of one core.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from openmm_genmd.analysis.metrics_clashes import count_clashes
from openmm_genmd.cli.main import app
from openmm_genmd.data.unbinding_folder import UnbindingFolder
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.receptor_strain import StrainGauge
from openmm_genmd.unbinding.stored_complex import load_complex
from openmm_genmd.unbinding.team_run import TeamPlan, model_of, run_team
from openmm_genmd.unbinding.walker import Walker

pytestmark = pytest.mark.nightly

LYSOZYME = ("--system", "l99a-p-xylene", "--cutoff-nm", 0.9, "--cut-nm", 1.1, "--pocket-nm", 0.6)
LYSOZYME += ("--hydrogen-mass-da", 3)
WALK = ("--workers", 1, "--shots", 0, "--time-step-fs", 4)
STEPS = 400


def genmd(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five metadynamics with hills that push, each of them a minute or two."""
    folder = tmp_path_factory.mktemp("lysozyme") / "data"
    hills = ("--pulls", 0, "--metadynamics", 5, "--most-steps", 6000)
    genmd("unbind", "prepare", *LYSOZYME, *hills, "--time-step-fs", 4, "--out", folder)
    return folder


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Learned from those that left, stable or not: there are few."""
    out = tmp_path_factory.mktemp("model") / "l99a.safetensors"
    fit = ("--steps", STEPS, "--batch-size", 4, "--validation-interval", 100)
    genmd("train", "biomd", data, "--out", out, "--pocket-nm", 0.6, "--all-trajectories", *fit)
    return out


@pytest.fixture(scope="module")
def bound(data: Path) -> BoundComplex:
    return load_complex(data)


@pytest.fixture(scope="module")
def run(data: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two walkers with the model that was just made."""
    out = tmp_path_factory.mktemp("run") / "run"
    options = ("--walkers", 2, *WALK)
    said = genmd("unbind", "run", "--data", data, "--model", model, "--out", out, *options)
    assert "grade: exploratory" in said
    return out


@pytest.fixture(scope="module")
def bundled_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three walkers with the bundled model."""
    out = tmp_path_factory.mktemp("bundled") / "run"
    genmd("unbind", "run", *LYSOZYME, "--walkers", 3, *WALK, "--out", out)
    return out


def test_hills_lead_out_of_a_buried_cavity(data: Path, bound: BoundComplex) -> None:
    [entry] = UnbindingFolder.open(data).entries
    manifest = json.loads((data / "manifest.json").read_text())["metadynamics"]
    assert manifest["left"] >= 3
    gauge = StrainGauge(bound)
    assert gauge.measure(np.load(data / "starts.npy")[-1]).rmsd_nm < 0.08  # MD of the bound state
    for path in entry.trajectories:
        end = gauge.measure(entry.read(path)[-1])
        assert end.rmsd_nm < 0.25  # nothing is torn
        assert path.work_kcal_per_mol is not None
        assert path.work_kcal_per_mol > 20  # and nothing is for free


def test_the_model_has_learned_and_its_frames_are_molecules(
    model: Path, bound: BoundComplex
) -> None:
    log = [json.loads(line) for line in model.with_suffix(".jsonl").read_text().splitlines()]
    losses = [entry["validation_loss"] for entry in log if "validation_loss" in entry]
    assert min(losses) < 0.8 * losses[0]
    drift, atoms = model_of(TeamPlan(bound, str(model)))
    start = bound.positions_nm[atoms.particles]
    frames = drift.rollouts(start, 4, 10, seed=3)
    clashes = count_clashes(
        10.0 * frames.reshape(-1, *start.shape),
        bonds=atoms.bonds,
        radii_angstrom=atoms.radii_angstrom,
    )
    assert clashes.overlap_fraction.mean() < 0.01
    moved = frames[:, -1, atoms.is_ligand].mean(axis=1) - start[atoms.is_ligand].mean(axis=0)
    assert np.linalg.norm(moved, axis=1).mean() > 0.4


def test_walkers_go_where_without_a_model_nothing_goes(
    run: Path, model: Path, bound: BoundComplex, tmp_path: Path
) -> None:
    away = [distance(Walker.load(file), bound) for file in sorted(run.glob("paths/*.npz"))]
    settings = PathSettings(time_step_fs=4.0, most_leaps=6)
    plan = TeamPlan(bound, str(model), settings=settings, walkers=1)
    [(control, verdict)] = run_team(replace(plan, drift="zero"), tmp_path)
    assert control.status == "gave up"
    assert verdict.stable is None
    assert distance(control, bound) < 0.15
    assert max(away) > 0.5
    assert np.median(away) > distance(control, bound) + 0.1


def distance(walker: Walker, bound: BoundComplex) -> float:
    """How far the ligand's centre is from where it was bound, nm; the receptor is held."""
    x = walker.here.phase.positions_nm
    shift = x[bound.ligand_heavy].mean(axis=0) - bound.positions_nm[bound.ligand_heavy].mean(axis=0)
    return float(np.linalg.norm(shift))


def test_the_bundled_model_leads_out_and_the_report_says_where_and_at_what_cost(
    bundled_run: Path,
) -> None:
    """Straight pulls as long cost 150 kcal/mol, and displace the pocket's backbone by .15 nm."""
    summary = json.loads((bundled_run / "summary.json").read_text())
    assert (summary["grade"], summary["tries"]) == ("exploratory", 3)
    assert summary["stable_exits"] >= 1
    assert summary["work_kcal_per_mol"][0] < 100
    assert 0.02 < summary["receptor_rmsd_nm"][0] < 0.1
    assert summary["helix_lost"][0] < 0.1
    page = (bundled_run / "unbinding.html").read_text(encoding="utf-8")
    assert "Grade: exploratory" in page
    assert "backbone RMSD" in page
    [passed, *_] = re.findall(r"between helices ([A-J/]+)", page)
    assert {"F", "G", "H"} <= set(passed.split("/"))
    assert (bundled_run / "westpa").exists()
