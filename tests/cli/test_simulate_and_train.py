"""``genmd simulate`` and ``genmd train torsions`` from the shell, one after the other."""

from __future__ import annotations

import json
import re
import shutil
import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from openmm_genmd.cli.main import app
from openmm_genmd.models.checkpoint import load_checkpoint

PDB = str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")
FORCE_FIELD = "amber99sbildn.xml,amber99_obc.xml"
SIMULATE = ["simulate", "--pdb", PDB, "--system", FORCE_FIELD, "--platform", "Reference"]
SHORT = [
    *("--hot-time-ps", "1", "--torsion-starts", "10", "--runs", "4", "--run-time-ps", "6"),
    *("--equilibration-ps", "0", "--frame-interval-ps", "0.1"),
]


def genmd(*arguments: str | Path):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def said(result) -> str:
    """Everything printed, on one line and without colours."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("simulate") / "data"
    result = genmd(*SIMULATE, *SHORT, "--out", out)
    assert result.exit_code == 0, result.output
    assert "4 trajectories of 6 ps" in said(result)
    assert "next: genmd train torsions" in said(result)
    return out


def train(data: Path, out: Path, *more: str):
    return genmd(
        *("train", "torsions", "--trajectory", data, "--topology", data / "topology.pdb"),
        *("--out", out, "--steps", "40", "--hidden", "8", "--bins", "6", *more),
    )


def test_folder_of_a_simulation_becomes_a_checkpoint(data, tmp_path):
    result = train(data, tmp_path / "new" / "a.safetensors")
    assert result.exit_code == 0, result.output
    assert "torsions: phi ALA 2, psi ALA 2" in said(result)
    assert re.search(r"\d states? with [\d.]+ %", said(result))
    assert "nats above uniform" in said(result)
    assert "dcdplugin" not in result.output
    checkpoint = load_checkpoint(tmp_path / "new" / "a.safetensors")
    assert checkpoint.metadata["temperature_k"] == 300.0
    assert checkpoint.metadata["frames"] == 240
    assert checkpoint.config.hidden_features == (8,)
    assert len((tmp_path / "new" / "a.jsonl").read_text().splitlines()) == 1


def test_single_files_and_a_conditional_model(data, tmp_path):
    out = tmp_path / "a.safetensors"
    result = genmd(
        *("train", "torsions", "--trajectory", data / "run-000.dcd"),
        *("--trajectory", data / "run-002.dcd", "--topology", data / "topology.pdb"),
        *("--out", out, "--steps", "5", "--conditional", "--stride", "2"),
    )
    assert result.exit_code == 0, result.output
    checkpoint = load_checkpoint(out)
    assert checkpoint.config.conditional
    assert checkpoint.metadata["frames"] == 60
    assert checkpoint.metadata["temperature_k"] is None
    assert "data_seconds" not in checkpoint.metadata
    angles, _ = checkpoint.model.sample(2, np.random.default_rng(0), np.zeros((1, 2)))
    assert angles.shape == (2, 2)


def test_training_twice_gives_the_same_checkpoint_but_for_the_time(data, tmp_path):
    checkpoints = []
    for name in ("a", "b"):
        assert train(data, tmp_path / f"{name}.safetensors").exit_code == 0
        checkpoints.append(load_checkpoint(tmp_path / f"{name}.safetensors"))
        del checkpoints[-1].metadata["training_seconds"]
    one, other = checkpoints
    assert one.metadata == other.metadata
    for mine, others in zip(one.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(mine, others)


def test_set_up_cost_is_in_the_checkpoint(data, tmp_path):
    manifest = json.loads((data / "manifest.json").read_text())
    began = time.perf_counter()
    assert train(data, tmp_path / "a.safetensors").exit_code == 0
    elapsed = time.perf_counter() - began
    metadata = load_checkpoint(tmp_path / "a.safetensors").metadata
    assert metadata["data_seconds"] == manifest["data_seconds"] > 0.1
    assert 0.5 * elapsed < metadata["training_seconds"] < elapsed


def test_data_in_two_folders_cost_the_sum(data, tmp_path):
    one = json.loads((data / "manifest.json").read_text())["data_seconds"]
    shutil.copytree(data, tmp_path / "more")
    twice = train(data, tmp_path / "a.safetensors", "--trajectory", str(tmp_path / "more"))
    assert twice.exit_code == 0, twice.output
    assert load_checkpoint(tmp_path / "a.safetensors").metadata["data_seconds"] == 2 * one


def test_incomplete_data_are_refused(data, tmp_path):
    shutil.copytree(data, tmp_path / "less")
    (tmp_path / "less" / "run-002.dcd").unlink()
    result = train(tmp_path / "less", tmp_path / "a.safetensors")
    assert result.exit_code == 1
    assert "has 3 of 4 trajectories, and basins may be missing; complete it with" in said(result)


def test_one_temperature(data, tmp_path):
    result = train(data, tmp_path / "a.safetensors", "--temperature-k", "310")
    assert result.exit_code == 1
    assert "should have one temperature, got 300, 310 K; train on data of one" in said(result)


def test_simulate_resumes_and_refuses_to_overwrite(data):
    again = genmd(*SIMULATE, *SHORT, "--out", data)
    assert again.exit_code == 1
    assert "already has a simulation; choose --resume or a new --out" in said(again)
    before = (data / "run-003.dcd").stat().st_mtime_ns
    assert genmd(*SIMULATE, *SHORT, "--out", data, "--resume").exit_code == 0
    assert (data / "run-003.dcd").stat().st_mtime_ns == before
    assert json.loads((data / "manifest.json").read_text())["plan"]["platform"] == "Reference"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--runs", "0", "--seed", "-1"], "got 0 --seed should be greater than or equal to 0"),
        (["--runs", "0"], "--runs should be greater than or equal to 1, got 0"),
        (["--hot-temperatures-k", "warm"], "--hot-temperatures-k should .*got 'warm'"),
        (["--constraints", "some"], "constraints must be one of"),
        (["--platform", "Abacus"], "platform must be one of .*Reference.*, got 'Abacus'"),
    ],
)
def test_simulate_explains_bad_options(tmp_path, options, message):
    result = genmd(*SIMULATE, "--out", tmp_path / "x", *options)
    assert result.exit_code == 1
    assert re.search(f"genmd simulate: .*{message}", said(result))


def test_simulate_without_hot_runs(tmp_path):
    quick = ["--torsion-starts", "0", "--runs", "1", "--run-time-ps", "0.5"]
    result = genmd(*SIMULATE, *quick, "--hot-temperatures-k", "none", "--out", tmp_path / "x")
    assert result.exit_code == 0, result.output
    assert not list((tmp_path / "x").glob("hot-*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hidden", "8,x"], "--hidden should be a valid integer, .*got 'x'"),
        (["--uniform-fraction", "2"], "--uniform-fraction should be less than or equal to 1"),
        (["--population-power", "3"], "--population-power should be less than or equal to 2"),
    ],
)
def test_train_explains_bad_options(data, tmp_path, options, message):
    result = train(data, tmp_path / "a.safetensors", *options)
    assert result.exit_code == 1
    assert re.search(f"genmd train torsions: .*{message}", said(result))


def test_train_explains_bad_files(data, tmp_path):
    assert "--out must end in .safetensors" in said(train(data, tmp_path / "a.pt"))
    empty = genmd(
        *("train", "torsions", "--trajectory", tmp_path, "--topology", PDB),
        *("--out", tmp_path / "a.safetensors"),
    )
    assert empty.exit_code == 1
    assert "is a folder without the files that genmd simulate writes" in said(empty)


@pytest.mark.parametrize("command", [["simulate"], ["train", "torsions"]])
def test_help_teaches_with_an_example(command):
    result = genmd(*command, "--help")
    assert result.exit_code == 0
    assert f"Example: genmd {' '.join(command)} --" in said(result)
    assert "Next: genmd" in said(result)
    assert "Raises" not in said(result)


def test_help_shows_file_names_as_they_are():
    assert "run-*.dcd (training data), hot-*.dcd" in said(genmd("simulate", "--help"))
    assert "*.jsonl, the course of the fit" in said(genmd("train", "torsions", "--help"))
