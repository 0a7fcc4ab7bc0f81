"""The wheel: what is in it, what it links, and that it works away from the source tree."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PROGRAM = """
import sys
# The editable installation would answer first.
sys.meta_path = [f for f in sys.meta_path if "Redirect" not in type(f).__name__]
import openmm_genmd
from openmm_genmd import load_proposer
from openmm_genmd.data.structures import load_structure
topology, _ = load_structure("alanine-dipeptide")
print(openmm_genmd.__file__, load_proposer("alanine-dipeptide", topology).grade)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build a wheel as a user's pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(folder), str(ROOT)], check=True, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_what_the_package_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for wanted in (
        r"openmm_genmd/_core\..*\.so",
        r"openmm_genmd/lib/libOpenMMGenMD\.so",
        r"openmm_genmd/lib/plugins/libOpenMMGenMDCUDA\.so",
        r"openmm_genmd/include/genmd/GenerativeJumpIntegrator\.h",
        r"openmm_genmd/proposers/checkpoints/alanine-dipeptide\.safetensors",
        r"openmm_genmd/proposers/checkpoints/tetrapeptides\.safetensors",
        r"openmm_genmd/proposers/checkpoints/tetrapeptide-blocks\.safetensors",
        r"openmm_genmd/proposers/checkpoints/cb7-b2\.safetensors",
        r"openmm_genmd/data/structures/alanine-dipeptide\.pdb",
        r"openmm_genmd/unbinding/viewer/3Dmol-min\.js",
        r"openmm_genmd/unbinding/viewer/3Dmol-LICENSE\.txt",
        r"openmm_genmd/unbinding/viewer/channels\.js",
        r"openmm_genmd/py\.typed",
        r".*/licenses/LICENSE",
    ):
        assert any(re.fullmatch(wanted, name) for name in names), wanted
    assert not any(name.startswith(("tests", "benchmarks", "plugin")) for name in names)


def test_the_wheel_is_small_but_for_the_bundled_models(wheel):
    with zipfile.ZipFile(wheel) as archive:
        sizes = {item.filename: item.compress_size for item in archive.infolist()}
    models = sum(size for name, size in sizes.items() if name.endswith(".safetensors"))
    assert models < 4_300_000
    assert sum(sizes.values()) - models < 1_750_000


def test_no_compiled_code_links_torch(wheel):
    with zipfile.ZipFile(wheel) as archive:
        libraries = {n: archive.read(n) for n in archive.namelist() if n.endswith(".so")}
    assert len(libraries) >= 3  # the core, the extension, CUDA, and OpenCL where its headers are
    for content in libraries.values():
        assert b"libOpenMM.so" in content
        assert b"libtorch" not in content
        assert b"libc10" not in content


def test_the_wheel_works_away_from_the_source_tree(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "openmm_genmd" / "__init__.py"), "exact"]
