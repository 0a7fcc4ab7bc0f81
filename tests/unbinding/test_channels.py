"""Channels of made-up paths, whose portals are known."""

from dataclasses import replace

import numpy as np
import pytest

from openmm_genmd.unbinding import ligand_paths
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.channels import Channel, _channel, find_channels, path_distances_nm
from openmm_genmd.unbinding.ligand_paths import SHELL_NM, LigandPath, on_receptor
from openmm_genmd.unbinding.residue_contacts import residue_contacts
from openmm_genmd.unbinding.success import share_interval

from .made_up_paths import moved_ligand, path_of, portal_path, tube_complex, tumbled

UP, DOWN = {0, 3, 4, 6, 7}, {1, 2, 5}


@pytest.fixture(scope="module")
def bound():
    return tube_complex()


@pytest.fixture(scope="module")
def paths(bound):
    rng = np.random.default_rng(3)
    return [portal_path(bound, n, 1 if n in UP else -1, rng) for n in range(8)]


def members(channels: list[Channel]) -> list[set[int]]:
    return [set(channel.paths) for channel in channels]


def straight(bound, angle: float, number: int = 0, length_nm: float = 2.0):
    """Leaves on a straight line in the xz plane."""
    way = np.linspace(0.0, length_nm, 81)[:, None] * [np.sin(angle), 0.0, np.cos(angle)]
    return path_of(number, moved_ligand(bound, way))


def test_two_portals_are_two_channels(bound, paths) -> None:
    up, down = find_channels(paths, bound)
    assert members([up, down]) == [UP, DOWN]
    assert (up.share, up.share_interval) == (5 / 8, share_interval(8, 5))
    assert up.residues == ("1:RNG 4", "1:RNG 5")
    assert down.residues == ("1:RNG 1", "1:RNG 2")
    assert up.mean_path_nm[-1, 2] > 0.6
    assert down.mean_path_nm[-1, 2] < -0.6
    assert np.abs(up.mean_path_nm[:, :2]).max() < 0.15
    assert up.name == "channel 1"


def test_without_superposition_there_are_no_such_channels(bound, paths, monkeypatch) -> None:
    monkeypatch.setattr(ligand_paths, "on_receptor", lambda frames, _: frames.astype(np.float64))
    assert members(find_channels(paths, bound)) != [UP, DOWN]


def test_a_wide_threshold_joins_them_and_a_narrow_one_splits(bound, paths) -> None:
    assert members(find_channels(paths, bound, threshold_nm=2.0)) == [UP | DOWN]
    assert len(find_channels(paths, bound, threshold_nm=0.01)) == 8


def test_paths_that_do_not_lead_out_are_left_aside(bound, paths) -> None:
    rng = np.random.default_rng(4)
    back = portal_path(bound, 20, -1, rng, stable_exit=False)
    gave_up = portal_path(bound, 21, -1, rng, status="gave up", stable_exit=None)
    not_verified = portal_path(bound, 22, -1, rng, stable_exit=None)
    channels = find_channels([*paths, back, gave_up, not_verified], bound)
    assert members(channels) == [UP, DOWN | {22}]


def test_a_single_path_is_a_channel(bound, paths) -> None:
    (channel,) = find_channels(paths[:1], bound)
    assert (channel.paths, channel.representative, channel.share) == ((0,), 0, 1.0)


def test_distance_of_straight_ways_is_that_of_their_directions(bound) -> None:
    angle = 0.3
    ways = [LigandPath.of(straight(bound, a), bound) for a in (0.0, angle)]
    radii = SHELL_NM * np.arange(1, 1 + min(len(way.shells_nm) for way in ways))
    expected = 2 * np.sin(angle / 2) * np.sqrt(np.mean(radii**2))
    distances = path_distances_nm(ways)
    assert distances[0, 1] == pytest.approx(expected, rel=1e-4)
    assert np.array_equal(distances, distances.T)
    assert np.array_equal(np.diag(distances), [0.0, 0.0])


