"""Teams in several processes, the summary, and whole runs that are killed and resumed."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from openmm_genmd.models.bio_md import BioMD, BioMDConfig
from openmm_genmd.models.checkpoint import save_checkpoint
from openmm_genmd.unbinding import baselines, stored_run, team_run
from openmm_genmd.unbinding.baselines import BaselinePlan
from openmm_genmd.unbinding.dragged_complex import DraggedComplex
from openmm_genmd.unbinding.method_summary import Tries
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.team_run import TeamPlan, run_share, run_team, tries_of
from openmm_genmd.unbinding.unbinding_run import (
    UnbindingPlan,
    _require_same_plan,
    _steps_of_a_path,
    run_unbinding,
)
from openmm_genmd.unbinding.verification import ShootingPlan
from openmm_genmd.unbinding.walker import Walker

from .small_complex import small_complex

SETTINGS = PathSettings(
    steps_per_leap=50,
    usual_leap_nm=0,
    frames_per_leap=2,
    most_leaps=3,
    settle_ps=0.1,
    apart_ps=0.05,
)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that has learned nothing: it diffuses."""
    path = tmp_path_factory.mktemp("model") / "untrained.safetensors"
    config = BioMDConfig(width=8, pair_width=4, heads=2, encoder_layers=1, trajectory_layers=1)
    numbers = {"kind": "complex_trajectories"}
    save_checkpoint(path, BioMD(config), None, numbers, {"frame_interval_ps": 0.05})
    return str(path)


def plan(checkpoint: str, **options: Any) -> TeamPlan:
    made = TeamPlan(small_complex(), checkpoint, "zero", SETTINGS, walkers=4, platform="Reference")
    return replace(made, **options)


