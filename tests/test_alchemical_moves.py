"""The benchmark of rotamer changes in water, with settings so small that nothing is measured."""

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
def side_chain():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        return importlib.import_module("rotamer_methods").SideChain.make(200)


def energy_of(system, positions, parameters):
    integrator = openmm.VerletIntegrator(0.001)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, integrator, platform, {"Threads": "1"})
    context.setPositions(positions)
    for name, value in parameters.items():
        context.setParameter(name, value)
    return context.getState(energy=True).getPotentialEnergy()._value


def test_box_holds_l_isoleucine_in_water(side_chain):
    box = side_chain.box
    atoms = [atom for atom in box.topology.atoms() if atom.residue.name == "ILE"]
    index = {atom.name: atom.index for atom in atoms}

    def torsion(*names):
        return math.degrees(dihedral(*(box.positions_nm[index[name]] for name in names)))

    # (2S, 3S): the other diastereomers have the other sign.
    gammas = torsion("N", "CA", "CB", "CG2") - torsion("N", "CA", "CB", "CG1")
    assert (gammas + 180) % 360 - 180 == pytest.approx(-120, abs=25)
    assert torsion("C", "N", "CA", "CB") == pytest.approx(-120, abs=25)
    assert [index[n] for n in ("N", "CA", "CB", "CG1")] == list(side_chain.chi1.atoms)
    assert set(side_chain.alchemical_atoms) == {
        i for n, i in index.items() if n not in ("N", "H", "CA", "HA", "CB", "C", "O")
    }
    edge_nm = box.system.getDefaultPeriodicBoxVectors()[0][0]._value
    waters = (box.system.getNumParticles() - box.n_solute) / 3
    assert waters / (edge_nm**3 - 0.27) == pytest.approx(33, abs=1)


@pytest.mark.parametrize("with_chi2", [False, True])
def test_leaps_turn_chi1_and_can_be_undone(benchmark, side_chain, with_chi2):
    representation = side_chain.representation
    start = side_chain.box.positions_nm[list(representation.particles)]
    leap = benchmark("rotamer_methods").RotamerLeap(representation, with_chi2)
    turns, ends = set(), []
    rng = np.random.default_rng(1)
    for _ in range(60):
        proposal = leap.propose(start, None, rng)
        assert proposal.log_ratio == 0.0
        ends.append(proposal.positions)
        change = representation.encode(proposal.positions) - representation.encode(start)
        turns.add(tuple(np.rint(np.degrees(change)).astype(int) % 360))
    names = [torsion.name.split()[0] for torsion in representation.torsions]
    turned = {(t[names.index("chi1")], t[names.index("chi2")]) for t in turns}
    assert turned == {(a, b) for a in (120, 240) for b in ((0, 120, 240) if with_chi2 else (0,))}
    assert len(turned) == len(turns)
    back = [leap.propose(ends[0], None, rng).positions for _ in range(60)]
    assert min(np.abs(y - start).max() for y in back) < 1e-12


def test_alchemical_system_starts_as_the_real_one(benchmark, side_chain):
    protocol = benchmark("alchemical_moves").switching(side_chain)
    box, kt = side_chain.box, 2.494
    real = energy_of(box.system, box.positions_nm, {})
    start = {name: values[0] for name, values in protocol.parameters.items()}
    leap = {name: values[-1] for name, values in protocol.parameters.items()}
    assert start == {"lambda_electrostatics": 1.0, "lambda_sterics": 1.0}
    assert leap == {"lambda_electrostatics": 0.0, "lambda_sterics": pytest.approx(0.3)}
    energies = [energy_of(protocol.system, box.positions_nm, at) for at in (start, leap)]
    assert energies[0] == pytest.approx(real, abs=0.1 * kt)
    assert abs(energies[1] - real) > kt


def test_bias_fills_the_wells_and_ends_before_the_borders(benchmark, side_chain):
    methods = benchmark("rotamer_methods")
    assert [methods.bias_kt(well, 5.0) for well in (60, 180, 300)] == pytest.approx([5.0] * 3)
    borders = [methods.bias_kt(border + d, 5.0) for border in (0, 120, 240) for d in (-23, 23)]
    assert borders == [0.0] * 6
    run, box = methods.PlainMD(side_chain, 5.0), side_chain.box
    added = energy_of(run._biased_system(), box.positions_nm, {}) - energy_of(
        box.system, box.positions_nm, {}
    )
    chi1_deg = float(side_chain.chi1_deg(box.positions_nm))
    assert methods.bias_kt(chi1_deg, 5.0) > 0.1
    assert added / methods.KT_KJ == pytest.approx(methods.bias_kt(chi1_deg, 5.0), abs=0.01)


def test_recrossings_are_no_moves(benchmark, side_chain):
    run = benchmark("rotamer_methods").PlainMD(side_chain)
    seen = [300, 250, 230, 205, 230, 290, 225, 195, 170, 190, 300]
    assert [run._arrives(chi1) for chi1 in seen] == [False] * 7 + [True, False, False, True]


def test_leaps_that_stay_in_the_well_are_no_moves(benchmark, side_chain):
    methods = benchmark("rotamer_methods")
    run = methods.Leaps(side_chain, benchmark("openmm_genmd").Instantaneous(), 10)
    positions = side_chain.box.positions_nm[: side_chain.box.n_solute]
    other = run._proposer.propose(positions, None, np.random.default_rng(1)).positions
    run.probabilities = [0.0]
    run._observe(np.stack([positions, positions]), np.array([0.75, 0.25]))
    assert run.probabilities == [0.0]
    run._observe(np.stack([positions, other]), np.array([0.75, 0.25]))
    assert run.probabilities == [0.25]


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


def test_json_has_what_is_promised(benchmark, monkeypatch, side_chain, tmp_path):
    program, file = benchmark("alchemical_moves"), tmp_path / "moves.json"
    monkeypatch.setattr(program, "SWITCH_STEPS", 20)
    monkeypatch.setattr(program, "ROUNDS", 2)
    monkeypatch.setattr(program.SideChain, "make", lambda steps: side_chain)
    result = CliRunner().invoke(program.app, ["--json", str(file), "--minutes", "0.03"])
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
    assert written["methods"]["AlchemicalSwitching"]["attempts"] >= 2
    # Accelerated MD counts for much more than the time that it took.
    assert written["methods"]["MD, accelerated"]["minutes"] > 10 * 0.03 * 0.2
    assert "moves per minute" in result.output


def test_help_teaches(benchmark):
    output = CliRunner().invoke(benchmark("alchemical_moves").app, ["--help"]).output
    assert "hyperdynamics" in output
    assert "--minutes" in output
