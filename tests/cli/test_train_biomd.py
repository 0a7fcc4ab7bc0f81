"""``genmd train biomd`` from the shell."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app
from openmm_genmd.data.unbinding_writer import UnbindingWriter
from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.representations.carried_hydrogens import CarriedHydrogens
from openmm_genmd.training.bio_md_folders import read_complexes

from ..representations.small_complexes import (
    heavy_positions_nm,
    leaving,
    small_complex,
    small_ligand,
    small_topology,
)


def genmd(*arguments: object):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def said(result) -> str:
    """Everything printed, on one line and without colours."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m", "", result.output).split())


def all_atoms(heavy: np.ndarray) -> np.ndarray:
    """Frames (T, 29, 3) with hydrogens somewhere near."""
    carried = CarriedHydrogens.of(small_topology(), small_complex().particles)
    now = np.zeros((29, 3))
    now[carried.particles] = heavy_positions_nm()
    parents = carried.particles[carried.anchors[:, 0]]
    rng = np.random.default_rng(0)
    arms = rng.normal(size=(len(parents), 3))
    arms *= 0.1 / np.linalg.norm(arms, axis=1, keepdims=True)
    now[carried.hydrogens] = now[parents] + arms
    return carried.rebuild(now, heavy)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("paths") / "data"
    frames = [all_atoms(leaving(30, d, seed=n)) for n, d in enumerate(np.eye(3))]
    writer = UnbindingWriter(path, "ring", small_topology(), small_ligand(), frames[0][0])
    facts = [(90.0, True), (150.0, True), (60.0, False)]
    for seed, (some, (work, stable)) in enumerate(zip(frames, facts, strict=True)):
        writer.append(
            some,
            method="pull",
            seed=seed,
            frame_interval_ps=0.5,
            work_kcal_per_mol=work,
            stable_exit=stable,
        )
    return path


def train(folder: Path, out: Path, *more: object):
    return genmd(
        *("train", "biomd", folder, "--out", out, "--batch-size", "2", "--steps", "2"),
        *("--coarse-factor", "4", "--block-frames", "2", "--progress-frames", "16", *more),
    )


def test_from_a_folder_to_a_checkpoint(folder, tmp_path):
    out = tmp_path / "new" / "a.safetensors"
    result = train(folder, out, "--parameterisation", "abs", "--history-frames", "1")
    assert result.exit_code == 0, result.output
    assert "ring: 2 trajectories of 10 heavy atoms, 4 of them the ligand's" in said(result)
    told = r"best validation loss [\d.]+ at step 2 of 2, \d+ s with 1 process; time: \w+ \d+ %"
    assert re.search(told, said(result))
    checkpoint = load_checkpoint(out, BioMD)
    model = checkpoint.model.config
    assert (model.parameterisation, model.coarse_factor, model.block_frames) == ("abs", 4, 2)
    assert checkpoint.metadata["folders"] == [str(folder)]
    result = train(
        *(folder, out, "--parameterisation", "abs", "--history-frames", "1"),
        *("--resume", "--steps", "3"),
    )
    assert result.exit_code == 0, result.output
    rows = [json.loads(row) for row in out.with_suffix(".jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 3]


def test_what_is_learned_from(folder):
    def numbers(**options):
        (source,) = read_complexes(folder, progress_frames=None, **options)
        straight = [p[-1, 6:].mean(axis=0) - p[0, 6:].mean(axis=0) for p in source.positions_nm]
        return [int(np.argmax(np.abs(d))) for d in straight]

    assert numbers() == [0, 1]
    assert numbers(stable_exits_only=False) == [0, 1, 2]
    assert numbers(highest_work_kcal_per_mol=100.0) == [0]
    (by_time,) = read_complexes(folder, progress_frames=None)
    assert [len(p) for p in by_time.positions_nm] == [30, 30]
    assert by_time.unsmoothed_nm is None
    np.testing.assert_allclose(by_time.positions_nm[0], leaving(30, [1.0, 0, 0], seed=0), atol=1e-6)
    (by_progress,) = read_complexes(folder, progress_frames=16)
    assert len(by_progress.unsmoothed_nm) == 2
    steps = np.linalg.norm(np.diff(by_progress.positions_nm[0][:, 6:].mean(axis=1), axis=0), axis=1)
    assert steps.std() < 0.1 * steps.mean()
    (pocket,) = read_complexes(folder, pocket_nm=0.5)
    assert len(pocket.atoms) == 10


def test_what_does_not_fit_is_said(folder, tmp_path):
    out = tmp_path / "a.safetensors"
    for arguments, message in (
        ((folder, tmp_path / "a.pt"), "--out must end in .safetensors, got"),
        ((folder, out, "--size", "huge"), "--size must be tiny or paper, got 'huge'"),
        ((folder, out, "--parameterisation", "x"), "--parameterisation must be rel or abs, got"),
        (
            (folder, out, "--max-work-kcal-per-mol", "10"),
            "none of the 3 trajectories of ring",
        ),
        ((folder, out, "--coarse-factor", "20"), "the longest trajectory has"),
        ((folder, out, "--pocket-nm", "0.01"), "no residue has a heavy atom within 0.01 nm"),
        ((tmp_path / "none", out), "none"),
    ):
        result = train(*arguments)
        assert result.exit_code == 1, result.output
        assert message in said(result)


def test_frames_at_different_intervals(folder, tmp_path):
    path = tmp_path / "mixed"
    frames = all_atoms(leaving(30, [0, 0, 1.0], seed=1))
    writer = UnbindingWriter(path, "ring", small_topology(), small_ligand(), frames[0])
    for seed, interval in enumerate((0.5, 1.0)):
        writer.append(frames, method="pull", seed=seed, frame_interval_ps=interval)
    with pytest.raises(ValueError, match=r"frames every 0.5, 1 ps; expected one interval"):
        read_complexes(path, progress_frames=None)
    assert read_complexes(path, progress_frames=16)[0].frame_interval_ps is None
