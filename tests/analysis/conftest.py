"""Jump logs for the tests of the analysis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from openmm_genmd.analysis.jump_log import JumpLog, read_jump_log
from openmm_genmd.md.jump_reporter import JUMP_COLUMNS

WriteLog = Callable[..., Path]


@pytest.fixture
def write_log(tmp_path: Path) -> WriteLog:
    """Writes a jump log with the given rows and returns its path."""

    def write(rows: list[str], grade: str = "exact") -> Path:
        path = tmp_path / "jumps.csv"
        lines = [f"# grade: {grade}", ",".join(JUMP_COLUMNS), *rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def log(write_log: WriteLog) -> JumpLog:
    """A hundred attempts: 60 accepted, 30 strained, 9 of asymmetric ratio, 1 not finite."""
    rng = np.random.default_rng(3)
    reasons = [""] * 60 + ["strain"] * 30 + ["ratio"] * 9 + ["not finite"]
    order = rng.permutation(100)
    rows = [
        f"{50 * (i + 1)},{int(reasons[k] == '')},{rng.uniform():.3f},1.5,-0.2,{reasons[k]},"
        "0.001,0.0002,0.0001,0,nan"
        for i, k in enumerate(order)
    ]
    return read_jump_log(write_log(rows))
