"""``genmd msm`` from the shell, on trajectories whose transition matrix is known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import mdtraj
import numpy as np
import pytest
from openmm import app, unit
from typer.testing import CliRunner

from openmm_genmd.cli.main import app as command
from openmm_genmd.data.structures import load_structure
from openmm_genmd.msm.state_map import StateMap
from openmm_genmd.msm.transition_model import TransitionModel
from openmm_genmd.representations.residue_data import open_residue_data
from openmm_genmd.representations.torsions import TorsionRepresentation
from tests.msm.chains import metropolis_matrix, simulate_chains

POPULATIONS = np.array([0.5, 0.3, 0.2])
MATRIX = metropolis_matrix(POPULATIONS, step=0.1)
BASINS = np.array([[-1.4, 2.4], [-1.4, -0.6], [1.0, 0.6]])
FEW = ("--n-states", "3", "--n-microstates", "12", "--lag-time-ps", "10")


def genmd(*arguments: str | Path):
    return CliRunner().invoke(command, ["msm", *(str(a) for a in arguments)])


def said(result) -> str:
    """Everything printed, on one line and without colors."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def write(folder: Path, name: str, chains: np.ndarray, suffix: str = "xtc") -> list[Path]:
    """Trajectories of alanine dipeptide that hop between basins of phi and psi as the chains do."""
    topology, positions_nm = load_structure("alanine-dipeptide")
    representation = TorsionRepresentation.from_topology(topology)
    rng = np.random.default_rng(len(chains))
    files = []
    for i, chain in enumerate(chains):
        torsions = BASINS[chain] + rng.normal(0, 0.1, (len(chain), 2))
        frames = np.stack([representation.decode(t, positions_nm) for t in torsions])
        trajectory = mdtraj.Trajectory(frames, mdtraj.Topology.from_openmm(topology))
        trajectory.time = 5.0 * np.arange(len(chain))
        files.append(folder / f"{name}-{i}.{suffix}")
        trajectory.save(str(files[-1]))
    with (folder / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(topology, positions_nm * unit.nanometer, file)
    return files


@pytest.fixture(scope="module")
def chains():
    return simulate_chains(MATRIX, 4, 900, seed=0)


@pytest.fixture(scope="module")
def files(chains, tmp_path_factory):
    folder = tmp_path_factory.mktemp("msm") / "ala"
    folder.mkdir()
    return write(folder, "r", chains)


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "msm"
    result = genmd(*(x for f in files for x in ("--trajectory", f)), "--out", out, *FEW)
    assert result.exit_code == 0, result.output
    return out, said(result)


def test_the_folder_has_model_data_and_report(made, chains):
    out, text = made
    model, data = TransitionModel.load(out / "model.npz"), open_residue_data(out)
    assert data.lengths == (900,) * 4
    assert data.frame_interval_ps == 5.0
    assert (model.lag_frames, model.n_states) == (2, 3)
    np.testing.assert_array_equal(model.labels, chains.ravel())  # the most populated first
    exact = np.linalg.matrix_power(MATRIX, 2)
    error = np.sqrt(exact * (1 - exact) / (POPULATIONS[:, None] * 1800))
    assert (np.abs(model.transition_matrix - exact) < 3.5 * error + 1e-12).all()
    assert "3 states with equilibrium populations of" in text
    assert "Chapman-Kolmogorov test passed" in text
    assert "look at" in text


def test_the_summary_and_the_report_are_of_the_model(made):
    out, _ = made
    numbers = json.loads((out / "msm.json").read_text())
    assert numbers["title"] == "ala"
    assert numbers["lag_time_ps"] == 10.0
    exact = -5.0 / np.log(np.sort(np.linalg.eigvals(MATRIX).real)[::-1][1:])
    np.testing.assert_allclose(numbers["timescales_ps"], exact, rtol=0.25)
    assert numbers["settings"]["features"] == "torsions"
    assert "<h1>ala</h1>" in (out / "report.html").read_text()
    assert not list(out.glob("*.partial"))


def test_states_of_other_frames_come_from_the_map(made, chains):
    from openmm_genmd.msm.kinetic_features import TorsionFeatures

    out, _ = made
    data = open_residue_data(out)
    features = TorsionFeatures(data.torsions_rad, data.lengths)[2]
    labels = StateMap.load(out / "states.npz").assign(features)
    np.testing.assert_array_equal(labels, chains[2])


def test_shape_is_another_way(files, tmp_path, chains):
    result = genmd(
        *("--trajectory", files[0].parent, "--out", tmp_path, "--features", "shape", *FEW),
        *("--stride", "2", "--name", "a peptide", "--min-crossings", "0"),
    )
    assert result.exit_code == 0, result.output
    model = TransitionModel.load(tmp_path / "model.npz")
    assert model.lag_frames == 1
    assert len(model.labels) == 1800
    # The radius of gyration tells the extended basin from the others.
    extended = np.bincount(model.labels[chains[:, ::2].ravel() == 0], minlength=3)
    assert extended.max() > 0.8 * extended.sum()
    assert open_residue_data(tmp_path).name == "a peptide"


def test_disconnected_data_leave_no_model(made, files, tmp_path):
    parts = write(tmp_path, "part", np.repeat([[0], [2]], 300, axis=1))
    out = tmp_path / "msm"
    out.mkdir()
    for name in ("model.npz", "msm.json"):
        (out / name).write_bytes((made[0] / name).read_bytes())
    result = genmd(*(x for f in parts for x in ("--trajectory", f)), "--out", out, *FEW)
    assert result.exit_code == 1
    assert "genmd msm: disconnected: the trajectories do not connect 2 sets" in said(result)
    for replica in (0, 1):
        assert f"50.0 % in replica {replica}" in said(result)
    assert not {"model.npz", "msm.json"} & {path.name for path in out.iterdir()}


def test_undersampled_data_are_refused(tmp_path):
    chain = np.repeat([0, 2, 0], [300, 200, 250])[None]
    (file,) = write(tmp_path, "once", chain)
    result = genmd("--trajectory", file, "--out", tmp_path / "msm", *FEW)
    assert result.exit_code == 1
    assert re.search(r"undersampled: .* with 26\.\d % of the frames .* left 1 time", said(result))


def test_a_dcd_file_needs_its_interval(chains, tmp_path):
    (file,) = write(tmp_path, "a", chains[:1], "dcd")
    result = genmd("--trajectory", file, "--out", tmp_path / "msm", *FEW)
    assert result.exit_code == 1
    assert "is not in the files; give it with --frame-interval-ps" in said(result)
    given = ("--frame-interval-ps", "5", "--temperature-k", "310", "--min-crossings", "0")
    result = genmd("--trajectory", file, "--out", tmp_path / "msm", *FEW, *given)
    assert result.exit_code == 0, result.output
    assert open_residue_data(tmp_path / "msm").temperature_k == 310.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--lag-time-ps", "12"), "should be a multiple of the 5 ps .*got 12; choose .* 10"),
        (("--lag-time-ps", "1"), "should be a multiple of the 5 ps .*got 1; choose .* 5"),
        (("--n-states", "40"), "--n-states should be less than or equal to 16, got 40"),
        (("--lag-time-ps", "9000"), "at least one replica of more than 1800 frames, the lag"),
        (("--frame-interval-ps", "2"), "expected one time between frames, got 2, 5 ps"),
    ],
)
def test_bad_options_are_explained(files, tmp_path, options, message):
    result = genmd("--trajectory", files[0], "--out", tmp_path / "msm", *options)
    assert result.exit_code == 1
    assert re.search(f"genmd msm: .*{message}", said(result))


def test_help_teaches_with_an_example():
    text = said(genmd("--help"))
    assert "Example: genmd msm --trajectory" in text
    assert "Next: look at msm/report.html" in text
    assert "Raises" not in text
