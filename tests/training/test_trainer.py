"""A training can be killed at any moment, keeps its best model, and says when it fails."""

from __future__ import annotations

import json
import math
import time

import numpy as np
import pytest
import safetensors.torch
import torch
from pydantic import ValidationError

from openmm_genmd.training.distributed import Processes
from openmm_genmd.training.optimization import LossTerms, Optimization
from openmm_genmd.training.prefetch import prefetched
from openmm_genmd.training.step_profile import StepProfile
from openmm_genmd.training.trainer import DivergedError
from openmm_genmd.training.trainer_config import TrainerConfig
from openmm_genmd.training.weight_average import WeightAverage

from .stand_ins import MaskedCurves, Network, short, squares, trainer

CPU = torch.device("cpu")


class _KilledError(Exception):
    pass


def kill_at(step: int):
    def report(done: int, loss: float, best: float) -> None:
        if done == step:
            raise _KilledError

    return report


def weights(path):
    return safetensors.torch.load_file(path)


def rows(path):
    return [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]


def test_killed_training_continues_bit_exactly(tmp_path):
    a, b = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    straight = trainer(a, model=Network(dropout=0.3)).run()
    for killed in (13, 47):  # without a state yet; after that of step 40, amid two rows of the log
        with pytest.raises(_KilledError):
            trainer(b, model=Network(dropout=0.3), resume=True).run(kill_at(killed))
    with b.with_suffix(".jsonl").open("a") as file:
        file.write('{"step": 4')  # killed while it wrote
    again = trainer(b, model=Network(dropout=0.3), resume=True)
    assert again.step == 40
    result = again.run()
    assert (result.loss, result.best_loss) == (straight.loss, straight.best_loss)
    for suffix in (".safetensors", ".last.safetensors"):
        mine, other = weights(b.with_suffix(suffix)), weights(a.with_suffix(suffix))
        assert all(torch.equal(mine[name], other[name]) for name in other)
    numbers = ("step", "loss", "gradient_norm", "validation_loss")
    first, second = ([[row.get(n) for n in numbers] for row in rows(path)] for path in (a, b))
    assert first == second
    assert [row[0] for row in first] == [7, 14, 15, 21, 28, 30, 35, 42, 45, 49, 56, 60]


def test_resuming_a_finished_training_changes_nothing_and_may_go_on(tmp_path):
    out = tmp_path / "a.safetensors"
    first = trainer(out).run()
    again = trainer(out, resume=True).run()
    assert (again.step, again.best_loss, len(rows(out))) == (60, first.best_loss, 12)
    longer = trainer(out, short(steps=80), resume=True).run()
    assert longer.step == 80
    assert [row["step"] for row in rows(out)][-3:] == [75, 77, 80]


def test_it_learns_and_keeps_the_best_and_the_last(tmp_path):
    out = tmp_path / "a.safetensors"
    config = short(steps=300, learning_rate=0.05, schedule="constant", validation_interval=50)
    result = trainer(out, config).run()
    validations = {r["step"]: r["validation_loss"] for r in rows(out) if "validation_loss" in r}
    assert result.best_loss == min(validations.values()) == validations[result.best_step] < 0.02
    model = Network().requires_grad_(False)
    model.load_state_dict(weights(out))
    batches = [MaskedCurves(1).draw(step, range(8)) for step in (0, 1)]
    both = [squares(model, {n: torch.tensor(x) for n, x in batch.items()}) for batch in batches]
    total, count = sum(t.total for t in both), sum(t.count for t in both)
    assert float(total / count) == pytest.approx(result.best_loss, rel=1e-12)
    with safetensors.safe_open(out, "pt") as file:
        assert file.metadata()["step"] == str(result.best_step)
    with safetensors.safe_open(out.with_suffix(".last.safetensors"), "pt") as file:
        assert file.metadata()["step"] == "300"


