"""How much old data and candidates of a run count, and what a continued fit begins with."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from openmm_genmd.data.structures import load_structure
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.training.config import TrainingConfig
from openmm_genmd.training.dataset import TorsionData
from openmm_genmd.training.run_candidates import RunCandidates
from openmm_genmd.training.self_training import SelfTrainingData, continue_torsions, replayed
from openmm_genmd.training.torsions import TorsionTrainingConfig

REPRESENTATION = TorsionRepresentation.from_topology(load_structure("alanine-dipeptide")[0])
MODEL = TorusFlowConfig(n_torsions=2, hidden_features=(16,), bins=6)
PLACES = {"beta": (-1.3, 2.5), "alpha": (-1.2, -0.6), "left": (1.0, 0.5)}


def near(place, n, seed=0):
    return np.random.default_rng(seed).normal(PLACES[place], 0.2, (n, 2))


def masses(data, weights):
    """Weight of old frames and of candidates near each place."""
    result = {}
    for place, centre in PLACES.items():
        close = np.cos(data.torsions - np.array(centre)).min(axis=1) > 0.3
        sides = [weights[close & side].sum() for side in (~data.from_run, data.from_run)]
        result[place] = np.round(sides, 2).tolist()
    return result


def test_basins_count_by_their_shares_and_old_ones_keep_their_weight():
    """The run never tried the left-handed basin; it is two thirds beta, whatever the old data."""
    old = [near("beta", 500), near("alpha", 400), near("left", 100)]
    run = np.concatenate([near("beta", 1000, 1), near("alpha", 1000, 2)])
    recycled = np.repeat([0.5, 0.25], 1000)
    data = SelfTrainingData.of(old, run, recycled)
    assert data.states.n_states == 3
    alike = masses(data, data.frame_weights(0.0, 0.5))
    assert alike == {"beta": [0.17, 0.17], "alpha": [0.17, 0.17], "left": [0.33, 0.0]}
    as_visited = masses(data, data.frame_weights(1.0, 0.5))
    assert as_visited == {"beta": [0.3, 0.3], "alpha": [0.15, 0.15], "left": [0.1, 0.0]}
    assert data.frame_weights(1.0, 0.5).sum() == pytest.approx(1)
    drawn = SelfTrainingData.of(old, run, recycled, replayed=True)
    assert masses(drawn, drawn.frame_weights(0.0, 0.5))["left"] == [0.1, 0.0]
    retained = masses(data, data.frame_weights(0.0, 0.8))
    assert retained["beta"] == [0.27, 0.07]


def test_candidates_count_by_their_weights():
    run = near("beta", 400)
    recycled = np.random.default_rng(0).uniform(0.01, 1, 400)
    data = SelfTrainingData.of([near("beta", 400, 1)], run, recycled)
    weights = data.frame_weights(0.0, 0.5)
    np.testing.assert_allclose(weights[400:] / recycled, weights[400] / recycled[0])
    assert np.ptp(weights[:400]) == pytest.approx(0, abs=1e-15)


def test_a_basin_that_the_run_hardly_knows_remains_with_the_old_data():
    """A single candidate must not get half of a basin's weight."""
    old = [near("beta", 500), near("left", 200)]
    run = np.concatenate([near("beta", 500, 1), near("left", 2, 2)])
    weights = SelfTrainingData.of(old, run, np.ones(502)).frame_weights(0.0, 0.5)
    assert weights[-2:].sum() == pytest.approx(0.5 * 2 / 202)


def test_the_old_share_is_kept_when_the_run_finds_new_basins():
    run = np.concatenate([near("alpha", 500), near("left", 500)])
    data = SelfTrainingData.of([near("beta", 500)], run, np.ones(1000))
    found = masses(data, data.frame_weights(0.0, 0.5))
    assert found == {"beta": [0.5, 0.0], "alpha": [0.0, 0.25], "left": [0.0, 0.25]}
    nothing_old = SelfTrainingData.of([], run, np.ones(1000))
    assert nothing_old.frame_weights(0.0, 0.5).sum() == pytest.approx(1)


def test_only_allowed_frames_are_drawn():
    data = SelfTrainingData.of([near("beta", 200)], near("beta", 200, 1), np.ones(200))
    within = np.arange(400) % 3 == 0
    weights = data.frame_weights(0.5, 0.5, within=within)
    assert not weights[~within].any()
    assert weights[within].sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="no frame may be drawn"):
        data.frame_weights(0.5, 0.5, within=np.zeros(400, dtype=bool))


def candidates(torsions, weights=None):
    weights = np.ones(len(torsions)) if weights is None else weights
    digest = hashlib.sha256(torsions.tobytes()).hexdigest()
    attempts = np.arange(len(torsions))
    return RunCandidates(torsions, weights, attempts, REPRESENTATION, None, 300.0, (), digest)


