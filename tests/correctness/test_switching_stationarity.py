"""Switches keep the Boltzmann distribution of positions and of velocities."""

import numpy as np
import pytest

from .scores import agrees, block_scores
from .switching_chains import (
    KINETIC_EXACT,
    STEPS,
    STEPS_PER_CHANGE,
    TIME_STEPS_PS,
    TWO_KT,
    engine_states,
    kinetic_observables,
    protocol,
)
from .switching_models import DraggedParticle, OscillatorBath, Overshoot

# Every pair of choices occurs.
BATH_CASES = [
    ("morph", "total work", 0.0, {}),
    ("morph", "protocol work", 3.0, TWO_KT),
    ("morph", "metropolized steps", 0.0, TWO_KT),
    ("springs", "total work", 3.0, TWO_KT),
    ("springs", "protocol work", 0.0, {}),
    ("springs", "metropolized steps", 3.0, {}),
    ("alchemical", "total work", 3.0, {}),
    ("alchemical", "total work", 0.0, TWO_KT),
    ("alchemical", "protocol work", 0.0, TWO_KT),
    ("alchemical", "metropolized steps", 3.0, TWO_KT),
]


def scores(model, proposer, switch, n_jumps):
    _, x, v, force = engine_states(model, proposer, switch, n_jumps)
    samples = np.concatenate([model.observables(x), kinetic_observables(model, x, v, force)], 1)
    return block_scores(samples[100:], np.append(model.exact(300.0), KINETIC_EXACT))


@pytest.mark.parametrize(("variant", "rule", "friction", "limit"), BATH_CASES)
def test_a_particle_that_leaps_in_a_bath_of_oscillators(variant, rule, friction, limit):
    switch = protocol(
        variant,
        steps=STEPS,
        steps_per_change=STEPS_PER_CHANGE,
        time_step_ps=TIME_STEPS_PS[rule],
        friction_per_ps=friction,
        rule=rule,
        **limit,
    )
    assert agrees(scores(OscillatorBath(), Overshoot(), switch, 5000))


@pytest.mark.parametrize(
    ("rule", "friction_per_ps"),
    [("total work", 3.0), ("protocol work", 0.0), ("metropolized steps", 0.0)],
)
def test_a_particle_that_is_dragged_between_two_wells(rule, friction_per_ps):
    switch = protocol(
        "springs",
        steps=3 * STEPS,
        steps_per_change=STEPS_PER_CHANGE,
        time_step_ps=TIME_STEPS_PS[rule],
        friction_per_ps=friction_per_ps,
        rule=rule,
        schedule="sigmoid",
    )
    model = DraggedParticle()
    model.half_width_nm = 0.08
    assert agrees(scores(model, Overshoot(), switch, 5000))
