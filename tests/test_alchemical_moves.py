"""The benchmark of cis and trans proline, with settings so small that nothing is measured."""

from __future__ import annotations

import importlib
import json
import math
from pathlib import Path

import numpy as np
import openmm
import pytest
from typer.testing import CliRunner

from openmm_genmd.representations.dihedrals import dihedral

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    """Import a program of ``benchmarks/``."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture(scope="module")
def bonds():
    """Return the molecule with its bond cis, and trans."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        make = importlib.import_module("proline_methods").PeptideBond.make
        return [make(200, cis=cis) for cis in (True, False)]


@pytest.fixture(scope="module")
def bond(bonds):
    return bonds[1]


def energy_of(system, positions, parameters):
    integrator = openmm.VerletIntegrator(0.001)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPositions(positions)
    for name, value in parameters.items():
        context.setParameter(name, value)
    return context.getState(energy=True).getPotentialEnergy()._value


def test_boxes_hold_l_proline_in_water(bonds):
    for bond, omega_deg in zip(bonds, (0.0, 180.0), strict=True):
        box = bond.box
        atoms = [atom for atom in box.topology.atoms() if atom.residue.name == "PRO"]
        index = {atom.name: atom.index for atom in atoms}
        corners = (box.positions_nm[index[name]] for name in ("C", "N", "CA", "CB"))
        assert math.degrees(dihedral(*corners)) == pytest.approx(-120, abs=25)
        distance = (float(bond.omega_deg(box.positions_nm)) - omega_deg + 180) % 360 - 180
        assert abs(distance) < 40
        assert len(bond.alchemical_atoms) == 6
        edge_nm = box.system.getDefaultPeriodicBoxVectors()[0][0]._value
        waters = (box.system.getNumParticles() - box.n_solute) / 3
        assert waters / (edge_nm**3 - 0.23) == pytest.approx(33, abs=1)


def test_the_alchemical_group_is_neutral(bond):
    nonbonded = next(f for f in bond.box.system.getForces() if f.getName() == "NonbondedForce")
    charges = [nonbonded.getParticleParameters(i)[0]._value for i in bond.alchemical_atoms]
    assert sum(charges) == pytest.approx(0, abs=1e-6)
    assert max(charges) > 0.5


def test_a_leap_turns_omega_alone_and_is_its_own_inverse(benchmark, bond):
    representation = bond.representation
    start = bond.box.positions_nm[list(representation.particles)]
    leap = benchmark("proline_methods").Flip(representation, bond.which)
    rng = np.random.default_rng(1)
    there = leap.propose(start, None, rng)
    change = representation.encode(there.positions) - representation.encode(start)
    expected = [180.0 * (i == bond.which) for i in range(len(change))]
    assert np.abs(np.degrees(change)) % 360 == pytest.approx(expected, abs=1e-6)
    assert there.log_ratio == 0.0
    back = leap.propose(there.positions, None, rng)
    assert np.abs(back.positions - start).max() < 1e-12


def test_alchemical_system_starts_as_the_real_one(benchmark, bond):
    protocol = benchmark("alchemical_moves").switching(bond)
    box, kt = bond.box, 2.494
    real = energy_of(box.system, box.positions_nm, {})
    start = {name: values[0] for name, values in protocol.parameters.items()}
    leap = {name: values[-1] for name, values in protocol.parameters.items()}
    assert start == {"lambda_electrostatics": 1.0, "lambda_sterics": 1.0}
    assert leap == {"lambda_electrostatics": 0.0, "lambda_sterics": pytest.approx(0.1)}
    energies = [energy_of(protocol.system, box.positions_nm, at) for at in (start, leap)]
    assert energies[0] == pytest.approx(real, abs=0.1 * kt)
    assert abs(energies[1] - real) > kt


def test_bias_fills_the_wells_and_ends_before_the_borders(benchmark, bond):
    methods = benchmark("proline_methods")
    assert [methods.bias_kt(well, 5.0) for well in (0, 180, 360)] == pytest.approx([5.0] * 3)
    borders = [methods.bias_kt(border + d, 5.0) for border in (90, 270) for d in (-18, 18)]
    assert borders == pytest.approx([0.0] * 4)
    run, box = methods.PlainMD(bond, 5.0), bond.box
    added = energy_of(run._biased_system(), box.positions_nm, {}) - energy_of(
        box.system, box.positions_nm, {}
    )
    omega_deg = float(bond.omega_deg(box.positions_nm))
    assert methods.bias_kt(omega_deg, 5.0) > 0.1
    assert added / methods.KT_KJ == pytest.approx(methods.bias_kt(omega_deg, 5.0), abs=0.01)


