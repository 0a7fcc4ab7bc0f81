"""``genmd train blocks`` from the shell."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from openmm_genmd import BlockProposer, load_proposer
from openmm_genmd.cli.main import app
from openmm_genmd.data.structures import load_structure
from openmm_genmd.models.block_transformer import BlockTransformer
from openmm_genmd.models.checkpoint import load_checkpoint

from ..training.dipeptide_folder import write_folder


def genmd(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def said(result) -> str:
    """Everything printed, on one line and without colours."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def train(data: Path, out: Path, *more: object):
    return genmd(
        *("train", "blocks", "--data", data, "--out", out, "--batch-size", "8", "--width", "16"),
        *("--steps", "4", "--layers", "1", "--nodes", "12", *more),
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("blocks") / "msm", n_frames=60)


@pytest.fixture(scope="module")
def model(data) -> Path:
    out = data.parent / "new" / "a.safetensors"
    result = train(data, out, "--uniform-fraction", "0.2")
    assert result.exit_code == 0, result.output
    assert "molecules: A" in said(result)
    told = (
        r"best validation loss (1\.\d+) at step 4 of 4, (-?[\d.]+) nats per torsion better than "
        r"uniform, \d+ s with 1 process; time: "
    )
    loss, gain = map(float, re.search(told, said(result)).groups())
    assert gain == pytest.approx(math.log(2 * math.pi) - loss, abs=1e-3)
    return out


def test_the_checkpoint_makes_leaps(model):
    checkpoint = load_checkpoint(model, BlockTransformer)
    assert checkpoint.metadata["temperature_k"] == 300.0
    assert checkpoint.metadata["sequences"] == ["A"]
    assert checkpoint.model.config.uniform_fraction == 0.2
    proposer = load_proposer(model, load_structure("alanine-dipeptide")[0])
    assert isinstance(proposer, BlockProposer)
    present = {file.name for file in model.parent.iterdir()}
    assert present == {"a.safetensors", "a.last.safetensors", "a.jsonl", "a.state"}


def test_training_goes_on_and_starts_from_another(data, model):
    result = train(data, model, "--resume", "--uniform-fraction", "0.2", "--steps", "6")
    assert result.exit_code == 0, result.output
    rows = [json.loads(row) for row in model.with_suffix(".jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 6]
    out = model.with_name("b.safetensors")
    result = train(data, out, "--start-from", model, "--validation", data)
    assert result.exit_code == 0, result.output
    assert load_checkpoint(out, BlockTransformer).metadata["validation_sequences"] == ["A"]


def test_what_does_not_fit_is_said(data, tmp_path):
    for arguments, message in (
        ((data, tmp_path / "a.pt"), "--out must end in .safetensors, got"),
        ((tmp_path, tmp_path / "a.safetensors"), "a folder without the files that genmd simulate"),
        ((tmp_path / "x", tmp_path / "a.safetensors"), "--data is one that genmd simulate or"),
    ):
        result = train(*arguments)
        assert result.exit_code == 1
        assert message in said(result)
