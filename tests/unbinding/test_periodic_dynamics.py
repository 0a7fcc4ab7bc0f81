"""In a box that is too small a ligand never leaves: it arrives at the next image."""

import numpy as np
import pytest

from openmm_genmd.unbinding.dragged_complex import DraggedComplex
from openmm_genmd.unbinding.dynamics_settings import DynamicsSettings
from openmm_genmd.unbinding.exit_metadynamics import MetadynamicsSettings, exit_by_metadynamics
from openmm_genmd.unbinding.langevin_dynamics import LangevinDynamics
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.straight_pull import PullSettings, StraightPull

from .small_complex import small_complex

SMALL_NM, LARGE_NM = 0.8, 6.0
"""Half of it is less than the distance that counts as out, and much more."""


def at_rest(bound):
    return Phase(bound.positions_nm, np.zeros_like(bound.positions_nm))


def seems_out(positions_nm):
    """Broken on purpose: distances as if there were no images."""
    return np.linalg.norm(positions_nm[8:, None] - positions_nm[:8], axis=2).min() > 0.6


def test_distances_are_those_of_the_nearest_images():
    bound = small_complex(box_nm=SMALL_NM)
    x = bound.positions_nm.copy()
    x[8:, 2] += 2 * SMALL_NM + 0.1
    x[8:, 0] -= 8 * SMALL_NM
    moved, far = bound.positions_nm.copy(), small_complex()
    moved[8:, 2] += 0.1
    by_hand = np.linalg.norm(moved[8:, None] - moved[:8], axis=2).min()
    found = [
        LangevinDynamics(
            each, each.system, DynamicsSettings(), platform="Reference", seed=1
        ).least_distance_nm(x)
        for each in (bound, far)
    ]
    assert found[0] == pytest.approx(by_hand)
    assert found[1] > 5.0


def drag(bound):
    settings = PathSettings(steps_per_leap=500)
    dragged = DraggedComplex(bound, settings, "Reference", seed=1)
    targets = (
        bound.positions_nm[dragged.tokens] + np.array([0, 0, 1.2]) * dragged.is_ligand[:, None]
    )
    done = dragged.drag(at_rest(bound), targets)
    return done.least_distance_nm > settings.exit_nm, done.steps, seems_out(done.end.positions_nm)


def pull(bound):
    settings = PullSettings(steps=500, length_nm=1.2)
    done = StraightPull(bound, settings, "Reference").pull(at_rest(bound), np.array([0, 0, 1.0]))
    return done.least_distance_nm > settings.exit_nm, done.steps, seems_out(done.end.positions_nm)


def hills(bound):
    settings = MetadynamicsSettings(steps_per_hill=10, most_steps=1500)
    done = exit_by_metadynamics(bound, at_rest(bound), settings, platform="Reference", seed=4)
    return done.left, done.steps, seems_out(done.end.positions_nm)


@pytest.mark.parametrize("method", [drag, pull, hills])
def test_each_method_sees_the_box(method):
    left, steps, _ = method(small_complex(box_nm=LARGE_NM))
    assert left
    left, most_steps, seems_out = method(small_complex(box_nm=SMALL_NM))
    assert not left
    assert most_steps > steps
    assert seems_out


def test_without_a_box_there_are_no_images():
    assert small_complex().box_nm is None
    assert small_complex(box_nm=SMALL_NM).box_nm == pytest.approx(SMALL_NM * np.eye(3))


def test_a_pull_costs_the_same_in_a_box_and_in_none():
    settings = PullSettings(steps=200, length_nm=0.5, friction_per_ps=0.0)
    works = []
    for bound in (small_complex(), small_complex(box_nm=LARGE_NM)):
        done = StraightPull(bound, settings, "Reference").pull(
            at_rest(bound), np.array([0, 0, 1.0])
        )
        works.append(done.work_kj_per_mol)
    assert works[0] > 1.0
    assert works[1] == pytest.approx(works[0], rel=1e-6)
