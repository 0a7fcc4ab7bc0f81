"""The page on unbinding paths: complete, offline, graded, escaped."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import openmm_genmd.unbinding
from openmm_genmd.unbinding.channels import find_channels
from openmm_genmd.unbinding.ligand_paths import on_receptor
from openmm_genmd.unbinding.residue_contacts import residue_contacts
from openmm_genmd.unbinding.success import share_interval, success_at_k
from openmm_genmd.unbinding.unbinding_figures import (
    break_even,
    break_even_figure,
    channel_colors,
    contact_figure,
    residue_figure,
    shooting_figure,
    success_figure,
    work_figure,
)
from openmm_genmd.unbinding.unbinding_report import (
    UnbindingReport,
    render_unbinding_report,
    write_unbinding_report,
)
from openmm_genmd.unbinding.unbinding_tables import (
    METHODS,
    channel_table,
    method_table,
    outcome_table,
)
from openmm_genmd.unbinding.verification import Shots

from .made_up_paths import portal_path, tube_complex

VIEWER = Path(openmm_genmd.unbinding.__file__).parent / "viewer"
EVIL = "</script><script>alert(1)</script> & \"b\" 'c'"
SHOOTING = {0: [Shots(0.0, 8, 0, 8), Shots(0.5, 8, 3, 1), Shots(1.0, 8, 8, 0)]}
BASELINES = {
    "metadynamics": {
        "success_at_1": 1.0,
        "tries": 3,
        "stable_exits": 3,
        "seconds_per_stable_exit": 44.0,
        "force_evaluations_per_stable_exit": 52_000.0,
        "work_kcal_per_mol": None,
    },
    "metadynamics_naive": {"success_at_1": 0.0, "seconds_per_stable_exit": None},
    EVIL: {"success_at_1": 0.5},
}
SUMMARY = {
    "success_at_10": 0.99,
    "seconds_per_stable_exit": 4.0,
    "force_evaluations_per_stable_exit": 5100.0,
    "work_kcal_per_mol": [52.0, 11.0],
    "clash_score": 0.2,
    "bond_mae_angstrom": 0.031,
}


@pytest.fixture(scope="module")
def bound():
    return tube_complex(name=f"tube {EVIL}", residue="R<b>")


@pytest.fixture(scope="module")
def paths(bound):
    rng = np.random.default_rng(3)
    kinds = [{}] * 6 + [
        {"stable_exit": False},
        {"status": "gave up", "stable_exit": None, "refused_leaps": {EVIL: 3}, "leaps": 4},
    ]
    return [portal_path(bound, n, 1 - 2 * (n % 2), rng, **kind) for n, kind in enumerate(kinds)]


@pytest.fixture(scope="module")
def channels(bound, paths):
    return find_channels(paths, bound)


@pytest.fixture(scope="module")
def page(bound, paths, tmp_path_factory) -> str:
    file = tmp_path_factory.mktemp("report") / "unbinding.html"
    report = UnbindingReport(
        bound,
        paths,
        settings={EVIL: EVIL},
        summary=SUMMARY,
        baselines=BASELINES,
        shooting=SHOOTING,
        charged_core_seconds=400.0,
        notes=[EVIL],
    )
    write_unbinding_report(report, file)
    assert [found.name for found in file.parent.iterdir()] == ["unbinding.html"]
    return file.read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Tags in order, their attributes, and the content of scripts."""

    void = frozenset({"meta", "img", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data) -> None:
        if self.open[-1:] == ["script"]:
            self.scripts[-1] += data


def test_the_grade_is_said_at_the_top_and_in_each_caption(page: str) -> None:
    assert page.index("Grade: exploratory.") < page.index("<section>")
    assert "carries no Boltzmann weight and no rate" in page
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page)
    assert len(captions) == 6
    assert all("Exploratory: paths carry no Boltzmann weight" in text for text in captions)


