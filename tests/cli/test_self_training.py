"""``genmd run --record-candidates``, then ``genmd train torsions --continue-from``."""

from __future__ import annotations

import json
import re
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app
from openmm_genmd.data.candidate_file import rows_files
from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.models.checkpoint import load_checkpoint, save_checkpoint
from openmm_genmd.proposers.load import find_checkpoint

PDB = str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")
GIVEN = ["--pdb", PDB, "--system", "amber99sbildn.xml,amber99_obc.xml", "--platform", "Reference"]
QUICK = ["--steps", 30, "--hidden", "8", "--bins", "6"]


def genmd(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def said(result) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def record(out: Path, proposer, *more) -> Path:
    """Two hundred attempts."""
    options = ["--proposer", proposer, "--record-candidates", "--jump-interval", 20]
    result = genmd("run", *GIVEN, *options, "--steps", 1000, *more, "--out", out)
    assert result.exit_code == 0, result.output
    return out


def train(run: Path, out: Path, *more):
    options = ["--continue-from", run, "--out", out, *QUICK]
    return genmd("train", "torsions", *options, *more)


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A model of the bundled kind, and a run with it."""
    folder = tmp_path_factory.mktemp("self-training")
    shutil.copy(find_checkpoint("alanine-dipeptide"), folder / "model.safetensors")
    record(folder / "run", folder / "model.safetensors", "--uniform-fraction", 0.2)
    return folder


def test_the_model_of_a_run_is_trained_further(work, tmp_path):
    before = (work / "model.safetensors").read_bytes()
    out = tmp_path / "next.safetensors"
    result = train(work / "run", out)
    assert result.exit_code == 0, result.output
    assert "torsions: phi ALA 2, psi ALA 2" in said(result)
    assert "nats above uniform" in said(result)
    assert (work / "model.safetensors").read_bytes() == before
    parent, child = load_checkpoint(work / "model.safetensors"), load_checkpoint(out)
    assert child.config == parent.config  # --hidden and --bins are those of new models
    metadata = child.metadata
    assert metadata["parent_sha256"] == parent.sha256
    assert metadata["continued_from"] == str((work / "run").resolve())
    assert metadata["temperature_k"] == 300.0
    assert metadata["old_share"] == 0.2
    assert metadata["training"]["population_power"] == 0.5
    assert metadata["training"]["training"]["learning_rate"] == 1e-3
    record(tmp_path / "again", out)  # and it leaps


def test_old_trajectories_stay_in_the_mix(work, tmp_path):
    out = tmp_path / "next.safetensors"
    data = ["--trajectory", work / "run" / "trajectory.dcd", "--topology", PDB]
    result = train(work / "run", out, *data, "--old-share", 0.6)
    assert result.exit_code == 0, result.output
    metadata = load_checkpoint(out).metadata
    assert metadata["old_share"] == 0.6
    assert len(metadata["data_sha256"]) == 64
    assert metadata["frames"] == metadata["candidates"] + 2


def test_a_run_without_a_model_begins_one(work, tmp_path):
    run = record(tmp_path / "run", "uniform", "--recorded-per-attempt", 1, "--recorded-rows", 50)
    assert list(rows_files(run)) == [4]
    stored = json.loads((run / "run.json").read_text())
    assert stored["recorded_per_attempt"] == 1
    out = tmp_path / "first.safetensors"
    result = train(run, out)
    assert result.exit_code == 0, result.output
    checkpoint = load_checkpoint(out)
    assert checkpoint.config.hidden_features == (8,)
    assert checkpoint.metadata["parent_sha256"] is None


def test_a_continued_training_is_repeated_exactly(work, tmp_path):
    models = []
    for name in ("a", "b"):
        assert train(work / "run", tmp_path / f"{name}.safetensors").exit_code == 0
        models.append(load_checkpoint(tmp_path / f"{name}.safetensors").model)
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        np.testing.assert_array_equal(one.detach(), other.detach())


def test_the_model_of_the_run_is_never_overwritten(work):
    result = train(work / "run", work / "model.safetensors")
    assert result.exit_code == 1
    assert re.search(r"is the model of the run in .*choose a new file with --out", said(result))


def test_a_model_that_has_changed_since_is_refused(work, tmp_path):
    model = tmp_path / "model.safetensors"
    shutil.copy(work / "model.safetensors", model)
    run = record(tmp_path / "run", model)
    loaded = load_checkpoint(model)
    save_checkpoint(model, loaded.model, loaded.fingerprint, loaded.representation, {})
    result = train(run, tmp_path / "a.safetensors")
    assert result.exit_code == 1
    assert re.search(r"has changed since the run in .* began; restore the file", said(result))


def test_several_models_are_refused(work, tmp_path):
    shutil.copytree(work / "run", tmp_path / "run")
    header = json.loads((tmp_path / "run" / "candidates.json").read_text())
    header["models"].append({"checkpoint": "other", "sha256": "0f"})
    (tmp_path / "run" / "candidates.json").write_text(json.dumps(header))
    result = train(tmp_path / "run", tmp_path / "a.safetensors")
    assert result.exit_code == 1
    assert re.search(r"leapt with several models \(.*, other\); --continue-from", said(result))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--temperature-k", 310], "was made at 300 K, but --temperature-k is 310"),
        (["--old-share", 2], "old_share must be between 0 and 1, got 2.0"),
        (["--trajectory", PDB], "--trajectory needs --topology"),
        (
            ["--trajectory", PDB, "--topology", PDB, "--include-methyl"],
            "recorded the torsions phi ALA 2, psi ALA 2, but",
        ),
    ],
)
def test_what_does_not_fit_is_refused(work, tmp_path, options, message):
    result = train(work / "run", tmp_path / "a.safetensors", *options)
    assert result.exit_code == 1
    assert message in said(result)
    assert not (tmp_path / "a.safetensors").exists()


def test_a_run_that_recorded_nothing_is_refused(work, tmp_path):
    shutil.copytree(work / "run", tmp_path / "run")
    (tmp_path / "run" / "candidates.json").unlink()
    result = train(tmp_path / "run", tmp_path / "a.safetensors")
    assert result.exit_code == 1
    assert "run again with genmd run --record-candidates" in said(result)


def test_a_model_of_all_peptides_is_trained_further_on_one(tmp_path):
    small = BlockTransformerConfig(width=16, heads=2, layers=1, hidden_features=32, nodes=18)
    model = tmp_path / "blocks.safetensors"
    sha256 = save_checkpoint(model, BlockTransformer(small), None, {"kind": "torsion_tokens"}, {})
    run = record(tmp_path / "run", model, "--candidates", 4)
    out = tmp_path / "next.safetensors"
    options = ["--continue-from", run, "--batch-size", 8, "--validation-interval", 10]
    result = genmd("train", "blocks", *options, "--out", out, "--steps", 20)
    assert result.exit_code == 0, result.output
    assert "molecules: A," not in said(result)
    child = load_checkpoint(out, BlockTransformer)
    assert child.config.model_dump(exclude={"dropout"}) == small.model_dump(exclude={"dropout"})
    assert child.metadata["start_from"] == child.metadata["parent_sha256"] == sha256
    assert child.metadata["sequences"] == ["A"]
    assert child.metadata["temperature_k"] == 300.0
    for changes, message in (
        (["--out", model], "is the model of the run in"),
        (["--out", out, "--start-from", model], "leave --start-from out"),
    ):
        refused = genmd("train", "blocks", *options, *changes)
        assert refused.exit_code == 1
        assert message in said(refused)
    torus = train(run, out)
    assert "holds a model of kind 'torsion_blocks', expected 'torus_flow'" in said(torus)


def test_data_or_a_run_are_needed(tmp_path):
    result = genmd("train", "torsions", "--out", tmp_path / "a.safetensors")
    assert result.exit_code == 1
    assert "--trajectory and --topology are required, or --continue-from with" in said(result)
    result = genmd("train", "blocks", "--out", tmp_path / "a.safetensors")
    assert result.exit_code == 1
    assert "--data is required, or --continue-from with a run" in said(result)
