"""What a run keeps of what it tried: complete, bounded, without a gap or a repetition."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from openmm import app

from openmm_genmd import Proposer
from openmm_genmd.data import candidate_file
from openmm_genmd.data.candidate_file import CandidateHeader, read_rows, rows_files, rows_path
from openmm_genmd.data.structures import load_structure
from openmm_genmd.md import hybrid_run
from openmm_genmd.md.candidate_recorder import CandidateRecorder, recorded_torsions
from openmm_genmd.md.hybrid_run import HybridRun
from openmm_genmd.representations.torsions import TorsionRepresentation

from .test_hybrid_run import PDB, settings, wait_for

TOPOLOGY, POSITIONS_NM = load_structure("alanine-dipeptide")
REPRESENTATION = TorsionRepresentation.from_topology(TOPOLOGY)


def header(per_attempt=8, limit=1000):
    return CandidateHeader(
        representation=REPRESENTATION.to_dict(),
        temperature_k=300.0,
        models=(),
        per_attempt=per_attempt,
        limit=limit,
    )


def conformations(n, seed=0):
    torsions = np.random.default_rng(seed).uniform(-3, 3, (n, 2))
    return torsions, REPRESENTATION.decode(torsions, POSITIONS_NM)


def rows_of(folder):
    (path,) = rows_files(folder).values()
    return read_rows(path, 2)


def recorded(folder, steps, *, resume=False, **changes):
    given = None if resume else settings(record_candidates=True, **changes)
    run = HybridRun(folder, given, resume=resume)
    run.run(steps)
    run.close()
    return rows_of(folder)


def test_the_heaviest_candidates_of_each_attempt_are_kept(tmp_path):
    recorder = CandidateRecorder(tmp_path, header(per_attempt=2), REPRESENTATION, first_attempt=7)
    torsions, positions = conformations(4)
    recorder(positions, np.array([0.3, 0.1, 0.5995, 0.0005]))
    positions[3] = np.nan  # without weight, it may have no meaning
    recorder(positions, np.array([0.9995, 0.0, 0.0005, 0.0]))
    recorder.write()
    recorder.close()
    rows = rows_of(tmp_path)
    assert rows["attempt"].tolist() == [7, 7, 8]
    np.testing.assert_allclose(rows["weight"], [0.3, 0.5995, 0.9995], rtol=1e-6)
    np.testing.assert_allclose(rows["torsions_rad"], torsions[[0, 2, 0]], atol=1e-6)


def test_beyond_the_limit_every_second_attempt_is_dropped(tmp_path):
    recorder = CandidateRecorder(tmp_path, header(limit=10), REPRESENTATION)
    _, positions = conformations(1)
    for _ in range(45):
        recorder(positions, np.ones(1))
    assert recorder.write() == rows_path(tmp_path, 8)
    assert rows_of_all(tmp_path) == {1: 45, 2: 23, 4: 12, 8: 6}  # until the checkpoint is written
    recorder.keep_one_file()
    for _ in range(20):
        recorder(positions, np.ones(1))
    recorder.write()
    recorder.close()
    assert rows_of(tmp_path)["attempt"].tolist() == [0, 8, 16, 24, 32, 40, 48, 56, 64]


def rows_of_all(folder):
    return {stride: len(read_rows(path, 2)) for stride, path in rows_files(folder).items()}


def test_molecules_broken_by_the_box_are_made_whole(tmp_path):
    box_nm = np.diag([2.0, 2.0, 2.0])
    torsions, positions = conformations(1)
    recorder = CandidateRecorder(tmp_path, header(), REPRESENTATION, box_nm=lambda: box_nm)
    recorder((positions - positions.mean(axis=1)) % 2.0, np.ones(1))
    shifted = positions.copy()
    shifted[:, 10:] += box_nm[0]
    recorder(shifted, np.ones(1))
    recorder.write()
    recorder.close()
    for row in rows_of(tmp_path):
        np.testing.assert_allclose(row["torsions_rad"], torsions[0], atol=1e-5)


def test_a_run_in_two_parts_records_what_a_run_in_one_does(tmp_path):
    one = recorded(tmp_path / "one", 400)
    recorded(tmp_path / "two", 230)
    two = recorded(tmp_path / "two", 400, resume=True)
    np.testing.assert_array_equal(one, two)
    sums = np.bincount(one["attempt"], one["weight"])
    np.testing.assert_allclose(sums, np.ones(80), atol=3e-3)  # forty jumps of two tries
    stored = candidate_file.read_header(tmp_path / "one")
    assert [file.checkpoint for file in stored.models] == ["alanine-dipeptide"]
    assert stored.representation == REPRESENTATION.to_dict()


def test_what_a_crash_left_behind_is_not_recorded_twice(tmp_path):
    one = recorded(tmp_path / "one", 400)
    run = HybridRun(tmp_path / "two", settings(record_candidates=True))
    run.run(200)
    run.simulation.step(75)
    run._recorder.write()  # as if it had been flushed, and then killed in a row
    run.close()
    with rows_path(tmp_path / "two", 1).open("ab") as file:
        file.write(b"half")
    np.testing.assert_array_equal(one, recorded(tmp_path / "two", 400, resume=True))


@pytest.mark.parametrize("moment", ["before the checkpoint", "after the checkpoint"])
def test_killed_while_thinning(tmp_path, monkeypatch, moment):
    small = {"recorded_rows": 30}
    one = recorded(tmp_path / "one", 400, **small)
    assert next(iter(rows_files(tmp_path / "one"))) > 1
    assert len(one) <= 30
    run = HybridRun(tmp_path / "two", settings(record_candidates=True, **small))
    target = {
        "before the checkpoint": (hybrid_run, "save_restart"),
        "after the checkpoint": (CandidateRecorder, "keep_one_file"),
    }[moment]

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*target, killed)
        with pytest.raises(KeyboardInterrupt):
            run.run(400)
    run.close()
    assert len(rows_files(tmp_path / "two")) > 1
    np.testing.assert_array_equal(one, recorded(tmp_path / "two", 400, resume=True))


def test_killed_at_any_moment(tmp_path):
    folder = tmp_path / "run"
    given = ["--pdb", PDB, "--system", "amber99sbildn.xml,amber99_obc.xml", "--no-minimize"]
    given += ["--proposer", "alanine-dipeptide", "--platform", "Reference", "--record-candidates"]
    given += ["--jump-interval", "10", "--tries-per-jump", "2", "--checkpoint-interval", "100"]
    command = [sys.executable, "-m", "openmm_genmd.cli.main", "run", "--out", str(folder)]
    options = [*given, "--steps", "20000", "--recorded-rows", "100"]
    process = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)
    wait_for(folder / "restart.bin", process)
    time.sleep(0.7)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    run = HybridRun(folder, resume=True)
    steps = run.step + 200
    run.run(steps)
    run.close()
    stride = next(iter(rows_files(folder)))
    attempts = rows_of(folder)["attempt"]
    assert np.unique(attempts).tolist() == list(range(0, 2 * (steps // 10), stride))
    assert (np.diff(attempts.astype(int)) >= 0).all()


def test_nothing_is_recorded_unless_asked_for(tmp_path):
    run = HybridRun(tmp_path / "run", settings())
    run.run(40)
    run.close()
    assert not list((tmp_path / "run").glob("candidates*"))


def test_torsions_of_a_proposer_without_a_representation():
    class Still(Proposer):
        grade = "exact"

        def __init__(self, particles):
            self.particles = particles

        def propose(self, positions, box, rng):
            raise NotImplementedError

    force_field = app.ForceField("amber99sbildn.xml")
    system = force_field.createSystem(TOPOLOGY)
    assert recorded_torsions(Still(range(22)), TOPOLOGY, system) == REPRESENTATION
    with pytest.raises(
        ValueError, match=r"proposer moves 10 particles, but the molecule .* has 22"
    ):
        recorded_torsions(Still(range(4, 14)), TOPOLOGY, system)