def test_every_figure_says_the_grade(bound, paths, channels) -> None:
    figures = [
        work_figure(paths, channels),
        contact_figure(paths, channels, bound),
        residue_figure(paths, channels, bound),
        success_figure(8, 6),
        break_even_figure(400.0, 4.0, {"metadynamics": 44.0}),
        shooting_figure(SHOOTING),
    ]
    for figure in figures:
        assert "exploratory (a path has no Boltzmann weight and no rate)" in figure.get_suptitle()


def test_the_page_opens_offline(page: str) -> None:
    policy = page.index("Content-Security-Policy")
    assert policy < page.index("<script")
    assert "default-src 'none'" in page[policy : policy + 200]
    for tag, attributes in Reader(page).attributes:
        for name in ("src", "href", "srcset", "data", "action"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, name)
    library = (VIEWER / "3Dmol-min.js").read_text(encoding="utf-8")
    license_text = (VIEWER / "3Dmol-LICENSE.txt").read_text(encoding="utf-8")
    assert library in page
    assert license_text in page
    rest = page.replace(library, "").replace(license_text, "")
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest", rest)


def test_names_are_escaped(page: str) -> None:
    reader = Reader(page)
    assert reader.unbalanced + reader.open == []
    assert len(reader.scripts) == 3
    assert not any("alert(1)" in script for script in reader.scripts[1:])
    rest = page.replace(reader.scripts[0], "")
    assert "<script>alert" not in rest
    assert rest.count("&lt;script&gt;alert(1)") >= 5
    assert json.loads(reader.scripts[0])["residues"][0][0] == "R<b>"


def test_the_scene_is_what_was_found(page: str, bound, paths, channels) -> None:
    scene = json.loads(Reader(page).scripts[0])
    middle = bound.positions_nm[bound.receptor].mean(axis=0)

    def unpacked(text: str) -> np.ndarray:
        raw = np.frombuffer(base64.b64decode(text), "<i2").reshape(-1, 3)
        return raw / 1000 + middle

    assert scene["protein"] is False
    assert unpacked(scene["start"]) == pytest.approx(bound.positions_nm, abs=6e-4)
    assert [sum(scene["atoms"]["ligand"]), len(scene["atoms"]["element"])] == [4, 44]
    for drawn, channel in zip(scene["channels"], channels, strict=True):
        movie, path = drawn["movie"], paths[channel.representative]
        frames = on_receptor(path.frames_nm, bound)
        assert movie["number"] == path.number
        assert movie["frames"] == list(range(45))
        found = unpacked(movie["coordinates"]).reshape(frames.shape)
        assert found == pytest.approx(frames, abs=6e-4)
        assert movie["work"][-1] == pytest.approx(path.total_work_kcal_per_mol)
        assert len(drawn["tubes"]) == len(channel.paths)
        centres = on_receptor(paths[channel.paths[0]].frames_nm, bound)[:, bound.ligand].mean(
            axis=1
        )
        assert unpacked(drawn["tubes"][0]) == pytest.approx(centres, abs=6e-4)
        assert unpacked(drawn["mean"]) == pytest.approx(channel.mean_path_nm, abs=6e-4)


@pytest.mark.skipif(
    shutil.which("node") is None,
    reason="the syntax of the page's scripts is checked with node, which is not installed",
)
def test_the_scripts_are_sound(page: str, tmp_path: Path) -> None:
    for n, script in enumerate(Reader(page).scripts[1:]):
        file = tmp_path / f"{n}.js"
        file.write_text(script, encoding="utf-8")
        subprocess.run(["node", "--check", str(file)], check=True, capture_output=True)


def test_the_viewer_is_the_published_one() -> None:
    readme = (VIEWER / "README.txt").read_text(encoding="utf-8")
    (stated,) = re.findall(r"sha256: (\w{64})", readme)
    assert hashlib.sha256((VIEWER / "3Dmol-min.js").read_bytes()).hexdigest() == stated