def config(steps=60, **changes):
    training = {"steps": steps, "batch_size": 256, "learning_rate": 0.02, "state_interval": 10}
    return TorsionTrainingConfig(model=MODEL, training=TrainingConfig(**training), **changes)


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A model of beta and the left-handed basin."""
    data = TorsionData.of([near("beta", 600), near("left", 600)])
    run = candidates(np.concatenate([near("beta", 50, 3), near("left", 50, 3)]))
    out = tmp_path_factory.mktemp("parent") / "parent.safetensors"
    return continue_torsions(run, data, None, config(120), out).fit.model


def shares(model):
    angles, _ = model.sample(4000, np.random.default_rng(1))
    return {
        place: np.mean(np.cos(angles - np.array(centre)).min(axis=1) > 0.5)
        for place, centre in PLACES.items()
    }


def test_a_new_basin_is_learned_and_an_old_one_not_forgotten(parent, tmp_path):
    run = candidates(np.concatenate([near("beta", 400, 4), near("alpha", 400, 5)]))
    out = tmp_path / "next.safetensors"
    told = []
    trained = continue_torsions(
        run, None, parent, config(120), out, notes={"parent_sha256": "0f"}, on_states=told.append
    )
    before, after = shares(parent), shares(trained.fit.model)
    assert before["alpha"] < 0.1
    assert after["alpha"] > 0.15
    assert after["left"] > 0.6 * before["left"]
    assert len(told) == 1
    metadata = load_checkpoint(out).metadata
    assert metadata["candidates_sha256"] == run.sha256
    assert metadata["candidates"] == 800
    assert metadata["effective_candidates"] == 800
    assert metadata["old_share"] == 0.2
    assert metadata["parent_sha256"] == "0f"
    assert metadata["data_sha256"] is None


def test_a_continued_fit_begins_with_its_parent_and_is_never_worse(parent, tmp_path):
    """With an absurd learning rate every step is a step back."""
    absurd = config(20)
    training = absurd.training.model_copy(update={"learning_rate": 5.0})
    absurd = absurd.model_copy(update={"training": training})
    run = candidates(np.concatenate([near("beta", 300, 4), near("left", 300, 5)]))
    trained = continue_torsions(run, None, parent, absurd, tmp_path / "a.safetensors")
    assert trained.fit.step == 0
    for mine, theirs in zip(trained.fit.model.parameters(), parent.parameters(), strict=True):
        np.testing.assert_array_equal(mine.detach(), theirs.detach())


def test_a_killed_continuation_resumes_to_the_same_model(parent, tmp_path):
    run = candidates(near("alpha", 500))
    whole = continue_torsions(run, None, parent, config(), tmp_path / "whole.safetensors")

    def kill(step, best):
        if step == 35:
            raise KeyboardInterrupt

    out = tmp_path / "parts.safetensors"
    with pytest.raises(KeyboardInterrupt):
        continue_torsions(run, None, parent, config(), out, on_step=kill)
    other, old = TorusFlow(MODEL, seed=3), TorsionData.of([near("beta", 99)])
    with pytest.raises(ValueError, match="belongs to a fit with other data or settings"):
        continue_torsions(run, old, other, config(), out, resume=True)
    seen = []
    parts = continue_torsions(
        run, None, parent, config(), out, resume=True, on_step=lambda step, best: seen.append(step)
    )
    assert seen[0] == 31
    for mine, theirs in zip(
        parts.fit.model.parameters(), whole.fit.model.parameters(), strict=True
    ):
        np.testing.assert_array_equal(mine.detach(), theirs.detach())


def test_replayed_frames_leave_the_uniform_part_out():
    """Of a model that is nine tenths uniform as of one that is not uniform at all."""
    sharp = near("beta", 300)
    model = _sharp_model(sharp, uniform_fraction=0.9)
    drawn = replayed(model, np.random.default_rng(0), 3000)
    assert drawn.shape == (3000, 2)
    inside = np.cos(drawn - np.array(PLACES["beta"])).min(axis=1) > 0.3
    pure, _ = _sharp_model(sharp, uniform_fraction=0.0, like=model).sample(
        3000, np.random.default_rng(1)
    )
    expected = np.mean(np.cos(pure - np.array(PLACES["beta"])).min(axis=1) > 0.3)
    assert inside.mean() == pytest.approx(expected, abs=0.03)
    assert expected > 0.8
    everything = TorusFlow(MODEL.model_copy(update={"uniform_fraction": 1.0}))
    assert len(replayed(everything, np.random.default_rng(0), 10)) == 0


def _sharp_model(torsions, uniform_fraction, like=None):
    model = TorusFlow(MODEL.model_copy(update={"uniform_fraction": uniform_fraction}))
    if like is not None:
        model.load_state_dict(like.state_dict())
        return model

    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(150):
        loss = -model.log_prob(torch.as_tensor(torsions)).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return model


def test_wrong_arguments(parent, tmp_path):
    run, out = candidates(near("beta", 200)), tmp_path / "a.safetensors"
    with pytest.raises(ValueError, match=r"old_share must be between 0 and 1, got 1\.5"):
        continue_torsions(run, None, parent, config(), out, old_share=1.5)
    other = config().model_copy(update={"model": TorusFlowConfig(n_torsions=2, bins=9)})
    with pytest.raises(ValueError, match=r"config\.model must be that of the initial model"):
        continue_torsions(run, None, parent, other, out)
