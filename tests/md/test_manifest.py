"""The manifest comes back as written, and other files are refused."""

import pytest

from openmm_genmd.md.manifest import Manifest, read_manifest
from openmm_genmd.md.simulation_plan import SimulationPlan

PLAN = SimulationPlan(hot_temperatures_k=(500.0, 700.0), runs=3)
MANIFEST = Manifest(
    plan=PLAN, system_sha256="a", positions_sha256="b", openmm="8.6", data_seconds=0.1 + 0.2
)


def test_round_trip(tmp_path):
    assert read_manifest(tmp_path) is None
    MANIFEST.save(tmp_path)
    assert read_manifest(tmp_path) == MANIFEST
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_differences_are_named_except_the_time():
    other = MANIFEST.model_copy(update={"data_seconds": 7.0})
    assert MANIFEST.differences(other) == []
    other = other.model_copy(update={"openmm": "8.7", "plan": SimulationPlan()})
    assert MANIFEST.differences(other) == ["openmm", "plan"]


@pytest.mark.parametrize("content", [b"", b'{"plan": {}}', b"[]", b"\xff\xfe"])
def test_a_foreign_manifest_is_refused(tmp_path, content):
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"manifest\.json is not a manifest of genmd simulate"):
        read_manifest(tmp_path)
