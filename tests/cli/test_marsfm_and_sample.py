"""``genmd train marsfm`` and ``genmd sample`` from the shell, one after the other."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import mdtraj
import numpy as np
import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.models.mars_fm import MarsFM
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions

from ..training.dipeptide_folder import write_folder

PDB = Path(str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb"))


def genmd(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def said(result) -> str:
    """Everything printed, on one line and without colours."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("marsfm") / "msm", n_frames=60)


def train(data: Path, out: Path, *more: object):
    return genmd(
        *("train", "marsfm", "--data", data, "--out", out, "--batch-size", "8"),
        *("--steps", "4", "--state-interval", "2", *more),
    )


@pytest.fixture(scope="module")
def model(data) -> Path:
    out = data.parent / "new" / "a.safetensors"
    result = train(data, out, "--seed", "3")
    assert result.exit_code == 0, result.output
    assert "molecules: A" in said(result)
    assert re.search(
        r"best validation loss [\d.]+ at step 4 of 4, .* with 1 process; ", said(result)
    )
    assert re.search(r"time: .*(forward|backward) \d+ %.* data \d+ %", said(result))
    return out


def test_training_writes_checkpoints_log_and_state(model):
    checkpoint = load_checkpoint(model, MarsFM)
    assert checkpoint.model.config.width == 64
    assert checkpoint.metadata["temperature_k"] == 300.0
    assert checkpoint.metadata["config"]["training"]["learning_rate"] == 1e-3
    assert checkpoint.metadata["config"]["training"]["seed"] == 3
    present = {file.name for file in model.parent.iterdir()}
    assert present == {"a.safetensors", "a.last.safetensors", "a.jsonl", "a.state"}


def test_training_goes_on_for_more_steps(data, model):
    result = train(data, model, "--seed", "3", "--resume", "--steps", "6", "--validation", data)
    assert result.exit_code == 1  # frames that were held out are trained on now: other data
    assert "it belongs to a fit with other data or settings" in said(result)
    result = train(data, model, "--seed", "3", "--resume", "--steps", "6")
    assert result.exit_code == 0, result.output
    rows = [json.loads(row) for row in model.with_suffix(".jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 6]


@pytest.mark.parametrize("suffix", [".xtc", ".h5"])
def test_samples_are_written_with_their_tree(model, tmp_path, suffix):
    out = tmp_path / f"samples{suffix}"
    result = genmd(
        *("sample", "--model", model, "--pdb", PDB, "--out", out, "--steps", "2"),
        *("--branching", "3", "--depth", "2", "--seed", "1"),
    )
    assert result.exit_code == 0, result.output
    assert "12 conformations of A" in said(result)
    assert "grade: exploratory, not Boltzmann distributed" in said(result)
    record = json.loads(out.with_suffix(".json").read_text())
    assert record["grade"] == "exploratory"
    assert record["depths"] == [1] * 3 + [2] * 9
    assert record["parents"][:3] == [-1] * 3
    # Counts of everything drawn, the tries that were not kept included.
    broken = 12 - sum(record["sound"])
    assert len(record["sound"]) == 12
    assert record["drawn"] >= 12 + 2 * broken
    assert broken <= sum(record["broken"].values())
    assert record["broken"]["chirality"] == 0  # carried over
    assert re.search(
        rf"of {record['drawn']} drawn were broken: bonds [\d.]+ %, angles", said(result)
    )
    assert record["structures_per_second"] == pytest.approx(12 / record["seconds"])
    loaded = mdtraj.load(out) if suffix == ".h5" else mdtraj.load(out, top=out.with_suffix(".pdb"))
    assert loaded.n_frames == 12
    # Bonds within a residue are carried over from the start.
    start = mdtraj.load(PDB)
    pairs = [
        (a.index, b.index)
        for a, b in start.topology.bonds
        if a.residue.index == b.residue.index == 1
    ]
    lengths = mdtraj.compute_distances(loaded, pairs)
    expected = np.broadcast_to(mdtraj.compute_distances(start, pairs), lengths.shape)
    np.testing.assert_allclose(lengths, expected, atol=2e-3)


def test_the_same_seed_draws_the_same(model, tmp_path):
    sampled = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / f"{name}.h5"
        options = ("--branching", "4", "--steps", "2", "--seed", seed, "--budget", "6")
        assert (
            genmd("sample", "--model", model, "--pdb", PDB, "--out", out, *options).exit_code == 0
        )
        sampled.append(mdtraj.load(out).xyz)
    assert sampled[0].shape == (6, 22, 3)
    assert np.array_equal(sampled[0], sampled[1])
    assert not np.array_equal(sampled[0], sampled[2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--size", "huge"], "--size must be tiny or paper, got 'huge'"),
        (["--leaps", "--path", "trigonometric"], "--leaps has no --path, got 'trigonometric'"),
        (["--path", "curved"], "--path .*'linear' or 'trigonometric'"),
        (["--steps", "0"], "--steps should be greater than or equal to 1, got 0"),
        (["--device", "abacus"], "--device must be cpu or cuda, got 'abacus'"),
        (["--out", "a.pt"], r"--out must end in \.safetensors, got a\.pt"),
        (["--data", "nowhere"], "no residue data in nowhere"),
    ],
)
def test_training_explains_bad_options(data, tmp_path, options, message):
    result = train(data, tmp_path / "a.safetensors", *options)
    assert result.exit_code == 1
    assert re.search(message, said(result)), said(result)


def test_models_for_leaps_do_not_sample(data, tmp_path):
    out = tmp_path / "leaps.safetensors"
    result = train(data, out, "--leaps")
    assert result.exit_code == 0, result.output
    assert load_checkpoint(out, MarsFMTorsions).model.config.width == 64
    result = genmd("sample", "--model", out, "--pdb", PDB, "--out", tmp_path / "a.xtc")
    assert result.exit_code == 1
    assert "of kind 'mars_fm_torsions', expected 'mars_fm'" in said(result)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--branching", "ten"], "--branching must be numbers separated by commas, .*got 'ten'"),
        (["--branching", "2,2", "--depth", "3"], "--depth needs .* --branching of one number"),
        (["--branching", "0"], r"branching must be at least 1, got \(0,\)"),
        (["--device", "abacus"], "--device must be cpu or cuda, got 'abacus'"),
        (["--method", "guess"], "method must be one of euler, midpoint, dopri5; got 'guess'"),
        (["--precision", "float8"], "precision must be one of .*, got 'float8'"),
        (["--out", "a.pdb"], r"a trajectory must end in \.xtc, \.dcd, \.h5, got 'a\.pdb'"),
        (["--model", "nowhere"], "no checkpoint file nowhere"),
    ],
)
def test_sampling_explains_bad_options(model, tmp_path, options, message):
    given = ["--model", model, "--pdb", PDB, "--out", tmp_path / "a.xtc"]
    result = genmd("sample", *given, *options)
    assert result.exit_code == 1
    assert re.search(message, said(result)), said(result)
    assert list(tmp_path.iterdir()) == []


def test_starts_of_different_molecules_are_refused(model, tmp_path):
    other = tmp_path / "other.pdb"
    lines = [line for line in PDB.read_text().splitlines() if " HB1 " not in line]
    other.write_text("\n".join(line for line in lines if "CONECT" not in line) + "\n")
    out = tmp_path / "a.xtc"
    result = genmd("sample", "--model", model, "--pdb", PDB, "--pdb", other, "--out", out)
    assert result.exit_code == 1
    assert "starts must be of one molecule, but" in said(result)