def test_detours_and_dwelling_leave_no_trace(bound) -> None:
    way = np.linspace(0.0, 2.0, 81)[:, None] * [0.0, 0.0, 1.0]
    detour = np.concatenate([way[:1].repeat(30, axis=0), way[:25] * [0, 0, -1], way[24::-1], way])
    one, other = (
        LigandPath.of(path_of(n, moved_ligand(bound, shifts)), bound)
        for n, shifts in enumerate((way, detour))
    )
    assert other.shells_nm == pytest.approx(one.shells_nm, abs=1e-5)
    assert np.array_equal(one.touched, other.touched)


def test_the_representative_is_nearest_to_the_others(bound) -> None:
    angles = (0.0, 0.1, 0.4)
    (channel,) = find_channels([straight(bound, a, n) for n, a in enumerate(angles)], bound)
    assert channel.representative == 1


def test_residues_are_those_that_half_of_the_paths_touch(bound) -> None:
    way = LigandPath.of(straight(bound, 0.0), bound)
    touched = np.zeros((4, len(way.touched)), bool)
    touched[:, 1], touched[:2, 2], touched[:1, 3] = True, True, True
    members = [replace(way, number=n, touched=row) for n, row in enumerate(touched)]
    channel = _channel(1, members, np.zeros((4, 4)), 4, bound, {})
    assert channel.residue_indices == (1, 2)


def test_frames_come_back_to_the_receptor(bound) -> None:
    frames = moved_ligand(bound, np.linspace(0, 1, 4)[:, None] * [0.3, 0.2, 1.0])
    back = on_receptor(tumbled(frames, np.random.default_rng(5)), bound)
    assert back == pytest.approx(frames, abs=1e-12)


def test_contacts_by_residue_are_those_of_a_double_loop(bound) -> None:
    frame = moved_ligand(bound, np.array([[0.1, 0.0, 0.4]]))[0]
    counts = np.zeros(6, int)
    for i in bound.receptor:
        for j in bound.ligand:
            counts[i // 8] += np.linalg.norm(frame[i] - frame[j]) < 0.45
    assert residue_contacts(frame[None], bound)[0].tolist() == counts.tolist()
    assert counts.sum() > 0


def test_helices_name_the_channel() -> None:
    bound = bundled_complex("l99a-p-xylene")
    out = np.linspace(0.0, 3.2, 25)[:, None]
    frames = [moved_ligand(bound, out * direction) for direction in ([-1.0, 0, 0], [0, 1.0, 0])]
    channels = find_channels([path_of(n, x) for n, x in enumerate(frames)], bound)
    names = [channel.name for channel in channels]
    assert names[0] == "channel 1 (between helices D/F/G)"
    assert names[1] == "channel 2 (between helices D/E/F/I)"


def test_a_single_helix_is_named_alone(bound, paths) -> None:
    (channel,) = find_channels(paths[:1], bound)
    fields = {name: getattr(channel, name) for name in channel.__dataclass_fields__}
    assert Channel(**{**fields, "helices": ("C",)}).name == "channel 1 (at helix C)"


def test_what_makes_no_sense_is_refused(bound, paths) -> None:
    with pytest.raises(ValueError, match="threshold_nm must be positive, got 0"):
        find_channels(paths, bound, threshold_nm=0)
    with pytest.raises(ValueError, match="do not fit tube, which has 44 particles; pass"):
        find_channels([path_of(0, np.zeros((3, 5, 3)))], bound)
    still = moved_ligand(bound, np.zeros((3, 3)))
    with pytest.raises(
        ValueError, match="path 4 leads out, but its ligand ends where it was bound"
    ):
        find_channels([path_of(4, still)], bound)
    away = moved_ligand(bound, np.array([[0.0, 0, 3], [0, 0, 4], [0, 0, 5]]))
    with pytest.raises(ValueError, match="touches the receptor nowhere on path 5; a path begins"):
        find_channels([path_of(5, away)], bound)
