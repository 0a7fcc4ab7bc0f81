"""The comparison on peptides: observables, agreement, TIC-0, and a short run."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import peptide_hybrid
import typer
from peptide_hybrid_agreement import Estimate, disagreements, estimate, largest_score
from peptide_hybrid_observables import PeptideObservables, SlowDirection, is_share
from peptide_hybrid_reference import STORED, Reference, measure
from peptide_hybrid_results import METHODS, ratio_at_least

from openmm_genmd.md.peptide_input import peptide_input


def test_a_ratio_over_next_to_nothing_is_judged_by_its_least_value():
    # 3.6 +- 4.9 may be 8.5, and the ratio therefore 53; to first order it would be 144 +- 196.
    assert ratio_at_least((518.0, 66.0), (3.6, 4.9)) == pytest.approx(452 / 8.5)
    assert ratio_at_least((10.0, 20.0), (1.0, 0.5)) < 0  # nothing is known


def test_what_was_never_seen_has_an_error_nevertheless():
    never = estimate([np.zeros(1_000)] * 3, [None] * 3, [100.0] * 3)
    assert never.value == 0
    assert never.error == pytest.approx(0.0098 / 3**0.5, rel=0.02)


def test_errors_of_estimates_are_those_of_independent_repetitions():
    rng = np.random.default_rng(9)
    chains = lfilter([1.0], [1.0, -0.9], rng.normal(size=(100, 4, 3_000)))
    runs = [estimate(list(each), [None] * 4, [150] * 4) for each in chains]
    spread = np.std([run.value for run in runs])
    assert spread * 0.9 < np.mean([run.error for run in runs]) < spread * 1.6


def of(value, error, *others):
    """An estimate whose chains are as given, or all alike."""
    return Estimate(value, error, 1.0, others or ((value, 2 * error),) * 3)


def test_chains_and_methods_that_differ_are_named():
    fine = {"alpha": of(0.5, 0.01), "salt bridge": of(0.2, 0.01)}
    effective = {"hybrid": [50.0] * 3, "uniform": [40.0] * 3}
    assert disagreements({"hybrid": fine, "uniform": fine}, effective) == {}
    other = fine | {"salt bridge": of(0.3, 0.01)}
    found = disagreements({"hybrid": fine, "uniform": other}, effective)
    assert list(found) == ["salt bridge"]
    assert "hybrid and uniform differ by 7.1" in found["salt bridge"]
    split = fine | {"alpha": of(0.5, 0.1, (0.1, 0.02), (0.7, 0.02), (0.7, 0.02))}
    found = disagreements({"hybrid": split, "uniform": fine}, effective)
    assert list(found) == ["alpha"]
    assert "of hybrid differ by 21.2" in found["alpha"]
    assert largest_score(fine, other) == ("salt bridge", pytest.approx(7.07, abs=0.01))


def test_chains_of_few_samples_have_not_converged_however_well_they_agree():
    fine = {"alpha": of(0.5, 0.01)}
    found = disagreements(
        {"hybrid": fine, "uniform": fine}, {"hybrid": [50.0] * 3, "uniform": [40.0, 3.2, 40.0]}
    )
    assert found == {"TIC-0": "only 3.2 in a chain of uniform effective samples, 10 needed"}


def test_observables_of_a_peptide_with_charges():
    given = peptide_input("KPDE")
    observables = PeptideObservables(given)
    assert "salt bridge LYS 2-GLU 5" in observables.names
    assert "alpha PRO 3" in observables.names
    assert "phi PRO 3 > 0" not in observables.names
    frames = given.positions_nm[None].repeat(2, axis=0)
    index = {(a.residue.name, a.name): a.index for a in given.topology.atoms()}
    frames[1, index["LYS", "NZ"]] = frames[1, index["GLU", "OE2"]] + [0.0, 0.0, 0.44]
    bridged = observables.measure(frames)["salt bridge LYS 2-GLU 5"]
    assert bridged.tolist() == [0.0, 1.0]
    turned = 2.0 * frames[:1]
    assert observables.measure(turned)["end-to-end nm"] == pytest.approx(
        2 * observables.measure(frames[:1])["end-to-end nm"]
    )
    assert [n for n in observables.names if not is_share(n)] == [
        "end-to-end nm",
        "radius of gyration nm",
    ]


def test_a_flipped_ring_is_the_same_conformation():
    given = peptide_input("AF")
    observables = PeptideObservables(given)
    index = {(a.residue.name, a.name): a.index for a in given.topology.atoms()}
    flipped = given.positions_nm[None].copy()
    for one, other in (("CD1", "CD2"), ("HD1", "HD2"), ("CE1", "CE2"), ("HE1", "HE2")):
        pair = [index["PHE", one], index["PHE", other]]
        flipped[:, pair] = flipped[:, pair[::-1]]
    slow = SlowDirection(np.zeros(12), np.arange(12.0))
    tic = [slow.of(observables.folded_rad(x))[0] for x in (given.positions_nm[None], flipped)]
    assert tic[0] == pytest.approx(tic[1], abs=0.1)
    unfolded = [slow.of(observables.angles_rad(x))[0] for x in (given.positions_nm[None], flipped)]
    assert abs(unfolded[0] - unfolded[1]) > 3


def test_tic_0_is_the_torsion_that_changes_between_runs_but_not_within():
    given = peptide_input("AA")
    observables, rng = PeptideObservables(given), np.random.default_rng(10)
    slow = observables.torsions.index("psi ALA 3")

    def frames(n, side):
        angles = np.array(observables.angles_rad(given.positions_nm[None])).repeat(n, axis=0)
        angles += 0.5 * rng.normal(size=angles.shape)
        angles[:, slow] = np.where(side, -0.7, 2.4) + 0.2 * rng.normal(size=n)
        moved = list(observables.representation.particles)
        found = given.positions_nm[None].repeat(n, axis=0)
        found[:, moved] = observables.representation.decode(angles, found[0, moved])
        return found

    pieces = [frames(60, np.full(60, n % 4 == 0)) for n in range(40)]
    runs = [frames(600, rng.random(600) < 0.25) for _ in range(2)]
    found = measure(given, runs, pieces)
    assert observables.torsions[found.variables[0]] == "psi ALA 3"
    assert found.explained["psi ALA 3"] > 0.95
    alpha, state = found.estimates["alpha ALA 3"], found.estimates["TIC-0 state"]
    assert min(abs(state.value - p) for p in (alpha.value, 1 - alpha.value)) < 0.01
    assert abs(alpha.value - 0.25) < 4 * alpha.error < 0.1
    again = Reference.of_json(json.loads(json.dumps(found.to_json())))
    assert again.target == found.target
    np.testing.assert_allclose(again.slow.vector, found.slow.vector, atol=1e-6)


def test_stored_references_are_read():
    for sequence, stored in json.loads(STORED.read_text()).items():
        reference = Reference.of_json(stored)
        assert reference.target.variance > 0, sequence
        assert reference.target.low < reference.target.middle < reference.target.high
        assert reference.timescale_ps > 10
        assert len(reference.slow.vector) == 2 * len(reference.explained)


def command(*options):
    application = typer.Typer()
    application.command()(peptide_hybrid.main)
    return CliRunner().invoke(application, options)


def test_a_short_comparison_writes_everything(tmp_path):
    file, figure = tmp_path / "a" / "found.json", tmp_path / "figure.png"
    options = ["--sequence", "AAAA", "--minutes", "0.1", "--model", "untrained"]
    done = command(*options, "--json", str(file), "--figure", str(figure))
    assert done.exit_code == 0, done.output
    assert "not converged" in done.output
    found = json.loads(file.read_text())
    assert set(found["ess_per_minute"]) == set(METHODS)
    assert found["grade"] == "exact"
    assert 0.02 < found["acceptance"] < 0.9
    assert found["converged"] is False
    assert found["not_converged"]
    for method in METHODS:
        assert len(found["chains"][method]) == 3
        for chain in found["chains"][method]:
            assert chain["minutes"] == pytest.approx(0.1 / 12, rel=0.5)
            assert chain["crossings"] or chain["effective_samples"] <= 1
            assert 0 < chain["effective_samples"] <= chain["frames"]
        named = found["populations"][method]
        assert {"end-to-end nm", "TIC-0 state", "phi ALA 2 > 0"} <= set(named)
        assert all(error > 0 for _, error in named.values())
    assert figure.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sequence", "AXA"], "one-letter codes"),
        (["--sequence", "AAAA", "--minutes", "0.01"], "too short"),
        (["--sequence", "AAAA", "--chains", "2"], "at least 3 chains"),
        (["--sequence", "AAAA", "--model", "nobody"], "no checkpoint file"),
    ],
)
def test_what_will_not_do_is_refused_in_words(tmp_path, options, message):
    done = command(*options, "--json", str(tmp_path / "found.json"))
    assert done.exit_code == 2
    assert message in " ".join(done.output.replace("│", " ").split())
    assert not list(tmp_path.iterdir())
