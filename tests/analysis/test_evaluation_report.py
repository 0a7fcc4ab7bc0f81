"""Tables, figures, the page, and summaries of several targets."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from openmm_genmd.analysis.ensemble import Ensemble, Molecule
from openmm_genmd.analysis.evaluation import EvaluationSettings, evaluate
from openmm_genmd.analysis.evaluation_figures import evaluation_figures, torsion_figure
from openmm_genmd.analysis.evaluation_report import (
    metric_tables,
    read_evaluation,
    render_evaluation,
    summary_table,
    write_json,
)
from openmm_genmd.analysis.evaluation_summary import summarize

from .switching_dipeptide import NATIVE_NM, TOPOLOGY, chain, torsions

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def evaluation(build):
    rng = np.random.default_rng(1)
    topology = build["peptide"](["ACE", *["SER"] * 12, "NME"])
    n = topology.getNumAtoms()
    molecule = Molecule.of(topology, rng.uniform(0, 1.5, size=(n, 3)))

    def ensemble(n_frames):
        phi_psi = torsions(chain(n_frames, rng), rng)
        angles = rng.uniform(-3, 3, size=(n_frames, 12, 7))
        angles[:, 0, 1:3] = phi_psi
        frames = molecule.native_angstrom + rng.normal(
            size=(n_frames, molecule.topology.n_atoms, 3)
        )
        shape = rng.uniform(0.1, 0.5, size=(n_frames, 3))
        return Ensemble(molecule, frames, angles, (n_frames,), 1.0, shape)

    settings = EvaluationSettings(
        lag_time_ps=5.0, n_states=2, n_microstates=10, max_frames=50, max_area_frames=20
    )
    return evaluate(ensemble(2000), ensemble(500), settings)


@pytest.fixture(scope="module")
def figures(evaluation):
    return evaluation_figures(evaluation)


def test_all_figures_state_the_grade(evaluation, figures):
    captions = " ".join(caption for caption, _ in figures)
    assert all(word in captions for word in ("torsions", "TICA", "Fluctuation", "Shape", "memory"))
    assert all(png.startswith(PNG) for _, png in figures)
    drawn = torsion_figure(evaluation)
    assert drawn.get_suptitle() == "grade: exploratory"
    assert len(drawn.axes) == 24  # phi, psi and chi1 of twelve serines are more


def test_histograms_are_shares(evaluation):
    counts = torsion_figure(evaluation).axes[0].patches[0].get_data().values
    assert counts.sum() == pytest.approx(1.0)


def test_the_page_is_self_contained(evaluation, figures):
    content = {"name": "<b>", **evaluation.as_dict()}
    page = render_evaluation(content, figures, beside={"MD & more": content})
    assert "Evaluation of &lt;b&gt;" in page
    assert "Generated ensemble: exploratory." in page
    assert "MD &amp; more" in page
    assert "2,000 frames in 1 replica(s), 1 ps between frames" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    for label in re.findall(r"<th[^>]*>([^<]*kcal/mol)</th>", page):
        assert "exploratory" in label or "reference" in label


def row_of(tables, label):
    return next(row for table in tables.values() for row in table.rows if row[0] == label)


def test_tables_have_errors_and_columns_beside():
    one = {
        "metrics": {"tic0_jsd": {"value": 0.2, "standard_error": 0.01}, "flux_r": {"value": None}}
    }
    other = {"metrics": {"tic0_jsd": {"value": 1.5e-4}}}
    tables = metric_tables(one, {"MD": other})
    assert row_of(tables, "JSD, TICA-0") == ("JSD, TICA-0", "0.200 ± 0.010", "", "1.50e-04")
    assert row_of(tables, "flux, Spearman r") == ("flux, Spearman r", "undefined", "", "")
    assert set(tables) == {"Distributions", "Dynamics"}


def target(**numbers):
    rmsf = np.array(numbers.pop("rmsf"))
    atoms = {"rmsf_reference_angstrom": [1.0, 2.0, 3.0], "rmsf_generated_angstrom": rmsf.tolist()}
    return {
        "name": "x",
        "metrics": {name: {"value": value} for name, value in numbers.items()},
        "heavy_atoms": atoms,
        "alpha_carbons": atoms,
    }


def test_summary_over_targets():
    values = [(1.0, 2.0), (2.0, 1.0), (4.0, 5.0)]
    cosines = [0.9, 0.2, 0.6]
    fluctuations = [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [1.0, 2.0, 4.0]]
    targets = [
        target(
            pairwise_rmsd_reference=r,
            pairwise_rmsd_generated=g,
            pc1_cosine=c,
            rmsf=f,
            tic0_jsd=None,
        )
        for (r, g), c, f in zip(values, cosines, fluctuations, strict=True)
    ]
    summary = summarize(targets)
    together = summary["over_targets"]
    assert together["pairwise_rmsd_r"] == pytest.approx(np.corrcoef(np.array(values).T)[0, 1])
    assert together["similar_first_components"] == pytest.approx(2 / 3)
    flat = np.corrcoef(np.tile([1.0, 2.0, 3.0], 3), np.ravel(fluctuations))[0, 1]
    assert together["rmsf_global_r_heavy_atoms"] == pytest.approx(flat)
    expected = np.median([1.0, -1.0, np.corrcoef([1, 2, 3], [1, 2, 4])[0, 1]])
    assert together["rmsf_per_target_r_alpha_carbons"] == pytest.approx(expected)
    found = summary["metrics"]["pairwise_rmsd_generated"]
    assert (found["median"], found["targets"]) == (2.0, 3)
    assert found["standard_error"] == pytest.approx(np.std([2, 1, 5], ddof=1) / 3**0.5)
    assert "tic0_jsd" not in summary["metrics"]
    table = summary_table(summary)
    assert ("pairwise RMSD, r over targets", f"{together['pairwise_rmsd_r']:.3f}", "", "3") in [
        tuple(row) for row in table.rows
    ]


def test_short_peptides_have_no_correlation_over_targets():
    summary = summarize([{"metrics": {"torsion_jsd": {"value": v}}} for v in (0.1, 0.2)])
    assert summary["over_targets"] == {"pairwise_rmsd_r": None, "similar_first_components": None}


def test_summaries_need_two_evaluations():
    with pytest.raises(ValueError, match="a summary needs at least 2 evaluations, got 1"):
        summarize([{"metrics": {}}])
    with pytest.raises(ValueError, match="evaluation 2 has no metrics"):
        summarize([{"metrics": {}}, {}])


def test_files(tmp_path):
    file = tmp_path / "one.json"
    write_json({"metrics": {}, "unit": "Å"}, file)
    assert read_evaluation(file) == {"metrics": {}, "unit": "Å"}
    assert list(tmp_path.iterdir()) == [file]
    with pytest.raises(FileNotFoundError, match="no evaluation at"):
        read_evaluation(tmp_path / "none.json")
    file.write_text("{")
    with pytest.raises(ValueError, match=r"cannot read .* as JSON"):
        read_evaluation(file)
    file.write_text("[]")
    with pytest.raises(ValueError, match="has no metrics; expected a JSON file of genmd evaluate"):
        read_evaluation(file)


def test_one_torsion_is_enough_for_a_figure():
    molecule = Molecule.of(TOPOLOGY, NATIVE_NM)
    rng = np.random.default_rng(2)
    frames = molecule.native_angstrom + 0.1 * rng.normal(size=(20, 10, 3))
    ensemble = Ensemble(molecule, frames, rng.uniform(-3, 3, size=(20, 1, 7)), (20,), None)
    found = evaluate(ensemble, replace(ensemble), EvaluationSettings())
    assert len(evaluation_figures(found)) == 1
