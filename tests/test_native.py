"""The version guard of the compiled extension, and what it says if there is none."""

import sys

import openmm
import pytest

from openmm_genmd.native import core, load_core, minor_version, require_same_openmm


def test_minor_version():
    assert [minor_version(text) for text in ("8.6.1", "8.6", "10.12.3.dev1")] == [
        "8.6",
        "8.6",
        "10.12",
    ]


@pytest.mark.parametrize(("built", "running"), [("8.6.1", "8.6.1"), ("8.6.0", "8.6.4")])
def test_patch_releases_fit(built, running):
    require_same_openmm(built, running)


@pytest.mark.parametrize(
    ("built", "running"), [("8.6.1", "8.7.0"), ("8.6", "9.6"), ("8.1", "8.10")]
)
def test_other_releases_are_refused_with_the_cure(built, running):
    with pytest.raises(ImportError) as caught:
        require_same_openmm(built, running)
    message = str(caught.value)
    assert f"built against OpenMM {built}, but OpenMM {running} is running" in message
    assert f"pip install 'openmm=={minor_version(built)}.*'" in message
    assert "--force-reinstall" in message


def test_the_extension_fits_the_running_openmm():
    assert load_core() is core
    assert minor_version(core.OPENMM_VERSION) == minor_version(openmm.Platform.getOpenMMVersion())


def test_a_source_tree_without_build_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "openmm_genmd._build_info", None)
    with pytest.raises(
        ImportError, match=r"not built: its compiled part is missing. Install it with"
    ):
        load_core()


def test_another_openmm_is_refused_before_the_extension_is_loaded(monkeypatch):
    monkeypatch.setattr(openmm.Platform, "getOpenMMVersion", staticmethod(lambda: "9.0.0"))
    monkeypatch.setitem(sys.modules, "openmm_genmd._core", None)
    with pytest.raises(ImportError, match=r"but OpenMM 9.0.0 is running"):
        load_core()


@pytest.mark.parametrize(
    ("work", "kt", "log_ratio", "expected"),
    [
        (0.0, 2.5, 0.0, 1.0),
        (2.5, 2.5, 0.0, 0.36787944117144233),
        (-1e9, 2.5, 0.0, 1.0),
        (1e300, 1e-10, 0.0, 0.0),
        (float("nan"), 2.5, 0.0, 0.0),
        (0.0, 2.5, float("nan"), 0.0),
        (0.0, 2.5, float("inf"), 0.0),
        (float("-inf"), 2.5, 0.0, 0.0),
        (2.5, 2.5, 1.0, 1.0),
    ],
)
def test_the_acceptance_rule(work, kt, log_ratio, expected):
    assert core.acceptance_probability(work, kt, log_ratio) == pytest.approx(expected, rel=1e-15)
