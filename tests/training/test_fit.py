"""A fit finds the density of its data, and continues bit-exactly after being killed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from openmm_genmd.models.torus_flow import TorusFlowConfig
from openmm_genmd.training.config import TrainingConfig
from openmm_genmd.training.fit import DensityFit
from openmm_genmd.training.sampler import FitData, WeightedSampler

MODEL = TorusFlowConfig(n_torsions=1, transforms=1, hidden_features=(8,), bins=8)


def von_mises(n: int = 3000, kappa: float = 4.0) -> FitData:
    """Equally weighted draws around pi, where the interval is cut."""
    angles = np.random.default_rng(0).vonmises(np.pi, kappa, (n, 1))
    return FitData(angles, np.full(n, 1 / n), np.arange(n) % 5 == 0)


def quick(**changes) -> TrainingConfig:
    values = {"steps": 60, "batch_size": 64, "validation_interval": 15, "state_interval": 20}
    return TrainingConfig(**values | changes)


def test_fit_approaches_the_entropy_of_the_data(tmp_path):
    data, kappa = von_mises(), 4.0
    config = TrainingConfig(steps=400, batch_size=256, learning_rate=0.02, jitter_rad=0.0)
    model = MODEL.model_copy(update={"uniform_fraction": 0.02})
    result = DensityFit(model, config, data, tmp_path / "a.state").run()
    held_out = data.torsions[data.held_out][:, 0]
    exact = kappa * np.cos(held_out - np.pi) - np.log(2 * np.pi * np.i0(kappa))
    error = exact.std() / np.sqrt(len(exact))
    # Below the exact density (Gibbs), by little; held-out draws add their standard error.
    assert abs(result.validation_log_likelihood - exact.mean()) < max(0.04, error)
    samples, _ = result.model.sample(20000, np.random.default_rng(1))
    moment = np.cos(samples - np.pi).mean()
    assert moment == pytest.approx(np.cos(data.torsions - np.pi).mean(), abs=0.03)


def test_weights_decide_what_is_learned(tmp_path):
    rng = np.random.default_rng(1)
    angles = np.concatenate([rng.normal(-1.5, 0.2, (900, 1)), rng.normal(1.5, 0.2, (100, 1))])
    weights = np.repeat([0.5 / 900, 0.5 / 100], [900, 100])
    data = FitData(angles, weights, np.arange(1000) % 5 == 0)
    config = TrainingConfig(steps=300, batch_size=256, learning_rate=0.02)
    result = DensityFit(MODEL, config, data, tmp_path / "a.state").run()
    samples, _ = result.model.sample(20000, np.random.default_rng(2))
    assert np.mean(samples > 0) == pytest.approx(0.5, abs=0.05)


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("conditional", [False, True])
def test_killed_fit_continues_bit_exactly(tmp_path, conditional):
    model = MODEL.model_copy(update={"conditional": conditional})
    straight = DensityFit(model, quick(), von_mises(), tmp_path / "a.state").run()

    def kill(step: int, best: float) -> None:
        if step == 47:  # after the state of step 40, which is between two validations
            raise _KilledError

    with pytest.raises(_KilledError):
        DensityFit(model, quick(), von_mises(), tmp_path / "b.state").run(kill)
    again = DensityFit(model, quick(), von_mises(), tmp_path / "b.state", resume=True)
    assert again.step == 40
    result = again.run()
    assert result.validation_log_likelihood == straight.validation_log_likelihood
    assert result.step == straight.step
    for mine, other in zip(result.model.parameters(), straight.model.parameters(), strict=True):
        assert torch.equal(mine, other)
    logs = [(tmp_path / f"{name}.jsonl").read_text() for name in "ab"]
    assert logs[0] == logs[1]
    assert [json.loads(line)["step"] for line in logs[0].splitlines()] == [15, 30, 45, 60]


def test_time_is_summed_over_sessions(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("openmm_genmd.training.fit.time.perf_counter", lambda: clock[0])

    def tick(step: int, best: float) -> None:
        clock[0] += 1.0
        if step == 47:
            raise _KilledError

    fit = DensityFit(MODEL, quick(), von_mises(), tmp_path / "a.state", spent_seconds=100.0)
    with pytest.raises(_KilledError):
        fit.run(tick)
    clock[0] += 1e6  # between the sessions
    again = DensityFit(
        MODEL, quick(), von_mises(), tmp_path / "a.state", resume=True, spent_seconds=50.0
    )
    # The state of step 40 was written before the clock ticked for it; that of 60 likewise.
    assert again.run(lambda step, best: tick(0, best)).seconds == 100 + 39 + 50 + 20


def test_resuming_a_finished_fit_changes_nothing(tmp_path):
    first = DensityFit(MODEL, quick(), von_mises(), tmp_path / "a.state").run()
    fit = DensityFit(MODEL, quick(), von_mises(), tmp_path / "a.state", resume=True)
    assert fit.step == 60
    assert fit.run().validation_log_likelihood == first.validation_log_likelihood
    assert len(fit.log) == 4


def test_it_stops_early_and_keeps_the_best(tmp_path):
    rng = np.random.default_rng(3)
    angles = np.concatenate([rng.normal(-1.5, 0.3, (40, 1)), rng.uniform(-3, 3, (40, 1))])
    data = FitData(angles, np.full(80, 1 / 80), np.arange(80) >= 40)  # validation disagrees
    config = quick(steps=400, validation_interval=5, patience=3, learning_rate=0.05)
    fit = DensityFit(MODEL, config, data, tmp_path / "a.state")
    result = fit.run()
    assert result.steps_run < 400
    assert result.steps_run - result.step == 15
    values = {row["step"]: row["validation_log_likelihood"] for row in fit.log}
    assert result.validation_log_likelihood == max(values.values()) == values[result.step]


def test_state_of_another_fit_is_refused(tmp_path):
    path = tmp_path / "a.state"
    DensityFit(MODEL, quick(), von_mises(), path).run()
    with pytest.raises(ValueError, match="it belongs to a fit with other data or settings"):
        DensityFit(MODEL, quick(seed=1), von_mises(), path, resume=True)
    with pytest.raises(ValueError, match="it belongs to a fit with other data or settings"):
        DensityFit(MODEL, quick(), von_mises(kappa=3.0), path, resume=True)


def test_damaged_state_is_refused(tmp_path):
    path = tmp_path / "a.state"
    DensityFit(MODEL, quick(), von_mises(), path).run()
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match=r"cannot resume from .*a\.state: .*delete it to train"):
        DensityFit(MODEL, quick(), von_mises(), path, resume=True)


def test_resume_without_a_state_begins(tmp_path):
    assert DensityFit(MODEL, quick(), von_mises(), tmp_path / "a.state", resume=True).step == 0


def test_sampler_follows_the_weights():
    weights = np.array([0.0, 0.1, 0.6, 0.3, 0.0])
    data = FitData(np.arange(5.0)[:, None], weights, np.zeros(5, dtype=bool))
    drawn = WeightedSampler(data, ~data.held_out, "training").draw(20000, np.random.default_rng(0))
    observed = np.bincount(drawn[:, 0].astype(int), minlength=5) / 20000
    errors = np.sqrt(weights * (1 - weights) / 20000)
    assert (np.abs(observed - weights) <= 4 * errors).all()


def test_sampler_without_weights_is_refused():
    data = FitData(np.zeros((2, 1)), np.array([1.0, 0.0]), np.array([False, True]))
    with pytest.raises(ValueError, match="no frame for validation has a weight"):
        WeightedSampler(data, data.held_out, "validation")


def test_config_refuses_nonsense():
    for bad in ({"steps": 0}, {"validation_fraction": 1.0}, {"epochs": 3}):
        with pytest.raises(ValidationError):
            TrainingConfig(**bad)
