"""Checkpoints come back as they were written; other files are refused in words."""

from __future__ import annotations

import copy
import hashlib
import json
from importlib.resources import files

import numpy as np
import pytest
import safetensors.torch
import torch

from openmm_genmd.data.fingerprint import TopologyFingerprint
from openmm_genmd.data.structures import load_structure
from openmm_genmd.models.checkpoint import FORMAT_VERSION, load_checkpoint, save_checkpoint
from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig
from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig


@pytest.fixture
def model() -> TorusFlow:
    model = TorusFlow(TorusFlowConfig(n_torsions=2, transforms=1, bins=5, hidden_features=(7,)))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.linspace(-1, 1, parameter.numel()).reshape(parameter.shape))
    return model


@pytest.fixture
def fingerprint() -> TopologyFingerprint:
    topology, _ = load_structure("alanine-dipeptide")
    return TopologyFingerprint.of(topology, range(22))


@pytest.fixture
def path(tmp_path, model, fingerprint):
    save_checkpoint(
        tmp_path / "model.safetensors", model, fingerprint, {"torsions": [1, 2]}, {"seed": 3}
    )
    return tmp_path / "model.safetensors"


def rewrite(path, change) -> None:
    """Write the file again with a changed header and the same weights."""
    data = path.read_bytes()
    tensors = safetensors.torch.load(data)
    stored = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    header = json.loads(stored["openmm_genmd"])
    change(header, tensors)
    path.write_bytes(safetensors.torch.save(tensors, {"openmm_genmd": json.dumps(header)}))


def test_round_trip(path, model, fingerprint):
    checkpoint = load_checkpoint(path)
    angles = np.random.default_rng(0).uniform(-np.pi, np.pi, (50, 2))
    np.testing.assert_array_equal(
        checkpoint.model.log_prob_numpy(angles), model.log_prob_numpy(angles)
    )
    assert checkpoint.config == model.config
    assert checkpoint.fingerprint == fingerprint
    assert checkpoint.representation == {"torsions": [1, 2]}
    assert checkpoint.metadata == {"seed": 3}
    assert checkpoint.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not checkpoint.model.training


