"""Walkers go where they are asked to, are gated by the work, and go on after a kill."""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from openmm_genmd.unbinding.dragged_complex import Dragged, DraggedComplex
from openmm_genmd.unbinding.drifts import ZeroDrift
from openmm_genmd.unbinding.path_finding import GATES, _refused, find_paths
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.verification import (
    ShootingPlan,
    Shots,
    shoot,
    stays_out,
    store_shots,
    stored_shots,
)
from openmm_genmd.unbinding.walker import Stop, Walker
from openmm_genmd.units import KJ_PER_KCAL

from .small_complex import small_complex

SHORT = {
    "steps_per_leap": 200,
    "usual_leap_nm": 0,
    "frames_per_leap": 2,
    "most_leaps": 12,
    "settle_ps": 0.2,
}


class Straight:
    """Ligands shall go along z; a stand-in for a model in tests only."""

    name, history_frames = "straight", 2

    def __init__(self, step_nm: float = 0.12) -> None:
        self.step_nm, self.calls = step_nm, 0

    def propose(
        self, histories: Sequence[np.ndarray], rngs: Sequence[Any], frames: int
    ) -> np.ndarray:
        self.calls += 1
        steps = self.step_nm * (1 + np.arange(frames))
        present = np.repeat(np.stack([h[-1] for h in histories])[:, None], frames, axis=1)
        present[:, :, 8:, 2] += steps[:, None]
        for _ in range(len(histories)):
            rngs[0].random()
        return present


def dragged(**settings: Any) -> DraggedComplex:
    return DraggedComplex(small_complex(), PathSettings(**SHORT | settings), "Reference", seed=3)


def test_walkers_that_are_driven_get_out_and_stay_out(tmp_path: Path) -> None:
    complex = dragged()
    team = find_paths(complex, Straight(), range(4), tmp_path, seed=1)
    assert [walker.status for walker in team] == ["out"] * 4
    for walker in team:
        path = walker.path_nm()
        last = path[-1, 8:].mean(axis=0) - path[-1, :8].mean(axis=0)
        assert abs(last[2]) > 0.4
        assert complex.least_distance_nm(path[-1].astype(float)) > 0.6
        assert walker.steps > 200 * (walker.leaps - 1)
        # The well is 12 kJ/mol deep and the path is slow enough: a little more than that.
        assert 5 < walker.work_kj_per_mol < 120
        assert stays_out(complex, walker.here.phase, 0.5)
    assert not stays_out(complex, team[0].stops[0].phase, 0.5)


def test_walkers_that_are_not_driven_stay_bound(tmp_path: Path) -> None:
    team = find_paths(dragged(), ZeroDrift(), range(4), tmp_path, seed=1)
    assert [walker.status for walker in team] == ["gave up"] * 4
    assert all(walker.leaps == 12 for walker in team)
    for walker in team:
        assert walker.here.work_kj_per_mol == pytest.approx(0.0, abs=1e-9)
    # Starts, velocities and random numbers are each walker's own.
    starts = [walker.stops[0].phase for walker in team]
    assert len({start.positions_nm[0, 0] for start in starts}) == 4
    speeds = np.array([start.velocities_nm_per_ps.ravel() for start in starts])
    assert np.abs(np.corrcoef(speeds)[np.triu_indices(4, 1)]).max() < 0.7
    assert len({walker.rng.random() for walker in team}) == 4


