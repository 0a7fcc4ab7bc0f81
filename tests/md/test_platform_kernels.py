"""Kernel libraries are loaded where they work, and elsewhere the package says why not."""

import pytest

from openmm_genmd.md import platform_kernels
from openmm_genmd.md.platform_kernels import LOADED, PLATFORMS, available, load_kernels


def test_every_platform_has_a_state():
    states = available()
    assert tuple(states) == PLATFORMS
    for state in states.values():
        assert state == LOADED or state.startswith(("built, but", "not built: "))


def test_the_states_cannot_be_changed_from_outside():
    available()["OpenCL"] = "changed"
    assert available()["OpenCL"] != "changed"


def test_a_library_left_out_of_the_build_says_why(tmp_path):
    reason = load_kernels("OpenCL", tmp_path, {"OpenCL": "CL/opencl.h was not found"})
    assert reason == "not built: CL/opencl.h was not found"


def test_a_lost_library_is_named(tmp_path):
    assert "libOpenMMGenMDHIP.so is missing" in load_kernels("HIP", tmp_path, {})


def test_a_platform_that_openmm_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr(platform_kernels, "platform_names", lambda: ["Reference", "CPU"])
    (tmp_path / "libOpenMMGenMDCUDA.so").write_bytes(b"")
    assert load_kernels("CUDA", tmp_path, {}).startswith("built, but this OpenMM has no CUDA")


@pytest.mark.parametrize("content", [b"", b"no library"])
def test_a_damaged_library_does_not_stop_the_import(tmp_path, monkeypatch, content):
    monkeypatch.setattr(platform_kernels, "platform_names", lambda: ["CUDA"])
    (tmp_path / "libOpenMMGenMDCUDA.so").write_bytes(content)
    assert load_kernels("CUDA", tmp_path, {}).startswith("built, but could not be loaded: ")
