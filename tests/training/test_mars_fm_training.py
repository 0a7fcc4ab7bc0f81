"""From folders of genmd msm to a model that has learned both basins."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from openmm_genmd.data.structure_file import load_structure_file
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions, MarsFMTorsionsConfig
from openmm_genmd.models.wrapped_normal import wrapped_normal_log_density, wrapped_normal_score
from openmm_genmd.proposers.mars_fm_sampler import MarsFMSampler
from openmm_genmd.representations.residue_frames import torsions_of
from openmm_genmd.training.distributed import Processes
from openmm_genmd.training.mars_fm_training import (
    MarsFMTrainingConfig,
    mars_fm_loss,
    mars_fm_torsions_loss,
    split_pairs,
    train_mars_fm,
)
from openmm_genmd.training.pair_folders import open_pair_folder, temperature_of
from openmm_genmd.training.trainer_config import TrainerConfig

from .dipeptide_folder import BASINS_RAD, write_folder

ALONE = Processes(0, 1, torch.device("cpu"))
SMALL = MarsFMConfig(width=16, heads=2, ipa_layers=1, transformer_layers=2)


def config(**changes) -> MarsFMTrainingConfig:
    values = {"batch_size": 16, "warmup_steps": 10, "validation_batches": 2} | changes
    return MarsFMTrainingConfig(model=SMALL, training=TrainerConfig(**values))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return open_pair_folder(write_folder(tmp_path_factory.mktemp("msm")))


def test_loss_is_the_mean_over_defined_numbers(folder):
    batch = split_pairs([folder], config()).training.draw(0, range(16))
    tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
    terms = mars_fm_loss(MarsFM(SMALL), tensors)
    # A new model has velocity 0, so that the target, data - noise, is all that is left.
    mask = batch["token_mask"]
    target = (batch["tokens"] - batch["noise"])[mask]
    assert int(terms.count) == mask.sum() == 16 * 13
    assert float(terms.total.detach()) == pytest.approx((target**2).sum(), rel=1e-5)


def test_it_learns_and_its_samples_are_in_both_basins(folder, tmp_path):
    out = tmp_path / "a.safetensors"
    settings = config(steps=120, batch_size=64, learning_rate=1e-2, average_decay=0.9)
    result = train_mars_fm([folder], settings, out, processes=ALONE, notes={"who": "a test"})
    checkpoint = load_checkpoint(out, MarsFM)
    metadata = checkpoint.metadata
    assert metadata["sequences"] == ["A"]
    assert (metadata["temperature_k"], metadata["lag_ps"], metadata["frames"]) == (300.0, [20], 600)
    assert metadata["who"] == "a test"
    assert metadata["best_loss"] == result.best_loss
    assert MarsFMTrainingConfig.model_validate(metadata["config"]) == settings
    topology, start = load_structure_file(folder.data.topology_file)
    sampler = MarsFMSampler(checkpoint.model, topology, steps=10)
    drawn = sampler.sample(start[None], 400, np.random.default_rng(0))[0]
    phi = torsions_of(drawn, folder.data.layout)[:, 0, 1]
    left = np.abs(phi - np.radians(-80)) < 1.0
    right = np.abs(phi - np.radians(60)) < 1.0
    assert (left | right).mean() > 0.85  # a uniform phi would give 0.64
    # One residue's frame does not tell the states apart, so that both follow alike.
    assert left.mean() == pytest.approx(right.mean(), abs=0.2)


def leaps(**changes) -> MarsFMTrainingConfig:
    model = MarsFMTorsionsConfig(width=32, heads=2, ipa_layers=1, transformer_layers=2)
    return config(**changes).model_copy(update={"model": model})


def test_loss_of_torsions_counts_those_that_leap(folder):
    batch = split_pairs([folder], config()).training.draw(0, range(16))
    tensors = {name: torch.from_numpy(array) for name, array in batch.items()}
    terms = mars_fm_torsions_loss(MarsFMTorsions(leaps().model), tensors)
    assert int(terms.count) == 16 * 2  # phi and psi, not the peptide bond
    tensors["residue_types"][:] = 14  # proline
    terms = mars_fm_torsions_loss(MarsFMTorsions(leaps().model), tensors)
    assert int(terms.count) == 16  # psi


def exact_score(torsions, sigma):
    """Gradient of the log density of both basins alike under noise, (n, 2)."""
    width = torch.sqrt(sigma**2 + 0.2**2)[:, None]
    differences = torsions[:, None] - torch.from_numpy(BASINS_RAD)
    densities = wrapped_normal_log_density(differences, width[..., None]).sum(dim=-1)
    shares = densities.softmax(dim=1)[..., None]
    return (shares * wrapped_normal_score(differences, width[..., None])).sum(dim=1)


def test_it_learns_the_score_of_torsions(folder, tmp_path):
    out = tmp_path / "leaps.safetensors"
    settings = leaps(steps=250, batch_size=128, learning_rate=1e-2, average_decay=0.98)
    train_mars_fm([folder], settings, out, processes=ALONE)
    checkpoint = load_checkpoint(out, MarsFMTorsions)
    assert checkpoint.representation == {"kind": "residue_torsions"}
    assert MarsFMTrainingConfig.model_validate(checkpoint.metadata["config"]) == settings
    batch = split_pairs([folder], config()).training.draw(7, range(16))
    given = (torch.from_numpy(batch[name]) for name in ("rotations", "translations_angstrom"))
    types, residues = (torch.from_numpy(batch[n]) for n in ("residue_types", "residue_mask"))
    rng = np.random.default_rng(1)
    sigma = torch.from_numpy(rng.uniform(0.3, 2.0, 16))
    basin = rng.integers(2, size=16)
    noisy = torch.from_numpy(BASINS_RAD[basin] + rng.normal(size=(16, 2)) * 0.2)
    noisy = noisy + sigma[:, None] * torch.from_numpy(rng.normal(size=(16, 2)))
    torsions, mask = torch.zeros(16, 1, 7), torch.zeros(16, 1, 7, dtype=torch.bool)
    torsions[:, 0, 1:3], mask[..., 1:3] = noisy.float(), True
    with torch.no_grad():
        encoding = checkpoint.model.encode(*given, types, residues)
        found = checkpoint.model.score(torsions, sigma.float(), encoding, mask, residues)
    found = found[:, 0, 1:3].double() * sigma[:, None]
    expected = exact_score(noisy, sigma) * sigma[:, None]
    error = (found - expected).square().mean().sqrt() / expected.square().mean().sqrt()
    assert float(error) < 0.35
    assert float((found + expected).square().mean().sqrt()) > float(error)  # the sign counts


def test_validation_frames_are_not_trained_on(folder):
    training, validation = folder.divide(0.2, np.random.default_rng(0))
    drawn = []
    for source in (training, validation):
        x, x1 = source.pairs.draw(20_000, np.random.default_rng(1))
        drawn.append(np.unique(np.concatenate([x, x1])))
    assert np.intersect1d(*drawn).size == 0
    assert len(drawn[0]) + len(drawn[1]) == 600  # and none is lost
    assert len(drawn[1]) == pytest.approx(120, abs=30)
    assert np.count_nonzero(np.diff(drawn[1]) > 1) <= 4  # blocks of time
    assert training.sha256 != validation.sha256


def test_rare_state_is_trained_on_entirely(folder):
    labels = np.zeros(600, dtype=np.int64)
    labels[100:105] = 1
    model = dataclasses.replace(folder.model, labels=labels)
    rare = dataclasses.replace(folder, model=model)
    for seed in range(20):
        training, validation = rare.divide(0.2, np.random.default_rng(seed))
        for source, expected in ((training, {0, 1}), (validation, {0})):
            x, x1 = source.pairs.draw(5_000, np.random.default_rng(1))
            assert set(labels[np.concatenate([x, x1])]) == expected


def test_excluded_frames_are_never_drawn(folder):
    labels = folder.model.labels.copy()
    labels[:150] = -1
    part = dataclasses.replace(folder, model=dataclasses.replace(folder.model, labels=labels))
    for source in part.divide(0.2, np.random.default_rng(0)):
        assert min(x.min() for x in source.pairs.draw(5_000, np.random.default_rng(1))) >= 150


def test_molecules_for_validation_leave_all_frames_for_training(folder):
    split = split_pairs([folder], config(), [folder])
    whole = split_pairs([folder], config().model_copy(update={"validation_fraction": 0.0}))
    assert whole.validation is None
    assert split.training.sha256 == whole.training.sha256
    assert split.validation.sha256 != split.training.sha256


def test_digest_knows_frames_and_model(folder, tmp_path):
    other = open_pair_folder(write_folder(tmp_path / "b", seed=1))
    relabelled = dataclasses.replace(
        folder, model=dataclasses.replace(folder.model, labels=folder.model.labels[::-1])
    )
    assert len({folder.sha256, other.sha256, relabelled.sha256}) == 3


def test_temperatures_must_agree(folder, tmp_path):
    hot = open_pair_folder(write_folder(tmp_path / "hot", temperature_k=450.0, n_frames=40))
    unknown = open_pair_folder(write_folder(tmp_path / "any", temperature_k=None, n_frames=40))
    assert temperature_of([folder, unknown]) == 300.0
    assert temperature_of([unknown]) is None
    with pytest.raises(ValueError, match="should have one temperature, got 300, 450 K; train a"):
        temperature_of([folder, hot])


def test_incomplete_and_mixed_folders_are_refused(folder, tmp_path):
    path = write_folder(tmp_path / "a", n_frames=40)
    folder.model.save(path / "model.npz")
    with pytest.raises(ValueError, match="has 80 frames, but its Markov model labels 600; make"):
        open_pair_folder(path)
    (path / "model.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"no model\.npz in .*`genmd msm --out` makes one"):
        open_pair_folder(path)


def test_another_network_does_not_resume(folder, tmp_path):
    out = tmp_path / "a.safetensors"
    train_mars_fm([folder], config(steps=3), out, processes=ALONE)
    wider = config(steps=3).model_copy(
        update={"model": SMALL.model_copy(update={"path": "trigonometric"})}
    )
    with pytest.raises(ValueError, match="it belongs to a fit with other data or settings"):
        train_mars_fm([folder], wider, out, processes=ALONE, resume=True)
    assert json.loads(out.with_suffix(".jsonl").read_text())["step"] == 3
