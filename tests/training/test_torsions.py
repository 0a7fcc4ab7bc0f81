"""From torsions to a checkpoint that loads, with its provenance."""

from __future__ import annotations

import numpy as np
import pytest

from openmm_genmd.data.structures import load_structure
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.models.torus_flow import TorusFlowConfig
from openmm_genmd.msm.states import States
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training.config import TrainingConfig
from openmm_genmd.training.dataset import TorsionData, validation_mask
from openmm_genmd.training.torsions import (
    TorsionTrainingConfig,
    choose_validation,
    release_rare_states,
    train_torsions,
)


def two_basins() -> TorsionData:
    rng = np.random.default_rng(0)
    common = rng.normal([-1.3, 2.5], 0.3, (900, 2))
    rare = rng.normal([1.0, 0.5], 0.2, (100, 2))
    return TorsionData.of([common, rare])


def config(n_torsions: int = 2) -> TorsionTrainingConfig:
    return TorsionTrainingConfig(
        model=TorusFlowConfig(n_torsions=n_torsions, hidden_features=(16,), bins=8),
        training=TrainingConfig(steps=150, batch_size=256, learning_rate=0.02),
    )


def test_rare_basin_is_covered_and_provenance_is_stored(tmp_path):
    topology, _ = load_structure("alanine-dipeptide")
    representation = TorsionRepresentation.from_topology(topology)
    data, told = two_basins(), []
    trained = train_torsions(
        data,
        representation,
        config(),
        tmp_path / "a.safetensors",
        notes={"temperature_k": 310.0},
        on_states=told.append,
    )
    checkpoint = load_checkpoint(tmp_path / "a.safetensors")
    assert checkpoint.sha256 == trained.sha256
    assert checkpoint.fingerprint == representation.fingerprint
    assert TorsionRepresentation.from_dict(checkpoint.representation) == representation
    assert checkpoint.metadata["temperature_k"] == 310.0
    assert checkpoint.metadata["data_sha256"] == data.sha256
    assert checkpoint.metadata["training"]["training"]["steps"] == 150
    assert checkpoint.metadata["validation_log_likelihood"] > -2 * np.log(2 * np.pi) + 0.5
    assert [states.n_states for states in told] == [2]
    samples, _ = checkpoint.model.sample(4000, np.random.default_rng(1))
    assert np.mean(samples[:, 0] > 0) == pytest.approx(0.5, abs=0.07)  # 10 % of the frames
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jsonl", "a.safetensors"]


def test_a_rare_basin_is_never_held_out_as_a_whole():
    states = States(np.repeat([0, 1, 2], [80, 15, 5]), 3, ())
    held_out = np.zeros(100, dtype=bool)
    held_out[10:20] = True  # of state 0
    held_out[80:84] = True  # a share of state 1
    held_out[95:] = True  # all of state 2
    released = release_rare_states(states, held_out, 0.2)
    np.testing.assert_array_equal(released[:95], held_out[:95])
    assert not released[95:].any()


def test_an_unlucky_choice_of_frames_for_validation_is_made_again():
    """Every block of two frames is a state of its own, but for the last two, which share one."""
    states = States(np.repeat(np.minimum(np.arange(20), 18), 2), 19, ())
    n_empty = 0
    for seed in range(10):
        first = validation_mask([40], 0.1, np.random.default_rng(seed))
        n_empty += not release_rare_states(states, first, 0.1).any()
        chosen = choose_validation(states, [40], 0.1, np.random.default_rng(seed))
        assert set(np.flatnonzero(chosen)) in ({36, 37}, {38, 39})
    assert n_empty > 5


def test_number_of_torsions_must_fit(tmp_path):
    topology, _ = load_structure("alanine-dipeptide")
    representation = TorsionRepresentation.from_topology(topology)
    with pytest.raises(ValueError, match="the model has 3 torsions, the molecule 2"):
        train_torsions(two_basins(), representation, config(3), tmp_path / "a.safetensors")