def test_the_digest_is_returned_and_nothing_is_left_behind(tmp_path, model, fingerprint):
    digest = save_checkpoint(tmp_path / "a.safetensors", model, fingerprint, {}, {})
    assert digest == load_checkpoint(tmp_path / "a.safetensors").sha256
    assert [p.name for p in tmp_path.iterdir()] == ["a.safetensors"]


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no checkpoint at .*none\.safetensors"):
        load_checkpoint(tmp_path / "none.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 200, -8])
def test_truncated_file(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="is not a complete safetensors file"):
        load_checkpoint(path)


def test_foreign_file(path):
    path.write_bytes(safetensors.torch.save({"weight": torch.zeros(3)}))
    with pytest.raises(ValueError, match="not an openmm-genmd checkpoint"):
        load_checkpoint(path)


def test_newer_format(path):
    rewrite(path, lambda header, _: header.update(format_version=FORMAT_VERSION + 1))
    with pytest.raises(ValueError, match=r"format version 2, this .* up to 1; upgrade"):
        load_checkpoint(path)


def test_another_kind_of_model(path):
    rewrite(path, lambda header, _: header.update(kind="diffusion"))
    with pytest.raises(ValueError, match="a model of kind 'diffusion', expected 'torus_flow'"):
        load_checkpoint(path)


@pytest.mark.parametrize("key", ["config", "fingerprint", "representation"])
def test_damaged_header(path, key):
    rewrite(path, lambda header, _: header.pop(key))
    with pytest.raises(ValueError, match=f"has a damaged header: '{key}'"):
        load_checkpoint(path)


def test_unknown_configuration_key(path):
    rewrite(path, lambda header, _: header["config"].update(wings=2))
    with pytest.raises(ValueError, match=r"(?s)damaged header.*wings"):
        load_checkpoint(path)


def test_weights_that_do_not_fit(path):
    rewrite(path, lambda header, _: header["config"].update(transforms=2))
    with pytest.raises(ValueError, match="the weights do not fit the stored configuration"):
        load_checkpoint(path)


def test_a_file_from_before_there_were_kinds_is_written_again_byte_by_byte(tmp_path):
    bundled = files("openmm_genmd") / "proposers/checkpoints/alanine-dipeptide.safetensors"
    old = load_checkpoint(str(bundled))
    arguments = old.model, old.fingerprint, old.representation, old.metadata
    digest = save_checkpoint(tmp_path / "again.safetensors", *arguments)
    assert digest == old.sha256
    assert (tmp_path / "again.safetensors").read_bytes() == bundled.read_bytes()


@pytest.fixture
def mars_fm_path(tmp_path, mars_fm):
    path = tmp_path / "mars.safetensors"
    save_checkpoint(path, mars_fm, None, {"tokens": "residues"}, {"sequences": ["AAAA"]})
    return path


@pytest.mark.parametrize("expected", [MarsFM, torch.nn.Module])
def test_round_trip_of_mars_fm(mars_fm_path, mars_fm, batches, expected):
    checkpoint = load_checkpoint(mars_fm_path, expected)
    batch = batches((4, 3))
    assert torch.equal(batch.velocity(checkpoint.model), batch.velocity(mars_fm))
    assert checkpoint.config == mars_fm.config
    assert checkpoint.fingerprint is None
    assert checkpoint.representation == {"tokens": "residues"}
    assert checkpoint.metadata == {"sequences": ["AAAA"]}
    assert not checkpoint.model.training


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_precision_is_kept(tmp_path, mars_fm, dtype):
    model = MarsFM(mars_fm.config).to(dtype)
    save_checkpoint(tmp_path / "m.safetensors", model, None, {}, {})
    loaded = load_checkpoint(tmp_path / "m.safetensors", MarsFM).model
    assert {p.dtype for p in loaded.parameters()} == {dtype}


def test_the_expected_kind_is_checked(path, mars_fm_path):
    with pytest.raises(
        ValueError, match="of kind 'mars_fm', expected 'torus_flow'; choose another"
    ):
        load_checkpoint(mars_fm_path)
    with pytest.raises(
        ValueError, match="of kind 'torus_flow', expected 'mars_fm'; choose another"
    ):
        load_checkpoint(path, MarsFM)


def test_a_fingerprint_goes_with_models_of_one_molecule(tmp_path, model, mars_fm, fingerprint):
    target = tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match="a torus_flow belongs to one molecule: pass its"):
        save_checkpoint(target, model, None, {}, {})
    with pytest.raises(ValueError, match=r"a mars_fm takes any molecule: .*got one of 22 atoms"):
        save_checkpoint(target, mars_fm, fingerprint, {}, {})
    assert not target.exists()


def test_wrapped_models_are_refused(tmp_path, mars_fm):
    wrapped = torch.nn.Sequential(mars_fm)
    with pytest.raises(
        TypeError, match=r"must be a TorusFlow or a MarsFM or .* got Sequential; pass"
    ):
        save_checkpoint(tmp_path / "a.safetensors", wrapped, None, {}, {})


def test_half_precision_makes_files_small_and_is_single_in_memory(tmp_path):
    model = MarsFM(MarsFMConfig.tiny())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    sizes, loaded = [], []
    for name, each in (("single", model), ("half", copy.deepcopy(model).half())):
        path = tmp_path / f"{name}.safetensors"
        save_checkpoint(path, each, None, {}, {})
        sizes.append(path.stat().st_size)
        loaded.append(dict(load_checkpoint(path, MarsFM).model.named_parameters()))
    assert sizes[1] < 0.52 * sizes[0]
    for name, parameter in loaded[1].items():
        assert parameter.dtype == torch.float32
        torch.testing.assert_close(parameter, loaded[0][name], rtol=2**-11, atol=1e-7)