def test_without_validation_the_training_loss_decides(tmp_path):
    out = tmp_path / "a.safetensors"
    result = trainer(out, short(log_interval=15), validation=None).run()
    losses = {row["step"]: row["loss"] for row in rows(out)}
    assert result.best_loss == pytest.approx(min(losses.values()))
    assert losses[result.best_step] == pytest.approx(result.best_loss)


def test_average_follows_its_closed_form():
    model, decay = torch.nn.Linear(1, 1, bias=False).double(), 0.8
    values = np.random.default_rng(0).normal(size=30)
    with torch.no_grad():
        model.weight.fill_(values[0])
        average = WeightAverage(model, decay)
        for step, value in enumerate(values[1:], 1):
            model.weight.fill_(value)
            average.update(step)
    decays = np.array([min(decay, n / (n + 10)) for n in range(1, 30)])
    shares = np.append(1.0, 1.0 - decays) * np.append(np.cumprod(decays[::-1])[::-1], 1.0)
    assert shares.sum() == pytest.approx(1.0)
    assert float(average.model.weight) == pytest.approx(float(shares @ values), rel=1e-12)
    assert not average.model.weight.requires_grad


def test_average_takes_buffers_as_they_are():
    model = torch.nn.BatchNorm1d(1)
    average = WeightAverage(model, 0.9)
    model(torch.tensor([[1.0], [3.0]]))
    average.update(1)
    assert torch.equal(average.model.running_mean, model.running_mean)


def test_long_gradients_are_cut_to_length():
    def loss(model, batch):  # gradient (3, 4) x batch
        return LossTerms((model.weight * batch["x"]).sum(), torch.tensor(1.0))

    steps = []
    for scale in (0.1, 100.0):
        model = torch.nn.Linear(2, 1, bias=False)
        config = TrainerConfig(clip_norm=1.0, warmup_steps=0)
        parts = Optimization(model, loss, config, Processes(0, 1, CPU))
        batch = {"x": scale * torch.tensor([[3.0, 4.0]])}
        steps.append(parts.run_step(0, batch, StepProfile(CPU)).tolist()[1])
        clipped = model.weight.grad.norm().item()
        assert clipped == pytest.approx(min(5 * scale, 1.0), rel=1e-5)
    assert steps == pytest.approx([0.5, 500.0])  # as they were


def test_diverged_loss_stops_and_keeps_the_last_good_state(tmp_path):
    out = tmp_path / "a.safetensors"
    calls = iter(range(1000))

    def loss(model, batch):
        terms = squares(model, batch)
        broken = model.training and next(calls) == 50  # step 51
        return LossTerms(terms.total * math.nan, terms.count) if broken else terms

    with pytest.raises(DivergedError, match=r"loss nan .* at step 51; .*a\.state holds the last"):
        trainer(out, loss=loss).run()
    assert rows(out)[-1]["step"] == 49
    again = trainer(out, short(learning_rate=1e-3), resume=True)
    assert again.step == 40
    assert again.run().best_loss < 1.0
    assert all(tensor.isfinite().all() for tensor in weights(out).values())


def test_loss_that_diverges_before_the_first_state_says_so(tmp_path):
    def loss(model, batch):
        terms = squares(model, batch)
        return LossTerms(terms.total * math.inf, terms.count)

    with pytest.raises(DivergedError, match=r"loss inf .* at step 1; .*no state has been written"):
        trainer(tmp_path / "a.safetensors", loss=loss).run()


def test_state_of_another_training_is_refused(tmp_path):
    out = tmp_path / "a.safetensors"
    trainer(out).run()
    for changes in ({"identity": "wider"}, {"batches": MaskedCurves(seed=2)}):
        with pytest.raises(ValueError, match="it belongs to a fit with other data or settings"):
            trainer(out, resume=True, **changes)
    with pytest.raises(ValueError, match="it belongs to a fit with other data or settings"):
        trainer(out, short(seed=1), resume=True)


