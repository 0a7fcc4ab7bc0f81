"""Two processes take the same steps as one with the same batches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch

from openmm_genmd.training.distributed import Processes, training_processes

from .stand_ins import short, trainer

ROOT = Path(__file__).parents[2]


def test_two_processes_train_as_one(tmp_path):
    one, two = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    command = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = str(ROOT / "tests/training/train_line.py")
    done = subprocess.run(
        [sys.executable, "-m", *command, script, str(two), "30"],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("threads: 0") == 2
    trainer(one, short(steps=30)).run()
    for suffix in (".safetensors", ".last.safetensors"):
        mine, other = (safetensors.torch.load_file(p.with_suffix(suffix)) for p in (one, two))
        for name, tensor in mine.items():
            torch.testing.assert_close(other[name], tensor, rtol=1e-12, atol=1e-14)
    logs = [
        [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]
        for path in (one, two)
    ]
    assert len(logs[0]) == len(logs[1])  # one process writes
    for mine, other in zip(*logs, strict=True):
        for key in ("step", "loss", "gradient_norm", "validation_loss"):
            assert other.get(key, 0.0) == pytest.approx(mine.get(key, 0.0), rel=1e-6)


def test_every_row_belongs_to_one_process():
    parts = [Processes(rank, 3, torch.device("cpu")).rows(10) for rank in range(3)]
    assert [row for part in parts for row in part] == list(range(10))
    with pytest.raises(ValueError, match="a batch of 2 cannot be divided among 3 processes"):
        Processes(0, 3, torch.device("cpu")).rows(2)


def test_missing_devices_are_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with (
        pytest.raises(ValueError, match="cuda:1 needs GPU number 1, but 1 are there"),
        training_processes("cuda:1"),
    ):
        pass
    with (
        pytest.raises(ValueError, match="--device must be cpu or cuda, got 'abacus'"),
        training_processes("abacus"),
    ):
        pass
