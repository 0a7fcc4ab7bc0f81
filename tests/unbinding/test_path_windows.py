"""Windows along a path: where they are, how firm, and what becomes of weak ones."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from openmm_genmd.unbinding.contacts import minimum_distances_nm
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.path_windows import PathWindows, separation
from openmm_genmd.unbinding.pose import PoseFrame

from .small_complex import small_complex

SETTINGS = FreeEnergySettings()


def pushed_frames(bound, distance_nm=1.0, count=12):
    """The ligand shifted evenly along z."""
    frames = np.repeat(bound.positions_nm[None], count, axis=0)
    frames[:, bound.ligand, 2] += np.linspace(0.0, distance_nm, count)[:, None]
    return frames


def windows_of(bound, frames, settings=SETTINGS):
    frame = PoseFrame.of(bound)
    return PathWindows.along(frames, frame, bound, settings), frame


def test_windows_let_the_bound_ligand_go_step_by_step():
    bound = small_complex()
    path, frame = windows_of(bound, pushed_frames(bound))
    first = path.first_on_path
    springs = [w.place_spring_kj_per_mol_nm2 for w in path.windows[: first + 1]]
    assert springs == [0.0, 156.25, 625.0, 2500.0]
    assert [w.in_site for w in path.windows] == [True] * first + [False] * (
        len(path.windows) - first
    )
    start = frame.poses(bound.positions_nm[None])
    for window in path.windows[: first + 1]:
        np.testing.assert_allclose(window.place_nm, start.places_nm[0], atol=1e-12)


def test_neighbors_are_equally_far_apart():
    bound = small_complex()
    path, _ = windows_of(bound, pushed_frames(bound))
    on_path = path.windows[path.first_on_path :]
    gaps = [separation(a, b, 300.0) for a, b in pairwise(on_path)]
    np.testing.assert_allclose(gaps, gaps[0], rtol=1e-6)
    assert SETTINGS.spacing / 1.2 < gaps[0] < SETTINGS.spacing * 1.2


@pytest.mark.parametrize("distance_nm", [0.05, 1.0])
def test_the_last_window_is_where_the_two_are_apart(distance_nm):
    # On a long path windows end at the first frame that is apart; a short one is prolonged.
    bound = small_complex()
    path, frame = windows_of(bound, pushed_frames(bound, distance_nm))
    shift = path.windows[-1].place_nm - frame.poses(bound.positions_nm[None]).places_nm[0]
    moved = bound.positions_nm.copy()
    moved[bound.ligand, 2] += np.linalg.norm(shift)
    least = minimum_distances_nm(moved, bound.receptor_heavy, bound.ligand_heavy)[0]
    assert SETTINGS.exit_nm <= least < SETTINGS.exit_nm + 0.1


def test_between_frames_the_ligand_turns_evenly():
    bound = small_complex()
    frames = pushed_frames(bound, 0.6, 2)
    x = frames[1, bound.ligand]
    centre = x.mean(axis=0)
    angle = 1.0
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    frames[1, bound.ligand] = (x - centre) @ turn.T + centre
    path, _ = windows_of(bound, frames)
    on_path = path.windows[path.first_on_path :]
    turned = [
        np.arccos((np.trace(on_path[0].rotation.T @ w.rotation) - 1) / 2) for w in on_path[1:]
    ]
    np.testing.assert_allclose(turned, np.linspace(0, angle, len(on_path))[1:], atol=1e-6)


def test_weak_links_get_a_window_halfway():
    bound = small_complex()
    path, _ = windows_of(bound, pushed_frames(bound))
    more, origins = path.refined([0, 6], [], SETTINGS)
    assert origins == [0, 0, 1, 2, 3, 4, 5, 6, 6, *range(7, len(path.windows))]
    assert more.first_on_path == path.first_on_path + 1
    assert more.windows[1].place_spring_kj_per_mol_nm2 == pytest.approx(156.25 / 4)
    assert more.windows[1].in_site
    between = (path.windows[6].place_nm + path.windows[7].place_nm) / 2
    np.testing.assert_allclose(more.windows[8].place_nm, between, atol=1e-12)


def test_a_window_halfway_is_turned_halfway_and_keeps_the_wall_of_the_looser_one():
    bound = small_complex()
    frames = pushed_frames(bound, 0.6, 2)
    angle = 1.0
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    x = frames[1, bound.ligand]
    frames[1, bound.ligand] = (x - x.mean(axis=0)) @ turn.T + x.mean(axis=0)
    path, _ = windows_of(bound, frames)
    first = path.first_on_path
    more, _ = path.refined([first - 1, first], [], SETTINGS)
    held, middle, after = more.windows[first + 1 : first + 4]
    whole = np.trace(held.rotation.T @ after.rotation)
    for end in (held, after):
        half = np.trace(end.rotation.T @ middle.rotation)
        assert np.arccos((half - 1) / 2) == pytest.approx(np.arccos((whole - 1) / 2) / 2, rel=1e-6)
    assert more.windows[first].in_site  # between the last of the ladder and the first on the path
    assert not middle.in_site


def test_soft_springs_are_doubled_between_new_neighbors_up_to_a_limit():
    bound = small_complex()
    path, _ = windows_of(bound, pushed_frames(bound))
    once, origins = path.refined([], [7], SETTINGS)
    assert origins[6:11] == [6, 6, 7, 7, 8]
    springs = [w.place_spring_kj_per_mol_nm2 for w in once.windows[6:11]]
    assert springs == pytest.approx([2500.0, 3535.5, 5000.0, 3535.5, 2500.0], rel=1e-4)
    twice, _ = once.refined([], [8], SETTINGS)
    stiff = max(w.place_spring_kj_per_mol_nm2 for w in twice.windows)
    assert stiff == 10_000.0
    n = [w.place_spring_kj_per_mol_nm2 for w in twice.windows].index(stiff)
    thrice, _ = twice.refined([], [n], SETTINGS)
    assert thrice.windows == twice.windows
    assert path.refined([], [1], SETTINGS)[0].windows == path.windows  # the ladder stays


def test_a_path_needs_two_frames():
    bound = small_complex()
    with pytest.raises(ValueError, match="a path needs at least two frames, got 1"):
        windows_of(bound, pushed_frames(bound)[:1])


def test_too_many_windows_are_refused():
    bound = small_complex()
    few = FreeEnergySettings(most_windows=8)
    with pytest.raises(ValueError, match=r"takes \d+ windows, and at most 8 are allowed"):
        windows_of(bound, pushed_frames(bound), few)
    path, _ = windows_of(bound, pushed_frames(bound))
    tight = FreeEnergySettings(most_windows=len(path.windows))
    with pytest.raises(ValueError, match="raise most_windows or spacing"):
        path.refined([2], [], tight)


def test_progress_and_tangents_follow_the_places():
    bound = small_complex()
    path, _ = windows_of(bound, pushed_frames(bound))
    progress = path.progress_nm()
    assert (progress[: path.first_on_path + 1] == 0).all()
    ends = path.windows[-1].place_nm - path.windows[0].place_nm
    assert progress[-1] == pytest.approx(np.linalg.norm(ends))
    way = path.tangents()
    np.testing.assert_allclose(way[0], 0.0, atol=1e-12)
    np.testing.assert_allclose(way[-1], ends / np.linalg.norm(ends), atol=1e-6)


def test_separation_is_in_widths_of_the_spring():
    bound = small_complex()
    path, _ = windows_of(bound, pushed_frames(bound))
    one = path.windows[path.first_on_path]
    width_nm = np.sqrt(0.0083144626 * 300.0 / one.place_spring_kj_per_mol_nm2)
    other = replace(one, place_nm=one.place_nm + np.array([0.0, 2 * width_nm, 0.0]))
    assert separation(one, other, 300.0) == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"release": (0.1, 0.5)}, "release must descend between 1 and 0"),
        ({"trial_iterations": 300}, "trial_iterations must be at most iterations = 200, got 300"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        FreeEnergySettings(**wrong)