def test_methods_are_compared(page: str) -> None:
    rows = {row[0]: row[1:] for row in method_table(SUMMARY, BASELINES).rows}
    assert rows["this search"][1:5] == ("0.99", "4.0", "5,100", "52 (11)")
    assert rows[METHODS["metadynamics"]][0] == "1.00 [0.29, 1.00], 3 of 3"
    assert rows[METHODS["metadynamics_naive"]] == ("0.00", *["none"] * 8)
    assert rows[EVIL][0] == "0.50"
    assert "0.75 [0.35, 0.97], 6 of 8" in page
    assert "they pay after 10 stable exits" in page


def test_methods_that_are_cheaper_are_called_so(bound, paths) -> None:
    report = UnbindingReport(
        *(bound, paths[:2]),
        summary=SUMMARY,
        baselines={"pull": {"seconds_per_stable_exit": 2.0}},
        charged_core_seconds=400.0,
    )
    text = render_unbinding_report(report)
    assert "Against straight pulls of equal length (2.0 s an exit) they never pay." in text


def test_tables_count_what_became_of_walkers(paths, channels) -> None:
    rows = dict(outcome_table(paths).rows)
    expected = {"out, and stays out": "6", "out, but comes back": "1", "gave up": "1"}
    assert {name: rows[name] for name in expected} == expected
    assert rows[f"leaps refused: {EVIL}"] == "3"
    table = {row[0]: row[1:] for row in channel_table(channels, paths).rows}
    assert table["channel 1"][:3] == ("0, 2, 4", "50% [19%, 81%]", "52 (2)")


def test_work_and_contacts_are_drawn_as_they_are(bound, paths, channels) -> None:
    axes = work_figure(paths, channels).axes[0]
    thick = [line for line in axes.lines if line.get_linewidth() == 2.5]
    assert [line.get_ydata()[-1] for line in thick] == pytest.approx([52.0, 53.0])
    assert [line.get_color() for line in thick] == channel_colors(channels)
    assert len(axes.lines) == len(paths) + len(channels)
    axes = contact_figure(paths, channels, bound).axes[0]
    medians = [line.get_ydata() for line in axes.lines if line.get_linewidth() == 2.5]
    most = residue_contacts(bound.positions_nm[None], bound).sum()
    for median, channel in zip(medians, channels, strict=True):
        starts = [residue_contacts(paths[n].frames_nm[:1], bound).sum() for n in channel.paths]
        assert median[0] == np.median(starts) / most
        assert median[-1] == 0.0


def test_success_and_shots_are_drawn_with_their_intervals() -> None:
    line = success_figure(8, 6).axes[0].lines[0]
    expected = [success_at_k(8, 6, k) for k in range(1, 9)]
    assert line.get_ydata() == pytest.approx(expected)
    (bars,) = shooting_figure(SHOOTING).axes[0].containers
    ends = [segment[:, 1] for segment in bars.lines[2][0].get_segments()]
    assert ends[1] == pytest.approx(share_interval(8, 3))


def test_break_even_is_where_the_lines_cross() -> None:
    axes = break_even_figure(400.0, 4.0, {"metadynamics": 44.0}).axes[0]
    ours, theirs = (line.get_xydata() for line in axes.lines)
    n = break_even(400.0, 4.0, 44.0)
    assert np.interp(n, *ours.T) == pytest.approx(np.interp(n, *theirs.T))
    assert n < ours[-1, 0]


def test_without_exits_the_page_says_so(bound, paths) -> None:
    text = render_unbinding_report(UnbindingReport(bound, paths[7:]))
    assert "No path leads out: there are no channels." in text
    assert "0.00 [0.00, 0.97], 0 of 1" in text
    assert "3Dmol" not in text


def test_what_makes_no_sense_is_refused(bound, paths) -> None:
    with pytest.raises(ValueError, match="a report needs at least one path, got none"):
        UnbindingReport(bound, [])
    with pytest.raises(ValueError, match=r"every path needs a number of its own, got \[0, 0\]"):
        UnbindingReport(bound, [paths[0], paths[0]])
    with pytest.raises(ValueError, match=r"there are shots from paths \[3\], but no such paths"):
        UnbindingReport(bound, paths[:2], shooting={3: SHOOTING[0]})
