"""Drags: where the centers go, what that costs, which frames are kept, and where they end."""

import numpy as np
import pytest

from openmm_genmd.unbinding.dragged_complex import Dragged, DraggedComplex
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.phase import Phase

from .small_complex import small_complex

SETTINGS = PathSettings(steps_per_leap=200, usual_leap_nm=0, frames_per_leap=2)
N = SETTINGS.changes_per_leap


@pytest.fixture
def dragged() -> DraggedComplex:
    return DraggedComplex(small_complex(), SETTINGS, "Reference", seed=3)


def at_rest(complex: DraggedComplex) -> Phase:
    x = complex.bound.positions_nm
    return Phase(x, np.zeros_like(x))


def pushed(complex: DraggedComplex, distance_nm: float) -> np.ndarray:
    """Targets with the ligand shifted along z."""
    targets = complex.bound.positions_nm[complex.tokens].copy()
    targets[complex.is_ligand, 2] += distance_nm
    return targets


def test_centers_move_as_they_would_backwards(
    dragged: DraggedComplex, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves, move = [], dragged._springs.move

    def watched(context: object, x: np.ndarray, share: float) -> float:
        work = move(context, x, share)
        moves.append((share, work))
        return work

    monkeypatch.setattr(dragged._springs, "move", watched)
    targets = pushed(dragged, 0.1)
    done = dragged.drag(at_rest(dragged), targets)
    shares, works = np.array(moves).T
    steps = np.diff(shares, prepend=0.0)
    assert len(steps) == N + 1
    np.testing.assert_allclose(steps, steps[::-1], atol=1e-12)
    np.testing.assert_allclose(steps[1:-1], 1 / N, atol=1e-12)
    assert shares[-1] == 1.0
    assert done.work_kj_per_mol == pytest.approx(works.sum())
    np.testing.assert_allclose(done.end.centres_nm, targets, atol=1e-12)
    assert (done.steps, len(done.frames_nm)) == (200, 2)


def test_leaps_are_dragged_at_equal_speed() -> None:
    settings = PathSettings(steps_per_leap=200, usual_leap_nm=0.1, frames_per_leap=4)
    dragged = DraggedComplex(small_complex(), settings, "Reference", seed=3)
    for distance_nm, steps in ((0.01, 100), (0.05, 100), (0.1, 200), (0.16, 300), (0.5, 400)):
        done = dragged.drag(at_rest(dragged), pushed(dragged, distance_nm))
        assert (done.steps, len(done.frames_nm)) == (steps, steps // 50)


def test_the_pocket_does_not_count_as_a_way_of_the_ligand() -> None:
    settings = PathSettings(steps_per_leap=200, usual_leap_nm=0.1)
    dragged = DraggedComplex(small_complex(), settings, "Reference", seed=3)
    x = dragged.bound.positions_nm[dragged.tokens]
    breathing = x + 0.2 * ~dragged.is_ligand[:, None]
    assert dragged.changes_of_leap(x, breathing) == dragged.changes_of_leap(x, x)
    assert dragged.changes_of_leap(x, pushed(dragged, 0.15)) > dragged.changes_of_leap(x, x)


def test_a_probe_ends_with_a_frame_of_its_own(dragged: DraggedComplex) -> None:
    changes = N // 2 + 1
    probe = dragged.drag(at_rest(dragged), pushed(dragged, 0.05), changes)
    assert len(probe.frames_nm) == 2
    np.testing.assert_array_equal(probe.frames_nm[-1], probe.end.positions_nm)
    assert probe.steps == changes * SETTINGS.steps_per_change


def test_a_drag_ends_where_the_ligand_is_out(dragged: DraggedComplex) -> None:
    x = dragged.bound.positions_nm.copy()
    x[8:, 2] += 0.8
    begin, targets = x[dragged.tokens], x[dragged.tokens] + np.array([0.0, 0.0, 0.02])
    out = dragged.drag(Phase(x, np.zeros_like(x)), targets)
    assert len(out.frames_nm) == 1
    assert out.steps == 100
    assert out.least_distance_nm > SETTINGS.exit_nm
    share = (N / 2 - 0.5) / N
    assert out.end.centres_nm is not None
    np.testing.assert_allclose(out.end.centres_nm, begin + share * (targets - begin), atol=1e-12)


def test_works_steps_and_frames_of_two_drags_add_up() -> None:
    phase = Phase(np.zeros((2, 3)), np.zeros((2, 3)))
    one, other = (
        Dragged(phase, np.full((n, 2, 3), n), 10.0 * n, 1.0 * n, 100 * n, 0.1 * n) for n in (1, 2)
    )
    both = one.followed_by(other)
    assert both.work_kj_per_mol == 30.0
    assert both.held_kj_per_mol == 2.0
    assert both.steps == 300
    assert both.least_distance_nm == 0.2
    assert both.frames_nm[:, 0, 0].tolist() == [1, 2, 2]


def test_free_md_feels_no_springs(dragged: DraggedComplex) -> None:
    done = dragged.drag(at_rest(dragged), pushed(dragged, 0.3))
    dragged.run_free(done.end, 1, lambda x: True)
    assert dragged._dynamics.context.getParameter("genmd_springs") == 0.0
