"""Hills are those of well-tempered metadynamics, their work is counted, ligands leave."""

import numpy as np
import pytest

from openmm_genmd.unbinding.exit_metadynamics import (
    MetadynamicsSettings,
    exit_by_metadynamics,
)
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.units import thermal_energy_kj_per_mol

from .small_complex import small_complex

KT = thermal_energy_kj_per_mol(300.0)
HEIGHT, WIDTH, FACTOR = 6.0, 0.04, 3.0
THREE_HILLS = MetadynamicsSettings(
    height_kj_per_mol=HEIGHT,
    width_nm=WIDTH,
    bias_factor=FACTOR,
    steps_per_hill=20,
    steps_per_frame=20,
    most_steps=60,
)


def start_of(bound, push=1.0):
    velocities = np.random.default_rng(3).normal(scale=push * 0.4, size=bound.positions_nm.shape)
    return Phase(bound.positions_nm.copy(), velocities)


def distances_nm(frames_nm):
    between = frames_nm[:, 8:].mean(axis=1) - frames_nm[:, :8].mean(axis=1)
    return np.linalg.norm(between.astype(np.float64), axis=1)


def work_of_three_hills(places_nm, tempered=True):
    """Height of each hill by the energy before it, less the bias where the last one is."""

    def bias(x, hills):
        return sum(h * np.exp(-0.5 * ((x - at) / WIDTH) ** 2) for at, h in hills)

    hills = []
    for x in places_nm:
        height = HEIGHT * np.exp(-bias(x, hills) / ((FACTOR - 1) * KT)) if tempered else HEIGHT
        hills.append((x, height))
    return sum(h for _, h in hills) - bias(places_nm[-1], hills)


def test_work_of_the_hills(monkeypatch):
    # All frames are needed, those near the start, too.
    monkeypatch.setattr("openmm_genmd.unbinding.exit_metadynamics._BOUND_NM", -10.0)
    bound = small_complex(well_kj_per_mol=0.0)
    # Away from 0, where a distance ends.
    start = start_of(bound)
    start.positions_nm[8:, 2] += 0.1
    done = exit_by_metadynamics(bound, start, THREE_HILLS, platform="Reference", seed=2)
    places = distances_nm(done.frames_nm)[-3:]
    assert (done.left, done.unstable, done.steps) == (False, False, 60)
    assert np.ptp(places) > 0.2 * WIDTH
    assert done.work_kj_per_mol == pytest.approx(work_of_three_hills(places), abs=0.02)
    # Broken on purpose: hills that do not shrink.
    wrong = work_of_three_hills(places, tempered=False)
    assert abs(done.work_kj_per_mol - wrong) > 0.1


def test_one_hill_gives_back_what_it_took():
    bound = small_complex()
    settings = THREE_HILLS.model_copy(update={"most_steps": 20})
    done = exit_by_metadynamics(bound, start_of(bound), settings, platform="Reference")
    assert abs(done.work_kj_per_mol) < 0.01


def test_the_ligand_leaves():
    bound = small_complex()
    settings = MetadynamicsSettings(steps_per_hill=10, most_steps=20_000, exit_nm=0.5)
    done = exit_by_metadynamics(bound, start_of(bound), settings, platform="Reference", seed=4)
    assert done.left
    assert done.steps < 20_000
    assert done.steps % settings.steps_per_frame == 0
    gaps = np.linalg.norm(done.end.positions_nm[8:, None] - done.end.positions_nm[:8], axis=2)
    assert gaps.min() > 0.5
    assert np.allclose(done.frames_nm[-1], done.end.positions_nm, atol=1e-5)
    # Frames begin with the last one near the bound place.
    away = distances_nm(done.frames_nm) - distances_nm(bound.positions_nm[None])
    assert away[0] < 0.1
    assert (away[1:] >= 0.1).all()
    # At least what holds the ligand was paid.
    assert done.work_kj_per_mol > 0


def test_without_hills_worth_the_name_it_stays():
    bound = small_complex(well_kj_per_mol=40.0)
    settings = MetadynamicsSettings(height_kj_per_mol=0.01, most_steps=1000, most_frames=5)
    done = exit_by_metadynamics(bound, start_of(bound), settings, platform="Reference")
    assert (done.left, done.steps) == (False, 1000)
    assert 1 <= len(done.frames_nm) <= 5


def test_it_follows_from_its_seed():
    bound = small_complex()
    ends = [
        exit_by_metadynamics(bound, start_of(bound), THREE_HILLS, platform="Reference", seed=seed)
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(ends[0].frames_nm, ends[1].frames_nm)
    assert not np.array_equal(ends[0].frames_nm, ends[2].frames_nm)


def test_unstable_md_ends_it():
    bound = small_complex()
    settings = MetadynamicsSettings(time_step_fs=200.0, most_steps=2000)
    done = exit_by_metadynamics(bound, start_of(bound), settings, platform="Reference")
    assert done.unstable
    assert not done.left
    assert done.steps < 2000


def test_settings():
    naive, tuned, fast = (
        make()
        for make in (
            MetadynamicsSettings.naive,
            MetadynamicsSettings.tuned,
            MetadynamicsSettings.fast,
        )
    )
    assert (naive.height_kj_per_mol, naive.width_nm) == (1.2, 0.05)
    assert (naive.bias_factor, naive.steps_per_hill) == (10.0, 500)
    rates = [each.height_kj_per_mol / each.steps_per_hill for each in (naive, tuned, fast)]
    assert rates == [1.2 / 500, 2.0 / 100, 4.0 / 10]
    with pytest.raises(ValueError, match="greater than 1"):
        MetadynamicsSettings(bias_factor=1.0)
    bound = small_complex()
    with pytest.raises(ValueError, match=r"platform must be one of .*, got 'Abacus'"):
        exit_by_metadynamics(bound, start_of(bound), tuned, platform="Abacus")