def test_several_leaps_of_one_proposal_add_up(tmp_path: Path) -> None:
    drift = Straight()
    team = find_paths(dragged(frames_per_proposal=3), drift, [0], tmp_path, seed=1)
    assert team[0].status == "out"
    assert drift.calls == -(-team[0].attempts // 3)
    centres = [stop.phase.centres_nm[8:, 2].mean() for stop in team[0].stops[1:4]]
    np.testing.assert_allclose(np.diff(centres), 0.12, atol=0.02)  # each a step further


def test_costly_leaps_are_refused_and_the_walker_goes_back(tmp_path: Path) -> None:
    settings = {"most_work_of_leap_kcal_per_mol": 3.0, "most_attempts": 15}
    complex = dragged(**settings)
    walker = find_paths(complex, Straight(0.6), [0], tmp_path, seed=1)[0]
    assert walker.status == "gave up"
    assert walker.refused_leaps[GATES[0]] >= 10
    kept = [s.work_kj_per_mol for s in walker.stops]
    assert (np.diff(kept) <= 3.0 * KJ_PER_KCAL).all()
    settings = {f"most_work_of_{what}_kcal_per_mol": 1e4 for what in ("leap", "path")}
    free = find_paths(dragged(**settings), Straight(0.6), [1], tmp_path, seed=1)[0]
    assert free.status == "out"  # the gate did it


def test_the_whole_path_has_a_gate_too(tmp_path: Path) -> None:
    settings = {"most_work_of_path_kcal_per_mol": 1.0, "most_attempts": 20}
    walker = find_paths(dragged(**settings), Straight(), [0], tmp_path, seed=1)[0]
    assert walker.refused_leaps[GATES[1]] > 0
    assert walker.here.work_kj_per_mol <= KJ_PER_KCAL


@pytest.mark.parametrize(
    ("spent", "refused"), [(0.9, None), (1.1, GATES[1]), (5.1, GATES[0]), (np.nan, GATES[0])]
)
def test_gates_look_at_the_leap_and_at_the_sum(spent: float, refused: str | None) -> None:
    phase = Phase(np.zeros((1, 3)), np.zeros((1, 3)))
    here = Stop(phase, np.zeros((1, 1, 3), np.float32), 9.0 * KJ_PER_KCAL)
    leap = Dragged(phase, np.zeros((1, 1, 3)), spent * KJ_PER_KCAL, 0.0, 1, 0.1)
    limits = {"most_work_of_leap_kcal_per_mol": 5.0, "most_work_of_path_kcal_per_mol": 10.0}
    assert _refused(here, leap, PathSettings(**limits)) == refused


def test_cheap_candidates_are_chosen(tmp_path: Path) -> None:
    class Both(Straight):
        """Every second candidate wants to leave through the ring."""

        def propose(self, histories: Any, rngs: Any, frames: int) -> np.ndarray:
            found = super().propose(histories, rngs, frames)
            found[::2, :, 8:, 0] += 1.5
            return found

    settings = {"candidates": 2, "selection_kcal_per_mol": 0.5}
    settings["most_leaps"] = 6
    walker = find_paths(dragged(**settings), Both(), [0], tmp_path, seed=1)[0]
    ligand = walker.path_nm()[-1]
    offset = ligand[8:].mean(axis=0) - ligand[:8].mean(axis=0)
    assert abs(offset[2]) > 2 * np.hypot(*offset[:2])
    assert not walker.refused_leaps  # it is the choice that did it, not the gate


def test_a_probe_is_the_beginning_of_the_whole_leap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complex = dragged(candidates=2, most_leaps=1)
    drags, drag = [], complex.drag

    def watched(start: Any, targets: np.ndarray, changes: int | None = None) -> Any:
        drags.append((targets, changes))
        return drag(start, targets, changes)

    monkeypatch.setattr(complex, "drag", watched)
    walker = find_paths(complex, Straight(), [0], tmp_path, seed=1)[0]
    n = complex.settings.changes_per_leap
    m = complex.settings.changes_of_probe(n)
    assert [changes for _, changes in drags] == [m, m, n - m]
    start = walker.stops[0].phase.positions_nm[complex.tokens]
    probe, _, whole = (targets - start for targets, _ in drags)
    np.testing.assert_allclose(probe, m / n * whole, atol=1e-12)
    assert whole[8:, 2] == pytest.approx(0.12)


def test_candidates_of_other_lengths_are_dragged_at_the_same_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Uneven(Straight):
        def propose(self, histories: Any, rngs: Any, frames: int) -> np.ndarray:
            found = super().propose(histories, rngs, frames)
            found[1::2, :, 8:, 2] += 0.08
            return found

    settings = {"candidates": 2, "most_leaps": 1, "usual_leap_nm": 0.1, "frames_per_leap": 4}
    complex = dragged(**settings, selection_kcal_per_mol=100.0)
    drags, drag = [], complex.drag

    def watched(start: Any, targets: np.ndarray, changes: int | None = None) -> Any:
        drags.append((targets, changes))
        return drag(start, targets, changes)

    monkeypatch.setattr(complex, "drag", watched)
    walkers = find_paths(complex, Uneven(0.1), range(12), tmp_path, seed=1)
    chosen = set()
    for n, walker in enumerate(walkers):
        start = walker.stops[0].phase.positions_nm[complex.tokens]
        mine = drags[3 * n : 3 * n + 3]
        goals = [float((targets - start)[8:, 2].mean()) for targets, _ in mine]
        assert [changes for _, changes in mine[:2]] == [8, 14]  # a fifth of 40, and of 70
        assert goals[:2] == pytest.approx([0.1 / 5, 0.18 / 5])
        chosen.add(round(goals[2], 6))
        assert mine[2][1] == {0.1: 40 - 8, 0.18: 70 - 14}[round(goals[2], 6)]
    assert chosen == {0.1, 0.18}


def test_a_killed_search_goes_on_where_it_was(tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    calls = []

    def kill(walker: Walker) -> None:
        calls.append((walker.number, walker.attempts))
        if len(calls) == 7:
            raise KilledError

    with pytest.raises(KilledError):
        find_paths(dragged(), Straight(), range(3), tmp_path, seed=1, report=kill)
    stored = {n: Walker.load(tmp_path / f"walker-{n:04d}.npz") for n in range(3)}
    assert [stored[n].attempts for n in range(3)] == [3, 2, 2]
    before = copy.deepcopy({n: stored[n].path_nm() for n in range(3)})
    team = find_paths(dragged(), Straight(), range(3), tmp_path, seed=1)
    assert [walker.status for walker in team] == ["out"] * 3
    for walker in team:
        known = before[walker.number]
        np.testing.assert_array_equal(walker.path_nm()[: len(known)], known)
    steps = sum(walker.steps for walker in team)
    assert steps == 100 + 2 * 200 + sum(200 * w.leaps - _saved(w) for w in team)


def _saved(walker: Walker) -> int:
    """Steps that the last leap did not need, since the ligand was out early."""
    return 200 - 100 * len(walker.here.frames_nm)


def test_a_walker_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    walker = find_paths(dragged(), Straight(), [5], tmp_path, seed=1)[0]
    again = Walker.load(tmp_path / "walker-0005.npz")
    assert again.rng.random() == walker.rng.random()
    assert again.refused_leaps == walker.refused_leaps
    assert again.steps == walker.steps
    assert again.work_kj_per_mol == walker.work_kj_per_mol
    assert again.stops[0].phase.centres_nm is None
    for mine, theirs in zip(again.stops, walker.stops, strict=True):
        np.testing.assert_array_equal(mine.frames_nm, theirs.frames_nm)
    np.testing.assert_array_equal(again.here.phase.centres_nm, walker.here.phase.centres_nm)
    np.testing.assert_array_equal(
        again.here.phase.velocities_nm_per_ps, walker.here.phase.velocities_nm_per_ps
    )


def test_files_without_seconds_of_the_set_up_are_read(tmp_path: Path) -> None:
    find_paths(dragged(most_leaps=1), Straight(), [0], tmp_path, seed=1, setup_seconds=2.5)
    file = tmp_path / "walker-0000.npz"
    with np.load(file) as stored:
        arrays = {name: stored[name] for name in stored.files}
    counts = json.loads(str(arrays["counts"]))
    assert counts.pop("setup_seconds") == 2.5
    arrays["counts"] = np.array(json.dumps(counts))
    with file.open("wb") as stream:
        np.savez(stream, **arrays)
    assert Walker.load(file).setup_seconds == 0.0


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_damaged_walker_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "walker-0000.npz"
    if content is None:
        with file.open("wb") as stream:
            np.savez(stream, other=np.zeros(3))
    else:
        file.write_bytes(content)
    with pytest.raises(ValueError, match=r"walker-0000.npz is not a walker's file .* remove it"):
        find_paths(dragged(), Straight(), [0], tmp_path, seed=1)


def test_unstable_leaps_are_refused(tmp_path: Path) -> None:
    settings = {"ligand_spring_kj_per_mol_nm2": 1e9, "most_attempts": 12}
    walker = find_paths(dragged(**settings), Straight(), [0], tmp_path, seed=1)[0]
    assert walker.status == "gave up"
    assert set(walker.refused_leaps) <= {"unstable", *GATES}
    assert walker.refused_leaps


def test_unstable_bound_states_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"the MD became unstable: .* use a smaller time step"):
        find_paths(dragged(time_step_fs=200.0), Straight(), [0], tmp_path, seed=1)


def test_an_exit_whose_md_is_unstable_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    complex = dragged()
    x = complex.bound.positions_nm.copy()
    x[8:, 2] += 2.0
    gone = Phase(x, np.zeros_like(x))
    assert stays_out(complex, gone, 0.1)

    def torn(*arguments: Any) -> None:
        raise RuntimeError("the MD became unstable: bonds are torn")

    monkeypatch.setattr(complex, "run_free", torn)
    assert not stays_out(complex, gone, 0.1)


def test_shots_from_the_ends_of_a_path_end_where_they_began(tmp_path: Path) -> None:
    complex = dragged()
    walker = find_paths(complex, Straight(), [0], tmp_path, seed=1)[0]
    plan = ShootingPlan(points=3, shots=4, time_ps=0.5)
    found = shoot(complex, walker.path_nm(), plan)
    assert [shots.progress for shots in found][::2] == [0.0, 1.0]
    assert found[0].bound == 4
    assert found[-1] == Shots(progress=1.0, shots=4, out=4, bound=0)


def test_shots_of_another_plan_are_not_taken_for_these(tmp_path: Path) -> None:
    plan, shots = ShootingPlan(points=2, shots=4), [Shots(0.0, 4, 0, 4), Shots(1.0, 4, 3, 0)]
    store_shots(tmp_path, 7, plan, shots)
    assert stored_shots(tmp_path, 7) == stored_shots(tmp_path, 7, plan) == shots
    assert stored_shots(tmp_path, 7, ShootingPlan(points=2, shots=5)) == []
    assert stored_shots(tmp_path, 8) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 1}, "at least 2 points, 1 shot and a time, got 1, 8 and 2 ps"),
        ({"shots": 0}, "at least 2 points, 1 shot and a time"),
        ({"time_ps": 0.0}, "at least 2 points, 1 shot and a time"),
        ({"bound_fraction": 0.0}, "bound_fraction must be above 0 and at most 1, got 0.0"),
    ],
)
def test_shooting_plans_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ShootingPlan(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps_per_leap": 101}, "multiple of steps_per_change \\* frames_per_leap = 25, got 101"),
        ({"most_attempts": 3}, "most_attempts must be at least most_leaps = 18, got 3"),
        ({"candidates": 2, "frames_per_proposal": 2}, "frames_per_proposal must be 1, got 2"),
    ],
)
def test_settings_are_checked(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PathSettings(**options)
