"""Switches that are broken on purpose are found out; the same ones unbroken are not.

Walkers start from independent samples of the Boltzmann distribution, so that any change of an
average over them is a mistake. Twice `LIMIT` is asked for where a twin has to fail.
"""

import numpy as np
import pytest

from .scores import LIMIT, agrees
from .switching_chains import KT, STEPS, STEPS_PER_CHANGE, kinetic_observables, oracle
from .switching_md import SwitchingMD
from .switching_models import AlchemicalBath, OscillatorBath, Overshoot
from .switching_moves import Move

MODEL, WALKERS, MD_STEP_PS = OscillatorBath(), 20000, 0.02
SETTINGS = dict(steps=STEPS, steps_per_change=STEPS_PER_CHANGE, time_step_ps=0.01)
PROTOCOL_WORK = SETTINGS | dict(rule="protocol work")
LOOKS = SETTINGS | dict(time_step_ps=0.02, blocks_per_check=1)
ONE_KT = LOOKS | dict(work_limit_kt=1.0)

TWINS = [
    ("morph", dict(broken="increment missing"), PROTOCOL_WORK),
    ("springs", dict(broken="increment missing"), PROTOCOL_WORK),
    ("alchemical", dict(broken="increment missing"), PROTOCOL_WORK),
    ("morph", dict(plan_broken="not mirrored"), PROTOCOL_WORK),
    ("springs", dict(plan_broken="not mirrored"), PROTOCOL_WORK),
    ("morph", dict(plan_broken="u^2"), PROTOCOL_WORK),
    ("springs", dict(plan_broken="u^2"), PROTOCOL_WORK),
    ("morph", dict(plan_broken="no last change"), PROTOCOL_WORK),
    ("springs", dict(plan_broken="no last change"), PROTOCOL_WORK),
    ("alchemical", dict(plan_broken="no last change"), PROTOCOL_WORK),
    ("springs", dict(broken="ratio at the ends"), PROTOCOL_WORK),
    ("alchemical", dict(broken="ratio at the ends"), PROTOCOL_WORK),
    ("springs", dict(broken="coupling counted"), PROTOCOL_WORK),
    ("morph", dict(broken="forward check only"), ONE_KT),
    ("springs", dict(broken="forward check only"), ONE_KT),
    ("morph", dict(broken="cut-off from the drawn number"), LOOKS),
]


def significance(change) -> np.ndarray:
    """How many standard errors the mean ``(k,)`` of changes ``(w, k)`` is away from zero."""
    return change.mean(axis=0) / (change.std(axis=0) / np.sqrt(len(change)))


def changed_positions(variant, settings, n_jumps=10, seed=1):
    """Scores of the observables of positions after some switches."""
    rng = np.random.default_rng(seed)
    x = start = MODEL.draw(WALKERS, KT, rng)
    switch = oracle(variant, MODEL, Overshoot(), rng, **settings)
    for _ in range(n_jumps):
        y, _, decided = switch.jump(x)
        x = np.where(decided.accepted[:, None, None], y, x)
    assert np.mean(x != start) > 0.05
    return significance(MODEL.observables(x) - MODEL.observables(start))


@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
@pytest.mark.parametrize("settings", [PROTOCOL_WORK, ONE_KT], ids=["protocol work", "limit"])
def test_the_oracle_keeps_the_distribution(variant, settings):
    assert agrees(changed_positions(variant, settings))


@pytest.mark.parametrize(("variant", "broken", "settings"), TWINS)
def test_broken_switches_fail_the_check(variant, broken, settings):
    scores = changed_positions(variant, settings | broken)
    assert np.all(np.isfinite(scores))
    assert np.max(np.abs(scores)) > 1.5 * LIMIT
