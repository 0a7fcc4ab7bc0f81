"""Doctor, figures and the page."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator, UniformTorsionProposer
from openmm_genmd.analysis.doctor import diagnose, verdict
from openmm_genmd.analysis.figures import (
    acceptance_figure,
    free_energy_figure,
    png_bytes,
    rejection_figure,
)
from openmm_genmd.analysis.free_energy import free_energy_profile, free_energy_surface
from openmm_genmd.analysis.html_page import TextTable
from openmm_genmd.analysis.jump_log import JumpLog
from openmm_genmd.analysis.report import RunReport, render_report, write_report
from openmm_genmd.data.structures import load_structure
from openmm_genmd.proposers.proposer import RUN_GRADES
from openmm_genmd.representations.torsions import TorsionRepresentation

PNG = b"\x89PNG\r\n\x1a\n"


def test_doctor_ranks_the_reasons(log: JumpLog) -> None:
    diagnoses = diagnose(log.rejections(), n_attempts=len(log))
    assert [d.reason for d in diagnoses] == ["strain", "ratio", "not finite"]
    assert [d.share for d in diagnoses] == pytest.approx([0.3, 0.09, 0.01])
    assert "Train longer" in diagnoses[0].remedy


@pytest.mark.parametrize(
    ("reason", "knob"), [("work", "measureShadowWork"), ("terminated", "more switching steps")]
)
def test_doctor_knows_switches(reason: str, knob: str) -> None:
    (diagnosis,) = diagnose({reason: 3}, n_attempts=4)
    assert "work" in diagnosis.meaning
    assert knob in diagnosis.remedy


def test_doctor_knows_every_reason() -> None:
    inner = openmm.LangevinMiddleIntegrator(300, 1, 0.002)
    representation = TorsionRepresentation.from_topology(load_structure("alanine-dipeptide")[0])
    integrator = GenerativeJumpIntegrator(inner, UniformTorsionProposer(representation), 10)
    reasons = dict.fromkeys(integrator.getRejections(), 1)
    diagnoses = diagnose(reasons, n_attempts=len(reasons))
    assert {"strain", "terminated"} < {d.reason for d in diagnoses}
    assert not any("unknown" in d.meaning for d in diagnoses)


def test_doctor_admits_what_it_does_not_know() -> None:
    assert "unknown" in diagnose({"odd": 1}, n_attempts=1)[0].meaning


def test_doctor_refuses_counts_that_do_not_match() -> None:
    with pytest.raises(ValueError, match="5 rejections in 4 attempts"):
        diagnose({"strain": 5}, n_attempts=4)


def test_verdicts() -> None:
    assert "No leap was attempted" in verdict(float("nan"))
    assert "Only 1.00%" in verdict(0.01)
    assert "50.0%" in verdict(0.5)


def test_figures_state_the_grade(log: JumpLog) -> None:
    phi, psi = np.random.default_rng(1).uniform(-np.pi, np.pi, size=(2, 2000))
    surface = free_energy_surface(phi, psi, temperature_k=300.0)
    profile = free_energy_profile(phi, temperature_k=300.0)
    figures = [
        acceptance_figure(log),
        rejection_figure(log),
        free_energy_figure(
            {"hybrid": surface}, {"hybrid": profile}, grade=log.grade, zero_of="hybrid"
        ),
    ]
    for figure in figures:
        assert "grade: exact" in [text.get_text() for text in figure.texts] + [
            figure.get_suptitle()
        ]
        assert png_bytes(figure).startswith(PNG)


def test_profile_band_is_two_standard_errors() -> None:
    phi = np.random.default_rng(1).uniform(-np.pi, np.pi, size=2000)
    profile = free_energy_profile(phi, temperature_k=300.0, bins=10)
    figure = free_energy_figure(
        {}, {"hybrid": profile}, grade="path", zero_of="hybrid", unavailable=["unseen"]
    )
    band = figure.axes[0].collections[0].get_paths()[0].vertices
    top = profile.free_energy_kj_per_mol + 2 * profile.standard_error_kj_per_mol
    zero = profile.free_energy_kj_per_mol.min()
    assert band[:, 1].max() == pytest.approx(top.max() - zero)
    assert "unseen" in [text.get_text() for text in figure.texts]


def test_exploratory_runs_have_no_free_energy() -> None:
    with pytest.raises(ValueError, match="not Boltzmann-distributed and has no free energy"):
        free_energy_figure({}, {}, grade="exploratory", zero_of="hybrid")


def test_page_is_complete_and_self_contained(log: JumpLog, tmp_path: Path) -> None:
    report = RunReport(
        title="Alanine <dipeptide>",
        settings={"force field": "<script>alert(1)</script>"},
        log=log,
        results={
            "Populations": TextTable(
                ("hybrid", "how"), [("alpha-left", "0.024 ± 0.001", '"blocks" & more')]
            )
        },
        figures=[("Free energy", png_bytes(acceptance_figure(log)))],
        notes=["a < b"],
    )
    path = tmp_path / "report.html"
    write_report(report, path)
    page = path.read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&quot;blocks&quot; &amp; more" in page
    assert "Grade: exact." in page
    assert "Rejection doctor" in page
    assert "0.024 ± 0.001" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert page.count("data:image/png;base64,") == 3
    assert _unbalanced(page) == []


def _unbalanced(page: str) -> list[str]:
    """Tags that are left open or closed without having been opened."""

    class Balance(HTMLParser):
        void = frozenset({"meta", "img"})

        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.wrong: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag not in self.void:
                self.open.append(tag)
            if tag == "img" and not dict(attrs).get("alt"):
                self.wrong.append("img without alt")

        def handle_endtag(self, tag: str) -> None:
            if not self.open or self.open.pop() != tag:
                self.wrong.append(tag)

    balance = Balance()
    balance.feed(page)
    return balance.wrong + balance.open


def test_page_of_a_perfect_and_of_an_empty_log(log: JumpLog) -> None:
    perfect = replace(log, accepted=np.ones(100, dtype=bool), reason=("",) * 100)
    assert "Rejection doctor" not in render_report(RunReport("t", {}, perfect))
    none = np.zeros(0)
    empty = JumpLog(
        "exact", none.astype(np.int64), none > 0, none, none, none, (), none, none, none, none, none
    )
    assert "No leap was attempted" in render_report(RunReport("t", {}, empty))


def test_exploratory_page_warns_and_takes_no_averages(log: JumpLog) -> None:
    exploratory = replace(log, grade="exploratory")
    assert "do NOT follow the Boltzmann" in render_report(RunReport("t", {}, exploratory))
    with pytest.raises(ValueError, match="leave out its populations"):
        render_report(RunReport("t", {}, exploratory, results={"P": TextTable((), [])}))


def test_page_of_switches_says_what_they_cost(log: JumpLog) -> None:
    steps = np.where(log.accepted, 1000.0, 100.0)
    shadow = np.where(log.accepted, 1.25, np.nan)
    switches = replace(log, switching_steps=steps, shadow_work_kj_per_mol=shadow)
    page = render_report(RunReport("t", {}, switches))
    assert "switching steps</th><td>640</td>" in page  # .6 * 1000 + .4 * 100
    assert "shadow work, where known</th><td>1.25 kJ/mol</td>" in page
    assert "switching steps" not in render_report(RunReport("t", {}, log))


@pytest.mark.parametrize("grade", RUN_GRADES)
def test_page_explains_every_grade(log: JumpLog, grade: str) -> None:
    page = render_report(RunReport("t", {}, replace(log, grade=grade)))
    assert f"Grade: {grade}." in page
    (css_class,) = re.findall(r'class="grade ([^"]*)"', page)
    assert " " not in css_class
    assert ("vanishes with it" in page) == grade.endswith("up to time step")
    assert ("as those of plain MD" in page) == (grade in ("exact", "path"))


def test_incomplete_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 2 texts in the row 'p', got 3"):
        TextTable(("hybrid",), [("p", "0.1", "0.2")])
