"""What all methods share, and that files with settings stay readable."""

import json

import pytest

from openmm_genmd.unbinding.dynamics_settings import DynamicsSettings
from openmm_genmd.unbinding.exit_metadynamics import MetadynamicsSettings
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.preparation_plan import PreparationPlan
from openmm_genmd.unbinding.straight_pull import PullSettings

METHODS = (PathSettings, PullSettings, MetadynamicsSettings)
STORED = """{
 "pulls": 4, "metadynamics": 1, "seed": 3,
 "pull": {"steps": 50, "steps_per_change": 5, "steps_per_frame": 25, "length_nm": 1.2,
  "spring_kj_per_mol_nm2": 900.0, "exit_nm": 0.7, "time_step_fs": 4.0, "friction_per_ps": 0.0},
 "hills": {"height_kj_per_mol": 4.0, "width_nm": 0.03, "bias_factor": 40.0, "steps_per_hill": 10,
  "most_steps": 150000, "steps_per_frame": 25, "most_frames": 2000, "exit_nm": 0.7,
  "time_step_fs": 4.0, "friction_per_ps": 2.0},
 "starts": 8, "settle_ps": 2.0, "apart_ps": 0.4, "stay_ps": 3.0, "platform": "CPU"
}"""


def test_stored_plans_are_read():
    plan = PreparationPlan.model_validate_json(STORED)
    assert plan.model_dump() == json.loads(STORED)


@pytest.mark.parametrize("method", METHODS)
def test_another_method_takes_over_the_md(method):
    given = DynamicsSettings(exit_nm=0.8, time_step_fs=1.0, friction_per_ps=0.0)
    taken = method(**given.dynamics())
    assert (taken.exit_nm, taken.time_step_fs, taken.friction_per_ps) == (0.8, 1.0, 0.0)
    assert DynamicsSettings(**taken.dynamics()) == given


@pytest.mark.parametrize("method", [DynamicsSettings, *METHODS])
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"exit_nm": 0.0}, "greater than 0"),
        ({"time_step_fs": 0.0}, "greater than 0"),
        ({"friction_per_ps": -1.0}, "greater than or equal to 0"),
        ({"time_step_ps": 0.1}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_refused(method, wrong, message):
    with pytest.raises(ValueError, match=message):
        method(**wrong)
