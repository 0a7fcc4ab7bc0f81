"""The jump log, read back whole, cut off and broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from openmm_genmd.analysis.jump_log import JumpLog, read_jump_log
from openmm_genmd.md.jump_reporter import JUMP_COLUMNS
from openmm_genmd.proposers.proposer import RUN_GRADES

HEADER = ",".join(JUMP_COLUMNS)
WriteLog = Callable[..., Path]
ROW = "50,1,0.8,1.2,0.3,,0.001,0.0002,0.0001,1000,2.5"


def test_reads_what_was_written(log: JumpLog) -> None:
    assert log.grade == "exact"
    assert len(log) == 100
    assert log.acceptance == pytest.approx(0.6)
    assert log.rejections() == {"strain": 30, "ratio": 9, "not finite": 1}
    assert log.step[0] == 50
    assert log.energy_seconds.sum() == pytest.approx(0.02)


def test_acceptance_over_time_keeps_the_mean(log: JumpLog) -> None:
    steps, acceptance = log.acceptance_over_time(10)
    assert acceptance.mean() == pytest.approx(log.acceptance)
    assert np.all(np.diff(steps) > 0)


def test_not_finite_values_are_read(write_log: WriteLog) -> None:
    row = "50,0,0,inf,nan,not finite,0.001,0.0002,0.0001,40,nan"
    log = read_jump_log(write_log([row]))
    assert np.isinf(log.work_kj_per_mol[0])
    assert np.isnan(log.log_ratio[0])
    assert np.isnan(log.shadow_work_kj_per_mol[0])


def test_what_a_switch_cost_is_read(write_log: WriteLog) -> None:
    log = read_jump_log(write_log([ROW, ROW.replace("1000,2.5", "1025,-0.5")]))
    assert log.switching_steps.tolist() == [1000, 1025]
    assert log.shadow_work_kj_per_mol.tolist() == [2.5, -0.5]


@pytest.mark.parametrize("grade", RUN_GRADES)
def test_every_grade_of_a_run_is_read(write_log: WriteLog, grade: str) -> None:
    assert read_jump_log(write_log([ROW], grade)).grade == grade


def test_truth_may_be_spelt_out(write_log: WriteLog) -> None:
    log = read_jump_log(write_log([ROW.replace("50,1", "50,True")]))
    assert log.accepted.tolist() == [True]


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "jumps.csv"
    path.write_text(f"# grade: path\n{HEADER}\n{ROW}\n100,1,0.", encoding="utf-8")
    log = read_jump_log(path)
    assert (len(log), log.grade) == (1, "path")


def test_an_empty_log(write_log: WriteLog) -> None:
    log = read_jump_log(write_log([]))
    assert np.isnan(log.acceptance)
    with pytest.raises(ValueError, match="holds no attempts"):
        log.acceptance_over_time()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected '# grade: '"),
        ("# grade: fine\n", "line 1: expected '# grade: '"),
        ("# grade: exact\n", "line 2: expected the columns"),
        ("# grade: exact\nstep,accepted\n", "line 2: expected the columns"),
        (
            f"# grade: exact\n{HEADER}\n1,2,3\n",
            "line 3: expected 11 values as in the header, got 3",
        ),
        (f"# grade: exact\n{HEADER}\n{ROW.replace('0.8', 'x')}\n", "line 3.*could not convert"),
        (f"# grade: exact\n{HEADER}\n{ROW.replace('50,1', '50,2')}\n", "must be 0 or 1, got '2'"),
        (f"# grade: exact\n{HEADER}\n{ROW.replace('50,1', '50,0')}\n", "has no reason"),
    ],
)
def test_broken_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "jumps.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_jump_log(path)
