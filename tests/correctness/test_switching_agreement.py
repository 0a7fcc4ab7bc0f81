"""Engine and oracle make the same switches, from the same random numbers, one after the other.

Plain Verlet dynamics beside the engine does the MD between jumps, so that a difference in any jump,
velocities included, would be seen in all that follow.
"""

import pytest

from openmm_genmd import AlchemicalSwitching

from .switching_chains import KT, LOWEST, oracle, protocol
from .switching_fluid import TrimerInFluid, Tumble
from .switching_landscapes import SystemLandscape
from .switching_models import OscillatorBath, Overshoot
from .switching_moves import Alchemical, alchemical_plan
from .switching_oracle import SwitchingOracle
from .switching_twin import compare

SETTINGS = dict(steps=8, steps_per_change=2, time_step_ps=0.01)
LIMIT = dict(work_limit_kt=0.7, blocks_per_check=1)
RULES = ("protocol work", "total work", "metropolized steps")


@pytest.mark.parametrize("limit", [{}, LIMIT], ids=["", "limit"])
@pytest.mark.parametrize("friction_per_ps", [0.0, 4.0])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
def test_switches_in_a_bath_agree(variant, rule, friction_per_ps, limit):
    settings = SETTINGS | dict(rule=rule, friction_per_ps=friction_per_ps) | limit
    model, leap = OscillatorBath(), Overshoot(contraction=0.8, width_nm=0.015)

    def make_oracle(landscape, leap, draws):
        return oracle(variant, model, leap, draws, **settings)

    records = compare(
        model.system(), model.start_nm(), leap, protocol(variant, **settings), make_oracle
    )
    assert 1 < sum(record.accepted for record in records) < 29
    assert bool(limit) == any(record.reason == "terminated" for record in records)


def fluid_oracle(variant, model, settings):
    """Return what makes an oracle for the molecule in the fluid."""
    if variant != "alchemical":
        return lambda landscape, leap, draws: oracle(variant, landscape, leap, draws, **settings)
    shrinking = SystemLandscape(model.system("size", 0.26, 0.7), "size")
    plan = alchemical_plan(settings["steps"], settings["steps_per_change"])
    rest = {name: settings[name] for name in ("rule", "friction_per_ps")}

    def make_oracle(landscape, leap, draws):
        move = Alchemical(landscape, shrinking, leap.particles, leap, LOWEST)
        return SwitchingOracle(move, draws, KT, settings["time_step_ps"], plan=plan, **rest)

    return make_oracle


@pytest.mark.parametrize("friction_per_ps", [0.0, 4.0])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
def test_switches_of_a_rigid_molecule_in_a_fluid_agree(variant, rule, friction_per_ps):
    model = TrimerInFluid()
    settings = SETTINGS | dict(rule=rule, friction_per_ps=friction_per_ps, time_step_ps=0.004)
    switch = (
        AlchemicalSwitching(
            system=model.system("size", 0.26, 0.7), parameters={"size": (1.0, LOWEST)}, **settings
        )
        if variant == "alchemical"
        else protocol(variant, model.particles, **settings)
    )
    leap = Tumble(turn_rad=0.2, shift_nm=0.01)
    make_oracle = fluid_oracle(variant, model, settings)
    records = compare(model.system(), model.start_nm(), leap, switch, make_oracle, n_jumps=12)
    assert sum(record.accepted for record in records) > 1