def test_a_new_training_writes_a_new_log(tmp_path):
    out = tmp_path / "a.safetensors"
    trainer(out).run()
    trainer(out, short(steps=7)).run()
    assert [row["step"] for row in rows(out)] == [7]
    with pytest.raises(_KilledError):
        trainer(out, short(steps=60)).run(kill_at(5))
    assert trainer(out, resume=True).step == 0  # not from the state of the training before


class SlowCurves(MaskedCurves):
    seconds = 0.0

    def draw(self, step, rows):
        time.sleep(self.seconds)
        return super().draw(step, rows)


def slow_loss(model, batch):
    time.sleep(0.02)
    return squares(model, batch)


def test_profile_adds_up_and_training_waits_only_for_slow_data(tmp_path):
    slow = SlowCurves()
    shares = []
    for slow.seconds in (0.002, 0.06):
        run = trainer(tmp_path / "a.safetensors", short(steps=25), batches=slow, loss=slow_loss)
        began = time.perf_counter()
        result = run.run()
        elapsed = time.perf_counter() - began
        # The rest is starting and ending a thread, which takes long on a busy machine.
        assert sum(result.profile.values()) == pytest.approx(elapsed, rel=0.03, abs=0.1)
        assert result.profile["forward"] >= 25 * 0.02
        shares.append(result.data_share)
    # Batches that are ready before the step ends cost nothing; others the difference, 40 of 60 ms.
    assert shares[0] < 0.3 < 0.5 < shares[1]


def test_batches_come_in_order_from_several_threads_and_errors_reach_the_training():
    class Uneven:
        sha256 = ""

        def draw(self, step, rows):
            time.sleep(0.01 if step % 2 else 0.0)
            if step == 6:
                raise ValueError("frame 7 is broken")
            return {"x": np.array([step])}

    with prefetched(Uneven(), range(2, 8), range(1), CPU, workers=3, ahead=4) as ready:
        assert [int(next(ready)["x"]) for _ in range(4)] == [2, 3, 4, 5]
        with pytest.raises(ValueError, match="frame 7 is broken"):
            next(ready)


def test_bfloat16_is_used_in_the_forward_pass_alone(tmp_path):
    seen = []

    def loss(model, batch):
        output = model(batch["x"].float())
        seen.append(output.dtype)
        errors = torch.where(batch["mask"], output.float() - batch["y"].float(), 0.0)
        return LossTerms(errors.square().sum(), batch["mask"].sum())

    run = trainer(
        tmp_path / "a.safetensors",
        short(precision="bfloat16", steps=20),
        model=Network().float(),
        loss=loss,
    )
    run.run()
    assert set(seen) == {torch.bfloat16}
    assert {tensor.dtype for tensor in weights(tmp_path / "a.safetensors").values()} == {
        torch.float32
    }


def test_compiled_model_is_used_under_the_same_names(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(type(self)))
    trainer(tmp_path / "a.safetensors", short(compile=True, steps=20)).run()
    assert compiled == [Network]
    assert set(weights(tmp_path / "a.safetensors")) == {n for n, _ in Network().named_parameters()}


def test_global_random_state_is_left_alone(tmp_path):
    before = torch.random.get_rng_state()
    trainer(tmp_path / "a.safetensors", short(steps=7), model=Network(dropout=0.5)).run()
    assert torch.equal(torch.random.get_rng_state(), before)


def test_learning_rate_of_a_constant_schedule():
    config = TrainerConfig(schedule="constant", warmup_steps=4, learning_rate=0.8)
    assert [config.learning_rate_at(s) for s in (0, 1, 3, 4, 19_999)] == [0.2, 0.4, 0.8, 0.8, 0.8]


def test_config_refuses_nonsense():
    for bad in ({"steps": 0}, {"average_decay": 1.0}, {"epochs": 3}, {"precision": "float16"}):
        with pytest.raises(ValidationError):
            TrainerConfig(**bad)