def test_recrossings_are_no_moves(benchmark, bond):
    run = benchmark("proline_methods").PlainMD(bond)
    seen = [170, 130, 85, 60, 95, 200, 100, 40, 25, 350, 80, 175]
    assert [run._arrives(omega) for omega in seen] == [False] * 8 + [True, False, False, True]


def test_only_leaps_to_the_other_well_are_moves(benchmark, bond):
    methods = benchmark("proline_methods")
    run = methods.Leaps(bond, benchmark("openmm_genmd").Instantaneous(), 10)
    positions = bond.box.positions_nm[: bond.box.n_solute]
    flip = methods.Flip(bond.representation, bond.which)
    other = flip.propose(positions, None, np.random.default_rng(1)).positions
    run.probabilities = [0.0]
    run._observe(np.stack([positions, positions]), np.array([0.75, 0.25]))
    assert run.probabilities == [0.0]
    run._observe(np.stack([positions, other]), np.array([0.75, 0.25]))
    assert run.probabilities == [0.25]


def test_time_is_shared_by_both_starts(benchmark):
    class Counting(benchmark("proline_methods").Leaps):
        def __init__(self, moves):
            self.moves = moves

        def turn(self, seconds):
            return self.moves, seconds

    both = benchmark("proline_methods").FromBoth(Counting(3.0), Counting(1.0))
    assert both.turn(10.0) == (4.0, 10.0)


def test_error_of_a_rate(benchmark):
    """Poisson counts: the error of a rate is that of the square root of the count."""
    counts = np.random.default_rng(1).poisson(20, 200)
    turns = benchmark("alchemical_moves").Turns()
    for count in counts:
        turns.add(float(count), 30.0)
    rate, error = turns.per_minute
    assert rate == pytest.approx(counts.sum() / 100)
    assert error == pytest.approx(rate / math.sqrt(counts.sum()), rel=0.15)


def test_gain_over_few_moves_has_an_error_and_a_limit(benchmark):
    program = benchmark("alchemical_moves")
    first, own = program.Turns([2.0, 4.0], [60.0, 60.0]), program.Turns([0.2, 0.2], [60.0, 60.0])
    gain = program.gain_over(own, first)
    assert gain["gain"] == pytest.approx(15.0)
    # Rates left out are 4 and 2: their standard deviation is 1, that of the other rate is 0.
    assert gain["gain_error"] == pytest.approx(5.0)
    assert gain["gain_at_least"] == pytest.approx(3 * 2 / (0.4 + 3 + 2 * math.sqrt(0.4)))
    assert set(program.gain_over(program.Turns([0.0, 0.0], [60.0, 60.0]), first)) == {
        "gain_at_least"
    }


def test_json_has_what_is_promised(benchmark, monkeypatch, bonds, tmp_path):
    program, file = benchmark("alchemical_moves"), tmp_path / "moves.json"
    monkeypatch.setattr(program, "SWITCH_STEPS", 20)
    monkeypatch.setattr(program, "ROUNDS", 2)
    monkeypatch.setattr(program.PeptideBond, "make", lambda steps, cis: bonds[not cis])
    result = CliRunner().invoke(program.app, ["--json", str(file), "--minutes", "0.04"])
    assert result.exit_code == 0, result.output
    written = json.loads(file.read_text())
    assert written["grade"] == "exact"
    assert set(written["methods"]) == set(program.SHARES)
    for name, method in written["methods"].items():
        rate, error = method["moves_per_minute"]
        assert 0 <= rate < 1000
        assert error >= 0
        assert rate == pytest.approx(method["moves"] / method["minutes"])
        assert name == "AlchemicalSwitching" or "gain" in method or "gain_at_least" in method
    for start in ("cis", "trans"):
        assert written["methods"]["AlchemicalSwitching"][f"attempts_from_{start}"] >= 2
    # Accelerated MD counts for much more than the time that it took.
    assert written["methods"]["MD, accelerated"]["minutes"] > 10 * 0.04 * 0.2
    assert "moves per" in result.output


def test_help_teaches(benchmark):
    output = CliRunner().invoke(benchmark("alchemical_moves").app, ["--help"]).output
    assert "hyperdynamics" in output
    assert "--minutes" in output
