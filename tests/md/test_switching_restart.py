"""Runs with switches continue from checkpoints and States, and after being killed, to the bit."""

import signal
import subprocess
import sys
from pathlib import Path

import openmm
import pytest

from .switching_run import N_STEPS, make_simulation, run
from .switching_systems import PROTOCOLS

ROOT = Path(__file__).parents[2]
CHILD = """
import pathlib, sys
from tests.md.switching_run import run
run(pathlib.Path(sys.argv[1]), sys.argv[2], killed_at=14)
"""


def outcome(simulation, snapshot):
    """Everything that a continued run must reproduce."""
    integrator = simulation.integrator
    statistics = integrator.getStatistics()
    last = integrator.getLastJump()
    counts = (statistics.attempted, statistics.accepted, statistics.sum_probability)
    jump = (last.index, last.step, last.work_kj_per_mol, last.log_ratio, last.switching_steps)
    return snapshot(simulation.context), counts, statistics.switching_steps, jump


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_run_killed_in_the_middle_of_a_switch_resumes(name, tmp_path, snapshot):
    folders = [tmp_path / "whole", tmp_path / "killed"]
    for folder in folders:
        folder.mkdir()
    whole = run(folders[0], name)
    command = [sys.executable, "-c", CHILD, str(folders[1]), name]
    killed = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT
    )
    assert (killed.returncode, killed.stderr) == (-signal.SIGKILL, "")
    resumed = run(folders[1], name, seed=77)
    assert outcome(resumed, snapshot) == outcome(whole, snapshot)
    # From the checkpoint at step 50 on: the jumps 10 to 13 of the killed process are made again.
    assert [r.step for r in resumed.integrator.getRecords(10)] == list(range(55, N_STEPS + 1, 5))
    assert 0 < whole.integrator.getNumJumpsAccepted() < N_STEPS // 5


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("kind", ["State", "Checkpoint"])
def test_files_of_a_simulation_continue_in_a_new_one(kind, name, tmp_path, snapshot):
    first = make_simulation(name, 4)
    first.step(47)
    getattr(first, f"save{kind}")(str(tmp_path / "file"))
    first.step(63)
    second = make_simulation(name, 9)
    getattr(second, f"load{kind}")(str(tmp_path / "file"))
    second.step(63)
    assert outcome(first, snapshot) == outcome(second, snapshot)


def test_a_context_that_goes_back_repeats_its_switches(snapshot):
    """The second Context, where switches happen, keeps nothing from one to the next."""
    simulation = make_simulation("alchemical", 4)
    simulation.step(23)
    checkpoint = simulation.context.createCheckpoint()
    ends = []
    for _ in range(2):
        simulation.step(60)
        ends.append(outcome(simulation, snapshot))
        simulation.context.loadCheckpoint(checkpoint)
    assert ends[0] == ends[1]


def test_reinitialize_in_the_middle_of_a_run(snapshot):
    simulations = [make_simulation("springs", 4) for _ in range(2)]
    for simulation in simulations:
        simulation.step(33)
    simulations[0].context.reinitialize(preserveState=True)
    for simulation in simulations:
        simulation.step(51)
    ends = [outcome(simulation, snapshot) for simulation in simulations]
    assert ends[0] == ends[1]


def test_the_parameters_of_the_moment_are_those_of_the_switch(positions_of):
    """A field that a Context parameter turns on after the first switch counts in the next ones."""
    simulation = make_simulation("morph", 4)
    system = simulation.system
    field = openmm.CustomExternalForce("strength*x")
    field.addGlobalParameter("strength", 0.0)
    field.addParticle(0, [])
    system.addForce(field)
    simulation.context.reinitialize(preserveState=True)
    simulation.step(5)
    assert abs(simulation.integrator.getLastJump().work_kj_per_mol) < 100
    simulation.context.setParameter("strength", 2500.0)
    side = positions_of(simulation.context)[0, 0] > 0
    simulation.step(5)
    # The leap goes to the other side: the work is 2500 kJ/mol/nm times about 0.4 nm.
    work = simulation.integrator.getLastJump().work_kj_per_mol
    assert work == pytest.approx(-1000 if side else 1000, abs=250)