def test_walkers_are_the_same_whoever_works(
    checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(team_run, "BATCH", 2)
    teams = [
        run_team(plan(checkpoint), tmp_path / str(workers), workers=workers) for workers in (1, 2)
    ]
    for (one, _), (other, _) in zip(*teams, strict=True):
        assert one.number == other.number
        np.testing.assert_array_equal(one.path_nm(), other.path_nm())
    steps = sum(verdict.steps for _, verdict in teams[0])
    assert steps == 2 * (50 + 25) + 4 * 3 * 50  # settling, apart, leaps; nobody got out


def test_finished_walkers_are_not_walked_again(checkpoint: str, tmp_path: Path) -> None:
    wanted = plan(checkpoint)
    run_share(wanted, tmp_path, [1, 3])
    before = {n: (tmp_path / f"walker-{n:04d}.npz").stat().st_mtime_ns for n in (1, 3)}
    seen: list[tuple[int, int]] = []
    team = run_team(wanted, tmp_path, report=lambda done, of: seen.append((done, of)))
    assert [walker.number for walker, _ in team] == [0, 1, 2, 3]
    assert seen == [(2, 4), (4, 4)]
    assert [verdict.stable for _, verdict in team] == [None] * 4  # nobody got out
    after = {n: (tmp_path / f"walker-{n:04d}.npz").stat().st_mtime_ns for n in (1, 3)}
    assert after == before


def test_a_share_is_charged_for_its_set_up(
    checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]

    def takes(seconds: float, made: Callable[..., Any]) -> Callable[..., Any]:
        def late(*arguments: Any) -> Any:
            clock[0] += seconds
            return made(*arguments)

        return late

    monkeypatch.setattr(time, "process_time", lambda: clock[0])
    monkeypatch.setattr(team_run, "DraggedComplex", takes(4.0, team_run.DraggedComplex))
    monkeypatch.setattr(team_run, "_drift", takes(2.0, team_run._drift))
    monkeypatch.setattr(team_run, "stays_out", takes(7.0, team_run.stays_out))
    monkeypatch.setattr(DraggedComplex, "drag", takes(1.0, DraggedComplex.drag))
    team = run_team(plan(checkpoint, walkers=3), tmp_path)
    assert [walker.setup_seconds for walker, _ in team] == [2.0] * 3  # (4 + 2) / 3
    assert [walker.md_seconds for walker, _ in team] == [3.0] * 3  # leaps
    assert [verdict.seconds for _, verdict in team] == [5.0] * 3
    assert tries_of(team).core_seconds == clock[0]
    # Whoever is left when the share is resumed is charged for the second set-up.
    for number in (1, 2):
        (tmp_path / f"walker-{number:04d}.json").unlink()
    again = run_team(plan(checkpoint, walkers=3), tmp_path)
    assert [verdict.seconds for _, verdict in again] == [5.0, 8.0, 8.0]
    assert tries_of(again).core_seconds == clock[0]


def test_pulls_are_as_long_as_paths_with_the_model(checkpoint: str) -> None:
    settings = PathSettings(steps_per_leap=250, frames_per_leap=5, most_leaps=18)
    made = replace(plan(checkpoint), settings=settings)
    team = [
        (SimpleNamespace(path_nm=lambda n=n: np.zeros((1 + n, 2, 3))), SimpleNamespace(stable=good))
        for n, good in ((40, True), (50, True), (61, True), (90, False))
    ]
    assert _steps_of_a_path(made, team) == 50 * 50
    assert _steps_of_a_path(made, team[-1:]) == 18 * 250


def test_verification_is_charged_in_steps(
    checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_paths = team_run.find_paths

    def all_out(*arguments: Any, **options: Any) -> list[Walker]:
        team = find_paths(*arguments, **options)
        for walker in team:
            walker.status = "out"
        return team

    def stays_out(dragged: DraggedComplex, phase: Any) -> bool:
        dragged.run_free(phase, 30, lambda positions_nm: True)
        return True

    monkeypatch.setattr(team_run, "find_paths", all_out)
    monkeypatch.setattr(team_run, "stays_out", stays_out)
    team = run_team(plan(checkpoint, walkers=2), tmp_path)
    assert [verdict.steps - walker.steps for walker, verdict in team] == [30, 30]


def test_a_share_that_goes_on_draws_other_random_numbers(
    checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []

    class Watched(DraggedComplex):
        def __post_init__(self) -> None:
            seeds.append(self.seed)
            super().__post_init__()

    class KilledError(Exception):
        pass

    leaps: list[int] = []

    def kill() -> None:
        leaps.append(1)
        if len(leaps) == 3:
            raise KilledError

    monkeypatch.setattr(team_run, "DraggedComplex", Watched)
    with monkeypatch.context() as patched:
        patched.setattr(team_run, "end_if_left_behind", kill)
        with pytest.raises(KilledError):
            run_share(plan(checkpoint), tmp_path, [0, 1])
    settled = Walker.load(tmp_path / "walker-0000.npz").steps
    run_share(plan(checkpoint), tmp_path, [0, 1])
    (tmp_path / "other").mkdir()
    run_share(plan(checkpoint), tmp_path / "other", [0, 1])
    assert settled > 0
    assert seeds[0] != seeds[1]
    assert seeds[0] == seeds[2]  # as before, where nothing was interrupted


def test_random_and_model_drift_move_the_ligand(checkpoint: str, tmp_path: Path) -> None:
    for drift in ("model", "random"):
        team = run_team(plan(checkpoint, drift=drift, walkers=2), tmp_path / drift)
        for walker, _ in team:
            centres = walker.here.phase.centres_nm
            start = walker.stops[1].phase.centres_nm
            assert centres is not None
            assert start is not None
            assert np.abs(centres[8:] - start[8:]).max() > 0.002
            assert walker.model_seconds > 0


def test_summaries_are_counted_by_hand() -> None:
    tries = Tries([True, False] * 6, [10.0, 99.0] * 5 + [16.0, None], 60.0, 12_000)
    found = tries.summary()
    assert found["tries"] == 12
    assert found["stable_exits"] == 6
    assert found["success_at_1"] == 0.5
    assert found["success_at_10"] == 1.0
    assert found["seconds_per_stable_exit"] == 10.0
    assert found["force_evaluations_per_stable_exit"] == 2000
    assert found["work_kcal_per_mol"] == [10.0, 0.0]
    low, high = found["success_at_1_interval"]
    assert low < 0.25
    assert high > 0.75


def test_without_success_there_is_nothing_to_divide_by() -> None:
    found = Tries([False] * 3, [50.0, None, 60.0], 60.0, 12_000).summary()
    missing = (
        *("success_at_10", "seconds_per_stable_exit"),
        *("force_evaluations_per_stable_exit", "work_kcal_per_mol"),
    )
    assert {key: found[key] for key in missing} == dict.fromkeys(missing)
    assert found["success_at_1"] == 0.0


def test_a_whole_run_writes_what_was_promised_and_goes_on_after_a_kill(
    checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = UnbindingPlan(
        plan(checkpoint, drift="model"),
        BaselinePlan(walkers=2, pulls=2, metadynamics=1, metadynamics_fast=0, metadynamics_naive=0),
        ShootingPlan(points=2, shots=2, time_ps=0.1),
    )
    few = {"most_steps": 100}

    class KilledError(Exception):
        pass

    def kill(stage: str, done: int, of: int) -> None:
        if stage == "zero_drift" and done == of:
            raise KilledError

    monkeypatch.setattr(
        "openmm_genmd.unbinding.baselines.MetadynamicsSettings.tuned",
        lambda: _settings_of(few),
    )
    with pytest.raises(KilledError):
        run_unbinding(wanted, tmp_path, report=kill)
    assert not (tmp_path / "summary.json").exists()
    walked = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "paths").glob("*.npz")}
    with pytest.raises(FileExistsError, match="already has a run; choose --resume or a new --out"):
        run_unbinding(wanted, tmp_path)
    other = replace(wanted, team=replace(wanted.team, seed=2))
    with pytest.raises(ValueError, match=r"cannot resume in .*: seed differ from its plan.json"):
        run_unbinding(other, tmp_path, resume=True)
    run_unbinding(wanted, tmp_path, resume=True)
    again = {p.name: p.stat().st_mtime_ns for p in (tmp_path / "paths").glob("*.npz")}
    assert again == walked
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["grade"] == "exploratory"
    own = {
        *("success_at_1", "success_at_10", "seconds_per_stable_exit", "work_kcal_per_mol"),
        *("force_evaluations_per_stable_exit", "clash_score", "bond_mae_angstrom"),
    }
    assert own <= set(summary)
    for name in ("zero_drift", "random_drift", "pull", "metadynamics"):
        assert {*own} - {"clash_score", "bond_mae_angstrom"} <= set(summary[name])
    assert summary["zero_drift"]["stable_exits"] == 0
    assert summary["zero_drift"]["seconds_per_stable_exit"] is None
    assert summary["bond_mae_angstrom"] > 0
    assert "Grade: exploratory" in (tmp_path / "unbinding.html").read_text()


@pytest.mark.parametrize(
    "changed",
    [
        {"walkers": 5},
        {"platform": "CPU"},
        {"euler_steps": 11},
        {"settings": SETTINGS.model_copy(update={"candidates": 2})},
        {"bound": small_complex(well_kj_per_mol=13.0)},
        {"bound": replace(small_complex(), temperature_k=310.0)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_run_is_resumed_with_its_own_plan_alone(
    checkpoint: str, tmp_path: Path, changed: dict[str, Any]
) -> None:
    _require_same_plan(plan(checkpoint), tmp_path, resume=False)
    _require_same_plan(plan(checkpoint), tmp_path, resume=True)
    with pytest.raises(ValueError, match=r"cannot resume in .* differ from its plan.json"):
        _require_same_plan(plan(checkpoint, **changed), tmp_path, resume=True)


def test_another_model_is_another_plan(checkpoint: str, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(Path(checkpoint).read_bytes() + b" ")
    _require_same_plan(plan(checkpoint), tmp_path, resume=False)
    with pytest.raises(ValueError, match=r"cannot resume in .*: model_sha256 differ"):
        _require_same_plan(plan(str(other)), tmp_path, resume=True)


def test_unstable_tries_of_a_baseline_count_as_failures(
    checkpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def torn(self: Any, start: Any, direction: Any) -> None:
        self._dynamics.set(start)
        self._dynamics.advance(40)
        raise RuntimeError("the MD became unstable: bonds are torn")

    monkeypatch.setattr("openmm_genmd.unbinding.straight_pull.StraightPull.pull", torn)
    counts = BaselinePlan(0, pulls=2, metadynamics=0, metadynamics_fast=0, metadynamics_naive=0)
    made = baselines._plans(plan(checkpoint), counts, 100)["pull"]
    made = made.model_copy(update={"starts": 1, "settle_ps": 0.1, "apart_ps": 0.1})
    tries = baselines._prepared(
        *(plan(checkpoint), made, tmp_path / "pull", 1, "pull", lambda name, done, of: None)
    )
    assert list(tries.stable) == [False, False]
    assert list(tries.work_kcal_per_mol) == [None, None]
    assert tries.force_evaluations == 2 * 40 + 50  # what settling the start took is charged, too


def _settings_of(changed: dict[str, Any]) -> Any:
    from openmm_genmd.unbinding.exit_metadynamics import MetadynamicsSettings

    return MetadynamicsSettings(**changed)


def test_tries_count_only_exits_that_stay(checkpoint: str, tmp_path: Path) -> None:
    team = run_team(plan(checkpoint), tmp_path)
    walker, verdict = team[0]
    stable = [(walker, replace(verdict, stable=answer)) for answer in (True, False, None)]
    assert list(tries_of(stable).stable) == [True, False, False]
    assert tries_of(stable).force_evaluations == 3 * verdict.steps


def test_json_has_no_nan() -> None:
    found = stored_run._finite({"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": 2}})
    assert found == {"a": None, "b": [1.0, None], "c": {"d": 2}}
