"""JumpReporter: every attempt once, in a file that says what it is."""

import csv
import io

import openmm
import pytest
from openmm import app

from openmm_genmd import JumpReporter
from openmm_genmd.md.jump_reporter import JUMP_COLUMNS


@pytest.fixture
def simulate(well, jumping, stepper):
    """Simulation of two particles; keywords go to the integrator."""

    def make(proposer=stepper, **settings) -> app.Simulation:
        topology = app.Topology()
        residue = topology.addResidue("X", topology.addChain())
        for name in ("A", "B"):
            topology.addAtom(name, app.element.carbon, residue)
        reference = openmm.Platform.getPlatformByName("Reference")
        simulation = app.Simulation(topology, well(), jumping(proposer, **settings), reference)
        simulation.context.setPositions([[0, 0, 0], [0.1, 0, 0]])
        simulation.context.setVelocitiesToTemperature(300.0, 1)
        return simulation

    return make


def rows_of(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "# grade: exact"
    assert tuple(lines[1].split(",")) == JUMP_COLUMNS
    return list(csv.DictReader(lines[1:]))


def test_rows_are_the_records(tmp_path, simulate):
    simulation = simulate(triesPerJump=2)
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 20))
    simulation.step(200)
    rows, records = rows_of(tmp_path / "jumps.csv"), simulation.integrator.getRecords()
    assert len(rows) == len(records) == 80
    for row, record in zip(rows, records, strict=True):
        assert int(row["step"]) == record.step
        assert row["accepted"] == str(int(record.accepted))
        assert row["reason"] == record.reason
        for column in ("probability", "work_kj_per_mol", "log_ratio"):
            assert float(row[column]) == getattr(record, column)
        for column in ("model_seconds", "energy_seconds", "bookkeeping_seconds"):
            assert float(row[column]) == pytest.approx(getattr(record, column), rel=1e-3)
    assert {row["accepted"] for row in rows} == {"0", "1"}


@pytest.mark.parametrize("report_interval", [1, 3, 5, 7, 50])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_no_attempt_is_lost_or_doubled(report_interval, chunk, tmp_path, simulate):
    simulation = simulate()
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", report_interval))
    for _ in range(100 // chunk):
        simulation.step(chunk)
    due = 100 // report_interval * report_interval
    steps = [int(row["step"]) for row in rows_of(tmp_path / "jumps.csv")]
    assert steps == list(range(5, due + 1, 5))


def test_several_reporters_each_write_everything(tmp_path, simulate):
    simulation = simulate()
    for name, interval in (("a", 10), ("b", 25)):
        simulation.reporters.append(JumpReporter(tmp_path / name, interval))
    simulation.step(50)
    assert rows_of(tmp_path / "a") == rows_of(tmp_path / "b")
    assert len(rows_of(tmp_path / "a")) == 10


def test_it_starts_with_the_jumps_after_it_was_added(tmp_path, simulate):
    simulation = simulate()
    simulation.step(50)
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 10))
    simulation.step(20)
    assert [row["step"] for row in rows_of(tmp_path / "jumps.csv")] == ["55", "60", "65", "70"]


def test_more_attempts_between_reports_than_are_kept_by_default(tmp_path, simulate, stayer):
    simulation = simulate(stayer, triesPerJump=7000)
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 50))
    simulation.step(50)
    assert len(rows_of(tmp_path / "jumps.csv")) == 70_000


def test_it_goes_on_after_the_statistics_were_reset(tmp_path, simulate):
    simulation = simulate()
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 10))
    simulation.step(40)
    simulation.integrator.resetStatistics()
    simulation.step(80)
    steps = [int(row["step"]) for row in rows_of(tmp_path / "jumps.csv")]
    assert steps == list(range(5, 121, 5))


@pytest.mark.parametrize("steps_before", [20, 80])
def test_it_goes_on_after_a_checkpoint_was_loaded(steps_before, tmp_path, simulate):
    """Whether the checkpoint knows of more attempts than were written, or of fewer."""
    simulation = simulate()
    simulation.step(50)
    checkpoint = simulation.context.createCheckpoint()
    simulation.context.reinitialize()
    simulation.context.setPositions([[0, 0, 0], [0.1, 0, 0]])
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 10))
    simulation.step(steps_before)
    simulation.context.loadCheckpoint(checkpoint)
    simulation.step(20)
    steps = [int(row["step"]) for row in rows_of(tmp_path / "jumps.csv")]
    assert steps == [*range(5, steps_before + 1, 5), 55, 60, 65, 70]


def test_appending_continues_a_file_without_a_second_header(tmp_path, simulate):
    for _ in range(2):
        simulation = simulate()
        reporter = JumpReporter(tmp_path / "jumps.csv", 10, append=True)
        simulation.reporters.append(reporter)
        simulation.step(20)
        reporter.close()
    assert [row["step"] for row in rows_of(tmp_path / "jumps.csv")] == ["5", "10", "15", "20"] * 2


def test_without_append_a_file_is_replaced(tmp_path, simulate):
    (tmp_path / "jumps.csv").write_text("old\n")
    simulation = simulate()
    simulation.reporters.append(JumpReporter(str(tmp_path / "jumps.csv"), 10))
    simulation.step(10)
    assert len(rows_of(tmp_path / "jumps.csv")) == 2


def test_runs_of_different_grade_are_not_mixed(tmp_path, simulate, proposing, stayer):
    (tmp_path / "jumps.csv").write_text("# grade: exact\n")
    stayer.grade = "exploratory"
    simulation = simulate(stayer, grade="exploratory")
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 10, append=True))
    with pytest.raises(ValueError, match="begins with '# grade: exact', but this run would write"):
        simulation.step(10)
    assert (tmp_path / "jumps.csv").read_text() == "# grade: exact\n"


def test_an_open_file_stays_open(simulate):
    out = io.StringIO()
    simulation = simulate()
    reporter = JumpReporter(out, 10)
    simulation.reporters.append(reporter)
    simulation.step(10)
    reporter.close()
    assert out.getvalue().splitlines()[0] == "# grade: exact"
    assert len(out.getvalue().splitlines()) == 4


@pytest.mark.parametrize("interval", [0, -5])
def test_the_interval_must_be_positive(interval, tmp_path):
    with pytest.raises(
        ValueError, match=f"reportInterval must be a positive integer, got {interval}"
    ):
        JumpReporter(tmp_path / "jumps.csv", interval)
    assert not (tmp_path / "jumps.csv").exists()


def test_other_integrators_are_refused(tmp_path, alanine, langevin):
    topology, system, positions_nm = alanine
    reference = openmm.Platform.getPlatformByName("Reference")
    simulation = app.Simulation(topology, system, langevin(), reference)
    simulation.context.setPositions(positions_nm)
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 10))
    message = (
        "needs a Simulation whose integrator is a GenerativeJumpIntegrator, got LangevinMiddle"
    )
    with pytest.raises(ValueError, match=message):
        simulation.step(10)
