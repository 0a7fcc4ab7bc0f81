"""BioMD proposes to each walker by itself, in the walker's own frame."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.bio_md import BioMD, BioMDConfig
from openmm_genmd.models.checkpoint import save_checkpoint
from openmm_genmd.proposers.bio_md_drift import BioMDDrift
from openmm_genmd.representations.complex_atoms import ComplexAtoms

CONFIG = BioMDConfig(width=8, pair_width=4, heads=2, encoder_layers=1, trajectory_layers=1)


def drift_and_start(folder: Path) -> tuple[BioMDDrift, np.ndarray]:
    model = BioMD(CONFIG)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():  # a new model's last layer is zero, which would hide everything
        for parameter in model.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    path = folder / "random.safetensors"
    save_checkpoint(path, model, None, {"kind": "complex_trajectories"}, {})
    topology, positions_nm = build_peptide("GF")
    ligand = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    atoms = ComplexAtoms.of(topology, ligand)
    return BioMDDrift(path, atoms, steps=3), positions_nm[atoms.particles]


def rngs(*seeds: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]


def test_what_a_walker_is_proposed_does_not_depend_on_the_others(tmp_path: Path) -> None:
    drift, start = drift_and_start(tmp_path)
    other = start + np.random.default_rng(5).normal(scale=0.01, size=start.shape)
    long = np.stack([other, start])
    alone = drift.propose([long], rngs(2), 2)[0]
    together = drift.propose([start[None], long, other[None]], rngs(1, 2, 3), 2)
    np.testing.assert_allclose(together[1], alone, atol=1e-6)
    assert np.abs(together[0] - together[1]).max() > 1e-3
    again = drift.propose([start[None]], rngs(1), 2)[0]
    np.testing.assert_allclose(together[0], again, atol=1e-6)


def test_proposals_turn_with_the_walker(tmp_path: Path) -> None:
    drift, start = drift_and_start(tmp_path)
    turn = Rotation.from_euler("xyz", [0.4, -1.1, 2.0])
    proposed = drift.propose([start[None]], rngs(7), 3)[0]
    moved = drift.propose([turn.apply(start)[None] + 3.0], rngs(7), 3)[0]
    expected = np.stack([turn.apply(frame) for frame in proposed]) + 3.0
    np.testing.assert_allclose(moved, expected, atol=1e-5)


def test_rollouts_are_reproducible_and_begin_after_the_start(tmp_path: Path) -> None:
    drift, start = drift_and_start(tmp_path)
    frames = drift.rollouts(start, 2, 7, seed=3)
    assert frames.shape == (2, 7, *start.shape)
    np.testing.assert_array_equal(frames, drift.rollouts(start, 2, 7, seed=3))
    assert np.abs(frames[0] - frames[1]).max() > 1e-3
    assert np.abs(frames[:, 0] - start).max() > 1e-4


def test_the_model_computes_on_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drift, start = drift_and_start(tmp_path)
    seen, sampler = [], drift._sampler

    class Watched:
        def propose(self, *arguments: Any, **options: Any) -> np.ndarray:
            seen.append(torch.get_num_threads())
            return sampler.propose(*arguments, **options)

    monkeypatch.setattr(drift, "_sampler", Watched())
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        drift.propose([start[None]], rngs(1), 1)
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(threads)


def test_a_missing_model_is_said(tmp_path: Path) -> None:
    topology, _ = build_peptide("GF")
    ligand = [a.index for a in topology.atoms() if a.residue.name == "PHE"]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        BioMDDrift("nowhere", ComplexAtoms.of(topology, ligand))
